"""The losses of a block of samples, under terms that read its numbers in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.reconcile.conventions import SOFTMAX_TWICE, EpsilonAdded, Term, round_to
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.surprisal import Surprisal, surprisal
from nllcli.numerics.surprisal.given import Clipped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.blocks import Scratch


class BlockReading:
    """A block of numbers ``x`` (n, C), or (n, 1) where ``binary``, read as the term ``how`` says."""

    def __init__(self, x: NDArray[Any], how: Term, *, binary: bool, single: bool, scratch: Scratch) -> None:
        if how.input_rounding is not None:
            x = round_to(x, how.input_rounding)
        self._binary = binary
        self._outside = _outside(x, how.reading)
        once = surprisal(
            x,
            source="logits" if how.reading == SOFTMAX_TWICE else how.reading,
            binary=binary,
            temperature=how.temperature,
            single=single,
            scratch=scratch.sub("once"),
        )
        if how.reading == SOFTMAX_TWICE:
            once = surprisal(once.probs(), single=single, scratch=scratch.sub("twice"))
        self._surprisal = _Remembered(once)

    def surprisal(self, term: Term) -> Surprisal:
        if term.clip is not None:
            return Clipped(self._surprisal, term.clip)
        return self._surprisal if term.added is None else EpsilonAdded(self._surprisal, term.added)

    def losses(
        self, term: Term, targets: NDArray[np.int64], class_weights: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """The losses (n,); NaN where the numbers are not probabilities, which ``nll compute`` refuses."""
        values = LOSSES[term.loss].value(self.surprisal(term), targets, class_weights, term.smoothing)
        if self._outside is not None and self._refuses_outside(term):
            values = np.where(self._outside, np.nan, values)
        return values if term.loss_rounding is None else round_to(values, term.loss_rounding)

    def _refuses_outside(self, term: Term) -> bool:
        """A log-probability above 0 is refused only where 1 - p is needed, and p is not clipped."""
        needs_rest = self._binary or LOSSES[term.loss].asks_every_class
        return term.reading == "probs" or (needs_rest and term.clip is None)


def _outside(x: NDArray[Any], reading: str) -> NDArray[np.bool_] | None:
    """Samples (n,) of which a number is not a probability, or not the logarithm of one."""
    if reading not in ("probs", "log-probs"):
        return None
    outside: NDArray[np.bool_] = x > 0 if reading == "log-probs" else (x < 0) | (x > 1)
    return np.logical_or.reduce(outside, axis=1)


class _Remembered:
    """Surprisals that keep the results of ``at``, which many terms share."""

    def __init__(self, inner: Surprisal) -> None:
        self._at = inner.at
        self._kept: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        self.n_classes = inner.n_classes
        self.all, self.complement, self.top = inner.all, inner.complement, inner.top
        self.is_top, self.probs, self.unusable = inner.is_top, inner.probs, inner.unusable

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """A copy, by the identity of ``classes``, which is kept alive with it."""
        if id(classes) not in self._kept:
            self._kept[id(classes)] = classes, self._at(classes)
        return self._kept[id(classes)][1].copy()
