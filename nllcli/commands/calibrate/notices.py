"""What a calibration makes worth saying beyond its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.errors import Notice, counted, setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nllcli.commands.calibrate.limits import LimitSums
    from nllcli.commands.calibrate.result import Measured, Temperature

# An outcome seen less often says little of how likely it is.
_FEW = 10
# An error of bins that is not clearly larger than this many times what chance makes.
_WITHIN_CHANCE = 1.3


# Why no temperature has the least loss, by the status of one.
WHY = {
    "zero": "every target has the largest logit of its row, and the loss falls as the temperature approaches 0",
    "infinite": "the logits of the targets are on average no higher than all of their rows, and the loss falls as the "
    "temperature grows",
    "flat": "in every row the classes that are possible are alike, and all temperatures give the same",
    "empty": "no sample has a weight and a finite loss",
}
_CODES = {
    "zero": "temperature-at-zero",
    "infinite": "temperature-at-infinity",
    "flat": "temperature-undefined",
    "empty": "temperature-undefined",
}


def of_temperature(found: Temperature, *, n_folds: int, n_excluded: int) -> Iterator[Notice]:
    """What is wrong with a temperature, or with what it is said to gain; ``n_excluded`` have an infinite loss."""
    if found.status in WHY:
        limit = "" if found.loss_limit is None else f", to {found.loss_limit:.4f} nats"
        yield Notice(_CODES[found.status], f"no temperature has the lowest loss: {WHY[found.status]}{limit}")
    if found.status != "fitted":
        return
    if n_excluded:
        message = f"{counted(n_excluded, 'sample')} of infinite loss {'has' if n_excluded == 1 else 'have'} no part in"
        yield Notice("fitted-without", f"{message} the temperature, and there is no gain held out")
    if not n_folds and found.origin is None:
        yield fitted_here()
    n = sum(each is None for each in found.of_folds)
    if n:
        message = f"no temperature has the lowest loss without {counted(n, 'fold')} of {len(found.of_folds)}"
        yield Notice("fold-without-temperature", f"{message}: there is no gain held out")


def fitted_here() -> Notice:
    """The warning that nothing tells what the temperature does for other samples."""
    message = "the gain is on the samples that the temperature was fitted to"
    how = f"{setting('folds', 5)}, or {setting('fit', 'FILE')} of other samples, tells one held out"
    return Notice("fitted-here", f"{message}: {how}")


def of_settings(*, has_class_weights: bool, soft: bool, is_weighted: bool) -> tuple[list[Notice], list[Notice]]:
    """What the settings make worth saying: the warnings, and the notes."""
    warnings, notes = [], []
    if has_class_weights:
        message = "class weights measure the probabilities as if the classes were as frequent as these make them"
        warnings.append(Notice("class-weights", f"{message}: a model that is right for the samples is not right there"))
    if is_weighted:
        message = "samples that weigh differently have no bins of equal mass, no sweep, and no debiased error"
        notes.append(Notice("weighted", message))
    if soft:
        message = "what chance makes, and p, are those of targets that are one class each"
        notes.append(Notice("soft-targets", message))
    return warnings, notes


def of_samples(limits: LimitSums | None, accuracy: float | None, n_counted: int, source: str) -> Iterator[Notice]:
    """What the samples themselves make suspicious."""
    if limits is not None and source == "logits" and limits.n == limits.n_like_probs > 1:
        message = "every row of the logits sums to 1, as probabilities do: the softmax may be applied twice"
        yield Notice("softmax-twice", f"{message}; {setting('source', 'probs')}, or nll check, tells")
    if accuracy is not None and n_counted:
        right = round(accuracy * n_counted)
        if min(right, n_counted - right) < _FEW:
            what = "right" if right < n_counted - right else "wrong"
            n = min(right, n_counted - right)
            message = f"{counted(n, 'answer')} of {n_counted:,} {'is' if n == 1 else 'are'} {what}"
            yield Notice("few-samples", f"{message}: what rests on so few is uncertain")


def within_chance(before: Measured) -> Iterator[Notice]:
    """The note on an error of bins that a perfectly calibrated model might have."""
    if before.ece is not None and before.ece_chance is not None and before.ece < _WITHIN_CHANCE * before.ece_chance:
        message = f"an ECE of {before.ece:.4f} is about what chance alone makes, {before.ece_chance:.4f}"
        yield Notice("ece-within-chance", message)
