"""The sequences that lose the most on average, token by token."""

from __future__ import annotations

import math
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nllcli.data.blocks import Part
from nllcli.numerics.exact import ExactSum, exact_count, exact_sum, exact_sums
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

# Beyond what rounding leaves of a sum of float64, as a share of the sum of their sizes.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class SequenceLoss:
    """A sequence by its ``number``, with the sum of the losses of its ``n`` tokens that count, without weights.

    ``losses`` are those of its first tokens, None for those that do not count, and ``targets`` the classes of these,
    None where they are not known.
    """

    number: int
    n: int
    loss_sum: ExactSum
    losses: tuple[float | None, ...]
    targets: tuple[int | None, ...] | None = None

    @property
    def mean(self) -> float:
        """The mean loss of its tokens."""
        return self.loss_sum.divided_by(exact_count(self.n))


@dataclass(frozen=True)
class Tokens:
    """Some neighbouring tokens: their ``losses`` (n,), which of them are ``counted`` (n,), and their ``targets`` (n,).

    The targets are None where they are not one class each.
    """

    losses: NDArray[np.float64]
    counted: NDArray[np.bool_]
    targets: NDArray[np.int64] | None

    def part(self, start: int, stop: int) -> Tokens:
        """Those between two places."""
        there = slice(start, stop)
        return Tokens(self.losses[there], self.counted[there], None if self.targets is None else self.targets[there])


@dataclass(frozen=True)
class Piece:
    """Some of the ``length`` tokens of a sequence: how many are here, how many of them count, and their loss.

    ``shown`` are runs of its first tokens, each with the position of the first.
    """

    length: int
    n_here: int
    n: int
    loss_sum: ExactSum
    shown: tuple[tuple[int, Tokens], ...]

    @classmethod
    def of(cls, tokens: Tokens, position: int, length: int, n_shown: int) -> Self:
        """That of tokens from a ``position`` on, of which those among the first ``n_shown`` are shown."""
        counted = tokens.losses[tokens.counted]
        shown = tokens.part(0, max(0, n_shown - position))
        runs = ((position, shown),) if len(shown.losses) else ()
        return cls(length, len(tokens.losses), len(counted), exact_sum(counted), runs)

    def __add__(self, other: Piece) -> Piece:
        shown = sorted((*self.shown, *other.shown), key=lambda run: run[0])
        n_here, n = self.n_here + other.n_here, self.n + other.n
        return Piece(self.length, n_here, n, self.loss_sum + other.loss_sum, tuple(shown))

    def as_sequence(self, number: int) -> SequenceLoss:
        """The sequence that it is all of."""
        runs = [run for _, run in self.shown]
        losses = tuple(_or_none(each, c) for run in runs for each, c in zip(run.losses, run.counted, strict=True))
        known = [(run.targets, run.counted) for run in runs if run.targets is not None]
        targets = tuple(
            _or_none(each, c) for classes, counted in known for each, c in zip(classes, counted, strict=True)
        )
        return SequenceLoss(number, self.n, self.loss_sum, losses, targets if len(known) == len(runs) else None)


def _or_none(value: Any, counted: np.bool_) -> Any:
    return value.item() if counted else None


@dataclass(frozen=True)
class Sequences(Part):
    """At most ``most`` sequences, ``items``, those of the largest mean loss, the largest first; of equals the first.

    ``pieces`` are the sequences, by number, of which there are only some tokens yet; all are of one ``length``.
    """

    length: int = 0
    most: int = 0
    items: tuple[SequenceLoss, ...] = ()
    pieces: dict[int, Piece] = field(default_factory=dict)

    @classmethod
    def of(cls, tokens: Tokens, start: int, *, length: int, most: int, n_shown: int) -> Self:
        """Those of the tokens from number ``start`` on, of sequences of one ``length`` that follow each other."""
        stop = start + len(tokens.losses)
        first, last = -(-start // length), stop // length
        ends = [(start, stop)] if last < first else [(start, first * length), (last * length, stop)]
        pieces = {
            low // length: Piece.of(tokens.part(low - start, high - start), low % length, length, n_shown)
            for low, high in ends
            if low < high
        }
        whole = tokens.part(first * length - start, max(first, last) * length - start)
        items = [
            Piece.of(whole.part(i * length, (i + 1) * length), 0, length, n_shown).as_sequence(first + i)
            for i in _hardest(whole, length, most)
        ]
        return cls(length, most, tuple(items), pieces)

    def __add__(self, other: Sequences) -> Sequences:
        pieces = dict(self.pieces)
        for number, piece in other.pieces.items():
            pieces[number] = pieces[number] + piece if number in pieces else piece
        done = [number for number, piece in pieces.items() if piece.n_here == piece.length]
        found = [sequence for number in done if _counts(sequence := pieces.pop(number).as_sequence(number))]
        most = min(self.most, other.most) or max(self.most, other.most)  # beyond the fewer, some may be missing
        items = hardest_first((*self.items, *other.items, *found))[:most]
        return Sequences(max(self.length, other.length), most, items, pieces)

    def shifted(self, by: int) -> Sequences:
        """The same of tokens whose numbers are so much higher, which is by whole sequences."""
        by //= self.length
        items = tuple(replace(each, number=each.number + by) for each in self.items)
        return replace(self, items=items, pieces={number + by: piece for number, piece in self.pieces.items()})


def hardest_first(sequences: Iterable[SequenceLoss]) -> tuple[SequenceLoss, ...]:
    """The sequences in their order."""
    return tuple(sorted(sequences, key=lambda each: (-each.mean, each.number)))


def _counts(sequence: SequenceLoss) -> bool:
    """Whether there is a mean loss."""
    return bool(sequence.n) and not math.isnan(sequence.mean)


def _hardest(tokens: Tokens, length: int, most: int) -> Iterator[int]:
    """Which of the sequences that follow each other are the hardest, in order.

    Only those are added up without rounding whose mean as float64 has it may be among the largest.
    """
    losses = np.where(tokens.counted, tokens.losses, 0.0).reshape(-1, length)
    n = np.count_nonzero(tokens.counted.reshape(-1, length), axis=1)
    means, sizes = losses.sum(axis=1) / n, np.abs(losses).sum(axis=1) / n
    able = np.flatnonzero(~np.isnan(means))
    if not (most and len(able)):
        return iter(())
    means, off = means[able], np.where(np.isfinite(sizes[able]), _ROUNDING * sizes[able], 0.0)
    at_least = np.partition(means - off, -min(most, len(able)))[-min(most, len(able))]
    chosen = able[means + off >= at_least]
    groups = np.repeat(np.arange(len(chosen)), length)
    sums = exact_sums(losses[chosen].ravel(), groups, len(chosen))
    exact = [sums[i].divided_by(exact_count(int(n[c]))) for i, c in enumerate(chosen.tolist())]
    order = sorted(range(len(chosen)), key=lambda i: (-exact[i], i))
    return iter(chosen[order[:most]].tolist())
