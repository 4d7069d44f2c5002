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


@pytest.mark.parametrize("extension", [".npy", ".NPY", ".npz", ".safetensors", ".parquet", ".feather", ".csv.gz"])
@pytest.mark.parametrize("command", REPORTS)
def test_a_report_is_not_written_under_the_name_of_an_array(command, extension, tmp_path):
    path = tmp_path / f"report{extension}"
    for words in ((), ("-q",), ("-f", "json")):
        done = nll(*REPORTS[command], *words, "-o", path)
        assert (done.code, done.out, path.exists()) == (2, "", False)
        assert done.err.startswith(f"nll: error: {path}: a report is text, which a ")
        assert done.err.count("\n") == 2


@pytest.mark.parametrize(
    ("command", "words"),
    [("softmax", ("-f", "csv")), ("softmax", ("-f", "table")), ("grad", ("-f", "json")), ("grad", ("-q",))],
)
def test_text_is_not_written_under_the_name_of_an_array(command, words, tmp_path):
    path = tmp_path / "array.npy"
    done = nll(command, *(PETS if command == "grad" else PETS[:1]), *words, "-o", path)
    assert (done.code, done.out, path.exists()) == (2, "", False)
    assert f"{path}: what {' '.join(words)} writes is text, which a .npy file does not hold\n" in done.err


@pytest.mark.parametrize("command", ["softmax", "grad"])
@pytest.mark.parametrize(
    ("extension", "name"), [("json", "json"), ("tsv", "tsv"), ("md", "markdown"), ("txt", "table")]
)
def test_a_matrix_is_written_as_its_file_is_called(command, extension, name, tmp_path):
    words = (command, *(PETS if command == "grad" else PETS[:1]))
    path = tmp_path / f"matrix.{extension}"
    assert nll(*words, "-o", path).code == 0
    assert path.read_text() == nll(*words, "-f", name).out
