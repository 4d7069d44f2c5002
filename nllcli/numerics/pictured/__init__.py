"""What one pass collects for pictures of a loss: exact counts and sums, and the few samples that are shown by name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nllcli.data.blocks import Part
from nllcli.numerics.pictured.loss_bins import LossBins
from nllcli.records import dataclass

if TYPE_CHECKING:
    from nllcli.numerics.exact import ExactSums
    from nllcli.numerics.pictured.claim_sums import ClaimSums
    from nllcli.numerics.pictured.confusions import Confusions
    from nllcli.numerics.pictured.curve import Curve
    from nllcli.numerics.pictured.hardest import Hardest
    from nllcli.numerics.pictured.positions import Positions
    from nllcli.numerics.pictured.sequences import Sequences

# Ten a decade, near enough to each other for a curve through the losses at them.
TEMPERATURES = (0.25, 0.32, 0.4, 0.5, 0.63, 0.8, 1.0, 1.3, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.3, 8.0)
# Logits, up to which the loss is computed at these unasked.
MOST_TEMPERED = 50_000_000


def usual_temperatures(n: int | None, n_classes: int) -> tuple[float, ...]:
    """The ``TEMPERATURES``, or none where ``n`` samples take too long; ``n`` is None where it is unknown."""
    return TEMPERATURES if n is None or n * n_classes <= MOST_TEMPERED else ()


@dataclass(frozen=True)
class PicturesWanted:
    """What is to be collected for pictures, besides what always is.

    The loss is added up at each of the ``temperatures``, and so many of the ``hardest`` samples are kept, with the
    probabilities of all classes where there are at most ``probs_up_to`` of these. Where samples are the tokens of
    sequences that are all of one ``length``, one after another, so many ``sequences`` are kept, with the losses of
    their first ``n_shown`` tokens.
    """

    temperatures: tuple[float, ...] = ()
    hardest: int = 10
    probs_up_to: int = 20
    length: int | None = None
    sequences: int = 3
    n_shown: int = 512


@dataclass(frozen=True)
class Collected(Part):
    """What pictures of a loss are made of; all but ``losses`` is None where it does not apply.

    ``claims`` and ``confusions`` are of samples whose target is one class, where the classes have probabilities;
    ``class_squares`` are the sums of the squares of losses without weights, by class, where the tally has sums by
    class. ``hardest`` are the samples that lose the most, by number, and ``curve`` is there where it is asked for;
    ``positions`` and ``sequences`` are where samples are tokens of sequences.
    """

    losses: LossBins = LossBins()
    claims: ClaimSums | None = None
    confusions: Confusions | None = None
    class_squares: ExactSums | None = None
    hardest: Hardest | None = None
    curve: Curve | None = None
    positions: Positions | None = None
    sequences: Sequences | None = None

    def shifted(self, by: int) -> Collected:
        """The same of samples whose numbers are so much higher."""
        return replace(
            self,
            hardest=None if self.hardest is None else self.hardest.shifted(by),
            sequences=None if self.sequences is None else self.sequences.shifted(by),
        )

    def is_of(self, wanted: PicturesWanted) -> bool:
        """Whether it is what is ``wanted``, as far as that applies."""
        curves = self.curve is None or self.curve.temperatures == wanted.temperatures
        hardest = self.hardest is None or self.hardest.most == wanted.hardest
        sequences = self.sequences is None or self.sequences.most == wanted.sequences
        sequences &= (self.positions is None) == (wanted.length is None)
        return curves and hardest and sequences and not (self.curve is None and wanted.temperatures)

    @property
    def named_samples(self) -> tuple[int, ...]:
        """The samples that are shown by name."""
        return () if self.hardest is None else self.hardest.numbers
