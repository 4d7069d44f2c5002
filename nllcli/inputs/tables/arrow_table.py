"""The columns of a Parquet or Arrow file as a BlockSource."""

from __future__ import annotations

from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Block, Chunk, Scratch
from nllcli.data.layout import Layout
from nllcli.errors import DataError, FaultError, Notice, Remedy, counted
from nllcli.inputs.bytes.libraries import refusing
from nllcli.inputs.integers import are_rounded, rounded_integers
from nllcli.inputs.labels import LabelReader, left_out
from nllcli.inputs.tables.arrow_values import content, lengths, numbers, texts, values_of
from nllcli.inputs.tables.arrow_wide import WaitingRows
from nllcli.inputs.tables.lines import regrouped
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from nllcli.inputs.bytes.files import InputFile

    # Record batches of about ``n_rows`` rows of ``columns``, from row ``start`` on: batches(n_rows, columns, start).
    Batches = Callable[[int, list[str], int], Iterator[Any]]


_PIECE_ROWS = 1 << 13


def column_texts(name: str, batches: Batches, column: str) -> Iterator[str | None]:
    """Every row's text in a column of text or whole numbers, such as labels or keys; None for a missing one."""
    with refusing(name):
        for batch in batches(_PIECE_ROWS, [column], 0):
            yield from texts(batch.column(0))


@dataclass
class ArrowTable:
    """A table of which ``columns`` are the classes, or the one of lists is the samples; a BlockSource.

    The columns are read in this order, whatever theirs is in the file. ``as_is`` says that numpy has their numbers as
    the file does. Samples whose logits are ``missing`` are an error, or left out.
    """

    name: str
    file: InputFile
    n_rows: int | None
    batches: Batches
    columns: list[str]
    n_classes: int
    dtype: np.dtype[Any]
    lists: bool
    label_column: str | None
    label_reader: LabelReader | None
    class_names: tuple[str, ...] | None
    key_column: str | None = None
    missing: str = "error"
    as_is: bool = False
    opening_notes: tuple[Notice, ...] = ()
    candidates: tuple[str, ...] = ()
    fortran: bool = False
    n_bytes: int | None = field(default=None, init=False)
    _rounded: bool = field(default=False, init=False)
    # How many samples are left out, by where their block begins, for each length of blocks: a pass counts them all.
    _left_out: dict[int, dict[int, int]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._version = self.file.version()

    @property
    def shape(self) -> tuple[int | None, ...]:
        return (self.n_rows, self.n_classes)

    @property
    def notes(self) -> tuple[Notice, ...]:
        """What is worth knowing about the rows read so far."""
        rounded = (rounded_integers(self.name),) if self._rounded else ()
        labels = () if self.label_reader is None else self.label_reader.notes(self.name)
        n_left_out = max((sum(counts.values()) for counts in self._left_out.values()), default=0)
        return (*self.opening_notes, *rounded, *labels, *left_out(self.name, n_left_out))

    @property
    def labels(self) -> bool:
        return self.label_column is not None

    def texts(self) -> Iterator[str | None]:
        """The label of every row, None for a missing one."""
        assert self.label_column is not None
        return column_texts(self.name, self.batches, self.label_column)

    def chunks(self, layout: Layout, block_samples: int, first: int = 0) -> Iterator[Chunk]:  # noqa: ARG002
        start = first * block_samples
        wanted = [*self.columns, *(c for c in (self.label_column, self.key_column) if c is not None)]
        counts = self._left_out.setdefault(block_samples, {})
        with refusing(self.name):
            batches = ((batch.num_rows, batch) for batch in self.batches(block_samples, wanted, start))
            for n, parts in regrouped(batches, block_samples, lambda batch, n: (batch.slice(0, n), batch.slice(n))):
                yield Chunk(start, n, partial(self._load, start, n, parts, counts))
                start += n
        if self.file.version() != self._version:
            raise FaultError("changed while it was read", where=self.name)

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:  # noqa: ARG002 - of a row
        return f"row {sample}"

    def _load(self, start: int, n: int, parts: list[Any], counts: dict[int, int], _: Scratch) -> Block:
        logits = np.empty((n, self.n_classes), self.dtype)
        labels: list[NDArray[np.int64]] = []
        keys: list[str] = []
        left_out = np.zeros(n, bool)
        at = n_left_out = 0
        for part in parts:
            rows = slice(at, at + part.num_rows)
            with refusing(self.name):
                batch = part.read() if isinstance(part, WaitingRows) else part
                missing = self._read_logits(batch, logits[rows], start + at)
                if missing is not None:
                    left_out[rows] = missing
                if self.label_column is not None:
                    targets, n_missing = self._targets(batch.column(len(self.columns)), missing, start + at)
                    labels.append(targets)
                    n_left_out += n_missing
                elif missing is not None:
                    n_left_out += int(np.count_nonzero(missing))
                if self.key_column is not None:
                    keys += [key or "" for key in texts(batch.column(batch.num_columns - 1))]
            at += part.num_rows
        if n_left_out:
            counts[start] = n_left_out
        return Block(
            start,
            logits,
            np.concatenate(labels) if labels else None,
            keys=keys if self.key_column is not None else None,
            left_out=left_out if left_out.any() else None,
        )

    def _read_logits(self, batch: Any, out: NDArray[Any], start: int) -> NDArray[np.bool_] | None:
        """Fill ``out`` with the logits of a batch; which rows lack some, and have zeros instead (None: none)."""
        if self.lists:
            return self._read_lists(values_of(batch.column(0)), out, start)
        missing = None
        for j, name in enumerate(self.columns):
            values, absent = self._numbers(batch.column(j))
            if absent is not None:
                self._check_missing(absent, start, f"column {name}")
                missing = absent if missing is None else missing | absent
            out[:, j] = self._noted(values)
        if missing is not None:
            out[missing] = 0
        return missing

    def _read_lists(self, column: Any, out: NDArray[Any], start: int) -> NDArray[np.bool_] | None:
        missing = None
        if column.null_count:
            missing = column.is_null().to_numpy(zero_copy_only=False)
            self._check_missing(missing, start, f"column {self.columns[0]}")
        n_values = lengths(column).fill_null(self.n_classes).to_numpy(zero_copy_only=False)
        odd = np.flatnonzero(n_values != self.n_classes)
        if odd.size:
            message = f"its list has {counted(n_values[odd[0]], 'value')}, the first list has {self.n_classes}"
            raise DataError(message, where=f"{self.name}, row {start + odd[0]}")
        values, absent = self._numbers(column.flatten())
        present = slice(None) if missing is None else ~missing
        out[present] = self._noted(values).reshape(-1, self.n_classes)
        if absent is not None:
            lacking = np.zeros(len(out), bool)
            lacking[present] = absent.reshape(-1, self.n_classes).any(axis=1)
            self._check_missing(lacking, start, "in its list")
            missing = lacking if missing is None else missing | lacking
        if missing is not None:
            out[missing] = 0
        return missing

    def _numbers(self, column: Any) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        if self.as_is and not column.null_count:
            return column.to_numpy(zero_copy_only=False), None
        return numbers(column)

    def _noted(self, values: NDArray[Any]) -> NDArray[Any]:
        """The logits of a column; that they lose digits is noted before their type becomes that of all columns."""
        if are_rounded(values):
            self._rounded = True
        return values

    def _check_missing(self, missing: NDArray[np.bool_], start: int, what: str) -> None:
        """Raise DataError for a logit that is missing, unless such samples are left out."""
        if self.missing == "error":
            row = start + int(missing.argmax())
            raise _empty_cell(f"{self.name}, row {row}, {what}")

    def _targets(
        self, column: Any, without_logits: NDArray[np.bool_] | None, start: int
    ) -> tuple[NDArray[np.int64], int]:
        """The class indices of a batch, those of samples that are left out being ignored, and how many these are."""
        reader = self.label_reader
        assert reader is not None

        def where(i: int) -> str:
            return f"{self.name}, row {start + i}"

        if content(column.type) in ("text", "bytes"):
            labels = [None if reader.is_missing(label) else label for label in texts(column)]
            missing = self._missing_labels(np.array([label is None for label in labels], bool), start)
            targets = reader.read(labels, where)
        else:
            values, absent = numbers(column)
            none = np.zeros(len(values), bool) if absent is None else absent
            missing = self._missing_labels(none | np.isnan(values) if values.dtype.kind == "f" else none, start)
            targets = self._indices(np.where(missing, 0, values) if missing.any() else values, where)
        if without_logits is not None:
            missing |= without_logits
        targets[missing] = reader.ignore_index
        return targets, int(np.count_nonzero(missing))

    def _missing_labels(self, missing: NDArray[np.bool_], start: int) -> NDArray[np.bool_]:
        """Which labels are missing; raises DataError at the first, unless such samples are left out."""
        reader = self.label_reader
        assert reader is not None
        if reader.missing == "error" and missing.any():
            where = f"{self.name}, row {start + int(missing.argmax())}, {reader.what}"
            raise _empty_cell(where)
        return missing

    def _indices(self, values: NDArray[Any], where: Callable[[int], str]) -> NDArray[np.int64]:
        """The class indices that numbers or truth values are."""
        reader = self.label_reader
        assert reader is not None
        if values.dtype.kind == "f":
            return reader.of_numbers(values.astype(np.float64), where)
        if values.dtype.kind == "b":
            return reader.of_booleans(values)
        if values.dtype == np.uint64 and (values > np.iinfo(np.int64).max).any():
            return reader.read([str(value) for value in values.tolist()], where)
        return reader.renumbered(values.astype(np.int64), where)


def _empty_cell(where: str) -> DataError:
    """The refusal of a missing value, with the option that leaves its sample out."""
    remedy = Remedy({"missing": "ignore"}, "samples without a target or without logits are left out")
    return DataError("the cell is empty", where=where, remedies=[remedy])
