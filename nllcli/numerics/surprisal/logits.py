"""-log p from logits: by the normaliser of each row, or by the odds against one class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Scratch, Unread, array_of
from nllcli.numerics.kernels import pick, sum_classes, to_float
from nllcli.numerics.kernels.chosen import in_order, is_read
from nllcli.numerics.kernels.divergence import Normalised
from nllcli.numerics.kernels.odds import odds_against, odds_in_file
from nllcli.numerics.surprisal import EVERY, OverClasses, once, parts_of, put_at, sum_of_parts, where_any
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.numerics.kernels.normaliser import Normaliser
    from nllcli.numerics.kernels.odds import Odds
    from nllcli.numerics.surprisal import Reduction

# Sums of powers below this one may have lost digits, or all of them, to underflow.
_LEAST_REST = 1e-290

# A log-sum that is the logit of a class and a surprisal below this one has all digits but a few.
_NEAR_SURPRISAL = 32.0


class FromLogits(OverClasses):
    """From logits (n, C) as they are in the file, by the normaliser of each row."""

    def __init__(
        self,
        held: NDArray[Any] | Unread,
        *,
        temperature: float = 1.0,
        single: bool = False,
        reduce: Reduction | None = None,
        scratch: Scratch,
    ) -> None:
        self._held = held
        self._temperature = temperature
        self._single = single
        self._reduce = reduce
        self._scratch = scratch
        self.n_classes = held.shape[1]

    @once
    def _raw(self) -> NDArray[Any]:
        """The logits, in a type and an order that the kernels read."""
        raw = in_order(array_of(self._held), self._scratch)
        return raw if is_read(raw.dtype) else to_float(raw, self._scratch)

    @once
    def _x(self) -> NDArray[Any]:
        """The logits as numbers, converted only where numbers are needed."""
        return to_float(self._raw, self._scratch)

    @property
    def raw(self) -> NDArray[Any]:
        """The logits (n, C), in a type and an order that the kernels read."""
        return self._raw

    @property
    def reduced(self) -> Any:
        """What the reduction asked for gives of the rows."""
        return self._normaliser

    @property
    def logits(self) -> NDArray[Any]:
        """What the temperature divides (n, C), as numbers."""
        return self._x

    @once
    def _normaliser(self) -> Normaliser:
        if self._reduce is not None:
            return self._reduce(self._raw, temperature=self._temperature, scratch=self._scratch)
        from nllcli.numerics.kernels.normaliser import normalise

        return normalise(self._raw, temperature=self._temperature, single=self._single, scratch=self._scratch)

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

    def _pick(self, classes: NDArray[np.int64]) -> NDArray[Any]:
        """The logits (n,) of one class a sample."""
        return to_float(pick(self._raw, classes), Scratch())

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        gap = self._gap(self._pick(classes), self._normaliser.maximum)
        gap += self._log1p_rest
        return gap

    def in_all(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        return FromLogits.at(self, classes)

    @once
    def _all(self) -> NDArray[np.float64]:
        return self._all_of(EVERY)

    def _all_of(self, classes: slice | NDArray[np.int64]) -> NDArray[np.float64]:
        gap = self._gap(self._numbers(classes), self._normaliser.maximum[:, None])
        gap += self._log1p_rest[:, None]
        return gap

    def _numbers(self, classes: slice | NDArray[np.int64]) -> NDArray[Any]:
        """The logits (n, k) of some classes as numbers."""
        return self._x if classes is EVERY else to_float(self._part(classes), Scratch())

    def _part(self, classes: slice | NDArray[np.int64]) -> NDArray[Any]:
        """The logits (n, k) of some classes as the kernels read them."""
        return self._raw if classes is EVERY else self._raw[:, classes]

    def all(self, classes: slice | NDArray[np.int64] = EVERY) -> NDArray[np.float64]:
        return self._all if classes is EVERY else self._all_of(classes)

    @once
    def _second(self) -> NDArray[np.float64]:
        """The largest logits (n,) but the top class's."""
        largest = [self._but_top(part).max(axis=1) for part in parts_of(self.n_classes)]
        return largest[0] if len(largest) == 1 else np.maximum.reduce(largest)

    def _but_top(self, classes: slice) -> NDArray[np.float64]:
        """The logits (n, k) of some classes, -inf for the top one."""
        x = self._numbers(classes).astype(np.float64)
        put_at(x, self.top() - (classes.start or 0), -np.inf)
        return x

    def _others_of(self, classes: slice) -> NDArray[np.float64]:
        """The powers (n, k) of some classes relative to the second largest, so that none underflows; 0 for the top."""
        with np.errstate(all="ignore"):
            powers: NDArray[np.float64] = np.exp(-self._gap(self._but_top(classes), self._second[:, None]))
        powers[np.isneginf(self._second)] = 0.0
        return powers

    @once
    def _others_sum(self) -> NDArray[np.float64]:
        return sum_of_parts(lambda part: sum_classes(self._others_of(part)), self.n_classes)

    @once
    def _complement_of_top(self) -> NDArray[np.float64]:
        """-log(1 - p) of the top class, (n,): it leaves rest / (1 + rest)."""
        rest = self._normaliser.rest
        with np.errstate(all="ignore"):
            of_top = np.log1p(1.0 / rest)
            if not rest.min(initial=np.inf) >= _LEAST_REST:
                gap = self._gap(self._second, self._normaliser.maximum)
                of_top = np.where(rest >= _LEAST_REST, of_top, self._log1p_rest - (np.log(self._others_sum) - gap))
        return of_top

    def complement(self, classes: slice = EVERY) -> NDArray[np.float64]:
        """-log(1 - p_k): every p but the largest is at most 1/2."""
        with np.errstate(all="ignore"):
            out = self.probs(classes)
            np.negative(out, out=out)
            np.log1p(out, out=out)
            np.subtract(0.0, out, out=out)
        put_at(out, self.top() - (classes.start or 0), self._complement_of_top)
        return out

    def gradient(self, masses: NDArray[np.float64]) -> NDArray[np.float64]:
        """The gradient by the logits (n, C) of the sum of v_c (-log p_c), with v the ``masses`` (n, C): ``V p - v``.

        V is the sum of v. One-hot targets give the familiar ``w_y (p - 1)`` at the target and ``w_y p`` elsewhere. For
        a p above 1/2 it is taken as ``(V - v) - V (1 - p)``, which keeps the digits of 1 - p when p is near 1.
        """
        total = sum_classes(masses)
        out = self.probs()
        out *= total[:, None]
        out -= masses
        left = self.rest_prob()
        sure = np.flatnonzero(left < 0.5)
        top = self.top()[sure]
        others = masses[sure]
        others[np.arange(len(sure)), top] = 0.0
        out[sure, top] = sum_classes(others) - total[sure] * left[sure]
        return out

    def rest_share(self) -> NDArray[np.float64]:
        """Each class's share of the probability that the top class leaves: (n, C); 0 for the top class itself."""
        total = self._others_sum
        return self._others_of(EVERY) / np.where(total == 0.0, 1.0, total)[:, None]

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
        if self._normaliser.top is not None:
            return self._normaliser.top == classes
        right = self._pick(classes) == self._normaliser.maximum
        shared = right & self._normaliser.tied
        if shared.any():
            tied = np.flatnonzero(shared)
            right[tied] = self._x[tied].argmax(axis=1) == classes[tied]
        return right

    def probs(self, classes: slice | NDArray[np.int64] = EVERY) -> NDArray[np.float64]:
        """exp(-gap) / (1 + rest), (n, C) or (n, k): exp of -log p would multiply the error of a long logarithm."""
        from nllcli.numerics.kernels.normaliser import powers_below

        found = self._normaliser
        return powers_below(self._part(classes), found.maximum, self._temperature, 1.0 + found.rest, self._scratch)

    def unusable(self) -> NDArray[np.bool_] | None:
        return where_any(~np.isfinite(self._normaliser.maximum))

    def normalised(self) -> Normalised:
        """What the native kernel compares."""
        return Normalised(self._raw, self._temperature, self._log_sums())

    def _log_sums(self) -> NDArray[np.float64]:
        """The logarithms (n,) of the sums of exp(x / T), NaN for samples without a number."""
        maximum = self._normaliser.maximum
        return np.where(np.isfinite(maximum), maximum / self._temperature + self._log1p_rest, np.nan)


@dataclass(frozen=True)
class _Scored:
    """One class a sample: its -log p (n,), whether it is ``top`` (n,), and ``unusable``."""

    surprisals: NDArray[np.float64]
    right: NDArray[np.bool_]
    unusable: NDArray[np.bool_] | None


class FromOdds(FromLogits):
    """From logits (n, C) without a temperature: one class a sample is scored by the odds against it.

    That needs no normaliser and takes half the time. The normaliser serves for whole rows, and for samples whose odds
    leave their range. Where the ``targets`` (n,) are given, the odds against them answer ``is_top`` and ``unusable`` as
    well; equal classes in another array get the same answers, computed once more.
    """

    def __init__(
        self,
        held: NDArray[Any] | Unread,
        *,
        single: bool,
        targets: NDArray[np.int64] | None,
        reduce: Reduction | None = None,
        scratch: Scratch,
    ) -> None:
        super().__init__(held, single=single, reduce=reduce, scratch=scratch)
        self._targets = targets
        self._last: tuple[NDArray[np.int64], _Scored] | None = None

    def _score(self, classes: NDArray[np.int64]) -> _Scored:
        """The answer for ``classes`` (n,), which is kept: they are nearly always the same array."""
        if self._last is None or self._last[0] is not classes:
            odds = self._odds(classes)
            with np.errstate(all="ignore"):
                surprisals = np.log1p(odds.against, out=odds.against)
            unusable = self._rescore(odds.outside, classes, surprisals, odds.right) if odds.outside.size else None
            surprisals.flags.writeable = False
            self._last = classes, _Scored(surprisals, odds.right, unusable)
        return self._last[1]

    def _odds(self, classes: NDArray[np.int64]) -> Odds:
        found = None
        if isinstance(self._held, Unread) and not self._held.is_read:
            found = odds_in_file(self._held, classes, self._scratch)
        if found is None:
            found = odds_against(self._raw, classes, single=self._single, scratch=self._scratch)
        return found

    def _rescore(
        self,
        rows: NDArray[np.intp],
        classes: NDArray[np.int64],
        surprisals: NDArray[np.float64],
        right: NDArray[np.bool_],
    ) -> NDArray[np.bool_] | None:
        """Score ``rows`` by their normaliser; which samples have no number, None where all have one."""
        where: Any = slice(None) if len(rows) == len(classes) else rows
        others = FromLogits(self._raw[where], single=self._single, scratch=self._scratch.sub("outside"))
        surprisals[where] = others.at(classes[where])
        right[where] = others.is_top(classes[where])
        without = others.unusable()
        if without is None:
            return None
        unusable = np.zeros(len(classes), bool)
        unusable[where] = without
        return unusable

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        return self._score(classes).surprisals

    def is_top(self, classes: NDArray[np.int64]) -> NDArray[np.bool_]:
        return self._score(classes).right if classes is self._targets else super().is_top(classes)

    def unusable(self) -> NDArray[np.bool_] | None:
        return super().unusable() if self._targets is None else self._score(self._targets).unusable

    def _log_sums(self) -> NDArray[np.float64]:
        """From the odds against the targets, where these are likely enough."""
        if self._targets is None:
            return super()._log_sums()
        surprisals = self.at(self._targets)
        sums: NDArray[np.float64] = self._pick(self._targets) + surprisals
        others = np.flatnonzero(~(surprisals < _NEAR_SURPRISAL))
        if others.size:
            sums[others] = FromLogits(
                self._raw[others], single=self._single, scratch=self._scratch.sub("others")
            )._log_sums()
        return sums
