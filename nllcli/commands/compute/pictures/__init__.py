"""What shows where a loss comes from: questions, each answered by a sentence, a drawing and a table of its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.errors import Remedy, UsageError
from nllcli.numerics.pictured import TEMPERATURES, PicturesWanted, usual_temperatures
from nllcli.numerics.wilson import QUANTILE_95
from nllcli.records import dataclass
from nllcli.registry import Registry
from nllcli.report import Strip

if TYPE_CHECKING:
    from collections.abc import Collection

    from nllcli.commands.compute.result import LossResult
    from nllcli.report import Picture
    from nllcli.scoring.settled import Settled

# In the order in which they are shown. Each makes a picture of a result, or nothing where it has no answer.
PICTURES = Registry(
    "picture",
    {
        "softmax": "nllcli.commands.compute.pictures.softmax:picture",
        "curve": "nllcli.commands.compute.pictures.curve:picture",
        "surprises": "nllcli.commands.compute.pictures.surprises:picture",
        "positions": "nllcli.commands.compute.pictures.positions:picture",
        "losses": "nllcli.commands.compute.pictures.losses:picture",
        "lorenz": "nllcli.commands.compute.pictures.lorenz:picture",
        "risk": "nllcli.commands.compute.pictures.risk:picture",
        "classes": "nllcli.commands.compute.pictures.classes:picture",
        "confusions": "nllcli.commands.compute.pictures.confusions:picture",
        "reliability": "nllcli.commands.compute.pictures.reliability:picture",
        "claimed": "nllcli.commands.compute.pictures.claimed:picture",
        "temperature": "nllcli.commands.compute.pictures.temperature:picture",
        "hardest": "nllcli.commands.compute.pictures.hardest:picture",
    },
)


@dataclass(frozen=True)
class PictureChoice:
    """Which pictures are asked for: those of these ``names``, or all; with how many of the ``hardest`` samples.

    A ``curve`` of None says that the loss at other temperatures is wanted where that takes little time.
    """

    names: tuple[str, ...] = ()
    hardest: int = 10
    curve: bool | None = None

    def wanted(self, settled: Settled) -> PicturesWanted:
        """What a pass is to collect."""
        n, n_classes = settled.dataset.layout.n_samples, settled.dataset.n_classes
        temperatures = TEMPERATURES if self.curve else usual_temperatures(n, n_classes)
        is_shown = not self.names or "temperature" in self.names
        if self.curve is False or not is_shown or not settled.has_classes:
            temperatures = ()
        lengths = {layout.sequence_length for layout in settled.dataset.layouts}
        length = lengths.pop() if len(lengths) == 1 else None
        return PicturesWanted(temperatures, self.hardest, length=length)


def pictures_of(result: LossResult, only: Collection[str] = ()) -> tuple[Picture, ...]:
    """The pictures of a result for which a pass has collected the sums, or ``only`` some of them.

    Raises UsageError for one that is asked for by name and has nothing to show here.
    """
    is_collected = result.tally.sums.pictures is not None
    found = []
    for key in PICTURES:
        is_wanted = is_collected and (not only or key in only)
        picture = PICTURES.load(key)(result) if is_wanted else None
        if picture is not None:
            found.append(picture)
        elif key in only:
            raise UsageError(f"there is no picture {key!r} of these samples", remedies=[Remedy({"only": None}, "all")])
    return tuple(found)


def strip_of(result: LossResult) -> Strip | None:
    """The loss on a line from 0 to what guessing loses, with its 95 % interval; none where that is not known."""
    loss, chance = result.loss, result.uniform_loss
    if result.reduction != "mean" or not chance or not 0.0 <= loss < float("inf"):
        return None
    times, guessing = loss / chance, f"{chance:.4f}: guessing"
    says = f"{100 * times:.1f} % of what guessing loses"
    if times > 1.0:  # which then lies on the line, not at its end
        says, guessing = f"{times:,.4g} times what guessing loses, {chance:.4f}", "as it is"
    error = QUANTILE_95 * result.standard_error if result.n_counted > 1 else None
    return Strip(
        value=loss,
        low=0.0,
        high=max(chance, loss),
        low_label="0: every class foreseen",
        high_label=guessing,
        says=says,
        interval=None if error is None else (max(0.0, loss - error), loss + error),
    )
