"""Worked calculations, bars, optional columns and hidden tables, in every format."""

import json

import pytest
from rendered import table as render

from nllcli.outputs.formats import FORMATS
from nllcli.outputs.numbers import working_text
from nllcli.outputs.pictures import bar
from nllcli.report import Calculation, Column, Report, Section, Step, Table

SHARES = Table(
    "shares",
    "Shares",
    (
        Column("name", "name", "text"),
        Column("logit", "logit", optional=True),
        Column("p", "p", "probability"),
        Column("bar", "", "bar", optional=True),
    ),
    [["cat", 5.0, 0.75, 0.75], ["dog", 4.0, 0.25, 0.25], ["sum", "", 1.0, ""]],
)
STEPS = Calculation(
    "Loss",
    (
        Step("sum", (1.0, " + ", 0.36788, " + ", 0.0497871, " = ", 1.4176671), aligned=True),
        Step("loss", ("0.1 × ", 0.0349), aligned=False),
    ),
)
RECORDS = Table("records", "", (Column("n", "n", "count"), Column("parts", "parts", "objects")), [[1, [{"a": 0.5}]]])
REPORT = Report("c", "T", "s", sections=(Section("Row 0", (SHARES, STEPS), "All is rounded."),))

WIDE = """\
T

Row 0

Shares
  name  logit       p
  ─────────────────────────────────────────────
  cat       5  0.7500  ██████████████████
  dog       4  0.2500  ██████
  sum          1.0000

Loss
  sum   1 + 0.3679 + 0.0498 = 1.4177
  loss  0.1 × 0.0349

All is rounded.

  signature  s
"""
NARROW = """\
T

Row 0

Shares
  name       p
  ────────────
  cat   0.7500
  dog   0.2500
  sum   1.0000

Loss
  sum
    1 + 0.3679 +
    0.0498 =
    1.4177
  loss
    0.1 × 0.0349

All is rounded.

  signature  s
"""
MARKDOWN = """\
## T

### Row 0

#### Shares

| name | logit | p |  |
| --- | ---: | ---: | --- |
| cat | 5 | 0.7500 | ███████▌ |
| dog | 4 | 0.2500 | ██▌ |
| sum |  | 1.0000 |  |

#### Loss

- sum: 1 + 0.3679 + 0.0498 = 1.4177
- loss: 0.1 × 0.0349

All is rounded.

`s`
"""


@pytest.mark.parametrize("width", [None, 50, 80, 120])
def test_wide(width):
    assert render(REPORT, width=width) == WIDE


def test_narrow_drops_the_last_optional_column_first_and_puts_workings_underneath():
    assert render(REPORT, width=18) == NARROW
    assert "logit" in render(REPORT, width=22)
    assert "█" not in render(REPORT, width=22)
    assert "█" in render(REPORT, width=30)


def test_markdown():
    assert "".join(FORMATS.load("markdown")(REPORT)) == MARKDOWN


def test_ascii():
    text = render(REPORT, unicode=False)
    assert text.isascii()
    assert "  cat       5  0.7500  ##################\n" in text
    assert "0.1 x 0.0349" in text


def test_sections_are_for_people():
    assert list(json.loads("".join(FORMATS.load("json")(REPORT)))) == [
        "schema_version",
        "command",
        "version",
        "signature",
        "warnings",
    ]


def test_hidden_tables_are_for_programs_and_objects_for_json():
    report = Report("c", "T", "s", tables=(Table(**{**vars(RECORDS), "hidden": True}),))
    assert json.loads("".join(FORMATS.load("json")(report)))["records"] == [{"n": 1, "parts": [{"a": 0.5}]}]
    assert "".join(FORMATS.load("csv")(report)) == "n\n1\n"
    assert render(report) == "T\n\n  signature  s\n"
    assert "".join(FORMATS.load("markdown")(report)) == "## T\n\n`s`\n"


def test_what_comes_from_outside_is_shown_not_obeyed():
    evil = "[bold]x[/y]\n\x1b[31m"
    section = Section(evil, (Calculation(evil, (Step(evil, (evil,)),)),), evil)
    text = render(Report("c", "T", "s", sections=(section,)))
    assert text.count("[bold]x[/y]\\n\\x1b[31m") == 5
    assert "\x1b" not in text


def test_a_command_stays_in_one_piece():
    section = Section("", (Calculation("", (Step("run", ("nll compute a.npy b.npy",), verbatim=True),)),))
    report = Report("c", "T", "s", sections=(section,))
    assert render(report, width=40) == "T\n\n  run  nll compute a.npy b.npy\n\n  signature  s\n"
    assert render(report, width=20) == "T\n\n  run\n    nll compute a.npy b.npy\n\n  signature  s\n"
    assert "- run: `nll compute a.npy b.npy`\n" in "".join(FORMATS.load("markdown")(report))


@pytest.mark.parametrize(
    ("share", "width", "drawn"),
    [
        (0.0, 8, ""),
        (1.0, 8, "████████"),
        (0.5, 8, "████"),
        (1 / 64, 8, "▏"),
        (0.3, 8, "██▍"),
        (1 / 200, 8, ""),
        (2.0, 8, "████████"),
        (-1.0, 8, ""),
        (float("nan"), 8, ""),
    ],
)
def test_bars(share, width, drawn):
    assert bar(share, width) == drawn


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (5.0, "5"),
        (-0.0, "0"),
        (12345.0, "12,345"),
        (0.5, "0.5"),
        (1.41766, "1.4177"),
        (0.0497871, "0.04979"),
        (6.331e-08, "6.331e-08"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        ("as it is", "as it is"),
    ],
)
def test_numbers_of_a_step(part, shown):
    assert working_text(Step("", (part,))) == shown
