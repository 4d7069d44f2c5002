"""A block of numbers read in one way, and the losses that follow, a tile at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.reconcile.convention import Term
from nllcli.commands.reconcile.conventions.readings import reading_of
from nllcli.commands.reconcile.conventions.samples import finished, under, values_under
from nllcli.commands.reconcile.rounding import round_to, rounded, type_of
from nllcli.commands.reconcile.scores import Logits, Remembered
from nllcli.data.blocks import Scratch
from nllcli.numerics.kernels import CLASS_FIRST_BELOW, contiguous, tiles, to_float
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.surprisal import Surprisal, parts_of, surprisal
from nllcli.numerics.surprisal.given import GIVEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from nllcli.commands.reconcile.asked import Asked, EveryClass, Key
    from nllcli.data.settings import LossOptions

# Bytes of a tile as float64: a dozen arrays of this size stay near a core, and outweigh the calls.
_TILE_BYTES = 1 << 20


class Tile:
    """Some samples ``part`` of a block of numbers ``x`` (n, C), or (n, 1) where binary, which many readings share."""

    def __init__(self, x: NDArray[Any], part: slice, options: LossOptions, scratch: Scratch) -> None:
        self.part, self.options, self.scratch = part, options, scratch
        # Few classes as long columns, over which reductions are several times as fast as over short rows.
        self.x = np.asfortranarray(x[part]) if x.shape[1] < CLASS_FIRST_BELOW else contiguous(x[part], scratch)
        self._targets: dict[int, NDArray[Any]] = {}
        self._logits: dict[float, Logits] = {}

    def targets_of(self, targets: NDArray[Any]) -> NDArray[Any]:
        """The tile's own of the ``targets``, (n,) or (n, C), of the block, one array for each."""
        return self._targets.setdefault(id(targets), targets[self.part])

    def logits(self, temperature: float) -> Logits:
        """The surprisals of the numbers as logits."""
        if temperature not in self._logits:
            self._logits[temperature] = self.logits_of(self.x, temperature)
        return self._logits[temperature]

    def logits_of(self, x: NDArray[Any], temperature: float) -> Logits:
        options = self.options
        return Logits.of(
            x,
            binary=options.binary,
            temperature=temperature,
            single=options.precision == "fast",
            scratch=self.scratch.sub(f"logits {temperature}"),
        )


class Reading:
    """A block of numbers ``x`` (n, C), or (n, 1) where binary, read as the term ``how`` says.

    ``made`` (n, C) is what a reading of the whole file makes of the block's. ``every_class`` are the sums that were
    asked for, once ``read_tiles`` has read the block.
    """

    def __init__(
        self, x: NDArray[Any], how: Term, options: LossOptions, made: NDArray[np.float64] | None = None
    ) -> None:
        self._how, self._options, self._n, self._made = how, options, len(x), made
        self._n_classes = 2 if options.binary else x.shape[1]
        self._outside = _outside(x, how)
        self._all_outside = self._outside is not None and bool(self._outside.all())
        self._at: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        self._wide: dict[Key, tuple[Asked, NDArray[np.float64]]] = {}
        self._sums: dict[Any, tuple[EveryClass, _RunningSums]] = {}
        self._log_normalisers: NDArray[np.float64] | None = None

    def ask(self, asked: Iterable[Asked], every_class: Mapping[Any, EveryClass]) -> None:
        """Have ``read`` work out these losses, and the sums ``every_class``, by any key."""
        for one in asked:
            if one.term.z_loss:
                self._log_normalisers = np.empty(self._n)
            if one.is_wide:
                # Of samples that are all refused, as logits read as probabilities often are, nothing is worked out.
                if self.refused(one.term) is None or not self._all_outside:
                    self._wide.setdefault(one.key, (one, np.empty(self._n)))
            else:
                self._at.setdefault(id(one.targets), (one.targets, np.empty(self._n)))
        for key, sum_of in every_class.items():
            n = self._n_classes if sum_of.classes is None else len(sum_of.classes)
            self._sums[key] = sum_of, _RunningSums(n)

    @property
    def every_class(self) -> dict[Any, NDArray[np.float64]]:
        return {key: running.total for key, (_, running) in self._sums.items()}

    def refused(self, term: Term) -> NDArray[np.bool_] | None:
        """The samples (n,) whose numbers are not probabilities, which ``nll compute`` refuses; None where none are.

        A log-probability above 0 is refused only where 1 - p is needed, and p is not clipped.
        """
        needs_rest = self._options.binary or LOSSES[term.loss].asks_every_class
        refuses = term.reading == "probs" or (needs_rest and term.clip is None)
        return self._outside if refuses else None

    def losses(self, asked: Asked) -> NDArray[np.float64]:
        """The losses (n,) that ``ask`` was told of; NaN where they are refused."""
        term = asked.term
        refused = self.refused(term)
        if refused is not None and self._all_outside:
            return np.full(self._n, np.nan)
        values = self._wide[asked.key][1] if asked.is_wide else values_under(term, self._at[id(asked.targets)][1])
        if refused is not None:
            values = np.where(refused, np.nan, values)
        return finished(term, values, asked.entropies, self._log_normalisers)

    def read(self, tile: Tile) -> None:
        """What was asked for, of the samples of a tile."""
        part = tile.part
        scores = self._surprisal(tile)
        every = Remembered(scores)
        for targets, found in self._at.values():
            found[part] = every.at(tile.targets_of(targets))
        for one, found in self._wide.values():
            found[part] = one.value(every, tile.targets_of(one.targets))
        unusable = every.unusable() if self._options.on_nonfinite == "nan" else None
        if unusable is not None:
            for _, found in (*self._at.values(), *self._wide.values()):
                found[part][unusable] = np.nan
        for sum_of, running in self._sums.values():
            running.add(every, sum_of, part)
        if self._log_normalisers is not None:
            assert isinstance(scores, Logits)
            self._log_normalisers[part] = scores.log_normaliser(np.zeros(len(tile.x), np.int64))

    def _surprisal(self, tile: Tile) -> Surprisal:
        how, reading = self._how, reading_of(self._how.reading)
        if self._made is not None:
            return self._given(self._made[tile.part], reading.source, tile.scratch)
        if reading.made is None and how.reading != "logits":
            return self._given(_read(tile.x, how), reading.source, tile.scratch)
        of_file = how.input_rounding is None
        first = tile.logits(how.temperature) if of_file else tile.logits_of(_read(tile.x, how), how.temperature)
        if reading.made is None:
            return first
        return self._given(reading.made(first), reading.source, tile.scratch, temperature=1.0, binary=False)

    def _given(
        self,
        x: NDArray[Any],
        source: str,
        scratch: Scratch,
        *,
        temperature: float | None = None,
        binary: bool | None = None,
    ) -> Surprisal:
        """The surprisals of numbers that are not logits of the file."""
        return surprisal(
            x,
            source=source,
            binary=self._options.binary if binary is None else binary,
            temperature=self._how.temperature if temperature is None else temperature,
            single=self._options.precision == "fast",
            scratch=scratch.sub("given"),
        )


def read_tiles(x: NDArray[Any], readings: Sequence[Reading], options: LossOptions, scratch: Scratch) -> None:
    """Have each of the ``readings`` of a block of numbers ``x`` read it."""
    for part in _tiles(x.shape):
        tile = Tile(x, part, options, scratch)
        for reading in readings:
            reading.read(tile)


class _RunningSums:
    """Sums over samples, a tile at a time: added up one after the other, as by one reduction of all rows."""

    def __init__(self, n_classes: int) -> None:
        self.total: NDArray[np.float64] = np.zeros(n_classes)

    def add(self, scores: Remembered, sum_of: EveryClass, part: slice) -> None:
        if np.isnan(self.total).all():
            return
        counted = sum_of.counted[part]
        scores_under = under(sum_of.term, scores)
        for places in parts_of(len(self.total)):
            classes = places if sum_of.classes is None else sum_of.classes[places]
            values = np.compress(counted, scores_under.all(classes), axis=0)
            if sum_of.weights is not None:
                values *= sum_of.weights[part][counted, None]
            self.total[places] = np.add.reduce(np.concatenate([self.total[None, places], values]), axis=0)


def _tiles(shape: tuple[int, ...]) -> Iterator[slice]:
    return tiles(shape[0], shape[1], np.float64, most=_TILE_BYTES)


def _read(x: NDArray[Any], how: Term) -> NDArray[Any]:
    """The numbers (n, C) that are read: rounded, where the term says so, which logits stay as they are in a file."""
    name = how.input_rounding
    if name is None:
        return x
    given = how.reading in GIVEN
    out = np.empty_like(x, np.float32 if given else type_of(name))
    for part in parts_of(x.shape[1]):
        narrow = rounded(x[:, part], name)
        out[:, part] = to_float(narrow, Scratch()) if given else narrow
    return out


def _outside(x: NDArray[Any], how: Term) -> NDArray[np.bool_] | None:
    """Samples (n,) of which a number is not a probability, or not the logarithm of one; None where there are none."""
    if how.reading not in GIVEN:
        return None
    outside = np.zeros(len(x), np.bool_)
    for part in _tiles(x.shape):
        for columns in parts_of(x.shape[1]):
            numbers = x[part, columns] if how.input_rounding is None else round_to(x[part, columns], how.input_rounding)
            cells = numbers > 0 if how.reading == "log-probs" else (numbers < 0) | (numbers > 1)
            if x.shape[1] < CLASS_FIRST_BELOW:
                for column in cells.T:
                    outside[part] |= column
            else:
                outside[part] |= np.logical_or.reduce(cells, axis=1)
    return outside if outside.any() else None
