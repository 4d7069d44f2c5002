"""A report as Markdown, for an issue, a pull request or a notebook."""

import re
from collections.abc import Sequence

from nllcli.outputs.formats import printable
from nllcli.outputs.numbers import metric_text, metric_unit, texts, working_text
from nllcli.report import Calculation, Metric, Report, Section, Step, Table, shown_signature

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&#])")


def render(report: Report) -> str:
    """Return ``report`` as Markdown with pipe tables."""
    parts = [f"## {_escape(report.title)}"]
    shown = [metric for metric in report.metrics if not metric.hidden]
    if shown:
        parts.append(_metrics(shown))
    for table in report.tables:
        parts += [] if table.hidden else _table(table)
    for section in report.sections:
        parts += _section(section)
    if report.warnings:
        parts += ["### Warnings", "\n".join(f"- {_escape(notice.message)}" for notice in report.warnings)]
    parts.append(_code(shown_signature(report.signature)))
    return "\n\n".join(parts) + "\n"


def _metrics(metrics: Sequence[Metric]) -> str:
    rows = []
    for metric in metrics:
        value = _escape(f"{metric_text(metric)} {metric_unit(metric)}".strip())
        if metric.headline and value:
            value = f"**{value}**"
        rows.append([_escape(metric.label), value, _escape(metric.note)])
    header, ruler = ["metric", "value", "note"], ["---", "---:", "---"]
    n_columns = 3 if any(row[2] for row in rows) else 2
    return _pipes([row[:n_columns] for row in (header, ruler, *rows)])


def _section(section: Section) -> list[str]:
    parts = [f"### {_escape(section.title)}"] if section.title else []
    for part in section.parts:
        parts += _table(part, "####") if isinstance(part, Table) else _calculation(part)
    return [*parts, _escape(section.note)] if section.note else parts


def _table(table: Table, level: str = "###") -> list[str]:
    header = [_escape(f"{c.label} ({c.unit})" if c.unit else c.label) for c in table.columns]
    ruler = ["---" if column.kind in ("text", "bar") else "---:" for column in table.columns]
    cells = [texts(column.kind, table.cells(i)[:]) for i, column in enumerate(table.columns)]
    rows = [[_escape(cell) for cell in row] for row in zip(*cells, strict=True)]
    note = [_escape(table.note)] if table.note else []
    title = [f"{level} {_escape(table.title)}"] if table.title else []
    return [*title, _pipes([header, ruler, *rows]), *note]


def _calculation(calculation: Calculation) -> list[str]:
    steps = [f"- {_escape(step.label)}: {_working(step)}" for step in calculation.steps]
    title = [f"#### {_escape(calculation.title)}"] if calculation.title else []
    return [*title, "\n".join(steps)]


def _working(step: Step) -> str:
    return _code(working_text(step)) if step.verbatim else _escape(working_text(step))


def _pipes(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", printable(text))


def _code(text: str) -> str:
    # A code span with a backtick inside needs a longer fence, and spaces so that the fence ends where it should.
    return f"`` {printable(text)} ``" if "`" in text else f"`{printable(text)}`"
