"""Targets and weights by key: rows of two tables that belong together, whatever their order."""

from __future__ import annotations

import re
from dataclasses import field, replace
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Scratch
from nllcli.data.layout import Layout
from nllcli.errors import DataError, Notice, Remedy, UsageError, counted, setting
from nllcli.inputs.bytes.files import STANDARD_INPUT, can_be_read_again
from nllcli.inputs.changed import Changed
from nllcli.inputs.tables.cells import shown
from nllcli.inputs.tables.doubts import loosened
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from nllcli.data.blocks import Block, Chunk
    from nllcli.data.dataset import BlockSource

_DIGEST_BYTES = 16
_PIECE_SAMPLES = 1 << 15
_WHOLE = re.compile(r"([+-]?[1-9]\d{0,17}|0)(?:\.0*)?", re.ASCII)


def digests(keys: Iterable[str], *, loose: bool = False) -> NDArray[np.bytes_]:
    """Keys as digests of 128 bits, which no two different keys share: 16 bytes a key, however long it is.

    Whole numbers are the same key with and without a decimal point, as a missing value elsewhere in the column adds
    one. Under ``loose`` keys are compared as ``loosened`` has them.
    """
    plain = map(loosened if loose else _plain, keys)
    found = [blake2b(key.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest() for key in plain]
    return np.array(found, f"S{_DIGEST_BYTES}")


def gather(
    source: BlockSource, take: Callable[[Block], NDArray[Any]], *, loose: bool
) -> tuple[NDArray[Any], NDArray[np.bytes_]]:
    """What is taken of each block of a table, and the digests of the keys of its rows."""
    values, keys = [], []
    for chunk in source.chunks(Layout(source.shape, 1), _PIECE_SAMPLES):
        block = chunk.load(Scratch())
        assert block.keys is not None
        keys.append(digests(block.keys, loose=loose))
        values.append(take(block))
    return np.concatenate(values), np.concatenate(keys)


def _plain(key: str) -> str:
    whole = _WHOLE.fullmatch(key.strip())
    return whole[1].removeprefix("+") if whole else key.strip()


@dataclass
class KeyedValues:
    """Class indices, sample weights or groups (n,), each a ``noun``, with its key's digest; ``place`` is where one is.

    ``missing`` says what becomes of a key that only one of the tables has: an error, or the value of the sample is
    ``absent``, and the sample ``without``; where values are ``required``, no sample may lack one. ``logits_once`` and
    ``once`` leave one row of each key in their files. ``other`` is the file of the samples, where messages name it.
    """

    name: str
    values: NDArray[Any]
    keys: NDArray[np.bytes_]
    place: Callable[[int], str]
    missing: str
    absent: float
    loose: bool = False
    logits_once: tuple[Remedy, ...] = ()
    once: tuple[Remedy, ...] = ()
    noun: str = "target"
    without: str = "left out"
    required: bool = False
    other: str = ""
    _order: NDArray[np.intp] = field(init=False)
    _met: NDArray[np.bool_] = field(init=False)
    # How many samples of each block were matched and left out: appended by any thread.
    _matched: list[int] = field(default_factory=list, init=False)
    _left_out: list[int] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._order = np.argsort(self.keys, kind="stable")
        self._refuse_repeated()
        self.restart()

    def restart(self) -> None:
        """Begin a pass over the logits."""
        self._met = np.zeros(len(self.keys), np.bool_)
        self._matched, self._left_out = [], []

    def _refuse_repeated(self) -> None:
        step = 1 << 20  # a piece at a time, since a sorted copy would take as much memory as the keys
        for start in range(0, len(self._order) - 1, step):
            some = self.keys[self._order[start : start + step + 1]]
            same = np.flatnonzero(some[1:] == some[:-1])
            if same.size:
                first, second = (int(self._order[start + same[0] + i]) for i in (0, 1))
                message = f"has one key twice, in {self.place(first)} and {self.place(second)}"
                raise DataError(message, where=self.name, remedies=self.once, finding="repeated-key")

    def of(self, keys: Sequence[str], where: Callable[[int], str]) -> NDArray[Any]:
        """The values of samples with these keys; raises DataError for a key that has none, or that came before."""
        wanted = digests(keys, loose=self.loose)
        at = np.searchsorted(self.keys, wanted, sorter=self._order)
        rows = self._order[np.minimum(at, len(self._order) - 1)]
        known = self.keys[rows] == wanted
        unknown = np.flatnonzero(~known)
        if unknown.size and (self.required or self.missing == "error"):
            i = int(unknown[0])
            message = f"{self.name} has no {self.noun} for the key {shown(keys[i])}"
            remedy = Remedy({"missing": "ignore"}, f"samples without a {self.noun}: {self.without}")
            remedies = [] if self.required else [remedy]
            raise DataError(message, where=where(i), remedies=remedies, finding="keys-differ")
        self._left_out.append(len(unknown))
        found = rows[known]
        again = self._met[found]
        if again.any() or len(np.unique(found)) < len(found):
            i = int(np.flatnonzero(known)[_first_repeated(found, again)])
            message = f"the key {shown(keys[i])} comes a second time"
            raise DataError(message, where=where(i), remedies=self.logits_once, finding="repeated-key")
        self._met[found] = True
        self._matched.append(len(found))
        out = np.full(len(keys), self.absent, self.values.dtype)
        out[known] = self.values[found]
        return out

    def finish(self) -> None:
        """Raise DataError where a key of the targets has not come, once all samples have."""
        left = np.flatnonzero(~self._met)
        if sum(self._matched) > int(self._met.sum()):  # met by two threads at a time
            message = f"one key comes a second time {f'in {self.other}' if self.other else 'among the logits'}"
            raise DataError(message, where=self.name, remedies=self.logits_once, finding="repeated-key")
        if not self._met.any():
            raise DataError(
                f"has none of the keys of {self.other or 'the logits'}", where=self.name, finding="keys-differ"
            )
        if left.size and self.missing == "error":
            where = self.place(int(left[0]))
            lacks = f"{self.other} does not have" if self.other else "the logits have not"
            message = f"has {counted(len(left), 'key')} that {lacks}, the first in {where}"
            remedy = Remedy({"missing": "ignore"}, f"{self.noun}s {self._alone} are left out")
            raise DataError(message, where=self.name, remedies=[remedy], finding="keys-differ")

    @property
    def _alone(self) -> str:
        """What messages say of a value without a sample."""
        return f"without a sample in {self.other}" if self.other else "without logits"

    @property
    def notes(self) -> tuple[Notice, ...]:
        """How many samples and targets had no counterpart."""
        without, left = sum(self._left_out), int((~self._met).sum())
        told = []
        if without:
            told.append(f"{counted(without, 'sample')} without a {self.noun} {self.without}")
        if left and self.missing == "ignore":
            told.append(f"{counted(left, self.noun)} {self._alone} left out")
        return (Notice("missing-keys", f"{self.name}: {', '.join(told)}"),) if told else ()


def matched(found: KeyedValues, logits: BlockSource) -> NDArray[Any]:
    """The values of all samples of the logits, which are read for their keys."""
    parts, layout = [], Layout(logits.shape, 1)
    for chunk in logits.chunks(layout, _PIECE_SAMPLES):
        block = chunk.load(Scratch())
        assert block.keys is not None
        parts.append(found.of(block.keys, partial(_where, logits, block.start, layout)))
    found.finish()
    return np.concatenate(parts)


def check_read_again(name: str, of: str) -> None:
    """Raise UsageError for logits that cannot be read once more, for the keys of another input."""
    if name == STANDARD_INPUT or not can_be_read_again(name):
        message = f"is read twice where {setting(of)} are matched by {setting('id')}: give it as a file"
        raise UsageError(message, where=name)


def _first_repeated(found: NDArray[np.intp], again: NDArray[np.bool_]) -> int:
    """The place of the first row that was met before, in these rows or in earlier ones."""
    _, first = np.unique(found, return_index=True)
    repeated = again.copy()
    repeated[np.setdiff1d(np.arange(len(found)), first)] = True
    return int(np.flatnonzero(repeated)[0])


@dataclass
class KeyedLogits(Changed):
    """Logits whose blocks bring the targets of the same keys."""

    targets: KeyedValues

    @property
    def labels(self) -> bool:
        return True

    @property
    def notes(self) -> tuple[Notice, ...]:
        return (*self.logits.notes, *self.targets.notes)

    def chunks(self, layout: Layout, block_samples: int, first: int = 0) -> Iterator[Chunk]:
        self.targets.restart()
        yield from super().chunks(layout, block_samples, first)

    def _load(self, chunk: Chunk, layout: Layout, scratch: Scratch) -> Block:
        block = chunk.load(scratch)
        assert block.keys is not None
        where = partial(_where, self, block.start, layout)
        return replace(block, targets=self.targets.of(block.keys, where))


@dataclass
class KeysInOrder(Changed):
    """Logits whose rows must have the ``keys`` (digests) of the rows of the file ``other``, one by one.

    ``columns`` are the names of the key in both tables, as the setting for it has them; none where it cannot help.
    """

    keys: NDArray[np.bytes_]
    other: str
    columns: str
    loose: bool = False

    def _load(self, chunk: Chunk, layout: Layout, scratch: Scratch) -> Block:
        block = chunk.load(scratch)
        assert block.keys is not None
        theirs = self.keys[block.start : block.start + len(block.keys)]
        differing = np.flatnonzero(digests(block.keys, loose=self.loose)[: len(theirs)] != theirs)
        if differing.size:
            i = int(differing[0])
            where = _where(self, block.start, layout, i)
            raise other_order(where, f"the key {shown(block.keys[i])}", self.other, self.columns)
        return block


def _where(source: BlockSource, start: int, layout: Layout, i: int) -> str:
    return f"{source.name}, {source.place(start + i, layout)}"


def other_order(where: str, key: str, other: str, columns: str) -> UsageError:
    """The refusal to take rows one by one whose keys are in another order."""
    message = f"has {key}, and the same row of {other} another one"
    return UsageError(
        message, where=where, remedies=[Remedy({"id": columns})] if columns else (), finding="keys-differ"
    )
