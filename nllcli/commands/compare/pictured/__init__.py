"""What one pass collects for pictures of two models: exact counts and sums, and the samples that differ most."""

from __future__ import annotations

from dataclasses import replace

from nllcli.commands.compare.pictured.difference_bins import DifferenceBins
from nllcli.commands.compare.pictured.loss_map import LossMap
from nllcli.commands.compare.pictured.widest import Widest
from nllcli.data.blocks import Part
from nllcli.records import dataclass


@dataclass(frozen=True)
class Paired(Part):
    """How the losses of both differ, how many samples have which two losses, and the samples that differ most."""

    differences: DifferenceBins = DifferenceBins()
    losses: LossMap = LossMap()
    widest: Widest = Widest()

    def shifted(self, by: int) -> Paired:
        """The same of samples whose numbers are so much higher."""
        return replace(self, widest=self.widest.shifted(by))
