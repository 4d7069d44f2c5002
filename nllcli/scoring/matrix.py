"""Results of one value a class for every sample: into a file as they come, or into a report for a few.

Those that are gradients have to know what their reduction divides by before the first block.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from nllcli import engine
from nllcli.data.blocks import Chunk
from nllcli.data.names import names_of
from nllcli.errors import UsageError, setting
from nllcli.numerics.exact import ExactSum
from nllcli.numerics.kernels.chosen import kernel_name
from nllcli.numerics.targets import weight_sum
from nllcli.records import dataclass
from nllcli.report import Column, Metric, Report, Table
from nllcli.scoring.passes import chunks, naming_places, open_again, without_logits
from nllcli.scoring.settled import Settled, check_has_classes, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray

    from nllcli.data.blocks import Block, Scratch
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest
    from nllcli.errors import Notice

    ArrayTarget = Callable[..., AbstractContextManager["ArrayWriter"]]  # opens a file for an array of a shape

_MOST_VALUES = 1_000_000
_AS_LOGITS = {
    "log-probs": f"log-probabilities are logits of the same softmax: {setting('source', 'logits')}",
    "probs": "log-probabilities are logits of the same softmax: "
    f"nll compute {setting('source', 'probs')} {setting('save_log_probs', 'FILE.npy')}",
}


class ArrayWriter(Protocol):
    """Takes the values of samples: any thread prepares them, and then they are added in order."""

    def prepare(self, start: int, values: Any) -> Any: ...
    def add(self, prepared: Any) -> None: ...


@dataclass
class Rows:
    """All values (n, n_columns), as long as a page could hold them: what is larger goes into a file as it comes."""

    name: str
    columns: Sequence[str]
    values: list[list[float]] = field(default_factory=list)

    def prepare(self, start: int, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values; raises UsageError where there are more than a report holds."""
        if (start + len(values)) * len(self.columns) > _MOST_VALUES:
            file, csv = setting("output", "FILE.npy"), setting("format", "csv")
            raise UsageError(
                f"has more than {_MOST_VALUES:,} values, too many for a report",
                where=self.name,
                hint=f"{file} writes them as they come, and so does {csv}",
            )
        return values

    def add(self, prepared: NDArray[np.float64]) -> None:
        self.values.extend(prepared.tolist())


@contextmanager
def destination(dataset: Dataset, n_columns: int, target: ArrayTarget | None) -> Iterator[Rows | ArrayWriter]:
    """What takes the values (n, n_columns) of every block: the file of ``target``, or rows for a report."""
    if target is not None:
        with target(**array_like_logits(dataset, n_columns)) as writer:
            yield writer
        return
    n_dims = len(dataset.layout.shape)
    if n_dims > 2:
        raise UsageError(
            f"a table holds (N, C) or (C,), not logits of {n_dims} dimensions",
            where=dataset.logits.name,
            hint=f"{setting('output', 'FILE.npy')} writes them in their own shape",
        )
    yield Rows(dataset.logits.name, names_of(dataset.class_names, dataset.n_classes)[-n_columns:])


def array_like_logits(dataset: Dataset, n_columns: int) -> dict[str, Any]:
    """How a file holds ``n_columns`` numbers a sample: in the shape and memory order of the logits.

    Binary logits have one number a sample, that of class 1, or two once they are probabilities.
    """
    layout, shape = dataset.layout, dataset.logits.shape
    common = {"fortran": layout.fortran, "columns": _class_names(dataset, n_columns)}
    if not dataset.binary:
        return {"shape": shape, "class_axis": layout.array_axis, **common}
    axis = layout.own_axis
    if n_columns == layout.n_classes:
        return {"shape": shape, "class_axis": axis, **common}
    if axis is None:
        return {"shape": (*shape, n_columns), "class_axis": len(shape), **common}
    return {"shape": (*shape[:axis], n_columns, *shape[axis + 1 :]), "class_axis": axis, **common}


def _class_names(dataset: Dataset, n_columns: int) -> tuple[str, ...] | None:
    names = dataset.class_names
    return None if names is None else names[dataset.n_classes - n_columns :]


@dataclass(frozen=True)
class MatrixResult:
    """One value a class for every sample; ``rows`` is None where they went into a file.

    ``key`` is what the values are called in JSON, ``kind`` that of their columns.
    """

    command: str
    title: str
    signature: str
    key: str
    kind: str
    rows: Rows | None
    n_samples: int
    n_classes: int
    metrics: tuple[Metric, ...] = ()
    warnings: tuple[Notice, ...] = ()
    notes: tuple[Notice, ...] = ()


def matrix_report(result: MatrixResult) -> Report:
    """The counts, and a table of one row a sample, its place first, unless the rows went into a file."""
    metrics = (
        *result.metrics,
        Metric("n_samples", "samples", result.n_samples, hidden=True),
        Metric("n_classes", "classes", result.n_classes, hidden=True),
    )
    report = Report(
        result.command,
        result.title,
        result.signature,
        metrics,
        warnings=result.warnings,
        notes=result.notes,
        kernel=kernel_name(),
    )
    if result.rows is None:
        return replace(report, extra={result.key: None})
    values, names = result.rows.values, result.rows.columns
    columns = (Column("sample", "sample", "count"), *(Column(name, name, result.kind) for name in names))
    table = Table(result.key, "", columns, [[i, *row] for i, row in enumerate(values)])
    return replace(report, tables=(table,), quiet=[value for row in values for value in row])


def settle_gradient(request: ScoreRequest) -> tuple[Settled, float]:
    """The request settled, and what its reduction divides by: 1, or for the mean the denominator.

    That takes a pass over the targets of its own, and, where these come with the logits, over inputs opened anew.
    """
    source = request.loss.source
    if source != "logits":
        check_has_classes(request.loss, "a gradient")
        raise UsageError(f"the gradient is by logits; the file holds {source}", hint=_AS_LOGITS[source])
    if request.clip is not None:
        raise UsageError(
            f"{setting('clip')} makes the loss flat in places; the gradient is that of the loss without it"
        )
    settled = settle(request)
    if request.loss.reduction != "mean":
        return settled, 1.0
    dataset, options = settled.dataset, settled.options
    if dataset.targets is None:
        dataset = open_again(request.inputs, "the gradient of a mean needs its denominator first")

    def work(block: Block, _: Scratch) -> ExactSum:
        return weight_sum(block, options, dataset.n_classes)

    with naming_places(dataset):
        denominator = engine.fold(work, ExactSum(), _chunks(dataset), threads=1)
    # Where the weights add up to 0 there is no mean, and no gradient of it.
    return settled, float(denominator) or math.nan


def _chunks(dataset: Dataset) -> Iterator[Chunk]:
    """The targets and weights alone where these do without the logits; else the dataset's own chunks."""
    targets, weights = dataset.targets, dataset.sample_weights
    if targets is None or (weights is not None and weights.n != targets.n):
        yield from chunks(dataset)
        return
    for start in range(0, targets.n, engine.BLOCK_ELEMENTS):
        n = min(engine.BLOCK_ELEMENTS, targets.n - start)
        yield Chunk(start, n, partial(without_logits, dataset, start, n))
