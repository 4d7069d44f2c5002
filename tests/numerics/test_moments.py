"""Sums over the classes next to their definitions, in fractions and in 50 digits."""

from dataclasses import fields
from fractions import Fraction

import numpy as np
import pytest
from mpmath import mp, mpf

from nllcli.data.blocks import Scratch
from nllcli.numerics.kernels import to_float
from nllcli.numerics.kernels.moments import N_POWERS, moments, survey
from nllcli.numerics.kernels.normaliser import normalise

RNG = np.random.default_rng(160)
INF = np.inf
EPS = np.finfo(float).eps
# Around the numbers of classes at which the loops and the order of the sums change.
SHAPES = [(5, 1), (9, 2), (33, 10), (130, 23), (3, 24), (3, 33), (2, 71), (2, 72), (2, 80), (1, 1025)]

pytestmark = pytest.mark.usefixtures("kernel")


def block(shape, scale=3.0):
    """Logits of which some are -inf, some tied with the largest, and some far below it."""
    x = RNG.normal(0, scale, shape)
    x[RNG.random(shape) < 0.1] = -INF
    x[RNG.random(shape) < 0.05] = -1e4
    x[np.isneginf(x.max(axis=1)), 0] = 0.5
    tied = (RNG.random(shape) < 0.1) & (np.arange(len(x)) % 2 == 0)[:, None]
    return np.where(tied, x.max(axis=1, keepdims=True), x).astype(np.float32)


def others(row):
    """The finite logits of a row but for the first of the largest, and that one."""
    top = row.index(max(row))
    return [x for c, x in enumerate(row) if c != top and x > -INF], row[top]


def near(found, exact, units):
    return abs(mpf(float(found)) - exact) <= units * EPS * abs(exact) + mpf(2) ** -1060


def check_survey(x, temperature, units=8):
    """``units`` is what the sums of squares may be wrong by, in the last place."""
    found = survey(x, temperature=temperature, scratch=Scratch())
    for i, row in enumerate(to_float(x, Scratch()).tolist()):
        rest, most = others(row)
        gaps = [Fraction(v) - Fraction(most) for v in rest]
        assert found.n_alive[i] == len(rest) + 1
        assert found.n_tied[i] == row.count(most)
        assert abs(Fraction(found.gap_sum[i]) - sum(gaps)) <= Fraction(8 * EPS) * abs(sum(gaps))
        with mp.workdps(50):
            exact = mp.fsum(mp.exp(2 * (mpf(v) - most) / mpf(temperature)) for v in rest)
            assert near(found.squares[i], exact, units)


def check_moments(x, temperature, units=8):
    """``units`` is what the first power may be wrong by, and the others by as much again for each."""
    found = moments(x, temperature=temperature, scratch=Scratch())
    assert found.powers.shape == (N_POWERS, len(x))
    for i, row in enumerate(to_float(x, Scratch()).tolist()):
        rest, most = others(row)
        with mp.workdps(50):
            scaled = [(mpf(v) - most) / mpf(temperature) for v in rest]
            powers = [mp.exp(t) for t in scaled]
            for k in range(1, N_POWERS + 1):
                powers = [p * t for p, t in zip(powers, scaled, strict=True)]
                assert near(found.powers[k - 1, i], mp.fsum(powers), k * units)


def as_bytes(x, temperature=1.3, samples=slice(None)):
    """Everything that is found of some samples."""
    found = [reduce(x, temperature=temperature, scratch=Scratch()) for reduce in (survey, moments)]
    values = [getattr(record, field.name)[..., samples] for record in found for field in fields(record)]
    return [value.tobytes() for value in values]


@pytest.mark.uncounted
@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_definitions(shape, temperature):
    x = block(shape)
    check_survey(x[:9], temperature)
    check_moments(x[:9], temperature)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("shape", [(5, 4), (3, 100)], ids=str)
def test_far_logits(kernel, shape, temperature):
    """Doubles, of which the differences round, up to where the exponentials underflow; NumPy's lose some digits."""
    x = RNG.uniform(-600 * temperature, 0, shape)
    x[1:, :2] = RNG.uniform(-30, 0, (shape[0] - 1, 2))
    x[:, 2] = 0.3
    units = 64 if kernel == "numpy" else 8
    check_survey(x, temperature, units)
    check_moments(x, temperature, units)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_the_normaliser_has_the_same_bits(shape, temperature):
    for x in (block(shape), block(shape, 200.0), np.minimum(block(shape), np.float32(-0.0))):
        expected = normalise(x, temperature=temperature, scratch=Scratch())
        for reduce in (survey, moments):
            found = reduce(x, temperature=temperature, scratch=Scratch())
            assert found.maximum.tobytes() == expected.maximum.tobytes()
            assert found.rest.tobytes() == expected.rest.tobytes()
            assert found.top.tolist() == x.argmax(axis=1).tolist()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_both_have_the_same_squares(shape):
    x = block(shape)
    found = [reduce(x, temperature=0.7, scratch=Scratch()) for reduce in (survey, moments)]
    assert found[0].squares.tobytes() == found[1].squares.tobytes()


@pytest.mark.uncounted
@pytest.mark.parametrize("kind", ["f2", ">f2", ">f4", "f8", ">f8", "bfloat16"])
@pytest.mark.parametrize("n_classes", [3, 100])
def test_types(kind, n_classes):
    """The numbers have the bits of the same numbers as float32."""
    x = RNG.normal(0, 3, (6, n_classes)).astype(np.float16).astype(np.float32)
    given = (x.view(np.uint32) >> 16).astype(np.uint16).view("V2") if kind == "bfloat16" else x.astype(kind)
    x = to_float(given, Scratch()).astype(np.float32)
    check_survey(given, 1.3)
    check_moments(given, 1.3)
    assert as_bytes(given) == as_bytes(x)


@pytest.mark.parametrize("shape", [*SHAPES, (300, 5), (300, 100)], ids=str)
def test_a_sample_has_the_same_bits_in_any_block_and_order(shape):
    x = block(shape)
    every = as_bytes(x)
    within = np.pad(x.T, ((0, 0), (0, 5)))[:, : len(x)].T
    for other in (np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], within):
        assert as_bytes(other) == every
    for start, stop in [(0, 1), (len(x) // 3, len(x)), (len(x) // 2, len(x) // 2 + 1)]:
        assert as_bytes(x[start:stop]) == as_bytes(x, samples=slice(start, stop))


def test_gaps_that_overflow():
    x = np.array([[1e308, -1e308, -INF], [-1e308, -1e308, -1.5e308]])
    found = survey(x, scratch=Scratch())
    assert found.gap_sum.tolist() == [-INF, -0.5e308]
    assert found.n_alive.tolist() == [2, 3]
    assert found.n_tied.tolist() == [1, 2]
    assert found.rest.tolist() == found.squares.tolist() == [0.0, 1.0]
    for temperature in (1.0, 1e-300, 1e300):
        assert np.isfinite(moments(x[1:], temperature=temperature, scratch=Scratch()).powers).all()
    assert not moments(x, temperature=1e-10, scratch=Scratch()).powers.any()


@pytest.mark.parametrize("n_classes", [1, 3, 100])
@pytest.mark.parametrize("value", [np.nan, INF, -INF])
def test_samples_without_a_number(n_classes, value):
    """They have the normaliser's maximum, and leave the others as they are."""
    x = RNG.normal(0, 3, (40, n_classes))
    x[3], x[5, 0] = value, value
    numbers = np.isfinite(x.max(axis=1))
    maximum = normalise(x, scratch=Scratch()).maximum
    for reduce in (survey, moments):
        np.testing.assert_array_equal(reduce(x, scratch=Scratch()).maximum, maximum)
    assert as_bytes(x, samples=numbers) == as_bytes(x[numbers])


def test_no_samples():
    x = np.zeros((0, 3), np.float32)
    assert survey(x, scratch=Scratch()).gap_sum.shape == (0,)
    assert moments(x, scratch=Scratch()).powers.shape == (N_POWERS, 0)


def test_integers():
    """They are read as NumPy reads them."""
    x = np.array([[3, 1, 3, 0], [-2, 0, 5, 5]])
    check_survey(x, 1.3)
    check_moments(x, 1.3)
    rest = normalise(x, temperature=1.3, scratch=Scratch()).rest
    assert moments(x, temperature=1.3, scratch=Scratch()).rest.tobytes() == rest.tobytes()
