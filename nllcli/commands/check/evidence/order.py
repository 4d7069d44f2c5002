"""Evidence that samples and targets are in two orders: all predictions against all targets, in a second pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.check.evidence.extremes import read_extremes
from nllcli.data.blocks import Part
from nllcli.numerics.kernels import contiguous, to_float
from nllcli.numerics.surprisal import surprisal
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nllcli.data.blocks import Block, Scratch
    from nllcli.data.settings import LossOptions

# Rotations whose agreement is counted, of those that random marks of the classes find.
_MOST_ROTATIONS = 8
# As many processes as may have written samples in turn.
_MOST_PARTS = 64
ROTATED, REVERSED, DEALT, COLLECTED = "rotated", "reversed", "dealt", "collected"


@dataclass(frozen=True)
class Pairs(Part):
    """The predictions and the targets of samples in file order, in pieces; the target of one not counted is -1."""

    predictions: tuple[NDArray[np.int64], ...] = ()
    targets: tuple[NDArray[np.int64], ...] = ()


@dataclass(frozen=True)
class Order:
    """Targets in another order: which, by how much, and how many of ``n`` predictions are right then."""

    kind: str
    by: int
    n: int
    n_right: int


@dataclass(frozen=True)
class Orders:
    """Predictions and targets as sequences of ``n`` samples, and the ``choices`` of another order for the targets.

    ``best`` is that in which most predictions are right. ``n_runs`` counts the runs of equal predictions or of equal
    targets, whichever has fewer, which are as good as independent. ``shared`` is the share of samples that could be
    right in the best of all orders, ``sorted_targets`` and ``sorted_predictions`` whether they rise or fall throughout.
    """

    n: int
    n_runs: int
    best: Order
    choices: int
    shared: float
    sorted_targets: bool
    sorted_predictions: bool


def read_pairs(block: Block, options: LossOptions, n_classes: int, scratch: Scratch) -> Pairs:
    """The predictions and targets of one block."""
    assert block.targets is not None
    with np.errstate(all="ignore"):
        x = contiguous(to_float(block.logits, scratch), scratch)
        if options.binary:
            tops = surprisal(x, source=options.source, binary=True, scratch=scratch).top()
        else:
            tops = read_extremes(x).top
    targets = block.targets
    counted = (targets != options.ignore_index) & (targets >= 0) & (targets < n_classes)
    return Pairs((tops.astype(np.int64),), (np.where(counted, targets, -1),))


def compare_orders(predictions: NDArray[np.int64], targets: NDArray[np.int64], n_classes: int) -> Orders:
    """Try the targets (n,) rotated, reversed, and as several processes would deal or collect them."""
    n = len(targets)
    found = [Order(kind, by, n, _n_right(predictions, other)) for kind, by, other in _others(predictions, targets)]
    counted = targets[targets >= 0]
    seen = np.bincount(counted, minlength=n_classes), np.bincount(predictions, minlength=n_classes)
    return Orders(
        n,
        min(_n_runs(predictions), _n_runs(targets)),
        max(found, key=lambda order: order.n_right),
        n + 2 * _MOST_PARTS,
        float(np.minimum(*seen).sum() / max(1, len(counted))),
        _is_sorted(counted),
        _is_sorted(predictions),
    )


def reordered(targets: NDArray[Any], kind: str, by: int) -> NDArray[Any]:
    """The targets (n,) in another order: moved ``by`` places to the front, reversed, or into or out of ``by`` parts."""
    if kind == ROTATED:
        return np.roll(targets, -by)
    if kind == REVERSED:
        return targets[::-1]
    return targets.reshape(-1, by).T.ravel() if kind == DEALT else targets.reshape(by, -1).T.ravel()


def _others(predictions: NDArray[np.int64], targets: NDArray[np.int64]) -> Iterator[tuple[str, int, NDArray[np.int64]]]:
    n = len(targets)
    wanted = [(ROTATED, by) for by in _rotations(predictions, targets)] + [(REVERSED, 0)]
    wanted += [(kind, by) for by in range(2, min(_MOST_PARTS, n - 1) + 1) if n % by == 0 for kind in (DEALT, COLLECTED)]
    for kind, by in wanted:
        yield kind, by, reordered(targets, kind, by)


def _rotations(predictions: NDArray[np.int64], targets: NDArray[np.int64]) -> list[int]:
    """The rotations of the targets in which most predictions seem to be right, other than none.

    Every class is marked by one of the C-th roots of unity, in a random order; the correlation of the marks is, for
    every rotation at once, the number of predictions that are right, give or take the square root of n.
    """
    n, n_classes = len(targets), int(max(predictions.max(), targets.max())) + 1
    turns = np.random.default_rng(0).permutation(n_classes) / n_classes
    marks = np.append(np.exp(2j * np.pi * turns), 0.0)  # the last is of a target that is not counted
    a, b = marks[predictions], marks[targets]
    agreement = np.fft.ifft(np.conj(np.fft.fft(a)) * np.fft.fft(b)).real
    agreement[0] = -np.inf
    kept = min(_MOST_ROTATIONS, n - 1)
    best = np.argpartition(agreement, -kept)[-kept:].tolist()
    return [by - n if by > n // 2 else by for by in best]


def _n_right(predictions: NDArray[np.int64], targets: NDArray[np.int64]) -> int:
    return int(np.count_nonzero(predictions == targets))


def _n_runs(values: NDArray[np.int64]) -> int:
    return int(np.count_nonzero(values[1:] != values[:-1])) + 1


def _is_sorted(values: NDArray[np.int64]) -> bool:
    steps = np.diff(values)
    return bool(steps.any() and ((steps >= 0).all() or (steps <= 0).all()))
