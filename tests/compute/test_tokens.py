"""nll compute of one log-probability a token: the numbers, and what has no meaning without classes."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from in_process import nll

import nllcli

FROM = ("--from", "token-log-probs")
LP = np.random.default_rng(5).exponential(2, 300_000) * -1
FEW = [-2.303, -0.511, -4.605, -0.105]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", LP)
    Path("few.json").write_text(json.dumps([None, *FEW]), encoding="utf-8")
    return tmp_path


def test_all_numbers_of_many_tokens():
    found = nll("compute", "x.npy", *FROM, "-f", "json").json
    n, total = len(LP), -math.fsum(LP)
    spread = math.fsum((-x - total / n) ** 2 for x in LP)
    assert found["loss"] == pytest.approx(total / n, rel=1e-15)
    assert found["loss_sum"] == pytest.approx(total, rel=1e-15)
    assert found["standard_error"] == pytest.approx(math.sqrt(spread / (n - 1) / n), rel=1e-12)
    assert found["perplexity"] == pytest.approx(math.exp(total / n), rel=1e-12)
    assert found["bits"] == pytest.approx(total / n / math.log(2), rel=1e-12)
    assert (found["n_samples"], found["n_counted"], found["n_ignored"]) == (n, n, 0)
    assert not {"accuracy", "chance_loss", "uniform_loss", "n_classes", "per_class"} & found.keys()
    assert "from:token-log-probs" in found["signature"]
    assert "mean: sum / tokens counted" in nll("compute", "x.npy", *FROM).out


def test_the_same_bits_on_any_number_of_threads():
    one, four = (nll("compute", "x.npy", *FROM, "-q", "--threads", n).out for n in (1, 4))
    assert one == four
    assert nll("compute", "x.npy", *FROM, "-q", "--reduction", "sum").out == f"{-math.fsum(LP)!r}\n"


def test_the_first_token_is_ignored():
    found = nll("compute", "few.json", *FROM, "-f", "json", "--reduction", "none").json
    assert found["losses"] == [0.0, *(-x for x in FEW)]
    assert (found["n_samples"], found["n_counted"], found["n_ignored"]) == (5, 4, 1)
    done = nll("compute", "few.json", *FROM)
    assert "target" not in done.out
    assert "p(0)" not in done.out
    assert "nll: note: few.json: 1 token at the beginning of a text, which nothing predicts, not counted" in done.err


def test_losses_can_be_saved():
    assert nll("compute", "few.json", *FROM, "--save-losses", "l.npy").code == 0
    assert np.load("l.npy").tolist() == [0.0, *(-x for x in FEW)]
    np.save("grid.npy", LP[:6].reshape(2, 3))
    assert nll("compute", "grid.npy", *FROM, "--save-losses", "l.npy").code == 0
    assert np.load("l.npy").tolist() == (-LP[:6]).reshape(2, 3).tolist()


def test_one_weight_a_token():
    np.save("w.npy", [9.0, 1.0, 0.0, 2.0, 1.0])
    found = nll("compute", "few.json", *FROM, "--sample-weights", "w.npy", "-f", "json").json
    expected = (2.303 + 2 * 4.605 + 0.105) / 4
    assert found["loss"] == pytest.approx(expected, rel=1e-15)
    assert found["loss_unweighted"] == pytest.approx(-math.fsum(FEW) / 4, rel=1e-15)
    assert "mean: sum / sum of sample weights" in nll("compute", "few.json", *FROM, "--sample-weights", "w.npy").out
    np.save("w.npy", [1.0, 1.0])
    assert nll("compute", "few.json", *FROM, "--sample-weights", "w.npy").code == 3


WITHOUT_MEANING = {
    "targets": ["y.txt"],
    "--target-column": ["label"],
    "--classes": ["a,b"],
    "--class-axis": ["0"],
    "--shift": ["1"],
    "--binary": [],
    "--loss": ["argmax"],
    "--ignore-index": ["0"],
    "--label-smoothing": ["0.1"],
    "--temperature": ["2"],
    "--weights": ["1,2"],
    "--counts": ["1,2"],
    "--clip": ["auto"],
    "--per-class": [],
    "--save-probs": ["p.npy"],
    "--save-log-probs": ["p.npy"],
}


@pytest.mark.parametrize("name", WITHOUT_MEANING)
def test_what_needs_classes_is_refused(name):
    given = WITHOUT_MEANING[name] if name == "targets" else [name, *WITHOUT_MEANING[name]]
    done = nll("compute", "few.json", *given, *FROM)
    assert done.code == 2
    named = "TARGETS" if name == "targets" else name
    assert done.err.startswith(f"nll: error: {named} has no meaning for token-log-probs")
    meaning = "without it: each number is the log-probability of the token that occurred"
    lines = done.err.splitlines()[1:]
    assert lines[0] == f"try: nll compute few.json --from token-log-probs  # {meaning}"
    assert nll("compute", "few.json", *FROM).code == 0
    rows = "each row has the log-probabilities of all classes"
    others = [f"try: nll compute few.json {' '.join(given)} --from log-probs  # {rows}"]
    assert lines[1:] == (others if name in ("targets", "--target-column") else [])


def test_rows_of_all_classes_with_targets_are_read_so():
    np.save("rows.npy", np.log([[0.25, 0.75], [0.5, 0.5]]))
    np.save("y.npy", [0, 1])
    done = nll("compute", "rows.npy", "y.npy", "--from", "log-probs", "-q")
    assert float(done.out) == pytest.approx((math.log(4) + math.log(2)) / 2, rel=1e-14)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["check", "few.json"], "nll check"),
        (["explain", "few.json"], "nll explain"),
        (["reconcile", "few.json", "--expect", "1.881"], "nll reconcile"),
        (["grad", "few.json"], "a gradient"),
        (["compute", "few.json", "--save-grad", "g.npy"], "a gradient"),
    ],
)
def test_other_commands_need_classes(words, what):
    done = nll(*words, *FROM)
    assert done.code == 2
    told = f"{what} needs numbers for every class; token-log-probs have one a token"
    assert done.err == f"nll: error: {told}\nhint: nll compute takes --from token-log-probs\n"


def test_softmax_says_what_the_file_holds():
    done = nll("softmax", "few.json")
    assert (done.code, done.out) == (2, "")
    assert done.err == "nll: error: few.json: holds log-probabilities of tokens, not logits\n"


@pytest.mark.parametrize("words", [["--part", "all"], ["--unknown", "drop"]])
def test_parts_are_those_of_tokens(words):
    done = nll("compute", "x.npy", *words)
    assert done.err.splitlines() == [
        f"nll: error: {words[0]} is about token-log-probs; these are logits",
        f"try: nll compute x.npy {' '.join(words)} --from token-log-probs"
        "  # each number is the log-probability of the token that occurred",
        "try: nll compute x.npy  # they are logits",
    ]
    assert nll("compute", "x.npy", *words, *FROM).code == 0


# --- from Python ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (4,), (2, 2), (4, 1)])
def test_arrays_from_python(shape):
    values = np.array(FEW[: int(np.prod(shape))]).reshape(shape)
    found = nllcli.compute(values, source="token-log-probs", reduction="none")
    assert found.losses.tolist() == (-values).tolist()
    assert (found.n_classes, found.chance_loss, found.accuracy, found.class_names) == (None, None, None, ())
    assert nllcli.compute(values.astype("f4").T, source="token-log-probs").n_counted == values.size


def test_weights_and_unknown_tokens_from_python():
    weights = [1.0, 2.0, 3.0, 4.0]
    found = nllcli.compute(FEW, source="token-log-probs", sample_weights=weights)
    expected = math.fsum(-x * w for x, w in zip(FEW, weights, strict=True)) / 10
    assert float(found) == pytest.approx(expected, rel=1e-15)
    given = [*FEW, -9999.0, math.nan]
    with pytest.raises(nllcli.NllError, match=r"-9999\.0 is not a log-probability") as caught:
        nllcli.compute(given[:-1], source="token-log-probs")
    assert caught.value.__notes__ == ["try: unknown='drop'  # such tokens do not count"]
    found = nllcli.compute(given, source="token-log-probs", unknown="drop")
    assert float(found) == pytest.approx(-math.fsum(FEW) / 4, rel=1e-15)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"targets": [0, 1]}, "targets has no meaning"),
        ({"class_weights": np.ones(2)}, "class_weights has no meaning"),
        ({"clip": 1e-3}, "clip has no meaning"),
        ({"class_axis": 0}, "class_axis has no meaning"),
        ({"binary": True}, "binary has no meaning"),
        ({"temperature": 2.0}, "temperature has no meaning"),
        ({"part": "prompt"}, "part='prompt' has nothing to take"),
        ({"part": "x"}, "unknown part 'x'"),
        ({"unknown": "x"}, "unknown unknown 'x'"),
        ({"sample_weights": [1.0]}, "needs sample weights of shape"),
    ],
)
def test_what_python_refuses(options, told):
    with pytest.raises(nllcli.NllError, match=told):
        nllcli.compute([-1.0, -2.0], source="token-log-probs", **options)


def test_padding_is_asked_about_in_python():
    with pytest.raises(nllcli.NllError, match="padding, or tokens of probability 1") as caught:
        nllcli.compute([[-1.0, 0.0], [-2.0, -3.0]], source="token-log-probs")
    told = "part='all' counts them; write NaN for padding, which unknown='drop' leaves out"
    assert caught.value.__notes__ == [told]
    assert nllcli.compute([[-1.0, 0.0], [-2.0, -3.0]], source="token-log-probs", part="all").loss == 1.5


def test_nothing_that_counts():
    np.save("x.npy", [math.nan, -9999.0])
    done = nll("compute", "x.npy", *FROM, "--unknown", "drop", "-q")
    assert (done.code, done.out) == (0, "nan\n")
    assert "nll: warning: no token has a log-probability: the mean is NaN" in done.err
