import re
from dataclasses import replace

import pytest
from rendered import table as render
from rich.cells import cell_len

from nllcli.report import Column, Metric, Report, Table

WIDE = """\
Cross-entropy of logits.csv

  loss  0.3623 nats  mean of 3 samples

  perplexity          1.4366
  accuracy           66.7 %    2 of 3
  samples         1,201
  standard error      –

Per class
  class  samples  mean loss  accuracy
                       nats
  ───────────────────────────────────
  cat          1     0.4170   100.0 %
  dog      1,200     0.2519    25.0 %
  horse        0     –          –

  A class without samples has no mean.

Per sample
  sample  target      loss        p
                      nats
  ─────────────────────────────────
       0  cat       0.4170  0.6590
       1  dog      40.0100  4.2e-18
       2  horse   inf       0.0000

  signature  nll|loss:nll|reduction:mean
"""
NARROW = """\
Cross-entropy of
logits.csv

  loss  0.3623 nats
    mean of 3 samples

  perplexity          1.4366
  accuracy           66.7 %
    2 of 3
  samples         1,201
  standard error      –
"""
LONG_NAME = "a label that somebody thought about for long"
WIDTHS = (None, 10, 20, 40, 60, 80, 120)


def plain(text):
    return re.sub("\x1b\\[[0-9;]*m", "", text)


def table_of(*cells, kind="text", label="name", unit=""):
    columns = (Column("a", label, kind, unit), Column("n", "samples", "count"))
    return Table("t", "Table", columns, [[cell, 1] for cell in cells])


def report_of(*tables, **keywords):
    return Report(**{"command": "c", "title": "T", "signature": "s", "tables": tables, **keywords})


@pytest.mark.parametrize("width", [None, 80, 120])
def test_whole_page(report, width):
    assert render(report, width=width) == WIDE


def test_narrow_page_puts_notes_underneath(report):
    assert render(replace(report, tables=(), signature=""), width=26) == NARROW


@pytest.mark.parametrize("width", WIDTHS)
def test_colour_changes_nothing_but_colour(report, width):
    coloured = render(report, width=width, colour=True)
    assert "\x1b[1;36m0.3623" in coloured
    assert plain(coloured) == render(report, width=width)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_digit_of_a_metric_is_cut_at_any_width(report, width):
    text = render(report, width=width)
    for number in ("0.3623 nats", "1.4366", "66.7 %", "1,201"):
        assert number in text


@pytest.mark.parametrize("width", [None, 40, 60, 80, 120])
def test_no_digit_of_a_table_is_cut_at_usual_widths(report, width):
    text = render(report, width=width)
    for number in ("0.4170", "40.0100", "4.2e-18", "100.0 %"):
        assert number in text
    assert "…" not in text


def test_names_are_cropped_so_that_a_row_takes_one_line():
    assert "\n  a label that somebody though…        1\n" in render(report_of(table_of(LONG_NAME)), width=40)
    assert f"\n  {LONG_NAME}        1\n" in render(report_of(table_of(LONG_NAME)), width=60)


def test_in_a_pipe_nothing_folds():
    assert f"  {LONG_NAME}        1\n" in render(report_of(table_of(LONG_NAME)))


def test_labels_fold_at_words():
    table = table_of(0.25, kind="number", label="probability of the target", unit="nats")
    assert render(report_of(table), width=22) == (
        "T\n\nTable\n  probability  samples\n       of the\n       target\n         nats\n"
        "  ────────────────────\n         0.25        1\n\n  signature  s\n"
    )


def test_wide_characters_keep_the_columns_straight():
    lines = render(report_of(table_of("猫", "cat"))).splitlines()
    assert lines[-4:-2] == ["  猫          1", "  cat         1"]


def test_names_that_are_numbers_stand_to_the_right():
    assert "     9        1\n    10        1\n" in render(report_of(table_of(9, 10)))


def test_what_comes_from_outside_is_shown_not_obeyed():
    evil = "[bold]x[/y]\n\t\x1b[31m"
    shown = "[bold]x[/y]\\n\\t\\x1b[31m"
    metric = Metric("k", evil, evil, evil, note=evil)
    text = render(report_of(replace(table_of(evil, label=evil), title=evil, note=evil), metrics=(metric,), title=evil))
    assert text.count(shown) == 9
    assert "\x1b" not in text


def test_ascii():
    text = render(report_of(table_of(0.5, None, kind="number"), title="2 × 3 – a"), unicode=False)
    assert text.isascii()
    assert text.startswith("2 x 3 - a\n")
    assert "  -------------\n" in text


def test_words_among_the_metrics_do_not_disturb_the_numbers():
    metrics = (Metric("a", "scheme", "balanced"), Metric("b", "loss", 0.5), Metric("c", "samples", 1234))
    assert render(report_of(metrics=metrics)) == (
        "T\n\n  scheme   balanced\n  loss         0.5\n  samples  1,234\n\n  signature  s\n"
    )


def test_several_headlines_share_the_top():
    metrics = (Metric("b", "x", 0.5), Metric("a", "loss", 0.25, "nats", headline=True))
    assert render(report_of(metrics=metrics)) == "T\n\n  loss  0.25 nats\n\n  x  0.5\n\n  signature  s\n"


def test_a_table_without_a_title_follows_the_title_of_the_report(report):
    bare = replace(report, metrics=(), tables=(replace(report.tables[0], title=""),))
    lines = render(bare).splitlines()
    assert lines[1] == ""
    assert lines[2].lstrip().startswith("class")


def test_a_table_without_labels_begins_with_an_empty_line():
    table = Table("t", "", (Column("a", "", "text"),), [["cat"]])
    assert render(report_of(table)) == "T\n\n\n  ───\n  cat\n\n  signature  s\n"


@pytest.mark.uncounted
@pytest.mark.parametrize("n", [0, 1, 9000])
def test_a_pipe_gets_all_rows_in_columns_of_one_width(n):
    """Numbers point under point, though they are written a run of rows at a time."""
    numbers = [0.5 * 10 ** (i % 5) if i % 7 else None for i in range(n)]
    names = ["猫" * (i % 3) + "x" for i in range(n)]
    shares = [i / max(1, n) for i in range(n)]
    columns = [(Column("n", "n", "count"), range(n)), (Column("x", "x", unit="nats"), numbers)]
    columns += [(Column("name", "name", "text"), names), (Column("bar", "share", "bar"), shares)]
    text = render(report_of(Table.of("t", "", [*columns, (Column("end", "end", "count"), [1] * n)])))
    lines = text.split("\n\n")[1].splitlines()[3:]
    assert len(lines) == n
    assert len({line.index(".") for line in lines if "." in line}) <= 1
    assert len({cell_len(line) for line in lines}) <= 1
    for i, line in enumerate(lines):
        found = line.split()
        assert found[0] == f"{i:,}"
        assert found[1] == ("–" if numbers[i] is None else f"{numbers[i]:,.1f}")
        assert found[2] == names[i]
        assert line.endswith(" 1")
