"""Logits of a file whose blocks are changed as they are loaded."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from nllcli.data.blocks import Block, Chunk, Scratch
    from nllcli.data.dataset import BlockSource
    from nllcli.data.layout import Layout
    from nllcli.errors import Notice


@dataclass
class Changed:
    """Logits whose blocks are changed by ``_load``: a BlockSource, all else as ``logits`` has it."""

    logits: BlockSource

    @property
    def name(self) -> str:
        return self.logits.name

    @property
    def shape(self) -> tuple[int | None, ...]:
        return self.logits.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.logits.dtype

    @property
    def fortran(self) -> bool:
        return self.logits.fortran

    @property
    def class_names(self) -> tuple[str, ...] | None:
        return self.logits.class_names

    @property
    def labels(self) -> bool:
        return self.logits.labels

    @property
    def n_bytes(self) -> int | None:
        return self.logits.n_bytes

    @property
    def notes(self) -> tuple[Notice, ...]:
        return self.logits.notes

    def chunks(self, layout: Layout, block_samples: int, first: int = 0) -> Iterator[Chunk]:
        for chunk in self.logits.chunks(layout, block_samples, first):
            yield replace(chunk, load=partial(self._load, chunk, layout))

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:
        return self.logits.place(sample, layout, class_index)

    def _load(self, chunk: Chunk, layout: Layout, scratch: Scratch) -> Block:
        raise NotImplementedError
