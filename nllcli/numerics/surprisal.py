"""-log p of a block, in nats, whatever the file holds: logits, log-probabilities or probabilities.

The losses are written once, over this interface; each source computes from what it has, never through a rounded p.
"""

from __future__ import annotations

import math
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.lib.stride_tricks import as_strided

from nllcli.numerics.normaliser import TINY_POWER, careful_powers, contiguous, normalise, sum_classes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.model import Scratch


class Surprisal(Protocol):
    """What the losses ask of a block of n samples over C classes."""

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """-log p of one class a sample: (n,) -> (n,)."""
        ...

    def all(self) -> NDArray[np.float64]:
        """-log p of every class: (n, C)."""
        ...

    def complement(self) -> NDArray[np.float64]:
        """-log(1 - p) of every class: (n, C)."""
        ...

    def top(self) -> NDArray[np.int64]:
        """The first class of the largest p: (n,)."""
        ...

    def is_top(self, classes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether ``top`` is this class: (n,) -> (n,)."""
        ...

    def probs(self) -> NDArray[np.float64]:
        """p of every class: (n, C)."""
        ...

    def unusable(self) -> NDArray[np.bool_]:
        """Samples that no number can be given for, by a NaN, +inf and the like: (n,)."""
        ...


def pick(x: NDArray[Any], classes: NDArray[np.int64]) -> NDArray[Any]:
    """``x[i, classes[i]]`` for every i; a flat take is about three times as fast as indexing with two arrays."""
    n, n_classes = x.shape
    if x.flags.c_contiguous:
        taken: NDArray[Any] = x.reshape(-1).take(_starts(n, n_classes) + classes)
    elif x.strides[0] == x.itemsize and x.strides[1] > 0:
        column = x.strides[1] // x.itemsize  # from class to class, within one stretch of memory
        stretch = as_strided(x, ((n_classes - 1) * column + n,), (x.itemsize,), writeable=False)
        taken = stretch.take(classes * column + _starts(n, 1))
    else:
        taken = x[np.arange(n), classes]
    return taken


@lru_cache(maxsize=4)
def _starts(n: int, step: int) -> NDArray[np.int64]:
    """Where each of ``n`` runs of ``step`` elements begins; nearly all blocks of a file share these."""
    starts = np.arange(0, n * step, step)
    starts.flags.writeable = False
    return starts


class FromLogits:
    """From logits (n, C), native float32 or float64."""

    def __init__(self, x: NDArray[Any], *, temperature: float = 1.0, single: bool = False, scratch: Scratch) -> None:
        self._x = x
        self._temperature = temperature
        self._picked: tuple[NDArray[np.int64], NDArray[np.float64]] | None = None
        self._normaliser = normalise(x, temperature=temperature, single=single, scratch=scratch)

    @cached_property
    def _log1p_rest(self) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):
            return np.log1p(self._normaliser.rest)

    def _gap(self, x: NDArray[Any], maximum: NDArray[np.float64]) -> NDArray[np.float64]:
        """(M - x) / T, from differences taken in float64."""
        with np.errstate(all="ignore"):
            gap: NDArray[np.float64] = maximum - x
            if self._temperature != 1.0:
                gap /= self._temperature
        return gap

    def _behind(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """How far one class a sample lies below the largest logit, (n,); they are nearly always the same targets."""
        if self._picked is None or self._picked[0] is not classes:
            with np.errstate(all="ignore"):
                self._picked = (classes, self._normaliser.maximum - pick(self._x, classes))
        return self._picked[1]

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        behind = self._behind(classes)
        with np.errstate(all="ignore"):
            return (behind if self._temperature == 1.0 else behind / self._temperature) + self._log1p_rest

    @cached_property
    def _all(self) -> NDArray[np.float64]:
        gap = self._gap(self._x, self._normaliser.maximum[:, None])
        gap += self._log1p_rest[:, None]
        return gap

    def all(self) -> NDArray[np.float64]:
        return self._all

    @cached_property
    def _others(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """The classes but the top one, relative to the largest of them, which nothing makes underflow.

        The gap (n,) of that one to the top, the sum (n,) of the powers, and the powers (n, C): 0 for the top class.
        """
        x = self._x.astype(np.float64)
        x[np.arange(len(x)), self.top()] = -np.inf
        second = x.max(axis=1)
        with np.errstate(all="ignore"):
            powers = np.exp(-self._gap(x, second[:, None]))
        powers[np.isneginf(second)] = 0.0
        return self._gap(second, self._normaliser.maximum), sum_classes(powers), powers

    @cached_property
    def _log_rest(self) -> NDArray[np.float64]:
        """log(rest), also where rest itself underflows."""
        gap, total, _ = self._others
        with np.errstate(all="ignore"):
            return np.log(total) - gap

    def complement(self) -> NDArray[np.float64]:
        """log(1 - p_k): every p but the largest is at most 1/2; the largest leaves rest / (1 + rest)."""
        with np.errstate(all="ignore"):
            out = 0.0 - np.log1p(-self.probs())
            out[np.arange(len(out)), self.top()] = self._log1p_rest - self._log_rest
        return out

    def rest_share(self) -> NDArray[np.float64]:
        """Each class's share of the probability that the top class leaves: (n, C); 0 for the top class itself."""
        _, total, powers = self._others
        return powers / np.where(total == 0.0, 1.0, total)[:, None]

    def rest_prob(self) -> NDArray[np.float64]:
        """1 - p of the top class, with all its digits: (n,)."""
        rest = self._normaliser.rest
        return rest / (1.0 + rest)

    def top(self) -> NDArray[np.int64]:
        return self._top

    @cached_property
    def _top(self) -> NDArray[np.int64]:
        known = self._normaliser.top
        return self._x.argmax(axis=1) if known is None else known

    def is_top(self, classes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Only rows whose maximum is shared need a search for its first class."""
        if self._normaliser.top is not None:
            return self._normaliser.top == classes
        right = self._behind(classes) == 0.0
        shared = right & self._normaliser.tied
        if shared.any():
            tied = np.flatnonzero(shared)
            right[tied] = self._x[tied].argmax(axis=1) == classes[tied]
        return right

    def probs(self) -> NDArray[np.float64]:
        """exp(-gap) / (1 + rest): exp of -log p would multiply the error of a long logarithm."""
        with np.errstate(all="ignore"):
            powers = np.exp(-self._gap(self._x, self._normaliser.maximum[:, None]))
            tiny = powers < TINY_POWER
            if tiny.any():
                tiny &= powers > 0
                maximum = np.broadcast_to(self._normaliser.maximum[:, None], tiny.shape)
                powers[tiny] = careful_powers(self._x[tiny], maximum[tiny], self._temperature)
            powers /= (1.0 + self._normaliser.rest)[:, None]
        return powers

    def unusable(self) -> NDArray[np.bool_]:
        return ~np.isfinite(self._normaliser.maximum)


class _Given:
    """Shared by the sources whose file holds the answer itself: ``x`` (n, C) grows with p."""

    def __init__(self, x: NDArray[Any]) -> None:
        self._x = x.astype(np.float64, copy=False)

    @cached_property
    def _top(self) -> NDArray[np.int64]:
        return self._x.argmax(axis=1)

    def top(self) -> NDArray[np.int64]:
        return self._top

    def is_top(self, classes: NDArray[np.int64]) -> NDArray[np.bool_]:
        return self._top == classes


class FromLogProbs(_Given):
    """From log-probabilities (n, C), taken as they are: nothing is renormalised."""

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        return 0.0 - pick(self._x, classes)  # 0 - 0 is 0, where -0 would show its sign

    def all(self) -> NDArray[np.float64]:
        return 0.0 - self._x

    def complement(self) -> NDArray[np.float64]:
        """log(1 - exp(a)): by expm1 near a = 0, by log1p elsewhere.

        Maechler, "Accurately computing log(1-exp(-|a|))", vignette of the R package Rmpfr.
        """
        with np.errstate(all="ignore"):
            x = np.minimum(self._x, 0.0)  # a p above 1 comes here only to be clipped
            return 0.0 - np.where(x > -math.log(2), np.log(-np.expm1(x)), np.log1p(-np.exp(x)))

    def probs(self) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):
            return np.exp(self._x)

    def unusable(self) -> NDArray[np.bool_]:
        return ~np.isfinite(self._x.max(axis=1))


class FromProbs(_Given):
    """From probabilities (n, C), taken as they are: nothing is renormalised."""

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):
            return 0.0 - np.log(pick(self._x, classes))

    def all(self) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):
            return 0.0 - np.log(self._x)

    def complement(self) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):
            return 0.0 - np.log1p(-self._x)

    def probs(self) -> NDArray[np.float64]:
        return self._x

    def unusable(self) -> NDArray[np.bool_]:
        return np.logical_or.reduce(np.isnan(self._x) | np.isposinf(self._x), axis=1)


class BinaryFromProbs(FromProbs):
    """From the probability (n, 1) of class 1 of two; class 0 has 1 - p, whose logarithm is taken by log1p."""

    def __init__(self, x: NDArray[Any]) -> None:
        p = x[:, 0].astype(np.float64)
        super().__init__(np.stack([1.0 - p, p], axis=1))
        with np.errstate(all="ignore"):
            self._surprisals = np.stack([0.0 - np.log1p(-p), 0.0 - np.log(p)], axis=1)

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        return pick(self._surprisals, classes)

    def all(self) -> NDArray[np.float64]:
        return self._surprisals

    def complement(self) -> NDArray[np.float64]:
        return self._surprisals[:, ::-1].copy()


class BinaryFromLogProbs(BinaryFromProbs):
    """From log p (n, 1) of class 1 of two; class 0 has log(1 - exp(log p))."""

    def __init__(self, x: NDArray[Any]) -> None:
        log_p = FromLogProbs(x)
        super().__init__(log_p.probs())
        self._surprisals = np.concatenate([log_p.complement(), log_p.all()], axis=1)


class Clipped:
    """Any of the above with p clipped to [eps, 1 - eps] before the logarithm."""

    def __init__(self, inner: Surprisal, eps: float) -> None:
        self._inner = inner
        self._low, self._high = -math.log1p(-eps), -math.log(eps)

    def _clip(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.clip(values, self._low, self._high)

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        return self._clip(self._inner.at(classes))

    def all(self) -> NDArray[np.float64]:
        return self._clip(self._inner.all())

    def complement(self) -> NDArray[np.float64]:
        return self._clip(self._inner.complement())

    def top(self) -> NDArray[np.int64]:
        return self._inner.top()

    def is_top(self, classes: NDArray[np.int64]) -> NDArray[np.bool_]:
        return self._inner.is_top(classes)

    def probs(self) -> NDArray[np.float64]:
        return np.exp(-self.all())

    def unusable(self) -> NDArray[np.bool_]:
        return self._inner.unusable()


def surprisal(
    x: NDArray[Any],
    *,
    source: str = "logits",
    binary: bool = False,
    temperature: float = 1.0,
    clip: float | None = None,
    single: bool = False,
    scratch: Scratch,
) -> Surprisal:
    """The surprisals of a block ``x``, native float32 or float64, (n, C), or (n, 1) where ``binary``.

    ``source`` is "logits", "log-probs" or "probs"; ``temperature`` and ``single`` concern logits alone.
    """
    given: Surprisal
    x = contiguous(x, scratch)
    if source == "logits":
        if binary:
            x = np.concatenate([np.zeros_like(x), x], axis=1)
        given = FromLogits(x, temperature=temperature, single=single, scratch=scratch)
    elif source == "log-probs":
        given = BinaryFromLogProbs(x) if binary else FromLogProbs(x)
    else:
        given = BinaryFromProbs(x) if binary else FromProbs(x)
    return given if clip is None else Clipped(given, clip)
