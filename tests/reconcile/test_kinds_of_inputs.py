"""What reconcile prints for inputs of every kind gives the numbers it says: the commands, and the lines of Python."""

import json
import math
import re
import subprocess
import sys

import numpy as np
import pytest
from in_process import nll
from reconcile.printed import list_all, number_of, value_of

SOME = 25  # of the commands of each kind of inputs


def rows(rng, *shape):
    q = rng.random(shape)
    return q / q.sum(axis=-1, keepdims=True)


def one_hot(classes, n_classes, dtype=float):
    return np.eye(n_classes, dtype=dtype)[classes]


def kinds():
    rng = np.random.default_rng(12)
    x, y = rng.normal(0, 2, (23, 4)), rng.integers(0, 4, 23)
    logits, yes = rng.normal(0, 2, 23), rng.integers(0, 2, 23)
    tokens, ids = rng.normal(0, 2, (4, 6, 5)), rng.integers(0, 5, (4, 6))
    ids[:, 4:] = np.where(rng.random((4, 2)) < 0.5, -100, ids[:, 4:])
    images, pixels = rng.normal(0, 2, (3, 4, 2, 3)), rng.integers(0, 4, (3, 2, 3))
    return {
        "one-hot": (x, one_hot(y, 4)),
        "one-hot integers": (x, one_hot(y, 4, np.int64)),
        "one-hot with weights": (x, one_hot(y, 4), "--weights", "1,2,0.5,3"),
        "probabilities": (x, rows(rng, 23, 4)),
        "probabilities, smoothed": (x, rows(rng, 23, 4), "--label-smoothing", "0.2"),
        "probabilities, classes first": (x.T.copy(), rows(rng, 23, 4).T.copy(), "--class-axis", "0"),
        "probabilities of tokens": (tokens, rows(rng, 4, 6, 5), "--class-axis", "2"),
        "one logit": (logits, yes, "--binary"),
        "one logit, labels as floats": (logits, yes.astype(float), "--binary"),
        "one logit, probabilities": (logits, rng.random(23), "--binary"),
        "one logit a pixel": (images[:, :1], pixels % 2, "--binary"),
        "tokens": (tokens, ids, "--shift", "1"),
        "one row of tokens": (tokens[:1], ids[:1] % 5, "--shift", "1"),
        "images": (images, pixels),
        "weights and smoothing": (x, y, "--weights", "1,0,0.5,3", "--label-smoothing", "0.3"),
        "NaN let through": (np.where(rng.random((23, 1)) < 0.2, np.nan, x), y, "--on-nonfinite", "nan"),
    }


@pytest.fixture
def everything(tmp_path, monkeypatch):
    """All conventions that are tried on inputs, and their arrays."""
    monkeypatch.chdir(tmp_path)
    list_all(monkeypatch)

    def run(kind):
        x, y, *options = kinds()[kind]
        np.save("x.npy", x)
        np.save("y.npy", y)
        done = nll("reconcile", "x.npy", "y.npy", *options, "--expect", "1", "--tolerance", "1e300", "-f", "json")
        assert done.code == 0, done.err
        return json.loads(done.out)["matches"], x, y

    return run


def is_rounded(match):
    return "rounded" in match["description"]


@pytest.mark.uncounted
@pytest.mark.parametrize("kind", kinds())
def test_commands_give_the_number(kind, everything):
    matches, *_ = everything(kind)
    having = [match for match in matches if match["command"] and not is_rounded(match)]
    assert len(having) > 5 or kind == "NaN let through"
    for match in having[:: max(1, len(having) // SOME)]:
        assert number_of(match) == pytest.approx(match["value"], rel=1e-9, abs=1e-12), match


@pytest.mark.uncounted
@pytest.mark.parametrize("kind", kinds())
def test_lines_of_python_give_the_number(kind, everything):
    torch = pytest.importorskip("torch")
    matches, x, y = everything(kind)
    names = {"math": math, "torch": torch, "F": torch.nn.functional, "logits": torch.from_numpy(x)}
    names["targets"] = torch.from_numpy(y)
    for match in matches:
        line = match["python"]
        if line and not re.search(r"sklearn|half|bfloat16|float\(\)", line):
            assert value_of(line, names) == pytest.approx(match["value"], rel=1e-6, abs=1e-9), (
                match["description"],
                line,
            )


@pytest.mark.parametrize("kind", ["probabilities", "probabilities, smoothed", "one logit, probabilities"])
def test_class_weights_are_not_tried_with_probabilities(kind, everything):
    matches, *_ = everything(kind)
    assert not any("weights" in match["description"].replace("the targets' weights", "") for match in matches)


@pytest.mark.parametrize("kind", ["one logit, labels as floats", "one logit, probabilities"])
def test_binary_targets_that_are_floats(kind, everything):
    """By hand: the sum, and the mean in bits, of y (-log p) + (1 - y) (-log(1 - p))."""
    matches, x, y = everything(kind)
    log_p = [-math.log1p(math.exp(-value)) for value in x.tolist()]
    losses = [-(q * a + (1 - q) * (a - value)) for value, a, q in zip(x.tolist(), log_p, y.tolist(), strict=True)]
    values = {match["description"]: match["value"] for match in matches}
    assert values["your own settings"] == pytest.approx(math.fsum(losses) / 23, rel=1e-12)
    assert values["sum"] == pytest.approx(math.fsum(losses), rel=1e-12)
    assert values["bits"] == pytest.approx(math.fsum(losses) / 23 / math.log(2), rel=1e-12)


def unusual():
    rng = np.random.default_rng(13)
    x, y = rng.normal(0, 2, (9, 3)), rng.integers(0, 3, 9)
    halves = (x.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    tokens = rng.normal(0, 2, (3, 4, 5))
    return {
        "Fortran order": (np.asfortranarray(tokens), rng.integers(0, 5, (3, 4))),
        "one sample": (x[:1], y[:1]),
        "two classes": (x[:, :2], y % 2),
        "eleven classes": (rng.normal(0, 2, (20, 11)), np.arange(20) % 11),
        "ten classes": (rng.normal(0, 2, (20, 10)), np.arange(20) % 10),
        "another loss": (x, y, "--loss", "one-vs-rest"),
        "bfloat16": (halves, y, "--input-dtype", "bfloat16"),
        "much smoothing": (x, y, "--label-smoothing", "0.9"),
        "probabilities": (rows(rng, 9, 3), y, "--from", "probs"),
        "NaN": (np.where(np.arange(9)[:, None] == 4, np.nan, x), np.where(np.arange(9) == 4, -100, y)),
        "NaN let through": (np.where(np.arange(9)[:, None] == 4, np.nan, x), y, "--on-nonfinite", "nan"),
    }


@pytest.mark.parametrize("kind", unusual())
def test_unusual_inputs_have_the_number_of_compute(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x, y, *options = unusual()[kind]
    np.save("x.npy", x)
    np.save("y.npy", y)
    own = nll("compute", "x.npy", "y.npy", *options, "-q")
    assert own.code == 0, own.err
    done = nll("reconcile", "x.npy", "y.npy", *options, "--expect", own.out.strip().replace("nan", "1"), "-f", "json")
    assert done.code in (0, 5), done.err
    assert str(json.loads(done.out)["own_value"]).replace("None", "nan") == str(float(own.out))


@pytest.mark.parametrize(
    ("options", "suspect", "description"),
    [
        (["--clip", "0.1"], "epsilon=0.01", "-log(p + 0.01)"),
        (["--loss", "one-vs-rest"], "label-smoothing=0.15", "label smoothing 0.15"),
        (["--from", "probs"], "z-loss=0.01", "z-loss added: 0.01 times the squared logsumexp (PaLM, OLMo)"),
    ],
)
def test_a_suspect_is_not_the_own_number_under_another_name(options, suspect, description, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(16)
    np.save("x.npy", rows(rng, 12, 3))
    np.save("y.npy", rng.integers(0, 3, 12))
    own = nll("compute", "x.npy", "y.npy", *options, "-q").out.strip()
    done = nll("reconcile", "x.npy", "y.npy", *options, "--try", suspect, "--expect", own, "-f", "json")
    [match] = json.loads(done.out)["matches"]
    assert description not in (match["description"], *match["also"].split(" | "))


def test_a_size_of_batches_in_another_order_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.asfortranarray(np.random.default_rng(17).normal(0, 2, (6, 4, 3))))
    np.save("y.npy", np.zeros((6, 4), np.int64))
    done = nll("reconcile", "x.npy", "y.npy", "--batch-size", "3", "--expect", "1", "-f", "json")
    [told] = [each["message"] for each in json.loads(done.out)["warnings"] if each["code"] == "batch-size-untried"]
    assert told == "batches of 3 are not tried: the file has the samples in another order than the targets"


def test_a_size_that_cannot_be_tried_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("nllcli.commands.reconcile.survey._MOST_RUNS", 8)
    rng = np.random.default_rng(14)
    x, y = rng.normal(0, 2, (60, 3)), rng.integers(0, 3, 60)
    np.save("x.npy", x)
    np.save("y.npy", y)
    losses = (np.log(np.exp(x).sum(axis=1)) - x[np.arange(60), y]).tolist()

    def described(size, *sizes):
        batches = [losses[i : i + size] for i in range(0, 60, size)]
        mean = math.fsum(math.fsum(batch) / len(batch) for batch in batches) / len(batches)
        suspects = [word for each in sizes for word in ("--batch-size", str(each))]
        done = nll("reconcile", "x.npy", "y.npy", *suspects, "--expect", f"{mean:.12g}", "-f", "json")
        report = json.loads(done.out)
        messages = [warning["message"] for warning in report["warnings"]]
        return f"mean of the means of batches of {size}" in [m["description"] for m in report["matches"]], messages

    assert described(9, 9)[0]  # 60 samples in 8 runs are 8 a run, and 9 are nearly as few
    found, messages = described(7, 7, 100)
    assert not found
    assert messages[:2] == [
        "batches of 7 are not tried: with this many samples only multiples of 8 can be",
        "batches of 100 are not tried: there are only 60 samples",
    ]


def test_several_files_have_commands_that_work(tmp_path, monkeypatch):
    """Not to write their probabilities into one, nor to shift samples across the ends of files."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(18)
    x, y = rng.normal(0, 2, (20, 3)), rng.integers(0, 3, 20)
    for i, part in enumerate((slice(0, 11), slice(11, 20))):
        np.save(f"x-{i}.npy", x[part])
        np.save(f"y-{i}.npy", y[part])
    np.save("x.npy", x)
    np.save("y.npy", y)
    nll("softmax", "x.npy", "-o", "p.npy")
    for words, has_command in (
        (["x.npy", "y.npy", "--reduction", "sum"], True),
        (["x.npy", "y.npy", "--shift", "1"], False),
        (["p.npy", "y.npy"], False),
    ):
        number = nll("compute", *words, "-q").out.strip()
        done = nll("reconcile", "x-*.npy", "y-*.npy", "--expect", number, "-f", "json")
        match = json.loads(done.out)["matches"][0]
        assert bool(match["command"]) == has_command
        if has_command:
            assert number_of(match) == pytest.approx(float(number), rel=1e-12)


def test_targets_from_standard_input(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(15)
    np.save("x.npy", rng.normal(0, 2, (9, 3)))
    (tmp_path / "y.txt").write_text("0\n2\n1\n0\n0\n1\n2\n2\n1\n")
    expect = nll("compute", "x.npy", "y.txt", "--reduction", "sum", "-q").out.strip()
    run = [sys.executable, "-m", "nllcli", "reconcile", "x.npy", "-", "--expect"]
    for number, code in ((expect, 0), ("77.123456", 5)):
        done = subprocess.run(
            [*run, number], input=(tmp_path / "y.txt").read_bytes(), capture_output=True, check=False, timeout=60
        )
        assert done.returncode == code, done.stderr
