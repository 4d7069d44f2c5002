"""What a calibration makes worth saying beyond its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.errors import Notice, counted, setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nllcli.commands.calibrate.limits import Ends
    from nllcli.commands.calibrate.result import Measured, Temperature

# An outcome seen less often says little of how likely it is.
_FEW = 10
# An error of bins that is not clearly larger than this many times what chance makes.
_WITHIN_CHANCE = 1.3


def of_temperature(found: Temperature, *, n_folds: int) -> Iterator[Notice]:
    """What is wrong with a temperature, or with what it is said to gain."""
    limit = "" if found.loss_limit is None else f", to {found.loss_limit:.4f} nats"
    if found.status == "zero":
        message = (
            f"every target has the largest logit of its row: the loss falls as the temperature approaches 0{limit}"
        )
        yield Notice("temperature-at-zero", message)
    elif found.status == "infinite":
        message = "the logits tell no more of the targets than chance: the loss falls as the temperature grows"
        yield Notice("temperature-at-infinity", f"{message}{limit}")
    elif found.status == "flat":
        yield Notice("temperature-undefined", "every row has one logit for all classes: no temperature changes it")
    elif found.status == "fitted" and not n_folds and found.origin is None:
        message = "the gain is on the samples that the temperature was fitted to"
        yield Notice(
            "fitted-here", f"{message}: {setting('folds', 5)}, or {setting('fit', 'FILE')}, tells one held out"
        )
    n = sum(each is None for each in found.of_folds)
    if found.status == "fitted" and n:
        message = f"no temperature has the least loss without {counted(n, 'fold')} of {len(found.of_folds)}"
        yield Notice("fold-without-temperature", f"{message}: there is no gain held out")


def of_samples(ends: Ends | None, before: Measured, n_counted: int, source: str) -> Iterator[Notice]:
    """What the samples themselves make suspicious."""
    if ends is not None and source == "logits" and ends.n == ends.n_like_probs > 0:
        message = "every row of the logits sums to 1, as probabilities do: the softmax may be applied twice"
        yield Notice("softmax-twice", f"{message}; {setting('source', 'probs')}, or nll check, tells")
    if before.accuracy is not None and n_counted:
        right = round(before.accuracy * n_counted)
        if min(right, n_counted - right) < _FEW:
            what = "right" if right < n_counted - right else "wrong"
            n = min(right, n_counted - right)
            message = f"{counted(n, 'answer')} of {n_counted:,} {'is' if n == 1 else 'are'} {what}"
            yield Notice("few-samples", f"{message}: what follows from so few is uncertain")


def within_chance(before: Measured) -> Iterator[Notice]:
    """The note on an error of bins that a perfectly calibrated model might have."""
    if before.ece is not None and before.ece_chance is not None and before.ece < _WITHIN_CHANCE * before.ece_chance:
        message = f"an ECE of {before.ece:.4f} is about what chance alone makes, {before.ece_chance:.4f}"
        yield Notice("ece-within-chance", message)
