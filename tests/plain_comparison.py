"""The numbers of a comparison by their definitions, in 50 digits, one sample at a time; judged against the oracle."""

from dataclasses import dataclass, field

import numpy as np
import oracle
from mpmath import betainc, binomial, exp, expm1, mp, mpf, quad, sqrt

mp.dps = 50


@dataclass
class Models:
    """Two models of the same samples: the losses times their weights, the weights, and what else is known of each."""

    old: list
    new: list
    weights: list
    right: list = field(default_factory=list)  # pairs of truth values
    groups: list | None = None

    @classmethod
    def of(cls, a, b, targets, *, groups=None, **options):
        """Those of rows (n, C) and class indices (n,) that are not ignored; options as the oracle's."""
        old, new = (oracle.weighted_losses(rows, targets, **options) for rows in (a, b))
        kept = [i for i, pair in enumerate(old) if pair is not None]
        right = [tuple(int(np.argmax(rows[i])) == targets[i] for rows in (a, b)) for i in kept]
        return cls(
            [old[i][0] for i in kept],
            [new[i][0] for i in kept],
            [old[i][1] for i in kept],
            right,
            None if groups is None else [groups[i] for i in kept],
        )

    @property
    def differences(self):
        return [b - a for a, b in zip(self.old, self.new, strict=True)]

    def difference(self):
        return (sum(self.new) - sum(self.old)) / sum(self.weights)

    def units(self, values):
        """Sums of values by group, or the values."""
        if self.groups is None:
            return list(values)
        sums = {}
        for group, value in zip(self.groups, values, strict=True):
            sums[group] = sums.get(group, mpf(0)) + value
        return list(sums.values())

    def error(self, values=None, weights=None, *, grouped=True):
        """The standard error of the ratio of the sums of values and weights, of groups where there are some."""
        values = self.differences if values is None else values
        weights = self.weights if weights is None else weights
        ratio = sum(values) / sum(weights)
        rest = [v - ratio * w for v, w in zip(values, weights, strict=True)]
        rest = self.units(rest) if grouped else rest
        n = len(rest)
        return sqrt(mpf(n) / (n - 1) * sum(u**2 for u in rest)) / abs(sum(weights))

    def correlation(self):
        rests = []
        for values in (self.old, self.new):
            ratio = sum(values) / sum(self.weights)
            rests.append([v - ratio * w for v, w in zip(values, self.weights, strict=True)])
        a, b = rests
        together = sum(x * y for x, y in zip(a, b, strict=True))
        return together / sqrt(sum(x**2 for x in a) * sum(y**2 for y in b))

    def answers(self):
        """How many answers are right of both, of the old, of the new and of neither."""
        return [sum(pair == wanted for pair in self.right) for wanted in ((1, 1), (1, 0), (0, 1), (0, 0))]

    def accuracy_error(self):
        change = [mpf(int(new) - int(old)) for old, new in self.right]
        return self.error(change, [mpf(1)] * len(change))


def two_sided_p(t, df):
    """Student's t by the regularised incomplete beta function."""
    return betainc(mpf(df) / 2, mpf(1) / 2, 0, df / (df + mpf(t) ** 2), regularized=True)


def quantile(p, df):
    """The t with probability p below it, p above 1/2."""
    return mp.findroot(
        lambda t: 1 - two_sided_p(t, df) / 2 - p, (mpf(1), mpf(3)), solver="anderson", tol=mpf(10) ** -30
    )


def within(low, high, centre, scale, df):
    """The probability between two numbers of Student's t about a centre, by quadrature of its density."""
    norm = mp.gamma(mpf(df + 1) / 2) / mp.gamma(mpf(df) / 2) / sqrt(df * mp.pi)
    return quad(
        lambda t: norm * (1 + t**2 / df) ** (-mpf(df + 1) / 2), [(low - centre) / scale, (high - centre) / scale]
    )


def binomial_p(a, b):
    """The two-sided exact p of counts where either is as likely."""
    n, least = a + b, min(a, b)
    return min(mpf(1), 2 * sum(binomial(n, k) for k in range(least + 1)) / mpf(2) ** n)


def divergence(p_log, q_log):
    """KL of two rows of log-probabilities: terms x log(x/y) - x + y."""
    total = mpf(0)
    for a, b in zip(p_log, q_log, strict=True):
        x = exp(a)
        if x == 0:
            total += exp(b)
        elif b == -oracle.INF:
            return oracle.INF
        else:
            total += x * (expm1(b - a) - (b - a))
    return total


def quantiles(values, shares):
    """Between neighbours in proportion."""
    ordered = sorted(values)
    found = []
    for share in shares:
        place = mpf(share) * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        found.append(ordered[low] + (place - low) * (ordered[high] - ordered[low]))
    return found
