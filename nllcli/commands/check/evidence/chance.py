"""Means, and when evidence is beyond chance: one chance in a million, for everything that statistics decide."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.blocks import Part
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.numerics.by_class import ByClass

# The mean of n independent values is five standard errors above its expectation about once in 3.5 million files.
SIGMAS = 5.0
# -log of one in a million: what the tail bounds below are measured against.
_NATS_OF_SURPRISE = math.log(1e6)


@dataclass(frozen=True)
class Moments(Part):
    """``n`` values, their sum and the sum of their squares."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Moments:
        return cls(len(values), float(np.add.reduce(values)), float(np.add.reduce(np.square(values))))

    @property
    def mean(self) -> float:
        return self.total / self.n if self.n else math.nan

    def standard_error(self) -> float:
        """Of the mean: the standard deviation (n - 1) over sqrt(n); 0 for fewer than two values."""
        if self.n < 2:
            return 0.0
        variance = (self.squares - self.total * self.mean) / (self.n - 1)
        return math.sqrt(max(variance, 0.0) / self.n)


def sigmas(moments: Moments, expected: float = 0.0) -> float:
    """How many standard errors the mean is above ``expected``; infinite where the values do not vary."""
    excess, error = moments.mean - expected, moments.standard_error()
    if error > 0.0:
        return excess / error
    return math.copysign(math.inf, excess) if excess else 0.0


def missing_is_chance(rarest: int, n_classes: int) -> bool:
    """Whether one of C classes as frequent as one seen ``rarest`` times goes unseen more often than once in a million.

    ``C (1 - m/N)**N``, which is below ``C exp(-m)`` for any number N of draws.
    """
    return math.log(n_classes) - rarest > -_NATS_OF_SURPRISE


def exchange_is_chance(n_for: int, n_against: int, n_moved: int, n_classes: int) -> bool:
    """Whether some exchange of ``n_moved`` of C classes fits this much better by chance.

    McNemar's comparison: of ``n_for + n_against`` samples that one of two readings gets right, a fair coin favours one
    by d or more with probability at most exp(-d**2 / (2 n)) (Hoeffding, JASA 58, 1963), and there are
    ``C! / (C - m)!`` exchanges to choose from.
    """
    d, n = n_for - n_against, n_for + n_against
    choices = math.lgamma(n_classes + 1) - math.lgamma(n_classes - n_moved + 1)
    return d <= 0 or d * d / (2.0 * n) < _NATS_OF_SURPRISE + choices


def hits_are_chance(n_right: float, n: int, n_classes: float, *, choices: float = 1.0) -> bool:
    """Whether guessing among C classes gets ``n_right`` of ``n`` right more often than once in a million.

    Where classes are not equally frequent, C is one over the probability of a hit. ``choices`` are the ways in which
    this was looked for.

    Chernoff's bound ``exp(-n KL(n_right / n, 1 / C))``, Annals of Mathematical Statistics 23 (1952).
    """
    share, guess = n_right / n, 1.0 / n_classes
    if share <= guess or guess >= 1.0:
        return True
    divergence = share * math.log(share / guess)
    if share < 1.0:
        divergence += (1.0 - share) * math.log((1.0 - share) / (1.0 - guess))
    return n * divergence < _NATS_OF_SURPRISE + math.log(choices)


def entropy(counts: ByClass | None) -> float | None:
    """The loss in nats of giving every class the share that it has of the ``counts``; None without any."""
    if counts is None or not counts.sums.any():
        return None
    shares = counts.sums[counts.sums > 0] / counts.sums.sum()
    return float(-(shares * np.log(shares)).sum()) + 0.0


def over_frequencies(loss: Moments, class_losses: ByClass, counts: ByClass) -> tuple[float, Moments]:
    """The entropy of ``counts``, and what each sample loses beyond -log of its class's frequency.

    ``class_losses`` are the sums of the losses by target; the moments of the differences follow from these sums.
    """
    kept = counts.sums > 0
    n, sums = counts.sums[kept].astype(np.float64), class_losses.among(counts.classes)[kept]
    surprisal = -np.log(n / n.sum())
    entropy = float((n * surprisal).sum() / n.sum())
    squares = loss.squares - 2.0 * float((surprisal * sums).sum()) + float((n * np.square(surprisal)).sum())
    return entropy, Moments(loss.n, loss.total - entropy * loss.n, squares)


def agreement_is_chance(n: float, share: float, choices: float) -> bool:
    """Whether one of some ``choices`` agrees in all of ``n`` rows more often than once in a million.

    Each row agrees with probability ``share`` at most: ``choices * share**n``.
    """
    return share >= 1.0 or math.log(choices) + n * math.log(share) > -_NATS_OF_SURPRISE
