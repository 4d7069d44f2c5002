"""How far the distribution of one model is from that of another, sample by sample: the Kullback-Leibler divergence.

Of a baseline A and a model B, ``KL = sum over c of p_A log(p_A / p_B) - p_A + p_B``: the last two add up to nothing for
distributions, and keep every term from falling below 0. With ``r = log p_B - log p_A``, a term is
``p_A (exp(r) - 1 - r)``. An error that all r of a sample share changes that sum by its square alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nllcli.numerics.kernels import product, sum_classes
from nllcli.numerics.kernels.divergence import diverge
from nllcli.numerics.surprisal import sum_of_parts
from nllcli.numerics.surprisal.logits import FromLogits
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.numerics.evaluate import Scoring
    from nllcli.numerics.surprisal import Surprisal

# A probability below exp(-708), which is about the least normal float64, counts as 0, as it does in the native kernel.
_LARGEST_SURPRISAL = 708.0

# Above the first of these r, ``expm1(r) - r`` has lost few digits; above the second, it may overflow.
_SERIES_BELOW, _EXPM1_BELOW = 1e-3, 1.0


@dataclass(frozen=True)
class Divergence:
    """``kl`` (n,) float64, from 0 to inf, in nats, and ``same_top`` (n,): whether the first classes of the largest p
    are the same.

    A sample for which either model has no number has a ``kl`` of NaN, and no ``same_top``.
    """

    kl: NDArray[np.float64]
    same_top: NDArray[np.bool_]


@np.errstate(all="ignore")  # of infinite surprisals
def divergence(a: Scoring, b: Scoring) -> Divergence:
    """The divergence of the baseline ``a`` from ``b``, of the same samples and classes, each with a scratch of its own.

    ``kl`` is inf where a class has p = 0 under ``b`` alone.
    """
    kl, same_top = _natively(a.scores, b.scores) or _in_parts(a, b)
    for unusable in (a.scores.unusable(), b.scores.unusable()):
        if unusable is not None:
            kl[unusable], same_top[unusable] = np.nan, False
    return Divergence(kl, same_top)


def _natively(a: Surprisal, b: Surprisal) -> tuple[NDArray[np.float64], NDArray[np.bool_]] | None:
    """None where this is not for the native kernel."""
    if isinstance(a, FromLogits) and isinstance(b, FromLogits):
        return diverge(a.normalised(), b.normalised())
    return None


def _in_parts(a: Scoring, b: Scoring) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    parts = zip(a.parts(whole_rows=True), b.parts(whole_rows=True), strict=True)
    found = [_of_part(of_a, of_b) for (_, _, of_a), (_, _, of_b) in parts]
    kl, same_top = (np.concatenate(values) for values in zip(*found, strict=True))
    return kl, same_top


def _of_part(a: Surprisal, b: Surprisal) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    kl = sum_of_parts(lambda part: sum_classes(_terms(a.all(part), b.all(part))), a.n_classes)
    return kl, a.top() == b.top()


def _terms(of_a: NDArray[np.float64], of_b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The term (n, k) of every class, from the surprisals of both models."""
    p = np.where(of_a > _LARGEST_SURPRISAL, 0.0, np.exp(-of_a))
    r = of_a - of_b
    size = np.abs(r)
    series = r * r * (0.5 + r * (1 / 6 + r * (1 / 24 + r / 120)))
    near = p * np.where(size < _SERIES_BELOW, series, np.expm1(r) - r)
    return np.where(size <= _EXPM1_BELOW, near, (np.exp(-of_b) - p) - product(p, r))
