"""The samples of a loss: just what is shown of them is kept, and where they are many not in memory."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.inputs.bytes.files import Spool
from nllcli.numerics.evaluate import Outcome
from nllcli.records import dataclass
from nllcli.report import RUN, Cells, Nested

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nllcli.commands.compute import Sections
    from nllcli.data.layout import Layout
    from nllcli.scoring.settled import Settled

SMALL_SAMPLES = 20
SMALL_CLASSES = 10
_MOST_BYTES = 1 << 24  # of one kind of numbers in memory
_WINDOW_BYTES = 1 << 23  # of them at a time in another order: the longer, the more that is read at once


class Numbers(ABC):
    """Numbers (n, ...) of samples, read a run of samples at a time."""

    @abstractmethod
    def __len__(self) -> int:
        """How many samples there are."""

    @abstractmethod
    def read(self, start: int, stop: int) -> NDArray[Any]:
        """The numbers of the samples from ``start`` to before ``stop``."""

    def all(self) -> NDArray[Any]:
        """The numbers of all samples."""
        return self.read(0, len(self))

    def cells(self) -> Cells:
        """The numbers as the cells of a table, lists of them where they have several dimensions."""
        return Cells(len(self), lambda start, stop: self.read(start, stop).tolist())

    def column(self, c: int) -> Cells:
        """Those of class ``c`` as the cells of a table."""
        return Cells(len(self), lambda start, stop: self.read(start, stop)[:, c].tolist())


class KeptNumbers(Numbers):
    """Numbers that come block by block: of more than ``most_bytes``, in a temporary file without a name."""

    def __init__(self, name: str, most_bytes: float = math.inf) -> None:
        self._name = name
        self._most_bytes = most_bytes
        self._blocks: list[NDArray[Any]] = []
        self._waiting = 0  # bytes of the blocks
        self._spool: Spool | None = None
        self._none = np.empty(0)  # the type, and the shape of one
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def append(self, block: NDArray[Any]) -> None:
        """Take the numbers of the next samples."""
        self._blocks.append(block)
        self._none = np.empty((0, *block.shape[1:]), block.dtype)  # a slice would keep the block
        self._n, self._waiting = self._n + len(block), self._waiting + block.nbytes
        if self._waiting > self._most_bytes:
            self._spool = self._spool or Spool(self._name)
            self._flush(self._spool)

    def _flush(self, spool: Spool) -> None:
        for block in self._blocks:
            spool.write(block.ravel().view(np.uint8).data)
        self._blocks, self._waiting = [], 0

    def read(self, start: int, stop: int) -> NDArray[Any]:
        if self._spool is None:
            if len(self._blocks) != 1:
                self._blocks = [np.concatenate(self._blocks or [self._none])]
            return self._blocks[0][start:stop]
        return self._from_file(self._spool, np.array([start]), np.array([stop - start]))

    @property
    def item_bytes(self) -> int:
        """How many bytes the numbers of a sample have."""
        return self._none.itemsize * math.prod(self._none.shape[1:])

    def take(self, samples: NDArray[np.int64]) -> NDArray[Any]:
        """The numbers of some ``samples``; of those in a file, which follow each other there are read at once."""
        if self._spool is None:
            return self.all()[samples]
        order = np.argsort(samples)
        samples = samples[order]
        begins = np.flatnonzero(np.diff(samples, prepend=-2) != 1)
        found = self._from_file(self._spool, samples[begins], np.diff(begins, append=len(samples)))
        taken = np.empty_like(found)
        taken[order] = found
        return taken

    def _from_file(self, spool: Spool, firsts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[Any]:
        """The numbers of runs of samples, by the first of each and how many there are."""
        self._flush(spool)
        found = np.empty((counts.sum(), *self._none.shape[1:]), self._none.dtype)
        data, size = memoryview(found.reshape(-1).view(np.uint8).data), self.item_bytes
        for first, n in zip((firsts * size).tolist(), (counts * size).tolist(), strict=True):
            spool.file.read_into(data[:n], first, self._name)
            data = data[n:]
        return found


class _InTargetOrder(Numbers):
    """Numbers in the order of the targets, which is another, a window of them in memory at a time."""

    def __init__(self, numbers: KeptNumbers, layout: Layout) -> None:
        self._numbers, self._layout = numbers, layout
        self._length = max(1, _WINDOW_BYTES // (RUN * numbers.item_bytes)) * RUN  # so that no run lies in two windows
        self._window: tuple[int, NDArray[Any]] | None = None

    def __len__(self) -> int:
        return len(self._numbers)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        length = self._length
        windows = range(start // length, max(start, stop - 1) // length + 1)
        parts = [self._in_window(i)[max(0, start - i * length) : stop - i * length] for i in windows]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _in_window(self, i: int) -> NDArray[Any]:
        if self._window is None or self._window[0] != i:
            places = np.arange(i * self._length, min((i + 1) * self._length, len(self)))
            self._window = i, self._numbers.take(self._layout.file_number(places))
        return self._window[1]


@dataclass(frozen=True, eq=False)
class Losses:
    """The losses of all samples, in the order of the targets, and the ``shape`` of these."""

    numbers: Numbers
    shape: tuple[int, ...]

    def array(self) -> NDArray[np.float64]:
        """All of them in memory."""
        return self.numbers.all().reshape(self.shape)

    def listed(self) -> Nested | float:
        """The losses as lists in lists; of a single sample without an axis, its loss."""
        return Nested(self.numbers.cells(), self.shape) if self.shape else self.array().item()


@dataclass(frozen=True)
class Samples:
    """Every sample in the order of the targets: losses, and where there are few, for a table, what else is known.

    ``targets`` are names of classes, or "ignored"; ``probs`` has one column a class; ``keys`` are the samples' own,
    where rows are matched by key.
    """

    losses: Cells
    targets: Cells | None = None
    probs: tuple[Cells, ...] | None = None
    keys: Sequence[str] | None = None


class Kept:
    """The samples of a small input, or all of them where ``everything`` was asked for.

    ``in_memory`` keeps all of them in memory, as a caller from Python needs them.
    """

    def __init__(self, settled: Settled, sections: Sections, *, in_memory: bool) -> None:
        self._settled = settled
        self._layout = settled.dataset.layout
        self._listed = sections.per_sample
        self.everything = sections.per_sample or settled.options.reduction == "none"
        self.tabled = sections.hold_samples(self._layout.n_samples)
        self.probs = self.tabled and settled.has_classes and settled.dataset.n_classes <= SMALL_CLASSES
        self._most_bytes = math.inf if in_memory else _MOST_BYTES
        self._n = 0
        self._numbers: dict[str, KeptNumbers] = {}
        self._keys: list[str] = []

    def of(self, outcome: Outcome) -> Outcome:
        """What to add of an outcome: a copy of what the next block is read over; any thread may call it."""
        if outcome.losses is None or not (self.everything or outcome.tally.n_samples <= SMALL_SAMPLES):
            return Outcome(outcome.start, outcome.tally)
        targets = outcome.targets if self.tabled and self._settled.has_classes else None
        return Outcome(
            outcome.start,
            outcome.tally,
            outcome.losses,
            outcome.probs if self.probs else None,
            targets=None if targets is None or targets.ndim == 2 else targets.copy(),
            keys=outcome.keys if self.tabled else None,
        )

    def add(self, outcome: Outcome) -> None:
        """Take the samples of the next block, as ``of`` gives them."""
        self._n += outcome.tally.n_samples
        if not self.everything and self._n > SMALL_SAMPLES:
            self._numbers.clear()
            self._keys.clear()
            return
        for name in ("losses", "targets", "probs"):
            block = getattr(outcome, name)
            if block is not None:
                if name not in self._numbers:
                    self._numbers[name] = KeptNumbers(f"the samples of {self._settled.dataset.title}", self._most_bytes)
                self._numbers[name].append(block)
        self._keys += outcome.keys or ()

    def losses(self) -> Losses | None:
        """All losses, where all were asked for."""
        if not self.everything:
            return None
        shape = tuple(self._n if n is None else n for n in self._layout.sample_shape)
        return Losses(self._whole("losses"), shape)

    def samples(self) -> Samples | None:
        """All samples; None where they were not kept for a table."""
        if not (self._listed or (self.tabled and self._numbers)):
            return None
        return Samples(
            self._whole("losses").cells(),
            self._names(self._whole("targets")) if "targets" in self._numbers else None,
            self._columns(self._whole("probs")) if "probs" in self._numbers else None,
            self._keys or None,  # which only tables have; their order is that of the targets
        )

    def _whole(self, name: str) -> Numbers:
        """Those of a name in the order of the targets."""
        numbers = self._numbers.get(name)
        if numbers is None or self._layout.in_target_order:
            return KeptNumbers(name) if numbers is None else numbers
        return _InTargetOrder(numbers, self._layout)

    def _names(self, targets: Numbers) -> Cells:
        names, ignored = self._settled.class_names, self._settled.options.ignore_index

        def read(start: int, stop: int) -> list[str]:
            return ["ignored" if each == ignored else names[each] for each in targets.read(start, stop).tolist()]

        return Cells(len(targets), read)

    def _columns(self, probs: Numbers) -> tuple[Cells, ...]:
        return tuple(probs.column(c) for c in range(self._settled.dataset.n_classes))
