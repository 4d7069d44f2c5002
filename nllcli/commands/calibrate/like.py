"""The rules by which other libraries cut probabilities into bins, so that their numbers can be had."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from nllcli.numerics.calibration.bins import Rule
from nllcli.records import dataclass

if TYPE_CHECKING:
    from nllcli.numerics.calibration.bins import Side, Spacing
    from nllcli.numerics.calibration.claims import Claims

Of = Literal["top", "class 1"]


@dataclass(frozen=True)
class Peer:
    """What a library does: how many bins it makes where nobody says, and how.

    ``class_1_of`` are the files of which it measures class 1 and not the top label: those of ``one`` probability a
    sample, those of ``two`` classes, ``all`` or ``none``. ``edge_dtype`` is the dtype of its edges, ``top_dtype`` that
    in which it has confidences, and ``class_1_dtype`` that in which it has probabilities of class 1; None is the
    file's. ``clips`` says that it keeps them off 0 and 1, ``counts_edges`` that its bins are one fewer than asked for.
    """

    n_bins: int
    side: Side
    spacing: Spacing
    class_1_of: Literal["none", "one", "two", "all"] = "one"
    edge_dtype: str | None = "float64"
    top_dtype: str | None = None
    class_1_dtype: str | None = None
    clips: bool = False
    counts_edges: bool = False

    @property
    def fewest_bins(self) -> int:
        """The least number of bins that can be asked for."""
        return 1 + self.counts_edges


PEERS: dict[str, Peer] = {
    # gpleiss/temperature_scaling, _ECELoss: its edges are float32 whatever the logits are.
    "guo": Peer(15, "right", "steps", "none", edge_dtype="float32"),
    # torchmetrics: binary_calibration_error, and multiclass_calibration_error, which turns confidences to float32.
    "torchmetrics": Peer(15, "left-extra", "steps", edge_dtype=None, top_dtype="float32"),
    # netcal.metrics.ECE of float64: that of float32 takes counts and means from bins of different edges. Of more than
    # two classes it refuses targets of two alone.
    "netcal": Peer(10, "left", "linspace", "two", top_dtype="float64", class_1_dtype="float64", clips=True),
    # sklearn.calibration.calibration_curve, uniform.
    "sklearn": Peer(5, "right", "linspace", "all"),
    # uncertainty-calibration, get_ece.
    "p-lambda": Peer(15, "right", "fractions"),
    # relplot.binnedECE: the bin is the whole part of p divided by the width.
    "relplot": Peer(10, "left-extra", "quotients", edge_dtype=None),
    # mapie.metrics.calibration.expected_calibration_error: num_bins are the edges.
    "mapie": Peer(50, "right", "linspace", "none", counts_edges=True),
}


@dataclass(frozen=True)
class PeerRule:
    """What is measured, and how, to get a library's number: the claims ``of`` one kind, as it sees them, by ``rule``.

    ``dtype`` is the one in which the library has the probabilities.
    """

    rule: Rule
    of: Of
    dtype: str
    clips: bool

    def as_library_has(self, claims: Claims) -> Claims:
        """The claims with p as the library has it, rounded and clipped; what else is known of them stays."""
        p = claims.p.astype(self.dtype)
        if self.clips:
            least = np.finfo(p.dtype).eps
            p = np.clip(p, least, 1 - least)
        return replace(claims, p=p.astype(np.float64))


def like(name: str, n_bins: int | None, *, n_classes: int, one_column: bool, dtype: str = "float64") -> PeerRule:
    """The peer_rule of the library ``name`` of ``PEERS``, with ``n_bins`` or as many as it makes by itself.

    ``one_column`` says that a file has one logit or probability a sample, that of class 1. ``dtype`` is that of a file
    of probabilities, and float64 for any other.
    """
    peer = PEERS[name]
    is_class_1 = {"none": False, "one": one_column, "two": n_classes == 2, "all": True}[peer.class_1_of]
    of: Of = "class 1" if is_class_1 else "top"
    seen = (peer.class_1_dtype if is_class_1 else peer.top_dtype) or dtype
    asked = peer.n_bins if n_bins is None else n_bins
    rule = Rule(asked - peer.counts_edges, peer.side, peer.spacing, peer.edge_dtype or seen)
    return PeerRule(rule, of, seen, peer.clips)
