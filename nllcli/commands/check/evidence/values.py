"""Evidence in the logits alone: what is not finite, saturated, constant, or no logit at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.check.evidence.integers import Bits, Halves, read_bits, read_halves
from nllcli.commands.check.evidence.sums import Constant, Every, Peak
from nllcli.data.part import Part
from nllcli.numerics.findings import sum_tolerance
from nllcli.numerics.kernels.convert import is_bfloat16
from nllcli.numerics.tally import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

HALF_MAXIMUM = 65504.0
# Enough of a block to tell that its numbers are not whole, or not of half precision.
_PEEKED_ROWS, _PEEKED_CLASSES = 4, 256


@dataclass(frozen=True)
class Values(Part):
    """What counted samples hold.

    ``n`` rows; of them ``n_probs`` and ``n_log_probs`` look like probabilities and their logarithms, ``n_unit`` lie
    within [0, 1]. ``nan_classes`` and ``inf_classes`` (C,) count entries, where there are any. ``outside`` and ``off``
    are rows that --from probs or log-probs cannot be right about: no probabilities, or none that sum to 1. ``peak`` is
    the largest row maximum, ``tied`` the rows where two classes share theirs (looked for in half precision alone).
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
    half: Every | None = None
    whole: Every | None = None
    constant: Constant | None = None
    bits: Bits = Bits()
    halves: Halves = Halves()


@dataclass(frozen=True)
class Tops:
    """The maxima ``value`` (n,) of rows: whether ``finite`` (n,), and ``tied`` (n,), in half precision alone."""

    value: NDArray[Any]
    finite: NDArray[np.bool_]
    tied: NDArray[np.bool_]


def read_values(
    x: NDArray[Any], dtype: np.dtype[Any], source: str, counted: NDArray[np.bool_] | None, start: int
) -> tuple[Values, Tops]:
    """The evidence in ``x`` (n, C), read from a file of ``dtype``; and the maxima of all rows (NaN of NaN).

    Only the ``counted`` rows are evidence (None: all are).
    """

    def where(mask: NDArray[np.bool_], size: NDArray[np.float64] | None = None) -> Rows:
        return Rows.where(mask if counted is None else mask & counted, start, size)

    with np.errstate(all="ignore"):
        high = x.max(axis=1)
        low = x.min(axis=1)
        finite = np.isfinite(high)
        kept = x if counted is None else x[counted]
        clean = finite if counted is None else finite & counted
        half, whole = _is_half(kept, dtype), _is_whole(kept)
        tied = finite & _tied(x, high) if half else np.zeros(len(x), np.bool_)
        values = Values(
            n=int(np.count_nonzero(clean)),
            saturated=where((np.abs(high) == HALF_MAXIMUM) | (np.abs(low) == HALF_MAXIMUM)),
            n_unit=int(np.count_nonzero(clean & (low >= 0.0) & (high <= 1.0))),
            peak=Peak.of(high[clean]) if source == "logits" else None,
            tied=where(tied),
            half=Every(half) if len(kept) else None,
            whole=Every(whole) if len(kept) else None,
            constant=Constant.of(kept),
            bits=read_bits(kept, dtype),
            halves=read_halves(kept) if whole else Halves(Every(False)),
        )
        values += _nonfinite(x, high, counted, where)
        if source == "logits":
            kept_rows = slice(None) if clean.all() else clean
            values += _other_readings(x[kept_rows], low[kept_rows], high[kept_rows], dtype)
        else:
            values += _sums_to_one(x, source, dtype, finite, where)
    return values, Tops(high, finite, tied)


def _nonfinite(x: NDArray[Any], high: NDArray[Any], counted: NDArray[np.bool_] | None, where: Any) -> Values:
    """NaN, +inf, and rows of -inf alone; a single -inf is a masked class, and no fault."""
    if np.isfinite(high).all():
        return Values()
    nan, inf = np.isnan(x), np.isposinf(x)
    kept = slice(None) if counted is None else counted
    return Values(
        nan=where(nan.any(axis=1)),
        inf=where(inf.any(axis=1)),
        masked=where(np.isneginf(high)),
        nan_classes=nan[kept].sum(axis=0),
        inf_classes=inf[kept].sum(axis=0),
    )


def _other_readings(x: NDArray[Any], low: NDArray[Any], high: NDArray[Any], dtype: np.dtype[Any]) -> Values:
    """How many rows of so-called logits, of these extremes, are probabilities, or their logarithms.

    Only a file where all rows are is evidence, so one row outside the range settles a block. The rounding of a
    logarithm may lift it above 0 by less than the tolerance.
    """
    tolerance = sum_tolerance(dtype)
    n_probs = n_log_probs = 0
    if (low >= 0.0).all() and (high <= 1.0).all():
        n_probs = int(np.count_nonzero(np.abs(x.sum(axis=1, dtype=np.float64) - 1.0) <= tolerance))
    if (high <= tolerance).all():
        n_log_probs = int(np.count_nonzero(np.abs(np.exp(x).sum(axis=1, dtype=np.float64) - 1.0) <= tolerance))
    return Values(n_probs=n_probs, n_log_probs=n_log_probs)


def _sums_to_one(x: NDArray[Any], source: str, dtype: np.dtype[Any], finite: NDArray[np.bool_], where: Any) -> Values:
    """Rows that are not what ``--from`` says, and rows that are but do not sum to 1; NaN is told elsewhere."""
    tolerance = sum_tolerance(dtype)
    given = x.astype(np.float64)
    are_probs = source == "probs"
    outside = np.any((given < 0.0) | (given > 1.0), axis=1) if are_probs else given.max(axis=1) > tolerance
    off = np.abs((given if are_probs else np.exp(given)).sum(axis=1) - 1.0)
    return Values(
        outside=where(finite & outside),
        off=where(finite & ~outside & (off > tolerance), off),
    )


def _is_half(x: NDArray[Any], dtype: np.dtype[Any]) -> bool:
    """Whether the file is of two-byte numbers, or the first rows hold nothing else."""
    if is_bfloat16(dtype) or (dtype.kind == "f" and dtype.itemsize == 2):
        return True
    peeked = x[:_PEEKED_ROWS, :_PEEKED_CLASSES]
    return bool((peeked == peeked.astype(np.float16)).all())


def _is_whole(x: NDArray[Any]) -> bool:
    peeked = x[:_PEEKED_ROWS, :_PEEKED_CLASSES]
    return bool((peeked == np.floor(peeked)).all())


def _tied(x: NDArray[Any], high: NDArray[Any]) -> NDArray[np.bool_]:
    return np.count_nonzero(x == high[:, None], axis=1) > 1
