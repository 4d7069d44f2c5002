"""Surprisals that many terms share, and those of terms that do something to p, or to the softmax, before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.numerics.kernels import both_classes, pick, product, sum_classes
from nllcli.numerics.kernels.normaliser import Normaliser, powers_below
from nllcli.numerics.surprisal import EVERY, MOST_CLASSES, OverClasses, once, put_at, sum_of_parts
from nllcli.numerics.surprisal.given import Clipped, clip
from nllcli.numerics.surprisal.logits import FromLogits

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nllcli.commands.reconcile.conventions import Term
    from nllcli.data.blocks import Scratch
    from nllcli.numerics.surprisal import Surprisal


class Logits(FromLogits):
    """From logits, of which the probabilities are kept: the second softmax is that of these."""

    @once
    def _probs(self) -> NDArray[np.float64]:
        return super().probs()

    def probs(self, classes: slice | NDArray[np.int64] = EVERY) -> NDArray[np.float64]:
        return self._probs.copy() if classes is EVERY else super().probs(classes)

    def prob_at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """p of one class a sample: (n,) -> (n,)."""
        found, picked = self._normaliser, pick(self._raw, classes)[:, None]
        return powers_below(picked, found.maximum, self._temperature, 1.0 + found.rest, self._scratch)[:, 0]

    def second(self, *, single: bool, scratch: Scratch) -> FromLogits:
        """From the probabilities as logits."""
        if self.n_classes <= MOST_CLASSES:
            return FromLogits(self._probs, single=single, scratch=scratch)
        return _OfManyProbs(self, scratch)

    @classmethod
    def of(cls, x: NDArray[Any], *, binary: bool, temperature: float, single: bool, scratch: Scratch) -> Logits:
        """From ``x`` (n, C), or (n, 1) where ``binary``."""
        return cls(both_classes(x, "logits") if binary else x, temperature=temperature, single=single, scratch=scratch)


class _OfManyProbs(FromLogits):
    """From the probabilities of ``first`` as logits, which are made a part of the classes at a time."""

    def __init__(self, first: Logits, scratch: Scratch) -> None:
        self._first, self._temperature, self._scratch = first, 1.0, scratch
        self.n_classes = first.n_classes

    def _part(self, classes: slice | NDArray[np.int64]) -> NDArray[Any]:
        return self._first.probs(classes)

    def _pick(self, classes: NDArray[np.int64]) -> NDArray[Any]:
        return self._first.prob_at(classes)

    @once
    def _normaliser(self) -> Normaliser:
        top = self._first.top()
        maximum = self._pick(top)

        def of(part: slice) -> NDArray[np.float64]:
            powers = powers_below(self._part(part), maximum, 1.0, np.ones(len(top)), self._scratch)
            put_at(powers, top - part.start, 0.0)
            return sum_classes(powers)

        return Normaliser(maximum, sum_of_parts(of, self.n_classes), top=top)


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


def _add(surprisals: NDArray[np.float64], eps: float) -> NDArray[np.float64]:
    """``-log(p + eps)``, as people write it to keep the logarithm finite, from -log p."""
    added: NDArray[np.float64] = 0.0 - np.log(np.exp(-surprisals) + eps)
    return added


class _EpsilonAdded(Clipped):
    """Surprisals ``-log(p + eps)``."""

    def _clip(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return _add(values, self._eps)


def values_under(term: Term, surprisals: NDArray[np.float64]) -> NDArray[np.float64]:
    """``surprisals`` of any shape as the term clips p, or adds to it."""
    if term.clip is not None:
        return clip(surprisals, term.clip)
    return surprisals if term.added is None else _add(surprisals, term.added)


def under(term: Term, scores: Surprisal) -> Surprisal:
    """The surprisals as the term clips p, or adds to it."""
    if term.clip is not None:
        return Clipped(scores, term.clip)
    return scores if term.added is None else _EpsilonAdded(scores, term.added)


class Among:
    """The surprisals of some ``classes`` (k,) of all, which are numbered by their places among these."""

    def __init__(self, inner: Surprisal, classes: NDArray[np.int64]) -> None:
        self._inner, self._classes = inner, classes
        self.n_classes = inner.n_classes

    def in_all(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        return self._inner.in_all(self._classes[places])

    def spread(self, class_weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return sum_classes(product(class_weights, self._inner.all(self._classes)))
