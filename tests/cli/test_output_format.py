"""The extension of -o FILE stands for a format, as it does for arrays; -f overrules it."""

import json
import shlex
from itertools import cycle
from pathlib import Path

import numpy as np
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
ARRAYS = [".npy", ".NPY", ".npz", ".safetensors", ".parquet", ".feather", ".csv.gz"]


def each_of(commands, extensions):
    """Every command with one extension, in turn, and the first with all."""
    first, *others = commands
    return [*((first, extension) for extension in extensions), *zip(others, cycle(extensions))]


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


def tried(done):
    """What each line to try leaves behind, run in this process."""
    lines = [line.removeprefix("try: nll ") for line in done.err.splitlines()[1:]]
    return [nll(*shlex.split(line, comments=True)) for line in lines]


@pytest.mark.uncounted
@pytest.mark.parametrize(("command", "extension"), each_of(REPORTS, ARRAYS), ids=str)
def test_a_report_is_not_written_under_the_name_of_an_array(command, extension, tmp_path):
    path = tmp_path / f"report{extension}"
    for words, told in (
        ((), "a report is text, which a "),
        (("-q",), "bare numbers, which -q asks for, "),
        (("-f", "json"), "a report is text, which a "),
    ):
        done = nll(*REPORTS[command], *words, "-o", path)
        assert (done.code, done.out, path.exists()) == (2, "", False)
        assert done.err.startswith(f"nll: error: {path}: {told}")
        assert {run.code for run in tried(done)} == {0}
        path.unlink(missing_ok=True)  # which holds an array now
    assert json.loads((tmp_path / f"report{extension}").with_suffix(".json").read_text())["command"] == command


@pytest.mark.uncounted
@pytest.mark.parametrize(("command", "extension"), each_of(REPORTS, [".xml", ".yaml", ".yml", ".foo"]), ids=str)
def test_a_report_is_not_written_under_a_name_that_means_nothing(command, extension, tmp_path):
    done = nll(*REPORTS[command], "-o", tmp_path / f"r{extension}")
    assert (done.code, done.out, list(tmp_path.iterdir())) == (2, "", [])
    assert done.err.startswith(f"nll: error: {tmp_path}/r{extension}: a report is not written as {extension}\n")
    assert [line.partition("# ")[2] for line in done.err.splitlines()[1:]] == [
        "the page, as text",
        "every number, for programs",
        "a table",
    ]
    assert [run.code for run in tried(done)] == [0, 0, 0]
    assert {path.name for path in tmp_path.iterdir()} == {"r.txt", "r.json", "r.csv"}
    assert (tmp_path / "r.txt").read_text() == nll(*REPORTS[command]).out


def test_a_format_asked_for_may_go_into_a_file_of_any_name_but_one_that_means_something_else(tmp_path):
    assert nll("compute", *PETS, "-f", "json", "-o", tmp_path / "run.7").code == 0
    assert json.loads((tmp_path / "run.7").read_text())["command"] == "compute"
    done = nll("compute", *PETS, "-f", "json", "-o", tmp_path / "run.yaml")
    assert (done.code, (tmp_path / "run.yaml").exists()) == (2, False)
    assert "run.txt  # the page" in done.err
    assert " -f " not in done.err


def test_a_file_without_an_extension_holds_a_table(tmp_path):
    assert nll("compute", *PETS, "-o", tmp_path / "report").code == 0
    assert (tmp_path / "report").read_text() == nll("compute", *PETS).out


def test_a_slip_in_an_extension(tmp_path):
    done = nll("compute", *PETS, "-o", tmp_path / "r.jsn")
    assert done.err.splitlines()[1:] == [f"try: nll compute {' '.join(PETS)} -o {tmp_path}/r.json"]
    assert [run.code for run in tried(done)] == [0]


def test_arrays_instead_of_a_report(tmp_path):
    done = nll("compute", *PETS, "-o", tmp_path / "x.npy")
    lines = done.err.splitlines()[1:]
    assert lines[3:] == [
        f"try: nll compute {' '.join(PETS)} --save-losses {tmp_path}/x.npy  # the losses",
        f"try: nll compute {' '.join(PETS)} --save-probs {tmp_path}/x.npy  # the probabilities",
    ]
    assert [run.code for run in tried(done)] == [0] * 5
    assert np.load(tmp_path / "x.npy").shape == (3, 3)


@pytest.mark.parametrize("written", ["-o {}", "-o{}", "--output={}", "--output {}"])
@pytest.mark.parametrize("command", ["softmax", "grad"])
def test_an_array_needs_a_name_that_says_how_it_is_written(command, written, tmp_path):
    words = (command, *(PETS if command == "grad" else PETS[:1]))
    done = nll(*words, *written.format(tmp_path / "x.foo").split())
    assert done.err.startswith(f"nll: error: {tmp_path}/x.foo: arrays are written as .npy or .csv, not as .foo\n")
    assert [run.code for run in tried(done)] == [0, 0]
    assert {path.name for path in tmp_path.iterdir()} == {"x.npy", "x.csv"}


# --- bare numbers: -q and --print -------------------------------------------------------------------------------------


@pytest.mark.uncounted
@pytest.mark.parametrize("shown", [("-q",), ("--print", "n_classes")], ids=" ".join)
@pytest.mark.parametrize("command", [*REPORTS, "grad"])
def test_bare_numbers_have_no_format(command, shown):
    words = REPORTS.get(command, ("grad", *PETS))
    if command == "reconcile" and "--print" in shown:
        shown = ("--print", "n_tried")
    done = nll(*words, *shown, "-f", "json")
    option = {"-q": "--quiet"}.get(shown[0], shown[0])
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"nll: error: {option} and --format exclude each other\ntry: ")
    numbers, report = tried(done)
    assert numbers.out == nll(*words, *shown).out
    assert json.loads(report.out)["command"] == command


@pytest.mark.parametrize("extension", ["", ".txt", ".csv", ".tsv"])
def test_bare_numbers_go_into_a_file_of_text(extension, tmp_path):
    assert nll("compute", *PETS, "-q", "-o", tmp_path / f"x{extension}").code == 0
    assert (tmp_path / f"x{extension}").read_text() == nll("compute", *PETS, "-q").out


def test_bare_numbers_are_not_json(tmp_path):
    done = nll("compute", *PETS, "--print", "loss", "-o", tmp_path / "x.json")
    told = f"nll: error: {tmp_path}/x.json: bare numbers, which --print asks for, are not written as .json\n"
    assert (done.code, done.err.startswith(told)) == (2, True)
    assert [run.code for run in tried(done)] == [0, 0]
    assert (tmp_path / "x.txt").read_text() == nll("compute", *PETS, "-q").out
    assert json.loads((tmp_path / "x.json").read_text())["command"] == "compute"


def test_bare_numbers_have_no_file_of_another_kind(tmp_path):
    done = nll("compute", *PETS, "-q", "-o", tmp_path / "x.yaml")
    assert done.err.splitlines()[1:] == [f"try: nll compute {' '.join(PETS)} -q -o {tmp_path}/x.txt  # the numbers"]
    assert [run.code for run in tried(done)] == [0]


def test_bare_numbers_are_no_array_but_a_gradient_is(tmp_path):
    done = nll("grad", *PETS, "-q", "-o", tmp_path / "x.npy")
    assert done.err.splitlines()[1:] == [
        f"try: nll grad {' '.join(PETS)} -q -o {tmp_path}/x.txt  # the numbers",
        f"try: nll grad {' '.join(PETS)} -o {tmp_path}/x.npy  # the array",
    ]
    assert [run.code for run in tried(done)] == [0, 0]
    assert np.load(tmp_path / "x.npy").ravel().tolist() == [
        float(line) for line in (tmp_path / "x.txt").read_text().splitlines()
    ]


@pytest.mark.parametrize(
    ("command", "words"),
    [("softmax", ("-f", "csv")), ("softmax", ("-f", "table")), ("grad", ("-f", "json"))],
)
def test_text_is_not_written_under_the_name_of_an_array(command, words, tmp_path):
    path = tmp_path / "array.npy"
    done = nll(command, *(PETS if command == "grad" else PETS[:1]), *words, "-o", path)
    assert (done.code, done.out, path.exists()) == (2, "", False)
    assert f"{path}: what {' '.join(words)} writes is text, which a .npy file does not hold\n" in done.err
    assert [run.code for run in tried(done)] == [0, 0]
    assert {written.name for written in tmp_path.iterdir()} == {"array.npy", "array.txt"}


@pytest.mark.parametrize("command", ["softmax", "grad"])
@pytest.mark.parametrize(
    ("extension", "name"), [("json", "json"), ("tsv", "tsv"), ("md", "markdown"), ("txt", "table")]
)
def test_a_matrix_is_written_as_its_file_is_called(command, extension, name, tmp_path):
    words = (command, *(PETS if command == "grad" else PETS[:1]))
    path = tmp_path / f"matrix.{extension}"
    assert nll(*words, "-o", path).code == 0
    assert path.read_text() == nll(*words, "-f", name).out


# --- two tables, and formats of one -----------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("-f", "csv"), ("-f", "tsv"), ("-o", "two.csv")], ids=" ".join)
def test_two_tables_do_not_go_into_a_format_of_one(words, tmp_path, monkeypatch):
    inputs = [str(Path(name).resolve()) for name in PETS]
    monkeypatch.chdir(tmp_path)
    done = nll("compute", *inputs, "--per-class", "--per-sample", *words)
    assert (done.code, done.out) == (2, "")
    assert " holds one table, and here are two: of the classes and of the samples\n" in done.err
    classes, samples, both = (
        run.out or Path(name).read_text()
        for run, name in zip(tried(done), ("two.csv", "two.csv", "two.json"), strict=True)
    )
    assert json.loads(both).keys() >= {"per_class", "samples"}
    if words[0] == "-f":  # else the second file took the place of the first
        assert classes == nll("compute", *inputs, "--per-class", *words).out
    assert samples.startswith("sample")


def test_unreduced_losses_are_a_table_of_the_samples():
    done = nll("compute", *PETS, "--per-class", "--reduction", "none", "-f", "csv")
    samples, both = tried(done)
    assert samples.out == nll("compute", *PETS, "--reduction", "none", "-f", "csv").out
    assert json.loads(both.out)["reduction"] == "none"


def test_no_sample_was_chosen():
    done = nll("explain", *PETS)
    first, hardest = tried(done)
    assert (first.code, first.out) == (0, nll("explain", *PETS, "--row", "0").out)
    assert (hardest.code, hardest.out) == (0, nll("explain", *PETS, "--hardest", "1").out)
