"""Evidence that whole numbers are something else: the bits of bfloat16, or the halves of decimal fractions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Part
from nllcli.numerics.findings import distance_from_1
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

# As bfloat16, sizes from 2**-30 to below 2**15: logits have them, and integers below 12416 do not.
_SMALLEST, _BEYOND = (127 - 30) << 7, (127 + 15) << 7
# 0, -0, -inf and the lowest finite number, which mask classes.
_SPECIAL = (0x0000, 0x8000, 0xFF80, 0xFF7F)
# Eight bits leave 2**-9 of a logarithm open: a fiftieth of a probability of 1 in 50,000, and twice that if cut off.
_SUM_TOLERANCE = 0.05
# A number has up to three digits before its comma, and six or more after it.
_LEAST_THOUSAND, _LEAST_LONG = 1e3, 1e5


@dataclass(frozen=True)
class Bits(Part):
    """Of ``n`` two-byte integers ``n_fitting`` are, as bfloat16, of the size of logits; ``n_negative`` are below 0.

    Of ``n_rows`` rows of them ``n_log_probs`` hold logarithms of probabilities that sum to 1.
    """

    n: int = 0
    n_fitting: int = 0
    n_negative: int = 0
    n_rows: int = 0
    n_log_probs: int = 0


@dataclass(frozen=True)
class Halves(Part):
    """Columns that are in turn what may be before a comma, and ``n`` numbers that may be after it.

    ``n_long`` of these have six digits or more; ``n_unlike`` blocks hold something else.
    """

    n: int = 0
    n_long: int = 0
    n_unlike: int = 0


def read_bits(x: NDArray[Any], dtype: np.dtype[Any]) -> Bits:
    """The evidence in ``x`` (n, C), read from a file of ``dtype``."""
    if dtype.kind not in "iu" or dtype.itemsize != 2:
        return Bits()
    bits = x.astype(np.int32) & 0xFFFF
    size = bits & 0x7FFF
    ordinary = (size >= _SMALLEST) & (size < _BEYOND)
    return Bits(
        bits.size,
        int(np.count_nonzero(ordinary | np.isin(bits, _SPECIAL))),
        int(np.count_nonzero(ordinary & (bits > 0x7FFF))),
        len(x),
        _count_log_probs(bits),
    )


def _count_log_probs(bits: NDArray[np.int32]) -> int:
    """The rows whose exponentials, as bfloat16, sum to 1 as far as eight bits of the largest logarithms let them."""
    if bits.shape[1] < 2:
        return 0
    values = (bits.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(all="ignore"):
        off = distance_from_1(values, log=True)
    return int(np.count_nonzero((values <= 0.0).all(axis=1) & (off <= _SUM_TOLERANCE)))


def read_halves(x: NDArray[Any]) -> Halves:
    """The evidence in whole numbers ``x`` (n, C)."""
    if x.shape[1] < 4 or x.shape[1] % 2 or not len(x):
        return Halves()
    before, after = x[:, 0::2], x[:, 1::2]
    alike = (np.abs(before) < _LEAST_THOUSAND).all() and (after >= 0.0).all() and (x == np.floor(x)).all()
    return Halves(after.size, int(np.count_nonzero(after >= _LEAST_LONG)), int(not alike))
