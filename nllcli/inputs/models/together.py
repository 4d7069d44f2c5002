"""The datasets of several models as one."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Block, Chunk
from nllcli.data.dataset import Dataset, Seen
from nllcli.errors import DataError, counted
from nllcli.inputs.models.cutting import Recut, are_cut_alike, size_for
from nllcli.inputs.shards import total
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nllcli.data.blocks import Scratch
    from nllcli.data.layout import Layout
    from nllcli.errors import Notice


@dataclass(frozen=True)
class Models(Dataset):
    """The first of several models, whose blocks bring those of the others with the same samples.

    ``models`` are the datasets of all of them; ``pieces`` those of their files, one after another, where the files of
    all models have the same samples.
    """

    models: tuple[Dataset, ...] = ()
    pieces: tuple[Models, ...] = ()

    @property
    def title(self) -> str:
        return self.models[0].title

    @property
    def layouts(self) -> tuple[Layout, ...]:
        return tuple(layout for model in self.models for layout in model.layouts)

    @property
    def n_bytes(self) -> int | None:
        return total([model.n_bytes for model in self.models])

    @property
    def is_seekable(self) -> bool:
        return all(model.is_seekable for model in self.models)

    def n_blocks(self, block_samples: int) -> int | None:
        return self.models[0].n_blocks(self._size(block_samples)) if self.is_seekable else None

    @property
    def notes(self) -> tuple[Notice, ...]:
        told = [notice for model in self.models for notice in model.notes]
        return tuple(dict.fromkeys([*told, *self.opening_notes]))

    def place(self, sample: int) -> str:
        return self.models[0].place(sample)

    def seen(self, sizes: Mapping[int, int], samples: Iterable[int]) -> Seen:
        first, *others = self.models
        return replace(first.seen(sizes, samples), others=tuple(other.seen(sizes, ()) for other in others))

    @property
    def parts(self) -> tuple[Dataset, ...]:
        return self.pieces or (self,)

    def first_of(self, part: int) -> int:
        return self.models[0].first_of(part) if self.pieces else 0

    def add_seen(self, part: int, seen: Seen) -> None:
        if self.pieces:
            self.pieces[part].add_seen(0, seen)
            return
        for model, own in zip(self.models, (seen, *seen.others), strict=True):
            Dataset.add_seen(model, 0, own)  # of a whole, whose files may be several

    def chunks_of(self, part: int, block_samples: int) -> Iterator[Chunk]:
        if not self.pieces:
            yield from self.chunks(block_samples)
            return
        start = self.first_of(part)
        for chunk in self.pieces[part].chunks(block_samples):
            yield replace(chunk, start=start + chunk.start, load=partial(_moved, chunk, start))

    def only(self, parts: Sequence[int]) -> Dataset:
        if not self.pieces:
            return self
        return together([model.only(parts) for model in self.models])

    def _size(self, block_samples: int) -> int:
        return size_for(self.layouts, block_samples)

    def _loading(self, block_samples: int, first: int) -> Iterator[Chunk]:
        size = self._size(block_samples)
        known = first if first and self.is_seekable and are_cut_alike(self.layouts, size) else 0
        return islice(self._paired_chunks([model.chunks(size, known) for model in self.models]), first - known, None)

    def _paired_chunks(self, cut: Sequence[Iterator[Chunk]]) -> Iterator[Chunk]:
        """The chunks of the first model, each with those of the others; raises DataError where one has more samples."""
        chunks, n = cut[0], 0
        others = [Recut(each) for each in cut[1:]]
        for chunk in chunks:
            n = chunk.start + chunk.n
            found = [other.take(chunk.start, chunk.n) for other in others]
            if None in found:
                n = max([n, *(later.start + later.n for later in chunks)])
                break
            beside = [each for each in found if each is not None]
            yield replace(
                chunk,
                load=partial(self._load_all, chunk, beside),
                n_bytes=sum(each.n_bytes for each in (chunk, *beside)),
                remote=any(each.remote for each in (chunk, *beside)),
            )
        for model, other in zip(self.models[1:], others, strict=True):
            n_other = other.n_samples()
            if n_other != n:
                raise lengths_differ(model.logits.name, n_other, self.models[0].logits.name, n)

    def _load_all(self, chunk: Chunk, others: Sequence[Chunk], scratch: Scratch) -> Block:
        block = chunk.load(scratch)
        found = [other.load(scratch.sub(f"model {i}")) for i, other in enumerate(others, 1)]
        return with_others(block, found, self.ignore_index)


def lengths_differ(name: str, n: int, other: str, n_other: int) -> DataError:
    """The refusal of a model that has not as many samples as the other."""
    message = f"has {counted(n, 'sample')}, but {other} has {n_other}"
    return DataError(message, where=name, finding="lengths-differ")


def with_others(block: Block, others: Sequence[Block], ignore_index: int) -> Block:
    """The block of the first model with the others, which get its targets and weights.

    What has no logits in one of them is left out of all.
    """
    targets, gone = block.targets, [each.left_out for each in (block, *others) if each.left_out is not None]
    if gone and targets is not None:
        targets = np.where(np.logical_or.reduce(gone), ignore_index, targets)
    shared: dict[str, Any] = {
        "targets": targets,
        "sample_weights": block.sample_weights,
        "groups": block.groups,
        "keys": block.keys,
    }
    return replace(block, targets=targets, others=tuple(replace(other, **shared) for other in others))


def _moved(chunk: Chunk, start: int, scratch: Scratch) -> Block:
    block = chunk.load(scratch)
    others = tuple(replace(other, start=start + other.start) for other in block.others)
    return replace(block, start=start + block.start, others=others)


def together(models: Sequence[Dataset], opening_notes: tuple[Notice, ...] = ()) -> Models:
    """The models as one dataset, the first of which is the baseline."""
    first = models[0]
    own = {each.name: getattr(first, each.name) for each in fields(Dataset) if each.init}
    own |= {"opening_notes": opening_notes, "completed": partial(_complete, models)}
    return Models(**own, models=tuple(models), pieces=_pieces(models))


def _pieces(models: Sequence[Dataset]) -> tuple[Models, ...]:
    """The models of each of the files, where those of all models have the same samples."""
    lengths = {tuple(part.layout.n_samples for part in model.parts) for model in models}
    known = lengths.pop()
    if lengths or len(known) < 2 or None in known:
        return ()
    return tuple(together(parts) for parts in zip(*(model.parts for model in models), strict=True))


def _complete(models: Sequence[Dataset]) -> None:
    for model in models:
        model.completed()
