"""What deserves a warning about a comparison."""

from __future__ import annotations

from math import isfinite, log
from typing import TYPE_CHECKING

from nllcli.data.settings import LOSSES_GIVEN, TOKENS
from nllcli.errors import Notice, counted, setting
from nllcli.report import shortest
from nllcli.scoring.notices import all_found, clipped, notes_of, warnings_of, why_empty
from nllcli.scoring.settled import left_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nllcli.commands.compare.result import PairResult
    from nllcli.commands.compare.sums import Sums
    from nllcli.numerics.tally import Rows
    from nllcli.scoring.settled import Settled

# Fewer clusters leave their own standard error uncertain; of fewer units a few make most of any sum.
_FEW = 20
_MOST_OF_ONE, _MOST_OF_FIVE = 0.10, 0.50
_AGAINST = 1e-3


def warnings(sums: Sums, pairs: Sequence[PairResult], settled: Sequence[Settled]) -> tuple[Notice, ...]:
    """What the settings, the samples and the differences make worth saying; each once."""
    found = [notice for each in settled for notice in each.notices]
    dataset = settled[0].dataset
    if dataset.left_out is not None:
        found += left_out(dataset.left_out)
    first = sums.models[0]
    options = settled[0].options
    found += why_empty(first, source=options.source, ignore_index=options.ignore_index, shift=settled[0].shift)
    for tally, each in zip(sums.models, settled, strict=True):
        told = warnings_of(all_found(tally, each.dataset), tally.n_samples, clips=False)
        found += (Notice(notice.code, f"{each.dataset.logits.name}: {notice.message}") for notice in told)
    found += clipped(options.clip)
    found += _of_settings(settled)
    found += zeros(sums, settled)
    found += _of_groups(settled[0], pairs)
    for place, pair in enumerate(pairs):
        found += _of_pair(pair, sums, place, settled[0])
    return tuple(dict.fromkeys(found))


def notes(sums: Sums, settled: Sequence[Settled]) -> tuple[Notice, ...]:
    """What is worth knowing about the samples of the models."""
    found = [
        Notice(notice.code, f"{each.dataset.logits.name}: {notice.message}")
        for tally, each in zip(sums.models, settled, strict=True)
        for notice in notes_of(all_found(tally, each.dataset), tally.n_samples)
    ]
    return tuple(dict.fromkeys([*found, *of_names(settled), *above_chance(sums, settled)]))


def _of_settings(settled: Sequence[Settled]) -> Iterator[Notice]:
    """What is not the same for all models."""
    for name, values in (
        ("source", [each.options.source for each in settled]),
        ("temperature", [shortest(each.options.temperature) for each in settled]),
    ):
        if len(set(values)) > 1:
            told = ", ".join(values)
            yield Notice("not-comparable", f"the models are read by different settings: {setting(name)} is {told}")
    counts = {each.dataset.n_classes for each in settled if each.has_classes}
    if len(counts) > 1:
        told = ", ".join(f"{each.dataset.logits.name} has {each.dataset.n_classes}" for each in settled)
        message = f"the models have different numbers of classes ({told}): their losses and answers"
        yield Notice("classes-differ", f"{message} are compared, not their distributions")


def of_names(settled: Sequence[Settled]) -> Iterator[Notice]:
    """The note that classes are taken in the order in which they come, where one model alone names them."""
    scored = [each.dataset for each in settled if each.has_classes]
    named = [dataset.logits.name for dataset in scored if dataset.logits.class_names is not None]
    bare = [dataset.logits.name for dataset in scored if dataset.logits.class_names is None]
    if named and bare:
        message = f"{named[0]} names its classes, and {bare[0]} does not: both are taken to have them in one order"
        yield Notice("classes-unnamed", message)


def above_chance(sums: Sums, settled: Sequence[Settled]) -> Iterator[Notice]:
    """The note on a model that is worse than calling all classes alike."""
    for tally, each in zip(sums.models, settled, strict=True):
        chance = log(each.dataset.n_classes)
        if each.has_classes and each.options.loss == "nll" and tally.unweighted_mean() > chance > 0.0:
            told = f"{each.dataset.logits.name}: the mean loss is above {chance:.4f}, that of all classes alike"
            yield Notice("above-chance", f"{told}; nll check looks for what is wrong")


def zeros(sums: Sums, settled: Sequence[Settled]) -> Iterator[Notice]:
    """The warning of losses that may be padding: those of ignored samples are saved as 0."""
    if not all(each.options.source == LOSSES_GIVEN for each in settled) or settled[0].dataset.targets is not None:
        return
    n = min((pair.counts.n_zero for pair in sums.pairs), default=0)
    if n:
        message = (
            f"{n:,} of {sums.models[0].n_counted:,} samples have a loss of exactly 0 in all models, as ignored ones"
        )
        how = f"{setting('targets', 'FILE')}, with {setting('shift')} where that was used, tells which are ignored"
        yield Notice("zero-losses", f"{message} are saved: {how}")


def _of_groups(settled: Settled, pairs: Sequence[PairResult]) -> Iterator[Notice]:
    if settled.dataset.groups is None:
        return
    n = min((pair.n_units for pair in pairs), default=0)
    if n == 1:
        yield Notice("one-cluster", "there is one cluster: nothing shows how much clusters differ")
    elif n < _FEW:
        message = f"there are {n} clusters: a standard error of so few is itself uncertain"
        yield Notice("few-clusters", message)


def _of_pair(pair: PairResult, sums: Sums, place: int, settled: Settled) -> Iterator[Notice]:
    """What makes the difference of a pair say little, or another thing than it seems to."""
    n, both = sums.models[0].n_counted, f"{pair.model} and {pair.baseline}"
    divergence = sums.pairs[place].divergence
    if divergence is not None and divergence.infinite.n:
        rows = _places(divergence.infinite, settled)
        message = f"{pair.model} gives a probability of 0 to what {pair.baseline} does not, in {divergence.infinite.n}"
        yield Notice("infinite-divergence", f"{message} of {n} samples ({rows}): the divergence is infinite")
    if pair.n_equal == n > 0:
        yield Notice("same-losses", f"{both} have the same loss on every sample")
    elif pair.is_rounding:
        yield Notice("difference-within-rounding", f"the losses of {both} differ by rounding alone")
    elif pair.standard_error is not None and not pair.has_spread:
        message = f"{pair.model} differs from {pair.baseline} by the same on every {_unit(settled)}"
        yield Notice("difference-without-spread", f"{message}: there is no spread to tell an error from, and no p")
    else:
        yield from _rests_on_few(pair, settled)
    yield from _against_most(pair, n)


def _against_most(pair: PairResult, n: int) -> Iterator[Notice]:
    """That most samples say the opposite of the mean."""
    lower = pair.loss_difference < 0
    against, name, opposite = (pair.n_worse, "lower", "higher") if lower else (pair.n_better, "higher", "lower")
    is_known = pair.loss_difference != 0.0 and isfinite(pair.loss_difference)
    if is_known and pair.p_value_sign < _AGAINST and 2 * against > pair.n_better + pair.n_worse:
        message = f"{pair.model} has the {name} mean loss and the {opposite} loss on {against:,} of {n:,} samples"
        yield Notice("mean-against-most", f"{message}: a few large losses make the mean")


def _rests_on_few(pair: PairResult, settled: Settled) -> Iterator[Notice]:
    """That few units make most of the squares: more than they do of so many that are spread normally."""
    shares, n, unit = pair.shares_of_squares, pair.n_units, _unit(settled)
    few = sum(shares)
    if not shares or n <= len(shares):  # of few, which are all
        return
    usual = [2 * log(n / k) / n for k in range(1, len(shares) + 1)]  # about the squares of the largest of n
    if shares[0] <= max(_MOST_OF_ONE, usual[0]) and few <= max(_MOST_OF_FIVE, sum(usual)):
        return
    largest = ""
    if settled.dataset.groups is None and pair.farthest is not None:
        largest = f", {settled.dataset.place(pair.farthest)},"
    message = f"{len(shares)} of {n:,} {unit}s make {100 * few:.0f} % of the squares of the differences"
    rest = f"(the largest{largest} {100 * shares[0]:.0f} %): the interval of {pair.model} rests on few {unit}s"
    yield Notice("rests-on-few", f"{message} {rest}")


def _unit(settled: Settled) -> str:
    if settled.dataset.groups is not None:
        return "cluster"
    return "token" if settled.options.source == TOKENS else "sample"


def _places(rows: Rows, settled: Settled) -> str:
    told = ", ".join(settled.dataset.place(sample) for sample in rows.first)
    return told + (", ..." if rows.n > len(rows.first) else "")


def baseline_again(path: str) -> Notice:
    """The note on a model that is named twice."""
    return Notice("baseline-again", f"{path}: is named twice, and compared once")


def clusters_hint(settled: Settled) -> tuple[Notice, ...]:
    """The note that samples of one sequence are seldom independent, where targets have several axes."""
    if settled.dataset.groups is not None or len(settled.dataset.layout.sample_shape) < 2:
        return ()
    n = settled.dataset.layout.sample_shape[0]
    message = f"the samples of one of the {counted(n, 'sequence') if n else 'sequences'} may depend on each other"
    return (Notice("dependent-samples", f"{message}: {setting('groups', 'axis:0')} takes sequences as units"),)
