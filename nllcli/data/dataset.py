"""Logits with what belongs to each sample, on disk until a block is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import partial
from itertools import islice, zip_longest
from math import inf
from typing import TYPE_CHECKING, Any, Protocol, Self, SupportsIndex

import numpy as np

from nllcli.data.blocks import Block, Chunk, Scratch
from nllcli.data.layout import Layout
from nllcli.data.settings import DEFAULT_IGNORE_INDEX
from nllcli.errors import DataError, NoRows, Notice, Remedy, UsageError, counted
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray


class BlockSource(Protocol):
    """An array of logits (or soft targets) that is read block by block.

    A first entry of None in ``shape`` is known only at the end of the stream; ``labels`` says that the blocks bring
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

    def chunks(self, layout: Layout, block_samples: int, first: int = 0) -> Iterator[Chunk]:
        """Cut the data into chunks of ``block_samples`` samples, in file order, and yield them from ``first`` on."""
        ...

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:
        """Where a sample is, or what it has for one class, in the words of the file."""
        ...


class VectorSource(Protocol):
    """One value a sample, in file order."""

    @property
    def name(self) -> str: ...
    @property
    def n(self) -> int: ...

    def read(self, start: int, n: int) -> NDArray[Any]:
        """The values of samples ``start`` to ``start + n``; any thread may call it."""
        ...

    def place(self, sample: int, layout: Layout) -> str:
        """Where the value of a sample is, in the words of the file."""
        ...


class GroupSource(VectorSource, Protocol):
    """The number of each sample's group, from 0 to before ``n_groups``, each of which has samples.

    ``lie_together`` says that no sample of another group lies between two of one, in file order.
    """

    @property
    def n_groups(self) -> int: ...
    @property
    def lie_together(self) -> bool: ...


@dataclass(frozen=True)
class LeftOut:
    """The number ``n`` of files that are not scored, out of ``of``, and why, in the words of a message.

    ``names`` are those of them whose names are known; the numbers of the others may be missing in a set.
    """

    n: int
    of: int
    why: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What reading blocks of a dataset elsewhere has shown: there are ``n`` samples in them.

    ``notes`` are those of its files, ``n_without`` how many samples of NaN alone each block has, by where it starts,
    and ``places`` where some of the samples are. ``others`` say the same of other models.
    """

    n: int
    notes: tuple[Notice, ...]
    n_without: Mapping[int, int]
    places: Mapping[int, str]
    others: tuple[Seen, ...] = ()


def nothing() -> None:
    """What there is to do at the end of a pass over most datasets, and to say of one target too many."""


@dataclass(frozen=True)
class Dataset:
    """Logits with what belongs to each sample; data stays on disk until a block is read.

    ``binary`` says that the logits, one a sample, belong to class 1 of two. ``one_more`` makes the remedy where there
    is one target more than there are samples, ``by_key`` where both have keys and not as many rows. ``ignore_index``
    becomes the target of samples without logits; where ``missing`` is "ignore", samples of NaN alone are such, too.
    ``completed`` is called once all blocks have been worked on; it raises DataError for what is left over.
    ``left_out`` says which files of several are not in it; ``may_be_partial`` that more of them may be found unfit.
    """

    logits: BlockSource
    layout: Layout
    targets: VectorSource | None = None
    soft_targets: BlockSource | None = None
    sample_weights: VectorSource | None = None
    groups: GroupSource | None = None
    class_names: tuple[str, ...] | None = None
    opening_notes: tuple[Notice, ...] = ()
    binary: bool = False
    one_more: Callable[[], Remedy | None] = nothing
    by_key: Remedy | None = None
    ignore_index: int = DEFAULT_IGNORE_INDEX
    missing: str = "error"
    completed: Callable[[], None] = nothing
    left_out: LeftOut | None = None
    may_be_partial: bool = False
    # How many samples of each block have NaN for logits, by where it starts: set by any thread.
    _n_without: dict[int, int] = field(default_factory=dict, init=False, repr=False, compare=False)
    _elsewhere: list[Seen] = field(default_factory=list, init=False, repr=False, compare=False)
    _whole: Dataset | None = field(default=None, init=False, repr=False, compare=False)
    _recipe: Callable[[], tuple[Any, ...]] | None = field(default=None, init=False, repr=False, compare=False)

    def pickled_by(self, recipe: Callable[[], tuple[Any, ...]]) -> Self:
        """The dataset, pickled as the call that opens it anew, as ``recipe`` gives it; a changed copy has no recipe."""
        object.__setattr__(self, "_recipe", recipe)
        return self

    def kept_with(self, whole: Dataset) -> Self:
        """The dataset, and with it the ``whole`` of which it is a part."""
        object.__setattr__(self, "_whole", whole)
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        return super().__reduce_ex__(protocol) if self._recipe is None else self._recipe()

    def opened_anew(self) -> Self | None:
        """The same dataset for a second pass; None where an input can be read only once."""
        if self._recipe is None:
            return None
        try:
            function, arguments = self._recipe()
        except UsageError:
            return None
        again: Self = function(*arguments)
        return again

    @property
    def title(self) -> str:
        """What a report calls the logits."""
        return self.logits.name

    @property
    def models(self) -> tuple[Dataset, ...]:
        """The datasets of all models whose samples these are, this one the first."""
        return (self,)

    @property
    def parts(self) -> tuple[Dataset, ...]:
        """The datasets, one after another, that this one consists of: one for each of its files of logits."""
        return (self,)

    def chunks_of(self, part: int, block_samples: int) -> Iterator[Chunk]:  # noqa: ARG002 - there is one
        """The blocks of one of the parts, numbered in the whole; the parts are asked for in order."""
        return self.chunks(block_samples)

    def first_of(self, part: int) -> int:  # noqa: ARG002 - there is one
        """The number of the first sample of a part, once blocks up to it have been cut."""
        return 0

    def only(self, parts: Sequence[int]) -> Dataset:  # noqa: ARG002 - there is one
        """The dataset of some of the parts, at least one of them."""
        return self

    @property
    def recipe(self) -> tuple[Any, ...]:
        """The function that opens the same dataset anew, and its arguments; raises UsageError where none can."""
        assert self._recipe is not None
        return self._recipe()

    @property
    def is_seekable(self) -> bool:
        """Whether any block can be read without those before it, any number of times."""
        sources = (self.logits, self.soft_targets or self.logits)
        return all(getattr(source, "is_seekable", False) for source in sources)

    @property
    def layouts(self) -> tuple[Layout, ...]:
        """Those of all arrays of logits of which a block holds samples."""
        return (self.layout,)

    @property
    def n_bytes(self) -> int | None:
        """The sum over all chunks, None where that is not known."""
        return self.logits.n_bytes

    def n_blocks(self, block_samples: int) -> int | None:
        """How many blocks there are; None where they cannot be read at any place."""
        return sum(1 for _ in self.layout.runs(block_samples)) if self.is_seekable else None

    @property
    def n_classes(self) -> int:
        return 2 if self.binary else self.layout.n_classes

    @property
    def targets_name(self) -> str | None:
        """What the file of the targets is called; None where there is none."""
        targets = self.targets or self.soft_targets
        return None if targets is None else targets.name

    @property
    def has_targets(self) -> bool:
        """Whether there are targets, in a file of their own or among the logits."""
        return self.targets is not None or self.soft_targets is not None or self.logits.labels

    @property
    def notes(self) -> tuple[Notice, ...]:
        """What is worth knowing about the inputs; some of it is known only once they have been read."""
        n = sum(self._n_without.values())
        told = f"{self.logits.name}: {counted(n, 'sample')} of NaN alone left out"
        return (*self._notes_of_files, *(Notice("missing-ignored", told),) * bool(n))

    @property
    def _notes_of_files(self) -> tuple[Notice, ...]:
        """Those of whoever has met the most that is worth one: of blocks at any place, all meet the same kinds."""
        own = (*self.logits.notes, *self.opening_notes)
        return max((own, *(seen.notes for seen in self._elsewhere)), key=len)

    def place(self, sample: int) -> str:
        """Where a sample is among the logits, in the words of their file."""
        for seen in self._elsewhere:
            if sample in seen.places:
                return seen.places[sample]
        return self.logits.place(sample, self.layout)

    def seen(self, sizes: Mapping[int, int], samples: Iterable[int]) -> Seen:
        """What reading blocks of these sizes, by where they start, has shown, with the places of some samples."""
        without = {start: n for start, n in self._n_without.items() if start in sizes}
        places = {sample: self.place(sample) for sample in samples}
        return Seen(sum(sizes.values()), self._notes_of_files, without, places)

    def add_seen(self, part: int, seen: Seen) -> None:  # noqa: ARG002 - there is one
        """Take note of what was seen of a part whose blocks are read elsewhere, the parts in their order."""
        self._n_without.update(seen.n_without)
        self._elsewhere.append(seen)

    def chunks(self, block_samples: int, first: int = 0) -> Iterator[Chunk]:
        """The blocks of the logits from number ``first`` on, each with its targets and weights.

        Raises DataError where their numbers differ.
        """
        # Samples are counted where their number is not known.
        known = 0 if self.layout.n_samples is None else first
        return islice(self._loading(block_samples, known), first - known, None)

    def _loading(self, block_samples: int, first: int) -> Iterator[Chunk]:
        chunks = self._counted(self.logits.chunks(self.layout, block_samples, first))
        if self.soft_targets is None:
            for chunk in chunks:
                yield replace(chunk, load=partial(self._load, chunk))
        else:
            layout = replace(self.layout, fortran=self.soft_targets.fortran)
            # The number of samples in text is known only at its end; the class probabilities may come with theirs.
            if layout.n_samples is None:
                layout = replace(layout, shape=(self.soft_targets.shape[0], *layout.shape[1:]))
            for chunk, soft in self._paired(chunks, self.soft_targets.chunks(layout, block_samples, first)):
                yield replace(chunk, load=partial(self._load_soft, chunk, soft))

    def _paired(self, chunks: Iterator[Chunk], soft: Iterator[Chunk]) -> Iterator[tuple[Chunk, Chunk]]:
        """Chunks of logits with those of their class probabilities; raises DataError where one file has more."""
        assert self.soft_targets is not None
        for chunk, other in zip_longest(self._until_the_end(chunks, soft), soft):
            if chunk is not None and other is not None and chunk.n == other.n:
                yield chunk, other
                continue
            counts = [
                sum(later.n for later in rest) + (met.start + met.n if met is not None else (chunk or other).start)
                for met, rest in ((chunk, chunks), (other, soft))
            ]
            raise self._lengths_differ(counts[1], counts[0])

    def _lengths_differ(self, n_soft: int, n_logits: int) -> DataError:
        assert self.soft_targets is not None
        message = f"has {n_soft} samples, but {self.logits.name} has {n_logits}"
        return DataError(message, where=self.soft_targets.name, finding="lengths-differ")

    def _until_the_end(self, chunks: Iterator[Chunk], soft: Iterator[Chunk]) -> Iterator[Chunk]:
        """The chunks of logits; text without samples must have no class probabilities."""
        try:
            yield from chunks
        except NoRows as error:
            n = sum(chunk.n for chunk in soft)
            if not n:
                raise
            raise self._lengths_differ(n, 0) from error

    def _counted(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Compare the number of samples with that of targets, weights and groups, on the way or at the end."""
        n_samples = self.layout.n_samples or 0
        vectors = [each for each in (self.targets, self.sample_weights, self.groups) if each is not None]
        fewest = min((vector.n for vector in vectors), default=inf)
        try:
            for chunk in chunks:
                n_samples = chunk.start + chunk.n
                if n_samples > fewest:
                    chunk.load(Scratch())  # a line that is not a sample is what is wrong, not the number of lines
                    n_samples += sum(later.n for later in chunks)
                    break
                yield chunk
        except NoRows:
            if not any(vector.n for vector in vectors):
                raise
        for vector in vectors:
            if n_samples != vector.n:
                header = self.one_more if vector is self.targets else getattr(vector, "one_more", nothing)
                one_more = header() if vector.n == n_samples + 1 else None
                remedies = [] if one_more is None else [one_more]
                if vector.n == self.layout.n_classes and self.layout.shape[:1] == (None,) and n_samples > 1:
                    remedies = [Remedy({"class_axis": 0}, "the rows are the classes: the logits are transposed")]
                if vector is self.targets and self.by_key is not None:
                    remedies = [self.by_key]
                raise DataError(
                    f"has {counted(vector.n, 'value')}, but {self.logits.name} has {counted(n_samples, 'sample')}",
                    where=vector.name,
                    remedies=remedies,
                    finding="lengths-differ",
                )

    def _load(self, chunk: Chunk, scratch: Scratch) -> Block:
        block = chunk.load(scratch)
        targets = block.targets if self.targets is None else self.targets.read(chunk.start, chunk.n)
        if self.missing == "ignore" and self.soft_targets is None:
            block = self._without_nan(block)
        if block.left_out is not None:
            if targets is None:
                raise UsageError("samples without logits are left out by their class index", where=self.logits.name)
            targets = targets.copy()
            targets[block.left_out] = self.ignore_index
        weights = None if self.sample_weights is None else self.sample_weights.read(chunk.start, chunk.n)
        groups = None if self.groups is None else self.groups.read(chunk.start, chunk.n)
        return replace(block, targets=targets, sample_weights=weights, groups=groups)

    def _without_nan(self, block: Block) -> Block:
        """The block, samples whose logits are all NaN left out, and counted."""
        if block.logits.dtype.kind != "f":
            return block
        gone = np.isnan(block.logits).all(axis=1)
        self._n_without[block.start] = int(gone.sum())
        if not gone.any():
            return block
        left_out = gone if block.left_out is None else gone | block.left_out
        return replace(block, held=np.where(gone[:, None], 0, block.logits), left_out=left_out)

    def _load_soft(self, chunk: Chunk, soft: Chunk, scratch: Scratch) -> Block:
        targets = soft.load(scratch.sub("soft targets")).logits
        return replace(self._load(chunk, scratch), targets=targets)


@dataclass(frozen=True)
class Piece:
    """The blocks of a dataset from number ``first`` to before ``stop`` (None: to the end); pickles as the dataset does.

    Where the number of samples is known only at the end of a file, only a piece that reaches the end compares it with
    that of the targets.
    """

    dataset: Dataset
    first: int = 0
    stop: int | None = None

    def chunks(self, block_samples: int) -> Iterator[Chunk]:
        """The blocks; what comes before them is not parsed, and of arrays in files not read."""
        n = None if self.stop is None else max(0, self.stop - self.first)
        return islice(self.dataset.chunks(block_samples, self.first), n)
