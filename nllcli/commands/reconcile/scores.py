"""Surprisals that many terms share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.numerics.kernels import both_classes, product, sum_classes
from nllcli.numerics.surprisal import EVERY, OverClasses, once
from nllcli.numerics.surprisal.logits import FromLogits

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nllcli.data.blocks import Scratch
    from nllcli.numerics.surprisal import Surprisal


class Logits(FromLogits):
    """From logits, of which the probabilities are kept: several readings are made of these."""

    @once
    def _probs(self) -> NDArray[np.float64]:
        return super().probs()

    def probs(self, classes: slice | NDArray[np.int64] = EVERY) -> NDArray[np.float64]:
        return self._probs.copy() if classes is EVERY else super().probs(classes)

    @property
    def tempered(self) -> NDArray[np.float64]:
        """The logits (n, C) over the temperature, as float64."""
        tempered: NDArray[np.float64] = self._x.astype(np.float64)
        return tempered if self._temperature == 1.0 else tempered / self._temperature

    def log_normaliser(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """The logsumexp (n,) of each row, by way of one class a sample (n,)."""
        total: NDArray[np.float64] = self.at(classes) + self._pick(classes) / self._temperature
        return total

    @classmethod
    def of(cls, x: NDArray[Any], *, binary: bool, temperature: float, single: bool, scratch: Scratch) -> Logits:
        """From ``x`` (n, C), or (n, 1) where ``binary``."""
        return cls(both_classes(x, "logits") if binary else x, temperature=temperature, single=single, scratch=scratch)


class Remembered(OverClasses):
    """Surprisals that keep their results, which many terms share."""

    def __init__(self, inner: Surprisal) -> None:
        self._inner = inner
        self._at: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        self._in_all: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        self._others: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        self.n_classes = inner.n_classes
        self.top, self.is_top, self.probs, self.unusable = inner.top, inner.is_top, inner.probs, inner.unusable

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        return _kept(self._at, classes, self._inner.at)

    def in_all(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        return _kept(self._in_all, classes, self._inner.in_all)

    def others(self, targets: NDArray[np.int64]) -> NDArray[np.float64]:
        return _kept(self._others, targets, self._inner.others)

    @once
    def _all(self) -> NDArray[np.float64]:
        return self._inner.all()

    def all(self, classes: slice | NDArray[np.int64] = EVERY) -> NDArray[np.float64]:
        return self._all if classes is EVERY else self._inner.all(classes)

    def complement(self, classes: slice = EVERY) -> NDArray[np.float64]:
        return self._inner.complement(classes)

    @once
    def _spread(self) -> NDArray[np.float64]:
        return super().spread()

    def spread(self, class_weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        return self._spread if class_weights is None else super().spread(class_weights)


def _kept(
    known: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]],
    classes: NDArray[np.int64],
    work: Callable[[NDArray[np.int64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """What ``work`` makes of ``classes`` (n,), by their identity: they are kept alive with the result."""
    if id(classes) not in known:
        known[id(classes)] = classes, work(classes)
    return known[id(classes)][1]


class Among:
    """The surprisals of some ``classes`` (k,) of all, which are numbered by their places among these."""

    def __init__(self, inner: Surprisal, classes: NDArray[np.int64]) -> None:
        self._inner, self._classes = inner, classes
        self.n_classes = inner.n_classes

    def in_all(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        return self._inner.in_all(self._classes[places])

    def spread(self, class_weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return sum_classes(product(class_weights, self._inner.all(self._classes)))
