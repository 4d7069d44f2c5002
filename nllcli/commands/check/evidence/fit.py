"""Evidence in how logits and targets fit: as they are, with classes exchanged, and with neighbouring targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.check.evidence.chance import Moments
from nllcli.data.blocks import Part
from nllcli.numerics.kernels import pick
from nllcli.numerics.losses import nll
from nllcli.numerics.tally import Rows
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.numerics.surprisal import Surprisal

# Up to here a table of classes by predictions is small.
_MAX_CONFUSION = 256


@dataclass(frozen=True)
class Pairing(Part):
    """Samples scored against their own and against a neighbour's target: ``gain`` is own loss minus the other.

    ``n_beyond`` samples have a target twice as far away too, and ``n_right_beyond`` predictions are that target.
    """

    gain: Moments = Moments()
    own: float = 0.0
    n_right_own: int = 0
    n_right_other: int = 0
    n_beyond: int = 0
    n_right_beyond: int = 0


@dataclass(frozen=True)
class Fit(Part):
    """How well samples are predicted, of those that count and have usable logits.

    ``loss`` of those with a finite one, ``class_losses`` (C,) their sums by target, ``infinite`` the others;
    ``n_right`` predictions that are the target, ``n_right_below`` that are one class below it; ``confusion`` (C, C)
    counts targets by predictions, for few classes. ``as_probs`` is the loss if the logits are probabilities.
    ``before`` and ``after`` pair each sample with the target of its neighbour.
    """

    loss: Moments = Moments()
    infinite: Rows = Rows()
    class_losses: NDArray[np.float64] | None = None
    n_right: int = 0
    n_right_below: int = 0
    confusion: NDArray[np.int64] | None = None
    as_probs: Moments = Moments()
    before: Pairing = Pairing()
    after: Pairing = Pairing()


def read_fit(
    scores: Surprisal,
    targets: NDArray[np.int64],
    counted: NDArray[np.bool_],
    used: NDArray[np.bool_],
    *,
    n_classes: int,
    start: int,
    sequence: int,
) -> Fit:
    """Score ``targets`` (n,), any class where not ``counted``; only the ``used`` samples are evidence."""
    loss = scores.at(targets)
    finite = used & np.isfinite(loss)
    right = scores.is_top(targets)
    below = used & (targets > 0)
    fit = Fit(
        loss=Moments.of(loss[finite]),
        infinite=Rows.where(used & np.isposinf(loss), start),
        class_losses=np.bincount(targets[finite], weights=loss[finite], minlength=n_classes).astype(
            np.float64, copy=False
        ),
        n_right=int(np.count_nonzero(right & used)),
        n_right_below=int(np.count_nonzero(scores.is_top(np.where(below, targets - 1, 0)) & below)),
        confusion=_confusion(scores, targets, used, n_classes) if n_classes <= _MAX_CONFUSION else None,
    )
    if sequence and len(targets) > 1:
        at = np.arange(start, start + len(targets)) % sequence
        pair = _Pairs(scores, targets, counted, finite, loss, right)
        fit += Fit(before=pair.with_target(-1, at), after=pair.with_target(1, sequence - 1 - at))
    return fit


def read_soft_fit(scores: Surprisal, targets: NDArray[Any], used: NDArray[np.bool_], start: int) -> Fit:
    """Score soft ``targets`` (n, C)."""
    loss = nll.value(scores, targets)
    finite = used & np.isfinite(loss)
    return Fit(loss=Moments.of(loss[finite]), infinite=Rows.where(used & np.isposinf(loss), start))


def read_as_probs(x: NDArray[Any], targets: NDArray[np.int64], used: NDArray[np.bool_]) -> Fit:
    """The loss if ``x`` (n, C) are probabilities."""
    loss = -np.log(pick(x, targets).astype(np.float64))
    return Fit(as_probs=Moments.of(loss[used & np.isfinite(loss)]))


def _confusion(
    scores: Surprisal, targets: NDArray[np.int64], used: NDArray[np.bool_], n_classes: int
) -> NDArray[np.int64]:
    cells = targets[used] * n_classes + scores.top()[used]
    return np.bincount(cells, minlength=n_classes * n_classes).reshape(n_classes, n_classes)


@dataclass(frozen=True)
class _Pairs:
    """A block's samples, to be paired with targets of the same block; pairs across two blocks are left out."""

    scores: Surprisal
    targets: NDArray[np.int64]
    counted: NDArray[np.bool_]
    finite: NDArray[np.bool_]
    loss: NDArray[np.float64]
    right: NDArray[np.bool_]

    def with_target(self, offset: int, left: NDArray[np.int64]) -> Pairing:
        """Each sample with the target ``offset`` places on, where ``left`` (n,) places follow it in its sequence."""
        others, valid = self._at(offset, left)
        other_loss = self.scores.at(others)
        valid &= np.isfinite(other_loss)
        other_right = self.scores.is_top(others)
        further, beyond = self._at(2 * offset, left)
        beyond &= valid
        return Pairing(
            Moments.of(self.loss[valid] - other_loss[valid]),
            float(np.add.reduce(self.loss[valid])),
            int(np.count_nonzero(self.right & valid)),
            int(np.count_nonzero(other_right & valid)),
            int(np.count_nonzero(beyond)),
            int(np.count_nonzero(self.scores.is_top(further) & beyond)),
        )

    def _at(self, offset: int, left: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The targets (n,) ``offset`` places on, and which of them are in the same sequence, counted and scored."""
        valid = (left >= abs(offset)) & self.finite & np.roll(self.counted, -offset)
        valid[slice(-offset, None) if offset > 0 else slice(-offset)] = False  # in another block
        return np.roll(self.targets, -offset), valid
