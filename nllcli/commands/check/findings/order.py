"""Findings in the order of samples, of targets and of the numbers themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.commands.check.evidence.chance import hits_are_chance
from nllcli.commands.check.evidence.order import COLLECTED, DEALT, REVERSED, ROTATED
from nllcli.commands.check.findings import Case, Seen
from nllcli.commands.check.findings.fit import (
    classes_permuted,
    guessed,
    shifted_targets,
    worse_than_chance,
    worse_than_frequencies,
)
from nllcli.commands.check.findings.targets import targets_not_renumbered, targets_one_based
from nllcli.commands.check.findings.values import are_not_logits
from nllcli.errors import counted, setting

if TYPE_CHECKING:
    from nllcli.commands.check.evidence.order import Order

# In fewer samples, how often each class occurs says little.
_LEAST_SAMPLES = 100
# A model predicts classes about as often as they occur.
_LEAST_SHARED = 0.8


def fits_no_better_than_chance(case: Case) -> bool:
    """Whether the predictions are right as often as guesses, though the model is sure of them.

    That is, the loss is worse than chance or than that of the class frequencies.
    """
    n = case.evidence.n_counted
    if case.evidence.fit.confusion is None or are_not_logits(case):
        return False
    if targets_one_based(case) is not None or targets_not_renumbered(case) is not None:
        return False
    if not n or not hits_are_chance(case.evidence.fit.n_right, n, 1.0 / guessed(case.evidence)):
        return False
    return worse_than_chance(case) is not None or worse_than_frequencies(case) is not None


def mostly_not_normalised(case: Case) -> bool:
    """Whether most of what was said to be probabilities does not sum to 1."""
    return not case.request.loss.binary and 2 * case.evidence.values.off.n > case.evidence.values.n


def axes_reshaped(case: Case) -> Seen | None:
    """The numbers, in the order of the file, cut into rows of one class each, are probabilities or fit the targets.

    The predictions hit beyond chance then, and not as they are; or all rows sum to 1, and most do not as they are.
    """
    other, own = case.reshaped, case.evidence
    if other is None:
        return None
    n, n_classes = own.n_samples, case.n_classes
    sums = mostly_not_normalised(case) and not other.values.off.n and not other.values.outside.n
    fits = fits_no_better_than_chance(case) and other.fit.loss.mean < own.fit.loss.mean
    fits = fits and not hits_are_chance(other.fit.n_right, other.n_counted, 1.0 / guessed(other))
    if not sums and not fits:
        return None
    last = case.dataset.layout.class_axis != 0
    right = {"right": own.fit.n_right, "right_reshaped": other.fit.n_right} if other.fit.confusion is not None else {}
    losses = {"loss": own.fit.loss.mean, "loss_reshaped": other.fit.loss.mean} if other.fit.loss.n else {}
    shape = (n, n_classes) if last else (n_classes, n)
    return Seen(
        f"the numbers are those of an array {shape[::-1]} that was reshaped to {shape}, not transposed: in that order "
        f"{'all rows sum to 1' if sums else 'the predictions hit'}",
        {"samples": n, **right, **losses},
        f"logits.reshape{shape[::-1]}{'.T' if last else ''} in place of the logits, with {setting('class_axis', 1)}",
    )


def order_differs(case: Case) -> Seen | None:
    """The predictions hit beyond chance if the targets are rotated, reversed, or taken from several parts in turn.

    As they are they do not, though the model is sure of them. Where neighbours are alike, runs of equal ones count
    once; all the orders that were tried make each of them the more likely to fit by chance.
    """
    orders = case.orders
    if orders is None or shifted_targets(case) is not None or classes_permuted(case) is not None:
        return None
    best, n = orders.best, orders.n
    runs_right = orders.n_runs * best.n_right / n
    if hits_are_chance(runs_right, orders.n_runs, 1.0 / guessed(case.evidence), choices=orders.choices):
        return None
    return Seen(
        f"the targets fit in another order: {_in_words(best)}, {best.n_right} of {n} predictions are right instead of "
        f"{case.evidence.fit.n_right}",
        {"samples": n, "right": case.evidence.fit.n_right, "right_in_order": best.n_right},
        f"save logits and targets in one order: {_in_numpy(best)} is that of these logits",
    )


def _in_words(order: Order) -> str:
    return {
        ROTATED: f"moved {counted(abs(order.by), 'place')} to the {'front' if order.by > 0 else 'back'}",
        REVERSED: "reversed",
        DEALT: f"taken {order.by} apart, from each of the first {order.by} on",
        COLLECTED: f"cut into {order.by} parts, one sample of each in turn",
    }[order.kind]


def _in_numpy(order: Order) -> str:
    return {
        ROTATED: f"numpy.roll(targets, {-order.by})",
        REVERSED: "targets[::-1]",
        DEALT: f"targets.reshape(-1, {order.by}).T.ravel()",
        COLLECTED: f"targets.reshape({order.by}, -1).T.ravel()",
    }[order.kind]


def targets_sorted(case: Case) -> Seen | None:
    """Either targets or predictions rise or fall throughout, and the predictions hit as often as guesses would.

    The model is sure of them, and predicts the classes about as often as they occur: four of five samples or more
    would be right in the best of all orders.
    """
    orders = case.orders
    if orders is None or orders.n < _LEAST_SAMPLES or orders.shared < _LEAST_SHARED:
        return None
    if orders.sorted_targets == orders.sorted_predictions or classes_permuted(case) is not None:
        return None
    n, n_right = case.evidence.n_counted, case.evidence.fit.n_right
    if not hits_are_chance(n - n_right, n, 1.0 / (1.0 - guessed(case.evidence))):
        return None  # as seldom right as a model that is wrong, and not one that guesses
    one, other = ("targets", "predictions") if orders.sorted_targets else ("predictions", "targets")
    return Seen(
        f"the {one} are sorted and the {other} are not, and they fit no better than chance: were they saved in two "
        "orders?",
        {"samples": orders.n, "right": n_right, "right_if_all_sorted": round(orders.shared * orders.n)},
        f"save the {one} in the order of the {other}, or both with a key that rows can be matched by",
    )
