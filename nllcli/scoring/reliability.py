"""The diagram of what probabilities claim and what is the case, which several commands show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.drawing import Axis, Bar, Bars, Dot, Dots, Line, Panel, Words
from nllcli.numerics.wilson import wilson
from nllcli.report import Column, Fact, Gauge, Picture, Strong, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.drawing import Mark
    from nllcli.numerics.calibration.bins import Bin
    from nllcli.report import Sentence

_FEW = 10  # samples of a bin that say little
_LEAST_GAP = 0.0005  # below this, shares are written alike


def reliability(
    bins: Sequence[Bin],
    *,
    confidence: float,
    accuracy: float,
    ece: float,
    ece_chance: float | None,
    binning: str,
    weighted: bool,
    key: str = "reliability",
    question: str = "Does it mean the probabilities it gives?",
) -> Picture:
    """Bins of answers by the probability they have, beside the share of each that is right.

    ``confidence`` and ``accuracy`` are the means over all, ``ece`` the expected calibration error of the bins, which
    are cut by a ``binning``, and ``ece_chance`` what it is on average if each probability is right. The intervals of
    the shares, of samples that are not ``weighted``, are Wilson's.
    """
    present = [each for each in bins if each.accuracy is not None]
    return Picture(
        key,
        question,
        _answer(confidence, accuracy, ece, ece_chance, binning),
        _table(present, weighted=weighted),
        _panels(present, weighted=weighted),
        brief=_brief(present),
        reading="" if weighted else f"The line through a dot: 95 % interval (Wilson); hollow: under {_FEW} samples.",
        more=(Fact("confidence", confidence), Fact("accuracy", accuracy)),
    )


def _answer(confidence: float, accuracy: float, ece: float, ece_chance: float | None, binning: str) -> Sentence:
    gap = confidence - accuracy
    verdict: Sentence = (Strong((": as certain as it is right",)),)
    if abs(gap) >= _LEAST_GAP:
        which = "too certain" if gap > 0 else "too modest"
        verdict = ": ", Strong((f"{which} by ", Fact("points", round(100 * abs(gap), 1), unit="points")))
    chance: Sentence = ()
    if ece_chance is not None:
        chance = "; if every probability were right, chance alone would make ", Fact("ece_chance", ece_chance)
    return (
        "On average it is ",
        Fact("confidence", confidence, "share"),
        " certain, and right in ",
        Fact("accuracy", accuracy, "share"),
        *verdict,
        ". Expected calibration error ",
        Fact("ece", ece),
        f" ({binning})",
        *chance,
        ".",
    )


def _interval(each: Bin, *, weighted: bool) -> tuple[float | None, float | None]:
    assert each.accuracy is not None
    return (None, None) if weighted else wilson(round(each.accuracy * each.count), each.count)


def _table(bins: Sequence[Bin], *, weighted: bool) -> Table:
    columns = (
        Column("low", "from"),
        Column("high", "to"),
        Column("count", "samples", "count"),
        Column("confidence", "certain", "share"),
        Column("accuracy", "right", "share"),
        Column("ci_low", "95 % from", "share"),
        Column("ci_high", "95 % to", "share"),
        Column("gap", "gap"),
        Column("chance", "chance"),
    )
    rows = [
        (
            *(each.low, each.high, each.count, each.confidence, each.accuracy),
            *_interval(each, weighted=weighted),
            *(each.gap, each.chance),
        )
        for each in bins
    ]
    return Table("reliability", "", columns, rows)


def _brief(bins: Sequence[Bin]) -> Table:
    legend = "bar: right; │ certain on average; ░ where chance puts 19 of 20 bins; * beyond"
    columns = (
        Column("low", "certain from"),
        Column("high", "to"),
        Column("count", "samples", "count"),
        Column("confidence", "certain", "share"),
        Column("accuracy", "right", "share"),
        Column("picture", "", "gauge", legend=legend),
    )
    rows = [(each.low, each.high, each.count, each.confidence, each.accuracy, gauge_of(each)) for each in bins]
    return Table("reliability", "", columns, rows)


def gauge_of(found: Bin) -> Gauge | None:
    """The accuracy of a bin beside its mean confidence; None where it holds nothing."""
    if found.accuracy is None or found.confidence is None or found.chance is None:
        return None
    return Gauge(found.accuracy, found.confidence, found.chance)


def _panels(bins: Sequence[Bin], *, weighted: bool) -> tuple[Panel, ...]:
    most = max((each.count for each in bins), default=1)
    dots = tuple(_dot(each, weighted=weighted) for each in bins)
    bars = Bars("samples", tuple(Bar(each.low, each.high, each.count, _samples(each.count)) for each in bins))
    marks: tuple[Mark, ...] = (
        Line("plain", ((0.0, 0.0), (1.0, 1.0)), dashed=True),
        Words(0.25, 0.9, "dashed: as right as it is certain"),
        Dots("samples", dots),
    )
    certain = "largest probability: how certain it is"
    return (
        Panel(Axis(0.0, 1.0, kind="share"), Axis(0.0, 1.0, "right", kind="share"), marks),
        Panel(Axis(0.0, 1.0, certain, kind="share"), Axis(0.5, most, "samples", "log", "count"), (bars,), height=0.35),
    )


def _dot(each: Bin, *, weighted: bool) -> Dot:
    assert each.confidence is not None
    assert each.accuracy is not None
    low, high = _interval(each, weighted=weighted)
    told = f"{_samples(each.count)}, {100 * each.confidence:.1f} % certain: {100 * each.accuracy:.1f} % right"
    return Dot(each.confidence, each.accuracy, low, high, hollow=each.count < _FEW, title=told)


def _samples(n: int) -> str:
    return f"{n:,} sample{'' if n == 1 else 's'}"
