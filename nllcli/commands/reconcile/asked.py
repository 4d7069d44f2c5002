"""What a pass asks of a reading of a block: losses with some targets, and sums over the samples of every class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.reconcile.conventions.samples import under
from nllcli.commands.reconcile.scores import Among
from nllcli.numerics.losses import LOSSES
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.commands.reconcile.convention import Term
    from nllcli.numerics.surprisal import Surprisal

    Key = tuple[Term, int, int]


@dataclass(frozen=True)
class Weighed:
    """The weights (k,) of those ``classes`` (k,), in ascending order, that may weigh anything; None is every class."""

    weights: NDArray[np.float64]
    classes: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Asked:
    """Losses of a block with some ``targets``, (n,) or (n, C), and class weights where each class's term has its own.

    ``entropies`` (n,), or one for all, are those of the targets, where they are subtracted.
    """

    term: Term
    targets: NDArray[Any]
    class_weights: Weighed | None = None
    entropies: NDArray[np.float64] | float = 0.0

    @property
    def key(self) -> Key:
        """By the identity of the arrays, before anything is done to the losses."""
        weights = None if self.class_weights is None else self.class_weights.weights
        return self.term.of_surprisals, id(self.targets), id(weights)

    @property
    def is_wide(self) -> bool:
        """Whether they take more than the surprisal of each target."""
        is_soft = self.targets.ndim > 1
        return is_soft or LOSSES[self.term.loss].scores != "target" or bool(self.term.smoothing)

    def value(self, scores: Surprisal, targets: NDArray[Any]) -> NDArray[np.float64]:
        """The losses (n,) of some of the samples, with their ``targets``, as their surprisals give them."""
        scores, weighed = under(self.term, scores), self.class_weights
        weights, value = None if weighed is None else weighed.weights, LOSSES[self.term.loss].value
        values: NDArray[np.float64]
        if weighed is None or weighed.classes is None:
            values = value(scores, targets, weights, self.term.smoothing)
        else:
            places = np.searchsorted(weighed.classes, targets)
            values = value(Among(scores, weighed.classes), places, weights, self.term.smoothing)
        return values


@dataclass(frozen=True, eq=False)
class EveryClass:
    """The sums of the surprisals of ``classes`` (k,) over the ``counted`` samples (n,), times their ``weights`` (n,).

    None for ``classes`` is every class.
    """

    term: Term
    counted: NDArray[np.bool_]
    weights: NDArray[np.float64] | None
    classes: NDArray[np.int64] | None = None
