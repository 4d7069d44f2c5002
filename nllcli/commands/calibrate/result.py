"""What nll calibrate finds: how good the probabilities are, before and after a temperature, and which one that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nllcli.errors import Notice
    from nllcli.numerics.calibration.bins import Bin


@dataclass(frozen=True)
class Decomposition:
    """A mean score and its parts, ``score = mcb - dsc + unc``: miscalibration, discrimination and uncertainty."""

    score: float
    mcb: float
    dsc: float
    unc: float


@dataclass(frozen=True)
class ClassErrors:
    """How well the probabilities of one class are calibrated, those above a threshold if there is one.

    ``count`` are the samples of the class, whatever its probability, or of targets that are shares the sum of these;
    ``confidence`` is its mean probability, ``frequency`` its share.
    """

    name: str
    count: float
    confidence: float | None
    frequency: float | None
    ece: float | None
    mce: float | None
    ece_equal_mass: float | None


@dataclass(frozen=True)
class Measured:
    """How good the probabilities are at one temperature; a number that is None has no meaning here.

    ``accuracy`` counts samples, ``weighted_accuracy`` adds up their weights; ``overconfidence`` is ``confidence`` minus
    the latter. ``bins`` are those of ``ece``; it and what follows it are of the claims that were asked for.
    """

    temperature: float
    loss: float
    accuracy: float | None
    weighted_accuracy: float | None
    confidence: float | None
    overconfidence: float | None
    brier: float | None
    ece: float | None
    mce: float | None
    rmsce: float | None
    ace: float | None
    ece_debiased: float | None
    ece_chance: float | None
    ece_equal_mass: float | None
    ece_sweep: float | None
    ece_sweep_bins: int | None
    ece_classwise: float | None
    ece_classwise_equal_mass: float | None
    smece: float | None
    spiegelhalter_z: float | None
    spiegelhalter_p: float | None
    corp_brier: Decomposition | None
    corp_log: Decomposition | None
    bins: tuple[Bin, ...]
    per_class: tuple[ClassErrors, ...] | None = None

    @property
    def brier_half(self) -> float | None:
        """Half the Brier score, from 0 to 1, as of two classes it is often told."""
        return None if self.brier is None else self.brier / 2


@dataclass(frozen=True)
class Temperature:
    """The temperature and where it is from.

    Its ``status`` is "fitted", "given" or "none" asked for; where no temperature has the least loss it is "zero" or
    "infinite", which the loss falls towards, "flat" where all are alike, or "empty" where no sample counts.

    ``standard_error`` and the interval from ``ci_low`` to ``ci_high`` are those of a fit. ``loss_limit`` is what the
    loss approaches where no temperature has the least. ``of_folds`` are the temperatures fitted without each fold, None
    for one that has none; empty without folds. ``origin`` names the files it was fitted to, where these are others.
    """

    status: str
    value: float | None
    standard_error: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    loss_limit: float | None = None
    of_folds: tuple[float | None, ...] = ()
    origin: str | None = None


@dataclass(frozen=True)
class HeldOut:
    """The mean loss of samples at a temperature that they had no part in, and what that takes off their loss."""

    loss: float
    gain: float
    standard_error: float | None


@dataclass(frozen=True)
class Calibration:
    """The calibration of a set of samples.

    ``binning`` says in words which bins those of ``ece`` are, of equal mass where ``is_by_mass``, ``claims`` which
    probabilities they hold ("top", "classwise", or "class NAME"), and ``source`` what the file holds. ``n_groups`` is
    None where every sample was ranked by itself, and else the number of groups of nearly equal confidence.
    ``confidence_level`` is that of the interval.
    """

    title: str
    signature: str
    temperature: Temperature
    before: Measured
    after: Measured | None
    held_out: HeldOut | None
    d2_log_loss: float | None
    n_samples: int
    n_counted: int
    n_classes: int
    n_folds: int
    n_groups: int | None
    confidence_level: float
    binning: str
    claims: str
    is_weighted: bool
    inputs: Sequence[Mapping[str, str | int | None]]
    warnings: tuple[Notice, ...]
    notes: tuple[Notice, ...]
    source: str = "logits"
    is_by_mass: bool = False

    @property
    def under_settings(self) -> Measured:
        """How good the probabilities are under the settings: at the temperature that is given, or else at 1."""
        return self.after if self.temperature.status == "given" and self.after is not None else self.before

    @property
    def n_ignored(self) -> int:
        return self.n_samples - self.n_counted
