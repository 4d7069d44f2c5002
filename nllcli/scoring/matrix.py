"""Results of one value a class for every sample: into a file as they come, or into a report for a few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from nllcli.errors import UsageError
from nllcli.report import Column, Metric, Report, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray

    from nllcli.data.dataset import Dataset


class ArrayWriter(Protocol):
    """Takes the values of consecutive samples."""

    def write(self, start: int, values: Any) -> None: ...


def array_like_logits(dataset: Dataset, n_columns: int) -> dict[str, Any]:
    """How ``open_array`` is to hold ``n_columns`` numbers a sample: in the shape and memory order of the logits.

    Binary logits have one number a sample, that of class 1, or two once they are probabilities.
    """
    layout = dataset.layout
    common = {"fortran": layout.fortran, "columns": _class_names(dataset, n_columns)}
    if n_columns == layout.n_classes:
        # Binary logits (N,) are laid out as (N, 1).
        class_axis = None if len(dataset.logits.shape) < len(layout.shape) else layout.class_axis
        return {"shape": dataset.logits.shape, "class_axis": class_axis, **common}
    return {"shape": (layout.shape[0], n_columns), "class_axis": layout.class_axis, **common}


def _class_names(dataset: Dataset, n_columns: int) -> tuple[str, ...] | None:
    names = dataset.class_names
    return None if names is None else names[dataset.n_classes - n_columns :]


def _column_names(dataset: Dataset, n_columns: int) -> tuple[str, ...]:
    """The classes' names, or their numbers."""
    return _class_names(dataset, n_columns) or tuple(map(str, range(dataset.n_classes)[-n_columns:]))


@dataclass(frozen=True)
class ArrayTarget:
    """Where an array goes: a file, opened by ``open_array`` in ``format`` (None: by its extension)."""

    open_array: Callable[..., AbstractContextManager[ArrayWriter]]
    path: str
    format: str | None = None
    dtype: str = "f8"


def matrix(
    blocks: Iterable[tuple[int, NDArray[np.float64]]],
    about: MatrixTable,
    dataset: Dataset,
    *,
    n_columns: int,
    target: ArrayTarget | None,
) -> Report:
    """Write ``blocks`` into ``target``, or, without one, into the report; its notes go out either way."""
    if target is None:
        return _matrix_report(blocks, about, dataset, n_columns=n_columns)
    _write_matrix(blocks, target, dataset, n_columns=n_columns)
    return Report(about.command, about.title, about.signature, notes=dataset.notes)


def _write_matrix(
    blocks: Iterable[tuple[int, NDArray[np.float64]]], target: ArrayTarget, dataset: Dataset, *, n_columns: int
) -> None:
    """Write ``blocks`` of (start, values (n, n_columns)) in the shape and memory order of the logits."""
    plan = array_like_logits(dataset, n_columns)
    with target.open_array(target.path, dtype=target.dtype, format=target.format, **plan) as writer:
        for start, values in blocks:
            writer.write(start, values)


_MOST_VALUES = 1_000_000


@dataclass(frozen=True)
class MatrixTable:
    """How a report on a matrix names things: ``key`` is that of JSON, ``kind`` that of its columns."""

    command: str
    title: str
    signature: str
    key: str
    kind: str
    metrics: tuple[Metric, ...] = ()


def _matrix_report(
    blocks: Iterable[tuple[int, NDArray[np.float64]]], about: MatrixTable, dataset: Dataset, *, n_columns: int
) -> Report:
    """A table of one row a sample, its place first."""
    if len(dataset.layout.shape) > 2:
        raise UsageError(
            f"a table holds (N, C) or (C,), not logits of {len(dataset.layout.shape)} dimensions",
            where=dataset.logits.name,
            hint="-o FILE.npy writes them in their own shape",
        )
    names = _column_names(dataset, n_columns)
    rows = _rows(blocks, n_columns, dataset.logits.name)
    columns = (Column("sample", "sample", "count"), *(Column(name, name, about.kind) for name in names))
    table = Table(about.key, "", columns, [[i, *row] for i, row in enumerate(rows)])
    metrics = (
        *about.metrics,
        Metric("n_samples", "samples", len(rows), hidden=True),
        Metric("n_classes", "classes", dataset.n_classes, hidden=True),
    )
    return Report(
        about.command,
        about.title,
        about.signature,
        metrics,
        (table,),
        notes=dataset.notes,
        quiet=[value for row in rows for value in row],
    )


def _rows(blocks: Iterable[tuple[int, NDArray[np.float64]]], n_columns: int, name: str) -> list[list[float]]:
    """All rows, as long as a page could hold them: what is larger goes into a file as it comes."""
    rows: list[list[float]] = []
    for _, values in blocks:
        if (len(rows) + len(values)) * n_columns > _MOST_VALUES:
            raise UsageError(
                f"has more than {_MOST_VALUES:,} values, too many for a report",
                where=name,
                hint="-o FILE.npy writes them as they come, and so does -f csv",
            )
        rows.extend(values.tolist())
    return rows
