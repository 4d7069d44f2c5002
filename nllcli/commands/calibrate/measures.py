"""What is added up of samples at one temperature: everything that calibration is judged by."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nllcli.commands.calibrate.ranked import MOST_SAMPLES, Ranked
from nllcli.commands.calibrate.smooth import Smooth
from nllcli.data.blocks import Part
from nllcli.numerics.by_class import ByClass
from nllcli.numerics.calibration.bin_errors import class_sums
from nllcli.numerics.calibration.bins import BinSums, place
from nllcli.numerics.calibration.judged import claims_of_class, claims_of_classes, judge
from nllcli.numerics.exact import ExactSum, ExactSums, exact_sum, exact_sums
from nllcli.numerics.kernels import product
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.commands.calibrate.like import PeerRule
    from nllcli.numerics.calibration.bins import Rule
    from nllcli.numerics.calibration.claims import Claims
    from nllcli.numerics.calibration.judged import Judged
    from nllcli.numerics.evaluate import Scored


@dataclass(frozen=True)
class MeasureOptions:
    """What is to be measured: errors of bins by a ``rule``, of the top labels or of the class of number ``of_class``.

    ``peer_rule`` is that of another library's rule. ``by_class`` asks for bins of each class, of which probabilities
    above ``threshold`` alone count, and ``ranks_classes`` for bins of equal mass of each. ``smooth`` asks for the
    smooth error.
    """

    rule: Rule
    of_class: int | None = None
    peer_rule: PeerRule | None = None
    by_class: bool = False
    ranks_classes: bool = False
    threshold: float | None = None
    smooth: bool = False


@dataclass(frozen=True)
class Spiegelhalter(Part):
    """The sums of (a - c)(1 - 2c) and of its variance if each confidence c is right, of outcomes a.

    Spiegelhalter, "Probabilistic prediction in patient management and clinical trials", Stat. Med. 5 (1986).
    """

    deviation: ExactSum = ExactSum()
    variance: ExactSum = ExactSum()

    @classmethod
    def of(cls, claims: Claims) -> Self:
        """Those of claims, with their weights."""
        w = 1.0 if claims.weights is None else claims.weights
        # 1 - 2c and a - c keep their digits where c is near 1, by 1 - c.
        side = w * (claims.q - claims.p)
        off = np.where(claims.outcomes == 1.0, claims.q, claims.outcomes - claims.p)
        return cls(exact_sum(side * off), exact_sum(side * side * (claims.p * claims.q)))

    def z(self) -> float | None:
        """The deviation in standard deviations, None where none is possible: a normal variable if all c are right."""
        variance = float(self.variance)
        return float(self.deviation) / math.sqrt(variance) if variance > 0.0 else None


@dataclass(frozen=True)
class Measures(Part):
    """The sums over samples: of their Brier scores, and of the confidence and the outcomes of their top labels.

    ``bins`` and what follows are of the claims that are asked for; ``by_class`` has the bins of all classes, and
    ``ranked_by_class`` their claims in order. ``shares`` is what the classes weigh, and ``counts`` how
    many samples they have, where targets are classes.
    """

    brier: ExactSum = ExactSum()
    confidence: ExactSum = ExactSum()
    outcome: ExactSum = ExactSum()
    bins: BinSums = BinSums()
    spiegelhalter: Spiegelhalter = Spiegelhalter()
    ranked: Ranked = Ranked()
    smooth: Smooth | None = None
    by_class: BinSums | None = None
    ranked_by_class: ByClasses | None = None
    shares: ByClass | ExactSums | None = None
    counts: ByClass | None = None

    @classmethod
    def of(cls, scored: Scored, options: MeasureOptions) -> Self:
        """Those of the samples of a scored block that count."""
        judged = judge(scored)
        top = judged.claims
        claims = top if options.of_class is None else claims_of_class(scored, options.of_class)
        seen = claims if options.peer_rule is None else options.peer_rule.as_library_has(claims)
        classes = claims_of_classes(scored, options.threshold) if options.by_class else []
        return cls(
            _weighted(judged.brier, top.weights),
            _weighted(top.p, top.weights),
            _weighted(top.outcomes, top.weights),
            BinSums.of(seen, place(options.rule, seen.p), options.rule.n_places),
            Spiegelhalter.of(claims),
            Ranked.of(claims),
            Smooth.of(claims) if options.smooth else None,
            class_sums(classes, options.rule) if classes else None,
            ByClasses.of(classes) if options.ranks_classes and classes else None,
            _shares(judged, scored),
            ByClass.of(judged.targets, scored.scoring.scores.n_classes)
            if classes and judged.targets.ndim == 1
            else None,
        )

    @property
    def n_groups(self) -> int | None:
        """In how many groups claims are ranked, of the top label or of a class; None where each is by itself."""
        classes = () if self.ranked_by_class is None else self.ranked_by_class.classes
        counts = [n for each in (self.ranked, *classes) if (n := each.n_groups) is not None]
        return max(counts, default=None)


def _weighted(values: NDArray[np.float64], weights: NDArray[np.float64] | None) -> ExactSum:
    return exact_sum(values if weights is None else product(weights, values))


def _shares(judged: Judged, scored: Scored) -> ByClass | ExactSums | None:
    """What each class weighs: how many samples it has, where they weigh alike.

    None where class weights weigh parts of a sample: then nothing that is told of all has the least loss.
    """
    targets, weights, n_classes = judged.targets, judged.weights, scored.scoring.scores.n_classes
    if targets.ndim == 2:
        if scored.scoring.options.class_weights is not None:
            return None
        values = targets if weights is None else targets * weights[:, None]
        classes: Any = np.broadcast_to(np.arange(n_classes), targets.shape)
        return exact_sums(values.ravel().astype(np.float64), classes.ravel(), n_classes)
    if weights is None:
        return ByClass.of(targets, n_classes)
    return exact_sums(weights, targets, n_classes)


@dataclass(frozen=True)
class ByClasses:
    """The claims of each class in their order: together they are kept for as many samples as those of one."""

    classes: tuple[Ranked, ...] = ()

    @classmethod
    def of(cls, claims: list[Claims]) -> Self:
        """Those of the claims of each class."""
        return cls(tuple(Ranked.of(each, MOST_SAMPLES // len(claims), scored=False) for each in claims))

    def __add__(self, other: ByClasses) -> ByClasses:
        if not (self.classes and other.classes):
            return self if self.classes else other
        return ByClasses(tuple(a + b for a, b in zip(self.classes, other.classes, strict=True)))
