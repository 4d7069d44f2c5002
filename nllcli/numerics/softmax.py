"""Softmax of arrays in memory, for notebooks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.blocks import Scratch
from nllcli.errors import DataError, UsageError
from nllcli.numerics.kernels import to_float
from nllcli.numerics.surprisal import surprisal

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from nllcli.numerics.surprisal import Surprisal


def softmax(logits: ArrayLike, *, axis: int = -1, temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities ``exp(x_c / T) / sum over k of exp(x_k / T)``.

    Parameters
    ----------
    logits : array_like of floats of any width, or integers
        Logits; -inf masks a class.
    axis : int
        The axis of the classes.
    temperature : float
        T > 0, divides the logits.

    Returns
    -------
    ndarray of float64, the shape of ``logits``
        Probabilities, each right to a few units in the last place, computed from differences to the row's maximum.

    Raises
    ------
    DataError
        What is not real numbers along an axis; a row that holds NaN or +inf, or only -inf.
    UsageError
        A temperature that is not above 0, or an axis that does not exist.
    """
    return _along(logits, axis, temperature, "probs")


def log_softmax(logits: ArrayLike, *, axis: int = -1, temperature: float = 1.0) -> NDArray[np.float64]:
    """Log-probabilities ``x_c / T - log(sum over k of exp(x_k / T))``, in nats.

    The parameters and errors are those of ``softmax``. The sum leaves its largest term out of the rounding
    (``max + log1p(rest)``), so that the log-probability of a near-certain class keeps its digits.
    """
    return 0.0 - _along(logits, axis, temperature, "all")


def _along(logits: ArrayLike, axis: int, temperature: float, what: str) -> NDArray[np.float64]:
    given = np.asarray(logits)
    if given.dtype.kind not in "fiu":
        raise DataError(f"holds {given.dtype}, not real numbers", where="logits")
    if not given.ndim:
        raise DataError("is a single number, not an array of logits", where="logits")
    if not -given.ndim <= axis < given.ndim:
        raise UsageError(f"axis {axis} is not an axis of shape {given.shape}")
    if not 0.0 < temperature < math.inf:
        raise UsageError(f"temperature {temperature} is not a finite number above 0")
    x = np.moveaxis(given, axis, -1)
    if x.shape[-1] == 0:
        raise DataError(f"logits of shape {np.shape(logits)} have no classes on axis {axis}")
    with np.errstate(all="ignore"):  # of a signalling NaN, or a wider float too large
        rows = to_float(x.reshape(-1, x.shape[-1]), Scratch())
    if not len(rows):
        return np.empty(np.shape(logits))
    scores: Surprisal = surprisal(rows, temperature=temperature, scratch=Scratch())
    unusable = scores.unusable()
    if unusable is not None:
        raise DataError(f"row {unusable.argmax()} holds NaN or +inf, or only -inf")
    values: NDArray[np.float64] = getattr(scores, what)()
    return np.moveaxis(values.reshape(x.shape), -1, axis).copy()
