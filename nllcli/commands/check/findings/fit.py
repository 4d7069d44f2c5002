"""Findings in how logits and targets fit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nllcli.commands.check.evidence.chance import SIGMAS, exchange_is_chance, hits_are_chance, over_frequencies, sigmas
from nllcli.commands.check.findings import Case, Seen
from nllcli.commands.check.findings.targets import targets_not_renumbered
from nllcli.commands.check.findings.values import are_not_logits
from nllcli.errors import counted, setting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.commands.check.evidence import Evidence
    from nllcli.commands.check.evidence.fit import Pairing

# The mean of fewer samples is not normal enough to be compared in standard errors.
_LEAST_SAMPLES = 30
# A loss within one per cent of the bound is the bound, whatever its standard error.
_MARGIN = 1.01
# Frequencies are estimated from the targets themselves: few samples a class make them fit too well.
_LEAST_PER_CLASS = 20
# Neighbours: how many pairs, and by which share of the loss the neighbour's target has to fit better.
_LEAST_PAIRS, _LEAST_GAIN = 50, 0.05
# The order of samples in a list may mean nothing: twice the evidence.
_LEAST_FLAT_PAIRS = 100
_IN_PYTORCH = {1: "logits[:, :-1] with targets[:, 1:]", -1: "logits[:, 1:] with targets[:, :-1]"}
# Ten scores without any variation are not chance.
_LEAST_CONSTANT = 10
# How many times as often the neighbour's target is hit as the sample's own and as the next neighbour's.
_LEAST_RATIO = 2


def class_axis_swapped(case: Case) -> Seen | None:
    """Along another axis that fits the targets, predictions hit beyond chance; along this one they do not."""
    own = case.evidence.fit
    n = case.evidence.n_counted
    if not n or not hits_are_chance(own.n_right, n, case.n_classes):
        return None
    for axis, evidence in case.other_axes.items():
        other = evidence.fit
        if hits_are_chance(other.n_right, n, case.n_classes) or other.loss.mean >= own.loss.mean:
            continue
        return Seen(
            f"axis {axis} fits the targets as well as axis {case.dataset.layout.class_axis}, "
            "and only along it do the predictions hit: the axes are swapped",
            {
                "samples": n,
                "right": own.n_right,
                "right_swapped": other.n_right,
                "loss": own.loss.mean,
                "loss_swapped": other.loss.mean,
            },
            setting("class_axis", axis),
        )
    return None


def shifted_targets(case: Case) -> Seen | None:
    """A neighbour's target fits better, by five standard errors and a twentieth of the loss, over 50 pairs.

    It is hit beyond chance, and twice as often as the sample's own and the next neighbour's: where labels persist, a
    model that lags behind hits all three. A flat list of samples has to show ten standard errors and 100 pairs.
    """
    if not may_be_shifted(case):
        return None
    fit = case.evidence.fit
    candidates = ((-1, fit.before), (1, fit.after))
    offset, pairing = max(candidates, key=lambda candidate: _mean_gain(candidate[1]))
    if not _fits_better(pairing, flat=case.is_flat) or not _hits(pairing, case):
        return None
    n = pairing.n
    shift = case.request.inputs.shift + offset
    if case.is_flat:
        longer, shorter = ("targets", "logits") if offset > 0 else ("logits", "targets")
        how = (
            f"has the file of {longer} one row more at its beginning, such as a header, or that of {shorter} lost one?"
        )
    else:
        how = f"in PyTorch {_IN_PYTORCH[offset]}"
    return Seen(
        f"the logits fit the target one position {'later' if offset > 0 else 'earlier'} better than their own",
        {
            "pairs": n,
            "loss": pairing.own / n,
            f"loss_at_{offset:+d}": (pairing.own - pairing.gain.total) / n,
            "right": pairing.n_right_own,
            f"right_at_{offset:+d}": pairing.n_right_other,
        },
        f"{setting('shift', shift)}; {how}",
    )


def may_be_shifted(case: Case) -> bool:
    """Whether the targets of neighbours are hit as often as shifted ones are: how well they fit then decides."""
    pairings = (case.evidence.fit.before, case.evidence.fit.after)
    return not are_not_logits(case) and any(_hits(pairing, case) for pairing in pairings)


def _mean_gain(pairing: Pairing) -> float:
    return pairing.gain.mean if pairing.gain.n else -math.inf


def _fits_better(pairing: Pairing, *, flat: bool) -> bool:
    if pairing.n < (_LEAST_FLAT_PAIRS if flat else _LEAST_PAIRS):
        return False
    clear = sigmas(pairing.gain) >= (2 * SIGMAS if flat else SIGMAS)
    return clear and pairing.gain.total >= _LEAST_GAIN * pairing.own


def _hits(pairing: Pairing, case: Case) -> bool:
    """Whether the other targets are hit beyond chance, and more often than the own ones and those beyond."""
    n, n_right = pairing.n, pairing.n_right_other
    beyond = pairing.n_right_beyond / max(1, pairing.n_beyond)
    if n_right <= _LEAST_RATIO * pairing.n_right_own or n_right <= _LEAST_RATIO * beyond * n:
        return False
    return not hits_are_chance(n_right, n, 1.0 / guessed(case.evidence))


def guessed(evidence: Evidence) -> float:
    """The share of targets that guesses as frequent as the predictions hit.

    Where the predictions were not counted, the share of the most frequent target, which no guess exceeds.
    """
    confusion, counts = evidence.fit.confusion, evidence.labels.counts
    if confusion is not None and confusion.any():
        share = float(confusion.sum(axis=0) @ confusion.sum(axis=1)) / float(confusion.sum()) ** 2
    else:
        share = 1.0 if counts is None or not counts.sums.any() else float(counts.sums.max() / counts.sums.sum())
    return max(share, 1.0 / (1 if counts is None else counts.n_classes))


def classes_permuted(case: Case) -> Seen | None:
    """Classes that are predicted as one another in a circle, beyond what chance gives any exchange of classes."""
    confusion = case.evidence.fit.confusion
    if confusion is None or case.n_classes < 2 or targets_not_renumbered(case) is not None:
        return None
    exchange = _circles(confusion.argmax(axis=1))
    moved = list(exchange)
    n_for = sum(int(confusion[c, exchange[c]]) for c in moved)
    n_against = int(confusion[moved, moved].sum())
    if not moved or exchange_is_chance(n_for, n_against, len(moved), case.n_classes):
        return None
    n, n_right = int(confusion.sum()), case.evidence.fit.n_right
    pairs = [f"{case.name(c)} as {case.name(exchange[c])}" for c in moved[:5]]
    return Seen(
        f"the columns fit the targets in another order of {len(moved)} classes: "
        f"exchanged, {n_right + n_for - n_against} of {n} predictions are right instead of {n_right}",
        {"classes": len(moved), "predicted": pairs},
        f"bring names, columns and targets into one order: {setting('classes')}, or the order in which the labels were "
        "encoded",
    )


def _circles(step: NDArray[np.int64]) -> dict[int, int]:
    """The classes that following ``step`` (C,) leads back to, in two steps or more, each with its step."""
    reached = np.arange(len(step))
    for _ in range(len(step)):  # after C steps every path is in its circle
        reached = step[reached]
    return {c: int(step[c]) for c in np.unique(reached).tolist() if step[c] != c}


def infinite_loss(case: Case) -> Seen | None:
    """Any counted sample whose target has the probability 0, unless probabilities are clipped."""
    infinite = case.evidence.fit.infinite
    if not infinite.n or case.request.clip is not None:
        return None
    return Seen(
        f"{counted(infinite.n, 'sample')} {'has' if infinite.n == 1 else 'have'} an infinite loss: "
        "the target's probability is 0",
        case.rows(infinite),
        f"unmask the target's class; {setting('clip')} of nll compute puts a ceiling on the loss",
    )


def constant_predictions(case: Case) -> Seen | None:
    """Of two classes in one column: all scores equal, in ten or more; or all on one side of the threshold, wrongly.

    They are so if the targets are of the other class more often than one in two, beyond chance, or the loss is worse
    than chance or the frequencies. Where one class is rare, a sound model may never predict it.
    """
    constant, confusion = case.evidence.values.constant, case.evidence.fit.confusion
    if not case.request.loss.binary or constant is None or are_not_logits(case):
        return None
    fix = "look at the output layer, at what was saved and at the class that the scores belong to"
    if case.evidence.n_counted >= _LEAST_CONSTANT and len(constant.values):
        value = float(constant.values[0])
        return Seen("every score is the same", {"samples": case.evidence.n_counted, "value": value}, fix)
    if confusion is None or not confusion.any(axis=1).all():
        return None
    predicted = confusion.any(axis=0)
    n, n_wrong = int(confusion.sum()), int(confusion.sum() - confusion.trace())
    worse = worse_than_chance(case) or worse_than_frequencies(case)
    if predicted.all() or (worse is None and hits_are_chance(n_wrong, n, 2)):
        return None
    side = int(predicted.argmax())
    return Seen(
        f"every score predicts class {case.name(side)}, and the targets are of both classes",
        {"samples": n, "of_the_other_class": n_wrong},
        fix,
    )


def worse_than_chance(case: Case) -> Seen | None:
    """A mean loss above log C by one per cent and five standard errors, of 30 samples or more."""
    loss, chance = case.evidence.fit.loss, math.log(max(case.n_classes, 1))
    if loss.n < _LEAST_SAMPLES or case.n_classes < 2 or loss.mean < _MARGIN * chance or sigmas(loss, chance) < SIGMAS:
        return None
    return Seen(
        f"the loss is worse than chance: giving all {case.n_classes} classes the same probability would do better",
        {"samples": loss.n, "loss": loss.mean, "standard_error": loss.standard_error(), "chance": chance},
        "do logits and targets belong together, in one order? if so, the model is confidently wrong",
    )


def worse_than_frequencies(case: Case) -> Seen | None:
    """A mean loss as far above the entropy of the target counts, where these are known well: 20 samples a class.

    The frequencies are fitted to these very targets. Twice the sum that they gain by it is chi-squared with C - 1
    degrees of freedom (Wilks, Annals of Mathematical Statistics 9, 1938): from a dozen classes on that is below one
    per cent, and for fewer it is far from the 100 that five standard errors take.
    """
    fit, counts = case.evidence.fit, case.evidence.labels.counts
    if counts is None or fit.class_losses is None or fit.loss.n != counts.sums.sum() or fit.loss.n < _LEAST_SAMPLES:
        return None
    n_occurring = len(counts.occurring)
    if n_occurring < 2 or fit.loss.n < _LEAST_PER_CLASS * n_occurring or worse_than_chance(case) is not None:
        return None
    entropy, excess = over_frequencies(fit.loss, fit.class_losses, counts)
    small = excess.total <= (_MARGIN - 1.0) * entropy * excess.n
    if small or sigmas(excess) < SIGMAS:
        return None
    return Seen(
        "the loss is worse than that of always predicting how often each class occurs",
        {"samples": fit.loss.n, "loss": fit.loss.mean, "entropy_of_targets": entropy},
        "do logits and targets belong together? was the model trained with class weights, or on other frequencies?",
    )
