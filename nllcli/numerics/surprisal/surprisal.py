"""-log p of a block, in nats, whatever the file holds: logits, log-probabilities or probabilities.

The losses are written once, over this interface; each source computes from what it has, never through a rounded p.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from nllcli.numerics.kernels.convert import both_classes, is_half, to_float
from nllcli.numerics.kernels.layout import contiguous, pick, sum_classes
from nllcli.numerics.kernels.normaliser import TINY_POWER, Normaliser, careful_powers, normalise
from nllcli.numerics.kernels.odds import odds_against
from nllcli.numerics.once import once

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.blocks import Scratch


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

    def unusable(self) -> NDArray[np.bool_] | None:
        """Samples that no number can be given for, by a NaN, +inf and the like: (n,); None where there are none."""
        ...


@dataclass(frozen=True)
class _Scored:
    """What is known of one class a sample: -log p (n,), whether it is ``top`` (n,), and what has no number."""

    surprisals: NDArray[np.float64]
    right: NDArray[np.bool_]
    unusable: NDArray[np.bool_] | None


class FromLogits:
    """From logits (n, C) as they lie in the file; told the ``targets`` (n,), it needs nothing else for them.

    One class a sample is scored by the odds against it, whole rows by the normaliser, which serves for a single class
    too where there is a temperature or the odds leave their range.
    """

    def __init__(
        self,
        raw: NDArray[Any],
        *,
        temperature: float = 1.0,
        single: bool = False,
        targets: NDArray[np.int64] | None = None,
        scratch: Scratch,
    ) -> None:
        self._raw = raw if is_half(raw.dtype) else to_float(raw, scratch)
        self._temperature = temperature
        self._single = single
        self._scratch = scratch
        self._targets = targets if temperature == 1.0 else None
        self._last: tuple[NDArray[np.int64], _Scored] | None = None

    @once
    def _x(self) -> NDArray[Any]:
        """The logits as numbers; those of 16 bits are not always needed so."""
        return to_float(self._raw, self._scratch)

    def _score(self, classes: NDArray[np.int64]) -> _Scored:
        """By the odds against ``classes`` (n,); they are nearly always the same targets."""
        if self._last is None or self._last[0] is not classes:
            odds = odds_against(self._raw, classes, single=self._single, scratch=self._scratch)
            with np.errstate(all="ignore"):
                surprisals = np.log1p(odds.against, out=odds.against)
            unusable = self._rescore(odds.outside, classes, surprisals, odds.right) if odds.outside.size else None
            self._last = classes, _Scored(surprisals, odds.right, unusable)
        return self._last[1]

    def _rescore(
        self,
        rows: NDArray[np.intp],
        classes: NDArray[np.int64],
        surprisals: NDArray[np.float64],
        right: NDArray[np.bool_],
    ) -> NDArray[np.bool_] | None:
        """Score ``rows`` by their normaliser; which samples have no number, None where all have one."""
        where: Any = slice(None) if len(rows) == len(self._raw) else rows
        others = FromLogits(self._raw[where], single=self._single, scratch=self._scratch.sub("outside"))
        surprisals[where] = others._behind(classes[where])
        right[where] = others.is_top(classes[where])
        without = others.unusable()
        if without is None:
            return None
        unusable = np.zeros(len(classes), bool)
        unusable[where] = without
        return unusable

    @once
    def _normaliser(self) -> Normaliser:
        return normalise(self._x, temperature=self._temperature, single=self._single, scratch=self._scratch)

    @once
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

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        return self._score(classes).surprisals if self._temperature == 1.0 else self._behind(classes)

    def _behind(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """-log p of one class a sample from the normaliser."""
        gap = self._gap(pick(self._x, classes), self._normaliser.maximum)
        gap += self._log1p_rest
        return gap

    @once
    def _all(self) -> NDArray[np.float64]:
        gap = self._gap(self._x, self._normaliser.maximum[:, None])
        gap += self._log1p_rest[:, None]
        return gap

    def all(self) -> NDArray[np.float64]:
        return self._all

    @once
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

    @once
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

    @once
    def _top(self) -> NDArray[np.int64]:
        known = self._normaliser.top
        return self._x.argmax(axis=1) if known is None else known

    def is_top(self, classes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Only rows whose maximum is shared need a search for its first class."""
        if classes is self._targets:
            return self._score(classes).right
        if self._normaliser.top is not None:
            return self._normaliser.top == classes
        right = pick(self._x, classes) == self._normaliser.maximum
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

    def unusable(self) -> NDArray[np.bool_] | None:
        if self._targets is not None:
            return self._score(self._targets).unusable
        return _where_any(~np.isfinite(self._normaliser.maximum))


class _Given:
    """Shared by the sources whose file holds the answer itself: ``x`` (n, C) grows with p."""

    def __init__(self, x: NDArray[Any]) -> None:
        self._x = x.astype(np.float64, copy=False)

    @once
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

    def unusable(self) -> NDArray[np.bool_] | None:
        return _where_any(~np.isfinite(self._x.max(axis=1)))


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

    def unusable(self) -> NDArray[np.bool_] | None:
        return _where_any(np.logical_or.reduce(np.isnan(self._x) | np.isposinf(self._x), axis=1))


class BinaryFromProbs(FromProbs):
    """From the probability (n, 1) of class 1 of two; class 0 has 1 - p, whose logarithm is taken by log1p."""

    def __init__(self, x: NDArray[Any]) -> None:
        both = both_classes(x, "probs")
        super().__init__(both)
        p = both[:, 1]
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

    def unusable(self) -> NDArray[np.bool_] | None:
        return self._inner.unusable()


def _where_any(mask: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    return mask if mask.any() else None


def surprisal(
    x: NDArray[Any],
    *,
    source: str = "logits",
    binary: bool = False,
    temperature: float = 1.0,
    clip: float | None = None,
    single: bool = False,
    targets: NDArray[np.int64] | None = None,
    scratch: Scratch,
) -> Surprisal:
    """The surprisals of a block ``x`` (n, C), or (n, 1) where ``binary``: logits as they lie in the file, else floats.

    ``source`` is "logits", "log-probs" or "probs"; ``temperature``, ``single`` and ``targets``, the classes (n,) that
    will be asked for, concern logits alone.
    """
    given: Surprisal
    x = contiguous(x, scratch)
    if source == "logits":
        if binary:
            x = both_classes(x, "logits")
        given = FromLogits(x, temperature=temperature, single=single, targets=targets, scratch=scratch)
    elif source == "log-probs":
        given = BinaryFromLogProbs(x) if binary else FromLogProbs(x)
    else:
        given = BinaryFromProbs(x) if binary else FromProbs(x)
    return given if clip is None else Clipped(given, clip)
