"""A report as Markdown, for an issue, a pull request or a notebook."""

import re
from collections.abc import Iterable, Iterator, Sequence

from nllcli.outputs.formats import printable
from nllcli.outputs.numbers import metric_texts, metric_unit, working_text, writer
from nllcli.outputs.sentences import emphasised
from nllcli.report import Calculation, Metric, Picture, Report, Section, Step, Table, runs, shown_signature

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&#])")


def render(report: Report) -> Iterator[str]:
    """Return ``report`` as Markdown with pipe tables."""
    yield f"## {_escape(report.title)}\n"
    shown = [metric for metric in report.metrics if not metric.hidden]
    if shown:
        yield f"\n{_metrics(shown)}\n"
    for table in report.tables:
        yield from () if table.hidden else _table(table)
    for picture in report.pictures:
        yield from _picture(picture)
    for section in report.sections:
        yield from _section(section)
    if report.warnings:
        warnings = "\n".join(f"- {_escape(notice.message)}" for notice in report.warnings)
        yield f"\n### Warnings\n\n{warnings}\n"
    yield f"\n{_code(shown_signature(report.signature))}\n"


def _metrics(metrics: Sequence[Metric]) -> str:
    rows = []
    for metric, text in zip(metrics, metric_texts(metrics), strict=True):
        value = _escape(f"{text} {metric_unit(metric)}".strip())
        if metric.headline and value:
            value = f"**{value}**"
        rows.append([_escape(metric.label), value, _escape(metric.note)])
    header, ruler = ["metric", "value", "note"], ["---", "---:", "---"]
    n_columns = 3 if any(row[2] for row in rows) else 2
    return _pipes(row[:n_columns] for row in (header, ruler, *rows))


def _section(section: Section) -> Iterator[str]:
    if section.title:
        yield f"\n### {_escape(section.title)}\n"
    for part in section.parts:
        level = "####" if section.title else "###"
        yield from _table(part, level) if isinstance(part, Table) else _calculation(part)
    if section.note:
        yield f"\n{_escape(section.note)}\n"


def _picture(picture: Picture) -> Iterator[str]:
    yield f"\n### {_escape(picture.question)}\n"
    yield f"\n{''.join(_emphasised(*piece) for piece in emphasised(picture.answer))}\n"
    yield from _table(picture.brief or picture.table, "####")


def _emphasised(text: str, strong: bool) -> str:
    return f"**{_escape(text)}**" if strong else _escape(text)


def _table(table: Table, level: str = "###") -> Iterator[str]:
    table = table.of_text
    kept = [i for i, column in enumerate(table.columns) if column.kind != "gauge"]  # drawn for letters of one width
    columns = [table.columns[i] for i in kept]
    header = [_escape(f"{c.label} ({c.unit})" if c.unit else c.label) for c in columns]
    ruler = ["---" if column.kind in ("text", "bar") else "---:" for column in columns]
    if table.title:
        yield f"\n{level} {_escape(table.title)}\n"
    yield f"\n{_pipes([header, ruler])}\n"
    writers = [(i, writer(table.columns[i].kind, table.cells(i))) for i in kept]
    for run in runs(len(table.rows)):
        cells = table.cells_of(run)
        texts = [map(_escape, write(cells[i])) for i, write in writers]
        yield f"{_pipes(zip(*texts, strict=True))}\n"
    if table.note:
        yield f"\n{_escape(table.note)}\n"


def _calculation(calculation: Calculation) -> Iterator[str]:
    if calculation.title:
        yield f"\n#### {_escape(calculation.title)}\n"
    steps = "\n".join(f"- {_escape(step.label)}: {_working(step)}" for step in calculation.steps)
    yield f"\n{steps}\n"


def _working(step: Step) -> str:
    return _code(working_text(step)) if step.verbatim else _escape(working_text(step))


def _pipes(rows: Iterable[Iterable[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", printable(text))


def _code(text: str) -> str:
    # A code span with a backtick inside needs a longer fence, and spaces so that the fence ends where it should.
    return f"`` {printable(text)} ``" if "`" in text else f"`{printable(text)}`"
