"""Numbers as people report them must be explained: by their convention, or by the value of one unknown."""

import functools
import json
import math
import re

import numpy as np
import pytest
from in_process import nll
from reconcile.printed import number_of, value_of
from reconcile.reports import CASES, KINDS, LAYOUT, SUSPECTS, TARGETS, UNKNOWNS, own

from nllcli.commands.reconcile.search import search

# Lines whose last digits are those of short numbers, and such as need another package.
BEYOND_DOUBLES = re.compile(r"half|bfloat16|float\(\)|sklearn")
NUMBERS_A_KIND = 40
COUNTED = (*LAYOUT, *TARGETS, *SUSPECTS)
NAMED = [pytest.param(case, marks=() if case in COUNTED else pytest.mark.uncounted, id=case.id) for case in CASES]


@pytest.fixture
def reconcile(tmp_path, monkeypatch):
    """The exit code, the JSON report and what went to standard error."""
    monkeypatch.chdir(tmp_path)

    def run(data, expect):
        done = nll("reconcile", *data.words, expect, "-f", "json")
        assert done.code in (0, 5), done.err
        return done.code, json.loads(done.out)

    return run


def texts_of(match):
    return [match["description"], *(match["also"] or "").split(" | ")]


@pytest.mark.parametrize("case", NAMED)
def test_the_convention_is_named(case, reconcile, tmp_path):
    case.data.write(tmp_path)
    code, report = reconcile(case.data, case.expect)
    assert code == 0, report
    named = [match for match in report["matches"] if any(re.search(case.says, text, re.I) for text in texts_of(match))]
    assert named, [texts_of(match) for match in report["matches"]]
    assert any(match["value"] == pytest.approx(case.value(case.data), rel=1e-11) for match in named)
    for match in report["matches"][:3]:
        if match["command"]:
            assert number_of(match) == pytest.approx(match["value"], rel=1e-9), match["command"]


def tensors(data):
    """What the lines of Python may name: the files' arrays, in their own shapes."""
    torch = pytest.importorskip("torch")

    def tensor(values):
        return torch.tensor(values, dtype=torch.int64 if np.issubdtype(values.dtype, np.integer) else torch.float64)

    logits, targets, *sample_weights = data.files.values()
    names = {"math": math, "torch": torch, "F": torch.nn.functional}
    names |= {"logits": tensor(logits), "targets": tensor(targets)}
    return names | ({"sample_weights": tensor(sample_weights[0])} if sample_weights else {})


@pytest.mark.uncounted
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_lines_of_python_give_the_number(case, reconcile, tmp_path):
    names = tensors(case.data)
    case.data.write(tmp_path)
    _, report = reconcile(case.data, case.expect)
    for match in report["matches"]:
        line = match["python"]
        if line and not BEYOND_DOUBLES.search(line):
            assert value_of(line, names) == pytest.approx(match["value"], rel=1e-6, abs=1e-9), line


@pytest.mark.parametrize("unknown", UNKNOWNS, ids=lambda unknown: unknown.name)
def test_an_unknown_is_solved_for(unknown, reconcile, tmp_path):
    unknown.data.write(tmp_path)
    code, report = reconcile(unknown.data, unknown.expect)
    assert code == 5, report["matches"]
    assert report["matches"] == []
    chances = [
        entry["chance"]
        for entry in report["solved"]
        if entry["unknown"] == unknown.name and entry["value"] == pytest.approx(unknown.true, rel=1e-6)
    ]
    assert chances, report["solved"]
    assert 0 <= min(chances) < 0.05


def searched_once(monkeypatch):
    """Every number of the same inputs is looked for in one search, and nothing is solved for."""
    found = functools.cache(lambda: search(*asked))
    asked = []

    def searched(*words):
        asked[:] = asked or words
        return found()

    monkeypatch.setattr("nllcli.commands.reconcile.reconcile.search", searched)
    monkeypatch.setattr("nllcli.commands.reconcile.reconcile.solved", lambda *_: ())


@pytest.mark.uncounted
def test_random_numbers_match_as_often_as_stated(reconcile, tmp_path, monkeypatch):
    """The reports say how often a number as long as theirs is matched by chance.

    Each number is a coin that falls on the matching side with the chance that its report states. A sum of such coins
    has the sum of the chances as its mean and less than that as its variance. So it lies within three standard
    deviations, 3 sqrt(total) at most, of that mean; one more covers a total so small that one match is beyond that.
    """
    rng = np.random.default_rng(99)
    matched, total = 0, 0.0
    for data, own_loss in KINDS.values():
        data.write(tmp_path)
        searched_once(monkeypatch)
        for number in own_loss(data) * rng.uniform(0.3, 3, NUMBERS_A_KIND):
            code, report = reconcile(data, f"--expect={number:#.{rng.integers(4, 6)}g}")
            matched += code == 0
            total += report["chance"]
    assert abs(matched - total) <= 3 * math.sqrt(total) + 1


@pytest.mark.parametrize("options", [[], ["--weights", "1,3,0.5"], ["--label-smoothing", "0.1"]], ids=" ".join)
def test_one_hot_targets_have_the_number_of_compute(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(7)
    np.save("x.npy", rng.normal(0, 2, (20, 3)))
    np.save("y.npy", np.eye(3)[rng.integers(0, 3, 20)])
    own = nll("compute", "x.npy", "y.npy", *options, "-q").out.strip()
    done = nll("reconcile", "x.npy", "y.npy", *options, f"--expect={own}", "-f", "json")
    assert done.code == 0
    report = json.loads(done.out)
    assert report["own_value"] == pytest.approx(float(own), rel=1e-14)
    assert report["matches"][0]["description"] == "your own settings"
    for match in report["matches"]:
        if match["command"]:
            assert number_of(match) == pytest.approx(match["value"], rel=1e-9)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("label-smoothing", "--try label-smoothing has no value"),
        ("label-smoothing=", "'' is not a number between 0 and 1"),
        ("label-smoothing=1.5", "'1.5' is not a number between 0 and 1"),
        ("label-smothing=0.1", "did you mean 'label-smoothing'?"),
        ("colour=3", "one of: label-smoothing, temperature"),
        ("temperature=0", "'0' is not a number above 0"),
        ("clip=nan", "'nan' is not a number between 0 and 0.5"),
        ("divisor=2.5", "'2.5' is not a whole number from 1"),
        ("ignore-index=x", "'x' is not a whole number"),
        ("factor=0", "'0' is not a number other than 0"),
    ],
)
def test_a_suspect_that_cannot_be_tried(typed, message):
    done = nll("reconcile", "x.npy", "y.npy", "--expect", "1", "--try", typed)
    assert done.code == 2
    assert message in done.err


@pytest.mark.parametrize("typed", ["epsilon=0.003", "ignore-index=2", "divisor=7", "factor=1.5"])
@pytest.mark.usefixtures("reconcile")
def test_a_suspect_is_tried_with_everything(typed, tmp_path):
    """Each of these numbers is a sum, worked out by hand, which has one departure more."""
    data = KINDS["plain"][0]
    data.write(tmp_path)
    losses, targets = own(data), data.y
    value = {
        "epsilon=0.003": lambda: -math.fsum(math.log(math.exp(-loss) + 0.003) for loss in losses),
        "ignore-index=2": lambda: math.fsum(loss for loss, y in zip(losses, targets, strict=True) if y != 2),
        "divisor=7": lambda: math.fsum(losses) / 7 / math.log(2),
        "factor=1.5": lambda: 1.5 * math.fsum(losses),
    }[typed]()
    done = nll("reconcile", *data.words, f"--expect={value:.10g}", "--try", typed, "-f", "json")
    assert done.code == 0, done.err
    described = [text for match in json.loads(done.out)["matches"] for text in texts_of(match)]
    wanted = {"epsilon": "-log(p + 0.003); sum", "ignore-index": "target 2 ignored; sum"}
    wanted |= {"divisor": "sum / 7; bits", "factor": "times 1.5; sum"}
    assert wanted[typed.partition("=")[0]] in described
