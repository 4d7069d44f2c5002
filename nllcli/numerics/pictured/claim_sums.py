"""What is added up of the claims that the top class is right: in bins of equal width, of which the last is cut."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Self

import numpy as np

from nllcli.data.blocks import Part
from nllcli.numerics.calibration.bins import BinSums, Rule, bins_of, edges, place
from nllcli.numerics.edge_table import EdgeTable
from nllcli.numerics.exact import ExactSums, exact_count, exact_sums
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.numerics.calibration.bins import Bin
    from nllcli.numerics.calibration.claims import Claimed

# The bins of nll calibrate, unless it is told others.
RULE = Rule()
N_WHOLE = RULE.n_bins - 1

# The edges of q = 1 - p at which the last bin is cut, 1-2-5 a decade.
SURE = np.array([float(f"{digit}e{decade}") for decade in range(-16, -1) for digit in (1, 2, 5)])
_SURE_BINS = EdgeTable(SURE)

# The bins but the last, and the parts of that: p ascends from one to the next.
N_GROUPS = N_WHOLE + _SURE_BINS.n_bins


def groups_of(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.int64]:
    """The group (n,) of each claim with p and q = 1 - p (n,): the last bin is cut into [low, high) of q."""
    groups = place(RULE, p)
    sure = np.flatnonzero(groups == N_WHOLE)
    groups[sure] = N_GROUPS - 1 - _SURE_BINS.place(q[sure])
    return groups


def _bounds_of_q() -> list[tuple[float, float]]:
    """Between which q each group lies, the lower bound and the upper one."""
    cuts = [1.0 - edge for edge in edges(RULE)[:-1].tolist()] + SURE[::-1].tolist() + [0.0]
    return [(low, high) for high, low in pairwise(cuts)]


@dataclass(frozen=True)
class ClaimSums(Part):
    """The sums of claims of the most likely class by group: ``bins``' sums, the sums of q and how many are wrong.

    ``q`` and ``n_wrong`` are of samples as they are, without weights; the others have the weights that calibration
    gives them.
    """

    sums: BinSums = BinSums()
    q: ExactSums = ExactSums()
    n_wrong: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, claims: Claimed) -> Self:
        """Those of claims (n,) whose outcomes are 0 or 1."""
        groups, n = groups_of(claims.p, claims.q), N_GROUPS
        n_right = np.bincount(groups, claims.outcomes, n).astype(np.int64)
        sums = BinSums.of(claims, groups, n)
        assert sums.n is not None
        return cls(sums, exact_sums(claims.q, groups, n), sums.n - n_right)

    @property
    def n_counted(self) -> int:
        """How many claims there are."""
        return 0 if self.sums.n is None else int(self.sums.n.sum())

    @property
    def is_weighted(self) -> bool:
        """Whether samples have weights."""
        return self.sums.weights is not None

    @property
    def united(self) -> BinSums:
        """The sums of the bins of equal width."""
        return self.sums.united(np.arange(RULE.n_bins))

    def bins(self) -> tuple[Bin, ...]:
        """The bins of equal width, as nll calibrate has them; none of no claims."""
        return bins_of(self.united, RULE)

    def confidence(self) -> float | None:
        """The mean of p; None where there is nothing to take it of."""
        return self._mean(self.sums.p)

    def accuracy(self) -> float | None:
        """The share of the claims that are right; None where there is nothing to take it of."""
        return self._mean(self.sums.outcomes)

    def _mean(self, sums: ExactSums) -> float | None:
        weights = self.sums.weights
        weight = exact_count(self.n_counted) if weights is None else weights.total()
        return sums.total().divided_by(weight) if weight.units else None

    def groups(self) -> list[tuple[float, float, int, float, int]]:
        """Of each group, the most certain first: q from and to, how many claims, their sum of q, how many are wrong."""
        if self.sums.n is None or self.n_wrong is None:
            return []
        claimed = [float(self.q[group]) for group in range(N_GROUPS)]
        rows = zip(_bounds_of_q(), self.sums.n.tolist(), claimed, self.n_wrong.tolist(), strict=True)
        return [(low, high, n, q, wrong) for (low, high), n, q, wrong in rows][::-1]
