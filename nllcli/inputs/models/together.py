"""The datasets of several models as one."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from nllcli.data.blocks import Block, Chunk
from nllcli.data.dataset import Dataset, Seen
from nllcli.errors import DataError, counted
from nllcli.inputs.joined import Shards
from nllcli.inputs.models.blocks import Agreement, together
from nllcli.inputs.models.by_key import MatchedRows
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

    ``models`` are the datasets of all of them, and the one of number ``leader`` has the targets; ``pieces`` are those
    of their files, one after another, where the files of all models have the same samples.
    """

    models: tuple[Dataset, ...] = ()
    leader: int = 0
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
        return tuple(dict.fromkeys(notice for model in self.models for notice in model.notes))

    def place(self, sample: int) -> str:
        return self.models[0].place(sample)

    def seen(self, sizes: Mapping[int, int], samples: Iterable[int]) -> Seen:
        found = [model.seen(sizes, samples) for model in self.models]
        return replace(found[0], others=tuple(found[1:]))

    def add_seen(self, part: int, seen: Seen) -> None:
        for model, own in zip(self.models, (seen, *seen.others), strict=True):
            if self.pieces:
                model.add_seen(part, own)
            else:
                Dataset.add_seen(model, 0, own)  # of the whole, which may consist of several parts

    @property
    def parts(self) -> tuple[Dataset, ...]:
        return self.pieces or (self,)

    def first_of(self, part: int) -> int:
        return self.models[0].first_of(part) if self.pieces else 0

    def chunks_of(self, part: int, block_samples: int) -> Iterator[Chunk]:
        start = self.first_of(part)
        for chunk in self.parts[part].chunks(block_samples):
            yield replace(chunk, start=start + chunk.start, load=partial(_moved, chunk, start))

    def only(self, parts: Sequence[int]) -> Dataset:
        return all_of([model.only(parts) for model in self.models], self.leader) if self.pieces else self

    def _size(self, block_samples: int) -> int:
        return size_for(self.layouts, block_samples)

    def _loading(self, block_samples: int, first: int) -> Iterator[Chunk]:
        size = self._size(block_samples)
        known = first if first and self.is_seekable and are_cut_alike(self.layouts, size) else 0
        return islice(self._beside(size, known), first - known, None)

    def _beside(self, size: int, first: int) -> Iterator[Chunk]:
        """The chunks of the first model, each with those of the others; raises DataError where one has more samples."""
        agreement = Agreement(self.models, self.leader)
        cut: dict[int, Recut] = {}
        for i, model in enumerate(self.models):
            if isinstance(model.logits, MatchedRows):
                model.logits.restart()
            elif i > 0:
                cut[i] = Recut(_without_soft(model).chunks(size, first))
        n, chunks = 0, self.models[0].chunks(size, first)
        for chunk in chunks:
            n = chunk.start + chunk.n
            found = {i: other.take(chunk.start, chunk.n) for i, other in cut.items()}
            beside = {i: each for i, each in found.items() if each is not None}
            if len(beside) < len(found):
                n = max([n, *(later.start + later.n for later in chunks)])
                break
            yield replace(
                chunk,
                load=partial(self._load_all, agreement, chunk, beside),
                n_bytes=chunk.n_bytes + sum(each.n_bytes for each in beside.values()),
                remote=chunk.remote or any(each.remote for each in beside.values()),
            )
        for i, other in cut.items():
            if (n_other := other.n_samples()) != n:
                raise lengths_differ(self.models[i].logits.name, n_other, self.models[0].logits.name, n)

    def _load_all(self, agreement: Agreement, chunk: Chunk, others: Mapping[int, Chunk], scratch: Scratch) -> Block:
        block = chunk.load(scratch)
        found = [block]
        for i, model in enumerate(self.models[1:], 1):
            own = scratch.sub(f"model {i}")
            if isinstance(model.logits, MatchedRows):
                found.append(model.logits.beside(block, partial(agreement.where, 0, block.start), own))
            else:
                found.append(others[i].load(own))
        return together(found, agreement)


def _without_soft(model: Dataset) -> Dataset:
    """A model whose blocks get the class probabilities of another one, which are read once."""
    if model.soft_targets is None or isinstance(model, Shards):
        return model
    return replace(model, soft_targets=None, missing="error")


def lengths_differ(name: str, n: int, other: str, n_other: int) -> DataError:
    """The refusal of a model that has not as many samples as the other."""
    return DataError(f"has {counted(n, 'sample')}, but {other} has {n_other}", where=name, finding="lengths-differ")


def _moved(chunk: Chunk, start: int, scratch: Scratch) -> Block:
    block = chunk.load(scratch)
    others = tuple(replace(other, start=start + other.start) for other in block.others)
    return replace(block, start=start + block.start, others=others)


def all_of(models: Sequence[Dataset], leader: int = 0) -> Models:
    """The models as one dataset, the first of which is the baseline; the ``leader`` is the first that has targets."""
    own = {each.name: getattr(models[0], each.name) for each in fields(Dataset) if each.init}
    own["completed"] = partial(_complete, models)
    return Models(**own, models=tuple(models), leader=leader, pieces=_pieces(models, leader))


def _pieces(models: Sequence[Dataset], leader: int) -> tuple[Models, ...]:
    """The models of each of the files, where those of all models have the same samples."""
    lengths = {tuple(part.layout.n_samples for part in model.parts) for model in models}
    known = lengths.pop()
    if lengths or len(known) < 2 or None in known:
        return ()
    return tuple(all_of(parts, leader) for parts in zip(*(model.parts for model in models), strict=True))


def _complete(models: Sequence[Dataset]) -> None:
    for model in models:
        model.completed()
