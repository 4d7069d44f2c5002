"""Which kernels compute: the native ones where they were built and the processor has what they need, else NumPy's."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nllcli.data.environment import KERNEL_VARIABLE, wanted_kernel
from nllcli.errors import UsageError
from nllcli.numerics.kernels import contiguous

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from numpy.typing import NDArray

    from nllcli.data.blocks import Scratch

# The numbers of native.pyi, by kind and size; bfloat16 has a kind of its own.
_KINDS = {("f", 8): 0, ("f", 4): 1, ("f", 2): 2, ("V", 2): 3}

# Products that the native kernel adds up at once.
_MOST_TERMS = 1 << 22

# Runs of fewer samples than these are turned into rows before they are computed on.
_FEWEST_IN_COLUMNS = 32


@cache
def native() -> ModuleType | None:
    """The native kernels, None where NumPy's are used; raises UsageError where what is asked for is not there."""
    wanted = wanted_kernel()
    if wanted == "numpy":
        return None
    try:
        from nllcli.numerics.kernels import native as module
    except ImportError:
        if wanted:
            raise _no_kernel(wanted, ("numpy",)) from None
        return None
    level = module.best() if not wanted else module.levels()[-1] if wanted == "native" else wanted
    if level is None:
        return None
    if level not in module.levels():
        raise _no_kernel(wanted, ("numpy", "native", *module.levels()))
    module.use(level)
    return module


def _no_kernel(wanted: str, there: Sequence[str]) -> UsageError:
    return UsageError(
        f"there is no kernel {wanted!r} here, for which {KERNEL_VARIABLE} asks", hint=f"one of: {', '.join(there)}"
    )


def kernel_name() -> str:
    """What computes: "numpy", or the level of the instructions of the native kernels."""
    module = native()
    return "numpy" if module is None else module.level()


class Bits(NamedTuple):
    """Logits as the native kernels take them: see native.pyi."""

    logits: NDArray[Any]
    kind: int
    swapped: bool


def native_for(dtype: np.dtype[Any]) -> ModuleType | None:
    """The native kernels, where these compute and read numbers of this type."""
    module = native()
    return module if module is not None and is_read(dtype) else None


def is_read(dtype: np.dtype[Any]) -> bool:
    """Whether the native kernels read numbers of this type as they are in a file."""
    return (dtype.kind, dtype.itemsize) in _KINDS


def bits_of(x: NDArray[Any]) -> Bits:
    """Logits ``x`` (n, C) of a type that is read, as bits in rows or in columns."""
    bits = x.view(f"u{x.dtype.itemsize}")
    return Bits(bits if _are_columns(x) else np.ascontiguousarray(bits), *code_of(x.dtype))


def code_of(dtype: np.dtype[Any]) -> tuple[int, bool]:
    """The ``kind`` of numbers of a type that is read, and whether they are ``swapped``: see native.pyi."""
    order = dtype[0] if dtype.names else dtype
    return _KINDS[dtype.kind, dtype.itemsize], not order.isnative


def in_order(x: NDArray[Any], scratch: Scratch) -> NDArray[Any]:
    """Logits ``x`` (n, C) in a memory order that the kernels read."""
    return x if native() is not None and _are_columns(x) else contiguous(x, scratch)


def _are_columns(x: NDArray[Any]) -> bool:
    return len(x) >= _FEWEST_IN_COLUMNS and x.strides[0] == x.itemsize and x.strides[1] >= len(x) * x.itemsize


def _doubles(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.require(values, np.float64, ("C", "A"))


def native_dot(x: NDArray[np.float64], y: NDArray[np.float64] | None) -> int | None:
    """The exact dot product of ``x`` and ``y`` (n,), or the sum of ``x``, in the units of native.pyi.

    None as there, and where NumPy computes.
    """
    module = native()
    if module is None:
        return None
    total = 0
    for start in range(0, len(x), _MOST_TERMS):
        part = slice(start, start + _MOST_TERMS)
        sums = module.exact_dot(_doubles(x[part]), None if y is None else _doubles(y[part]))
        if sums is None:
            return None
        positive, negative = (int.from_bytes(words, "little") for words in sums)
        total += positive - negative
    return total


def native_group_sums(
    values: NDArray[np.float64], groups: NDArray[np.int64], n_groups: int
) -> tuple[int, NDArray[np.int64]] | None:
    """The number of the first digit and the digits (n_groups, k) of the sums of ``values`` (n,) by group.

    See native.pyi; None as there, and where NumPy computes.
    """
    module = native()
    if module is None or len(values) > _MOST_TERMS:
        return None
    found = module.group_sums(_doubles(values), np.require(groups, np.int64, ("C", "A")), n_groups)
    if found is None:
        return None
    first, n_digits, digits = found
    return first, np.frombuffer(digits, np.int64).reshape(n_groups, n_digits)
