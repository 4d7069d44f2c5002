"""-log p where the file holds the answer itself: probabilities, their logarithms or losses; and p clipped."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.settings import LOSSES_GIVEN, TOKENS
from nllcli.numerics.kernels import both_classes, pick
from nllcli.numerics.surprisal import EVERY, OverClasses, once, where_any

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nllcli.numerics.surprisal import Surprisal


class _Given(OverClasses):
    """Shared by both: ``x`` (n, C) grows with p, and is taken as it is: nothing is renormalised."""

    at: Callable[[NDArray[np.int64]], NDArray[np.float64]]
    all: Callable[..., NDArray[np.float64]]

    def __init__(self, x: NDArray[Any]) -> None:
        self._x = x
        self.n_classes = x.shape[1]

    def _pick(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """The numbers (n,) of one class a sample."""
        return pick(self._x, classes).astype(np.float64, copy=False)

    def _numbers(self, classes: slice | NDArray[np.int64]) -> NDArray[np.float64]:
        """The numbers (n, k) of some classes."""
        return self._x[:, classes].astype(np.float64, copy=False)

    def in_all(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        return self.at(classes)

    def log_probs(self) -> NDArray[Any]:
        """Log p of every class (n, C), in the type in which it is given."""
        return 0.0 - self.all()

    @once
    def _top(self) -> NDArray[np.int64]:
        return self._x.argmax(axis=1)

    def top(self) -> NDArray[np.int64]:
        return self._top

    def is_top(self, classes: NDArray[np.int64]) -> NDArray[np.bool_]:
        return self._top == classes


class FromLogProbs(_Given):
    """From log-probabilities (n, C)."""

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        return 0.0 - self._pick(classes)  # 0 - 0 is 0, where -0 would show its sign

    def all(self, classes: slice | NDArray[np.int64] = EVERY) -> NDArray[np.float64]:
        return 0.0 - self._numbers(classes)

    def log_probs(self) -> NDArray[Any]:
        return self._x

    def complement(self, classes: slice = EVERY) -> NDArray[np.float64]:
        """log(1 - exp(a)): by expm1 near a = 0, by log1p elsewhere.

        Maechler, "Accurately computing log(1-exp(-|a|))", vignette of the R package Rmpfr.
        """
        with np.errstate(all="ignore"):
            x = np.minimum(self._numbers(classes), 0.0)  # a p above 1 is refused unless it is clipped
            return 0.0 - np.where(x > -math.log(2), np.log(-np.expm1(x)), np.log1p(-np.exp(x)))

    def probs(self) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):
            return np.exp(self._numbers(EVERY))

    def unusable(self) -> NDArray[np.bool_] | None:
        return where_any(~np.isfinite(self._x.max(axis=1)))


class FromTokenLogProbs(FromLogProbs):
    """From the log-probability of what occurred (n, 1), which is its only class."""

    def unusable(self) -> NDArray[np.bool_] | None:
        """A p of 0 is an infinite loss, not a row without a distribution."""
        return where_any(np.isnan(self._x[:, 0]) | np.isposinf(self._x[:, 0]))


class FromProbs(_Given):
    """From probabilities (n, C)."""

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):
            return 0.0 - np.log(self._pick(classes))

    def all(self, classes: slice | NDArray[np.int64] = EVERY) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):
            return 0.0 - np.log(self._numbers(classes))

    def complement(self, classes: slice = EVERY) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):
            return 0.0 - np.log1p(-self._numbers(classes))

    def probs(self) -> NDArray[np.float64]:
        return self._x.astype(np.float64)

    def unusable(self) -> NDArray[np.bool_] | None:
        return where_any(np.logical_or.reduce(np.isnan(self._x) | np.isposinf(self._x), axis=1))


class FromLosses(FromTokenLogProbs):
    """From the loss of each sample (n, 1), which is the surprisal of its only class."""

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        return self._pick(classes)

    def all(self, classes: slice | NDArray[np.int64] = EVERY) -> NDArray[np.float64]:
        return self._numbers(classes)

    def probs(self) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):
            return np.exp(-self._numbers(EVERY))

    def unusable(self) -> NDArray[np.bool_] | None:
        return where_any(np.isnan(self._x[:, 0]))


GIVEN: dict[str, type[FromLogProbs | FromProbs]] = {
    "log-probs": FromLogProbs,
    "probs": FromProbs,
    TOKENS: FromTokenLogProbs,
    LOSSES_GIVEN: FromLosses,
}


class Binary(FromProbs):
    """From p, or log p, (n, 1) of class 1 of two; the -log p of class 0 is the -log(1 - p) of class 1."""

    def __init__(self, one: FromProbs | FromLogProbs) -> None:
        super().__init__(both_classes(one.probs(), "probs"))
        self._surprisals = np.concatenate([one.complement(), one.all()], axis=1)

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        return pick(self._surprisals, classes)

    def all(self, classes: slice | NDArray[np.int64] = EVERY) -> NDArray[np.float64]:
        return self._surprisals[:, classes]

    def complement(self, classes: slice = EVERY) -> NDArray[np.float64]:
        return self._surprisals[:, ::-1][:, classes].copy()


def clip(surprisals: NDArray[np.float64], eps: float) -> NDArray[np.float64]:
    """-log p of p clipped to [eps, 1 - eps], from that of p itself, of any shape."""
    return np.clip(surprisals, -math.log1p(-eps), -math.log(eps))


class Clipped(OverClasses):
    """Any other surprisals with p clipped to [eps, 1 - eps] before the logarithm."""

    def __init__(self, inner: Surprisal, eps: float) -> None:
        self._inner, self._eps = inner, eps
        self.n_classes = inner.n_classes
        self.top, self.is_top, self.unusable = inner.top, inner.is_top, inner.unusable

    def _clip(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return clip(values, self._eps)

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        return self._clip(self._inner.at(classes))

    def in_all(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        return self._clip(self._inner.in_all(classes))

    def all(self, classes: slice | NDArray[np.int64] = EVERY) -> NDArray[np.float64]:
        return self._clip(self._inner.all(classes))

    def complement(self, classes: slice = EVERY) -> NDArray[np.float64]:
        return self._clip(self._inner.complement(classes))

    def probs(self) -> NDArray[np.float64]:
        return np.exp(-self.all())
