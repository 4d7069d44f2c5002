"""The derivative of the loss with all its digits, where they cancel: where logits hardly tell the targets.

A sample's derivative by 1/T is ``(E z - c) - (z_y - c)``, whatever c is. The first term is rounded to a share of its
size, and the second is the sum of two float64. So c is the one of two numbers that is nearer to E z: the largest logit,
or the mean of the C logits, relative to which, with ``d_j = exp((z_j - c) / T) - 1``, the first term is
``(sum_j (z_j - c) + sum_j d_j (z_j - c)) / (C + sum_j d_j)``: small where T is large. All terms are added up exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.blocks import Scratch
from nllcli.numerics.dot import exact_dot
from nllcli.numerics.exact import UNIT_BITS, ExactSum, exact_sum
from nllcli.numerics.kernels import pick, sum_classes, to_float
from nllcli.numerics.kernels.moments import moments
from nllcli.numerics.kernels.normaliser import difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nllcli.commands.calibrate.kept import Rows


@np.errstate(all="ignore")  # of logits of -inf, and of powers that overflow, which are not taken
def first_slope(tiles: Iterator[Rows], temperature: float) -> float:
    """The sum of the first derivatives by 1/T, over T, of rows whose targets are classes."""
    total = 0
    for rows in tiles:
        found = moments(rows.logits, temperature=temperature, scratch=Scratch())
        x = to_float(rows.logits, Scratch()).astype(np.float64)
        centre = _means(x)
        from_mean = _from_mean(x, centre, temperature)
        from_top = found.powers[0] / (1.0 + found.rest) * temperature
        is_nearer = np.abs(from_mean) < np.abs(from_top)
        expected = np.where(is_nearer, from_mean, from_top)
        high, low = difference(pick(x, rows.targets), np.where(is_nearer, centre, found.maximum))
        total += _total(np.concatenate([expected, -high, -low]), rows.weights)
    return ExactSum(total >> UNIT_BITS).divided_by(exact_sum(np.array([temperature])))


def _means(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The means (n,) of the logits (n, C) that are not -inf; any nearby number would do."""
    alive = np.isfinite(x)
    means: NDArray[np.float64] = np.where(alive, x, 0.0).sum(axis=1) / alive.sum(axis=1)
    return means


def _from_mean(x: NDArray[np.float64], centre: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """The mean (n,) of the logits under their probabilities, less the ``centre`` (n,)."""
    alive = np.isfinite(x)
    high, low = (np.where(alive, part, 0.0) for part in difference(x, centre[:, None]))
    grown = np.expm1(high / temperature)
    found: NDArray[np.float64] = (_sum(high, low) + sum_classes(grown * high)) / (
        alive.sum(axis=1) + sum_classes(grown)
    )
    return found


def _sum(high: NDArray[np.float64], low: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sums of rows (n, C), which may come to almost nothing: what each addition rounds off is added up as well."""
    rest = sum_classes(low)
    while high.shape[1] > 1:
        half = high.shape[1] // 2
        a, b, odd = high[:, :half], high[:, half : 2 * half], high[:, 2 * half :]
        total = a + b
        back = total - a
        rest += sum_classes((a - (total - back)) + (b - back))
        high = np.concatenate([total, odd], axis=1)
    found: NDArray[np.float64] = high[:, 0] + rest
    return found


def _total(values: NDArray[np.float64], weights: NDArray[np.float64] | None) -> int:
    """The sum of three values a sample with its weight, as a count of 2**-2148."""
    if weights is None:
        return exact_sum(values).units << UNIT_BITS
    return exact_dot(values, np.tile(weights, 3))
