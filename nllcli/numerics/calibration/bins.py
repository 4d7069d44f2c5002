"""Bins of equal width over probabilities: which of them a claim is in, and what is added up of each."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from nllcli.data.blocks import Part
from nllcli.numerics.edge_table import EdgeTable
from nllcli.numerics.exact import ExactSums, exact_count, exact_counts, exact_sums
from nllcli.numerics.wilson import QUANTILE_95
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from nllcli.numerics.calibration.claims import Claimed

Side = Literal["right", "left", "left-extra"]
Spacing = Literal["fractions", "linspace", "steps", "quotients"]


@dataclass(frozen=True)
class Rule:
    """How probabilities are cut into ``n_bins`` bins of equal width.

    ``side`` says which edge belongs to a bin: ``right`` is (lo, hi] with 0 in the first; ``left`` is [lo, hi) with 1 in
    the last; ``left-extra`` is [lo, hi) with one more bin for 1 alone. ``spacing`` says how the edges are made, in
    ``dtype``, the name of a NumPy dtype:

    - ``fractions``: k / B, rounded once;
    - ``linspace``: k times 1 / B, as NumPy does;
    - ``steps``: k times 1 / B below the middle, and from there on 1 less such steps, rounded once, as PyTorch does
      where the processor fuses multiplication and addition;
    - ``quotients``: where p divided by 1 / B, rounded once, comes to k.
    """

    n_bins: int = 15
    side: Side = "right"
    spacing: Spacing = "fractions"
    dtype: str = "float64"

    @property
    def n_places(self) -> int:
        """How many bins there are, with the one for 1 alone."""
        return self.n_bins + (self.side == "left-extra")


@cache
def edges(rule: Rule) -> NDArray[np.float64]:
    """The edges (n_bins + 1,) of the bins, ascending from 0; read-only."""
    made: NDArray[np.float64] = _SPACINGS[rule.spacing](rule.n_bins, np.dtype(rule.dtype)).astype(np.float64)
    made.flags.writeable = False
    return made


def place(rule: Rule, p: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bin (n,) of each probability (n,), from 0 to ``rule.n_places`` - 1: every one is in a bin."""
    return _table(rule).place(p)


@cache
def _table(rule: Rule) -> EdgeTable:
    """What finds the bins: where an edge belongs to the bin below, the one above begins at the next number."""
    bounds = edges(rule)[1:] if rule.side == "left-extra" else edges(rule)[1:-1]
    return EdgeTable(np.nextafter(bounds, np.inf) if rule.side == "right" else bounds.copy())


def _fractions(n_bins: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    # A fraction of up to 1000 parts is never so near the middle of two values of dtype that float64 takes it there.
    return (np.arange(n_bins + 1) / n_bins).astype(dtype)


def _linspace(n_bins: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    return np.linspace(0.0, 1.0, n_bins + 1, dtype=dtype)


def _steps(n_bins: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    step = dtype.type(1) / dtype.type(n_bins)
    middle = (n_bins + 1) // 2
    upper = [float(1 - Fraction(float(step)) * k) for k in range(n_bins - middle, -1, -1)]
    return np.concatenate([step * np.arange(middle).astype(dtype), np.array(upper, dtype)])


def _quotients(n_bins: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The least values whose quotient is at least k: a few neighbours from k times the width."""
    width = dtype.type(1.0 / n_bins)
    counts = np.arange(n_bins + 1).astype(dtype)
    made = counts * width
    while (short := made / width < counts).any():
        made[short] = np.nextafter(made[short], dtype.type(2))
    while (far := np.nextafter(made, dtype.type(-1)) / width >= counts).any():
        made[far] = np.nextafter(made[far], dtype.type(-1))
    return made


_SPACINGS: dict[Spacing, Callable[[int, np.dtype[Any]], NDArray[Any]]] = {
    "fractions": _fractions,
    "linspace": _linspace,
    "steps": _steps,
    "quotients": _quotients,
}


@dataclass(frozen=True)
class BinSums(Part):
    """What is added up of claims by bin, or by any other groups (B,).

    Of each group, ``n`` counts its claims; ``p``, ``outcomes`` and ``variances`` are the sums of w p, w times the
    outcome and w**2 p q. ``weights`` are the sums of w, None where every w is 1.
    """

    n: NDArray[np.int64] | None = None
    p: ExactSums = ExactSums()
    outcomes: ExactSums = ExactSums()
    variances: ExactSums = ExactSums()
    weights: ExactSums | None = None

    @classmethod
    def of(cls, claims: Claimed, groups: NDArray[np.int64], n_groups: int) -> Self:
        """The sums of ``claims`` (n,), which are in ``groups`` (n,) below ``n_groups``."""
        w = claims.weights

        def by_group(values: NDArray[np.float64]) -> ExactSums:
            return exact_sums(values, groups, n_groups)

        variances = claims.p * claims.q
        return cls(
            np.bincount(groups, minlength=n_groups),
            by_group(claims.p if w is None else w * claims.p),
            _of_outcomes(claims.outcomes, groups, n_groups) if w is None else by_group(w * claims.outcomes),
            by_group(variances if w is None else w * w * variances),
            None if w is None else by_group(w),
        )

    def united(self, starts: NDArray[np.intp]) -> BinSums:
        """The sums of fewer groups, each of all groups from one of the ``starts``, ascending, to the next."""
        if self.n is None:
            return self
        p, outcomes, variances = (each.united(starts) for each in (self.p, self.outcomes, self.variances))
        weights = None if self.weights is None else self.weights.united(starts)
        return BinSums(np.add.reduceat(self.n, starts), p, outcomes, variances, weights)

    @classmethod
    def side_by_side(cls, parts: Sequence[BinSums]) -> Self:
        """The groups of several sums, at least one, one after another."""
        n = [each.n for each in parts if each.n is not None]
        weights = [each.weights for each in parts if each.weights is not None]
        return cls(
            np.concatenate(n),
            ExactSums.side_by_side([each.p for each in parts]),
            ExactSums.side_by_side([each.outcomes for each in parts]),
            ExactSums.side_by_side([each.variances for each in parts]),
            ExactSums.side_by_side(weights) if weights else None,
        )


def _of_outcomes(outcomes: NDArray[np.float64], groups: NDArray[np.int64], n_groups: int) -> ExactSums:
    """The sums of outcomes, which are counts unless outcomes are shares."""
    if (outcomes * (1.0 - outcomes)).any():
        return exact_sums(outcomes, groups, n_groups)
    return exact_counts(np.bincount(groups, outcomes, n_groups).astype(np.int64))


def most_bytes(n_groups: int, *, weighted: bool) -> int:
    """The most bytes that the sums of ``n_groups`` groups take."""
    # A sum below 2**64 counts 2**-1074 in 1,138 bits, which are 176 bytes as an integer of Python; its place takes 8.
    return n_groups * (8 + 184 * (3 + weighted))


@dataclass(frozen=True)
class Bin:
    """What the claims of one bin come to: ``confidence`` and ``accuracy`` are the means of p and of the outcomes.

    Both, and their ``gap``, accuracy less confidence, are None where the bin has no weight. ``variance`` is that of
    the sum of the outcomes, if each p is right.
    """

    low: float
    high: float
    count: int
    weight: float
    confidence: float | None
    accuracy: float | None
    gap: float | None
    variance: float

    @property
    def chance(self) -> float | None:
        """What the gap is beyond once in 20 times, if each p is right; None where the bin has no weight."""
        return QUANTILE_95 * math.sqrt(self.variance) / self.weight if self.weight else None


def bins_of(sums: BinSums, rule: Rule, group: int = 0) -> tuple[Bin, ...]:
    """The bins of ``rule``, whose sums are those from ``group`` on, from the lowest; none of no claims."""
    if sums.n is None:
        return ()
    bounds = [*edges(rule).tolist(), 1.0]
    return tuple(_bin(sums, group + i, bounds[i], bounds[i + 1]) for i in range(rule.n_places))


def _bin(sums: BinSums, group: int, low: float, high: float) -> Bin:
    count = int(sums.n[group]) if sums.n is not None else 0
    weight = exact_count(count) if sums.weights is None else sums.weights[group]
    if not weight.units:
        return Bin(low, high, count, 0.0, None, None, None, 0.0)
    p, outcomes = sums.p[group], sums.outcomes[group]
    return Bin(
        low,
        high,
        count,
        float(weight),
        p.divided_by(weight),
        outcomes.divided_by(weight),
        (outcomes - p).divided_by(weight),
        float(sums.variances[group]),
    )
