"""How much more a sample of a rare class counts, scheme by scheme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.drawing import Axis, Dot, Dots, Line, Panel
from nllcli.report import Column, Columns, Fact, Picture, Strong, Table

if TYPE_CHECKING:
    from nllcli.commands.weights import ClassWeights
    from nllcli.drawing import Tone
    from nllcli.report import Sentence

_TONES: tuple[Tone, ...] = ("loss", "samples", "first", "second")
# Weights that differ by rounding alone are one line.
_DIGITS = 9

# Relative weights by the number of samples of a class, the commonest first.
Curve = tuple[tuple[int, float], ...]


def picture(found: ClassWeights) -> Picture | None:
    """A line a scheme, of weights relative to the commonest class; schemes that agree are one line."""
    lines = _lines(found)
    if not lines:
        return None
    commonest, rarest = max(found.counts), min(n for n in found.counts if n)
    ends = {name: curve[-1][1] for name, curve in lines.items()}
    counts = sorted({n for n in found.counts if n}, reverse=True)
    ticks = tuple((float(n), f"{n:,}") for n in counts)
    x = Axis(float(commonest), float(rarest), "samples of the class", "log", "count", ticks=ticks)
    y = Axis(
        min(weight for curve in lines.values() for _, weight in curve),
        max(weight for curve in lines.values() for _, weight in curve),
        "weight, times that of the commonest class",
        "log",
    )
    marks = [
        mark
        for i, (name, curve) in enumerate(lines.items())
        for mark in _drawn(name, curve, _TONES[i % len(_TONES)], dashed=bool(i % 2))
    ]
    return Picture(
        "weights",
        "How much more does a rare sample count?",
        _answer(ends, commonest, rarest),
        _table(found, lines),
        (Panel(x, y, tuple(marks)),),
        wide=True,
    )


def _drawn(name: str, curve: Curve, tone: Tone, *, dashed: bool) -> tuple[Line, Dots]:
    """The line of a scheme, with a dot for each number of samples that a class has."""
    dots = Dots(tone, tuple(Dot(n, weight, title=f"{name}: {weight:.4g} times") for n, weight in curve))
    return Line(tone, curve, dashed=dashed, label=name), dots


def _lines(found: ClassWeights) -> dict[str, Curve]:
    """The lines by the names of the schemes that agree, the steepest first; none where all classes are as common."""
    by_curve: dict[Curve, list[str]] = {}
    curves: dict[Curve, Curve] = {}
    for name, weights in found.by_scheme.items():
        by_count = {n: weight for n, weight in zip(found.counts, weights, strict=True) if n}
        largest = max(by_count)
        if len(by_count) < 2 or not all(weight > 0 for weight in by_count.values()):
            continue
        curve = tuple((n, by_count[n] / by_count[largest]) for n in sorted(by_count, reverse=True))
        rounded = tuple((n, float(f"{weight:.{_DIGITS}g}")) for n, weight in curve)
        by_curve.setdefault(rounded, []).append(name)
        curves.setdefault(rounded, curve)
    steepest = sorted(by_curve, key=lambda curve: -curve[-1][1])
    return {", ".join(by_curve[each]): curves[each] for each in steepest}


def _answer(ends: dict[str, float], commonest: int, rarest: int) -> Sentence:
    (first, most), *others = ends.items()
    answer: Sentence = (
        "A sample of the rarest class (",
        Fact("n_rarest", rarest, "count"),
        ") weighs ",
        Strong((Fact("times", most, "round"), " times")),
        " one of the commonest (",
        Fact("n_commonest", commonest, "count"),
        f") under {first}",
    )
    if others:
        last, least = others[-1]
        answer = (*answer, ", ", Fact("times_least", least, "round"), f" times under {last}")
    return (*answer, ".")


def _table(found: ClassWeights, lines: dict[str, Curve]) -> Table:
    counts = sorted({n for n in found.counts if n}, reverse=True)
    columns: Columns = [(Column("count", "samples of the class", "count"), counts)]
    for name, curve in lines.items():
        columns.append((Column(name.replace("-", "_"), name), [weight for _, weight in curve]))
    return Table.of("weights", "", columns)
