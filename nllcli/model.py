"""What the rooms hand to each other: frozen, plain, and free of numpy at import time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import zip_longest
from math import prod
from typing import TYPE_CHECKING, Any, Protocol

from nllcli.errors import DataError
from nllcli.words import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Value = float | int | str | None

DEFAULT_IGNORE_INDEX = -100
SOURCES = ("logits", "log-probs", "probs")
REDUCTIONS = ("mean", "sum", "none")
PRECISIONS = ("exact", "fast")


# --- from files to blocks -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layout:
    """How an array of logits lies in its file: ``(outer, n_classes, inner)``, samples counted in file order.

    ``shape`` is the array's own shape (a first entry of None: known only at the end of the stream), ``class_axis``
    is never negative, and ``fortran`` says that the first axis is the fastest in the file.
    """

    shape: tuple[int | None, ...]
    class_axis: int
    fortran: bool = False

    @property
    def _file_shape(self) -> tuple[int | None, ...]:
        return self.shape[::-1] if self.fortran else self.shape

    @property
    def _file_axis(self) -> int:
        return len(self.shape) - 1 - self.class_axis if self.fortran else self.class_axis

    @property
    def n_classes(self) -> int:
        count = self.shape[self.class_axis]
        assert count is not None
        return count

    @property
    def sample_shape(self) -> tuple[int | None, ...]:
        """The shape of the targets."""
        return self.shape[: self.class_axis] + self.shape[self.class_axis + 1 :]

    @property
    def n_samples(self) -> int | None:
        known = [n for n in self.sample_shape if n is not None]
        return prod(known) if len(known) == len(self.sample_shape) else None

    @property
    def inner(self) -> int:
        """Samples that lie side by side for one class; 1 where the class axis is the fastest."""
        after = self._file_shape[self._file_axis + 1 :]
        return prod(n for n in after if n is not None)

    @property
    def outer(self) -> int | None:
        before = self._file_shape[: self._file_axis]
        return None if None in before else prod(n for n in before if n is not None)

    def runs(self, block_samples: int) -> Iterator[tuple[int, int]]:
        """Cut the samples into runs ``(start, n)`` of about ``block_samples``, whatever the number of threads.

        A run is a rectangle of the file: whole outer slices, or a part of one.
        """
        inner, outer = self.inner, self.outer
        assert outer is not None
        if inner <= block_samples:
            step = inner * (block_samples // inner) if inner else 1
            total = outer * inner
            yield from ((start, min(step, total - start)) for start in range(0, total, step))
        else:
            for first in range(0, outer * inner, inner):
                yield from ((first + i, min(block_samples, inner - i)) for i in range(0, inner, block_samples))

    def place(self, sample: int) -> str:
        """Where a sample, counted in file order, is: "row 3", or its index in the targets' shape."""
        position = self.position(sample)
        return f"row {sample}" if position is None else f"position {position}"

    def position(self, sample: int) -> tuple[int, ...] | None:
        """The index of a sample, counted in file order, in the targets' shape; None where one number says it."""
        if len(self.sample_shape) <= 1:
            return None
        dims = [n for n in self.sample_shape if n is not None]
        index = []
        for n in dims if self.fortran else dims[::-1]:
            sample, i = divmod(sample, n)
            index.append(i)
        return tuple(index if self.fortran else index[::-1])


class Scratch:
    """Named work arrays of one worker, kept from block to block: fresh pages cost more than the arithmetic."""

    def __init__(self) -> None:
        self._buffers: dict[str, NDArray[np.uint8]] = {}
        self._subs: dict[str, Scratch] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """An uninitialised array, valid until the next request under the same name."""
        import numpy as np

        n_bytes = prod(shape) * np.dtype(dtype).itemsize
        buffer = self._buffers.get(name)
        if buffer is None or buffer.nbytes < n_bytes:
            buffer = self._buffers[name] = np.empty(n_bytes, np.uint8)
        array: NDArray[Any] = buffer[:n_bytes].view(dtype).reshape(shape)
        return array

    def sub(self, name: str) -> Scratch:
        """A second set of arrays, for a second file read beside the first."""
        return self._subs.setdefault(name, Scratch())


@dataclass(frozen=True)
class Block:
    """One run of samples in file order.

    ``logits`` is (n, n_classes) in the file's dtype, with strides that follow the file; ``targets`` is (n,) int64,
    or (n, n_classes) floating point for soft targets, or None; ``sample_weights`` is (n,) float64 or None.
    """

    start: int
    logits: NDArray[Any]
    targets: NDArray[Any] | None = None
    sample_weights: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Chunk:
    """A block not read yet: cut in order by one thread, loaded by any; ``n_bytes`` is its share of the file."""

    start: int
    n: int
    load: Callable[[Scratch], Block]
    n_bytes: int = 0


@dataclass(frozen=True)
class LossOptions:
    """Every setting that changes the loss; the names are those of the command line.

    ``class_weights`` is (n_classes,) float64; ``clip`` is eps or None; ``source`` says what the file holds.
    """

    source: str = "logits"
    loss: str = "nll"
    reduction: str = "mean"
    class_weights: NDArray[np.float64] | None = None
    ignore_index: int = DEFAULT_IGNORE_INDEX
    label_smoothing: float = 0.0
    temperature: float = 1.0
    clip: float | None = None
    binary: bool = False
    precision: str = "exact"
    on_nonfinite: str = "error"


class BlockSource(Protocol):
    """An array of logits (or soft targets) that is read block by block.

    A first entry of None in ``shape`` is known only at the end of the stream; ``labels`` tells that the blocks bring
    their own targets; ``n_bytes`` is the sum over all chunks, None where that is not known.
    """

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int | None, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def fortran(self) -> bool: ...
    @property
    def class_names(self) -> tuple[str, ...] | None: ...
    @property
    def labels(self) -> bool: ...
    @property
    def n_bytes(self) -> int | None: ...
    @property
    def notes(self) -> tuple[Notice, ...]: ...

    def chunks(self, layout: Layout, block_samples: int) -> Iterator[Chunk]:
        """Cut the data into chunks of ``block_samples`` samples, in file order."""
        ...

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:
        """Where a sample is, or what it has for one class, in the words of the file."""
        ...


class Progress(Protocol):
    """Is told how far a pass over a file has come."""

    def begin(self, total: int | None) -> None:
        """A pass over ``total`` bytes begins (None: not known)."""
        ...

    def advance(self, n_bytes: int) -> None:
        """So many bytes more are done."""
        ...


class VectorSource(Protocol):
    """One value a sample, in file order."""

    @property
    def name(self) -> str: ...
    @property
    def n(self) -> int: ...

    def read(self, start: int, n: int) -> NDArray[Any]:
        """The values of samples ``start`` to ``start + n``; of any thread."""
        ...

    def place(self, sample: int, layout: Layout) -> str:
        """Where the value of a sample is, in the words of the file."""
        ...


@dataclass(frozen=True)
class Dataset:
    """Logits with what belongs to each sample; data stays on disk until a block is read.

    ``binary`` says that the logits, (N,) or (N, 1), belong to class 1 of two. ``one_more`` is what to do where there is
    one target more than samples.
    """

    logits: BlockSource
    layout: Layout
    targets: VectorSource | None = None
    soft_targets: BlockSource | None = None
    sample_weights: VectorSource | None = None
    class_names: tuple[str, ...] | None = None
    opening_notes: tuple[Notice, ...] = ()
    binary: bool = False
    one_more: str | None = None

    @property
    def n_classes(self) -> int:
        return 2 if self.binary else self.layout.n_classes

    @property
    def has_targets(self) -> bool:
        """Whether there are targets, in a file of their own or among the logits."""
        return self.targets is not None or self.soft_targets is not None or self.logits.labels

    @property
    def notes(self) -> tuple[Notice, ...]:
        """What is worth knowing of the inputs; some of it only once they have been read."""
        return (*self.logits.notes, *self.opening_notes)

    def chunks(self, block_samples: int) -> Iterator[Chunk]:
        """The blocks of the logits, each with its targets and weights; raises DataError where their numbers differ."""
        chunks = self._counted(self.logits.chunks(self.layout, block_samples))
        if self.soft_targets is None:
            for chunk in chunks:
                yield replace(chunk, load=partial(self._load, chunk))
        else:
            # Of text the number of samples is known only at its end; the class probabilities beside it know theirs.
            layout = self.layout
            if layout.n_samples is None:
                layout = replace(layout, shape=(self.soft_targets.shape[0], *layout.shape[1:]))
            for chunk, soft in self._paired(chunks, self.soft_targets.chunks(layout, block_samples)):
                yield replace(chunk, load=partial(self._load_soft, chunk, soft))

    def _paired(self, chunks: Iterator[Chunk], soft: Iterator[Chunk]) -> Iterator[tuple[Chunk, Chunk]]:
        """Chunks of logits with those of their class probabilities; raises DataError where one file has more."""
        assert self.soft_targets is not None
        for chunk, other in zip_longest(chunks, soft):
            if chunk is not None and other is not None and chunk.n == other.n:
                yield chunk, other
                continue
            counts = [
                sum(later.n for later in rest) + (met.start + met.n if met is not None else (chunk or other).start)
                for met, rest in ((chunk, chunks), (other, soft))
            ]
            raise DataError(
                f"has {counts[1]} samples, but {self.logits.name} has {counts[0]}",
                where=self.soft_targets.name,
                finding="lengths-differ",
            )

    def _counted(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Compare the number of samples with that of targets and weights, on the way or at the end."""
        n_samples = 0
        vectors = [vector for vector in (self.targets, self.sample_weights) if vector is not None]
        for chunk in chunks:
            n_samples = chunk.start + chunk.n
            if any(n_samples > vector.n for vector in vectors):
                n_samples += sum(later.n for later in chunks)
                break
            yield chunk
        for vector in vectors:
            if n_samples != vector.n:
                hint = self.one_more if vector is self.targets and vector.n == n_samples + 1 else None
                if vector.n == self.layout.n_classes and self.layout.shape[:1] == (None,):
                    hint = "are the logits transposed? --class-axis 0 takes the rows as classes"
                raise DataError(
                    f"has {counted(vector.n, 'value')}, but {self.logits.name} has {counted(n_samples, 'sample')}",
                    where=vector.name,
                    hint=hint,
                    finding="lengths-differ",
                )

    def _load(self, chunk: Chunk, scratch: Scratch) -> Block:
        block = chunk.load(scratch)
        return Block(
            block.start,
            block.logits,
            block.targets if self.targets is None else self.targets.read(chunk.start, chunk.n),
            None if self.sample_weights is None else self.sample_weights.read(chunk.start, chunk.n),
        )

    def _load_soft(self, chunk: Chunk, soft: Chunk, scratch: Scratch) -> Block:
        targets = soft.load(scratch.sub("soft targets")).logits
        return replace(self._load(chunk, scratch), targets=targets)


# --- from tallies to text -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Notice:
    """Something suspicious or worth knowing; ``code`` is stable, ``message`` is for people."""

    code: str
    message: str


@dataclass(frozen=True)
class Metric:
    """One named number of a report.

    ``key`` is the JSON key, ``label`` is for people, ``unit`` is "nats", "bits", ... and ``note`` says in a few words
    how to read the number. ``headline`` marks the number the command is about. ``hidden`` metrics appear only in the
    formats that programs read.
    """

    key: str
    label: str
    value: Value
    unit: str = ""
    note: str = ""
    headline: bool = False
    hidden: bool = False


@dataclass(frozen=True)
class Column:
    """One column of a table; ``kind`` is "text", "count", "number", "share", "probability", "bar" or "objects".

    Numbers of one column are shown with the same number of decimals; programs get them in full. A bar draws a share
    of 1. Objects are a list of dicts, for JSON alone. An ``optional`` column is left out where a page is too narrow.
    """

    key: str
    label: str
    kind: str = "number"
    unit: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of plain values under named columns; a ``hidden`` one appears only in the formats that programs read.

    Where a screen cannot show all rows, those with the most in the column ``worst`` come after the first ones.
    """

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Any]]
    note: str = ""
    hidden: bool = False
    worst: str | None = None


@dataclass(frozen=True)
class Step:
    """One line of a calculation: what is worked out, in words, and how: text and numbers in turn.

    The numbers of an ``aligned`` step, a sum, are shown with the same number of decimals. A ``verbatim`` one is there
    to be copied: it is kept in one piece.
    """

    label: str
    working: tuple[str | float, ...]
    aligned: bool = False
    verbatim: bool = False


@dataclass(frozen=True)
class Calculation:
    """Steps that lead to a number."""

    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Section:
    """A part of a report that only people read: tables and calculations under one title, a note underneath."""

    title: str
    parts: tuple[Table | Calculation, ...]
    note: str = ""


@dataclass(frozen=True)
class Report:
    """What a command found: names, numbers and units; nothing about how it looks.

    ``sections`` are for people, ``tables`` for programs too. ``quiet`` holds what ``-q`` prints. ``extra`` holds
    values that only JSON shows (nested lists, say).
    """

    command: str
    title: str
    signature: str
    metrics: tuple[Metric, ...] = ()
    tables: tuple[Table, ...] = ()
    warnings: tuple[Notice, ...] = ()
    notes: tuple[Notice, ...] = ()
    quiet: Sequence[Value] = ()
    quiet_separator: str = "\n"
    extra: dict[str, Any] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()
