"""The numbers of other libraries, against plain loops that do as these do and numbers they have given."""

import math
import struct
from fractions import Fraction

import numpy as np
import pytest

from nllcli.commands.calibrate.like import PEERS, like
from nllcli.numerics.calibration.bin_errors import errors_of
from nllcli.numerics.calibration.bins import BinSums, Rule, bins_of, place
from nllcli.numerics.calibration.claims import Claims

pytestmark = pytest.mark.uncounted

# Two columns of probabilities on edges and at 1, with targets.
ON_EDGES = np.array([0.8, 0.6, 0.4, 0.2, 1.0, 0.0, 0.5, 2 / 3, 0.7, 0.3]), [1, 1, 0, 1, 1, 0, 0, 1, 1, 0]
AT_ONE = np.array([0.0, 0.0, 0.95, 0.03, 1.0, 0.02]), [0, 1, 1, 0, 0, 0]


def measured(name, p, targets, n_bins=None, *, one_column=False, dtype="float64"):
    """The bins, as a library has them, of probabilities (n,) of class 1 of two."""
    p, targets = p.astype(dtype).astype(np.float64), np.array(targets)
    peer_rule = like(name, n_bins, n_classes=2, one_column=one_column, dtype=dtype)
    if peer_rule.of == "top":
        first = (1.0 - p).astype(dtype).astype(np.float64)
        p, targets = np.maximum(first, p), (p > first) == targets
    seen = peer_rule.as_library_has(Claims(p, 1.0 - p, np.zeros(len(p)), targets.astype(np.float64)))
    places = place(peer_rule.rule, seen.p)
    return bins_of(BinSums.of(seen, places, peer_rule.rule.n_places), peer_rule.rule)


def ece(*args, **options):
    return errors_of(measured(*args, **options), weighted=False).ece


# What each library of 2026 has given.
@pytest.mark.parametrize(
    ("name", "dtype", "on_edges", "at_one"),
    [
        ("guo", "float64", 0.28333333987328746, 0.3166666467984517),
        ("guo", "float32", 0.28333336114883423, None),
        ("torchmetrics", "float64", 0.28333336114883423, 0.34999996423721313),
        ("torchmetrics", "float32", 0.28333336114883423, None),
        ("netcal", "float64", 0.1833333333333334, 0.31666666666666654),
        ("netcal", "float32", 0.32333333045244217, None),
        ("p-lambda", "float64", 0.2833333333333334, 0.31666666666666676),
        ("p-lambda", "float32", 0.28333333134651184, None),
        ("relplot", "float64", 0.2833333333333333, 0.35000000000000003),
        ("relplot", "float32", 0.28333333134651184, None),
        ("mapie", "float64", 0.2833333333333334, 0.3433333333333333),
        ("mapie", "float32", 0.28333333134651184, None),
    ],
)
def test_numbers_of_libraries(name, dtype, on_edges, at_one):
    near = {"abs": 1e-6 if name in ("guo", "torchmetrics") else 1e-9}
    assert ece(name, *ON_EDGES, dtype=dtype) == pytest.approx(on_edges, **near)
    if at_one is not None:
        assert ece(name, *AT_ONE, dtype=dtype) == pytest.approx(at_one, **near)


@pytest.mark.parametrize(
    ("samples", "dtype", "confidence", "accuracy"),
    [
        (ON_EDGES, "float64", [0.1, 0.35, 0.55, 0.7222222222222223, 1.0], [0.5, 0.0, 0.5, 1.0, 1.0]),
        (
            ON_EDGES,
            "float32",
            [0.0, 0.2500000074505806, 0.45000000298023224, 0.6555555661519369, 0.9000000059604645],
            [0.0, 0.5, 0.0, 1.0, 1.0],
        ),
        (AT_ONE, "float64", [0.0125, 0.975], [0.25, 0.5]),
    ],
)
def test_the_curve_of_scikit_learn(samples, dtype, confidence, accuracy):
    bins = [each for each in measured("sklearn", *samples, dtype=dtype) if each.count]
    assert [each.confidence for each in bins] == pytest.approx(confidence, rel=1e-12)
    assert [each.accuracy for each in bins] == pytest.approx(accuracy, rel=1e-12)


# --- as each library does it ------------------------------------------------------------------------------------------


def in_float32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def steps(n_bins, rounded):
    step = rounded(1.0 / n_bins)
    half = (n_bins + 1) // 2
    lower = [rounded(step * k) for k in range(half)]
    return lower + [rounded(float(1 - (n_bins - k) * Fraction(step))) for k in range(half, n_bins + 1)]


def guo(p, n_bins):
    bounds = steps(n_bins, in_float32)
    return next(i for i in range(n_bins) if bounds[i] < p <= bounds[i + 1])


def torchmetrics(p, n_bins):
    return sum(p >= edge for edge in steps(n_bins, float)) - 1


def netcal(p, n_bins):
    return min(sum(p >= edge for edge in np.linspace(0, 1, n_bins + 1)), n_bins) - 1


def sklearn(p, n_bins):
    return sum(p > edge for edge in np.linspace(0, 1, n_bins + 1)[1:-1])


def p_lambda(p, n_bins):
    return sum(p > i / n_bins for i in range(1, n_bins))


def relplot(p, n_bins):
    return int(p / (1.0 / n_bins))


def mapie(p, n_bins):
    return sum(p > edge for edge in np.linspace(0, 1, n_bins)[1:-1])


@pytest.mark.parametrize("n_bins", [2, 3, 10, 15, 30, 49, 50])
@pytest.mark.parametrize("whose", [guo, torchmetrics, netcal, sklearn, p_lambda, relplot, mapie])
def test_bins_of_libraries(whose, n_bins):
    """Every value is near an edge of some rule, and all are of one column, so that they are seen as they are."""
    at = np.arange(1, n_bins + 1) / n_bins
    p = np.concatenate([at, np.nextafter(at, 0), np.nextafter(at, 2), at.astype(np.float32), np.arange(101) / 100])
    p = p[(p > 0) & (p <= 1)]
    rule = like(whose.__name__.replace("_", "-"), n_bins, n_classes=2, one_column=True).rule
    assert place(rule, p).tolist() == [whose(each, n_bins) for each in p.tolist()]


# --- what is measured -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_classes", "one_column", "class_1"),
    [
        (2, True, {"torchmetrics", "netcal", "sklearn", "p-lambda", "relplot"}),
        (2, False, {"netcal", "sklearn"}),
        (3, False, {"sklearn"}),
    ],
)
def test_which_claims_are_measured(n_classes, one_column, class_1):
    likenesses = {name: like(name, None, n_classes=n_classes, one_column=one_column) for name in PEERS}
    assert {name for name, each in likenesses.items() if each.of == "class 1"} == class_1


def test_how_many_bins():
    made = {name: like(name, None, n_classes=3, one_column=False).rule.n_bins for name in PEERS}
    assert made == {
        "guo": 15,
        "torchmetrics": 15,
        "netcal": 10,
        "sklearn": 5,
        "p-lambda": 15,
        "relplot": 10,
        "mapie": 49,
    }
    for name, peer in PEERS.items():
        assert like(name, peer.fewest_bins, n_classes=3, one_column=False).rule.n_bins == 1


def test_the_dtype_in_which_probabilities_are_seen():
    def dtype(name, one_column, file):
        return like(name, None, n_classes=2, one_column=one_column, dtype=file).dtype

    assert [dtype("torchmetrics", one, "float64") for one in (False, True)] == ["float32", "float64"]
    assert [dtype("netcal", False, file) for file in ("float32", "float64")] == ["float64"] * 2
    assert [dtype("guo", False, file) for file in ("float32", "float64")] == ["float32", "float64"]


def test_what_is_seen_of_claims():
    p = np.array([0.0, 0.1, 1.0])
    claims = Claims(p, 1.0 - p, np.ones(3), np.zeros(3), np.ones(3))
    clipped = like("netcal", None, n_classes=2, one_column=False).as_library_has(claims)
    assert clipped.p.tolist() == [2.0**-52, 0.1, 1 - 2.0**-52]
    rounded = like("torchmetrics", None, n_classes=2, one_column=False).as_library_has(claims)
    assert rounded.p.tolist() == [0.0, in_float32(0.1), 1.0]
    for seen in (clipped, rounded):
        assert all(getattr(seen, name) is getattr(claims, name) for name in ("q", "surprisals", "outcomes", "weights"))


def test_a_confidence_that_rounds_to_one_has_the_extra_bin():
    p = np.array([1 - 1e-9, 0.99])
    bins = measured("torchmetrics", p, [1, 1])
    assert [each.count for each in bins[-2:]] == [1, 1]
    assert math.isclose(bins[-2].confidence, 0.99, rel_tol=1e-7)
    assert Rule().n_places == len(bins) - 1
