"""What a block of samples claims, and its Brier scores: by loops in mpmath."""

import math

import numpy as np
import oracle
import pytest
from calibrated import drawn, soft
from mpmath import mpf

from nllcli.data.blocks import Block, Scratch
from nllcli.data.settings import LossOptions
from nllcli.numerics.calibration.bins import BinSums
from nllcli.numerics.calibration.claims import Claims
from nllcli.numerics.calibration.judged import judge, top_of
from nllcli.numerics.evaluate import score
from nllcli.numerics.kernels.moments import survey

pytestmark = pytest.mark.usefixtures("kernel")

X, Y = drawn(60, 4, scale=5.0)
SHARES = soft(X, Y)


def scored(x, targets, source):
    return score(Block(0, x, targets), LossOptions(source=source), Scratch(), read=True, reduce=survey)


def given(source):
    p = np.array([[float(each) for each in oracle.softmax(row)] for row in X.tolist()])
    return {"logits": X, "log-probs": np.log(p), "probs": p}[source]


@pytest.mark.parametrize("source", ["logits", "log-probs", "probs"])
@pytest.mark.parametrize("targets", [Y, SHARES], ids=["classes", "shares"])
def test_claims_of_the_top_class(source, targets):
    found = judge(scored(given(source), targets, source))
    shares = np.eye(4)[Y] if targets is Y else SHARES
    for i, row in enumerate(X.tolist()):
        p = oracle.softmax(row)
        top = max(range(4), key=p.__getitem__)
        assert found.claims.p[i] == pytest.approx(float(p[top]), rel=1e-14)
        assert found.claims.outcomes[i] == shares[i, top]
        brier = sum((q - mpf(float(share))) ** 2 for q, share in zip(p, shares[i], strict=True))
        assert found.brier[i] == pytest.approx(float(brier), rel=1e-9, abs=1e-18)
        if source == "logits":
            assert found.claims.q[i] == pytest.approx(float(sum(p) - p[top]), rel=1e-13)


@pytest.mark.parametrize("source", ["logits", "log-probs", "probs"])
def test_the_top_is_the_same_by_any_reduction(source):
    options = LossOptions(source=source)
    plain = top_of(score(Block(0, given(source), Y), options, Scratch(), read=True).scoring.scores)
    found = judge(scored(given(source), Y, source)).claims
    assert plain.p.tolist() == found.p.tolist()
    assert plain.q.tolist() == found.q.tolist()


@pytest.mark.parametrize("weights", [None, np.arange(60.0)], ids=["plain", "weighted"])
def test_parts_of_claims_joined(weights):
    claims = Claims(X[:, 0], X[:, 1], X[:, 2], X[:, 3], weights, 0.5)
    first = np.arange(60) < 25
    parts = [claims.only(first), claims.only(~first)]
    again = Claims.joined(parts)
    assert (len(parts[0]), len(again), again.rounding) == (25, 60, 0.5)
    for name in ("p", "q", "surprisals", "outcomes"):
        assert getattr(again, name).tolist() == getattr(claims, name).tolist()
    assert again.weights is None if weights is None else again.weights.tolist() == weights.tolist()
    assert Claims.joined(parts[:1]) is parts[0]


def test_shares_are_added_up_as_they_are():
    """Where targets are shares of classes: what is the case is no count."""
    claims = judge(scored(X, SHARES, "logits")).claims
    groups = np.arange(60) % 3
    found = BinSums.of(claims, groups, 3)
    for group in range(3):
        assert float(found.outcomes[group]) == math.fsum(claims.outcomes[groups == group])
