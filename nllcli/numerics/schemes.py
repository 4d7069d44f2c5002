"""The weighting schemes by name: what help, completion and error messages need, without numpy."""

from typing import NamedTuple

from nllcli.data.settings import DEFAULT_BETA
from nllcli.errors import UsageError, setting
from nllcli.registry import Registry


class Scheme(NamedTuple):
    """A scheme in words, its default normalisation, and whether its function takes a beta."""

    formula: str
    source: str
    normalize: str = "none"
    takes_beta: bool = False


ABOUT = {
    "inverse": Scheme("1/n", "inverse class frequency", normalize="max"),
    "balanced": Scheme("N/(C n)", 'scikit-learn, class_weight="balanced"'),
    "sqrt-inverse": Scheme("1/sqrt(n)", "square root of inverse class frequency", normalize="max"),
    "effective": Scheme("(1-beta)/(1-beta^n)", "Cui et al. 2019, arXiv:1901.05555", normalize="mean", takes_beta=True),
    "median-frequency": Scheme("median(f)/f", "Eigen & Fergus 2015, arXiv:1411.4734"),
    "log": Scheme("1/ln(1.02+f)", "Paszke et al. 2016, arXiv:1606.02147"),
}

_CODE = "nllcli.numerics.weightings"

SCHEMES = Registry("scheme", {name: f"{_CODE}:{name.replace('-', '_')}" for name in ABOUT})

NORMALIZATIONS = Registry("normalization", {name: f"{_CODE}:scale_{name}" for name in ("max", "sum", "mean", "none")})

ZERO_COUNTS = ("error", "zero")


def beta_of(scheme: str, beta: float | None) -> float | None:
    """The beta that a scheme takes, None for one without; raises UsageError for one that it cannot take."""
    if not ABOUT[scheme].takes_beta:
        if beta is None:
            return None
        having = [name for name, about in ABOUT.items() if about.takes_beta]
        raise UsageError(
            f"the scheme {scheme} has no beta", hint=f"a beta goes with {setting('scheme', ' or '.join(having))}"
        )
    beta = DEFAULT_BETA if beta is None else beta
    if not 0 <= beta < 1:
        raise UsageError(f"beta is {beta!r}, but must be at least 0 and below 1")
    return beta
