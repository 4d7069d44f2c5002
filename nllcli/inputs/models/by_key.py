"""Another model whose rows are found by the keys of the first one's, whatever their order."""

from __future__ import annotations

from dataclasses import field, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Block, Scratch
from nllcli.data.dataset import Dataset
from nllcli.data.layout import Layout
from nllcli.errors import UsageError, setting
from nllcli.inputs.arrays.raw import RawArray
from nllcli.inputs.bytes.files import Spool
from nllcli.inputs.changed import Changed
from nllcli.inputs.keys import KeyedLogits, KeyedValues, digests
from nllcli.inputs.models.classes import Reordered
from nllcli.inputs.shards import JoinedLogits
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from nllcli.data.dataset import BlockSource
    from nllcli.errors import Notice, Remedy

_PIECE_NUMBERS = 1 << 18
# Rows that are closer than this are read together with what lies between them, as much as the second at once.
_LONG_GAP = 1 << 14
_PIECE_BYTES = 1 << 20


@dataclass
class MatchedRows(Changed):
    """The rows of a table, put on disk, of which ``beside`` finds those with the keys of another model's samples.

    Samples are numbered as that model has them. ``rows`` has the numbers of the rows by their keys, ``targets`` (n,)
    those that the ``table`` brings, if they are wanted, ``left_out`` (n,) says which rows have no logits. ``told`` are
    the notes of the table.
    """

    logits: RawArray
    rows: KeyedValues
    targets: NDArray[np.int64] | None
    left_out: NDArray[np.bool_]
    table: BlockSource
    told: tuple[Notice, ...]
    has_targets: bool
    n_bytes: int = field(default=0, init=False)  # of a pass over the samples: the rows are read before
    # The rows of each block, by where it starts: set by any thread.
    _found: dict[int, NDArray[np.int64]] = field(default_factory=dict, init=False)

    @property
    def labels(self) -> bool:
        return self.has_targets

    @property
    def notes(self) -> tuple[Notice, ...]:
        return (*self.told, *self.rows.notes)

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:
        start = max(each for each in list(self._found) if each <= sample)  # while other threads add theirs
        return self.table.place(int(self._found[start][sample - start]), layout, class_index)

    def restart(self) -> None:
        """Begin a pass over the samples."""
        self.rows.restart()
        self._found.clear()

    def beside(self, block: Block, where: Callable[[int], str], scratch: Scratch) -> Block:
        """The rows of the samples of ``block``; raises DataError for a key that has none."""
        assert block.keys is not None
        found = self.rows.of(block.keys, where)
        self._found[block.start] = found
        known = np.maximum(found, 0)
        gone = (found < 0) | self.left_out[known]
        targets = None if self.targets is None else self.targets[known]
        logits = _rows_of(self.logits, known, scratch)
        logits[found < 0] = 0
        return Block(block.start, logits, targets, keys=block.keys, left_out=gone if gone.any() else None)


def _rows_of(array: RawArray, rows: NDArray[np.int64], scratch: Scratch) -> NDArray[Any]:
    """The rows (n, C) of these numbers, read in the order of the file."""
    n_classes = array.shape[1] or 0
    width = n_classes * array.dtype.itemsize
    order = np.argsort(rows, kind="stable")
    places = rows[order]
    out = scratch.array("rows", (len(rows), n_classes), array.dtype)
    for start, stop in _runs(places, max(1, _LONG_GAP // width), max(1, _PIECE_BYTES // width)):
        first = int(places[start])
        some = array.read(first * n_classes, (int(places[stop - 1]) + 1 - first) * n_classes).reshape(-1, n_classes)
        out[order[start:stop]] = some[places[start:stop] - first]
    return out


def _runs(places: NDArray[np.int64], most_between: int, most: int) -> Iterator[tuple[int, int]]:
    """Cut ascending places, which are near each other, into runs of at most so many."""
    breaks = np.flatnonzero(np.diff(places) > most_between) + 1
    for start, stop in zip([0, *breaks.tolist()], [*breaks.tolist(), len(places)], strict=True):
        pieces = (places[start:stop] - places[start]) // most
        cuts = [start, *(np.flatnonzero(np.diff(pieces)) + 1 + start).tolist(), stop]
        yield from pairwise(cuts)


def matched(
    first: Dataset,
    other: Dataset,
    *,
    keeps_targets: bool,
    first_once: tuple[Remedy, ...] = (),
    once: tuple[Remedy, ...] = (),
) -> Dataset:
    """The other model as a dataset whose rows are found by key; the remedies leave one row of each key in either file.

    Raises DataError where one key comes twice.
    """
    name, n_classes = other.logits.name, other.layout.n_classes
    table, spool = _table_of(other.logits), Spool(name)
    dtype = np.dtype(np.float64) if isinstance(table, JoinedLogits) else table.dtype
    keys, targets, gone = list[Any](), list[Any](), list[Any]()
    for chunk in other.chunks(max(1, _PIECE_NUMBERS // n_classes)):
        block = chunk.load(Scratch())
        if block.keys is None:
            raise UsageError(f"{setting('id')} needs {setting('logits')} as tables with that column", where=name)
        spool.write(np.ascontiguousarray(block.logits, dtype).reshape(-1).view(np.uint8).data)
        keys.append(digests(block.keys))
        targets.append(block.targets)
        gone.append(np.zeros(chunk.n, np.bool_) if block.left_out is None else block.left_out)
    n = sum(map(len, gone))
    rows = KeyedValues(
        *(name, np.arange(n), np.concatenate(keys), partial(table.place, layout=other.layout), other.missing, -1),
        logits_once=first_once,
        once=once,
        noun="row",
        other=first.logits.name,
    )
    source = MatchedRows(
        RawArray(name, (n, n_classes), dtype, file=spool.file, offset=0),
        rows,
        np.concatenate(targets) if keeps_targets and targets[0] is not None else None,
        np.concatenate(gone),
        table,
        other.notes,
        other.has_targets,
    )
    return Dataset(
        source,
        Layout(source.shape, 1),
        class_names=other.class_names,
        binary=other.binary,
        ignore_index=other.ignore_index,
        completed=rows.finish,
    )


def _table_of(logits: BlockSource) -> BlockSource:
    """The logits without the targets of the same keys, which are in memory as long as they are."""
    if isinstance(logits, Reordered):
        return replace(logits, logits=_table_of(logits.logits))
    return logits.logits if isinstance(logits, KeyedLogits) else logits
