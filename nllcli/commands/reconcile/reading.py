"""A block of numbers read in one way, and the losses that follow; those that ask all classes, a tile at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.reconcile.conventions import SOFTMAX_TWICE, Term, round_to
from nllcli.numerics.kernels import CLASS_FIRST_BELOW, tiles
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.surprisal import Surprisal, once, surprisal
from nllcli.numerics.surprisal.given import Clipped
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from nllcli.data.blocks import Scratch
    from nllcli.data.settings import LossOptions

    Key = tuple[Term, int, int]

# Bytes of a tile as float64: a dozen arrays of this size stay in the cache of a core, or near it.
_TILE_BYTES = 1 << 19


@dataclass(frozen=True, eq=False)
class Asked:
    """Losses of a block with some ``targets`` (n,) and ``class_weights`` (n_classes,)."""

    term: Term
    targets: NDArray[np.int64]
    class_weights: NDArray[np.float64] | None = None

    @property
    def key(self) -> Key:
        """By the identity of the arrays, before the losses are rounded."""
        return replace(self.term, loss_rounding=None), id(self.targets), id(self.class_weights)

    @property
    def is_wide(self) -> bool:
        """Whether they take more than the surprisal of each target."""
        return LOSSES[self.term.loss].scores != "target" or bool(self.term.smoothing)


@dataclass(frozen=True, eq=False)
class EveryClass:
    """The sums of the surprisals of each class over the ``counted`` samples (n,), times their ``weights`` (n,)."""

    term: Term
    counted: NDArray[np.bool_]
    weights: NDArray[np.float64] | None


class Reading:
    """A block of numbers ``x`` (n, C), or (n, 1) where binary, read as the term ``how`` says.

    ``every_class`` are the sums that ``read_tiles`` was asked for.
    """

    def __init__(self, x: NDArray[Any], how: Term, options: LossOptions, scratch: Scratch) -> None:
        self._how, self._options, self._scratch = how, options, scratch
        self.numbers = self._read(x)
        self._outside = _outside(self.numbers, how.reading)
        self._wide: dict[Key, NDArray[np.float64]] = {}
        self.every_class: dict[Any, NDArray[np.float64]] = {}

    @once
    def _whole(self) -> _Remembered:
        return _Remembered(self.tile_surprisal(self.numbers, "whole"))

    def at(self, targets: NDArray[np.int64]) -> NDArray[np.float64]:
        """-log p of each target (n,)."""
        return self._whole.at(targets)

    def refused(self, term: Term) -> NDArray[np.bool_] | None:
        """The samples (n,) whose numbers are not probabilities, which ``nll compute`` refuses; None where none are.

        A log-probability above 0 is refused only where 1 - p is needed, and p is not clipped.
        """
        needs_rest = self._options.binary or LOSSES[term.loss].asks_every_class
        refuses = term.reading == "probs" or (needs_rest and term.clip is None)
        return self._outside if refuses else None

    def losses(self, asked: Asked) -> NDArray[np.float64]:
        """The losses (n,), among them those that ``read_tiles`` was asked for; NaN where they are refused."""
        term = asked.term
        refused = self.refused(term)
        if refused is not None and self._none_inside:
            return np.full(len(self.numbers), np.nan)
        values = self._wide[asked.key] if asked.is_wide else _value(asked, _under(term, self._whole), asked.targets)
        if refused is not None:
            values = np.where(refused, np.nan, values)
        return values if term.loss_rounding is None else round_to(values, term.loss_rounding)

    def _read(self, x: NDArray[Any]) -> NDArray[Any]:
        """The numbers that are read, once they are rounded, or the probabilities that are read as logits."""
        how = self._how
        if how.input_rounding is None and how.reading != SOFTMAX_TWICE:
            return x
        twice = how.reading == SOFTMAX_TWICE
        shape = (len(x), 2) if twice and self._options.binary else x.shape
        numbers = self._scratch.array("numbers", shape, np.float64)
        for part in _tiles(shape):
            tile = _by_columns(x[part]) if how.input_rounding is None else round_to(x[part], how.input_rounding)
            if twice:
                tile = self._first_surprisal(tile).probs()
            numbers[part] = tile
        return numbers

    def _first_surprisal(self, x: NDArray[Any]) -> Surprisal:
        return surprisal(
            x,
            binary=self._options.binary,
            temperature=self._how.temperature,
            single=self._options.precision == "fast",
            scratch=self._scratch.sub("first"),
        )

    def _surprisal(self, x: NDArray[Any], scratch: Scratch) -> Surprisal:
        how, single = self._how, self._options.precision == "fast"
        if how.reading == SOFTMAX_TWICE:
            return surprisal(x, single=single, scratch=scratch)
        return surprisal(
            x,
            source=how.reading,
            binary=self._options.binary,
            temperature=how.temperature,
            single=single,
            scratch=scratch,
        )

    def read_tiles(self, asked: Iterable[Asked], every_class: dict[Any, EveryClass]) -> None:
        """Work out the losses that will be asked for and take all classes, and the sums ``every_class``, by any key."""
        wide = {one.key: one for one in asked if one.is_wide}
        if self._none_inside:
            wide = {key: one for key, one in wide.items() if self.refused(one.term) is None}
        if not wide and not every_class:
            return
        self._wide = {key: np.full(len(self.numbers), np.nan) for key in wide}
        sums = {key: _RunningSums(self._n_classes) for key in every_class}
        for part in _tiles(self.numbers.shape):
            every = _Tile(self, part, slice(None), "every")
            inside = every if self._outside is None else _Tile(self, part, ~self._outside[part], "inside")
            for key, one in wide.items():
                tile = every if self.refused(one.term) is None else inside
                tile.fill(self._wide[key], one)
            for key, sum_of in every_class.items():
                sums[key].add(every, sum_of)
        self.every_class = {key: running.total for key, running in sums.items()}

    @property
    def _n_classes(self) -> int:
        return 2 if self._options.binary else self.numbers.shape[1]

    def tile_surprisal(self, x: NDArray[Any], name: str) -> Surprisal:
        """Of some rows of the numbers; valid until the next ones of this ``name``."""
        return self._surprisal(x, self._scratch.sub(name))

    @once
    def _none_inside(self) -> bool:
        return self._outside is not None and bool(self._outside.all())


class _Tile:
    """Some ``rows`` of a ``part`` of a reading."""

    def __init__(self, reading: Reading, part: slice, rows: Any, name: str) -> None:
        self._reading, self.part, self._rows, self._name = reading, part, rows, name
        self._targets: dict[int, NDArray[np.int64]] = {}

    @once
    def surprisal(self) -> _Remembered:
        x = _by_columns(self._reading.numbers[self.part][self._rows])
        return _Remembered(self._reading.tile_surprisal(x, self._name))

    def fill(self, losses: NDArray[np.float64], asked: Asked) -> None:
        """Put the losses asked for into those of the block, (n,)."""
        targets = self._targets_of(asked.targets)
        if len(targets):
            losses[self.part][self._rows] = _value(asked, _under(asked.term, self.surprisal), targets)

    def _targets_of(self, targets: NDArray[np.int64]) -> NDArray[np.int64]:
        """The tile's own of the ``targets`` (n,) of the block, whose surprisals that has."""
        if id(targets) not in self._targets:
            own = self._targets[id(targets)] = targets[self.part][self._rows]
            if len(own):
                self.surprisal.keep(own, self._reading.at(targets)[self.part][self._rows])
        return self._targets[id(targets)]


class _RunningSums:
    """Sums over samples, a tile at a time: added up one after the other, as by one reduction of all rows."""

    def __init__(self, n_classes: int) -> None:
        self.total: NDArray[np.float64] = np.zeros(n_classes)

    def add(self, tile: _Tile, sum_of: EveryClass) -> None:
        if np.isnan(self.total).all():
            return
        counted = sum_of.counted[tile.part]
        values = np.compress(counted, _under(sum_of.term, tile.surprisal).all(), axis=0)
        if sum_of.weights is not None:
            values *= sum_of.weights[tile.part][counted, None]
        self.total = np.add.reduce(np.concatenate([self.total[None], values]), axis=0)


def _by_columns(x: NDArray[Any]) -> NDArray[Any]:
    """``x`` (n, C), few classes as long columns, over which reductions are several times as fast as over short rows."""
    return np.asfortranarray(x) if x.shape[1] < CLASS_FIRST_BELOW else x


def _tiles(shape: tuple[int, ...]) -> Iterator[slice]:
    return tiles(shape[0], shape[1], np.float64, most=_TILE_BYTES)


def _value(asked: Asked, scores: Surprisal, targets: NDArray[np.int64]) -> NDArray[np.float64]:
    values: NDArray[np.float64] = LOSSES[asked.term.loss].value(
        scores, targets, asked.class_weights, asked.term.smoothing
    )
    return values


def _under(term: Term, scores: Surprisal) -> Surprisal:
    """The surprisals as the term clips p, or adds to it."""
    if term.clip is not None:
        return Clipped(scores, term.clip)
    return scores if term.added is None else _EpsilonAdded(scores, term.added)


def _outside(x: NDArray[Any], reading: str) -> NDArray[np.bool_] | None:
    """Samples (n,) of which a number is not a probability, or not the logarithm of one; None where there are none."""
    if reading not in ("probs", "log-probs"):
        return None
    outside = np.zeros(len(x), np.bool_)
    for part in _tiles(x.shape):
        cells = x[part] > 0 if reading == "log-probs" else (x[part] < 0) | (x[part] > 1)
        if x.shape[1] < CLASS_FIRST_BELOW:
            for column in cells.T:
                outside[part] |= column
        else:
            np.logical_or.reduce(cells, axis=1, out=outside[part])
    return outside if outside.any() else None


class _Remembered:
    """Surprisals that keep their results, which many terms share."""

    def __init__(self, inner: Surprisal) -> None:
        self._inner = inner
        self._kept: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        self.n_classes = inner.n_classes
        self.top, self.is_top, self.probs, self.unusable = inner.top, inner.is_top, inner.probs, inner.unusable

    def keep(self, classes: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Remember ``values`` (n,) as what ``at`` returns for these ``classes`` (n,)."""
        self._kept[id(classes)] = classes, values

    def at(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """By the identity of ``classes``, which is kept alive with the result."""
        if id(classes) not in self._kept:
            self.keep(classes, self._inner.at(classes))
        return self._kept[id(classes)][1]

    @once
    def _all(self) -> NDArray[np.float64]:
        return self._inner.all()

    def all(self) -> NDArray[np.float64]:
        return self._all

    @once
    def _complement(self) -> NDArray[np.float64]:
        return self._inner.complement()

    def complement(self) -> NDArray[np.float64]:
        return self._complement.copy()


class _EpsilonAdded(Clipped):
    """Surprisals ``-log(p + eps)``, as people write them to keep the logarithm finite."""

    def __init__(self, inner: Surprisal, eps: float) -> None:
        super().__init__(inner, eps)
        self._eps = eps

    def _clip(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        added: NDArray[np.float64] = 0.0 - np.log(np.exp(-values) + self._eps)
        return added
