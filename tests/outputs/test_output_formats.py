"""What every output format owes, whichever it is."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nllcli.errors import UsageError
from nllcli.outputs.formats import FORMATS, format_for
from nllcli.report import Report

# A tally is not of every report, and only a picture is written as one.
every_format = pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("tally", "svg", "png", "pdf")])


@every_format
def test_text_ends_in_one_newline_and_holds_no_escape(name, report):
    text = "".join(FORMATS.load(name)(replace(report, tables=report.tables[:1], title="\x1b[31m", signature="a\x1bb")))
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (None, "table"),
        ("-", "table"),
        ("report.txt", "table"),
        ("report", "table"),
        ("a.json/report", "table"),
        ("/dev/stdout", "table"),
        ("report.json", "json"),
        ("report.JSON", "json"),
        (Path("a.b.csv"), "csv"),
        ("report.tsv", "tsv"),
        ("report.md", "markdown"),
        ("report.html", "html"),
        ("REPORT.HTM", "html"),
        ("losses.svg", "svg"),
        ("losses.png", "png"),
        ("losses.pdf", "pdf"),
        ("a/report.tally.json", "tally"),
        ("report.Tally.JSON", "tally"),
        ("tally.json", "json"),
        (".tally.json", "tally"),
    ],
)
def test_the_extension_stands_for_a_format(path, name):
    assert format_for(path) == name
    assert name in FORMATS


@every_format
def test_an_empty_report_is_no_accident(name):
    assert "".join(FORMATS.load(name)(Report(command="check", title="Nothing", signature="nll"))).strip()


@every_format
def test_digits_are_never_cut(name, report):
    text = "".join(FORMATS.load(name)(replace(report, tables=report.tables[1:])))
    assert "4.2e-18" in text
    assert "…" not in text


def test_unknown_format_names_the_nearest():
    with pytest.raises(UsageError, match="unknown format 'jsn'") as caught:
        FORMATS.load("jsn")
    assert caught.value.hint == "did you mean 'json'?"


@pytest.mark.parametrize(
    ("module", "foreign"),
    [
        ("formats", ("rich", "numpy", "json", "csv")),
        ("table", ("numpy",)),
        ("json_text", ("rich", "numpy")),
        ("delimited", ("rich", "numpy")),
        ("markdown", ("rich", "numpy")),
        ("page", ("rich", "numpy")),
        ("images", ("rich", "numpy", "vl_convert")),
        ("arrays", ("rich",)),
    ],
)
def test_modules_load_only_what_they_need(module, foreign):
    code = f"import sys, nllcli.outputs.{module}; print(*sorted(set(sys.modules) & set({foreign!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
