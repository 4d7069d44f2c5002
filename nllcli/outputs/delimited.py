"""A report as CSV or TSV: one table of values in full, written a run of rows at a time."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from nllcli.errors import UsageError
from nllcli.report import Report, Table, Value, runs, shortest_of


def render_csv(report: Report) -> Iterator[str]:
    """Return the listing of ``report``, its one table, or else its metrics, separated by commas."""
    return _lines(*_content(report, "csv"), ",")


def render_tsv(report: Report) -> Iterator[str]:
    """Return the listing of ``report``, its one table, or else its metrics, separated by tabs."""
    return _lines(*_content(report, "tsv"), "\t")


def _lines(header: Sequence[str], runs: Iterable[Sequence[Sequence[Value]]], delimiter: str) -> Iterator[str]:
    yield quoted(header, delimiter)
    for cells in runs:
        texts = [_texts(column, delimiter, alone=len(cells) == 1) for column in cells]
        yield "".join(f"{line}\n" for line in map(delimiter.join, zip(*texts, strict=True)))


def quoted(texts: Sequence[str], delimiter: str = ",") -> str:
    """A line of texts, those in quotes that need them."""
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="\n").writerow(texts)
    return line.getvalue()


def _texts(cells: Sequence[Value], delimiter: str, *, alone: bool) -> list[str]:
    """The cells of a column, in quotes where they need them, which numbers never do: csv takes 0.2 us for each."""
    texts = shortest_of(cells)
    if {*map(type, cells)} <= {float, int}:
        return texts
    beside = [] if alone else [""]  # an empty cell that is alone in its row is in quotes
    written = {
        text: quoted([text, *beside], delimiter).removesuffix(f"{delimiter if beside else ''}\n") for text in {*texts}
    }
    return [written[text] for text in texts]


def _content(report: Report, name: str) -> tuple[Sequence[str], Iterable[Sequence[Sequence[Value]]]]:
    """The header, and the cells column by column, those of some rows at a time."""
    tables = report.tables if report.listing is None else (report.listing,)
    if not tables:
        metrics = [metric for metric in report.metrics if not metric.page_only]
        return ("metric", "value"), [([metric.key for metric in metrics], [metric.value for metric in metrics])]
    if len(tables) > 1:
        keys = ", ".join(table.key for table in tables)
        raise UsageError(
            f"{name} holds one table, and this report has {len(tables)}: {keys}",
            hint="ask for one of them, or for the json format, which holds them all",
        )
    table = tables[0]
    kept = [i for i, column in enumerate(table.columns) if column.kind != "objects"]
    return [table.columns[i].key for i in kept], _runs(table, kept)


def _runs(table: Table, kept: Sequence[int]) -> Iterator[Sequence[Sequence[Value]]]:
    for run in runs(len(table.rows)):
        cells = table.cells_of(run)
        yield [cells[i] for i in kept]
