"""The conventions that were tried and their numbers -> the report of nll reconcile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nllcli.commands.reconcile.python_lines import NOTE, Tensors, python_line
from nllcli.commands.reconcile.reproduce import Reproduction, reproduction
from nllcli.errors import Notice
from nllcli.report import Calculation, Column, Metric, Report, Section, Step, Table, Value
from nllcli.scoring.signature import signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.commands.reconcile.conventions import Convention
    from nllcli.commands.reconcile.departures import Candidate
    from nllcli.commands.reconcile.expectation import Expectation
    from nllcli.commands.reconcile.values import Values, WeightTable
    from nllcli.data.settings import ScoreRequest
    from nllcli.scoring.settled import Settled

# Sums of other orders: two conventions whose numbers are this close (relative) are the same on this data.
_SAME = 1e-11
_LIKELY = 0.05
_MOST_ALSO = 4


@dataclass(frozen=True)
class Search:
    """What was asked, and every convention that was tried with its (finite) number.

    ``ignoring`` says that some targets are no class and are ignored by every convention.
    """

    request: ScoreRequest
    settled: Settled
    expected: Expectation
    tried: Sequence[tuple[Candidate, float]]
    values: Values
    weights: WeightTable
    warnings: tuple[Notice, ...]
    ignoring: bool
    limit: int
    classes: str | None


@dataclass(frozen=True)
class Match:
    """One number near enough, its simplest convention, and other conventions that give the same number here."""

    candidate: Candidate
    value: float
    also: tuple[Candidate, ...]


@dataclass(frozen=True)
class Ways:
    """How a match is computed by others."""

    reproduction: Reproduction
    python: str

    @property
    def command(self) -> str:
        made = self.reproduction
        if made.command is None:
            return ""
        return f"{made.command}  # then {made.formula}, x being its loss" if made.formula else made.command


def reconcile_report(search: Search) -> tuple[Report, bool]:
    """The report, and whether anything matches."""
    expected = search.expected
    near = [(c, v) for c, v in search.tried if expected.matches(v)]
    matches = _matches(near, expected)
    ways = [_ways(search, match.candidate.convention) for match in matches]
    numbers = _distinct([v for _, v in search.tried])
    chance = expected.coverage(numbers)
    others = _others(search.tried, [match.value for match in matches], expected)
    next_best = min(others, key=lambda cv: abs(cv[1] - expected.value), default=None)
    n_unlisted = len({expected.shown(v) for v in _distinct([v for _, v in others if expected.matches(v)])})
    report = Report(
        "reconcile",
        f"Which convention makes {search.settled.dataset.logits.name} give {expected.text}?",
        signature(search.settled),
        metrics=_metrics(search, matches, n_unlisted, len(numbers), chance, next_best),
        tables=(_table(matches, ways, expected),),
        warnings=(*search.warnings, *_warnings(matches, n_unlisted, chance, expected)),
        notes=search.settled.dataset.notes,
        quiet=[way.command for way in ways[: search.limit] if way.command],
        extra={"next_best": _next_best(search, next_best)},
        sections=_section(search, matches, ways),
    )
    return report, bool(matches)


def _matches(near: Sequence[tuple[Candidate, float]], expected: Expectation) -> list[Match]:
    """The simplest conventions that match, best first; those of one number together.

    A convention that only adds departures to one that matches already explains nothing more.
    """
    simplest: list[tuple[Candidate, float]] = []
    for candidate, value in sorted(near, key=lambda cv: len(cv[0].departures)):
        departures = set(candidate.departures)
        if not any(set(kept.departures) <= departures for kept, _ in simplest):
            simplest.append((candidate, value))
    groups: list[tuple[float, list[Candidate]]] = []
    for candidate, value in simplest:
        for known, members in groups:
            if _is_same(value, known):
                members.append(candidate)
                break
        else:
            groups.append((value, [candidate]))
    matches = [Match(members[0], value, tuple(members[1:])) for value, members in groups]
    return sorted(matches, key=lambda m: (len(m.candidate.departures), abs(m.value - expected.value)))


def _others(
    tried: Sequence[tuple[Candidate, float]], listed: Sequence[float], expected: Expectation
) -> list[tuple[Candidate, float]]:
    """What gives another number than those listed: neither the same but for rounding, nor shown alike."""
    shown = {expected.shown(value) for value in listed}
    return [
        (c, v) for c, v in tried if expected.shown(v) not in shown and not any(_is_same(v, value) for value in listed)
    ]


def _is_same(a: float, b: float) -> bool:
    return abs(a - b) <= _SAME * max(abs(a), abs(b))


def _distinct(values: Sequence[float]) -> list[float]:
    """The numbers in order, those that are the same but for rounding once."""
    out: list[float] = []
    for value in sorted(values):
        if not out or not _is_same(value, out[-1]):
            out.append(value)
    return out


def _ways(search: Search, convention: Convention) -> Ways:
    layout = search.settled.dataset.layout
    weights = search.weights.of(convention)
    binary = search.request.loss.binary
    n_classes = search.settled.dataset.n_classes
    named = convention.weighting.name not in ("none", "given")
    made = reproduction(
        convention,
        search.request,
        by_name=len(layout.shape) == 2 and search.settled.dataset.class_names is not None,
        divisor=0.0 if convention.batch else search.values.divisor(convention),
        classes=search.classes,
        empty_classes=named and search.weights.empty_classes(convention),
        class_axis=layout.class_axis if len(layout.shape) > 2 else search.request.inputs.class_axis,
    )
    tensors = Tensors(
        n_classes,
        layout.class_axis,
        len(layout.shape),
        binary,
        search.ignoring or 0 <= convention.ignore_index < n_classes,
    )
    return Ways(made, python_line(convention, tensors, None if weights is None else weights.tolist()))


def _metrics(
    search: Search,
    matches: Sequence[Match],
    n_unlisted: int,
    n_distinct: int,
    chance: float,
    next_best: tuple[Candidate, float] | None,
) -> tuple[Metric, ...]:
    expected = search.expected
    own = next((value for candidate, value in search.tried if not candidate.departures), None)
    nearest = ""
    if next_best is not None:
        candidate, value = next_best
        nearest = f"the {'next best' if matches else 'nearest'} is {expected.shown(value)}: {candidate.text}"
    tried = f"your settings with one or two departures; {n_distinct:,} different numbers"
    window = f"share of the numbers within 10 % of {expected.text} that some convention matches"
    return (
        Metric("n_matching", "matching", len(matches), note=nearest, headline=True),
        Metric(
            "n_unlisted",
            "not listed",
            n_unlisted,
            note="numbers of what is listed with a further departure, matching too",
            hidden=not n_unlisted,
        ),
        Metric("expected", "expected", expected.value, hidden=True),
        Metric("tolerance", "tolerance", expected.tolerance, note=expected.why),
        Metric("own_value", "your settings", own, note="not finite" if own is None else _off(own, expected)),
        Metric("n_tried", "tried", len(search.tried), note=tried),
        Metric("n_distinct", "different numbers", n_distinct, hidden=True),
        Metric("chance", "by chance", chance, "share", window),
    )


def _off(value: float, expected: Expectation) -> str:
    """A number with the digits that tell it from the expected one."""
    difference = value - expected.value
    if expected.matches(value):
        return f"{expected.shown(value)}, within the tolerance"
    return f"{expected.shown(value)}, {'+' if difference > 0 else ''}{expected.shown(difference)} off"


def _table(matches: Sequence[Match], ways: Sequence[Ways], expected: Expectation) -> Table:
    """Every match in full, for programs."""
    columns = (
        Column("value", "value"),
        Column("difference", "difference"),
        Column("deviations", "departures", "count"),
        Column("description", "convention", "text"),
        Column("also", "the same number", "text"),
        Column("command", "command", "text"),
        Column("formula", "formula", "text"),
        Column("python", "Python", "text"),
    )
    rows: list[list[Value]] = [
        [
            match.value,
            match.value - expected.value,
            len(match.candidate.departures),
            match.candidate.text,
            " | ".join(candidate.text for candidate in match.also),
            way.reproduction.command,
            way.reproduction.formula or None,
            way.python or None,
        ]
        for match, way in zip(matches, ways, strict=True)
    ]
    return Table("matches", "Matches", columns, rows, hidden=True)


def _section(search: Search, matches: Sequence[Match], ways: Sequence[Ways]) -> tuple[Section, ...]:
    """The best matches for people, each with what to type."""
    if not matches:
        return ()
    shown = list(zip(matches, ways, strict=True))[: search.limit]
    parts = [_calculation(i, match, way, search.expected) for i, (match, way) in enumerate(shown, 1)]
    left = len(matches) - len(shown)
    more = f"{left} more: --limit {len(matches)} shows all. " if left else ""
    return (Section("What gives this number", tuple(parts), more + (NOTE if any(way.python for way in ways) else "")),)


def _calculation(i: int, match: Match, way: Ways, expected: Expectation) -> Calculation:
    text = match.candidate.text
    steps = [Step("value", (_off(match.value, expected).removesuffix(", within the tolerance"),))]
    if match.also:
        others = [candidate.text for candidate in match.also[:_MOST_ALSO]]
        left = len(match.also) - len(others)
        steps.append(Step("the same here", (" | ".join([*others, *([f"{left} more"] if left else [])]),)))
    beyond = f"no option of nll compute: {way.reproduction.formula}"
    steps.append(Step("nll", (way.command or beyond,), verbatim=way.command != ""))
    if way.python:
        steps.append(Step("Python", (way.python,), verbatim=True))
    heading = text if text.startswith(("p ", "-")) else text[0].upper() + text[1:]
    return Calculation(f"{i}. {heading}", tuple(steps))


def _next_best(search: Search, next_best: tuple[Candidate, float] | None) -> dict[str, Any] | None:
    if next_best is None:
        return None
    candidate, value = next_best
    way = _ways(search, candidate.convention)
    return {
        "value": value,
        "difference": value - search.expected.value,
        "deviations": len(candidate.departures),
        "description": candidate.text,
        "command": way.reproduction.command,
        "formula": way.reproduction.formula or None,
        "python": way.python or None,
    }


def _warnings(matches: Sequence[Match], n_unlisted: int, chance: float, expected: Expectation) -> list[Notice]:
    found = []
    if len(matches) > 1 or (n_unlisted and chance >= _LIKELY):
        unlisted = f", {n_unlisted} of them not listed" if n_unlisted else ""
        found.append(
            Notice(
                "several-match",
                f"{len(matches) + n_unlisted} different numbers match {expected.text}{unlisted}: "
                "more of its digits would tell them apart",
            )
        )
    alike = sum(1 for match in matches if match.also)
    if alike:
        found.append(
            Notice(
                "conventions-coincide",
                f"{alike} of the matches {'is' if alike == 1 else 'are'} given by several conventions, "
                "which this data cannot tell apart",
            )
        )
    if chance >= _LIKELY and matches and matches[0].candidate.departures:
        found.append(
            Notice(
                "likely-by-chance",
                f"to this tolerance {100 * chance:.0f} % of all numbers near {expected.text} match some convention: "
                "a match says little",
            )
        )
    return found
