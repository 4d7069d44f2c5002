"""The sums of pairs of models, and their units, out of the data of a file; what contradicts other sums is refused."""

from __future__ import annotations

import math
from base64 import b64decode
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.compare.extremes import Extremes, Item
from nllcli.commands.compare.groups import N_EXTREMES
from nllcli.commands.compare.jobs import Job, LabelledSums
from nllcli.commands.compare.sketch import MOST_VALUES, N_COUNTS, Sketch, bin_of
from nllcli.commands.compare.sums import ClassSums, Counts, DivergenceSums, PairSums
from nllcli.commands.compare.units import MOST_BINS, Bins, Units, level_for
from nllcli.numerics.exact import ExactSum, exact_sum
from nllcli.numerics.hexadecimal import from_hex, sum_from_data, sums_from_data
from nllcli.numerics.spread import Spread
from nllcli.numerics.tally import N_FIRST, Rows
from nllcli.scoring.tally_data import A_SUM, are_possible, spread_from_data, square

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nllcli.commands.compare.subject import Subject
    from nllcli.commands.compare.sums import Sums
    from nllcli.inputs.tally_files import Fields
    from nllcli.numerics.exact import ExactSums
    from nllcli.numerics.tally import Tally

_ANSWERS = ("n_both_correct", "n_only_baseline_correct", "n_only_model_correct", "n_neither_correct")
_MOST_BITS = 62
_SPECIAL = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
# A difference is rounded to this share of it at most.
_ROUNDING_BITS = 53


def pair_from_data(
    fields: Fields, tallies: tuple[Tally, Tally], n_classes: int, most: int, *, weighs: bool
) -> PairSums:
    """The sums over the samples of two models, the units left out; ``weighs`` says that means divide by weights.

    The baseline has ``n_classes``, and ``most`` samples are listed.
    """
    baseline, model = tallies
    squares = fields.fields("squares")
    difference = fields.converted("difference", sum_from_data, A_SUM)
    spread = _spread(squares, difference, weighs=weighs)
    if spread.n != baseline.n_counted or not _is_difference(difference, spread, baseline, model):
        raise fields.wrong("difference", "is not that of the losses of the models")
    return PairSums(
        difference,
        spread,
        _counts(fields.fields("counts"), baseline, model),
        largest=Extremes(most)
        + Extremes(
            most, *(tuple(_item(each, baseline) for each in fields.each(key)) for key in ("smallest", "largest"))
        ),
        heaviest=_extremes(fields, ("lightest", "heaviest"), baseline.n_samples, are_finite=False),
        divergence=_divergence(fields.fields("divergence"), baseline) if fields.has("divergence") else None,
        classes=_classes(fields.fields("classes"), baseline, model, n_classes) if fields.has("classes") else None,
    )


def _spread(squares: Fields, total: ExactSum, *, weighs: bool) -> Spread:
    spread = spread_from_data(squares, weighs=weighs)
    if not are_possible(spread, total.units):
        raise squares.wrong("loss", "is less than these differences can have")
    return spread


def _is_difference(found: ExactSum, spread: Spread, baseline: Tally, model: Tally) -> bool:
    """Whether a sum can be that of the differences of two models' losses, each of which is rounded."""
    if not (baseline.loss_sum.is_finite and model.loss_sum.is_finite):
        return not found.is_finite
    if not found.is_finite:  # of numbers so large that their difference overflows
        return True
    return _is_near(found.units, model.loss_sum.units - baseline.loss_sum.units, spread.n, spread.aa)


def _is_near(total: int, exact: int, n: int, squares: int) -> bool:
    """Whether n rounded terms can have the ``total`` where unrounded ones have another; ``squares`` is that of theirs.

    Rounding takes off at most 2**-53 of the sum of their sizes, which is at most the root of n times the squares.
    """
    return (total - exact) ** 2 << 2 * _ROUNDING_BITS <= n * squares


def _counts(fields: Fields, baseline: Tally, model: Tally) -> Counts:
    n = baseline.n_counted
    better, worse, equal = own = [fields.count(key) for key in ("n_better", "n_worse", "n_equal")]
    zero = fields.count("n_zero")
    without = baseline.unweighted_sum.n_nan or model.unweighted_sum.n_nan
    if zero > equal:
        raise fields.wrong("n_zero", f"is {zero}, which is more than n_equal")
    if sum(own) > n or (sum(own) < n and not without):
        raise fields.wrong("n_better", f"does not add up with the others to the {n} samples")
    if baseline.n_correct is None or model.n_correct is None:
        if any(map(fields.has, _ANSWERS)):
            raise fields.wrong(_ANSWERS[0], "counts answers, and the models have none")
        return Counts(better, worse, equal, n_zero=zero)
    both, old, new, neither = answers = [fields.count(key) for key in _ANSWERS]
    if (sum(answers), both + old, both + new) != (n, baseline.n_correct, model.n_correct):
        raise fields.wrong(_ANSWERS[0], "does not add up with the others to the answers of the models")
    return Counts(better, worse, equal, both, old, new, neither, zero)


def _number(fields: Fields, key: str) -> float:
    """A number, as text where it is not finite."""
    value = fields.values.get(key)
    return _SPECIAL[value] if isinstance(value, str) and value in _SPECIAL else fields.number(key)


def _sample_number(fields: Fields, key: str, n: int) -> int:
    number = fields.count(key)
    if number >= n:
        raise fields.wrong(key, f"is {number}, and there are {n} samples")
    return number


def _item(fields: Fields, tally: Tally) -> Item:
    number = _sample_number(fields, "sample", tally.n_samples)
    weight, baseline, model = (_number(fields, key) for key in ("weight", "baseline", "model"))
    difference, target = model - baseline, fields.whole("target")
    if math.isnan(difference):
        raise fields.wrong("model", "has no difference from that of the baseline")
    key = fields.optional_text("key")
    return Item(difference, number, (weight, baseline, model, target, target if key is None else key))


def _divergence(fields: Fields, tally: Tally) -> DivergenceSums:
    total = fields.converted("total", sum_from_data, A_SUM)
    spread, n, n_same = (
        _spread(fields.fields("squares"), total, weighs=False),
        tally.n_counted,
        fields.count("n_same_top"),
    )
    if spread.n != n or n_same > n or total.n_negative_inf or total.n_nan > n:
        raise fields.wrong("n_same_top", f"does not fit {n} samples")
    infinite = _infinite(fields.fields("infinite"), total, tally.n_samples)
    p_difference = p_squares = None
    if fields.has("p_difference"):
        p_difference, p_squares = fields.converted("p_difference", sum_from_data, A_SUM), square(fields, "p_squares")
        if not are_possible(Spread(n, p_squares), p_difference.units):
            raise fields.wrong("p_squares", "is less than these differences can have")
    sketch = _sketch(fields, total, n - total.n_nan, infinite.worst)
    return DivergenceSums(total, spread, sketch, infinite, n_same, p_difference, p_squares)


def _infinite(fields: Fields, total: ExactSum, n_samples: int) -> Rows:
    """The samples whose divergence is infinite, and the largest of all."""
    rows = Rows(fields.count("n"), tuple(_list_of_counts(fields, "first")), _number(fields, "worst"))
    if (
        rows.n != total.n_positive_inf
        or len(rows.first) != min(rows.n, N_FIRST)
        or max(rows.first, default=-1) >= n_samples
    ):
        raise fields.wrong("n", f"is {rows.n}, and that does not fit the total")
    if not rows.worst >= 0 or (rows.n > 0) != (rows.worst == math.inf):
        raise fields.wrong("worst", f"is {rows.worst:g}, which no divergence is")
    return rows


def _list_of_counts(fields: Fields, key: str) -> list[int]:
    values = fields.values.get(key)
    return fields.counts(key, len(values) if isinstance(values, list) else 0).tolist()


def _sketch(fields: Fields, total: ExactSum, n: int, worst: float) -> Sketch:
    """The ``n`` values, or how many are in each bin; raises DataError where they are not those of the total."""
    if fields.has("values"):
        values = fields.converted("values", _floats, "base64 of float64")
        known = ExactSum(total.units, total.n_positive_inf)
        if not (len(values) == n <= MOST_VALUES and (values >= 0).all() and exact_sum(values) == known):
            raise fields.wrong("values", "do not add up to the total")
        if max(values.tolist(), default=0.0) != worst:
            raise fields.wrong("infinite.worst", f"is {worst:g}, and the largest value is another")
        return Sketch((values,)) if n else Sketch()
    bins = _list_of_counts(fields, "bins")
    counts = fields.counts("counts", len(bins))
    there = np.zeros(N_COUNTS, np.int64)
    if not bins or bins[-1] >= N_COUNTS or (np.diff(bins) <= 0).any() or not counts.all():
        raise fields.wrong("bins", "are not bins in order, each with values")
    there[bins] = counts
    if not MOST_VALUES < n == sum(counts.tolist()) or bin_of(worst) != bins[-1]:
        raise fields.wrong("counts", f"are not of {n} values up to {worst:g}")
    return Sketch(counts=there)


def _floats(text: str) -> NDArray[np.float64]:
    """Numbers of 8 bytes, the lowest first; raises ValueError for anything else."""
    return np.frombuffer(b64decode(text, validate=True), "<f8").astype(np.float64, copy=False)


def _classes(fields: Fields, baseline: Tally, model: Tally, n_classes: int) -> ClassSums:
    """The sums of the classes; raises DataError where they do not add up to those of all samples."""
    groups = np.array(_list_of_counts(fields, "class"), np.int64)
    if len(groups) and (groups[-1] >= n_classes or (np.diff(groups) <= 0).any()):
        raise fields.wrong("class", f"are not indices of {n_classes} classes, in order")
    n = np.zeros(n_classes, np.int64)
    n[groups] = fields.counts("n", len(groups))

    def column(key: str) -> ExactSums:
        fields.column(key, len(groups), "sums")
        return fields.converted(key, lambda values: sums_from_data(values, groups, n_classes), "a list of sums")

    found = ClassSums(n, *(column(key) for key in ("baseline", "model", "differences", "squares")))
    if sum(n.tolist()) != baseline.n_counted:
        raise fields.wrong("n", "does not add up to the sum of all samples")
    for key, own, tally in (("baseline", found.baseline, baseline), ("model", found.model, model)):
        if own.total() != tally.unweighted_sum:
            raise fields.wrong(key, "does not add up to the sum of all samples")
    if min((found.squares[group].units for group in groups.tolist()), default=0) < 0:
        raise fields.wrong("squares", "are below 0")
    return found


def jobs_from_data(data: Fields, sums: Sums, subject: Subject, *, weighted: bool) -> tuple[Job, ...]:
    """The units of each job, which have to add up to the sums; ``weighted`` says that samples have weights."""
    every = data.each("jobs")
    if not every:
        raise data.wrong("jobs", "are none")
    counts = [each.count("n_units") for each in every]
    level, jobs = level_for(sum(counts)), []
    for fields, n_units in zip(every, counts, strict=True):
        labels = fields.texts("labels") if fields.has("labels") else None
        if labels is not None and (len(set(labels)) != n_units or len(labels) != n_units or subject.groups is None):
            raise fields.wrong("labels", f"are not {n_units} different ones")
        found = fields.each("units")
        if len(found) != len(sums.pairs) or (labels is None) != (not every[0].has("labels")):
            raise fields.wrong("units", "are not of every pair, or of groups of another kind")
        if labels is not None:
            units: list[Any] = [_group_sums(each, n_units) for each in found]
        elif subject.groups is not None:
            units = [_closed(each, n_units, level) for each in found]
        else:
            units = [_bins(each, n_units, level) for each in found]
        jobs.append(Job(fields.count("n_inputs"), n_units, tuple(units), labels))
    if subject.groups is None and sum(counts) != sums.models[0].n_samples:
        raise data.wrong("jobs", f"have not the {sums.models[0].n_samples} samples of the tallies")
    for place, (pair, (a, _)) in enumerate(zip(sums.pairs, subject.pairs, strict=True)):
        units = [job.units[place] for job in jobs]
        if not _add_up(units, pair, sums.models[a].weight_sum, weighted=weighted):
            raise data.wrong("jobs", f"have units that do not add up to the sums of pairs[{place}]")
    return tuple(jobs)


def _add_up(units: Sequence[Any], pair: PairSums, weight_sum: ExactSum, *, weighted: bool) -> bool:
    """Whether the units of all jobs can be those of the samples of a pair."""
    old, new = pair.counts.n_only_baseline_correct, pair.counts.n_only_model_correct
    has_answers = old is not None
    if isinstance(units[0], Bins):
        columns = [sum(map(sum, column)) for column in zip(*(each.columns for each in units), strict=True)]
        whole = [pair.difference.units, weight_sum.units, pair.spread.n]
        return columns == whole or (not pair.difference.is_finite and columns[0] == whole[0])
    if isinstance(units[0], LabelledSums):
        differences = sum(sum(each.differences) for each in units)
        weights = sum(sum(each.weights or ()) for each in units)
        answers = sum(int(each.answers.sum()) for each in units if each.answers is not None)
        return (
            differences == pair.difference.units
            and sum(int(each.n.sum()) for each in units) == pair.spread.n
            and all((each.answers is not None) == has_answers for each in units if len(each.n))
            and all((each.weights is not None) == weighted for each in units if len(each.n))
            and (weights == weight_sum.units or not weighted)
            and answers == ((new or 0) - (old or 0))
        )
    spread = reduce(add, (each.spread for each in units))
    return (
        _is_near(sum(each.total.units for each in units), pair.difference.units, spread.n, spread.aa)
        and _is_near(sum(each.weight_sum.units for each in units), weight_sum.units, spread.n, spread.bb or 0)
        and all((each.answers is not None) == has_answers for each in units if each.spread.n)
    )


def _bins(fields: Fields, n_units: int, most_level: int) -> Bins:
    level, first = fields.count("level"), fields.count("first")
    differences, weights = (
        fields.converted(key, _list_of_units, "a list of sums") for key in ("differences", "weights")
    )
    n = len(differences)
    if level > most_level:
        raise fields.wrong("level", f"is {level}, which is more than {n_units} units need")
    if len(weights) != n or n > 2 * MOST_BINS or (n and (first + n - 1) << level >= n_units):
        raise fields.wrong("differences", f"are not those of runs of {n_units} units")
    counts = tuple(fields.counts("n", n).tolist())
    if max(counts, default=0) > 1 << level:
        raise fields.wrong("n", f"has more units than the {1 << level} of a run")
    return Bins(level, first, differences, weights, counts)


def _list_of_units(values: Any) -> tuple[int, ...]:
    """Sums as counts of 2**-1074; raises ValueError or TypeError for anything else."""
    if not isinstance(values, list):
        raise TypeError(values)
    return tuple(map(from_hex, values))


def _closed(fields: Fields, n_units: int, most_level: int) -> Units:
    """The sums over groups that end with a file."""
    total, weight_sum = (fields.converted(key, sum_from_data, A_SUM) for key in ("total", "weight_sum"))
    spread, bins = _spread(fields.fields("squares"), total, weighs=True), _bins(fields, n_units, most_level)
    answers = spread_from_data(fields.fields("answers"), weighs=True) if fields.has("answers") else None
    if spread.n > n_units or (answers is not None and (answers.n != spread.n or not are_possible(answers, 0))):
        raise fields.wrong("squares.n", f"is {spread.n}, and that does not fit the {n_units} units or the answers")
    if tuple(map(sum, bins.columns)) != (total.units, weight_sum.units, spread.n):
        raise fields.wrong("differences", "do not add up to the total")
    extremes, heaviest = (
        _extremes(fields, keys, n_units, are_finite=True)
        for keys in (("smallest", "largest"), ("lightest", "heaviest"))
    )
    return Units(total, weight_sum, spread, bins, extremes, heaviest, answers)


def _extremes(fields: Fields, keys: tuple[str, str], n: int, *, are_finite: bool) -> Extremes:
    """The units of the smallest and the largest values; what is beside these has to be finite where ``are_finite``."""

    def item(values: Any) -> Item:
        number, value, beside = values
        if not are_finite and isinstance(beside, str):
            beside = _SPECIAL.get(beside)
        elif type(beside) is not float or not math.isfinite(beside):
            raise ValueError(values)
        if type(number) is not int or not 0 <= number < n or type(value) is not float or not math.isfinite(value):
            raise ValueError(values)
        return Item(value, number, (beside,))

    def items(values: Any) -> tuple[Item, ...]:
        return tuple(map(item, values))

    ends = [fields.converted(key, items, "a list of units") for key in keys]
    return Extremes(N_EXTREMES, *ends) if any(ends) else Extremes()


def _group_sums(fields: Fields, n_units: int) -> LabelledSums:
    numbers = np.array(_list_of_counts(fields, "numbers"), np.int64)
    k = len(numbers)
    if k and (numbers[-1] >= n_units or (np.diff(numbers) <= 0).any()):
        raise fields.wrong("numbers", f"are not numbers of {n_units} groups, in order")
    n = fields.counts("n", k)
    answers = fields.converted("answers", _whole_numbers, "a list of numbers") if fields.has("answers") else None
    differences = fields.converted("differences", _list_of_units, "a list of sums")
    weights = fields.converted("weights", _list_of_units, "a list of sums") if fields.has("weights") else None
    if not all(len(each) == k for each in (differences, answers, weights) if each is not None) or not n.all():
        raise fields.wrong("differences", f"are not of {k} groups with samples")
    if answers is not None and (np.abs(answers) > n).any():
        raise fields.wrong("answers", "are more than the samples")
    return LabelledSums(numbers, n, answers, differences, weights)


def _whole_numbers(values: Any) -> NDArray[np.int64]:
    """Whole numbers (k,); raises ValueError or TypeError for anything else."""
    if not isinstance(values, list) or any(type(each) is not int or abs(each) >= 1 << _MOST_BITS for each in values):
        raise ValueError(values)
    return np.array(values, np.int64)
