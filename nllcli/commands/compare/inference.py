"""What the sums of two models say: the difference, its error, interval and p, and what else follows from them."""

from __future__ import annotations

import math
from dataclasses import replace
from heapq import nlargest
from typing import TYPE_CHECKING

from nllcli.commands.compare.groups import Scattered, Together
from nllcli.commands.compare.resampling import MOST_FLIPPED_UNITS, bootstrap, flips
from nllcli.commands.compare.units import Bins, Units, floats, level_for
from nllcli.numerics.binomial import sign_test_p
from nllcli.numerics.exact import UNIT_BITS, ExactSum, exact_count, root
from nllcli.numerics.spread import Spread
from nllcli.numerics.student import normal_quantile, quantile, two_sided_p, upper_tail
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.commands.compare.resampling import Flips
    from nllcli.commands.compare.sums import Counts, PairSums
    from nllcli.numerics.tally import Tally

# A difference of means this small against them, and an error this small, are rounding.
_ROUNDING = 2.0**-46
_NO_SPREAD = 2.0**-44
_POWER = 0.8
_FEW = 5


@dataclass(frozen=True)
class Question:
    """How a difference is judged: its interval, the ``margin`` within which it does not matter, and resampling."""

    confidence: float = 0.95
    margin: float | None = None
    n_permutations: int = 0
    n_bootstrap: int = 0
    seed: int = 12345
    reduction: str = "mean"
    adjustment: str = "holm"


@dataclass(frozen=True)
class Difference:
    """The difference of two models' losses, model less baseline, with what can be said of it.

    ``standard_error`` is that of units, which are groups of samples or samples, ``independent`` that of samples. None
    stands for what cannot be told; ``value`` may be infinite, or NaN.
    """

    value: float
    standard_error: float | None
    standard_error_independent: float | None
    standard_error_unpaired: float | None
    low: float | None
    high: float | None
    t: float | None
    df: int | None
    p: float | None
    correlation: float | None
    is_rounding: bool
    are_same: bool
    n_units: int
    has_spread: bool

    def verdict(self, margin: float | None) -> str:
        """What the interval says of the model's loss: "lower", "higher", "same", "within-margin" or "undecided"."""
        bound = margin or 0.0
        if self.are_same or self.is_rounding:
            return "same"
        if self.low is None or self.high is None:
            return "undecided"
        if self.high < -bound:
            return "lower"
        if self.low > bound:
            return "higher"
        return "within-margin" if margin is not None and -margin <= self.low and self.high <= margin else "undecided"


def units_of(pair: PairSums) -> Units:
    """The sums over all units of a pair."""
    return pair.units.total() if isinstance(pair.units, Together | Scattered) else pair.units


def coarser(units: Units, n_in_all: int) -> Units:
    """The units in runs of which ``n_in_all``, counted or not, need no shorter ones: nobody may have known how many."""
    return replace(units, bins=units.bins.coarser(level_for(n_in_all)))


def difference(baseline: Tally, model: Tally, pair: PairSums, units: Units, question: Question) -> Difference:
    """The difference of the losses as the reduction has them, its error and its interval."""
    is_sum = question.reduction == "sum"
    weight_sum = exact_count(pair.spread.n) if is_sum else baseline.weight_sum
    value = _difference(baseline.loss_sum, model.loss_sum, None if is_sum else weight_sum)
    if is_sum:
        error, independent = units.spread.error_of_sum(units.total), pair.spread.error_of_sum(pair.difference)
        unpaired = math.hypot(baseline.standard_error_of_sum(), model.standard_error_of_sum())
    else:
        error = units.spread.error_of_ratio(units.total, units.weight_sum)
        independent = pair.spread.error_of_ratio(pair.difference, weight_sum)
        unpaired = math.hypot(baseline.standard_error(), model.standard_error())
    losses = [abs(tally.loss(question.reduction) or 0.0) for tally in (baseline, model)]
    if not math.isfinite(value):
        error = independent = math.nan
    are_same = pair.counts.n_equal == baseline.n_counted > 0 and math.isfinite(value)
    is_rounding = not are_same and math.isfinite(value) and abs(value) <= _ROUNDING * max(losses)
    is_rounding &= not error > _NO_SPREAD * max(losses)
    has_spread = math.isfinite(error) and error > _NO_SPREAD * max(losses)
    df = units.spread.n - 1 if math.isfinite(error) else None
    low = high = t = p = None
    if df is not None:
        half = -quantile((1.0 - question.confidence) / 2.0, df) * error
        low, high = value - half, value + half
        if are_same:
            p = 1.0
        elif has_spread and not is_rounding:
            t = value / error
            p = two_sided_p(t, df)
    return Difference(
        value=value,
        standard_error=known(error),
        standard_error_independent=known(independent),
        standard_error_unpaired=known(unpaired),
        low=low,
        high=high,
        t=t,
        df=df,
        p=p,
        correlation=_correlation(baseline, model, pair, weight_sum),
        is_rounding=is_rounding,
        are_same=are_same,
        n_units=units.spread.n,
        has_spread=has_spread,
    )


def is_evidence(value: float, error: float, losses: Sequence[float]) -> bool:
    """Whether a difference of two ``losses``, and its error, are more than rounding."""
    size = max(map(abs, losses))
    return error > _NO_SPREAD * size and abs(value) > _ROUNDING * size


def known(value: float) -> float | None:
    """A finite number; None for another."""
    return value if math.isfinite(value) else None


def _difference(baseline: ExactSum, model: ExactSum, weight_sum: ExactSum | None) -> float:
    """The difference of two exact sums over the weights, rounded once."""
    if not (baseline.is_finite and model.is_finite):
        return float(model) - float(baseline)
    total = model - baseline
    if weight_sum is None:
        return float(total)
    return total.divided_by(weight_sum) if weight_sum.units else math.nan


def _correlation(baseline: Tally, model: Tally, pair: PairSums, weight_sum: ExactSum) -> float | None:
    """``sum e_a e_b / sqrt(sum e_a**2 sum e_b**2)`` of what the losses are beyond their means, rounded once.

    The products follow from the squares of their differences.
    """
    totals = (baseline.loss_sum, model.loss_sum, pair.difference)
    if not all(each.is_finite for each in (*totals, weight_sum)) or pair.spread.n < 2 or not weight_sum.units:
        return None
    spreads = (baseline.spread, model.spread, pair.spread)
    a, b, d = (spread.about_ratio(total, weight_sum) for spread, total in zip(spreads, totals, strict=True))
    if a <= 0 or b <= 0:
        return None
    twice = a + b - d
    size = min(1.0, root(twice**2, 4 * a * b))
    return size if twice >= 0 else -size


def size_of(tally: Tally) -> float:
    """How large the losses are together, of which sums round; where they cancel, about so."""
    size = max(abs(float(tally.loss_sum)), root(tally.spread.aa, 1 << 2 * UNIT_BITS))
    return min(size, math.nextafter(math.inf, 0.0) / 2)


def flipped(units: Units, scale: float, question: Question) -> Flips | None:
    """The p of sign flips, where it is asked for, or all of them are few."""
    n = units.spread.n
    if not n or not (question.n_permutations or n <= MOST_FLIPPED_UNITS):
        return None
    differences, _ = _resampled(units.bins)
    return flips(floats(differences), question.n_permutations, question.seed, scale)


def drawn(units: Units, question: Question) -> tuple[float, float] | None:
    """The bootstrap's interval, where it is asked for."""
    if not question.n_bootstrap:
        return None
    differences, weights = _resampled(units.bins)
    if not differences:
        return None
    own = None if question.reduction == "sum" else floats(weights)
    return bootstrap(floats(differences), own, question.n_bootstrap, question.seed, question.confidence)


def _resampled(bins: Bins) -> tuple[list[int], list[int]]:
    """The sums of differences and weights of what is resampled: of runs that have units."""
    kept = [(d, w) for d, w, n in zip(*bins.columns, strict=True) if n]
    return [difference for difference, _ in kept], [weight for _, weight in kept]


def shares_of_squares(units: Units, pair: PairSums, reduction: str) -> list[tuple[float, int]]:
    """The shares of the largest units in the sum of the squares that the error is made of, the largest first.

    Each comes with the unit's number. Of more units than are kept they are sought among those of the largest
    differences and the heaviest.
    """
    spread, weight_sum = units.spread, units.weight_sum
    if reduction == "sum":
        spread, weight_sum = Spread(spread.n, spread.aa), exact_count(spread.n)
    whole = spread.about_ratio(units.total, weight_sum) if spread.n > 1 and weight_sum.units else 0
    if whole <= 0:
        return []
    bins = units.bins
    if bins.level:
        of_groups = units.extremes.most > 0
        largest, heaviest = (units.extremes, units.heaviest) if of_groups else (pair.largest, pair.heaviest)
        found = [(i.value, i.beside[0], i.number) for ends in (largest.smallest, largest.largest) for i in ends[:_FEW]]
        found += [(i.beside[0], i.value, i.number) for i in (*heaviest.smallest, *heaviest.largest)]
        kept = [(_units(d), _units(w), number) for d, w, number in dict.fromkeys(found)]
    else:
        kept = [(d, w, bins.first + i) for i, (d, w, n) in enumerate(zip(*bins.columns, strict=True)) if n]
    a, b = units.total.units, weight_sum.units
    rests = ((d * b - a * (w if reduction == "mean" else 1 << UNIT_BITS), number) for d, w, number in kept)
    return [(rest**2 / whole, number) for rest, number in nlargest(_FEW, rests, key=lambda each: abs(each[0]))]


def _units(value: float) -> int:
    """A finite number as a count of 2**-1074."""
    numerator, denominator = float(value).as_integer_ratio()
    return numerator * ((1 << UNIT_BITS) // denominator)


def accuracy_difference(counts: Counts, units: Units) -> tuple[float, float | None] | None:
    """The difference of the shares of right answers, and its standard error; None where no class is predicted."""
    old, new = counts.n_only_baseline_correct, counts.n_only_model_correct
    if old is None or new is None or counts.n_both_correct is None or counts.n_neither_correct is None:
        return None
    n = counts.n_both_correct + old + new + counts.n_neither_correct
    if not n:
        return None
    if units.answers is not None:
        error = units.answers.error_of_ratio(exact_count(new - old), exact_count(n))
    else:
        error = root(n * (old + new) - (new - old) ** 2, (n - 1) * n**2) if n > 1 else math.nan
    return (new - old) / n, known(error)


def mcnemar_p(counts: Counts) -> float | None:
    """The exact p of as many differing answers in favour of one model where either is as likely."""
    old, new = counts.n_only_baseline_correct, counts.n_only_model_correct
    return None if old is None or new is None else sign_test_p(old, new)


def detectable(error: float | None, confidence: float) -> float | None:
    """The difference that would be found in 8 of 10 such comparisons."""
    return None if error is None else (normal_quantile(_POWER) - normal_quantile((1.0 - confidence) / 2.0)) * error


def units_needed(found: Difference, detectable_difference: float | None) -> int | None:
    """How many units like these would find such a difference in 8 of 10 comparisons."""
    if detectable_difference is None or not found.value or not math.isfinite(found.value):
        return None
    times = detectable_difference / abs(found.value)
    needed = found.n_units * times * times  # which may be infinite, where ** would raise OverflowError
    return math.ceil(needed) if math.isfinite(needed) else None


def beyond_margin(found: Difference, margin: float | None) -> tuple[float, float, float] | None:
    """How likely the difference is below, within and above the margin: Student's t about it, a flat prior before."""
    if margin is None or found.df is None or found.standard_error is None or not found.has_spread:
        return None
    d, e, df = found.value, found.standard_error, found.df
    better, worse = upper_tail((margin + d) / e, df), upper_tail((margin - d) / e, df)
    if abs(d) > margin:
        within = upper_tail((abs(d) - margin) / e, df) - upper_tail((abs(d) + margin) / e, df)
    else:
        within = 1.0 - (better + worse)  # the same of swapped models
    return better, max(0.0, within), worse
