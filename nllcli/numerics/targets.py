"""The targets of a block made ready: which samples count, the class of each, and what it weighs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Scratch
from nllcli.errors import SampleError
from nllcli.numerics.exact import ExactSum, exact_count, exact_sum
from nllcli.numerics.kernels import both_classes, to_float
from nllcli.numerics.tally import Rows
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.blocks import Block
    from nllcli.data.settings import LossOptions


def is_class(targets: NDArray[np.int64], n_classes: int) -> NDArray[np.bool_]:
    """Whether each of the ``targets`` (n,) is a class: ``0 <= target < n_classes``.

    Read as unsigned, a negative target is a huge one, so one comparison finds both ends: 2.3 times as fast as two.
    """
    mask: NDArray[np.bool_] = targets.view(np.uint64) < n_classes
    return mask


@dataclass(frozen=True)
class Targets:
    """``values`` are classes (n,), 0 where the target is ignored, or the probabilities of all classes (n, C).

    ``counted`` (n,) is None where every sample counts.
    """

    values: NDArray[Any]
    counted: NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, block: Block, options: LossOptions, n_classes: int) -> Targets:
        """The targets of ``block``, class 0 for all where it has none; raises SampleError for those out of range."""
        targets = block.targets
        if targets is None:
            return cls(np.zeros(block.held.shape[0], np.int64))
        if targets.ndim == 2:
            targets = to_float(targets, Scratch())
            _check_soft(block.start, targets, binary=options.binary)
            return cls(both_classes(targets, "probs") if options.binary else targets)
        ignored = _ignored(targets, options.ignore_index, n_classes, block.start)
        return cls(targets) if ignored is None else cls(np.where(ignored, 0, targets), ~ignored)

    @property
    def are_classes(self) -> bool:
        return self.values.ndim == 1

    def only(self, values: NDArray[Any]) -> NDArray[Any]:
        """Those of the samples' ``values`` (n,) that count."""
        return values if self.counted is None else values[self.counted]

    def masked(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """``mask`` (n,), false where the sample does not count."""
        return mask if self.counted is None else mask & self.counted

    def weights(self, block: Block, options: LossOptions) -> NDArray[np.float64] | None:
        """What each sample adds to the denominator of the mean, (n,); None where that is 1 for all."""
        own = None
        if options.class_weights is not None and self.are_classes:
            own = options.class_weights[self.values]
        if block.sample_weights is None:
            return own
        wrong = self.masked(~np.isfinite(block.sample_weights))
        if wrong.any():
            raise SampleError(
                f"the weight {float(block.sample_weights[wrong][0])!r} is not finite",
                culprit="sample_weights",
                samples=Rows.where(wrong, block.start).first,
            )
        return block.sample_weights if own is None else own * block.sample_weights


def _check_soft(start: int, targets: NDArray[Any], *, binary: bool) -> None:
    wrong = ~((targets >= 0) & (targets <= 1 if binary else targets < np.inf))
    if wrong.any():
        sample, column = map(int, np.argwhere(wrong)[0])
        c = 1 if binary else column
        raise SampleError(
            f"target {float(targets[sample, column])!r} is not a probability" + ("" if binary else f", in class {c}"),
            culprit="targets",
            samples=(sample + start,),
            class_index=c,
        )


def _ignored(targets: NDArray[np.int64], ignore_index: int, n_classes: int, start: int) -> NDArray[np.bool_] | None:
    """Which targets are ignored, None where none is; the others must be classes."""
    classes = is_class(targets, n_classes)
    if classes.all() and not 0 <= ignore_index < n_classes:
        return None
    ignored = targets == ignore_index
    outside = ~(classes | ignored)
    if outside.any():
        found = Rows.where(outside, start).first
        values = tuple(targets[outside][: len(found)].tolist())
        raise SampleError(
            f"target {values[0]} is outside 0..{n_classes - 1}", culprit="targets", samples=found, values=values
        )
    return ignored if ignored.any() else None


def counted_targets(targets: NDArray[np.int64], ignore_index: int, n_classes: int, start: int) -> NDArray[np.int64]:
    """The targets (n,) that are not ignored; raises SampleError for those out of range."""
    ignored = _ignored(targets, ignore_index, n_classes, start)
    return targets if ignored is None else targets[~ignored]


@np.errstate(all="ignore")
def weight_sum(block: Block, options: LossOptions, n_classes: int) -> ExactSum:
    """What the samples of a block add to the denominator of the mean; looks at targets and weights alone."""
    targets = Targets.of(block, options, n_classes)
    weights = targets.weights(block, options)
    if weights is not None:
        return exact_sum(targets.only(weights))
    return exact_count(len(targets.values) if targets.counted is None else int(np.count_nonzero(targets.counted)))
