"""What is measured at a temperature, bins apart, by its definition in 50 digits."""

import numpy as np
import oracle
import pytest
from calibrated import calibrate, drawn, masked, soft, softmax
from mpmath import erfc, fsum, log, mp, mpf, sqrt
from one_block import worst_error

pytestmark = pytest.mark.uncounted

mp.dps = 50
N, C = 30, 4
X, Y = drawn(N, C)
SURE_X, SURE_Y = drawn(N, C, scale=40.0, temperature=15.0)
RNG = np.random.default_rng(3)
WEIGHTS = np.where(np.arange(N) % 7 == 0, 0.0, RNG.random(N))
TIES = np.round(X)
NAMES = ("loss", "accuracy", "weighted_accuracy", "confidence", "overconfidence", "brier", "brier_half")


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def plain(x, y, temperature, *, source="logits", weights=None, sample_weights=None):
    """The numbers by name, one sample at a time."""
    of_class = [mpf(1)] * C if weights is None else [mpf(w) for w in weights]
    rows = []
    for i, row in enumerate(np.asarray(x).tolist()):
        if np.ndim(y[i]) == 0 and y[i] == -100:
            continue
        given = [0.0, *row] if len(row) == 1 else row
        log_p, log_q = oracle.log_probabilities(given, source=source, temperature=temperature)
        share = [mpf(float(q)) for q in y[i]] if np.ndim(y[i]) else [mpf(int(k == y[i])) for k in range(len(given))]
        w = mpf(1) if sample_weights is None else mpf(float(sample_weights[i]))
        if not np.ndim(y[i]):
            w, costs = w * of_class[int(y[i])], share
        else:
            costs = [c * s for c, s in zip(of_class, share, strict=False)]
        loss = fsum(oracle.times(cost, -each) for cost, each in zip(costs, log_p, strict=True))
        p, q = ([mp.exp(each) for each in logs] for logs in (log_p, log_q))
        top = given.index(max(given))
        brier = fsum((a - b) ** 2 for a, b in zip(p, share, strict=True))
        rows.append((w, loss, p[top], q[top], share[top], brier, share))
    total = fsum(row[0] for row in rows)

    def mean(number):
        return fsum(row[0] * number(row) for row in rows) / total

    found = {
        "loss": mean(lambda row: row[1]),
        "accuracy": None if np.ndim(y[0]) else fsum(row[4] for row in rows) / len(rows),
        "weighted_accuracy": mean(lambda row: row[4]),
        "confidence": mean(lambda row: row[2]),
        "brier": mean(lambda row: row[5]),
    }
    found["overconfidence"] = found["confidence"] - found["weighted_accuracy"]
    found["brier_half"] = found["brier"] / 2
    deviation = fsum(w * (a - c) * (q - c) for w, _, c, q, a, *_ in rows)
    found["z"] = deviation / sqrt(fsum((w * (q - c)) ** 2 * c * q for w, _, c, q, *_ in rows))
    shares = [mean(lambda row, k=k: row[6][k]) for k in range(len(rows[0][6]))]
    entropy = -fsum(each * log(each) for each in shares if each)
    found["d2"] = 1 - found["loss"] / entropy if entropy else None
    return found


CASES = {
    "plain": (X, Y, {}),
    "sure": (SURE_X, SURE_Y, {}),
    "ties": (TIES, Y, {}),
    "masked": (masked(X, Y), Y, {}),
    "float32": (X.astype(np.float32), Y, {}),
    "ignored": (X, np.where(np.arange(N) % 4 == 1, -100, Y), {}),
    "weighted": (X, Y, {"sample_weights": WEIGHTS}),
    "both weights": (X, Y, {"weights": [1.0, 0.0, 3.0, 0.5], "sample_weights": WEIGHTS}),
    "soft": (X, soft(X, Y), {"sample_weights": WEIGHTS}),
    "binary": (np.diff(X[:, :2]), Y % 2, {}),
    "probs": (softmax(X), Y, {"source": "probs"}),
    "log-probs": (np.log(softmax(X)), Y, {"source": "log-probs"}),
}


@pytest.mark.parametrize("case", CASES)
def test_means_and_tests(case):
    x, y, settings = CASES[case]
    found = calibrate(x, y, "--temperature", "2.5", **settings)
    for measured, temperature in ((found["before"], 1), (found["after"], 2.5)):
        expected = plain(x, y, temperature, **settings)
        # Probabilities that are given are rounded, and what they lack to 1 with them.
        limit = 1e-13 if settings.get("source", "logits") == "logits" else 1e-11
        for name in NAMES:
            value = expected[name]
            assert measured[name] == (None if value is None else pytest.approx(float(value), rel=limit, abs=1e-16)), (
                name
            )
        assert measured["spiegelhalter_z"] == pytest.approx(float(expected["z"]), rel=1e-10)
        p = erfc(abs(expected["z"]) / sqrt(mpf(2)))
        assert measured["spiegelhalter_p"] == pytest.approx(float(p), rel=1e-9)
    assert found["d2_log_loss"] == pytest.approx(float(plain(x, y, 1, **settings)["d2"]), rel=1e-12)


def test_what_a_sure_answer_lacks_keeps_its_digits():
    x = np.array([[40.0, 0.0, -3.0], [90.0, 1.0, 0.0], [300.0, 0.0, 0.0]])
    y = np.zeros(3, int)
    found, expected = calibrate(x, y, "--no-fit")["before"], plain(x, y, 1)
    assert worst_error([found["brier"], found["loss"]], [expected["brier"], expected["loss"]]) < 1e-13


def test_of_one_class_alone():
    found = calibrate(X, Y, "--of", "class:2", "--no-fit", "--bins", "4")
    p = [oracle.softmax(row)[2] for row in X]
    deviation = fsum((int(y == 2) - c) * (1 - 2 * c) for y, c in zip(Y, p, strict=True))
    z = deviation / sqrt(fsum((1 - 2 * c) ** 2 * c * (1 - c) for c in p))
    assert found["before"]["spiegelhalter_z"] == pytest.approx(float(z), rel=1e-12)
    assert sum(each["count"] for each in found["before"]["bins"]) == N
    gaps = []
    for k in range(4):
        own = [(int(y == 2), c) for y, c in zip(Y, p, strict=True) if k < 4 * c <= k + 1]
        gaps.append(abs(fsum(a - c for a, c in own)))
    assert found["before"]["ece"] == pytest.approx(float(fsum(gaps) / N), rel=1e-12)
    assert found["before"]["confidence"] == calibrate(X, Y, "--no-fit")["before"]["confidence"]


@pytest.mark.parametrize("threshold", [None, 0.1])
def test_of_each_class(threshold):
    words = [] if threshold is None else ["--threshold", threshold]
    found = calibrate(X, Y, "--per-class", "--no-fit", "--bins", "3", *words)
    p = [oracle.softmax(row) for row in X]
    errors = []
    for k, row in enumerate(found["per_class"]):
        own = [(int(y == k), each[k]) for y, each in zip(Y, p, strict=True) if each[k] > (threshold or 0)]
        assert row["count"] == sum(k == Y)
        assert row["confidence"] == pytest.approx(float(fsum(c for _, c in own) / len(own)), rel=1e-13)
        assert row["frequency"] == pytest.approx(sum(a for a, _ in own) / len(own), rel=1e-15)
        bins = [[(a, c) for a, c in own if b < 3 * c <= b + 1] for b in range(3)]
        errors.append(fsum(abs(fsum(a - c for a, c in each)) for each in bins) / len(own))
        assert row["ece"] == pytest.approx(float(errors[-1]), rel=1e-12)
        assert row["mce"] == pytest.approx(float(max(abs(fsum(a - c for a, c in b)) / len(b) for b in bins if b)))
    assert found["before"]["ece_classwise"] == pytest.approx(float(fsum(errors) / C), rel=1e-12)


def test_numbers_without_a_meaning_are_none():
    nothing = calibrate(X[:0], Y[:0], "--no-fit")
    assert {nothing["before"][name] for name in NAMES} == {None}
    assert nothing["d2_log_loss"] is None
    assert calibrate(X, np.zeros(N, int), "--no-fit")["d2_log_loss"] is None
    assert calibrate(np.array([[0.0, -np.inf]]), [0], "--no-fit")["before"]["spiegelhalter_z"] is None
