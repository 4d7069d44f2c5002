"""On which classes two models differ, and what each class makes of the difference."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from nllcli.commands.compare.pictures.wording import key_of
from nllcli.drawing import Axis, Dot, Dots, Line, Panel
from nllcli.numerics.exact import exact_count
from nllcli.report import Column, Columns, Fact, Name, Picture, Strong, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.commands.compare.result import Comparison
    from nllcli.drawing import Mark, Tone
    from nllcli.report import Sentence

_MOST = 20
_ROWS = 11  # that stand one below the other in a drawing of usual height


class _Class(NamedTuple):
    """A class that has samples: their mean losses, without weights, and what it adds to the mean difference of all."""

    name: str
    n: int
    baseline: float
    model: float
    difference: float
    error: float | None
    adds: float


def picture(result: Comparison) -> Picture | None:
    """Two dots a class, the class that adds most to the difference first."""
    found = _classes(result) if len(result.comparisons) == 1 else []
    if len(found) < 2:
        return None
    shown = found[:_MOST]
    drawn = [each for each in shown if math.isfinite(each.baseline) and math.isfinite(each.model)]
    few = "" if len(shown) == len(found) else f"The {_MOST} of {len(found):,} classes that add most to the difference. "
    alike = "Every sample counts alike here, without its weight." if result.is_weighted else ""
    return Picture(
        "classes",
        "On which classes do they differ?",
        _answer(result, found),
        _table(result, shown),
        (_panel(drawn),) if drawn else (),
        key_of=key_of(result),
        reading=f"{few}{alike}".strip(),
    )


def _classes(result: Comparison) -> list[_Class]:
    """The classes by the size of what they add, where the pass has sums of them."""
    sums, every = result.compared.sums.pairs[0].classes, result.comparisons[0].per_class
    if sums is None or every is None:
        return []
    n, found = exact_count(int(sums.n.sum())), []
    for c, each in enumerate(every):
        if each.baseline_loss is None or each.model_loss is None or each.loss_difference is None:
            continue
        losses = (each.baseline_loss, each.model_loss, each.loss_difference)
        found.append(_Class(each.name, each.count, *losses, each.standard_error, sums.differences[c].divided_by(n)))
    return sorted(found, key=lambda each: -abs(each.adds) if math.isfinite(each.adds) else -math.inf)


def _answer(result: Comparison, found: Sequence[_Class]) -> Sentence:
    pair, first = result.comparisons[0], found[0]
    n_lower, n_higher = (sum(way * each.difference < 0 for each in found) for way in (1, -1))
    if not (n_lower or n_higher):
        return (f"On none of {len(found):,}: the means are the same.",)
    return (
        Name(pair.model),
        " loses less on ",
        Fact("n_lower", n_lower, "count"),
        f" of {len(found):,} classes, more on ",
        Fact("n_higher", n_higher, "count"),
        ". ",
        *_most(result, first),
    )


def _most(result: Comparison, first: _Class) -> Sentence:
    """What the class that adds most does to the difference."""
    pair = result.comparisons[0]
    if not math.isfinite(first.adds):
        infinite = [
            name for name, loss in ((pair.baseline, first.baseline), (pair.model, first.model)) if loss == math.inf
        ]
        which: Sentence = ("both lose",) if len(infinite) > 1 else (*map(Name, infinite), " loses")
        return "On class ", Name(first.name), ", ", *which, " infinitely much."
    return (
        "Class ",
        Name(first.name),
        " adds most to the mean difference, ",
        Fact("adds", first.adds, unit="nats"),
        ": ",
        Strong((Fact("model_loss", first.model, unit="nats"),)),
        " instead of ",
        Fact("baseline_loss", first.baseline),
        ".",
    )


def _panel(shown: Sequence[_Class]) -> Panel:
    rows = list(zip(range(len(shown), 0, -1), shown, strict=True))
    far = max(max(each.baseline, each.model) for each in shown)
    joined: list[Mark] = [
        Line("second" if each.difference < 0 else "first", ((each.baseline, y), (each.model, y))) for y, each in rows
    ]
    tones: tuple[Tone, Tone] = ("first", "second")
    dots = [
        Dots(tone, tuple(Dot((each.baseline, each.model)[i], y, title=_told(each)) for y, each in rows))
        for i, tone in enumerate(tones)
    ]
    near = min(min(each.baseline, each.model) for each in shown)
    low = near - (far - near) / 10 if near > far / 2 else min(0.0, near)
    x = Axis(low, far if far > low else low + 1.0, "mean loss of the class, nats")
    y_axis = Axis(0.0, len(shown) + 0.5, "class", ticks=tuple((float(y), each.name) for y, each in rows)[::-1])
    return Panel(x, y_axis, (*joined, *dots), height=max(0.5, len(shown) / _ROWS))


def _told(each: _Class) -> str:
    return f"{each.name}: {each.baseline:.4g} and {each.model:.4g} nats, {each.n:,} samples"


def _table(result: Comparison, found: Sequence[_Class]) -> Table:
    pair = result.comparisons[0]
    columns: Columns = [
        (Column("class", "class", "text"), [each.name for each in found]),
        (Column("count", "samples", "count"), [each.n for each in found]),
        (Column("baseline_loss", pair.baseline, "number", "nats"), [each.baseline for each in found]),
        (Column("model_loss", pair.model, "number", "nats"), [each.model for each in found]),
        (Column("loss_difference", "difference", "number", "nats"), [each.difference for each in found]),
        (Column("standard_error", "standard error", "number", "nats"), [each.error for each in found]),
        (Column("adds", "adds to the difference", "number", "nats"), [each.adds for each in found]),
    ]
    return Table.of("classes", "", columns)
