"""How far losses lie apart: second moments that merge without rounding, and the standard errors they give."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.blocks import Part
from nllcli.numerics.dot import exact_dot
from nllcli.numerics.exact import UNIT_BITS, root
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.numerics.exact import ExactSum


@dataclass(frozen=True)
class Spread(Part):
    """Exact second moments of n loss terms a with weights b: ``sum a**2``, ``sum a b`` and ``sum b**2``.

    They count 2**-2148, and leave out terms that are not finite. ``ab`` and ``bb`` are None where every weight is 1.
    """

    n: int = 0
    aa: int = 0
    ab: int | None = None
    bb: int | None = None

    @classmethod
    def of(cls, terms: NDArray[np.float64], weights: NDArray[np.float64] | None) -> Spread:
        """The moments of ``terms`` (n,) with ``weights`` (n,), or 1 each."""
        n = len(terms)
        finite = np.isfinite(terms) if weights is None else np.isfinite(terms) & np.isfinite(weights)
        if not finite.all():
            terms, weights = terms[finite], None if weights is None else weights[finite]
        aa = exact_dot(terms, terms)
        return cls(n, aa) if weights is None else cls(n, aa, exact_dot(terms, weights), exact_dot(weights, weights))

    def error_of_ratio(self, total: ExactSum, weight_sum: ExactSum) -> float:
        """The standard error of ``R = A / B``, of the sums of the terms and of the weights, rounded once.

        ``sqrt(n / (n-1) * sum (a B - A b)**2) / B**2``, in integers until its root is taken.
        NaN for fewer than two terms, for sums that are not finite, and for B = 0.
        """
        n, b = self.n, weight_sum.units
        if n < 2 or not b or not total.is_finite or not weight_sum.is_finite:
            return math.nan
        return root(n * self.about_ratio(total, weight_sum), (n - 1) * b**4)

    def about_ratio(self, total: ExactSum, weight_sum: ExactSum) -> int:
        """``sum (a B - A b)**2``, of sums that are finite: it counts 2**-4296."""
        a, b = total.units, weight_sum.units
        ab = a << UNIT_BITS if self.ab is None else self.ab
        bb = self.n << 2 * UNIT_BITS if self.bb is None else self.bb
        return self.aa * b**2 - 2 * a * b * ab + a**2 * bb

    def error_of_sum(self, total: ExactSum) -> float:
        """``sqrt(n)`` times the standard deviation (n - 1) of terms without weights, rounded once; NaN as above."""
        n, a = self.n, total.units
        if n < 2 or not total.is_finite:
            return math.nan
        return root(n * self.aa - a**2, (n - 1) << 2 * UNIT_BITS)


def error_of_mean(n: int, total: ExactSum, squares: ExactSum) -> float | None:
    """The standard error of the mean of n numbers, by their sum and that of their squares, each rounded to float64.

    None for fewer than two numbers, and for sums that are not finite.
    """
    if n < 2 or not total.is_finite or not squares.is_finite:
        return None
    spread = max(0, (n * squares.units << UNIT_BITS) - total.units**2)  # below 0 by the squares' rounding alone
    return root(spread, n * n * (n - 1) << 2 * UNIT_BITS)
