"""Settings that have no meaning, alone or together, are refused."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from nllcli.data.settings import PRECISIONS, REDUCTIONS, SOURCES, LossOptions
from nllcli.errors import UsageError
from nllcli.numerics.losses import LOSSES

if TYPE_CHECKING:
    from nllcli.data.dataset import Dataset
    from nllcli.scoring.request import WeightOptions


def check_weight_options(weights: WeightOptions) -> None:
    """Raise UsageError for options of class weights that do not fit together."""
    if weights.weights is not None and weights.counts is not None:
        raise UsageError("--weights and --counts both give class weights", hint="give one of them")
    deriving = (weights.scheme, weights.normalize, weights.beta) != (None, None, None) or weights.zero_count != "error"
    if weights.counts is None and deriving:
        raise UsageError(
            "--scheme, --normalize, --beta and --zero-count derive weights from counts, and there are none",
            hint="--counts targets counts the targets themselves",
        )


def check_options(loss: LossOptions, *, soft: bool, ignoring: bool, unlabelled: bool = False) -> None:
    """Raise UsageError for settings that have no meaning, alone or with ``soft`` targets or none (``unlabelled``).

    ``ignoring`` says that an index to ignore was asked for.
    """
    choices = {
        "source": SOURCES,
        "loss": tuple(LOSSES),
        "reduction": REDUCTIONS,
        "precision": PRECISIONS,
        "on_nonfinite": ("error", "nan"),
    }
    for name, known in choices.items():
        if getattr(loss, name) not in known:
            raise UsageError(f"unknown {name} {getattr(loss, name)!r}", hint=f"one of: {', '.join(known)}")
    if loss.class_weights is not None and not all(map(isfinite, loss.class_weights)):
        raise UsageError("class weights must be finite numbers")
    record = LOSSES[loss.loss]
    if unlabelled and record.needs_targets:
        raise UsageError(f"the loss {loss.loss} needs targets")
    if unlabelled and loss.class_weights is not None:
        raise UsageError("a class weight goes by the sample's target, and there are no targets")
    if not 0.0 <= loss.label_smoothing <= 1.0:
        raise UsageError(f"label smoothing {loss.label_smoothing} is outside 0..1")
    if loss.label_smoothing and not record.smooths:
        raise UsageError(f"label smoothing is defined for the loss nll, not for {loss.loss}")
    check_temperature(loss)
    if loss.clip is not None and not 0.0 < loss.clip < 0.5:
        raise UsageError(f"clip {loss.clip} is not between 0 and 0.5")
    if soft and not record.takes_soft:
        raise UsageError(f"the loss {loss.loss} needs class indices; the targets are class probabilities")
    if soft and ignoring:
        raise UsageError(
            "an index to ignore is a class index; the targets are class probabilities", hint="leave it out"
        )


def check_temperature(loss: LossOptions) -> None:
    """Raise UsageError for a temperature that cannot divide, or that has no logits to divide."""
    if not 0.0 < loss.temperature < float("inf"):
        raise UsageError(f"temperature {loss.temperature} is not a finite number above 0")
    if loss.temperature != 1.0 and loss.source != "logits":
        raise UsageError(f"a temperature divides logits; these are {loss.source}")


def clip_of(clip: str | float | None, dataset: Dataset) -> float | None:
    """The eps that p is clipped with; "auto" is the machine epsilon of the logits' dtype."""
    if clip is None:
        return None
    if clip == "auto":
        from nllcli.numerics.kernels.convert import machine_epsilon

        return machine_epsilon(dataset.logits.dtype)
    try:
        return float(clip)
    except ValueError:
        raise UsageError(f"--clip {clip!r} is neither a number nor auto") from None
