"""The native kernel of the divergence of two models; without it, their surprisals are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.numerics.kernels.chosen import bits_of, native
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Differences of logits and of sums below this size do not overflow.
_LARGEST_LOG_SUM = 1e300


@dataclass(frozen=True)
class Normalised:
    """Logits (n, C) of a type and an order that the kernels read: p of a class is ``exp(x / temperature - log_sum)``.

    ``log_sums`` (n,) are NaN for samples without a number.
    """

    logits: NDArray[Any]
    temperature: float
    log_sums: NDArray[np.float64]


def diverge(a: Normalised, b: Normalised) -> tuple[NDArray[np.float64], NDArray[np.bool_]] | None:
    """The divergence (n,) of ``a`` from ``b``, and whether they have the same first class of the largest logit, (n,).

    None where NumPy computes, and for logits that are too large.
    """
    module = native()
    if module is None or any((np.abs(model.log_sums) > _LARGEST_LOG_SUM).any() for model in (a, b)):
        return None
    x, y = bits_of(a.logits), bits_of(b.logits)
    if x.logits.flags.c_contiguous != y.logits.flags.c_contiguous:
        x, y = (each._replace(logits=np.ascontiguousarray(each.logits)) for each in (x, y))
    kl, same_top = np.empty(len(x.logits)), np.empty(len(x.logits), np.bool_)
    module.divergence(*x, a.temperature, a.log_sums, *y, b.temperature, b.log_sums, kl, same_top.view(np.uint8))
    return kl, same_top
