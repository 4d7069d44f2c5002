"""Parts of a dataset, which other processes can read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from nllcli.data.blocks import Chunk
from nllcli.data.dataset import Dataset


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
