"""One explained sample: what was worked out, and what follows from it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nllcli.commands.explain.worked import total, total_without
from nllcli.numerics.kernels import product
from nllcli.numerics.losses import LOSSES, Loss
from nllcli.numerics.losses.nll import soft_masses
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nllcli.commands.explain.worked import Worked
    from nllcli.data.settings import LossOptions

FEW_CLASSES = 10  # up to this many are all shown, in order; of more, the likeliest
N_LIKELIEST = 8
_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Setting:
    """What all explained samples share.

    ``denominator`` is that of the mean, None under another reduction; ``loss_sum`` is None where not all samples were
    scored.
    """

    options: LossOptions
    names: Sequence[str]
    denominator: float | None
    loss_sum: float | None


@dataclass(frozen=True)
class Explanation:
    """One sample: its number in the order of the targets, its place in words, and what was worked out.

    ``position`` is its index where the targets have several dimensions. ``shifted_out`` says that it has no target
    because the targets are shifted.
    """

    number: int
    place: str
    position: tuple[int, ...] | None
    worked: Worked
    setting: Setting
    shifted_out: bool = False

    @property
    def row(self) -> str:
        """The sample's number, followed by its position where the targets have several dimensions."""
        return str(self.number) if self.position is None else f"{self.number} {self.position}"

    def name(self, c: int) -> str:
        return self.setting.names[c]

    @property
    def target_name(self) -> str | None:
        return None if self.worked.target is None else self.name(self.worked.target)

    @property
    def target_prob(self) -> float | None:
        return None if self.worked.target is None else float(self.worked.probs[self.worked.target])

    @property
    def predicted(self) -> str | None:
        return self.name(self.worked.top) if self.worked.usable else None

    @property
    def loss(self) -> Loss:
        return LOSSES[self.setting.options.loss]

    @property
    def spread(self) -> bool:
        """Whether several classes have a share in the loss: soft targets or smoothing."""
        return self.worked.soft_target is not None or (
            self.worked.target is not None and self.setting.options.label_smoothing != 0.0
        )

    @property
    def scored_class(self) -> int | None:
        """The class whose -log p is the loss, None where there is no such class."""
        if self.spread:
            return None
        return {"target": self.worked.target, "prediction": self.worked.top}.get(self.loss.scores)

    @cached_property
    def rival(self) -> int | None:
        """The likeliest class that is not the target."""
        target = self.worked.target
        if target is None or self.worked.n_classes == 1 or not self.worked.usable:
            return None
        surprisals = self.worked.unclipped
        runs = ((0, target), (target + 1, len(surprisals)))
        found = [begin + int(surprisals[begin:end].argmin()) for begin, end in runs if begin < end]
        return min(found, key=surprisals.__getitem__)

    @cached_property
    def compared(self) -> tuple[float, float] | None:
        """What the softmax is of for the target and its rival, or their log-probabilities where there is no softmax.

        They are kept, since those of very many classes are made whenever they are asked for.
        """
        if self.worked.target is None or self.rival is None:
            return None
        logits = self.worked.logits
        if logits is None:
            surprisals = self.worked.unclipped
            return 0.0 - float(surprisals[self.worked.target]), 0.0 - float(surprisals[self.rival])
        return float(logits[self.worked.target]), float(logits[self.rival])

    @property
    def margin(self) -> float | None:
        """By how much the target leads its rival."""
        return None if self.compared is None else self.compared[0] - self.compared[1]

    @property
    def contribution(self) -> float | None:
        """What the sample adds to the reduced loss; None where there is no reduction."""
        if self.setting.options.reduction == "none":
            return None
        loss = self.worked.weighted_loss
        if self.setting.denominator is None:
            return loss
        return loss / self.setting.denominator if self.setting.denominator else float("nan")

    @property
    def share_of_loss(self) -> float | None:
        """The sample's part of the sum over all samples; None where the sum is unknown, infinite, NaN or 0."""
        loss_sum = self.setting.loss_sum
        return self.worked.weighted_loss / loss_sum if loss_sum and np.isfinite(loss_sum) else None

    @cached_property
    def listed(self) -> list[int]:
        """The classes that are shown."""
        worked = self.worked
        if worked.n_classes <= FEW_CLASSES:
            return list(range(worked.n_classes))
        likeliest = _least(worked.unclipped, N_LIKELIEST)
        wanted = worked.target if worked.soft_target is None else int(np.argmax(worked.soft_target))
        return likeliest if wanted is None or wanted in likeliest else [*likeliest, wanted]

    @property
    def n_others(self) -> int:
        """How many classes share one line."""
        return self.worked.n_classes - len(self.listed)

    def total_of_others(self, values: NDArray[np.float64]) -> float:
        """The sum over the classes that share one line."""
        return total_without(values, self.listed)

    @property
    def smoothed_targets(self) -> NDArray[np.float64]:
        """The target of each class, before class weights."""
        worked = self.worked
        targets = worked.soft_target
        if targets is None:
            targets = one_hot(worked.n_classes, worked.target)
        return soft_masses(targets[None, :], None, self.setting.options.label_smoothing)[0]

    @property
    def terms(self) -> NDArray[np.float64]:
        """Each class's part of the loss, 0 where its share is 0, also for a class with p = 0."""
        assert self.worked.shares is not None
        return product(self.worked.shares, self.worked.surprisals)

    @property
    def class_weighted_loss(self) -> float:
        """The loss before the sample's own weight."""
        return self.worked.weighted_loss if self.worked.sample_weight is None else total(self.terms)


def one_hot(n_classes: int, c: int | None) -> NDArray[np.float64]:
    """1 for class ``c``, if there is one, and 0 for all others."""
    found = np.zeros(n_classes)
    if c is not None:
        found[c] = 1.0
    return found


def _least(values: NDArray[np.float64], n: int) -> list[int]:
    """The places of the ``n`` least values, in order, the first of equal ones first; some are looked at at a time."""
    candidates: NDArray[np.intp] = np.empty(0, np.intp)
    for start in range(0, len(values), _AT_ONCE):
        run = start + np.argsort(values[start : start + _AT_ONCE], kind="stable")[:n]
        candidates = np.concatenate([candidates, run])
        candidates = candidates[np.argsort(values[candidates], kind="stable")[:n]]
    return candidates.tolist()
