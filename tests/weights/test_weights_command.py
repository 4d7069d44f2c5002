import csv
import io
import json
import sys

import pytest

from nllcli.cli.main import main
from nllcli.numerics.schemes import ABOUT, NORMALIZATIONS, SCHEMES

COUNTS = ["weights", "--counts", "10,50,100"]


@pytest.fixture
def output(capsys):
    """Run the program and return what it wrote to standard output."""

    def run(*words):
        assert main(list(words)) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def error(capsys):
    """Run the program and return its exit code and what it wrote to standard error."""

    def run(*words):
        code = main(list(words))
        out, err = capsys.readouterr()
        assert not out
        return code, err

    return run


@pytest.mark.parametrize("scheme", SCHEMES)
def test_help_lists_every_scheme(scheme, output):
    text = output("weights", "--help")
    about = ABOUT[scheme]
    assert any(
        line.split()[:1] == [scheme] and about.formula in line and about.source in line for line in text.splitlines()
    )


def test_help_fits_a_terminal(output):
    assert max(map(len, output("weights", "--help").splitlines())) <= 80


@pytest.mark.parametrize("normalize", [None, *NORMALIZATIONS])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_quiet_reads_back(scheme, normalize, output):
    words = [*COUNTS, "--scheme", scheme, *(["--normalize", normalize] if normalize else [])]
    quiet = [float(piece) for piece in output(*words, "-q").split(",")]
    assert quiet == [row["weight"] for row in json.loads(output(*words, "-f", "json"))["classes"]]


def test_the_default_is_inverse(output):
    assert output(*COUNTS, "--quiet") == output(*COUNTS, "--scheme", "inverse", "-q") == "1,0.2,0.1\n"


def test_json_keys(output):
    found = json.loads(output(*COUNTS, "--scheme", "effective", "--beta", "0.99", "-f", "json"))
    assert {"signature", "scheme", "normalize", "beta", "n_classes", "n_samples", "classes"} <= set(found)
    assert list(found["classes"][0]) == ["class", "count", "share", "weight"]
    assert (found["n_classes"], found["n_samples"], found["beta"]) == (3, 160, 0.99)


def test_all_schemes(output):
    rows = list(csv.reader(io.StringIO(output(*COUNTS, "--all", "-f", "csv"))))
    assert len(rows) == 4
    assert len(rows[0]) == 3 + len(SCHEMES)


def test_files(tmp_path, output):
    counts, names = tmp_path / "counts.csv", tmp_path / "names.txt"
    counts.write_text("class,count\ncat,10\ndog,50\n")
    names.write_text("Katze\nHund\n")
    assert "cat,10," in output("weights", "--counts", str(counts), "-f", "csv")
    assert "Katze,10," in output("weights", "--counts", str(counts), "--classes", str(names), "-f", "csv")


def test_standard_input(tmp_path, monkeypatch, output):
    (tmp_path / "counts").write_text("10\n50\n100\n")
    with (tmp_path / "counts").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert output("weights", "--counts", "-", "-q") == "1,0.2,0.1\n"


def test_targets_are_counted(tmp_path, output):
    path = tmp_path / "targets.txt"
    path.write_text("1\n0\n1\n1\n")
    assert output("weights", "--targets", str(path), "--normalize", "sum", "-q") == "0.75,0.25\n"
    assert "dog,3,0.75," in output("weights", "--targets", str(path), "--classes", "cat,dog", "-f", "csv")


def test_output_file(tmp_path, output):
    path = tmp_path / "weights.txt"
    assert output(*COUNTS, "-q", "-o", str(path)) == ""
    assert path.read_text() == "1,0.2,0.1\n"


def test_output_is_not_an_input(tmp_path, error):
    path = tmp_path / "counts.txt"
    path.write_text("10\n50\n")
    code, message = error("weights", "--counts", str(path), "-o", str(path))
    assert code == 2
    assert message.startswith("nll: error: ")
    assert path.read_text() == "10\n50\n"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["weights"], 2, "either --counts or --targets"),
        ([*COUNTS, "--targets", "t.txt"], 2, "either --counts or --targets"),
        ([*COUNTS, "--all", "--scheme", "log"], 2, "--all and --scheme"),
        ([*COUNTS, "--all", "-q"], 2, "--quiet"),
        (["weights", "--counts", "-", "--classes", "-"], 2, "standard input"),
        ([*COUNTS, "--classes", "a,b"], 2, "2 class names for 3 counts"),
        ([*COUNTS, "--scheme", "effective", "--beta", "1"], 2, "beta is 1.0"),
        (
            [*COUNTS, "--scheme", "log", "--beta", "7"],
            2,
            "the scheme log has no beta\nhint: a beta goes with --scheme eff",
        ),
        ([*COUNTS, "--beta", "0.9"], 2, "the scheme inverse has no beta"),
        (["weights", "--counts", "10,5o"], 2, "'5o' is not one"),
        (["weights", "--counts", "10,0"], 3, "class 1 has a count of 0"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_refusals(words, code, told, error):
    found, message = error(*words)
    assert found == code
    assert message.startswith("nll: error: ")
    assert told in message


def test_beta_goes_to_the_schemes_that_have_one(output):
    """The effective number of samples at beta 0 is 1, whatever the count; the other schemes are as they are without."""
    words = [*COUNTS, "--all", "-f", "csv"]
    rows = [list(csv.DictReader(io.StringIO(output(*words, *beta)))) for beta in ([], ["--beta", "0"])]
    assert [row.pop("effective") for row in rows[1]] == ["1"] * 3
    assert {row.pop("effective") for row in rows[0]} != {"1"}
    assert rows[0] == rows[1]


def test_absent_class(output):
    assert output("weights", "--counts", "10,0,20", "--zero-count", "zero", "-q") == "1,0,0.5\n"
