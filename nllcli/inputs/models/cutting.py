"""Blocks of the same samples out of several files, whatever their own blocks are."""

from __future__ import annotations

from functools import partial
from itertools import zip_longest
from math import lcm
from threading import Lock
from typing import TYPE_CHECKING, Any

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
        self._left: list[_Once] = []
        self.n_seen = 0

    def take(self, start: int, n: int) -> Chunk | None:
        """The next ``n`` samples, which begin at ``start``; None where there are fewer.

        A chunk of just these samples is handed on as it is.
        """
        stop = start + n
        while not self._left or self._left[-1].stop < stop:
            chunk = next(self._chunks, None)
            if chunk is None:
                return None
            self.n_seen = chunk.start + chunk.n
            if not self._left and (chunk.start, chunk.n) == (start, n):
                return chunk
            self._left.append(_Once(chunk))
        parts = self._left
        self._left = [part for part in parts[-1:] if part.stop > stop]
        n_bytes = sum(part.chunk.n_bytes for part in parts if part.chunk.start >= start)
        load = partial(_joined, start, stop, parts)
        return Chunk(start, n, load, n_bytes, any(part.chunk.remote for part in parts))

    def n_samples(self) -> int:
        """How many samples there are in all, of which those that are left are counted."""
        return max([self.n_seen, *(chunk.start + chunk.n for chunk in self._chunks)])


class _Once:
    """A chunk with samples of several blocks, loaded by the first thread that needs one of them."""

    def __init__(self, chunk: Chunk) -> None:
        self.chunk, self.stop = chunk, chunk.start + chunk.n
        self._lock = Lock()
        self._block: Block | None = None

    def cut(self, start: int, stop: int) -> Block:
        """The samples from ``start`` to before ``stop``, as far as they are in this chunk."""
        with self._lock:
            if self._block is None:
                self._block = self.chunk.load(Scratch())
            block, logits = self._block, self._block.logits
        first = max(start, block.start)
        part = slice(first - block.start, stop - block.start)
        keys = None if block.keys is None else block.keys[part]
        targets, left_out = (None if each is None else each[part] for each in (block.targets, block.left_out))
        return Block(first, logits[part], targets, keys=keys, left_out=left_out)


def _joined(start: int, stop: int, parts: Sequence[_Once], _: Scratch) -> Block:
    blocks = [part.cut(start, stop) for part in parts]
    if len(blocks) == 1:
        return blocks[0]
    first, arrays = blocks[0], [block.logits for block in blocks]
    if len({array.dtype for array in arrays}) > 1:
        arrays = [widened(array) for array in arrays]
    keys = None if first.keys is None else [key for block in blocks for key in block.keys or ()]
    targets = None if first.targets is None else np.concatenate([block.targets for block in blocks])
    return Block(start, np.concatenate(arrays), targets, keys=keys, left_out=_all_left_out(blocks))


def _all_left_out(blocks: Sequence[Block]) -> NDArray[np.bool_] | None:
    """Which samples of the blocks, one after another, have no logits."""
    if all(block.left_out is None for block in blocks):
        return None
    masks: list[Any] = [
        np.zeros(len(block.logits), np.bool_) if block.left_out is None else block.left_out for block in blocks
    ]
    return np.concatenate(masks)
