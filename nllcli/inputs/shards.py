"""Several files as one: arrays of logits, values and datasets, one after another."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import field, replace
from functools import partial
from itertools import accumulate, islice
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError, NllError, NoRows, Notice, counted, first_few
from nllcli.inputs.arrays.raw import RawArray
from nllcli.inputs.shapes import shown
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from nllcli.data.blocks import Block, Chunk, Scratch
    from nllcli.data.dataset import BlockSource, VectorSource
    from nllcli.data.layout import Layout


_MOST_NAMED = 5


@dataclass
class JoinedLogits:
    """Arrays of logits, one after another: a BlockSource, whose places begin with the name of a file.

    Each has its own of ``layouts``, or, without these, that of the whole for its own length. Arrays that come after
    text of an unknown length get their place among the samples while blocks are cut.
    """

    name: str
    sources: Sequence[BlockSource]
    shape: tuple[int | None, ...]
    layouts: Sequence[Layout] | None = None
    names_files: bool = field(default=True, init=False)
    _starts: list[int] = field(default_factory=lambda: [0], init=False)

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the coarsest of the arrays."""
        return min((source.dtype for source in self.sources), key=lambda dtype: (dtype.kind != "f", dtype.itemsize))

    @property
    def fortran(self) -> bool:
        return False

    @property
    def class_names(self) -> tuple[str, ...] | None:
        return self.sources[0].class_names

    @property
    def labels(self) -> bool:
        return self.sources[0].labels

    @property
    def n_bytes(self) -> int | None:
        return total([source.n_bytes for source in self.sources])

    @property
    def notes(self) -> tuple[Notice, ...]:
        return summed_up([source.notes for source in self.sources])

    def chunks(self, layout: Layout, block_samples: int, first: int = 0) -> Iterator[Chunk]:
        """The chunks of all arrays; none of them has samples of two."""
        return islice(self._chunks(layout, block_samples), first, None)

    def _chunks(self, layout: Layout, block_samples: int) -> Iterator[Chunk]:
        for i, source in enumerate(self.sources):
            own = self.layout_of(i, layout)
            yield from self.in_turn(i, layout, source.chunks(own, block_samples))

    def in_turn(self, i: int, layout: Layout, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """The chunks of array ``i``, its samples numbered after those of the arrays before it."""
        start, n = self.starts(layout)[i], 0
        try:
            for chunk in chunks:
                n = chunk.start + chunk.n
                yield replace(chunk, start=start + chunk.start, load=partial(_moved, chunk, start))
        except NllError as error:
            self.note_length(i, n, layout)  # the other arrays may be gone on with
            if not isinstance(error, NoRows):  # one of several may be empty
                raise
        self.note_length(i, n, layout)

    def layout_of(self, i: int, layout: Layout) -> Layout:
        """The layout of array ``i``, where that of the whole is ``layout``."""
        if self.layouts is not None:
            return self.layouts[i]
        return replace(layout, shape=(self.sources[i].shape[0], *layout.shape[1:]), fortran=self.sources[i].fortran)

    def starts(self, layout: Layout) -> list[int]:
        """The numbers of the first samples, as far as they are known by now, and of the end."""
        while len(self._starts) <= len(self.sources):
            n = self.layout_of(len(self._starts) - 1, layout).n_samples
            if n is None:
                break
            self._starts.append(self._starts[-1] + n)
        return self._starts

    def note_length(self, i: int, n: int, layout: Layout) -> None:
        """Take note that array ``i`` has ``n`` samples, or ends after so many that can be read."""
        starts = self.starts(layout)
        if len(starts) == i + 1:
            starts.append(starts[i] + n)

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:
        """The file of the sample, and where it is there."""
        starts = self.starts(layout)
        i = which(starts, sample, len(self.sources))
        source, own = self.sources[i], self.layout_of(i, layout)
        return f"{source.name}, {source.place(sample - starts[i], own, class_index)}"


def total(lengths: Sequence[int | None]) -> int | None:
    """The sum of lengths; None where one of them is not known."""
    known = [n for n in lengths if n is not None]
    return sum(known) if len(known) == len(lengths) else None


def which(starts: Sequence[int], sample: int, n_parts: int) -> int:
    """The part that has the sample of this number, of those that begin at ``starts``."""
    return min(bisect_right(starts, sample), n_parts) - 1


def _moved(chunk: Chunk, start: int, scratch: Scratch) -> Block:
    block = chunk.load(scratch)
    return replace(block, start=start + block.start)


@dataclass
class JoinedValues:
    """Values of several files, one after another: a VectorSource, whose places begin with the name of a file."""

    name: str
    sources: Sequence[VectorSource]
    layouts: Sequence[Layout]
    names_files: bool = field(default=True, init=False)
    _starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._starts = [0, *accumulate(source.n for source in self.sources)]

    @property
    def n(self) -> int:
        return self._starts[-1]

    def read(self, start: int, n: int) -> NDArray[Any]:
        first, last = (which(self._starts, at, len(self.sources)) for at in (start, start + max(n, 1) - 1))
        found = []
        for source, begin in zip(self.sources[first : last + 1], self._starts[first:], strict=False):
            at = max(start - begin, 0)
            found.append(source.read(at, min(start + n - begin, source.n) - at))
        return found[0] if len(found) == 1 else np.concatenate(found)

    def place(self, sample: int, layout: Layout) -> str:  # noqa: ARG002 - each has its own
        i = which(self._starts, sample, len(self.sources))
        source = self.sources[i]
        return f"{source.name}, {source.place(sample - self._starts[i], self.layouts[i])}"


@dataclass
class Run:
    """``n`` values of a longer source from number ``first`` on: a VectorSource."""

    whole: VectorSource
    first: int
    n: int
    layout: Layout

    @property
    def name(self) -> str:
        return self.whole.name

    def read(self, start: int, n: int) -> NDArray[Any]:
        return self.whole.read(self.first + start, n)

    def place(self, sample: int, layout: Layout) -> str:  # noqa: ARG002 - that of the whole
        return self.whole.place(self.first + sample, self.layout)


def rows_of(array: BlockSource, first: int, n: int) -> RawArray | None:
    """The items ``first`` to ``first + n`` along the first axis of an array; None where they are not in one piece."""
    if not isinstance(array, RawArray) or array.fortran:
        return None
    step = prod(m or 0 for m in array.shape[1:]) * array.dtype.itemsize
    return replace(array, shape=(n, *array.shape[1:]), offset=array.offset + first * step)


def check_same_classes(
    name: str, n_classes: int, own: tuple[str, ...] | None, known: str, n_known: int, names: tuple[str, ...] | None
) -> None:
    """Raise DataError where a file has other classes than the ``known`` one, or has them in another order."""
    if n_classes != n_known:
        raise DataError(f"has {n_classes} classes, but {known} has {n_known}", where=name)
    if own == names:
        return
    if own is None or names is None:
        named, bare = (name, known) if names is None else (known, name)
        raise DataError(f"names its classes, but {bare} does not", where=named)
    if sorted(own) == sorted(names):
        raise DataError(f"has its classes in another order than {known}: {first_few(own, _MOST_NAMED)}", where=name)
    odd = next((each for each in own if each not in names), own[0])
    raise DataError(f"has a class {odd!a}, which {known} does not have", where=name)


def joined_logits(name: str, sources: Sequence[BlockSource]) -> JoinedLogits:
    """Arrays of the same classes and the same shape, but for the first axis, as one; raises DataError for others."""
    first = sources[0]
    for source in sources[1:]:
        own, known = source.shape[-1] or 0, first.shape[-1] or 0
        if len(source.shape) != len(first.shape) or (len(first.shape) > 2 and source.shape[1:] != first.shape[1:]):
            message = f"has shape {shown(source.shape)}, and {first.name} {shown(first.shape)}"
            raise DataError(f"{message}: these differ after the first axis", where=source.name)
        check_same_classes(source.name, own, source.class_names, first.name, known, first.class_names)
    return JoinedLogits(name, sources, (total([source.shape[0] for source in sources]), *first.shape[1:]))


def summed_up(notices: Sequence[tuple[Notice, ...]]) -> tuple[Notice, ...]:
    """What is to be said of several files, each kind once: of the first file, and of how many more."""
    by_code: dict[str, list[str]] = {}
    for each in notices:
        for notice in each:
            by_code.setdefault(notice.code, []).append(notice.message)
    told = []
    for code, messages in by_code.items():
        more = len(messages) - 1
        told.append(Notice(code, messages[0] + (f" (and the like of {counted(more, 'other file')})" if more else "")))
    return tuple(told)
