"""What is claimed of the top class: by loops in mpmath, and the bins that nll calibrate has, to the bit."""

from pathlib import Path

import numpy as np
import oracle
import pytest
from calibrated import calibrate, drawn, masked, softmax
from collected import collect, plain, tally_of
from mpmath import mpf

from nllcli.numerics.calibration.bin_errors import errors_of
from nllcli.numerics.exact import exact_sum
from nllcli.numerics.pictured.claim_sums import N_GROUPS, SURE, ClaimSums, groups_of

pytestmark = pytest.mark.usefixtures("kernel")

RNG = np.random.default_rng(9)
X, Y = drawn(400, 4, scale=6.0)
DIGITS = Path(__file__).parents[2] / "samples" / "digits"


def group_by_hand(p, q):
    """Counted from the least p: 14 bins (k/15, (k+1)/15], and from the 15th on the edges of q from above."""
    for k in range(14):
        if p <= mpf(k + 1) / 15:
            return k
    return 14 + sum(q < mpf(edge) for edge in SURE.tolist())


def test_sums_by_hand():
    y = np.where(np.arange(400) % 11 == 3, -100, Y)
    claims = collect(X, y).claims
    n, wrong, p_sums, q_sums = [0] * N_GROUPS, [0] * N_GROUPS, [mpf(0)] * N_GROUPS, [mpf(0)] * N_GROUPS
    for row, target in zip(X.tolist(), y.tolist(), strict=True):
        if target == -100:
            continue
        p = oracle.softmax(row)
        top = max(range(4), key=p.__getitem__)
        q = sum(each for c, each in enumerate(p) if c != top)
        group = group_by_hand(p[top], q)
        n[group] += 1
        wrong[group] += top != target
        p_sums[group] += p[top]
        q_sums[group] += q
    assert claims.sums.n.tolist() == n
    assert claims.n_wrong.tolist() == wrong
    assert len([count for count in n if count]) > 20
    assert [float(claims.sums.p[i]) for i in range(N_GROUPS)] == pytest.approx(list(map(float, p_sums)), rel=1e-14)
    assert [float(claims.q[i]) for i in range(N_GROUPS)] == pytest.approx(list(map(float, q_sums)), rel=1e-14, abs=0)
    assert claims.n_counted == sum(n)
    assert claims.confidence() == pytest.approx(float(sum(p_sums)) / sum(n), rel=1e-15)
    assert claims.accuracy() == 1 - sum(wrong) / sum(n)


def test_groups_are_told_from_the_most_certain_on():
    claims = collect(X, Y).claims
    groups = claims.groups()
    assert [group[2] for group in groups] == claims.sums.n.tolist()[::-1]
    assert [group[4] for group in groups] == claims.n_wrong.tolist()[::-1]
    assert [group[0] for group in groups[1:]] == [group[1] for group in groups[:-1]]
    assert [group[1] for group in groups[:46]] == pytest.approx([*SURE.tolist(), 1 / 15], rel=1e-14)
    assert (groups[0][0], groups[-1][1]) == (0.0, 1.0)
    for low, high, n, claimed, _ in groups:
        assert n * low <= claimed * (1 + 1e-14)
        assert claimed <= n * high * (1 + 1e-14)


def test_a_group_begins_at_its_edge():
    q = np.concatenate([SURE, np.nextafter(SURE, 0)])
    groups = groups_of(1.0 - q, q)
    assert groups.tolist() == [N_GROUPS - 2 - i for i in range(45)] + [N_GROUPS - 1 - i for i in range(45)]
    whole = np.arange(1, 15) / 15
    assert groups_of(whole, 1.0 - whole).tolist() == list(range(14))
    assert groups_of(np.nextafter(whole, 1), 1.0 - whole).tolist() == [*range(1, 14), 14]


def test_of_nothing():
    nothing = ClaimSums()
    assert (nothing.bins(), nothing.groups(), nothing.n_counted) == ((), [], 0)
    assert (nothing.confidence(), nothing.accuracy(), nothing.is_weighted) == (None, None, False)
    some = collect(X, Y).claims
    assert plain(some + nothing) == plain(nothing + some) == plain(some)
    assert collect(X, np.full(400, -100)).claims.confidence() is None


def on_edges(n_classes=3):
    """Probabilities of which the largest is a multiple of 1/15, or of 1/10, or next to one."""
    p = np.array([k / 15 for k in range(6, 16)] + [k / 10 for k in range(4, 11)])
    p = np.concatenate([p, np.nextafter(p, 0), np.nextafter(p, 1)])
    p = p[p <= 1]
    rest = (1 - p) / (n_classes - 1)
    rows = np.stack([p, *[rest] * (n_classes - 1)], axis=1)
    return rows, RNG.integers(0, n_classes, len(rows))


SETS = {
    "drawn": (X, Y, {}),
    "certain": (40 * X, Y, {}),
    "float32": (X.astype("f4"), Y, {}),
    "masked": (masked(X, Y), Y, {}),
    "ignored": (X, np.where(np.arange(400) % 3 == 0, -100, Y), {}),
    "sample weights": (X, Y, {"sample_weights": RNG.random(400)}),
    "weights of 0": (X, Y, {"sample_weights": (np.arange(400) % 4).astype(float)}),
    "class weights": (X, Y, {"weights": [1.0, 0.5, 2.0, 0.0]}),
    "both weights": (X, Y, {"weights": [1.0, 0.5, 2.0, 3.0], "sample_weights": RNG.random(400)}),
    "probs on edges": (*on_edges(), {"source": "probs"}),
    "weighted probs on edges": (*on_edges(), {"source": "probs", "weights": [3.0, 0.1, 0.7]}),
    "log-probs": (np.log(softmax(X)), Y, {"source": "log-probs"}),
    "two classes": (X[:, :2], Y % 2, {}),
    "one column": (X[:, :1], Y % 2, {}),
    "one column of probs": (softmax(X)[:, :1], Y % 2, {"source": "probs"}),
    "digits": (np.load(DIGITS / "mlp.npy"), np.load(DIGITS / "targets.npy"), {}),
    "digits by another model": (np.load(DIGITS / "logistic.npy"), np.load(DIGITS / "targets.npy"), {}),
}
SHOWN = ("low", "high", "count", "weight", "confidence", "accuracy", "gap", "chance")


@pytest.mark.parametrize("name", SETS)
def test_bins_and_errors_are_those_of_nll_calibrate(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    x, y, settings = SETS[name]
    expected = calibrate(x, y, "--no-fit", **settings)["before"]
    binary = {"binary": True} if x.shape[1] == 1 else {}
    own = {"class_weights": settings.get("weights"), "sample_weights": settings.get("sample_weights")}
    claims = collect(x, y, source=settings.get("source", "logits"), **own, **binary).claims
    bins = claims.bins()
    assert [{key: getattr(each, key) for key in SHOWN} for each in bins] == expected["bins"]
    errors = errors_of(bins, weighted=claims.is_weighted)
    for key in ("ece", "mce", "rmsce", "ace", "ece_debiased", "ece_chance"):
        assert getattr(errors, key) == expected[key]
    assert (claims.confidence(), claims.accuracy()) == (expected["confidence"], expected["weighted_accuracy"])


def test_q_and_wrong_have_no_weights():
    plainly, weighted = collect(X, Y).claims, collect(X, Y, sample_weights=RNG.random(400)).claims
    assert plain(plainly.q) == plain(weighted.q)
    assert plainly.n_wrong.tolist() == weighted.n_wrong.tolist()
    assert weighted.is_weighted


def test_a_probability_rounded_above_one_is_certain():
    claims = collect([[0.01, -40.0], [0.01, -50.0]], [0, 1], source="log-probs").claims
    (low, _, n, claimed, wrong), *others = claims.groups()
    assert (low, n, wrong) == (0.0, 2, 1)
    assert claimed == pytest.approx(-2 * np.expm1(0.01))
    assert not any(group[2] for group in others)


@pytest.mark.parametrize("settings", [{"clip": 0.01}, {"clip": 0.01, "temperature": 3.0}], ids=str)
def test_what_is_claimed_is_clipped_as_the_loss_is(settings):
    claims = collect(40 * X, Y, **settings).claims
    found = [group for group in claims.groups() if group[2]]
    assert all(group[3] >= 0.01 * group[2] * (1 - 1e-12) for group in found)


def test_rows_without_a_number_claim_nothing():
    x = X.copy()
    x[7], x[9, 1] = np.nan, np.inf
    tally = tally_of(x, Y, on_nonfinite="nan")
    claims, n_right = tally.pictures.claims, tally.n_correct
    assert (claims.n_counted, claims.n_counted - claims.n_wrong.sum()) == (398, n_right)


@pytest.mark.parametrize(
    ("targets", "settings"),
    [(None, {"loss": "argmax"}), (softmax(X[:, ::-1]), {}), (np.zeros(400, int), {"source": "token-log-probs"})],
    ids=["no targets", "soft targets", "one number a token"],
)
def test_there_are_claims_of_classes_alone(targets, settings):
    x = X if "source" not in settings else -np.abs(X[:, :1])
    collected = collect(x, targets, **settings)
    assert (collected.claims, collected.confusions, collected.class_squares) == (None, None, None)
    assert collected.losses.n == 400


def test_squares_by_class():
    y = np.where(np.arange(400) % 7 == 2, -100, Y)
    collected = collect(X, y, sample_weights=RNG.random(400))
    losses = [float(-oracle.log_softmax(row)[c]) for row, c in zip(X.tolist(), np.maximum(y, 0), strict=True)]
    for c in range(4):
        own = [loss * loss for loss, target in zip(losses, y, strict=True) if target == c]
        assert float(collected.class_squares[c]) == pytest.approx(float(exact_sum(np.array(own))), rel=1e-14)
    assert collect(X, y, classes=False).class_squares is None
