"""What a pass found worth saying: the findings of its samples, and the places of the first of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from nllcli.data.settings import TOKENS
from nllcli.errors import Notice, setting
from nllcli.inputs.bytes.files import natural
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nllcli.data.dataset import Dataset
    from nllcli.numerics.tally import Rows, Tally
    from nllcli.scoring.settled import Settled

N_PLACES = 5


class Place(NamedTuple):
    """A sample: its file, its number there, counted from 0 in file order, and its place in the words of the file."""

    file: str
    sample: int
    text: str


@dataclass(frozen=True)
class Found:
    """How many samples show something, the largest value seen, and the places of the first of them.

    The first are those of the first files, by the numbers in their names: so they are in whatever order parts add up.
    """

    n: int = 0
    worst: float = 0.0
    places: tuple[Place, ...] = ()

    def __add__(self, other: Found) -> Found:
        places = sorted(self.places + other.places, key=_in_order)
        return Found(self.n + other.n, max(self.worst, other.worst), tuple(places[:N_PLACES]))


def _in_order(place: Place) -> tuple[Any, ...]:
    return natural(place.file), place.file, place.sample


def found_at(rows: Rows, dataset: Dataset, first: int = 0) -> Found:
    """A finding by its places in the dataset's file of logits, whose samples are numbered from ``first``."""
    samples = [sample - first for sample in rows.first]
    return Found(rows.n, rows.worst, tuple(Place(dataset.logits.name, i, dataset.place(i)) for i in samples))


def all_found(tally: Tally, dataset: Dataset, first: int = 0) -> dict[str, Found]:
    """The findings of a tally by their places, by code."""
    return {code: found_at(rows, dataset, first) for code, rows in tally.findings.items()}


def all_notices(tally: Tally, settled: Settled, *, clips: bool = True) -> tuple[Notice, ...]:
    """What the settings make worth saying, and what the samples themselves made suspicious.

    ``clips`` says whether the command can clip.
    """
    options = settled.options
    empty = why_empty(tally, source=options.source, ignore_index=options.ignore_index, shift=settled.shift)
    places, tempered = all_found(tally, settled.dataset), options.temperature != 1.0
    found = warnings_of(places, tally.n_samples, clips=clips, tempered=tempered)
    return (*settled.notices, *empty, *found, *clipped(options.clip))


def all_notes(tally: Tally, dataset: Dataset) -> tuple[Notice, ...]:
    """What is worth knowing about the inputs, and about the samples in them."""
    return (*dataset.notes, *notes_of(all_found(tally, dataset), tally.n_samples))


def why_empty(tally: Tally, *, source: str, ignore_index: int, shift: int) -> tuple[Notice, ...]:
    """Why there is no mean, where there is none."""
    if not tally.n_samples:
        return (Notice("no-samples", "there are no samples: the mean is NaN, the sum 0"),)
    if not tally.n_counted and source == TOKENS:
        return (Notice("nothing-counted", "no token has a log-probability: the mean is NaN"),)
    if not tally.n_counted:
        every = f"every target that {setting('shift', shift)} reaches" if shift else "every target"
        return (Notice("nothing-counted", f"{every} is {ignore_index}, the ignored index: the mean is NaN"),)
    if tally.weight_sum.units == 0:
        message = "the weights of the counted samples add up to 0: the mean is not defined"
        return (Notice("zero-weight-sum", message),)
    return ()


def warnings_of(
    findings: Mapping[str, Found], total: int, *, several: bool = False, clips: bool = True, tempered: bool = False
) -> tuple[Notice, ...]:
    """The suspicious findings among ``total`` samples; their places name the file where there are ``several``."""
    codes = [code for code in FINDINGS if code in findings and code not in _NOTES]
    how = {"several": several, "clips": clips, "tempered": tempered}
    return tuple(Notice(code, told(code, findings[code], total, **how)) for code in codes)


def notes_of(findings: Mapping[str, Found], total: int, *, several: bool = False) -> tuple[Notice, ...]:
    """The findings that are worth knowing, but not a warning."""
    codes = [code for code in _NOTES if code in findings]
    return tuple(Notice(code, told(code, findings[code], total, several=several)) for code in codes)


def clipped(clip: float | None) -> tuple[Notice, ...]:
    """The ceiling that clipping puts on a loss."""
    if clip is None:
        return ()
    highest = f"no surprisal exceeds {-math.log(clip):.4f} nats"
    return (Notice("clipped", f"p is clipped to [{clip:g}, 1 - {clip:g}]: {highest}"),)


def told(
    code: str, found: Found, total: int, *, several: bool = False, clips: bool = True, tempered: bool = False
) -> str:
    """A finding in words, with the places of its first samples; ``tempered`` says that p has a temperature."""
    places = ", ".join(f"{place.file}, {place.text}" if several else place.text for place in found.places)
    places += ", ..." if found.n > len(found.places) else ""
    remedy = f"; {setting('clip', 'auto')} makes it finite" if code == "infinite-loss" and clips else ""
    used = "which the temperature normalises" if tempered else "used as they are"
    return FINDINGS[code].format(n=found.n, total=total, worst=found.worst, places=places, used=used) + remedy


# In the order in which they are told, whatever the order of the samples.
FINDINGS = {
    "nonfinite-logits": "NaN, +inf or only -inf in {n} of {total} samples, which count as NaN: {places}",
    "probs-rounded": "p is a rounding above 1 in {n} of {total} samples, and taken as 1: {places}",
    "infinite-loss": "the loss is infinite for {n} of {total} samples, where it takes the log of a probability of 0: "
    "{places}",
    "negative-sample-weights": "negative sample weights in {n} of {total} samples: {places}",
    "above-zero": "log-probabilities above 0, by up to {worst:.3g}, are taken as rounded, in {n} of {total} samples: "
    "{places}",
    "not-normalised": "probabilities that do not sum to 1 (off by up to {worst:.3g}), {used}, "
    "in {n} of {total} samples: {places}",
    "soft-targets-not-normalised": "soft targets that do not sum to 1 (off by up to {worst:.3g}), used as they are, "
    "in {n} of {total} samples: {places}",
}

# Findings that are worth knowing, but not a warning.
_NOTES = ("probs-rounded",)
