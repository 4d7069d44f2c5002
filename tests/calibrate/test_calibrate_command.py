"""What the command line makes of its words: the request, refusals before any work, and where results go."""

import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from calibrations import AFTER, RESULT, UNFITTED
from in_process import nll

import nllcli.commands.calibrate as room
from nllcli.commands.calibrate.like import PEERS
from nllcli.commands.calibrate.result import Temperature
from nllcli.data import settings
from nllcli.errors import Notice

LINE = "a.npy y.npy"


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """The requests that came, each of which is answered with the same result."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.npy", "y.npy", "b.npy", "z.npy"):
        np.save(name, np.arange(2))
    found = []
    monkeypatch.setattr(room, "calibrate", lambda request: found.append(request) or RESULT)
    return found


def run(words):
    return nll("calibrate", *shlex.split(words))


def test_what_is_asked_by_default(asked):
    assert run(f"{LINE} -q").out == "2.5\n"
    (request,) = asked
    assert (request.score.inputs.logits, request.score.inputs.targets) == ("a.npy", "y.npy")
    assert request.score.loss == settings.LossOptions()
    rest = {name: value for name, value in vars(request).items() if name != "score"}
    assert rest == {
        **{"fit": None, "n_bins": None, "binning": "width", "edges": "right", "of": "top", "like": None},
        **{"n_folds": None, "temperature": None, "fits": True, "smooth": False, "per_class": False},
        **{"threshold": None, "confidence": 0.95},
    }


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("--bins 1", "n_bins", 1),
        ("--bins 1000", "n_bins", 1000),
        ("--binning mass", "binning", "mass"),
        ("--edges left-extra", "edges", "left-extra"),
        ("--of classwise", "of", "classwise"),
        ("--of class:cat", "of", "class:cat"),
        ("--like sklearn --bins 10", "like", "sklearn"),
        ("--folds 0", "n_folds", 0),
        ("--folds 2", "n_folds", 2),
        ("--temperature 2.5", "temperature", 2.5),
        ("--temperature 2.5", "fits", False),
        ("--no-fit --folds 0", "fits", False),
        ("--smooth", "smooth", True),
        ("--print before.loss --require 'after.smece<9'", "smooth", True),
        ("--per-class", "per_class", True),
        ("--print loss --require 'per_class[cat].ece<9'", "per_class", True),
        ("--threshold 0.01", "threshold", 0.01),
        ("--confidence 0.9", "confidence", 0.9),
    ],
)
def test_what_is_asked(asked, words, name, value):
    run(f"{LINE} {words}")
    assert getattr(asked[0], name) == value


def test_another_file_to_fit_to_is_read_as_the_first(asked):
    run(f"{LINE} --fit b.npy --fit-targets z.npy --class-axis 1 --sample-weights w.npy")
    (request,) = asked
    assert (request.fit.logits, request.fit.targets, request.fit.class_axis) == ("b.npy", "z.npy", 1)
    assert (request.fit.sample_weights, request.score.inputs.sample_weights) == (None, "w.npy")
    assert request.fits


def test_tables_have_their_own_targets(asked):
    run("a.csv --target-column label --fit b.csv")
    assert (asked[0].fit.logits, asked[0].fit.targets, asked[0].fit.target_column) == ("b.csv", None, "label")


@pytest.mark.parametrize(
    ("words", "told", "tries"),
    [
        ("--bins 0", "--bins", []),
        ("--bins 1001", "--bins", []),
        ("--like sklean", "--like sklean is unknown; did you mean sklearn?", ["--like sklearn"]),
        (
            "--like guo --edges left --of top",
            "--like guo is a whole rule, and --edges and --of part of another",
            ["--like guo", "--edges left --of top"],
        ),
        ("--like guo --binning mass", "and --binning part of another", ["--like guo", "--binning mass"]),
        (
            "--binning mass --edges left",
            "--edges has no meaning for --binning mass, whose bins end between samples",
            ["--binning mass", "--edges left"],
        ),
        ("--threshold 1", "--threshold 1 is not a probability from 0 to below 1", []),
        ("--confidence 95", "--confidence 95 is not between 0 and 1", ["--confidence 0.95"]),
        ("--folds 1", "--folds 1 leaves no samples to fit to", ["", "--folds 0"]),
        (
            "--fit b.npy --fit-targets z.npy --temperature 2",
            "--fit and --temperature exclude each other",
            ["--fit b.npy --fit-targets z.npy", "--temperature 2"],
        ),
        ("--fit b.npy --no-fit", "--fit and --no-fit exclude each other", ["--fit b.npy", "--no-fit"]),
        (
            "--temperature 2.5 --no-fit",
            "--temperature and --no-fit exclude each other",
            ["--temperature 2.5", "--no-fit"],
        ),
        ("--folds 5 --no-fit", "--folds and --no-fit exclude each other", ["--folds 5", "--no-fit"]),
        ("--folds 5 --fit b.npy", "--folds and --fit exclude each other", ["--folds 5", "--fit b.npy"]),
        ("--fit b.npy", "--fit has no targets, as LOGITS has", []),
        ("--fit-targets z.npy", "--fit-targets has no --fit: a file of logits that they are the targets of", [""]),
    ],
)
def test_refused_before_any_work(asked, words, told, tries):
    done = run(f"{LINE} {words}")
    assert (done.code, done.out, asked) == (2, "", [])
    first, *others = done.err.splitlines()
    assert told in first
    lines = [line.partition("  #")[0] for line in others if line.startswith("try: ")]
    assert lines == [f"try: nll calibrate {LINE} {each}".rstrip() for each in tries]


def test_what_names_a_file_is_an_input(asked):
    for name in ("b.csv", "z.txt"):
        Path(name).write_text("0\n1\n")
        done = run(f"{LINE} --fit b.csv --fit-targets z.txt -o {name}")
        assert (done.code, asked) == (2, [])
        assert "input" in done.err
    assert run("- y.npy --fit - --fit-targets z.npy").err.startswith("nll: error: standard input (-) can be only one")
    assert asked == []


@pytest.mark.parametrize(
    ("temperature", "why"),
    [
        (
            Temperature("zero", None, loss_limit=0.0),
            "no temperature has the lowest loss: every target has the largest logit",
        ),
        (Temperature("flat", None), "no temperature has the lowest loss: in every row"),
        (Temperature("none", None), "no temperature is fitted under --no-fit"),
        (Temperature("given", 2.5), "no temperature is fitted under --temperature"),
    ],
)
def test_quiet_without_a_temperature_says_why_alone(asked, monkeypatch, temperature, why):
    result = replace(UNFITTED, temperature=temperature, warnings=(Notice("zero", "zero"),))
    monkeypatch.setattr(room, "calibrate", lambda _: result)
    done = run(f"{LINE} -q -o t.txt")
    assert (done.code, done.out, done.err.count("\n"), asked) == (5, "", 1, [])
    assert done.err.startswith(f"nll: error: {why}")
    assert run(f"{LINE}").code == 0


def test_what_csv_lists(asked):
    for words, first in (("", "metric,value\n"), ("--bins 3", "probabilities,temperature,low,"), ("-q", "2.5\n")):
        form = "" if words == "-q" else "-f csv"
        assert run(f"{LINE} {form} {words}").out.startswith(first)
    assert len(asked) == 3


def test_a_gate_on_the_numbers_under_the_settings(asked, monkeypatch):
    given = replace(RESULT, temperature=Temperature("given", 2.5))
    assert run(f"{LINE} --require 'after.ece<0.05'").code == 0
    assert run(f"{LINE} --require 'ece<0.05'").code == 5
    monkeypatch.setattr(room, "calibrate", lambda _: given)
    assert run(f"{LINE} --temperature 2.5 --require 'ece<0.05'").code == 0
    assert run(f"{LINE} --temperature 2.5 --print ece,loss").out == f"{AFTER.ece}\n{AFTER.loss}\n"
    assert len(asked) == 2


def test_the_names_of_libraries_are_those_that_have_rules():
    assert tuple(PEERS) == settings.PEERS
