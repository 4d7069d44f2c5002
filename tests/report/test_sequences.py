"""The loss along sequences, and the tokens that surprised, against a count of every token."""

import math

import numpy as np
import plain_pictures as plain
import pytest
from in_process import nll
from mpmath import mp
from predictions import sound

pytestmark = pytest.mark.uncounted

N, T, C = 7, 40, 5


@pytest.fixture(params=["plain", "padded", "shifted", "weighted"])
def case(request, tmp_path, monkeypatch):
    """How it is asked for, and of each sequence its tokens that count, by position."""
    monkeypatch.chdir(tmp_path)
    logits, targets = sound(5, N, T, C)
    words = ["x.npy", "y.npy"]
    if request.param == "padded":
        targets[:, 30:] = -100
        targets[2, 4:] = -100
    shift = 1 if request.param == "shifted" else 0
    if request.param == "weighted":
        np.save("w.npy", np.random.default_rng(0).integers(1, 9, (N, T)) / 2)
        words += ["--sample-weights", "w.npy"]
    np.save("x.npy", logits)
    np.save("y.npy", targets)
    scored = np.full((N, T), -100)
    scored[:, : T - shift] = targets[:, shift:]
    rows = [plain.samples(logits[i].tolist(), scored[i].tolist()) for i in range(N)]
    return [*words, "--shift", shift], rows, shift


def bits(loss):
    return float(loss / mp.log(2))


def test_the_loss_by_position(case):
    words, rows, shift = case
    found = nll("report", *words, "-f", "json", "--only", "positions").json["pictures"]["positions"]
    for row in found["rows"]:
        some = [each for one in rows for each in one if row["first"] <= each.number + shift <= row["last"]]
        assert row["count"] == len(some)
        assert row["mean_loss"] == pytest.approx(plain.mean(each.loss for each in some), rel=1e-12)
        assert row["standard_error"] == pytest.approx(plain.standard_error([each.loss for each in some]), rel=1e-7)
    assert sum(row["count"] for row in found["rows"]) == sum(map(len, rows))


def test_the_sentence_compares_the_beginning_with_the_end(case):
    words, rows, shift = case
    found = nll("report", *words, "-f", "json", "--only", "positions").json["pictures"]["positions"]
    if max(each.number for one in rows for each in one) + shift < T - 1:
        return  # whose last positions are padding
    n = (T - shift) // 8
    first = [each.loss for one in rows for each in one if each.number < n]
    last = [each.loss for one in rows for each in one if each.number >= T - shift - n]
    assert found["first_mean"] == pytest.approx(plain.mean(first), rel=1e-12)
    assert found["last_mean"] == pytest.approx(plain.mean(last), rel=1e-12)
    reach = 1.96 * math.hypot(plain.standard_error(first), plain.standard_error(last))
    difference = plain.mean(first) - plain.mean(last)
    told = "lose less" if difference > reach else "lose more" if -difference > reach else "no clear difference"
    assert told in found["answer"]


def test_the_hardest_sequence_and_its_tokens(case):
    words, rows, shift = case
    found = nll("report", *words, "-f", "json", "--only", "surprises").json["pictures"]["surprises"]
    order = sorted(range(N), key=lambda i: -plain.mean(each.loss for each in rows[i]))
    assert found["answer"].startswith(f"Sequence {order[0]}, the hardest")
    assert found["bits"] == pytest.approx(bits(mp.fsum(each.loss for each in rows[order[0]])) / len(rows[order[0]]))
    tokens = {(i, each.number + shift): each for i in order[:3] for each in rows[i]}
    worst = sorted(tokens, key=lambda place: -tokens[place].loss)[:20]
    assert [(row["sequence"], row["position"]) for row in found["rows"]] == worst
    for row, place in zip(found["rows"], worst, strict=True):
        assert row["token"] == str(tokens[place].target)
        assert row["bits"] == pytest.approx(bits(tokens[place].loss), rel=1e-12)
        before = [tokens.get((place[0], place[1] - k)) for k in (3, 2, 1)]
        assert row["before"] == " ".join(str(each.target) for each in before if each is not None)


def test_the_page_has_the_text_of_the_tokens(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    logits, targets = sound(1, 2, 12, 4)
    np.save("x.npy", logits)
    np.save("y.npy", targets)
    run = nll("report", "x.npy", "y.npy", "--classes", "the,<b>, cat,sat", "-o", "page.html")
    assert run.code == 0, run.err
    page = (tmp_path / "page.html").read_text()
    assert "What surprised it?" in page
    assert "&lt;b&gt;" in page
    assert "<b>cat" not in page


def test_positions_that_are_clearly_easier():
    from nllcli.commands.compute.pictures.positions import _Run, _verdict

    low, high = _Run(0, 1, 100, 1.0, 0.01), _Run(1, 2, 100, 2.0, 0.01)
    assert _verdict(high, low) == "later ones lose less"
    assert _verdict(low, high) == "later ones lose more"
    assert _verdict(low, _Run(1, 2, 1, 2.0, None)) == "that is no clear difference"
