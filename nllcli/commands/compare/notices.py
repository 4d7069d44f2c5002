"""What deserves a warning about a comparison."""

from __future__ import annotations

from math import isfinite, log
from typing import TYPE_CHECKING

from nllcli.data.settings import LOSSES_GIVEN
from nllcli.errors import Notice, counted, setting
from nllcli.report import shortest
from nllcli.scoring.notices import clipped, notes_of, warnings_of, why_empty
from nllcli.scoring.settled import left_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nllcli.commands.compare.result import PairResult
    from nllcli.commands.compare.subject import Compared, Model
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
        tempered = model.temperature != 1.0
        told = warnings_of(findings, first.n_samples, several=several, clips=False, tempered=tempered)
        found += (Notice(notice.code, f"{model.path}: {notice.message}") for notice in told)
    found += clipped(subject.clip)
    found += _of_settings(models)
    found += zeros(compared)
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
    return tuple(dict.fromkeys([*found, *of_names(compared.subject.models), *above_chance(compared)]))


def _of_settings(models: Sequence[Model]) -> Iterator[Notice]:
    """What is not the same for all models."""
    for name, values in (
        ("source", [each.source for each in models]),
        ("temperature", [shortest(each.temperature) for each in models]),
    ):
        if len(set(values)) > 1:
            told = ", ".join(values)
            yield Notice("not-comparable", f"the models are read by different settings: {setting(name)} is {told}")
    counts = {each.n_classes for each in models if each.has_classes}
    if len(counts) > 1:
        told = ", ".join(f"{each.path} has {each.n_classes}" for each in models)
        message = f"the models have different numbers of classes ({told}): their losses and answers"
        yield Notice("classes-differ", f"{message} are compared, not their distributions")


def of_names(models: Sequence[Model]) -> Iterator[Notice]:
    """The note that classes are taken in the order in which they come, where one model alone names them."""
    named, bare = (
        [each.path for each in models if each.has_classes and each.names_classes is is_so] for is_so in (True, False)
    )
    if named and bare:
        message = f"{named[0]} names its classes, and {bare[0]} does not: both are taken to have them in one order"
        yield Notice("classes-unnamed", message)


def above_chance(compared: Compared) -> Iterator[Notice]:
    """The note on a model that is worse than calling all classes alike."""
    for tally, each in zip(compared.sums.models, compared.subject.models, strict=True):
        chance = log(each.n_classes)
        if each.has_classes and compared.subject.loss == "nll" and tally.unweighted_mean() > chance > 0.0:
            told = f"{each.path}: the mean loss is above {chance:.4f}, that of all classes alike"
            yield Notice("above-chance", f"{told}; nll check looks for what is wrong")


def zeros(compared: Compared) -> Iterator[Notice]:
    """The warning of losses that may be padding: those of ignored samples are saved as 0."""
    sums, are_losses = compared.sums, all(each.source == LOSSES_GIVEN for each in compared.subject.models)
    if not are_losses or any(each.targets is not None for each in compared.inputs):
        return
    n = min((pair.counts.n_zero for pair in sums.pairs), default=0)
    if n:
        message = (
            f"{n:,} of {sums.models[0].n_counted:,} samples have a loss of exactly 0 in all models, as ignored ones"
        )
        how = f"{setting('targets', 'FILE')}, with {setting('shift')} where that was used, tells which are ignored"
        yield Notice("zero-losses", f"{message} are saved: {how}")


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
        yield from _rests_on_few(pair, compared)
    yield from _against_most(pair, n)


def _against_most(pair: PairResult, n: int) -> Iterator[Notice]:
    """That most samples say the opposite of the mean."""
    lower = pair.loss_difference < 0
    against, name, opposite = (pair.n_worse, "lower", "higher") if lower else (pair.n_better, "higher", "lower")
    is_known = pair.loss_difference != 0.0 and isfinite(pair.loss_difference)
    if is_known and pair.p_value_sign < _AGAINST and 2 * against > pair.n_better + pair.n_worse:
        message = f"{pair.model} has the {name} mean loss and the {opposite} loss on {against:,} of {n:,} samples"
        yield Notice("mean-against-most", f"{message}: a few large losses make the mean")


def _rests_on_few(pair: PairResult, compared: Compared) -> Iterator[Notice]:
    """That few units make most of the squares: more than they do of so many that are spread normally."""
    shares, n, unit = pair.shares_of_squares, pair.n_units, compared.unit
    few = sum(shares)
    if not shares or n <= len(shares):  # of few, which are all
        return
    usual = [2 * log(n / k) / n for k in range(1, len(shares) + 1)]  # about the squares of the largest of n
    if shares[0] <= max(_MOST_OF_ONE, usual[0]) and few <= max(_MOST_OF_FIVE, sum(usual)):
        return
    largest = ""
    if pair.farthest is not None and compared.subject.groups is None and pair.farthest in compared.samples:
        largest = f", {compared.place(pair.farthest)},"
    message = f"{len(shares)} of {n:,} {unit}s make {100 * few:.0f} % of the squares of the differences"
    rest = f"(the largest{largest} {100 * shares[0]:.0f} %): the interval of {pair.model} rests on few {unit}s"
    yield Notice("rests-on-few", f"{message} {rest}")


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
