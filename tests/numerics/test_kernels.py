"""Every clever kernel next to its obvious form, which is written out here.

Those of single numbers are elsewhere: 16-bit floats in test_convert, exact sums in test_sums, classes in test_targets.
"""

import numpy as np
import pytest
from mpmath import mp, mpf

from nllcli.data.blocks import Scratch
from nllcli.numerics.kernels import contiguous, multiples, pick, sum_classes, sum_columns, tiles, to_float
from nllcli.numerics.kernels.normaliser import careful_powers, normalise
from nllcli.numerics.kernels.odds import odds_against

RNG = np.random.default_rng(2024)
SHAPES = [(1, 2), (1, 5), (3, 2), (8191, 3), (8192, 3), (8193, 2), (20_000, 3), (500, 71), (500, 72), (7, 5000)]
ORDERS = ["C", "F", "every-second-row", "columns-of-a-larger-array"]
INF = np.inf


def logits(shape, kind="plain", dtype="f4"):
    x = RNG.normal(0, 3, shape).astype(dtype)
    if kind == "ties":
        x = np.round(x)
    if kind == "near-ties":  # one unit in the last place apart, where the powers are the same
        low = np.asarray(0.3, dtype)
        x = np.where(RNG.random(shape) < 0.5, low, np.nextafter(low, low + 1))
    return x


def ordered(x, order):
    """The same numbers in another place."""
    if order == "every-second-row":
        return np.repeat(x, 2, axis=0)[::2]
    if order == "columns-of-a-larger-array":
        return np.pad(x.T, ((0, 0), (0, 5)))[:, : len(x)].T
    return np.asarray(x, order=order)


def plain_odds(x, targets, dtype):
    """The definition, and the order in which float64 adds up: class by class, or pairwise along long rows."""
    powers = np.exp(x.astype(dtype)).astype(np.float64)
    own = powers[np.arange(len(x)), targets]
    powers[np.arange(len(x)), targets] = 0.0
    others = powers.sum(axis=1) if x.shape[1] >= 72 else sum(powers.T, np.zeros(len(x)))
    return others / own, x.argmax(axis=1) == targets


@pytest.mark.uncounted
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", ["plain", "ties", "near-ties"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_odds(kernel, shape, dtype, kind, order):
    x = logits(shape, kind, dtype)
    targets = RNG.integers(0, shape[1], shape[0])
    found = odds_against(ordered(x, order), targets, single=False, scratch=Scratch())
    against, right = plain_odds(x, targets, np.float64)
    assert not found.outside.size
    np.testing.assert_array_equal(found.right, right)
    if kernel == "numpy":
        np.testing.assert_array_equal(found.against, against)
    else:  # the exponentials are others, and so is the order of the sums; NumPy adds up to 71 one after another
        np.testing.assert_allclose(np.log1p(found.against), np.log1p(against), rtol=2e-15)


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("kind", ["plain", "ties", "near-ties"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_odds_in_single_precision(shape, kind):
    """The powers are rounded to float32; their sums of float64 may differ in order."""
    x, targets = logits(shape, kind), RNG.integers(0, shape[1], shape[0])
    found = odds_against(x, targets, single=True, scratch=Scratch())
    against, right = plain_odds(x, targets, np.float32)
    np.testing.assert_allclose(found.against, against, rtol=1e-6)
    np.testing.assert_array_equal(found.right, right)


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("half", ["float16", "bfloat16"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_halves(shape, half, single):
    """From a table of their powers, or widened."""
    x = logits(shape)
    raw = x.astype(np.float16) if half == "float16" else (x.view(np.uint32) >> 16).astype(np.uint16).view("V2")
    targets = RNG.integers(0, shape[1], shape[0])
    as_halves = odds_against(raw, targets, single=single, scratch=Scratch())
    computed = odds_against(to_float(raw, Scratch()), targets, single=single, scratch=Scratch())
    np.testing.assert_array_equal(as_halves.against, computed.against)
    np.testing.assert_array_equal(as_halves.right, computed.right)


@pytest.mark.parametrize(("dtype", "bound"), [("f4", 57.0), ("f8", 345.0)])
@pytest.mark.parametrize("n_classes", [3, 100])
def test_what_is_outside_is_said(kernel, n_classes, dtype, bound):
    """A target, or the largest of the others, beyond the bound; what underflows among the others is 0 as it is."""
    x = np.zeros((6, n_classes), dtype)
    bound = bound if kernel == "numpy" else 345.0
    x[1, 0], x[2, 0], x[3, 1], x[4, 2], x[5, 2] = bound + 1, np.nan, INF, -bound - 1, -INF
    found = odds_against(x, np.array([0, 0, 0, 0, 0, 2]), single=dtype == "f4", scratch=Scratch())
    assert found.outside.tolist() == [1, 2, 3, 5]


@pytest.mark.uncounted
@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("kind", ["plain", "ties"])
@pytest.mark.parametrize("shape", [(4, 1), *SHAPES], ids=str)
def test_normaliser(shape, kind, temperature, order):
    x = logits(shape, kind)
    found = normalise(ordered(x, order), temperature=temperature, scratch=Scratch())
    top = x.argmax(axis=1)
    powers = np.exp((x.astype(np.float64) - x.max(axis=1, keepdims=True)) / temperature)
    powers[np.arange(len(x)), top] = 0.0
    np.testing.assert_array_equal(found.maximum, x.max(axis=1))
    np.testing.assert_allclose(found.rest, powers.sum(axis=1), rtol=2e-14)
    if found.top is not None:
        np.testing.assert_array_equal(found.top, top)
    else:
        np.testing.assert_array_equal(found.tied, (x == x.max(axis=1, keepdims=True)).sum(axis=1) > 1)


@pytest.mark.parametrize("temperature", [1.0, 0.7, 3.0])
def test_careful_powers(temperature):
    """Within two units in the last place, where the rounding of the difference alone would cost up to 100."""
    x, maximum = RNG.uniform(-400, 0, 300), RNG.uniform(0, 300, 300)
    found = careful_powers(x, maximum, temperature)
    with mp.workdps(50):
        exact = [
            mp.exp((mpf(a) - mpf(m)) / mpf(temperature)) for a, m in zip(x.tolist(), maximum.tolist(), strict=True)
        ]
        normal = [(p, e) for p, e in zip(found.tolist(), exact, strict=True) if e > mpf(2) ** -1022]
        assert max(abs(mpf(p) - e) / e for p, e in normal) <= 2 * mpf(2) ** -52
    assert len(normal) > 200


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", [(0, 3), (4, 1), *SHAPES], ids=str)
def test_pick(shape, order):
    x, classes = logits(shape), RNG.integers(0, shape[1], shape[0])
    assert pick(ordered(x, order), classes).tolist() == [row[c] for row, c in zip(x.tolist(), classes, strict=True)]


def test_multiples():
    assert multiples(5, 3).tolist() == [0, 3, 6, 9, 12]
    assert multiples(0, 3).tolist() == []


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("shape", [(1, 50, 1), (2, 71, 1), (1, 1, 7), (3, 10, 100), (2, 71, 33)], ids=str)
def test_sum_columns(shape, dtype):
    columns = RNG.normal(0, 1, shape).astype(dtype)
    total = np.zeros((shape[0], shape[2]))
    for c in range(shape[1]):
        total += columns[:, c]
    out = np.empty_like(total)
    sum_columns(columns, out)
    np.testing.assert_array_equal(out, total)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", [(0, 3), (4, 1), *SHAPES], ids=str)
def test_sum_classes(shape, order):
    x = RNG.normal(0, 1, shape)
    np.testing.assert_allclose(sum_classes(ordered(x, order)), x.sum(axis=1), rtol=0, atol=1e-14 * shape[1])
    np.testing.assert_array_equal(sum_classes(ordered(x, order)), sum_classes(x))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", [(0, 3), (4, 1), *SHAPES], ids=str)
def test_contiguous(shape, order):
    x = logits(shape)
    found = contiguous(ordered(x, order), Scratch())
    np.testing.assert_array_equal(found, x)
    assert shape[1] < 72 or found.flags.c_contiguous


@pytest.mark.parametrize("step", [1, 8192])
@pytest.mark.parametrize(("n", "n_classes"), [(0, 3), (1, 3), (8192, 10), (100_000, 10), (300, 32_000)])
def test_tiles_cover_every_sample_once(n, n_classes, step):
    found = list(tiles(n, n_classes, np.float64, step=step))
    assert [i for part in found for i in range(part.start, part.stop)] == list(range(n))
    assert all((part.stop - part.start) % step == 0 for part in found[:-1])
