"""-log p of a block, in nats, whatever the file holds: logits, log-probabilities or probabilities.

The losses are written once, over this interface; each source computes from what it has, never through a rounded p.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np

from nllcli.data.blocks import array_of
from nllcli.numerics.kernels import both_classes, contiguous

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nllcli.data.blocks import Scratch, Unread

Value = TypeVar("Value")


class Surprisal(Protocol):
    """What the losses ask of a block of n samples over C classes.

    An object may keep the arrays of ``at``, ``all`` and ``top`` and return them again, so callers do not write to them,
    nor to the ``classes`` they gave. ``complement`` and ``probs`` return arrays that are the caller's own.
    """

    n_classes: int

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
        """Samples without a number, because of a NaN, +inf and the like: (n,); None where there are none."""
        ...


class once(Generic[Value]):
    """A value that an object computes when it is first asked for; an array is read-only.

    ``functools.cached_property`` without its lock: Python 3.11 holds one lock for all instances while it computes a
    value, so of several threads, each with a block of its own, one would work at a time.
    """

    def __init__(self, work: Callable[[Any], Value]) -> None:
        self._work = work
        self.__doc__ = work.__doc__

    def __get__(self, instance: Any, owner: type) -> Value:
        value: Any = self._work(instance)
        if isinstance(value, np.ndarray):
            value = value.view()  # the array itself may be the caller's
            value.flags.writeable = False
        instance.__dict__[self._work.__name__] = value
        return value


def where_any(mask: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """``mask``, or None where it is false throughout."""
    return mask if mask.any() else None


def surprisal(
    held: NDArray[Any] | Unread,
    *,
    source: str = "logits",
    binary: bool = False,
    temperature: float = 1.0,
    clip: float | None = None,
    single: bool = False,
    targets: NDArray[np.int64] | None = None,
    scratch: Scratch,
) -> Surprisal:
    """The surprisals of a block (n, C), or (n, 1) where ``binary``: logits as they are in the file, else floats.

    ``source`` is "logits", "log-probs", "probs" or "token-log-probs" (n, 1); ``temperature``, ``single`` and
    ``targets``, the classes (n,) that will be asked for, concern logits alone.
    """
    scores: Surprisal
    if source == "logits":
        from nllcli.numerics.surprisal.logits import FromLogits, FromOdds

        held = both_classes(array_of(held), source) if binary else held
        if temperature == 1.0:
            scores = FromOdds(held, single=single, targets=targets, scratch=scratch)
        else:
            scores = FromLogits(held, temperature=temperature, single=single, scratch=scratch)
    else:
        from nllcli.numerics.surprisal.given import GIVEN, Binary

        given = GIVEN[source](contiguous(array_of(held), scratch))
        scores = Binary(given) if binary else given
    if clip is None:
        return scores
    from nllcli.numerics.surprisal.given import Clipped

    return Clipped(scores, clip)
