"""A temperature over probabilities and log-probabilities: log p are the logits that it divides."""

import numpy as np
import oracle
import pytest
from mpmath import mp, mpf
from one_block import score, worst_error

import nllcli
from nllcli.data.blocks import Scratch
from nllcli.errors import DataError, UsageError
from nllcli.numerics.surprisal import surprisal

pytestmark = pytest.mark.usefixtures("kernel")

LIMIT = 1e-13
RNG = np.random.default_rng(404)
N, C = 12, 5
PROBS = RNG.dirichlet(np.full(C, 0.3), N)
PROBS[1] = [0.0, 0.5, 0.0, 0.5, 0.0]
PROBS[2] = [1.0, 0.0, 0.0, 0.0, 0.0]
PROBS[3] = [1.0 - 1e-12, 1e-12, 1e-300, 0.0, 0.0]
with np.errstate(divide="ignore"):
    LOG_PROBS = np.log(PROBS)
TARGETS = RNG.integers(0, C, N)
WEIGHTS = [1.0, 0.2, 3.5, 2.0, 0.5]
INF, NAN = np.inf, np.nan


def arrays(outcome):
    return outcome.losses, outcome.probs, outcome.log_probs


def assert_same_bits(found, expected):
    for ours, theirs in zip(arrays(found), arrays(expected), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.uncounted
@pytest.mark.parametrize("temperature", [0.4, 3.0])
@pytest.mark.parametrize(("source", "dtype"), [("probs", "f8"), ("probs", "f4"), ("log-probs", "f8")])
def test_against_the_oracle(source, dtype, temperature):
    given = (PROBS if source == "probs" else LOG_PROBS).astype(dtype)
    how = {"source": source, "temperature": temperature}
    found = score(given, TARGETS, **how)
    rows = given.astype(float)
    log_p = [oracle.log_probabilities(row, **how, complements=False)[0] for row in rows]
    assert worst_error(found.losses, oracle.losses(rows, TARGETS, **how)) <= LIMIT
    assert worst_error(found.log_probs, log_p) <= LIMIT
    # A power of 1e-300 has the error of its logarithm, 690, as a relative one.
    assert worst_error(found.probs, [[mp.exp(x) for x in row] for row in log_p]) <= 1e-12
    assert (found.probs[given == 0 if source == "probs" else given == -INF] == 0).all()
    for options in ({"label_smoothing": 0.1}, {"loss": "one-vs-rest", "class_weights": WEIGHTS}, {"clip": 0.01}):
        found = score(given, TARGETS, **how, **options)
        assert worst_error(found.losses, oracle.losses(rows, TARGETS, **how, **options)) <= LIMIT


@pytest.mark.parametrize("temperature", [0.4, 3.0])
@pytest.mark.parametrize("source", ["probs", "log-probs"])
def test_one_column_for_two_classes(source, temperature):
    p = np.array([0.3, 1e-20, 1.0 - 2.0**-53, 0.0, 1.0, 0.5])
    with np.errstate(divide="ignore"):
        given = (p if source == "probs" else np.log(p))[:, None]
    targets = [0, 1, 0, 0, 1, 1]
    found = score(given, targets, source=source, binary=True, temperature=temperature)
    of_class_1 = [mpf(v) if source == "probs" else mp.exp(mpf(v)) for v in given[:, 0]]
    with oracle.at_least(oracle.DIGITS):
        rows = [[1 - v, v] for v in of_class_1]
        assert worst_error(found.losses, oracle.losses(rows, targets, source="probs", temperature=temperature)) <= 1e-13


@pytest.mark.parametrize("order", ["C", "F"])
def test_bits_are_those_of_the_logarithms_as_logits(order):
    logits = np.asarray(LOG_PROBS, order=order)
    expected = score(logits, TARGETS, temperature=2.5)
    assert_same_bits(score(np.asarray(PROBS, order=order), TARGETS, source="probs", temperature=2.5), expected)
    assert_same_bits(score(logits, TARGETS, source="log-probs", temperature=2.5), expected)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_log_probs_are_logits_of_their_own_type(dtype, precision):
    given, how = LOG_PROBS.astype(dtype), {"temperature": 2.5, "precision": precision}
    assert_same_bits(score(given, TARGETS, source="log-probs", **how), score(given, TARGETS, **how))


def test_only_a_temperature_normalises():
    half = 0.5 * PROBS[:1]
    assert score(half, [0], source="probs").probs.tolist() == half.tolist()
    assert score(half, [0], source="probs", temperature=2.0).probs.sum() == pytest.approx(1.0, rel=1e-15)
    told = nllcli.compute(half, [0], source="probs", temperature=2.0).warnings
    assert [notice.code for notice in told] == ["not-normalised"]
    assert "which the temperature normalises" in told[0].message


def test_the_likeliest_class_stays_so():
    """Of two neighbouring p the logarithms may be the same float64."""
    low = np.linspace(0.34, 0.36, 50)
    p = np.stack([low, np.nextafter(low, 1.0), 1.0 - 2.0 * low], axis=1)
    assert (np.log(p[:, 0]) == np.log(p[:, 1])).any()
    scores = surprisal(p, source="probs", temperature=2.0, scratch=Scratch())
    assert (scores.top() == 1).all()
    assert scores.is_top(np.ones(50, np.int64)).all()


@pytest.mark.parametrize(
    ("source", "row", "message"),
    [
        ("probs", [0.0, 0.0], "every class is 0, which leaves nothing to normalise"),
        ("probs", [0.5, NAN], "class 1 is NaN"),
        ("probs", [0.5, INF], "class 1 is +inf"),
        ("log-probs", [-INF, -INF], "every class is -inf"),
    ],
)
def test_rows_without_a_number(source, row, message):
    rows = [row, [0.25, 0.75] if source == "probs" else [-1.0, -0.5]]
    with pytest.raises(DataError, match="row 0") as caught:
        nllcli.compute(rows, [0, 1], source=source, temperature=2.0)
    assert message in str(caught.value)
    found = score(rows, [0, 1], source=source, temperature=2.0, on_nonfinite="nan")
    assert np.isnan(found.losses).tolist() == [True, False]


@pytest.mark.parametrize("row", [[1.1, 0.0], [-0.1, 1.0]])
def test_what_the_file_holds_is_checked_before(row):
    with pytest.raises(DataError, match="not a probability"):
        nllcli.compute([row], [0], source="probs", temperature=2.0)


def test_tokens_have_none():
    with pytest.raises(UsageError, match="has no meaning for token-log-probs"):
        nllcli.compute([-1.0, -2.0], source="token-log-probs", temperature=2.0)
