"""Of a long table a screen shows the first rows and the worst of the others; everything else shows them all."""

import re

import numpy as np
import pytest
from rendered import table as render

from nllcli.cli.options import in_flags
from nllcli.outputs.formats import FORMATS
from nllcli.report import Column, Report, Table

COLUMNS = (Column("class", "class", "text"), Column("share", "share of loss", "share"))


def report(shares, worst="share"):
    rows = [(f"c{i}", share) for i, share in enumerate(shares)]
    table = Table("per_class", "Per class", COLUMNS, rows, worst=worst)
    return in_flags(Report("compute", "T", "s", tables=(table,)))


def names(text):
    return re.findall(r"^  (c\d+) ", text, re.MULTILINE)


def test_the_worst_of_the_others_come_after_the_first():
    shares = np.random.default_rng(3).permutation(5000) / 5000
    shown = names(render(report(shares.tolist()), width=80))
    worst = sorted(range(100, 5000), key=lambda i: -shares[i])[:20]
    assert shown == [f"c{i}" for i in [*range(100), *worst]]
    assert "4,900 more rows, which a pipe and -o FILE have all; the worst of these by share of loss:" in " ".join(
        render(report(shares.tolist()), width=80).split()
    )


def test_a_nan_is_the_worst_and_nothing_the_best():
    shares = [0.0] * 300
    shares[250], shares[260], shares[270] = float("nan"), 0.5, None
    assert names(render(report(shares), width=80))[100:103] == ["c250", "c260", "c100"]
    assert "c270" not in names(render(report(shares), width=80))


def test_rows_without_a_rank():
    text = render(report([0.5] * 201, worst=None), width=80)
    assert names(text) == [f"c{i}" for i in range(100)]
    assert "… 101 more rows, which a pipe and -o FILE have all\n" in text
    assert "... 101 more rows" in render(report([0.5] * 201, worst=None), width=80, unicode=False)


def test_a_table_that_a_screen_holds_is_whole():
    assert len(names(render(report([0.5] * 200), width=80))) == 200


@pytest.mark.parametrize("name", ["json", "csv", "tsv", "markdown"])
def test_nothing_is_left_out_elsewhere(name):
    text = "".join(FORMATS.load(name)(report([0.5] * 3000)))
    assert "c2999" in text
    assert "more rows" not in text


def test_headers_fold_at_their_hyphens():
    columns = (Column("a", "median-frequency"), Column("b", "plain"))
    table = Table("t", "", columns, [(0.5, 0.5)])
    wide = render(Report("weights", "T", "s", tables=(table,)), width=80)
    narrow = render(Report("weights", "T", "s", tables=(table,)), width=20)
    assert "  median-frequency  plain\n" in wide
    assert "median-  plain\n    frequency\n" in narrow
