"""Class weights: the schemes of ``nll weights``, and what else people write; a formula is one record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nllcli.commands.reconcile.convention import Weighting
from nllcli.commands.reconcile.departure import OFTEN, RARELY, SOMETIMES, Departure
from nllcli.errors import setting
from nllcli.numerics.schemes import ABOUT, NORMALIZATIONS
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from nllcli.commands.reconcile.convention import Convention
    from nllcli.commands.reconcile.departure import Known

    Floats = NDArray[np.float64]

_BETAS = (0.9, 0.99, 0.999, 0.9999)


@dataclass(frozen=True)
class Formula:
    """Weights (k,) of the counts n (k,) > 0, or of the user's own weights; ``python`` is the same of a tensor n.

    ``scaled`` says that they are those of a scheme but for a factor.
    """

    text: str
    value: Callable[[Floats], Floats]
    python: str = ""
    of_weights: bool = False
    n_classes: int | None = None
    scaled: bool = False


FORMULAS = {
    "smallest-1": Formula("n_max / n (the smallest is 1)", lambda n: n.max() / n, "n.max() / n", scaled=True),
    "pos-weight": Formula("1 and n_0 / n_1 (pos_weight)", lambda n: n[0] / n, "n[0] / n", n_classes=2, scaled=True),
    "proportional": Formula("n / N (in proportion)", lambda n: n / n.sum(), "n / n.sum()"),
    "others": Formula("(N - n) / n", lambda n: (n.sum() - n) / n, "(n.sum() - n) / n"),
    "rest": Formula("1 - n / N", lambda n: 1.0 - n / n.sum(), "1 - n / n.sum()"),
    "log-share": Formula(
        "log(N / n), at least 1", lambda n: np.maximum(np.log(n.sum() / n), 1.0), "(n.sum() / n).log().clamp(min=1)"
    ),
    "squared": Formula("your own, squared", lambda w: w**2, of_weights=True),
    "inverted": Formula("your own, inverted: 1 / w", lambda w: 1.0 / w, of_weights=True),
}
SCHEMES_IN_PYTHON = {
    "inverse": "1 / n",
    "balanced": "n.sum() / (len(n) * n)",
    "sqrt-inverse": "n**-0.5",
    "effective": "(1 - {beta}) / (1 - {beta}**n)",
    "median-frequency": "n.quantile(0.5) / n",
    "log": "1 / (1.02 + n / n.sum()).log()",
    **{name: formula.python for name, formula in FORMULAS.items() if formula.python},
}


def departures(known: Known) -> Iterator[Departure]:
    yield Departure("sample weights", "without the sample weights", {"sample_weights": False}, OFTEN)
    if known.found.is_soft:
        return
    yield Departure("weights", "no class weights", {"weighting": Weighting()}, OFTEN)
    for source in ("targets", "given") if known.has_counts else ("targets",):
        origin = "the targets' counts" if source == "targets" else setting("counts")
        yield from _schemes(source, origin)
        for name, formula in FORMULAS.items():
            if not formula.of_weights and formula.n_classes in (None, known.dataset.n_classes):
                changes = {"weighting": Weighting(name, "none", None, source)}
                yield Departure("weights", f"weights {formula.text}, n being {origin}", changes, RARELY)
                if name == "pos-weight":
                    text = f"pos_weight n_0 / n_1 of {origin}, over the number of samples (BCEWithLogitsLoss)"
                    yield Departure("weights", text, {**changes, "reduction": "counted"}, RARELY)
    own = known.base.weighting
    if own.name != "none":
        for name, formula in FORMULAS.items():
            if formula.of_weights:
                yield Departure("weights", f"weights {formula.text}", {"weighting": Weighting(name)}, RARELY)


def _schemes(source: str, origin: str) -> Iterator[Departure]:
    for scheme in sorted(ABOUT, key=lambda name: name != "balanced"):  # what most people mean comes first
        about = ABOUT[scheme]
        for beta in _BETAS if about.takes_beta else (None,):
            for normalize in NORMALIZATIONS:
                text = f"weights {scheme}{'' if beta is None else f' (beta {beta:g})'} of {origin}"
                is_usual = normalize == about.normalize
                if not is_usual:
                    text += f", normalised to {normalize}" if normalize != "none" else ", not normalised"
                changes = {"weighting": Weighting(scheme, normalize, beta, source)}
                yield Departure("weights", text, changes, SOMETIMES if is_usual else RARELY)


def is_counted(weighting: Weighting) -> bool:
    """Whether the weights follow from counts."""
    formula = FORMULAS.get(weighting.name)
    return not formula.of_weights if formula else weighting.name in ABOUT


def makes_sense(convention: Convention, base: Convention, *, scale_free: bool) -> bool:
    """Whether the weights are others than those of the scheme's own normalisation; ``scale_free``: a factor cancels."""
    weighting = convention.weighting
    if scale_free and weighting.name in FORMULAS:
        return not FORMULAS[weighting.name].scaled
    if weighting.name in ABOUT and weighting != base.weighting and scale_free:
        return weighting.normalize == ABOUT[weighting.name].normalize
    return True
