"""Evidence in the logits alone: what is not finite, saturated, constant, or not a logit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.check.evidence.extremes import Extremes, count_tops, hold_alone, read_extremes
from nllcli.commands.check.evidence.integers import Bits, Halves, read_bits, read_halves
from nllcli.data.blocks import Part
from nllcli.numerics.findings import distance_from_1, sum_tolerance
from nllcli.numerics.kernels import is_half, pick
from nllcli.numerics.tally import Rows
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HALF_MAXIMUM = 65504.0
# Enough of a block to see that its numbers are not whole, or not of half precision.
_PEEKED_ROWS, _PEEKED_CLASSES = 4, 256


@dataclass(frozen=True)
class Peak:
    """The largest value seen, and how often it was seen."""

    value: float
    n: int

    def __add__(self, other: Peak) -> Peak:
        if self.value == other.value:
            return Peak(self.value, self.n + other.n)
        return max(self, other, key=lambda peak: peak.value)

    @classmethod
    def of(cls, values: NDArray[Any]) -> Peak | None:
        if not values.size:
            return None
        top = values.max()
        return cls(float(top), int(np.count_nonzero(values == top)))


@dataclass(frozen=True)
class Constant:
    """The ``classes`` (k,) that have had one value alone, in ascending order, and these ``values`` (k,).

    None is every class: so it is of a single row without NaN. Of two zeros, the value is the one that comes first.
    """

    classes: NDArray[np.int64] | None
    values: NDArray[Any]

    def __add__(self, other: Constant) -> Constant:
        if self.classes is None and other.classes is None:
            same = self.values == other.values
            return self if same.all() else Constant(np.flatnonzero(same), self.values[same])
        if self.classes is None or other.classes is None:
            classes = np.asarray(other.classes if self.classes is None else self.classes)
            ours, theirs = (one.values[classes] if one.classes is None else one.values for one in (self, other))
            same = ours == theirs
            return Constant(classes[same], ours[same])
        classes, at, there = np.intersect1d(self.classes, other.classes, assume_unique=True, return_indices=True)
        same = self.values[at] == other.values[there]
        return Constant(classes[same], self.values[at[same]])

    @classmethod
    def of(cls, x: NDArray[Any]) -> Constant | None:
        """Over the samples of ``x`` (n, C); only classes whose first and last value agree are read whole."""
        if not len(x):
            return None
        same = x[0] == x[-1]
        if len(x) > 1 and same.any():
            same = hold_alone(x, x[0], same)
        return cls(None, x[0].copy()) if same.all() else cls(np.flatnonzero(same), x[0][same])


@dataclass(frozen=True)
class Values(Part):
    """What counted samples hold.

    ``n`` rows; of them ``n_probs`` and ``n_log_probs`` look like probabilities and their logarithms, ``n_unit`` are
    within [0, 1]. ``nan_classes`` and ``inf_classes`` (C,) count entries, where there are any. Of probabilities or
    their logarithms, ``outside`` are rows with a value that cannot be one, ``off`` rows that do not sum to 1. ``peak``
    is the largest row maximum, ``tied`` the rows where two classes share theirs (looked for in half precision alone).
    ``n_fractional`` blocks begin with numbers that are not whole.
    """

    n: int = 0
    nan: Rows = Rows()
    inf: Rows = Rows()
    masked: Rows = Rows()
    nan_classes: NDArray[np.int64] | None = None
    inf_classes: NDArray[np.int64] | None = None
    saturated: Rows = Rows()
    n_probs: int = 0
    n_log_probs: int = 0
    n_unit: int = 0
    outside: Rows = Rows()
    off: Rows = Rows()
    peak: Peak | None = None
    tied: Rows = Rows()
    n_fractional: int = 0
    constant: Constant | None = None
    bits: Bits = Bits()
    halves: Halves = Halves()


@dataclass(frozen=True)
class Tops:
    """The maxima of rows, ``value`` (n,): which are ``finite`` (n,), and ``tied`` (n,) in half precision alone.

    ``place`` (n,) is the first class of each finite one. ``all_finite`` says that so are all logits of these rows, and
    their differences as float64.
    """

    value: NDArray[Any]
    place: NDArray[np.int64]
    finite: NDArray[np.bool_]
    tied: NDArray[np.bool_]
    all_finite: bool

    def leaves_finite(self, x: NDArray[Any], classes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which rows of finite maximum leave a finite loss with ``classes`` (n,), if ``x`` (n, C) are logits."""
        if self.all_finite:
            return self.finite
        return np.isfinite(np.subtract(self.value, pick(x, classes), dtype=np.float64))


def read_values(
    x: NDArray[Any], dtype: np.dtype[Any], source: str, counted: NDArray[np.bool_], start: int
) -> tuple[Values, Tops]:
    """The evidence in the ``counted`` rows of ``x`` (n, C), read from a file of ``dtype``; and all rows' maxima."""

    def where(mask: NDArray[np.bool_], size: NDArray[np.float64] | None = None) -> Rows:
        return Rows.where(mask & counted, start, size)

    extremes = read_extremes(x)
    high, low = extremes.high, extremes.low
    finite = np.isfinite(high)
    kept = x if counted.all() else x[counted]
    peeked = kept[:_PEEKED_ROWS, :_PEEKED_CLASSES]
    whole = bool((peeked == np.floor(peeked)).all())
    tied = np.zeros(len(x), np.bool_)
    # A file of two-byte floats, or one whose first numbers fit into two bytes.
    if is_half(dtype) or (peeked == peeked.astype(np.float16)).all():
        tied = finite & (count_tops(x, high) > 1)
    clean = finite & counted
    values = Values(
        n=int(np.count_nonzero(clean)),
        saturated=where((np.abs(high) == _HALF_MAXIMUM) | (np.abs(low) == _HALF_MAXIMUM)),
        n_unit=int(np.count_nonzero(clean & (low >= 0.0) & (high <= 1.0))),
        peak=Peak.of(high[clean]) if source == "logits" else None,
        tied=where(tied),
        n_fractional=int(not whole),
        constant=Constant.of(kept),
        bits=read_bits(kept, dtype),
        halves=read_halves(kept) if whole else Halves(n_unlike=1),
    )
    values += _nonfinite(x, high, counted, where)
    if source == "logits":
        kept_rows = slice(None) if clean.all() else clean
        values += _other_readings(x[kept_rows], low[kept_rows], high[kept_rows], dtype)
    else:
        values += _sums_to_one(x, extremes, source, dtype, finite, where)
    all_finite = bool(np.isfinite(np.subtract(high, low, dtype=np.float64)[finite]).all())
    return values, Tops(high, extremes.top, finite, tied, all_finite)


def _nonfinite(x: NDArray[Any], high: NDArray[Any], counted: NDArray[np.bool_], where: Any) -> Values:
    """NaN, +inf, and rows of -inf alone; a single -inf is a masked class and not a fault."""
    found = np.flatnonzero(~np.isfinite(high))
    if not found.size:
        return Values()
    rows, shown = x[found], counted[found]
    nan, inf = np.isnan(rows), np.isposinf(rows)

    def where_any(cells: NDArray[np.bool_]) -> Rows:
        mask = np.zeros(len(x), np.bool_)
        mask[found] = cells.any(axis=1)
        return where(mask)

    return Values(
        nan=where_any(nan),
        inf=where_any(inf),
        masked=where(np.isneginf(high)),
        nan_classes=nan[shown].sum(axis=0),
        inf_classes=inf[shown].sum(axis=0),
    )


def _other_readings(x: NDArray[Any], low: NDArray[Any], high: NDArray[Any], dtype: np.dtype[Any]) -> Values:
    """How many rows of supposed logits, with these extremes, are probabilities, or their logarithms.

    Only a file where all rows are is evidence, so one row outside the range decides for its block. Rounding may raise a
    logarithm above 0 by less than the tolerance.
    """
    tolerance = sum_tolerance(dtype)
    n_probs = n_log_probs = 0
    if (low >= 0.0).all() and (high <= 1.0).all():
        n_probs = int(np.count_nonzero(distance_from_1(x) <= tolerance))
    if (high <= tolerance).all():
        n_log_probs = int(np.count_nonzero(distance_from_1(x, log=True) <= tolerance))
    return Values(n_probs=n_probs, n_log_probs=n_log_probs)


def _sums_to_one(
    x: NDArray[Any], extremes: Extremes, source: str, dtype: np.dtype[Any], finite: NDArray[np.bool_], where: Any
) -> Values:
    """Rows that are not what the ``source`` says, and rows that are but do not sum to 1; NaN is reported elsewhere."""
    tolerance, are_probs = sum_tolerance(dtype), source == "probs"
    high = extremes.high.astype(np.float64)
    outside = (extremes.low < 0.0) | (high > 1.0) if are_probs else high > tolerance
    off = distance_from_1(x, log=not are_probs)
    return Values(outside=where(finite & outside), off=where(finite & ~outside & (off > tolerance), off))
