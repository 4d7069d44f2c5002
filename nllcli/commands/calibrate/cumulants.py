"""How the loss changes with the temperature: the derivatives of each sample's loss, added up without rounding.

With beta = 1/T, the loss of a sample is ``f(beta) = log sum_j exp(beta z_j) - beta z_y``. Its derivatives are the
cumulants of the logits z under the probabilities p: ``f' = E z - z_y``, ``f'' = Var z``, and so on. Of logits relative
to the largest and divided by T, the derivative of order m is that by beta times ``beta**m``: numbers of any scale.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nllcli.data.blocks import Part
from nllcli.numerics.dot import exact_dot
from nllcli.numerics.exact import UNIT_BITS, ExactSum, ExactSums, exact_sums, root
from nllcli.numerics.kernels import pick, product, sum_classes, to_float
from nllcli.numerics.kernels.moments import N_POWERS
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.blocks import Scratch
    from nllcli.numerics.kernels.moments import Moments


def target_gaps(
    raw: NDArray[Any], maximum: NDArray[np.float64], targets: NDArray[Any], scratch: Scratch
) -> NDArray[np.float64]:
    """The logit of the target less the largest one (n,): from -inf to 0; of shares of classes, their sum of these."""
    if targets.ndim == 1:
        gaps: NDArray[np.float64] = to_float(pick(raw, targets), scratch) - maximum
        return gaps
    return sum_classes(product(targets.astype(np.float64), to_float(raw, scratch) - maximum[:, None]))


def mass_of(targets: NDArray[Any]) -> NDArray[np.float64] | float:
    """The sum of the shares (n,) of a sample, 1 of a class."""
    return 1.0 if targets.ndim == 1 else sum_classes(targets.astype(np.float64))


def derivatives(
    found: Moments, gaps: NDArray[np.float64], mass: NDArray[np.float64] | float, temperature: float
) -> NDArray[np.float64]:
    """The derivatives (k, n) of each sample's loss, of order 1 to k."""
    moments = found.powers / (1.0 + found.rest)
    out = np.empty_like(moments)
    for m in range(len(moments)):
        out[m] = moments[m]
        for j in range(m):
            out[m] -= math.comb(m, j) * out[j] * moments[m - j - 1]
    out *= mass
    out[0] -= gaps / temperature
    return out


@dataclass(frozen=True)
class Slopes(Part):
    """The sums over samples of the derivatives of their losses, order by order, each by the sample's fold (k K,).

    ``n`` are the samples; ``squares`` counts 2**-2148 of the squares of the first derivatives with their weights.
    """

    n: int = 0
    sums: ExactSums | None = None
    squares: int = 0

    @classmethod
    def of(
        cls,
        values: NDArray[np.float64],
        weights: NDArray[np.float64] | None,
        folds: NDArray[np.int64],
        n_folds: int,
    ) -> Self:
        """Those of derivatives (k, n) of samples that lie in these ``folds`` (n,)."""
        if weights is not None:
            values = values * weights
        groups = folds + n_folds * np.arange(N_POWERS)[:, None]
        sums = exact_sums(values.ravel(), groups.ravel(), n_folds * N_POWERS)
        return cls(len(folds), sums, exact_dot(values[0], values[0]))

    def relative_error(self) -> float:
        """The standard error of 1/T as a share of it, NaN of fewer than two samples.

        ``sqrt(n / (n - 1) sum g**2) / sum h`` of the first and second derivatives g and h, with their weights: the
        sandwich of Huber (1967) and White (Econometrica 50, 1982).
        """
        curvature = self.without()[1]
        if self.n < 2 or not curvature > 0.0:
            return math.nan
        return root(self.n * self.squares, (self.n - 1) << 2 * UNIT_BITS) / curvature

    def without(self, fold: int | None = None) -> list[float]:
        """The sums over all samples, or over those of the other folds, by order: each rounded once."""
        if self.sums is None or self.sums.units is None:
            return [0.0] * N_POWERS
        if self.sums.special is not None:  # a power has overflowed
            return [math.nan] * N_POWERS
        orders = self.sums.units.reshape(N_POWERS, -1).tolist()
        return [float(ExactSum(sum(own) - (0 if fold is None else own[fold]))) for own in orders]
