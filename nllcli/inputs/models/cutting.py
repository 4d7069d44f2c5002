"""Blocks of the same samples out of several files, whatever their own blocks are."""

from __future__ import annotations

from itertools import zip_longest
from math import lcm
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.blocks import Block, Chunk, Scratch
from nllcli.inputs.arrays.raw import widened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from nllcli.data.layout import Layout


def size_for(layouts: Sequence[Layout], block_samples: int) -> int:
    """The samples of a block, at most ``block_samples``, for which most layouts are cut at the same places."""
    inners = {max(1, layout.inner) for layout in layouts}
    step = lcm(*inners)
    if step <= block_samples:
        return step * (block_samples // step)
    fewest = -(-step // block_samples)
    for n_pieces in range(fewest, 2 * fewest):
        size, left = divmod(step, n_pieces)
        if not left and all(size % inner == 0 or inner % size == 0 for inner in inners):
            return size
    return block_samples


def are_cut_alike(layouts: Sequence[Layout], size: int) -> bool:
    """Whether blocks of this size are of the same samples in all layouts."""
    if any(layout.n_samples is None for layout in layouts):
        return False
    return all(len(set(runs)) == 1 for runs in zip_longest(*(layout.runs(size) for layout in layouts)))


class Recut:
    """Chunks in order, out of which others are made that are cut elsewhere."""

    def __init__(self, chunks: Iterator[Chunk]) -> None:
        self._chunks = chunks
        self._left: list[Block] = []
        self.n_seen = 0

    def take(self, start: int, n: int) -> Chunk | None:
        """The next ``n`` samples, which begin at ``start``; None where there are fewer.

        A chunk of just these samples is handed on as it is. Others are loaded here, once: what loads them counts what
        it meets.
        """
        parts, stop, n_bytes = self._left, start + n, 0
        while not parts or _end(parts[-1]) < stop:
            chunk = next(self._chunks, None)
            if chunk is None:
                return None
            self.n_seen = chunk.start + chunk.n
            if not parts and (chunk.start, chunk.n) == (start, n):
                return chunk
            parts.append(chunk.load(Scratch()))
            n_bytes += chunk.n_bytes
        self._left = [block for block in parts[-1:] if _end(block) > stop]
        joined = _joined([_cut(block, start, stop) for block in parts])
        return Chunk(start, n, lambda _: joined, n_bytes)

    def n_samples(self) -> int:
        """How many samples there are in all, of which those that are left are counted."""
        return max([self.n_seen, *(chunk.start + chunk.n for chunk in self._chunks)])


def _end(block: Block) -> int:
    return block.start + len(block.logits)


def _cut(block: Block, start: int, stop: int) -> Block:
    """The samples of a block from ``start`` to before ``stop``, as far as it has them."""
    first = max(start, block.start)
    part = slice(first - block.start, stop - block.start)
    keys = None if block.keys is None else block.keys[part]
    targets, left_out = (None if each is None else each[part] for each in (block.targets, block.left_out))
    return Block(first, block.logits[part], targets, keys=keys, left_out=left_out)


def _joined(blocks: Sequence[Block]) -> Block:
    """The blocks, one after another, as one."""
    first, *others = blocks
    if not others:
        return first
    arrays = [block.logits for block in blocks]
    if len({array.dtype for array in arrays}) > 1:
        arrays = [widened(array) for array in arrays]
    targets = [block.targets for block in blocks if block.targets is not None]
    return Block(
        first.start,
        np.concatenate(arrays),
        np.concatenate(targets) if targets else None,
        keys=None if first.keys is None else [key for block in blocks for key in block.keys or ()],
        left_out=_all_left_out(blocks),
    )


def _all_left_out(blocks: Sequence[Block]) -> NDArray[np.bool_] | None:
    """Which samples of the blocks, one after another, have no logits."""
    if all(block.left_out is None for block in blocks):
        return None
    masks = [np.zeros(len(block.logits), np.bool_) if block.left_out is None else block.left_out for block in blocks]
    return np.concatenate(masks)
