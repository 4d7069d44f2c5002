"""--require 'KEY<NUMBER': exit code 5 unless it holds."""

import json
import math
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import oracle
import pytest
from commands import COMMANDS, PETS
from following import inside, meanings, offered, run
from in_process import nll

pytestmark = pytest.mark.uncounted

# One number of each, by its path.
NESTED = {
    "compute": "per_class[dog].mean_loss",
    "softmax": "probs[1].cat",
    "grad": "gradient[2].dog",
    "explain": "explanations[0].classes[horse].gradient",
    "reconcile": "matches[0].value",
    "weights": "classes[1].weight",
}
LOSSES = [-oracle.log_softmax(row)[target] for row, target in (((5, 4, 2), 0), ((4, 2, 8), 2), ((4, 4, 1), 1))]
LOSS = float(sum(LOSSES) / 3)  # of the pets


@pytest.fixture
def infinite(tmp_path):
    """Probabilities of 0 for the target, a loss of infinity."""
    (tmp_path / "p.csv").write_text("cat,dog\n0.5,0.5\n0,1\n1,0\n")
    (tmp_path / "y.txt").write_text("cat\ncat\ncat\n")
    return ("compute", tmp_path / "p.csv", tmp_path / "y.txt", "--from", "probs")


def below_and_above(number):
    """The numbers next to one that is finite."""
    return math.nextafter(number, -math.inf), math.nextafter(number, math.inf)


def asked(conditions):
    return [word for condition in conditions for word in ("--require", condition)]


@pytest.mark.uncounted
@pytest.mark.parametrize("command", COMMANDS)
def test_every_number_of_every_command(command):
    words = COMMANDS[command]
    plain = nll(*words, "-f", "json")
    numbers = {key: value for key, value in plain.json.items() if isinstance(value, int | float)}
    assert "n_samples" in numbers or command == "reconcile"
    for key, value in numbers.items():
        below, above = below_and_above(value)
        held = [f"{key}<{above!r}", f"{key}<={value!r}", f"{key}>{below!r}", f"{key}>={value!r}"]
        assert nll(*words, "-f", "json", *asked(held)) == plain
        failed = [f"{key}<{value!r}", f"{key}<={below!r}", f"{key}>{value!r}", f"{key}>={above!r}"]
        done = nll(*words, "-f", "json", *asked(failed))
        assert (done.code, done.out) == (5, plain.out)
        told = done.err.removeprefix(f"{plain.err}nll: error: ").partition("\n")[0].split("; ")
        for reason, condition in zip(told, failed, strict=True):
            assert reason.startswith(f"{key} is ")
            assert reason.endswith(f" (--require '{condition}')")


@pytest.mark.uncounted
@pytest.mark.parametrize("command", NESTED)
@pytest.mark.parametrize("shown", [(), ("-f", "json"), ("--print", "n_samples")], ids=" ".join)
def test_a_number_by_its_path(command, shown):
    words, path = COMMANDS[command], NESTED[command]
    if shown[:1] == ("--print",) and command == "reconcile":
        shown = ("--print", "n_tried")
    if not shown and command in ("softmax", "grad"):  # which write an array into a pipe
        shown = ("-f", "table")
    number = nll(*words, "--print", path).out.strip()
    plain = nll(*words, *shown)
    held = nll(*words, *shown, "--require", f"{path}<={number}", "--require", f"{path} >= {number}")
    assert held == plain
    done = nll(*words, *shown, "--require", f"{path}<{number}")
    assert (done.code, done.out) == (5, plain.out)
    assert done.err == f"nll: error: {path} is {number}, not below {number} (--require '{path}<{number}')\n"


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("loss<0.15", f"loss is {LOSS!r}, not below 0.15"),
        ("loss <= 15e-2", f"loss is {LOSS!r}, not at most 0.15"),
        ("loss>1", f"loss is {LOSS!r}, not above 1"),
        ("n_samples>=4", "n_samples is 3, not at least 4"),
        ("per_class[dog].accuracy>=0.5", "per_class[dog].accuracy is 0, not at least 0.5"),
        ("loss_name<1", "loss_name is not a number"),
        ("per_class>-1", "per_class is not a number"),
        ("per_class[dog]>-1", "per_class[dog] is not a number"),
        ("speed<1", "the JSON has no 'speed'"),
        ("loss[0]<1", "the JSON has no 'loss[0]'"),
    ],
)
def test_the_one_line_of_a_condition_that_does_not_hold(condition, reason):
    done = nll("compute", *PETS, "-q", "--require", condition)
    assert (done.code, done.out) == (5, f"{LOSS!r}\n")
    assert done.err.splitlines()[0] == f"nll: error: {reason} (--require '{condition}')"


def test_one_line_names_all_that_does_not_hold():
    conditions = ("loss<0.15", "bits<1", "accuracy>0.9")
    done = nll("compute", *PETS, "-q", *(word for each in conditions for word in ("--require", each)))
    assert (done.code, done.out) == (5, f"{LOSS!r}\n")
    assert done.err == (
        f"nll: error: loss is {LOSS!r}, not below 0.15 (--require 'loss<0.15'); "
        f"accuracy is {2 / 3!r}, not above 0.9 (--require 'accuracy>0.9')\n"
    )


@pytest.mark.parametrize("condition", ["loss<1e300", "loss>0", "loss_sum>=1"])
def test_infinity_does_not_pass(infinite, condition):
    done = nll(*infinite, "-q", "--require", condition)
    assert (done.code, done.out) == (5, "inf\n")
    assert f" is inf, not a finite number (--require '{condition}')\n" in done.err


@pytest.mark.parametrize(
    ("key", "reason"), [("loss", "is nan, not a finite number"), ("accuracy", "has no value here")]
)
@pytest.mark.parametrize("sign", ["<", "<=", ">", ">="])
def test_no_number_does_not_pass(tmp_path, key, reason, sign):
    (tmp_path / "y.txt").write_text("-100\n" * 3)
    if key == "accuracy":
        np.savetxt(tmp_path / "y.csv", np.full((3, 3), 1 / 3), delimiter=",", header="cat,dog,horse", comments="")
    targets = tmp_path / ("y.csv" if key == "accuracy" else "y.txt")
    done = nll("compute", PETS[0], targets, "-q", "--require", f"{key}{sign}0")
    assert done.code == 5
    assert done.err.endswith(f"nll: error: {key} {reason} (--require '{key}{sign}0')\n")


@pytest.mark.parametrize("key", ["loss", "standard_error", "perplexity"])
def test_a_number_that_is_missing_under_these_settings(tmp_path, key):
    (tmp_path / "x.csv").write_text("1,2\n")
    (tmp_path / "y.txt").write_text("1\n")
    settings = {"loss": ("--reduction", "none"), "standard_error": (), "perplexity": ("--loss", "one-vs-rest")}[key]
    done = nll("compute", tmp_path / "x.csv", tmp_path / "y.txt", "-q", *settings, "--require", f"{key}>=0")
    assert done.code == 5
    assert f"nll: error: {key} " in done.err


# --- what is not shown is computed for a condition, and not shown then either -----------------------------------------


@pytest.fixture
def many(tmp_path):
    """25 samples of 30 classes, class 7 always right by 1 / (1 + 29 / e)."""
    x, y = np.zeros((25, 30)), np.full(25, 7)
    x[:, 7] = 1
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    return ("compute", tmp_path / "x.npy", tmp_path / "y.npy")


@pytest.mark.uncounted
@pytest.mark.parametrize("key", ["per_class[7].mean_loss", "samples[24].loss", "losses[24]", "loss"])
@pytest.mark.parametrize("shown", [("-q",), *(("-f", name) for name in ("table", "json", "csv", "markdown"))])
def test_a_section_is_computed_though_it_is_not_shown(many, key, shown):
    plain = nll(*many, *shown)
    loss = math.log1p(29 * math.exp(-1))
    held = nll(*many, *shown, "--require", f"{key}<{loss + 1e-12!r}", "--require", f"{key}>{loss - 1e-12!r}")
    assert held == plain
    assert nll(*many, *shown, "--require", f"{key}<{loss - 1e-12!r}").out == plain.out


@pytest.mark.parametrize("shown", [("-q",), ("--print", "loss")], ids=" ".join)
def test_the_standard_error_is_computed_where_it_is_required(shown):
    error = float(sum((loss - sum(LOSSES) / 3) ** 2 for loss in LOSSES) / (2 * 3)) ** 0.5
    words = ("compute", *PETS, *shown, "--require", f"standard_error<{error + 1e-12!r}")
    assert nll(*words, "--require", f"standard_error>{error - 1e-12!r}") == nll("compute", *PETS, *shown)


@pytest.mark.parametrize(
    ("shown", "key"), [("--per-class", "samples[24].loss"), ("--per-sample", "per_class[7].count")]
)
def test_what_is_asked_for_is_shown_as_before(many, shown, key):
    assert nll(*many, shown, "-f", "csv", "--require", f"{key}>=0") == nll(*many, shown, "-f", "csv")


def test_a_section_that_is_not_there(tmp_path):
    (tmp_path / "t.txt").write_text("-0.5\n-0.25\n")
    words = ("compute", tmp_path / "t.txt", "--from", "token-log-probs", "-q")
    assert nll(*words, "--require", "samples[1].loss<=0.25").code == 0
    done = nll(*words, "--require", "per_class[0].accuracy>0")
    assert done.code == 5
    assert "nll: error: the JSON has no 'per_class[0].accuracy' (--require " in done.err


def test_a_printed_number_may_stand_deeper():
    done = nll("compute", *PETS, "--print", "per_class[cat].count,loss,per_class[class=dog].count")
    assert (done.code, done.out) == (0, f"1\n{LOSS!r}\n1\n")


def test_names_with_commas(tmp_path):
    (tmp_path / "x.csv").write_text('"a, b","c"\n1,2\n2,1\n')
    (tmp_path / "y.txt").write_text("0\n0\n")
    done = nll("compute", tmp_path / "x.csv", tmp_path / "y.txt", "--print", "per_class[a, b].count,n_samples")
    assert (done.code, done.out) == (0, "2\n2\n")


# --- where the report goes, and other exit codes ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["report.json", "report.csv", "report.md", "report.txt"])
def test_the_file_is_written_first(tmp_path, name):
    nll("compute", *PETS, "-o", tmp_path / f"plain-{name}")
    done = nll("compute", *PETS, "-o", tmp_path / name, "--require", "loss<0.15")
    assert (done.code, done.out) == (5, "")
    assert (tmp_path / name).read_bytes() == (tmp_path / f"plain-{name}").read_bytes()


@pytest.mark.parametrize("command", ["softmax", "grad"])
@pytest.mark.parametrize("into", ["p.npy", "p.csv", None])
def test_an_array_in_a_file_has_counts(tmp_path, command, into):
    words = (*COMMANDS[command], *(("-o", tmp_path / into) if into else ()))
    plain = nll(*words)
    key = {"softmax": "probs", "grad": "gradient"}[command]
    assert nll(*words, "--require", "n_samples>=3", "--require", "n_classes<=3") == plain
    done = nll(*words, "--require", f"{key}[0].cat<1")
    assert (done.code, done.out) == (5, plain.out)
    assert done.err.endswith(
        f"nll: error: the JSON has no '{key}[0].cat' (--require '{key}[0].cat<1')\nhint: {key} has no value here\n"
    )
    assert into is None or (tmp_path / into).exists()


def test_check_tells_what_it_found_too(tmp_path):
    (tmp_path / "p.csv").write_text("0.7,0.2,0.1\n" * 4)
    (tmp_path / "y.txt").write_text("0\n" * 4)
    words = ("check", tmp_path / "p.csv", tmp_path / "y.txt")
    found = nll(*words)
    assert found.code == 5
    assert nll(*words, "--require", "n_samples>=4") == found
    both = nll(*words, "--require", "n_errors<1")
    assert (both.code, both.out) == (5, found.out)
    assert both.err == f"{found.err}nll: error: n_errors is 1, not below 1 (--require 'n_errors<1')\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("compute", *PETS, "--print", "perplxity"), 2),
        (("compute", *PETS, "--weights", "1,2"), 2),
        (("compute", PETS[0], "samples/digits/targets.npy"), 3),
        (("compute", "missing.npy", PETS[1]), 4),
        (("compute", *PETS, "-o", "/dev/full"), 4),
    ],
)
def test_errors_keep_their_exit_codes(words, code):
    plain, done = nll(*words), nll(*words, "--require", "loss<0")
    assert (done.code, done.out) == (plain.code, plain.out) == (code, "")
    assert done.err.splitlines()[0] == plain.err.splitlines()[0]


def test_a_part_of_the_data_is_not_judged(tmp_path):
    with inside(tmp_path):
        for i, n in ((0, 2), (2, 3)):
            np.save(f"x-0000{i}-of-00003.npy", np.zeros((n, 2)))
            np.save(f"y-0000{i}-of-00003.npy", np.zeros(n, int))
        words = ("compute", "x-*.npy", "y-*.npy", "--partial", "-q")
        plain = nll(*words)
        assert plain.code == 3
        assert [nll(*words, "--require", each) for each in ("loss>0", "loss<0")] == [plain, plain]


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are not closed like this")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("compute", *PETS), f"loss is {LOSS!r}, not below 0.15 (--require 'loss<0.15')"),
        (("softmax", "{big}"), "standard output: is closed before every number is known"),
    ],
    ids=["report", "array"],
)
def test_the_gate_stays_shut_where_nobody_reads(tmp_path, words, told):
    np.save(tmp_path / "big.npy", np.zeros((50_000, 3)))
    words = [word.format(big=tmp_path / "big.npy") for word in words]
    ends = []
    for asked in (("--require", "loss<0.15"), ()):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "wb") as closed:
            done = subprocess.run(
                [sys.executable, "-u", "-m", "nllcli", *words, *asked],
                stdout=closed,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        ends.append((done.returncode, done.stderr))
    assert ends == [(5, f"nll: error: {told}\n"), (0, "")]


# --- what is no condition, and what was meant -------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_a_condition_is_read_before_any_work(command, tmp_path):
    given = [word if word not in PETS else "missing.npy" for word in COMMANDS[command]]
    done = nll(*given, "-o", tmp_path / "r.json", "--require", "loss<<1")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "nll: error: --require 'loss<<1' is not a condition\n"
        "hint: --require 'loss<0.15', in quotes: a key of the JSON, one of < <= > >=, and a number\n"
    )
    assert not (tmp_path / "r.json").exists()


@pytest.mark.parametrize(
    "condition",
    ["loss", "", "<0.15", "loss<", "loss<abc", "loss<nan", "loss<inf", "loss<<1", "a<b", "loss!=1", "1<2<<", "loss<x%"],
)
def test_what_is_not_a_condition(condition):
    done = nll("compute", *PETS, "--require", condition)
    assert (done.code, done.out, offered(done)) == (2, "", [])
    assert " is not a condition\nhint: --require 'loss<0.15', in quotes: " in done.err


@pytest.mark.parametrize(
    ("condition", "meant"),
    [
        ("loss=<0.5", ["loss<=0.5"]),
        ("loss => 0.5", ["loss>=0.5"]),
        ("loss≤0.5", ["loss<=0.5"]),
        ("loss≥0.5", ["loss>=0.5"]),
        ("0.5>loss", ["loss<0.5"]),
        ("0.5=<loss", ["loss>=0.5"]),
        ("accuracy>=60%", ["accuracy>=0.6"]),
        ("accuracy => 60 %", ["accuracy>=0.6"]),
        ("n_samples=3", ["n_samples<=3", "n_samples>=3", "n_samples<=3' --require 'n_samples>=3"]),
        ("n_samples == 3", ["n_samples<=3", "n_samples>=3", "n_samples<=3' --require 'n_samples>=3"]),
    ],
)
def test_what_was_meant_is_offered(condition, meant):
    words = ("compute", *PETS, "-q", "--require", "bits<1", "--require", condition)
    done = nll(*words)
    assert (done.code, done.out) == (2, "")
    lines = offered(done)
    kept = f"nll compute {' '.join(PETS)} -q --require 'bits<1' --require"
    assert [line.partition("  # ")[0] for line in lines] == [f"{kept} '{each}'" for each in meant]
    assert meanings(done) == (["at most", "at least", "exactly"] if len(meant) > 1 else [""])
    for line in lines:
        done = run(line)
        assert done.out == f"{LOSS!r}\n"
        assert done.code == (5 if "loss>=" in line else 0)


@pytest.mark.parametrize(
    ("condition", "meant"),
    [
        ("los<0.5", "loss<0.5"),
        ("per_clas[cat].accuracy >= 0.9", "per_class[cat].accuracy>=0.9"),
        ("per_class[caat].accuracy>=0.9", "per_class[cat].accuracy>=0.9"),
        ("per_class.cat.accuracy>=0.9", "per_class[cat].accuracy>=0.9"),
        ("per_class[cat].acuracy>=0.9", "per_class[cat].accuracy>=0.9"),
    ],
)
def test_a_slip_in_a_key(condition, meant):
    done = nll("compute", *PETS, "-q", "--require", condition, "--require", "bits<1")
    assert (done.code, done.out) == (5, f"{LOSS!r}\n")
    assert offered(done) == [f"nll compute {' '.join(PETS)} -q --require '{meant}' --require 'bits<1'"]
    assert run(offered(done)[0]).code == 0


@pytest.mark.parametrize(
    ("words", "code"), [(("-q", "--require", "per_class[1].count>=2"), 5), (("--print", "per_class[1].count"), 2)]
)
def test_a_number_that_is_a_name_and_a_place(tmp_path, words, code):
    """Classes 1, 2 and 3, of which 1 occurs twice, 2 not at all and 3 once."""
    (tmp_path / "y.txt").write_text("1\n3\n1\n")
    (tmp_path / "x.csv").write_text(Path(PETS[0]).read_text())
    with inside(tmp_path):
        done = nll("compute", "x.csv", "y.txt", "--classes", "1..3", *words)
        assert done.code == code
        assert "nll: error: per_class[1] in the JSON is more than one row" in done.err
        assert meanings(done) == ["row 0: class 1", "row 1: class 2"]
        first, second = map(run, offered(done))
    if code == 5:
        assert (first.code, second.code) == (0, 5)
    else:
        assert (first.out, second.out) == ("2\n", "0\n")


def test_a_bound_is_compared_exactly(tmp_path):
    """A loss is told from its neighbours in the last bit."""
    np.save(tmp_path / "p.npy", np.array([[0.9, 0.1]] * 3))
    np.save(tmp_path / "y.npy", np.zeros(3, int))
    words = ("compute", tmp_path / "p.npy", tmp_path / "y.npy", "--from", "probs")
    loss = json.loads(nll(*words, "-f", "json").out)["loss"]
    below, above = below_and_above(loss)
    assert Fraction(below) < Fraction(loss) < Fraction(above)
    codes = [nll(*words, "-q", "--require", f"loss<{bound!r}").code for bound in (below, loss, above)]
    assert codes == [5, 5, 0]
