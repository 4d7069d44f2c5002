"""How much more a rare sample counts: each line against the formula of its scheme."""

import math
from pathlib import Path

import pytest
from in_process import nll

from nllcli.commands.weights import report, weights
from nllcli.outputs.sentences import sentence_text

pytestmark = pytest.mark.uncounted

COUNTS = (12, 40, 150, 900, 3200)

# What a sample of a class of n weighs beside one of the commonest, of m, by the formulas of the schemes.
TIMES = {
    "inverse, balanced, median-frequency": lambda n, m: m / n,
    "effective": lambda n, m: (1 - 0.999**m) / (1 - 0.999**n),
    "log": lambda n, m: math.log(1.02 + m / sum(COUNTS)) / math.log(1.02 + n / sum(COUNTS)),
    "sqrt-inverse": lambda n, m: math.sqrt(m / n),
}


def picture(counts, **options):
    found = report(weights(counts, **options), pictured=True).pictures
    return found[0] if found else None


def test_each_line_is_its_formula():
    table = picture(COUNTS, all_schemes=True).table
    columns = {column.label: list(table.cells(i)) for i, column in enumerate(table.columns)}
    counts = columns.pop("samples of the class")
    assert counts == sorted(COUNTS, reverse=True)
    assert columns.keys() == TIMES.keys()
    for name, times in TIMES.items():
        assert columns[name] == pytest.approx([times(n, 3200) for n in counts], rel=1e-12)


def test_the_sentence_names_the_steepest_and_the_flattest():
    assert sentence_text(picture(COUNTS, all_schemes=True).answer) == (
        "A sample of the rarest class (12) weighs 266.7 times one of the commonest (3,200) under inverse, balanced, "
        "median-frequency, 16.33 times under sqrt-inverse."
    )
    assert sentence_text(picture((10, 100)).answer) == (
        "A sample of the rarest class (10) weighs 10 times one of the commonest (100) under inverse."
    )


def test_classes_as_common_as_each_other_have_no_picture():
    assert picture((7, 7, 7)) is None


def test_a_class_of_no_samples_is_left_out():
    assert list(picture((10, 0, 100), zero_count="zero").table.cells(0)) == [100, 10]


def test_it_is_drawn_on_a_page_and_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("weights", "--counts", ",".join(map(str, COUNTS)), "--all")
    assert nll(*words, "-o", "page.html").code == 0
    assert "How much more does a rare sample count?" in Path("page.html").read_text()
    assert "How much more" not in nll(*words).out
    drawn = nll(*words, "-f", "svg").out
    assert all(f">{name}</text>" in drawn for name in TIMES)
    assert all(f">{n:,}</text>" in drawn for n in COUNTS)


def test_the_dots_and_the_lines_are_the_table():
    found = picture(COUNTS, all_schemes=True)
    (panel,) = found.drawings
    marks = {mark.label: (mark, dots) for mark, dots in zip(panel.marks[::2], panel.marks[1::2], strict=True)}
    counts = found.table.cells(0)
    assert marks.keys() == TIMES.keys()
    for i, name in enumerate(marks, 1):
        line, dots = marks[name]
        assert line.points == tuple(zip(counts, found.table.cells(i), strict=True))
        assert tuple((dot.x, dot.y) for dot in dots.dots) == line.points
