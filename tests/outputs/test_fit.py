"""How a table is made to fit a screen: what shrinks, what is left out and in which order, and what never happens."""

import re
import unicodedata
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rendered import table as render

from nllcli.cli.options import in_flags
from nllcli.report import Column, Report, Table

PROBS = tuple(Column(f"p{i}", f"p({i})", "probability") for i in range(10))
SAMPLE, TARGET = Column("sample", "sample", "count"), Column("target", "target", "text")
LOSS = Column("loss", "loss", "number", "nats")
LONG_NAME = "a label that somebody thought about for long"


def lines_of(columns, rows, width, **keywords):
    """The lines of the table alone, without what is said of columns left out."""
    text = render(report_of(columns, rows), width=width, **keywords)
    assert max(map(cells_wide, re.sub("\x1b\\[[0-9;]*m", "", text).splitlines())) <= (width or inf) or width < 40
    return re.split(r"\n\n  (?:\x1b\[2m)?(?:\d+ column|signature)", text)[0].split("\n")[2:]


def report_of(columns, rows):
    return in_flags(Report("c", "T", "s", tables=(Table("t", "", tuple(columns), rows),)))


def cells_wide(text):
    """An oracle of the columns a text takes; it knows the characters of these tests alone."""
    return sum(2 if unicodedata.east_asian_width(character) == "W" else 1 for character in text)


NAMES = st.sampled_from(["cat", "horse (target)", "n-gram", "猫", "猫の名前はまだ無いがとても長い", LONG_NAME])
NUMBERS = st.one_of(st.none(), st.floats(), st.floats(-1e6, 1e6), st.integers(0, 10**15))
VALUES = {
    "text": st.one_of(st.none(), NAMES),
    "count": st.one_of(st.none(), st.integers(0, 10**15)),
    "number": NUMBERS,
    "share": st.one_of(st.none(), st.floats(0, 1)),
    "probability": st.one_of(st.none(), st.floats(0, 1)),
    "bar": st.floats(0, 1),
}
LABELS = st.sampled_from(["p", "loss", "share of loss", "median-frequency", "猫の名前", "p(horse)", "x" * 30])


@st.composite
def tables(draw):
    kinds = draw(st.lists(st.sampled_from([*VALUES, "number", "probability"]), min_size=1, max_size=30))
    columns = [
        Column(f"k{i}", draw(LABELS), kind, draw(st.sampled_from(["", "nats"])), draw(st.booleans()))
        for i, kind in enumerate(kinds)
    ]
    n_rows = draw(st.integers(0, 4))
    return columns, [[draw(VALUES[kind]) for kind in kinds] for _ in range(n_rows)]


@given(tables(), st.integers(40, 200), st.booleans())
def test_any_table_fits_any_width_from_40_columns_on(table, width, unicode):
    columns, rows = table
    in_full, shown = lines_of(columns, rows, None), lines_of(columns, rows, width, unicode=unicode)
    assert max(map(cells_wide, shown)) <= width
    assert shown == [line.rstrip() for line in shown]
    assert shown == [
        re.sub("\x1b\\[[0-9;]*m", "", line) for line in lines_of(columns, rows, width, unicode=unicode, colour=True)
    ]
    rule = next(i for i, line in enumerate(shown) if line.strip() and not line.strip().strip("─-"))
    assert len(shown) - rule - 1 == len(rows)  # one line a row
    for whole, line in zip(in_full[-len(rows) :], shown[rule + 1 :], strict=True) if rows else ():
        numbers = [word for word in line.split() if word.strip("…~").isascii() and any(map(str.isdigit, word))]
        assert set(numbers) <= set(whole.split())


def test_bars_shrink_and_labels_fold_before_an_optional_column_goes():
    columns = (TARGET, Column("p", "probability of it", optional=True), Column("bar", "", "bar"))
    rows = [["cat", 0.5, 1.0], ["dog", 0.25, 0.5]]
    assert lines_of(columns, rows, 60)[0] == "  target  probability of it"
    assert lines_of(columns, rows, 40) == [
        "  target    probability of",
        "                        it",
        "  ──────────────────────────────────────",
        "  cat                 0.50  ████████████",
        "  dog                 0.25  ██████",
    ]


def test_optional_columns_go_last_first_before_a_name_is_cropped():
    columns = (
        TARGET,
        Column("margin", "margin", optional=True),
        Column("share", "share", "share", optional=True),
        LOSS,
    )
    rows = [[LONG_NAME, 0.25, 0.5, 1.5]]
    assert [lines_of(columns, rows, width)[0].split() for width in (80, 64, 58)] == [
        ["target", "margin", "share", "loss"],
        ["target", "margin", "loss"],
        ["target", "loss"],
    ]
    assert LONG_NAME in lines_of(columns, rows, 58)[-1]
    assert lines_of(columns, rows, 40)[-1] == "  a label that somebody thought a…   1.5"


def test_the_first_column_stays_even_if_it_is_optional():
    columns = [Column("a", "a", "text", optional=True), Column("b", "b", "text", optional=True)]
    assert lines_of(columns, [[LONG_NAME, LONG_NAME]], 50)[-1] == f"  {LONG_NAME}"


def test_columns_in_the_middle_are_left_out():
    columns, rows = (SAMPLE, TARGET, *PROBS, LOSS), [[7, "cat", *(0.1 for _ in PROBS), 1.5]]
    assert lines_of(columns, rows, 120)[-1].count("0.1000") == 10
    assert lines_of(columns, rows, 60) == [
        "  sample  target    p(0)    p(1)  …    p(8)    p(9)  loss",
        "                                                     nats",
        "  ───────────────────────────────────────────────────────",
        "       7  cat     0.1000  0.1000  …  0.1000  0.1000   1.5",
    ]
    assert lines_of(columns, rows, 40)[-1] == "       7  cat     …  0.1000   1.5"


@pytest.mark.parametrize(
    ("width", "told"),
    [
        (None, []),
        (120, []),
        (70, ["  5 columns left out: a wider screen, a pipe and -o FILE have all"]),
        (40, ["  9 columns left out: a wider screen, a", "  pipe and -o FILE have all"]),
    ],
)
@pytest.mark.parametrize("settings", [{}, {"unicode": False}, {"colour": True}], ids=str)
def test_columns_left_out_are_counted(width, told, settings):
    columns, rows = (SAMPLE, TARGET, *PROBS, LOSS), [[7, "cat", *(0.1 for _ in PROBS), 1.5]]
    blocks = render(report_of(columns, rows), width=width, **settings).split("\n\n")[2:-1]
    assert [re.sub("\x1b\\[[0-9;]*m", "", line) for block in blocks for line in block.splitlines()] == told


def test_optional_columns_go_without_a_word_but_count_where_others_go_too():
    columns = (TARGET, Column("share", "share", "share", optional=True), Column("bar", "", "bar", optional=True))
    assert "left out" not in render(report_of(columns, [["a" * 30, 0.5, 0.5]]), width=34)
    some = render(report_of((*columns, *PROBS), [["cat", 0.5, 0.5, *(0.25 for _ in PROBS)]]), width=40)
    assert "  9 columns left out: " in some
    assert "share" not in some


def test_a_long_label_takes_three_lines_at_most():
    name = "a very long class name that somebody thought of"
    lines = lines_of((TARGET, Column("p", name, "probability"), *PROBS), [["cat", *(0.25 for _ in range(11))]], 45)
    assert lines[:3] == [
        "  target    a very    p(0)  …    p(8)    p(9)",
        "              long",
        "            class…",
    ]
    assert name in lines_of((TARGET, Column("p", name, "probability")), [["cat", 0.25]], None)[0]


def test_columns_that_are_alike_are_told_apart():
    columns = [TARGET, *[Column("p", "p", "probability")] * 9]
    assert "  6 columns left out: " in render(report_of(columns, [["cat", *[0.25] * 9]]), width=40)


def test_names_of_moderate_length_stay_whole_while_columns_are_left_out():
    columns, rows = (TARGET, *PROBS, TARGET), [["horse (target)", *(0.1 for _ in PROBS), "sixteen lettersx"]]
    assert lines_of(columns, rows, 40)[-1] == "  horse (target)  …  sixteen lettersx"


def test_on_a_smaller_screen_too_digits_stay_whole():
    columns, rows = (Column("a", "a"), Column("b", "b")), [[999999999999.5, 1.5], [1e-300, 0.5]]
    assert lines_of(columns, rows, 12)[-2:] == ["  999,999,999,999.5       …", "                1.0e-300  …"]
    assert "  999,999,999,999.5" in lines_of(columns[:1], rows[:1], 1)


@pytest.mark.uncounted
@pytest.mark.parametrize("n", [1000, 20_000])
def test_many_classes(n):
    columns = (SAMPLE, *(Column(str(i), str(i), "probability") for i in range(n)))
    lines = lines_of(columns, [[0, *(0.5 for _ in range(n))]], 80)
    assert lines[0].split() == ["sample", "0", "1", "2", "3", "…", *map(str, range(n - 4, n))]
    assert max(map(len, lines)) <= 80


def test_a_table_without_rows():
    assert lines_of((TARGET, LOSS), [], 80) == ["  target  loss", "          nats", "  ────────────"]


def test_what_is_left_out_is_as_wide_in_ascii():
    columns, rows = (TARGET, *PROBS, TARGET), [[LONG_NAME, *(0.1 for _ in PROBS), "cat"]]
    shown, ascii_ = lines_of(columns, rows, 40), lines_of(columns, rows, 40, unicode=False)
    assert ascii_ == [line.translate({ord("…"): "~", ord("─"): "-"}) for line in shown]
    assert "…" in shown[-1]


@pytest.mark.parametrize(
    "settings",
    [{"COLUMNS": "20"}, {"NO_COLOR": "1"}, {"TERM": "dumb", "FORCE_COLOR": "1"}, {"TTY_COMPATIBLE": "1"}],
    ids=str,
)
def test_only_the_caller_says_what_the_screen_can_show(settings, monkeypatch):
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    columns, rows = (SAMPLE, TARGET, *PROBS, LOSS), [[7, "cat", *(0.1 for _ in PROBS), 1.5]]
    before = lines_of(columns, rows, 120, colour=True), lines_of(columns, rows, 120)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert (lines_of(columns, rows, 120, colour=True), lines_of(columns, rows, 120)) == before


@pytest.mark.parametrize("width", [None, 20, 80])
def test_a_column_without_a_label_may_have_nothing_in_it(width):
    lines = lines_of((TARGET, Column("push", "", "text", optional=True)), [["cat", ""], ["horse", ""]], width)
    assert lines == ["  target", "  ────────", "  cat", "  horse"]
