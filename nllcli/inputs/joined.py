"""Datasets of several files as one."""

from __future__ import annotations

from dataclasses import replace
from functools import partial as partially
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Self

from nllcli.data.dataset import Dataset
from nllcli.data.layout import Layout
from nllcli.errors import Notice, UsageError, counted
from nllcli.inputs.bytes.files import name_of
from nllcli.inputs.shards import JoinedLogits, JoinedValues, summed_up, total
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nllcli.data.blocks import Chunk
    from nllcli.data.dataset import BlockSource, LeftOut, Seen, VectorSource
    from nllcli.data.settings import InputOptions


class Names(NamedTuple):
    """What messages call the inputs that stand for several files."""

    logits: str
    targets: str | None
    sample_weights: str | None
    groups: str | None = None

    @classmethod
    def of(cls, options: InputOptions) -> Self:
        words = (options.targets, options.sample_weights, options.groups)
        return cls(name_of(options.logits), *(None if word is None else name_of(word) for word in words))


@dataclass(frozen=True)
class Shards(Dataset):
    """Datasets one after another as one; the errors of each name its own files.

    ``pairing`` says what put logits and targets together.
    """

    shards: tuple[Dataset, ...] = ()
    pairing: str = ""
    names: Names = Names("", None, None)

    @property
    def title(self) -> str:
        """The word for the logits, how many files that stands for, and what they were paired by."""
        told = ", ".join([counted(len(self.shards), "file"), *([self.pairing] if self.pairing else [])])
        return f"{self.logits.name} ({told})"

    @property
    def parts(self) -> tuple[Dataset, ...]:
        return self.shards

    def first_of(self, part: int) -> int:
        return self._joined.starts(self.layout)[part]

    @property
    def notes(self) -> tuple[Notice, ...]:
        return (*summed_up([shard.notes for shard in self.shards]), *self.opening_notes)

    def add_seen(self, part: int, seen: Seen) -> None:
        self.shards[part].add_seen(0, seen)
        self._joined.note_length(part, seen.n, self.layout)

    @property
    def _joined(self) -> JoinedLogits:
        assert isinstance(self.logits, JoinedLogits)
        return self.logits

    def _loading(self, block_samples: int, first: int) -> Iterator[Chunk]:
        return islice(self._one_by_one(block_samples), first, None)

    def _one_by_one(self, block_samples: int) -> Iterator[Chunk]:
        for i in range(len(self.shards)):
            yield from self.chunks_of(i, block_samples)

    def chunks_of(self, part: int, block_samples: int) -> Iterator[Chunk]:
        return self._joined.in_turn(part, self.layout, self.shards[part].chunks(block_samples))

    def only(self, parts: Sequence[int]) -> Dataset:
        """The dataset of some of the shards, at least one of them."""
        shards = [self.shards[part] for part in parts]
        return joined(self.names, shards, self.pairing, self.left_out, partial=self.may_be_partial)


def joined(
    names: Names,
    shards: Sequence[Dataset],
    pairing: str = "",
    left_out: LeftOut | None = None,
    *,
    partial: bool = False,
) -> Shards:
    """The shards, at least one, as one dataset."""
    first, layouts = shards[0], [shard.layout for shard in shards]
    for shard in shards:
        check_order(shard.layout, shard.logits.name)
    layout, groups = _common(layouts), None
    if first.groups is not None:
        from nllcli.inputs.groups.numbering import numbered_together

        shards, groups = numbered_together(shards, names.groups or "")
    soft = [shard.soft_targets for shard in shards if shard.soft_targets is not None]
    return Shards(
        JoinedLogits(names.logits, [shard.logits for shard in shards], layout.shape, layouts),
        layout,
        targets=_values(names.targets, [shard.targets for shard in shards], layouts),
        soft_targets=JoinedLogits(names.targets or "", soft, layout.shape, layouts) if soft else None,
        sample_weights=_values(names.sample_weights, [shard.sample_weights for shard in shards], layouts),
        groups=groups,
        class_names=first.class_names,
        opening_notes=_other_types([shard.logits for shard in shards]),
        binary=first.binary,
        ignore_index=first.ignore_index,
        missing=first.missing,
        completed=partially(_complete, shards),
        left_out=left_out,
        may_be_partial=partial,
        shards=tuple(shards),
        pairing=pairing,
        names=names,
    )


def _complete(shards: Sequence[Dataset]) -> None:
    for shard in shards:
        shard.completed()


def check_order(layout: Layout, name: str) -> None:
    """Raise UsageError for an array whose samples, in the order of its file, are not in that of its targets."""
    if not layout.in_target_order:
        message = "is in Fortran order; of several files, arrays of three and more axes are read in C order"
        raise UsageError(message, where=name, hint="numpy.ascontiguousarray makes it")


def _common(layouts: Sequence[Layout]) -> Layout:
    """The layout of all samples: that of the shards, one after another along the first axis, or a row a sample."""
    first, lengths = layouts[0], [layout.shape[0] for layout in layouts]
    alike = {(layout.class_axis, layout.own_axis, layout.shape[1:]) for layout in layouts}
    if len(alike) == 1 and first.class_axis > 0:
        return replace(first, shape=(total(lengths), *first.shape[1:]), fortran=False)
    return Layout((total([layout.n_samples for layout in layouts]), first.n_classes), 1)


def _values(name: str | None, sources: Sequence[VectorSource | None], layouts: Sequence[Layout]) -> JoinedValues | None:
    found = [source for source in sources if source is not None]
    return JoinedValues(name or found[0].name, found, layouts) if found else None


def _other_types(sources: Sequence[BlockSource]) -> tuple[Notice, ...]:
    """The note on files whose numbers are of another type than those of the first."""
    first = sources[0]
    other = next((source for source in sources if source.dtype != first.dtype), None)
    if other is None:
        return ()
    told = f"{other.name}: holds {other.dtype}, and {first.name} {first.dtype}"
    return (Notice("types-differ", told),)
