"""What the pictures of a loss show, counted and added up one sample at a time from numbers of 50 digits."""

from math import fsum

import oracle
from mpmath import mp, mpf

FIRST_DECADE, LAST_DECADE = -20, 4
FINE = [
    float(f"{tenths // 10}.{tenths % 10}e{k}") for k in range(FIRST_DECADE, LAST_DECADE) for tenths in range(10, 100)
]
FINE.append(1e4)
TEN = ("1", "1.3", "1.6", "2", "2.5", "3.2", "4", "5", "6.3", "8")
TEN_A_DECADE = [float(f"{digits}e{k}") for k in range(FIRST_DECADE, LAST_DECADE) for digits in TEN]
DIVIDES = [1.0, 10.0, 0.1, 100.0, 0.01, 1000.0, *(float(f"1e-{k}") for k in range(3, 21))]


class Sample:
    """A counted sample: what it is, what it is taken for, and what it loses without and with its weight."""

    def __init__(self, number, row, target, weight=1.0, **options):
        log_p, _ = oracle.log_probabilities(row, complements=False, **options)
        self.number, self.target, self.row = number, target, row
        self.top = max(range(len(row)), key=lambda c: (log_p[c], -c))
        self.p = [mp.exp(each) for each in log_p]
        self.q = mp.fsum(p for c, p in enumerate(self.p) if c != self.top)
        self.loss = -log_p[target]
        self.term = oracle.times(oracle.number(weight), self.loss)
        self.weight = weight
        self.is_right = self.top == target


def samples(rows, targets, weights=None, ignore_index=-100, **options):
    """The samples that count."""
    weights = [1.0] * len(rows) if weights is None else weights
    with mp.workdps(50):
        return [
            Sample(i, row, int(target), weight, **options)
            for i, (row, target, weight) in enumerate(zip(rows, targets, weights, strict=True))
            if target != ignore_index
        ]


def share(some, every):
    """What some of the samples bring to the loss."""
    return float(mp.fsum(each.term for each in some) / mp.fsum(each.term for each in every))


def median_below(every):
    """The first decimal of two digits below which half of the losses are."""
    return next(edge for edge in FINE if 2 * sum(each.loss < edge for each in every) >= len(every))


def large(every):
    """The round loss that divides off few samples which bring half, how many these are, and what they bring.

    Where there is none it is the least of ten a decade that at most half of the samples reach.
    """
    for loss in DIVIDES:
        some = [each for each in every if each.loss >= loss]
        if 2 * len(some) <= len(every) and some and share(some, every) >= 0.5:
            return loss, len(some), share(some, every)
    loss = next(edge for edge in TEN_A_DECADE if 2 * sum(each.loss >= edge for each in every) <= len(every))
    some = [each for each in every if each.loss >= loss]
    return loss, len(some), share(some, every)


def hardest(every):
    """The samples, those that lose most first."""
    return sorted(every, key=lambda each: (-each.term, each.number))


def half(every):
    """How many of the hardest samples bring half of the loss."""
    order, total = hardest(every), mp.fsum(each.term for each in every)
    n, so_far = 0, mpf(0)
    while 2 * so_far < total:
        so_far += order[n].term
        n += 1
    return n


def mean(values, weights=None):
    """The mean, of weighted values where there are weights."""
    values = list(values)
    weights = [1.0] * len(values) if weights is None else list(weights)
    pairs = zip(values, weights, strict=True)
    return float(mp.fsum(oracle.number(w) * oracle.number(x) for x, w in pairs) / mp.fsum(weights))


def standard_error(values):
    """Of the mean of numbers: their standard deviation (n - 1) over the root of n."""
    n, middle = len(values), mp.fsum(values) / len(values)
    return float(mp.sqrt(mp.fsum((x - middle) ** 2 for x in values) / (n - 1) / n))


def calibration_error(every, n_bins=15):
    """The expected calibration error of bins of equal width, open below and closed above."""
    bins = [[] for _ in range(n_bins)]
    for each in every:
        p = 1 - each.q
        bins[next(k for k in range(n_bins) if p <= mpf(k + 1) / n_bins)].append(each)
    gaps = [abs(fsum(each.weight * (each.is_right - float(1 - each.q)) for each in some)) for some in bins]
    return fsum(gaps) / fsum(each.weight for each in every)
