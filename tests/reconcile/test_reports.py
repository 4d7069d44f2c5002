"""Numbers as people report them must be explained: by their convention, or by the value of one unknown."""

import functools
import json
import math
import re

import numpy as np
import pytest
from in_process import nll
from reconcile.reports import CASES, KINDS, UNKNOWNS

from nllcli.commands.reconcile.search import search

# Lines whose last digits are those of short numbers, and such as need another package.
BEYOND_DOUBLES = re.compile(r"half|bfloat16|float\(\)|sklearn")
NUMBERS_A_KIND = 40


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


@pytest.mark.uncounted
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_convention_is_named(case, reconcile, tmp_path):
    case.data.write(tmp_path)
    code, report = reconcile(case.data, case.expect)
    assert code == 0, report
    named = [match for match in report["matches"] if any(re.search(case.says, text, re.I) for text in texts_of(match))]
    assert named, [texts_of(match) for match in report["matches"]]
    assert any(match["value"] == pytest.approx(case.value(case.data), rel=1e-8) for match in named)


def value_of(line, names):
    """What a line of Python gives: statements, then an expression."""
    *statements, expression = line.split("; ")
    names = dict(names)
    exec("\n".join(statements), names)
    return float(eval(expression, names))


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


@pytest.mark.uncounted
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
    """Every number of the same inputs is looked for in one search."""
    found = functools.cache(lambda: search(*asked))
    asked = []

    def searched(*words):
        asked[:] = asked or words
        return found()

    monkeypatch.setattr("nllcli.commands.reconcile.reconcile.search", searched)


@pytest.mark.uncounted
def test_random_numbers_match_no_more_often_than_stated(reconcile, tmp_path, monkeypatch):
    """The reports say how often a number as long as theirs is matched by chance.

    Each number is a coin that falls on the matching side with the chance that its report states. A sum of such coins
    has the sum of the chances as its mean and less than that as its variance. So three standard deviations above the
    mean are at most total + 3 sqrt(total); one more covers a total so small that one match is already beyond that.
    """
    rng = np.random.default_rng(99)
    matched, total = 0, 0.0
    for data, own in KINDS.values():
        data.write(tmp_path)
        searched_once(monkeypatch)
        for number in own(data) * rng.uniform(0.3, 3, NUMBERS_A_KIND):
            code, report = reconcile(data, f"--expect={number:#.{rng.integers(5, 7)}g}")
            matched += code == 0
            total += report["chance"]
    assert matched <= total + 3 * math.sqrt(total) + 1
