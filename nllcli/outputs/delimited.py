"""A report as CSV or TSV: one table of values in full."""

import csv
import io
from collections.abc import Iterable, Sequence

from nllcli.errors import UsageError
from nllcli.report import Report, Value, shortest


def render_csv(report: Report) -> str:
    """Return the one table of ``report``, or else its metrics, separated by commas."""
    return _render(report, "csv", ",")


def render_tsv(report: Report) -> str:
    """Return the one table of ``report``, or else its metrics, separated by tabs."""
    return _render(report, "tsv", "\t")


def _render(report: Report, name: str, delimiter: str) -> str:
    header, rows = _content(report, name)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([shortest(value) for value in row] for row in rows)
    return text.getvalue()


def _content(report: Report, name: str) -> tuple[Sequence[str], Iterable[Sequence[Value]]]:
    if not report.tables:
        return ("metric", "value"), [(metric.key, metric.value) for metric in report.metrics]
    if len(report.tables) > 1:
        keys = ", ".join(table.key for table in report.tables)
        raise UsageError(
            f"{name} holds one table, and this report has {len(report.tables)}: {keys}",
            hint="ask for one of them, or for the json format, which holds them all",
        )
    table = report.tables[0]
    kept = [i for i, column in enumerate(table.columns) if column.kind != "objects"]
    return [table.columns[i].key for i in kept], ([row[i] for i in kept] for row in table.rows)
