import csv
import io
from dataclasses import replace

import pytest

from nllcli.errors import UsageError
from nllcli.outputs import delimited
from nllcli.report import Column, Table


def render_csv(report):
    return "".join(delimited.render_csv(report))


def render_tsv(report):
    return "".join(delimited.render_tsv(report))


def test_metrics_where_there_is_no_table(report):
    assert render_csv(replace(report, tables=())) == (
        "metric,value\nloss_name,nll\nloss,0.36231287\nperplexity,1.4366481\n"
        "accuracy,0.6666666666666666\nn_samples,1201\nstandard_error,\n"
    )


def test_one_table_in_full(report):
    assert render_csv(replace(report, tables=report.tables[1:])) == (
        "sample,target,loss,p\n0,cat,0.41703002,0.659\n1,dog,40.01,4.2e-18\n2,horse,inf,0\n"
    )


def test_tabs(report):
    text = render_tsv(replace(report, tables=report.tables[:1]))
    assert text.splitlines()[2] == "dog\t1200\t0.2519\t0.25"


def test_a_table_without_rows_keeps_its_header(report):
    assert render_csv(replace(report, tables=(replace(report.tables[1], rows=[]),))) == "sample,target,loss,p\n"


@pytest.mark.parametrize(("render", "delimiter"), [(render_csv, ","), (render_tsv, "\t")])
def test_names_survive(report, render, delimiter):
    name = 'a,b\t"c"\nd'
    table = replace(report.tables[1], rows=[[0, name, 0.5, 0.25]])
    rows = list(csv.reader(io.StringIO(render(replace(report, tables=(table,)))), delimiter=delimiter))
    assert rows[1] == ["0", name, "0.5", "0.25"]


def test_several_tables_are_refused_by_name(report):
    with pytest.raises(UsageError, match="csv holds one table, and this report has 2: per_class, samples") as caught:
        render_csv(report)
    assert "ask for one of them" in caught.value.hint


def test_long_tables_are_written_a_run_of_rows_at_a_time(report):
    """Names need quotes here and there; an empty cell alone in its row has some, too."""
    names = [("a,b", "", '"', "x\ny", None, "plain")[i % 6] for i in range(10_000)]
    table = Table.of("t", "", [(Column("name", "", "text"), names), (Column("n", ""), range(10_000))])
    pieces = list(delimited.render_csv(replace(report, tables=(table,))))
    assert max(map(len, pieces)) < 100_000
    rows = list(csv.reader(io.StringIO("".join(pieces))))
    assert rows == [["name", "n"], *([name or "", str(i)] for i, name in enumerate(names))]
    alone = replace(table, columns=table.columns[:1], rows=[[name] for name in names])
    assert list(csv.reader(io.StringIO(render_csv(replace(report, tables=(alone,)))))) == [[row[0]] for row in rows]
