"""A loss is one record: one that is not a sum over the classes and scores no single class is explained too."""

from pathlib import Path

import oracle
import pytest
from in_process import nll

from nllcli.numerics.losses import LOSSES, Loss

PETS = [Path(__file__).parents[2] / "samples" / "pets" / name for name in ("logits.csv", "targets.txt")]
ROWS, TARGETS, WEIGHTS = [[5, 4, 2], [4, 2, 8], [4, 4, 1]], [0, 2, 1], [1, 0.2, 0.5]


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    """Twice the negative log-likelihood."""
    monkeypatch.setitem(LOSSES, "toy", Loss("Toy loss", "twice the target's -log p", "toy_loss"))


def test_numbers():
    words = ["--loss", "toy", "--weights", "1,0.2,0.5", "--row", 1, "--hardest", 1]
    report = nll("explain", *PETS, *words, "-f", "json").json
    losses = [2 * float(oracle.sample_loss(row, y)) for row, y in zip(ROWS, TARGETS, strict=True)]
    weighted = [WEIGHTS[y] * loss for loss, y in zip(losses, TARGETS, strict=True)]
    slopes = oracle.gradient(ROWS, TARGETS, reduction="sum", class_weights=WEIGHTS)
    assert report["loss_name"] == "toy"
    assert report["loss"] == pytest.approx(sum(weighted) / sum(WEIGHTS), rel=1e-14)
    hardest = max(range(3), key=weighted.__getitem__)
    assert [e["sample"] for e in report["explanations"]] == [1, hardest]
    for e in report["explanations"]:
        i = e["sample"]
        assert (e["loss"], e["weighted_loss"]) == pytest.approx((losses[i], weighted[i]), rel=1e-14)
        assert [c["gradient"] for c in e["classes"]] == pytest.approx([2 * float(s) for s in slopes[i]], rel=1e-12)
        assert [c["share"] for c in e["classes"]] == [None] * 3


def test_page():
    page = nll("explain", *PETS, "--loss", "toy", "--weights", "1,0.2,0.5", "--row", 2).out
    assert page.startswith("Toy loss of ")
    assert "\n  loss, twice the target's -log p  1.4355 nats\n" in page
    assert "\n  times the class weight           0.2 × 1.4355 = 0.2871\n" in page
    assert "\nGradient\n" in page
    assert "loss, -log p" not in page


def test_samples_that_do_not_count():
    page = nll("explain", *PETS, "--loss", "toy", "--ignore-index", 2, "--row", 1).out
    assert "its target is 2, the ignored index: it does not count" in page


def test_a_loss_without_targets(monkeypatch):
    loss = Loss("Toy loss", "twice -log p of the first class", "toy_loss", needs_targets=False)
    monkeypatch.setitem(LOSSES, "toy", loss)
    page = nll("explain", PETS[0], "--loss", "toy", "--row", 2).out
    assert "\n  loss, twice -log p of the first class  1.4355 nats\n" in page
