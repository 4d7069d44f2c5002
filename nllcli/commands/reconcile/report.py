"""The result of nll reconcile -> its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.commands.reconcile.python_lines import NOTE
from nllcli.errors import setting
from nllcli.numerics.kernels.chosen import kernel_name
from nllcli.report import Calculation, Column, Metric, Report, Section, Step, Table, Value, shortest

if TYPE_CHECKING:
    from collections.abc import Callable

    from nllcli.commands.reconcile.expectation import Expectation
    from nllcli.commands.reconcile.reconcile import Fit, Match, Reconciled
    from nllcli.commands.reconcile.reproduce import Reproduction

_MOST_ALSO = 4
_UNLIKELY = 0.05
_NO_COMMAND = "no option of nll compute"
_COLUMNS = (
    Column("value", "value"),
    Column("difference", "difference"),
    Column("deviations", "departures", "count"),
    Column("description", "convention", "text"),
    Column("also", "the same number", "text"),
    Column("command", "command", "text"),
    Column("formula", "formula", "text"),
    Column("python", "Python", "text"),
)


def report(result: Reconciled, command_of: Callable[[Reproduction], str], *, limit: int) -> Report:
    """All matches for programs, the best ``limit`` for people; ``command_of`` words what computes one, if anything."""
    found = [(match, command_of(match.reproduction)) for match in result.matches]
    next_best = None
    if result.next_best is not None:
        next_best = _row(result.next_best, command_of(result.next_best.reproduction))
        del next_best["also"]
    rows = tuple(tuple(_row(match, command).values()) for match, command in found)
    commands = [_with_formula(match, command) for match, command in found[:limit]]
    return Report(
        "reconcile",
        f"Which convention makes {result.name} give {result.expected.text}?",
        result.signature,
        kernel=kernel_name(),
        metrics=_metrics(result),
        tables=(Table("matches", "Matches", _COLUMNS, rows, hidden=True),),
        warnings=result.warnings,
        notes=result.notes,
        quiet=[command for command in commands if command],
        extra={"next_best": next_best, "solved": [_fit(fit, command_of) for fit in result.fits], "tries": result.tries},
        sections=(*_sections(result, commands), *_solved(result, command_of), *_more(result)),
    )


def _with_formula(match: Match, command: str) -> str:
    formula = match.reproduction.formula
    return f"{command}  # then {formula}, x being its loss" if command and formula else command


def _row(match: Match, command: str) -> dict[str, Value]:
    """A match in full, for programs: a value for each column."""
    return {
        "value": match.value,
        "difference": match.difference,
        "deviations": len(match.departures),
        "description": match.description,
        "also": " | ".join(match.also),
        "command": command or None,
        "formula": match.reproduction.formula or None,
        "python": match.python or None,
    }


def _fit(fit: Fit, command_of: Callable[[Reproduction], str]) -> dict[str, Value]:
    """An unknown that was solved for, for programs."""
    row = _row(fit.match, command_of(fit.match.reproduction))
    number = row["value"]
    del row["also"], row["deviations"], row["value"]
    return {"unknown": fit.unknown, "value": fit.value, "chance": fit.chance, "number": number, **row}


def _metrics(result: Reconciled) -> tuple[Metric, ...]:
    expected, own, best = result.expected, result.own_value, result.next_best
    nearest = ""
    if best is not None:
        which = "next best" if result.matches else "nearest"
        nearest = f"the {which} is {expected.shown(best.value)}: {best.description}"
    unlisted = "matches that add a departure to one that is listed"
    tried = f"your settings with one or two departures; {result.n_distinct:,} different numbers"
    window = f"share of the numbers within 10 % of {expected.text} that some convention matches"
    return (
        Metric("n_matching", "matching", len(result.matches), note=nearest, headline=True),
        Metric("n_unlisted", "not listed", result.n_unlisted, note=unlisted, hidden=not result.n_unlisted),
        Metric("expected", "expected", expected.value, hidden=True),
        Metric("tolerance", "tolerance", expected.tolerance, note=expected.why),
        Metric("own_value", "your settings", own, note="not finite" if own is None else _off(own, expected)),
        Metric("n_tried", "tried", result.n_tried, note=tried),
        Metric("n_distinct", "different numbers", result.n_distinct, hidden=True),
        Metric("chance", "by chance", result.chance, "share", window),
    )


def _off(value: float, expected: Expectation) -> str:
    """A number with the digits in which it differs from the expected one."""
    difference = value - expected.value
    if expected.matches(value):
        return f"{expected.shown(value)}, within the tolerance"
    return f"{expected.shown(value)}, {'+' if difference > 0 else ''}{expected.shown(difference)} off"


def _sections(result: Reconciled, commands: list[str]) -> tuple[Section, ...]:
    """The best matches, each with its command if it has one."""
    if not result.matches:
        return ()
    shown = result.matches[: len(commands)]
    parts = [
        _calculation(i, match, command, result.expected)
        for i, (match, command) in enumerate(zip(shown, commands, strict=True), 1)
    ]
    n, left = len(result.matches), len(result.matches) - len(shown)
    more = f"{left} more: {setting('limit', n)} shows all. " if left else ""
    note = NOTE if any(match.python for match in result.matches) else ""
    return (Section("What gives this number", tuple(parts), more + note),)


def _solved(result: Reconciled, command_of: Callable[[Reproduction], str]) -> tuple[Section, ...]:
    """What an unknown would have to be, the likeliest first; those that only an odd value fits in one line."""
    fits = sorted(result.fits, key=lambda fit: fit.chance)
    if not fits:
        return ()
    note = "Solved for, and not among the matches: any number fits some value of each."
    odd = [f"{fit.unknown} {shortest(fit.value)}" for fit in fits if fit.chance >= _UNLIKELY]
    if odd:
        which = "The others" if len(odd) < len(fits) else "They"
        note += f" {which} fit only at odd values: {', '.join(odd)}."
    if len(odd) < len(fits) and not any(match.python for match in result.matches):
        note += f" {NOTE}"
    parts = (_unknown(fit, command_of(fit.match.reproduction)) for fit in fits if fit.chance < _UNLIKELY)
    return (Section("Unknowns that would give this number", tuple(parts), note),)


def _more(result: Reconciled) -> tuple[Section, ...]:
    """What can be done where nothing gives the number."""
    if result.matches:
        return ()
    suspects = f"{setting('try', 'label-smoothing=0.15')}, {setting('batch_size', 48)}"
    return (Section("What to do", (), f"What you suspect is tried with everything: {suspects}; nll help reconciling."),)


def _unknown(fit: Fit, command: str) -> Calculation:
    steps = [
        Step("chance", (f"a value this round fits in {100 * fit.chance:.2g} % of cases",)),
        Step("nll", (_with_formula(fit.match, command) or _NO_COMMAND,), verbatim=command != ""),
    ]
    if fit.match.python:
        steps.append(Step("Python", (fit.match.python,), verbatim=True))
    return Calculation(_heading(fit.match.description), tuple(steps))


def _calculation(i: int, match: Match, command: str, expected: Expectation) -> Calculation:
    steps = [Step("value", (expected.shown(match.value),))]
    if match.also:
        others = match.also[:_MOST_ALSO]
        left = len(match.also) - len(others)
        steps.append(Step("the same here", (" | ".join([*others, *([f"{left} more"] if left else [])]),)))
    steps.append(Step("nll", (command or match.reproduction.formula or _NO_COMMAND,), verbatim=command != ""))
    if match.python:
        steps.append(Step("Python", (match.python,), verbatim=True))
    return Calculation(f"{i}. {_heading(match.description)}", tuple(steps))


def _heading(text: str) -> str:
    return text if text.startswith(("p ", "-")) else text[0].upper() + text[1:]
