"""Evidence in how logits and targets fit: as they are, with classes exchanged, and with neighbouring targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.check.evidence.chance import Moments
from nllcli.data.blocks import Part
from nllcli.numerics.by_class import ByClass
from nllcli.numerics.kernels import pick
from nllcli.numerics.losses import nll
from nllcli.numerics.tally import Rows
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nllcli.numerics.surprisal import Surprisal

# Up to here a table of classes by predictions is small.
_MAX_CONFUSION = 256


@dataclass(frozen=True)
class Pairing(Part):
    """``n`` samples scored against their own and a neighbour's target: ``gain`` is own loss minus the other.

    ``n_beyond`` samples have a target twice as far away too, and ``n_right_beyond`` predictions are that target. Where
    only the predictions were looked at, ``gain`` and ``own`` are of no samples.
    """

    n: int = 0
    gain: Moments = Moments()
    own: float = 0.0
    n_right_own: int = 0
    n_right_other: int = 0
    n_beyond: int = 0
    n_right_beyond: int = 0


@dataclass(frozen=True)
class Fit(Part):
    """How well samples are predicted, of those that count and have usable logits.

    ``loss`` of those with a finite one, ``class_losses`` their sums by target, ``infinite`` the others;
    ``n_right`` predictions that are the target, ``n_right_below`` that are one class below it; ``confusion`` (C, C)
    counts targets by predictions, for few classes. ``as_probs`` is the loss if the logits are probabilities.
    ``before`` and ``after`` pair each sample with the target of its neighbour.
    """

    loss: Moments = Moments()
    infinite: Rows = Rows()
    class_losses: ByClass | None = None
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
    tops: NDArray[np.int64],
    *,
    n_classes: int,
    start: int,
) -> tuple[Fit, Scored]:
    """Score ``targets`` (n,), any class where not ``counted``; only the ``used`` samples are evidence.

    ``tops`` (n,) are the predictions of these.
    """
    loss = scores.at(targets)
    finite = used & np.isfinite(loss)
    right = tops == targets
    kept, kept_loss = _only(finite, targets), _only(finite, loss)
    fit = Fit(
        loss=Moments.of(kept_loss),
        infinite=Rows.where(used & np.isposinf(loss), start),
        class_losses=ByClass.of(kept, n_classes, kept_loss),
        n_right=int(np.count_nonzero(right & used)),
        n_right_below=int(np.count_nonzero((tops == targets - 1) & used)),
        confusion=_confusion(tops, targets, used, n_classes) if n_classes <= _MAX_CONFUSION else None,
    )
    return fit, Scored(scores, targets, counted, finite, loss, tops)


def _only(mask: NDArray[np.bool_], values: NDArray[Any]) -> NDArray[Any]:
    """The ``values`` (n,) where ``mask`` (n,) holds: themselves, where it holds throughout."""
    return values if mask.all() else values[mask]


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
    tops: NDArray[np.int64], targets: NDArray[np.int64], used: NDArray[np.bool_], n_classes: int
) -> NDArray[np.int64]:
    cells = _only(used, targets) * n_classes + _only(used, tops)
    return np.bincount(cells, minlength=n_classes * n_classes).reshape(n_classes, n_classes)


@dataclass(frozen=True)
class Scored:
    """The samples of a block with their own targets, of which those with a ``finite`` loss are evidence."""

    scores: Surprisal
    targets: NDArray[np.int64]
    counted: NDArray[np.bool_]
    finite: NDArray[np.bool_]
    loss: NDArray[np.float64]
    tops: NDArray[np.int64]


def read_pairs(
    scored: Scored, finite_at: Callable[[NDArray[np.int64]], NDArray[np.bool_]] | None, *, start: int, sequence: int
) -> Fit:
    """The samples with their neighbours' targets of the same block; pairs across two blocks are left out.

    ``finite_at`` says which samples (n,) have a finite loss with some targets (n,), where that is all to be known of
    it; None where the gain is wanted. ``sequence`` is the length of the sequences that the samples form in file order,
    0 where they form none.
    """
    n = len(scored.targets)
    if not sequence or n < 2:
        return Fit()
    at = np.arange(start, start + n)
    if start + n > sequence:
        at %= sequence
    before, after = (_pairing(scored, finite_at, *side) for side in ((-1, at), (1, sequence - 1 - at)))
    return Fit(before=before, after=after)


def _pairing(
    scored: Scored,
    finite_at: Callable[[NDArray[np.int64]], NDArray[np.bool_]] | None,
    offset: int,
    left: NDArray[np.int64],
) -> Pairing:
    """Each sample with the target ``offset`` places on, where ``left`` (n,) places follow it in its sequence."""
    others, valid = _at(scored, offset, left)
    gain, own = Moments(), 0.0
    if finite_at is None:
        loss, other_loss = scored.loss, scored.scores.at(others)
        valid &= np.isfinite(other_loss)
        gain, own = Moments.of(loss[valid] - other_loss[valid]), float(np.add.reduce(loss[valid]))
    else:
        valid &= finite_at(others)
    further, beyond = _at(scored, 2 * offset, left)
    beyond &= valid
    return Pairing(
        int(np.count_nonzero(valid)),
        gain,
        own,
        int(np.count_nonzero((scored.tops == scored.targets) & valid)),
        int(np.count_nonzero((scored.tops == others) & valid)),
        int(np.count_nonzero(beyond)),
        int(np.count_nonzero((scored.tops == further) & beyond)),
    )


def _at(scored: Scored, offset: int, left: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The targets (n,) ``offset`` places on, and which of them are in the same sequence, counted and scored."""
    valid = (left >= abs(offset)) & scored.finite & np.roll(scored.counted, -offset)
    valid[slice(-offset, None) if offset > 0 else slice(-offset)] = False  # in another block
    return np.roll(scored.targets, -offset), valid
