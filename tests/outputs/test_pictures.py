"""Gauges, columns of several kinds of numbers, and listings, in every format."""

import pytest
from rendered import markdown
from rendered import table as render

from nllcli.outputs.formats import FORMATS
from nllcli.outputs.pictures import gauge
from nllcli.report import Column, Gauge, Metric, Quantity, Report, Section, Table

GAUGES = Table(
    "bins",
    "Bins",
    (Column("count", "count", "count"), Column("picture", "", "gauge", legend="bar: right; │ claimed")),
    [(2, Gauge(1.0, 0.5, 0.75)), (40, Gauge(0.25, 0.75, 0.125)), (1, None)],
    note="few",
)
MIXED = Table(
    "measures",
    "",
    (Column("measure", "", "text"), Column("a", "T = 1", "quantities"), Column("b", "T = 2", "quantities")),
    [
        ("loss", Quantity(0.17788), Quantity(12.5)),
        ("accuracy", Quantity(0.977, "share"), None),
        ("bins", Quantity(7, "count"), Quantity(1234, "count")),
        ("score", Quantity(float("inf")), Quantity(0.25)),
    ],
)


def report_of(*tables, **more):
    return Report("c", "T", "s", sections=tuple(Section("", (table,)) for table in tables), **more)


# Eight cells and the two of the star.
@pytest.mark.parametrize(
    ("found", "drawn"),
    [
        (Gauge(0.5, 0.75, 0.0), "████  │  *"),
        (Gauge(0.5, 0.5, 0.0), "████│"),
        (Gauge(0.5, 0.75, 0.25), "████░░│░"),  # as far off as that is not beyond
        (Gauge(0.5, 0.75, 0.2), "████░░│░ *"),  # from 4.4 cells to 7.6, both rounded
        (Gauge(1.0, 0.5, 0.25), "██▓▓│▓██ *"),
        (Gauge(1.0, 0.5, 3.0), "▓▓▓▓│▓▓▓"),  # chance goes no farther than all or nothing
        (Gauge(0.0, 0.0, 0.25), "│░"),
        (Gauge(1.0, 1.0, 0.0), "███████│"),
        (Gauge(0.8125, 0.25, 0.01), "██│███▌  *"),
        (Gauge(0.8125, 1.0, 0.25), "██████▓│"),  # half a cell of what chance reaches is all of it
        (Gauge(0.78125, 1.0, 0.25), "██████░│"),
    ],
)
def test_gauges(found, drawn):
    assert gauge(found, 10) == drawn


def test_the_picture_takes_what_room_there_is_and_its_legend_comes_underneath():
    assert render(report_of(GAUGES), width=26) == (
        "T\n\nBins\n"
        "  count\n"
        "  ────────────────────────\n"
        "      2  ▓▓▓▓▓▓▓│▓▓▓▓▓▓▓\n"
        "     40  ███▊     ░░│░   *\n"
        "      1\n\n"
        "  bar: right; │ claimed\n\n"
        "  few\n\n"
        "  signature  s\n"
    )
    widths = {len(line) for width in (None, 40, 60, 200) for line in render(report_of(GAUGES), width=width).split("\n")}
    assert max(widths) == 2 + 5 + 2 + 26


def test_without_unicode():
    text = render(report_of(GAUGES), width=26, unicode=False)
    assert text.isascii()
    assert "      2  =======|=======\n" in text
    assert "  bar: right; | claimed\n" in text


def test_a_picture_is_coloured():
    assert "\x1b[36m▓▓▓▓" in render(report_of(GAUGES), width=60, colour=True)


def test_markdown_has_no_gauges():
    assert "| count |\n| ---: |\n| 2 |\n| 40 |\n| 1 |\n\nfew\n" in markdown(report_of(GAUGES))


@pytest.mark.parametrize("width", [None, 60])
def test_numbers_of_several_kinds_stand_point_under_point(width):
    assert render(report_of(MIXED), width=width) == (
        "T\n\n"
        "               T = 1     T = 2\n"
        "  ────────────────────────────\n"
        "  loss        0.1779     12.50\n"
        "  accuracy   97.7 %       –\n"
        "  bins        7       1,234\n"
        "  score     inf           0.25\n\n"
        "  signature  s\n"
    )


def test_a_listing_is_what_formats_of_one_table_hold():
    listing = Table("listing", "", (Column("metric", "metric"), Column("value", "value")), [("a.b", 0.5), ("c", None)])
    report = Report("c", "T", "s", (Metric("x", "x", 1.0),), (GAUGES, MIXED), listing=listing)
    assert "".join(FORMATS.load("csv")(report)) == "metric,value\na.b,0.5\nc,\n"
    assert "".join(FORMATS.load("tsv")(report)) == "metric\tvalue\na.b\t0.5\nc\t\n"


def test_a_share_just_below_nothing():
    table = Table("t", "", (Column("s", "s", "share"),), [(-0.0003,), (0.0003,), (-0.015,), (0.0,)])
    assert [line.strip() for line in render(report_of(table)).split("\n")[4:8]] == [
        ">-0.1 %",
        "<0.1 %",
        "-1.5 %",
        "0.0 %",
    ]
