"""The fit of a temperature by its definitions, in 50 digits, one sample at a time."""

from dataclasses import dataclass

import numpy as np
import oracle
from mpmath import exp, log, mp, mpf, sqrt

mp.dps = 50


@dataclass(frozen=True)
class Sample:
    """The logits of one sample, the share of each class in its target, and its weight."""

    logits: list
    shares: list
    weight: mpf

    @property
    def mass(self):
        return sum(self.shares)

    @property
    def above(self):
        """The logits that are not -inf, relative to the largest, with their shares."""
        largest = max(self.logits)
        pairs = zip(self.logits, self.shares, strict=True)
        return [(z - largest, share) for z, share in pairs if z != -oracle.INF]

    @property
    def is_possible(self):
        return all(z != -oracle.INF for z, share in zip(self.logits, self.shares, strict=True) if share)

    def loss(self, temperature):
        """That of the target, without the weight."""
        if not self.is_possible:
            return oracle.INF
        total = sum(exp(z / temperature) for z, _ in self.above)
        return self.mass * log(total) - sum(share * z for z, share in self.above) / temperature

    def slopes(self, beta):
        """The first two derivatives of the loss by beta = 1/T: the mean logit above the target's, and the variance."""
        powers = [exp(beta * z) for z, _ in self.above]
        mean = sum(p * z for p, (z, _) in zip(powers, self.above, strict=True)) / sum(powers)
        variance = sum(p * (z - mean) ** 2 for p, (z, _) in zip(powers, self.above, strict=True)) / sum(powers)
        return self.mass * mean - sum(share * z for z, share in self.above), self.mass * variance


@dataclass(frozen=True)
class Samples:
    """All rows of a file in order, None where one does not count."""

    rows: list

    @classmethod
    def of(cls, x, targets, *, source="logits", weights=None, sample_weights=None, ignore=-100):
        """Those of arrays as ``nll calibrate`` takes them; one column is that of class 1 of two."""
        rows = []
        for i, row in enumerate(np.asarray(x).tolist()):
            own = mpf(1) if sample_weights is None else mpf(float(sample_weights[i]))
            values = [mpf(0), *map(mpf, row)] if len(row) == 1 else list(map(mpf, row))
            logits = [oracle.log(p) for p in values] if source == "probs" else values
            of_class = [mpf(1)] * len(logits) if weights is None else list(map(mpf, weights))
            target = targets[i]
            if np.ndim(target):
                shares = [c * mpf(float(q)) for c, q in zip(of_class, target, strict=True)]
            elif target == ignore:
                rows.append(None)
                continue
            else:
                shares = [mpf(int(k == target)) for k in range(len(logits))]
                own *= of_class[int(target)]
            rows.append(Sample(logits, shares, own))
        return cls(rows)

    @property
    def counted(self):
        return [(i, row) for i, row in enumerate(self.rows) if row is not None]

    @property
    def used(self):
        return [(i, row) for i, row in self.counted if row.weight and row.is_possible]

    def without(self, fold, n_folds):
        """All but the rows of a fold."""
        return Samples([None if i % n_folds == fold else row for i, row in enumerate(self.rows)])

    def slope(self, beta):
        return sum(row.weight * row.slopes(beta)[0] for _, row in self.used)

    def misses(self, temperature, within):
        """Why the temperature of least loss is not within a share of a number; the derivative rises from - to +."""
        low, high = (self.slope(1 / (mpf(temperature) * (1 + sign * mpf(within)))) for sign in (1, -1))
        return None if low <= 0 <= high else f"slopes {mp.nstr(low, 5)} and {mp.nstr(high, 5)}"

    def standard_error(self, temperature):
        """sqrt(n/(n-1) sum (w g)^2) / sum w h of 1/T, times T squared."""
        found = [(row.weight, *row.slopes(1 / mpf(temperature))) for _, row in self.used]
        n = len(found)
        squares, curvature = sum((w * g) ** 2 for w, g, _ in found), sum(w * h for w, _, h in found)
        return mpf(temperature) ** 2 * sqrt(mpf(n) / (n - 1) * squares) / curvature

    def loss(self, temperatures):
        """The mean loss, with a temperature for each fold."""
        return self._mean([row.loss(mpf(temperatures[i % len(temperatures)])) for i, row in self.counted])

    def gain(self, temperatures):
        """What temperatures of folds take off the mean loss, and the standard error of that ratio."""
        gains = [row.loss(1) - row.loss(mpf(temperatures[i % len(temperatures)])) for i, row in self.counted]
        weights = [row.weight for _, row in self.counted]
        ratio, n = self._mean(gains), len(gains)
        rest = sum((w * (gain - ratio)) ** 2 for w, gain in zip(weights, gains, strict=True))
        return ratio, sqrt(mpf(n) / (n - 1) * rest) / abs(sum(weights))

    def _mean(self, values):
        weights = [row.weight for _, row in self.counted]
        pairs = zip(weights, values, strict=True)
        return sum(oracle.times(w, value) for w, value in pairs) / sum(weights)
