"""A loss is one record: whoever adds it has it in --loss, in compute and grad, and in Python."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from in_process import nll

import nllcli
from nllcli.numerics.losses import LOSSES, Loss

LOGITS = [[5.0, 4.0, 2.0], [4.0, 2.0, 8.0], [4.0, 4.0, 1.0]]
TARGETS = [0, 2, 1]
WEIGHTS = [1.0, 2.0, 3.0]


def softmax(row):
    powers = [math.exp(x) for x in row]
    return [power / sum(powers) for power in powers]


def by_hand(weights=(1.0, 1.0, 1.0)):
    """Twice -log p of each target times its weight, and the sum of the weights."""
    losses = [-2.0 * weights[y] * math.log(softmax(row)[y]) for row, y in zip(LOGITS, TARGETS, strict=True)]
    return losses, sum(weights[y] for y in TARGETS)


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setitem(LOSSES, "toy", Loss("Toy loss", "twice the target's -log p", "toy_loss"))


@pytest.fixture
def files(tmp_path):
    np.save(tmp_path / "logits.npy", np.array(LOGITS))
    np.save(tmp_path / "targets.npy", np.array(TARGETS))
    return str(tmp_path / "logits.npy"), str(tmp_path / "targets.npy")


def test_help_lists_it():
    code = (
        "from nllcli.numerics.losses import LOSSES, Loss; from nllcli.cli.main import main; "
        f"LOSSES['toy'] = Loss('Toy loss', {LOSSES['toy'].about!r}, 'toy_loss'); main(['compute', '--help'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    text = " ".join(done.stdout.split())
    assert "--loss nll|one-vs-rest|argmax|toy" in text
    assert "toy: twice the target's -log p" in text


def test_compute(files):
    done = nll("compute", *files, "--loss", "toy", "-f", "json", "--weights", "1,2,3")
    losses, total = by_hand(WEIGHTS)
    report = json.loads(done.out)
    assert report["loss"] == pytest.approx(sum(losses) / total, rel=1e-14)
    assert report["uniform_loss"] == pytest.approx(2.0 * math.log(3), rel=1e-15)
    assert report["perplexity"] is None
    assert "Toy loss of" in nll("compute", *files, "--loss", "toy").out


def test_grad(files, tmp_path):
    path = tmp_path / "grad.npy"
    assert nll("grad", *files, "--loss", "toy", "--reduction", "sum", "-o", str(path)).code == 0
    for found, row, y in zip(np.load(path), LOGITS, TARGETS, strict=True):
        assert found == pytest.approx([2.0 * (p - (c == y)) for c, p in enumerate(softmax(row))], rel=1e-13)


def test_python():
    losses, total = by_hand()
    assert nllcli.compute(LOGITS, TARGETS, loss="toy").loss == pytest.approx(sum(losses) / total, rel=1e-14)


def test_what_it_does_not_define_is_refused(files):
    done = nll("compute", *files, "--loss", "toy", "--label-smoothing", "0.1")
    assert (done.code, done.out) == (2, "")
    assert "label smoothing" in done.err
