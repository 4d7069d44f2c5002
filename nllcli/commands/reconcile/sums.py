"""The sums of one pass over the samples, from which the numbers of many conventions follow at the end.

The loss of a sample is linear in the class weights, so the sums S_c of the losses of class c give the loss under any
weights w as ``sum of w_c S_c``; smoothing adds A_c, the sum of class c's surprisal over all counted samples.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.blocks import Part
from nllcli.numerics.tally import Tally
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.commands.reconcile.convention import Convention, Pairing

    Pieces = tuple[tuple[int, NDArray[np.float64]], ...]


@dataclass(frozen=True)
class PerClass:
    """Sums over the samples of each of the ``classes`` (k,) that occur, (k,) each; n_classes for what is not a class.

    The sums of losses have what decides them for a key; those of the weights "ones", "weights" and "nonzero", how
    many are not 0.
    """

    classes: NDArray[np.int64]
    sums: dict[Convention | str, NDArray[np.float64]]

    def __add__(self, other: PerClass) -> PerClass:
        classes = np.union1d(self.classes, other.classes)
        ours, theirs = self.among(classes), other.among(classes)
        return PerClass(classes, {key: ours[key] + theirs[key] for key in ours})

    def among(self, classes: NDArray[np.int64]) -> dict[Convention | str, NDArray[np.float64]]:
        """The sums of ``classes``, in ascending order, which include all that occur."""
        places = np.searchsorted(classes, self.classes)
        out = {}
        for key, sums in self.sums.items():
            out[key] = np.zeros(len(classes))
            out[key][places] = sums
        return out


@dataclass(frozen=True)
class ConventionSums(Part):
    """The sums of many samples, by what decides them.

    ``own`` is what ``nll compute`` adds up, ``per_class`` holds the sums under each pairing, and ``every_class`` (k,)
    adds the surprisal of every class that may weigh anything over all counted samples. ``run_losses`` and
    ``run_weights`` are sums over runs of samples, those of a block with the number of its first run.
    """

    own: Tally = Tally()
    per_class: dict[Pairing, PerClass] = field(default_factory=dict)
    every_class: dict[Convention, NDArray[np.float64]] = field(default_factory=dict)
    run_losses: dict[Convention, Pieces] = field(default_factory=dict)
    run_weights: dict[Convention, Pieces] = field(default_factory=dict)

    @np.errstate(all="ignore")
    def __add__(self, other: ConventionSums) -> ConventionSums:
        return super().__add__(other)


def joined(pieces: Pieces, n_runs: int) -> NDArray[np.float64]:
    """The sums (n_runs,) over runs of which some lie across blocks."""
    total = np.zeros(n_runs)
    with np.errstate(invalid="ignore"):
        for first, sums in pieces:
            total[first : first + len(sums)] += sums
    return total
