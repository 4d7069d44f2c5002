"""Unknowns that a number may have been made with: one unknown, one number, so any number fits some value."""

from __future__ import annotations

import math
from dataclasses import field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.reconcile.convention import Convention
from nllcli.commands.reconcile.conventions import batches, readings, samples
from nllcli.commands.reconcile.departure import Departure
from nllcli.data.blocks import Part
from nllcli.numerics.evaluate import Wanted, evaluate
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.tally import Tally
from nllcli.records import dataclass
from nllcli.scoring.passes import can_open_again, fold_dataset, open_again

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from nllcli.commands.reconcile.conventions.batches import BySize
    from nllcli.commands.reconcile.expectation import Expectation
    from nllcli.commands.reconcile.search import Search
    from nllcli.data.blocks import Block, Scratch

# Where the loss is looked at first: between neighbours it is taken to cross a number once.
_GRIDS = {
    "temperature": (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0),
    "clip": (1e-12, 1e-9, 1e-7, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.49),
}
_NEAR = 1e-5
_MOST_Z = 1.0
_MOST_STEPS = 60
_MOST_DIGITS = 6


@dataclass(frozen=True)
class Solved:
    """A value that makes the user's own settings give the expected number, the roundest that does.

    ``chance`` is the share of intervals as wide as that of the values which fit that hold one as round.
    """

    unknown: str
    value: float
    chance: float
    departure: Departure
    number: float


def probes(base: Convention) -> dict[str, tuple[Convention, Convention]]:
    """For each unknown that the loss is linear in, the conventions where it is 0 and 1."""
    found = {}
    if LOSSES[base.term.loss].smooths:
        found["label smoothing"] = (_with(base, smoothing=0.0), _with(base, smoothing=1.0))
    if base.term.reading == "logits" and not base.smooths_each_class:
        found["z-loss"] = (base, _with(base, z_loss=1.0))
    return found


def of_parts(base: Convention) -> Convention:
    """What batches of any size follow from."""
    return replace(base, reduction="batch-means", n=1)


def _with(base: Convention, **changes: Any) -> Convention:
    return replace(base, term=replace(base.term, **changes))


def solved(done: Search, expected: Expectation) -> Iterator[Solved]:
    """The unknowns that can be solved for, each with its value."""
    yield from _linear(done, expected)
    yield from _divisor(done, expected)
    yield from _by_passes(done, expected)


def _linear(done: Search, expected: Expectation) -> Iterator[Solved]:
    for unknown, (without, whole) in probes(done.base).items():
        at_0, at_1 = done.values.of(without), done.values.of(whole)
        if not (math.isfinite(at_0) and math.isfinite(at_1) and at_0 != at_1):
            continue
        middle, half = (expected.value - at_0) / (at_1 - at_0), abs(expected.tolerance / (at_1 - at_0))
        if not half < middle < _MOST_Z:
            continue
        value, chance = roundest(middle - half, middle + half)
        departure = (samples.with_smoothing if unknown == "label smoothing" else samples.with_z_loss)(value)
        yield Solved(unknown, value, chance, departure, at_0 + value * (at_1 - at_0))


def _divisor(done: Search, expected: Expectation) -> Iterator[Solved]:
    """A number of words or documents that is not in the file, for the sum of the losses, or exp of what it gives."""
    total = done.values.of(replace(done.base, reduction="sum"))
    for unit, low, high in (
        ("nats", expected.value - expected.tolerance, expected.value + expected.tolerance),
        ("perplexity", _log(expected.value - expected.tolerance), _log(expected.value + expected.tolerance)),
    ):
        if not (math.isfinite(total) and low * high > 0 and total / low > 0):
            continue
        least, most = sorted((total / low, total / high))
        whole = math.ceil(least)
        if whole > most or whole < 1:
            continue
        changes = {"reduction": "given", "at": whole, "unit": unit}
        text = f"sum / {whole}" + ("; perplexity: exp of it" if unit == "perplexity" else "")
        number = total / whole if unit == "nats" else math.exp(total / whole)
        yield Solved("divisor", float(whole), min(1.0, most - least), Departure("reduction", text, changes), number)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else math.nan


def _by_passes(done: Search, expected: Expectation) -> Iterator[Solved]:
    """Temperature and clipping: a pass over the samples for values far apart, and then one for each that is nearer."""
    if not LOSSES[done.base.term.loss].is_likelihood or not can_open_again(done.request.inputs):
        return
    makes: dict[str, Callable[[float], Departure]] = {"temperature": readings.tempered, "clip": samples.clipped}
    grid = [(unknown, value) for unknown, values in _GRIDS.items() for value in values]
    losses = _losses(done, [{unknown: value} for unknown, value in grid])
    points = [(*point, loss - expected.value) for point, loss in zip(grid, losses, strict=True)]
    last = ("", 0.0, math.nan)
    for (unknown, low, below), (other, high, above) in pairwise([*points, last]):

        def loss_at(value: float, unknown: str = unknown) -> float:
            return _losses(done, [{unknown: value}])[0]

        if abs(below) <= expected.tolerance:
            root = low
        elif unknown == other and expected.tolerance < abs(above) < math.inf and -math.inf < below * above < 0:
            root = _root(loss_at, expected, (low, below), (high, above))
        else:
            continue
        near = root * (1 + _NEAR)
        slope = (loss_at(near) - loss_at(root)) / (near - root)
        half = expected.tolerance / abs(slope) if slope else math.inf
        if half < root:
            value, chance = roundest(root - half, root + half)
            yield Solved(unknown, value, chance, makes[unknown](value), loss_at(value))


@dataclass(frozen=True)
class _Tallies(Part):
    by_number: dict[int, Tally] = field(default_factory=dict)


def _losses(done: Search, changes: Sequence[Mapping[str, Any]]) -> list[float]:
    """The user's own number under each of the changed settings, from one more pass; NaN where there is none."""
    every = [replace(done.settled.options, **changed) for changed in changes]

    def work(block: Block, scratch: Scratch) -> _Tallies:
        return _Tallies({i: evaluate(block, options, Wanted(), scratch).tally for i, options in enumerate(every)})

    dataset = open_again(done.request.inputs, "the unknowns are solved for in further passes")
    sums = fold_dataset(work, _Tallies(), dataset, threads=done.request.threads).by_number
    found = (sums[i].loss(options.reduction) for i, options in enumerate(every))
    return [math.nan if loss is None else loss for loss in found]


def _root(
    loss_at: Callable[[float], float], expected: Expectation, low: tuple[float, float], high: tuple[float, float]
) -> float:
    """Where the loss crosses the expected number between two points.

    By regula falsi in the logarithm, where an end that stays is given half its weight (Illinois; Dowell & Jarratt, A
    modified regula falsi method, BIT 11, 1971).
    """
    (a, below), (b, above) = (math.log(low[0]), low[1]), (math.log(high[0]), high[1])
    x, stayed = a, ""
    for _ in range(_MOST_STEPS):
        x = (below * b - above * a) / (below - above)
        off = loss_at(math.exp(x)) - expected.value
        if abs(off) <= expected.tolerance / 64:
            break
        if off * above > 0:
            b, above, below = x, off, below / 2 if stayed == "a" else below
            stayed = "a"
        else:
            a, below, above = x, off, above / 2 if stayed == "b" else above
            stayed = "b"
    return math.exp(x)


def roundest(low: float, high: float) -> tuple[float, float]:
    """The number of the fewest digits from ``low`` to ``high``, both above 0, and the chance to find one as round."""
    top = math.floor(math.log10(high))
    for digits in range(1, _MOST_DIGITS + 1):
        unit = 10.0 ** (top - digits + 1)
        k = round((low + high) / 2 / unit)
        if low <= k * unit * (1 + 1e-12) and k * unit * (1 - 1e-12) <= high and k:
            return float(f"{k * unit:.{digits}g}"), min(1.0, (high - low) / unit)
    return float(f"{(low + high) / 2:.{_MOST_DIGITS}g}"), 1.0


def by_size(done: Search) -> BySize:
    """The numbers of batches of every size, of the user's own settings."""
    if not done.settled.dataset.layout.in_target_order:
        return {}
    return batches.by_size(done.values.runs(done.base.of_samples))


def batch_sizes(sized: BySize, expected: Expectation) -> Iterator[Departure]:
    """Batches of any size, where the number decides for one."""
    for name, (sizes, values) in sized.items():
        fitting = sizes[np.abs(values - expected.value) <= expected.tolerance]
        if len(fitting) == 1:
            yield batches.departure(name, int(fitting[0]))


def in_order(sized: BySize) -> list[NDArray[np.float64]]:
    """The numbers of each kind in ascending order: one matches where no other of its kind does."""
    return [np.unique(values[np.isfinite(values)]) for _, values in sized.values()]
