"""The extension of -o FILE stands for a format, as it does for arrays; -f overrules it."""

import json

import pytest
from in_process import nll

PETS = ("samples/pets/logits.csv", "samples/pets/targets.txt")
REPORTS = {
    "compute": ("compute", *PETS),
    "check": ("check", *PETS),
    "explain": ("explain", *PETS, "--row", "0"),
    "reconcile": ("reconcile", *PETS, "--expect", "0.3624"),
    "weights": ("weights", "--counts", "1,2"),
}


@pytest.mark.parametrize("command", REPORTS)
def test_json(command, tmp_path):
    done = nll(*REPORTS[command], "-o", tmp_path / "report.json")
    assert (done.code, done.out) == (0, "")
    assert json.loads((tmp_path / "report.json").read_text())["command"] == command


def test_the_file_holds_what_the_format_prints(tmp_path):
    for extension, name in [("json", "json"), ("csv", "csv"), ("md", "markdown"), ("txt", "table")]:
        path = tmp_path / f"report.{extension}"
        assert nll("compute", *PETS, "-o", path).code == 0
        assert path.read_text() == nll("compute", *PETS, "-f", name).out


def test_the_format_asked_for_comes_first(tmp_path):
    assert nll("compute", *PETS, "-f", "csv", "-o", tmp_path / "report.json").code == 0
    assert (tmp_path / "report.json").read_text() == nll("compute", *PETS, "-f", "csv").out
