"""What deserves a warning about a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.errors import Notice, counted, setting
from nllcli.scoring.notices import clipped, notes_of, warnings_of, why_empty
from nllcli.scoring.settled import left_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nllcli.commands.compare.result import PairResult
    from nllcli.commands.compare.subject import Compared, Model
    from nllcli.commands.compare.sums import Sums
    from nllcli.numerics.tally import Rows

# Fewer clusters leave their own standard error uncertain; of fewer units a few make most of any sum.
_FEW = 20
_MOST_OF_ONE, _MOST_OF_FIVE = 0.10, 0.50
_AGAINST = 1e-3


def warnings(compared: Compared, pairs: Sequence[PairResult]) -> tuple[Notice, ...]:
    """What the settings, the samples and the differences make worth saying; each once."""
    subject, first, several = compared.subject, compared.sums.models[0], compared.names_files
    models = subject.models
    found = [notice for model in models for notice in model.notices]
    found += left_out(compared.left_out)
    found += why_empty(first, source=models[0].source, ignore_index=subject.ignore_index, shift=subject.shift)
    for model, findings in zip(models, compared.findings, strict=True):
        told = warnings_of(findings, first.n_samples, several=several, clips=False)
        found += (Notice(notice.code, f"{model.path}: {notice.message}") for notice in told)
    found += clipped(subject.clip)
    found += _of_settings(models)
    found += _of_groups(compared, pairs)
    for place, pair in enumerate(pairs):
        found += _of_pair(pair, place, compared)
    return tuple(dict.fromkeys(found))


def notes(compared: Compared) -> tuple[Notice, ...]:
    """What is worth knowing about the samples of the models."""
    n, several = compared.sums.models[0].n_samples, compared.names_files
    found = [
        Notice(notice.code, f"{model.path}: {notice.message}")
        for model, findings in zip(compared.subject.models, compared.findings, strict=True)
        for notice in notes_of(findings, n, several=several)
    ]
    return tuple(dict.fromkeys(found))


def _of_settings(models: Sequence[Model]) -> Iterator[Notice]:
    """What is not the same for all models."""
    for name, values in (
        ("from", [each.source for each in models]),
        ("temperature", [each.temperature for each in models]),
    ):
        if len(set(values)) > 1:
            told = ", ".join(map(str, values))
            yield Notice("not-comparable", f"the models are read by different settings: {name} is {told}")
    counts = {each.n_classes for each in models if each.has_classes}
    if len(counts) > 1:
        told = ", ".join(f"{each.path} has {each.n_classes}" for each in models)
        message = f"the models have different numbers of classes ({told}): their losses are compared, not their answers"
        yield Notice("classes-differ", f"{message} nor their distributions")


def _of_groups(compared: Compared, pairs: Sequence[PairResult]) -> Iterator[Notice]:
    if compared.subject.groups is None:
        return
    n = min((pair.n_units for pair in pairs), default=0)
    if n == 1:
        yield Notice("one-cluster", "there is one cluster: nothing shows how much clusters differ")
    elif n < _FEW:
        message = f"there are {n} clusters: a standard error of so few is itself uncertain"
        yield Notice("few-clusters", message)


def _of_pair(pair: PairResult, place: int, compared: Compared) -> Iterator[Notice]:
    """What makes the difference of a pair say little, or another thing than it seems to."""
    sums, unit = compared.sums, compared.unit
    n, both = sums.models[0].n_counted, f"{pair.model} and {pair.baseline}"
    divergence = sums.pairs[place].divergence
    if divergence is not None and divergence.infinite.n:
        rows = _places(divergence.infinite, compared)
        message = f"{pair.model} gives a probability of 0 to what {pair.baseline} does not, in {divergence.infinite.n}"
        yield Notice("infinite-divergence", f"{message} of {n} samples ({rows}): the divergence is infinite")
    if pair.n_equal == n > 0:
        yield Notice("same-losses", f"{both} have the same loss on every sample")
    elif pair.is_rounding:
        yield Notice("difference-within-rounding", f"the losses of {both} differ by rounding alone")
    elif pair.standard_error is not None and not pair.has_spread:
        message = f"{pair.model} differs from {pair.baseline} by the same on every {unit}"
        yield Notice("difference-without-spread", f"{message}: there is no spread to tell an error from, and no p")
    else:
        yield from _rests_on_few(pair, place, compared)
    lower = pair.loss_difference < 0
    against, name = (pair.n_worse, "lower") if lower else (pair.n_better, "higher")
    opposite = "higher" if lower else "lower"
    if pair.loss_difference and pair.p_value_sign < _AGAINST and 2 * against > pair.n_better + pair.n_worse:
        message = f"{pair.model} has the {name} mean loss and the {opposite} loss on {against:,} of {n:,} samples"
        yield Notice("mean-against-most", f"{message}: a few large losses make the mean")


def _rests_on_few(pair: PairResult, place: int, compared: Compared) -> Iterator[Notice]:
    shares, unit = pair.shares_of_squares, compared.unit
    few = sum(shares[:5])
    if pair.n_units < _FEW or not shares or (shares[0] <= _MOST_OF_ONE and few <= _MOST_OF_FIVE):
        return
    largest = ""
    if compared.subject.groups is None:
        largest = f", {compared.place(_largest_unit(compared.sums, place))},"
    message = f"5 of {pair.n_units:,} {unit}s make {100 * few:.0f} % of the squares of the differences"
    rest = f"(the largest{largest} {100 * shares[0]:.0f} %): the interval rests on few {unit}s"
    yield Notice("rests-on-few", f"{message} {rest}")


def _largest_unit(sums: Sums, place: int) -> int:
    """The number of the sample that is farthest from the mean difference."""
    pair = sums.pairs[place]
    mean = pair.difference.divided_by(sums.models[0].weight_sum)
    items = (*pair.largest.smallest, *pair.largest.largest)
    return max(items, key=lambda item: abs(item.value - mean)).number


def _places(rows: Rows, compared: Compared) -> str:
    told = ", ".join(map(compared.place, rows.first))
    return told + (", ..." if rows.n > len(rows.first) else "")


def baseline_again(path: str) -> Notice:
    """The note on a model that is named twice."""
    return Notice("baseline-again", f"{path}: is named twice, and compared once")


def clusters_hint(compared: Compared) -> tuple[Notice, ...]:
    """The note that samples of one sequence are seldom independent, where targets have several axes."""
    counts = [each.n_sequences for each in compared.inputs if each.n_sequences is not None]
    if compared.subject.groups is not None or not counts:
        return ()
    n = sum(counts)
    message = f"the samples of one of the {counted(n, 'sequence') if n else 'sequences'} may depend on each other"
    return (Notice("dependent-samples", f"{message}: {setting('groups', 'axis:0')} takes sequences as units"),)
