"""-log p of a block, in nats, whatever the file holds: logits, log-probabilities or probabilities.

The losses are written once, over this interface; each source computes from what it has, never through a rounded p.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np

from nllcli.data.blocks import array_of
from nllcli.numerics.kernels import both_classes, contiguous, product, sum_classes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from nllcli.data.blocks import Scratch, Unread

Value = TypeVar("Value")

EVERY = slice(None)

# Classes of which arrays (n, C) are made at a time, where they are more.
MOST_CLASSES = 1 << 16


class Surprisal(Protocol):
    """What the losses ask of a block of n samples over C classes.

    An object may keep the arrays of ``at``, ``all`` and ``top`` and return them again, so callers do not write to them,
    nor to the ``classes`` they gave. ``complement`` and ``probs`` return arrays that are the caller's own.
    ``all`` and ``complement`` are of a part of the classes where that is asked for: ``spread`` and ``others`` add many
    up without an array of all of them.
    """

    n_classes: int

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """-log p of one class a sample: (n,) -> (n,)."""
        ...

    def all(self, classes: slice | NDArray[np.int64] = EVERY) -> NDArray[np.float64]:
        """-log p of every class: (n, C), or (n, k) of k ``classes``."""
        ...

    def complement(self, classes: slice = EVERY) -> NDArray[np.float64]:
        """-log(1 - p) of every class: (n, C), or (n, k) of k neighbouring ``classes``."""
        ...

    def in_all(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """-log p of one class a sample as ``all`` has it, to the bit: (n,) -> (n,)."""
        ...

    def spread(self, class_weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """The sum (n,) of -log p over the classes, each times its weight (C,)."""
        ...

    def others(self, targets: NDArray[np.int64]) -> NDArray[np.float64]:
        """The sum (n,) of -log(1 - p) over the classes but the target (n,)."""
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


class Reduction(Protocol):
    """What reduces logits (n, C) as the kernels read them to a record that has the ``maximum``, the
    ``rest`` and the ``top`` of a normaliser, and more."""

    def __call__(self, x: NDArray[Any], *, temperature: float, scratch: Scratch) -> Any: ...


class OverClasses:
    """The sums of a Surprisal over its classes, for which it makes arrays of many a part at a time."""

    n_classes: int
    all: Callable[[slice], NDArray[np.float64]]
    complement: Callable[[slice], NDArray[np.float64]]

    def spread(self, class_weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        def of(part: slice) -> NDArray[np.float64]:
            values = self.all(part)
            return sum_classes(values if class_weights is None else product(class_weights[part], values))

        return sum_of_parts(of, self.n_classes)

    def others(self, targets: NDArray[np.int64]) -> NDArray[np.float64]:
        def of(part: slice) -> NDArray[np.float64]:
            values = self.complement(part)
            put_at(values, targets - (part.start or 0), 0.0)
            return sum_classes(values)

        return sum_of_parts(of, self.n_classes)


def put_at(values: NDArray[np.float64], places: NDArray[np.int64], put: NDArray[np.float64] | float) -> None:
    """Set ``values[i, places[i]]`` to what is ``put`` (n,), or a number, where that place is among these (n, k)."""
    rows = np.flatnonzero((places >= 0) & (places < values.shape[1]))
    values[rows, places[rows]] = put if isinstance(put, float) else put[rows]


def parts_of(n_classes: int) -> Iterator[slice]:
    """Runs of few enough classes for arrays of them, all of them together where they are few."""
    if n_classes <= MOST_CLASSES:
        yield EVERY
        return
    for start in range(0, n_classes, MOST_CLASSES):
        yield slice(start, start + MOST_CLASSES)


def sum_of_parts(of: Callable[[slice], NDArray[np.float64]], n_classes: int) -> NDArray[np.float64]:
    """The sum (n,) over all classes, given that ``of`` a part of them; the same bits as one sum of contiguous rows.

    NumPy adds such a row up in halves, the first of them a multiple of 8 numbers.
    """
    return of(EVERY) if n_classes <= MOST_CLASSES else _sum_between(of, 0, n_classes)


def _sum_between(of: Callable[[slice], NDArray[np.float64]], start: int, stop: int) -> NDArray[np.float64]:
    if stop - start <= MOST_CLASSES:
        return of(slice(start, stop))
    middle = start + (stop - start) // 16 * 8
    with np.errstate(invalid="ignore"):  # inf - inf is NaN as intended
        total: NDArray[np.float64] = _sum_between(of, start, middle) + _sum_between(of, middle, stop)
    return total


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
    reduce: Reduction | None = None,
    scratch: Scratch,
) -> Surprisal:
    """The surprisals of a block (n, C), or (n, 1) where ``binary``: logits as they are in the file, else floats.

    ``source`` is "logits", "log-probs", "probs", "token-log-probs" or "losses" (n, 1); of the last two there is no
    ``temperature`` but 1. ``single`` concerns logits alone, which log-probabilities under a temperature are, and so do
    ``targets``, the classes (n,) that will be asked for.
    """
    scores: Surprisal
    if source == "logits":
        from nllcli.numerics.surprisal.logits import FromLogits, FromOdds

        held = both_classes(array_of(held), source) if binary else held
        if temperature == 1.0:
            scores = FromOdds(held, single=single, targets=targets, reduce=reduce, scratch=scratch)
        else:
            scores = FromLogits(held, temperature=temperature, single=single, reduce=reduce, scratch=scratch)
    else:
        from nllcli.numerics.surprisal.given import GIVEN, Binary

        given = GIVEN[source](contiguous(array_of(held), scratch))
        scores = given = Binary(given) if binary else given
        if temperature != 1.0:
            from nllcli.numerics.surprisal.tempered import Tempered

            scores = Tempered(given, temperature=temperature, single=single, reduce=reduce, scratch=scratch)
    if clip is None:
        return scores
    from nllcli.numerics.surprisal.given import Clipped

    return Clipped(scores, clip)
