"""A file of losses, one a sample, as a BlockSource of one class."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.layout import Layout
from nllcli.data.settings import DEFAULT_IGNORE_INDEX
from nllcli.errors import DataError, Remedy, UsageError, first_few
from nllcli.inputs.arrays.raw import FileArray, NumberArray
from nllcli.inputs.changed import Changed
from nllcli.inputs.tables.columns import are_numbers, choose
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.blocks import Block, Chunk, Scratch
    from nllcli.data.dataset import BlockSource, VectorSource
    from nllcli.inputs.formats import Input, ReadOptions
    from nllcli.inputs.tables.columns import Preview

_HEADINGS = ("loss", "losses", "nll")
_MOST_OFFERED = 8


@dataclass
class Losses(Changed):
    """One class, which is the target of every sample, out of an array of any shape or a column."""

    class_names: None = field(default=None, init=False)
    labels: bool = field(default=True, init=False)

    @property
    def shape(self) -> tuple[int | None, ...]:
        return (*self.logits.shape, 1) if isinstance(self.logits, NumberArray) else self.logits.shape

    @property
    def is_seekable(self) -> bool:
        return getattr(self.logits, "is_seekable", False)

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:  # noqa: ARG002 - of a sample
        return self.logits.place(sample, layout)

    def _load(self, chunk: Chunk, layout: Layout, scratch: Scratch) -> Block:  # noqa: ARG002 - the same for all
        block = chunk.load(scratch)
        return replace(block, targets=np.zeros(block.held.shape[0], np.int64))


def layout_of(losses: BlockSource) -> Layout:
    """The layout of losses: an array has one in each of its places, a table one a row."""
    return Layout(losses.shape, len(losses.shape) - 1, losses.fortran)


def read_losses(opened: Input, reading: ReadOptions) -> Losses:
    """The losses in an open file; raises UsageError that asks which column has them."""
    reading = replace(reading, holds="sample weights", target_column=None, header=None, partner=None)
    preview = opened.preview(replace(reading, member=opened.member))
    if preview is not None and opened.member is None and reading.columns is None and opened.format != "jsonl":
        reading = replace(reading, columns=(_column(preview, reading),))
    source = opened.read(reading)
    if opened.is_text:
        from nllcli.inputs.tables.text import TextTable

        assert isinstance(source, TextTable)  # as labels with scores are logits alone
        source.has_gaps = source.dialect.n_columns > 1  # of one column, a blank line may be a missing loss
    if not isinstance(source, FileArray) and source.shape[1] != 1:
        raise DataError(f"has {source.shape[1]} columns; losses have one", where=source.name)
    return Losses(source)


def _column(preview: Preview, reading: ReadOptions) -> int:
    """The only column of a table, or that of losses by its name."""
    columns = choose(preview, reading).classes
    named = [c for c in columns if preview.has_heading(c) and preview.heading(c).lower() in _HEADINGS]
    found = columns if len(columns) == 1 else named
    if len(found) == 1:
        return found[0]
    names = [preview.heading(c) for c in columns if are_numbers(preview, c)]
    raise UsageError(
        f"has the columns {first_few(list(map(preview.heading, columns)), _MOST_OFFERED)}: which has the losses?",
        where=preview.name,
        remedies=[
            Remedy(files={preview.name: f"{preview.name}:{name}"}, meaning=f"{name} has the losses")
            for name in names[:_MOST_OFFERED]
        ],
    )


@dataclass
class Counted:
    """Which samples count, out of targets of any classes: a VectorSource of 0, or of what is ignored, -100."""

    targets: VectorSource
    ignore_index: int

    @property
    def name(self) -> str:
        return self.targets.name

    @property
    def n(self) -> int:
        return self.targets.n

    def read(self, start: int, n: int) -> NDArray[np.int64]:
        return counted(self.targets.read(start, n), self.ignore_index)

    def place(self, sample: int, layout: Layout) -> str:
        return self.targets.place(sample, layout)


@dataclass
class CountedLogits(Changed):
    """Losses whose blocks bring targets of any classes, by which only is told which samples count."""

    ignore_index: int

    def _load(self, chunk: Chunk, layout: Layout, scratch: Scratch) -> Block:  # noqa: ARG002 - the same for all
        block = chunk.load(scratch)
        assert block.targets is not None
        return replace(block, targets=counted(block.targets, self.ignore_index))


def counted(targets: NDArray[np.int64], ignore_index: int) -> NDArray[np.int64]:
    """Targets of the one class that losses have, or -100 where the target is ignored."""
    return np.where(targets == ignore_index, DEFAULT_IGNORE_INDEX, 0)
