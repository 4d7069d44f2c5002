"""How far each of several models is from the one that it is compared with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nllcli.drawing import Axis, Dot, Dots, Line, Panel, Rule
from nllcli.report import Column, Columns, Fact, Name, Picture, Strong, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.commands.compare.result import Comparison, PairResult
    from nllcli.drawing import Mark, Tone
    from nllcli.report import Sentence

_MOST = 30
_ROWS = 11  # that stand one below the other in a drawing of usual height
_OTHERS = {"higher": "a higher one", "undecided": "undecided", "same": "the same", "within-margin": "within the margin"}
_TONES: dict[str, Tone] = {"lower": "second", "higher": "first"}
_NAMES: dict[Tone, str] = {"second": "lower", "first": "higher", "plain": "not decided"}


def picture(result: Comparison) -> Picture | None:
    """A dot a comparison with its interval, all on one axis; the lowest difference first."""
    pairs = result.comparisons
    if len(pairs) < 2:
        return None
    pairs = tuple(sorted(pairs, key=lambda pair: (math.isnan(pair.loss_difference), pair.loss_difference)))
    drawn = [pair for pair in pairs if math.isfinite(pair.loss_difference)][:_MOST]
    level = f"{100 * result.confidence:g} %"
    return Picture(
        "models",
        "Which of them is better?",
        _answer(result, pairs),
        _table(pairs),
        (_panel(result, drawn),) if drawn else (),
        key_of=tuple((tone, _NAMES[tone]) for tone in _NAMES if tone in set(map(_tone, drawn))),
        reading=f"The line through a dot: {level} interval, each by itself. Left of 0 the model named first is better.",
        wide=True,
    )


def _is_with_one(result: Comparison) -> bool:
    """Whether all are compared with the baseline, not with each other."""
    return all(pair.baseline == result.baseline for pair in result.comparisons)


def _answer(result: Comparison, pairs: Sequence[PairResult]) -> Sentence:
    first = pairs[0]
    counts = _of_baseline(result, pairs) if _is_with_one(result) else _of_pairs(pairs)
    if not math.isfinite(first.loss_difference):
        return counts
    least = Fact("least", first.loss_difference, unit="nats")
    return *counts, " The lowest is that of ", Name(first.model), ": ", least, " from ", Name(first.baseline), "."


def _of_baseline(result: Comparison, pairs: Sequence[PairResult]) -> Sentence:
    """How many models are what against the one."""
    n_lower = _n(pairs, "lower")
    has = " has" if n_lower == 1 else " have"
    counts: Sentence = (
        Strong((Fact("n_lower", n_lower, "count"), f" of {len(pairs)} models{has} a lower loss")),
        " than ",
    )
    counts = *counts, Name(result.baseline)
    for verdict, told in _OTHERS.items():
        n = _n(pairs, verdict)
        if n:
            counts = *counts, ", ", Fact(f"n_{verdict.replace('-', '_')}", n, "count"), f" {told}"
    return *counts, "."


def _of_pairs(pairs: Sequence[PairResult]) -> Sentence:
    n = _n(pairs, "lower") + _n(pairs, "higher")
    is_more = " is" if n == 1 else " are"
    return Strong(
        (Fact("n_decided", n, "count"), f" of {len(pairs)} differences")
    ), f"{is_more} more than chance makes."


def _n(pairs: Sequence[PairResult], verdict: str) -> int:
    return sum(pair.verdict == verdict for pair in pairs)


def _panel(result: Comparison, pairs: Sequence[PairResult]) -> Panel:
    is_with_one = _is_with_one(result)
    rows = list(zip(range(len(pairs), 0, -1), pairs, strict=True))
    marks: list[Mark] = [Rule(0.0, "0")]
    ends = [0.0]
    for y, pair in rows:
        tone = _tone(pair)
        low, high = pair.ci_low, pair.ci_high
        if low is not None and high is not None:
            marks.append(Line(tone, ((low, y), (high, y))))
            ends += [low, high]
        marks.append(Dots(tone, (Dot(pair.loss_difference, y, title=_told(pair)),)))
        ends.append(pair.loss_difference)
    names = tuple((float(y), pair.model if is_with_one else f"{pair.model} − {pair.baseline}") for y, pair in rows)
    room = 0.05 * (max(ends) - min(ends)) or 1.0
    of = f"loss less that of {result.baseline}" if is_with_one else "difference of the losses"
    x = Axis(min(ends) - room, max(ends) + room, f"{of}, nats")
    y_axis = Axis(0.0, len(pairs) + 0.5, ticks=names[::-1])
    return Panel(x, y_axis, tuple(marks), height=max(0.5, len(pairs) / _ROWS))


def _tone(pair: PairResult) -> Tone:
    return _TONES.get(pair.verdict, "plain")


def _told(pair: PairResult) -> str:
    between = "" if pair.ci_low is None else f" ({pair.ci_low:.4g} to {pair.ci_high:.4g})"
    return f"{pair.model} minus {pair.baseline}: {pair.loss_difference:.4g} nats{between}, {pair.verdict}"


def _table(pairs: Sequence[PairResult]) -> Table:
    columns: Columns = [
        (Column("model", "model", "text"), [pair.model for pair in pairs]),
        (Column("baseline", "less that of", "text"), [pair.baseline for pair in pairs]),
        (Column("loss_difference", "difference", "number", "nats"), [pair.loss_difference for pair in pairs]),
        (Column("ci_low", "from", "number", "nats"), [pair.ci_low for pair in pairs]),
        (Column("ci_high", "to", "number", "nats"), [pair.ci_high for pair in pairs]),
        (Column("verdict", "verdict", "text"), [pair.verdict for pair in pairs]),
    ]
    return Table.of("models", "", columns)
