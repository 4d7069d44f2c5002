"""Numbers rounded to a shorter floating-point type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Scratch
from nllcli.numerics.kernels import to_float

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDINGS = ("float32", "float16", "bfloat16")
# The methods of a tensor that round it.
TORCH_CASTS = {"float32": "float", "float16": "half", "bfloat16": "bfloat16"}
# Of bfloat16: what is cut off a NaN may be all that makes it one.
_NAN = 0x7FC0


def round_to(values: NDArray[Any], name: str) -> NDArray[np.float64]:
    """``values`` rounded to the nearest ``name`` (one of ROUNDINGS), ties to even, as float64; NaN stays NaN."""
    return to_float(rounded(values, name), Scratch()).astype(np.float64)


def type_of(name: str) -> np.dtype[Any]:
    """The type of numbers rounded to ``name``."""
    return np.dtype("V2" if name == "bfloat16" else name)


def rounded(values: NDArray[Any], name: str) -> NDArray[Any]:
    """The same as numbers of that type.

    bfloat16 keeps the upper half of a float32: adding half of what is cut off, less one unless the kept part is odd,
    rounds to nearest even.
    """
    with np.errstate(over="ignore"):
        if name != "bfloat16":
            return values.astype(name)
        single = np.ascontiguousarray(values, np.float32)
    bits = single.view(np.uint32)
    out = ((bits + (0x7FFF + ((bits >> 16) & 1))) >> 16).astype(np.uint16)
    out[np.isnan(single)] = _NAN
    return out.view(type_of(name))
