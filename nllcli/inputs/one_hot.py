"""Rows of zeros with a single 1, as class indices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def one_hot_indices(rows: NDArray[Any], where: Callable[[int], str]) -> NDArray[np.int64]:
    """The place (n,) of the single 1 in each of the rows (n, n_classes); raises DataError at the first without one."""
    ones = rows == 1
    wrong = np.flatnonzero((ones.sum(axis=1) != 1) | ((rows != 0) & ~ones).any(axis=1))
    if wrong.size:
        row = ", ".join(f"{float(value):g}" for value in rows[wrong[0]][:6])
        message = f"{row} is not one-hot: a single 1 among zeros"
        raise DataError(message, where=where(int(wrong[0])), finding="one-hot-integers")
    return ones.argmax(axis=1).astype(np.int64)
