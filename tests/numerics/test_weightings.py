import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nllcli.errors import DataError, UsageError
from nllcli.numerics.schemes import ABOUT, NORMALIZATIONS, SCHEMES
from nllcli.numerics.weightings import class_weights

COUNTS = [10, 50, 100]
EXAMPLES = {
    "inverse": [1, 0.2, 0.1],
    "balanced": [5.3333, 1.0667, 0.5333],
    "sqrt-inverse": [1, 0.4472, 0.3162],
    "effective": [2.1538, 0.5214, 0.3248],
    "median-frequency": [5, 1, 0.5],
    "log": [12.6146, 3.4836, 2.0091],
}
counts_lists = st.lists(st.integers(1, 10**15), min_size=1, max_size=12)
betas = st.sampled_from([0.0, 1e-300, 0.3, 0.9, 0.999, 1 - 1e-9, 1 - 2**-53])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_examples(scheme):
    beta = 0.99 if scheme == "effective" else None
    assert class_weights(COUNTS, scheme=scheme, beta=beta) == pytest.approx(EXAMPLES[scheme], abs=5e-5)


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("scheme", SCHEMES)
@given(counts=counts_lists, beta=betas)
def test_agrees_with_the_oracle(scheme, normalize, counts, beta):
    expected = [float(w) for w in oracle.class_weights(counts, scheme, beta, normalize)]
    taken = beta if scheme == "effective" else None
    weights = class_weights(counts, scheme=scheme, normalize=normalize, beta=taken)
    np.testing.assert_allclose(weights, expected, rtol=2e-15)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_default_normalization(scheme):
    explicit = class_weights(COUNTS, scheme=scheme, normalize=ABOUT[scheme].normalize)
    np.testing.assert_array_equal(class_weights(COUNTS, scheme=scheme), explicit)


def test_normalized_weights_are_rounded_once():
    assert class_weights(COUNTS, scheme="inverse").tolist() == [1, 0.2, 0.1]


def test_balanced_is_one_for_equal_counts():
    assert class_weights([7] * 9, scheme="balanced").tolist() == [1] * 9


def test_balanced_agrees_with_scikit_learn():
    weigh = pytest.importorskip("sklearn.utils.class_weight").compute_class_weight
    counts = [3, 17, 1, 64]
    expected = weigh("balanced", classes=np.arange(4), y=np.repeat(np.arange(4), counts))
    np.testing.assert_array_equal(class_weights(counts, scheme="balanced"), expected)


@pytest.mark.parametrize("scheme", SCHEMES)
@given(counts=counts_lists)
def test_rarer_never_weighs_less(scheme, counts):
    weights = class_weights(sorted(counts), scheme=scheme)
    assert (np.diff(weights) <= 0).all()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_absent_class_takes_no_part(scheme):
    weights = class_weights([0, 10, 50, 0, 100], scheme=scheme, zero_count="zero")
    np.testing.assert_array_equal(weights[[1, 2, 4]], class_weights(COUNTS, scheme=scheme))
    assert weights[0] == weights[3] == 0


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_many_classes_and_huge_counts(scheme, normalize):
    weights = class_weights(np.geomspace(1, 1e15, 100_000).round(), scheme=scheme, normalize=normalize)
    assert weights.shape == (100_000,)
    assert np.isfinite(weights).all()
    assert (weights > 0).all()


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        pytest.param([3, -1], "class 1 ('dog') has a count of -1", id="negative"),
        pytest.param([2.5, 1], "class 0 ('cat') has a count of 2.5", id="fraction"),
        pytest.param([3, float("nan")], "class 1 ('dog') has a count of nan", id="nan"),
        pytest.param([float("inf"), 1], "class 0 ('cat') has a count of inf", id="infinite"),
        pytest.param([3, 2**64], "class 1 ('dog') has a count of 18446744073709551616", id="beyond-int64"),
        pytest.param([3, 0], "class 1 ('dog') has a count of 0", id="zero"),
    ],
)
def test_refuses_a_count(counts, told):
    with pytest.raises(DataError, match=r".") as caught:
        class_weights(counts, class_names=["cat", "dog"])
    assert told in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("counts", [[0, 0], []], ids=["zeros", "empty"])
def test_refuses_no_samples_at_all(counts):
    with pytest.raises(DataError, match="no class has any samples"):
        class_weights(counts, zero_count="zero")


def test_refuses_a_table_of_counts():
    with pytest.raises(DataError, match="one dimension"):
        class_weights([[1, 2], [3, 4]])


@pytest.mark.parametrize(
    "options",
    [
        {"scheme": "balancd"},
        {"normalize": "maximum"},
        {"zero_count": "skip"},
        {"scheme": "effective", "beta": 1.0},
        {"scheme": "effective", "beta": -0.1},
        {"scheme": "effective", "beta": float("nan")},
        {"scheme": "log", "beta": 0.5},
        {"beta": 0.999},
    ],
    ids=str,
)
def test_refuses_a_setting(options):
    with pytest.raises(UsageError):
        class_weights(COUNTS, **options)
