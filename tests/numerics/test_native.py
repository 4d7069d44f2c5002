"""The native kernels: the same bits at every level, in every order, from memory and from files; what they refuse."""

import os
from fractions import Fraction
from operator import mul

import numpy as np
import pytest
from mpmath import mp, mpf
from numerics.conftest import LEVELS, choose

import nllcli
from nllcli.data.blocks import Scratch, Unread
from nllcli.errors import UsageError
from nllcli.numerics.kernels import chosen, to_float
from nllcli.numerics.kernels.divergence import diverge
from nllcli.numerics.kernels.moments import moments, survey
from nllcli.numerics.kernels.normaliser import normalise, powers_below
from nllcli.numerics.kernels.odds import odds_against, odds_in_file
from nllcli.numerics.surprisal import surprisal

native = pytest.importorskip("nllcli.numerics.kernels.native", reason="the native kernels are not built")

RNG = np.random.default_rng(14)
# Around the numbers of classes and of samples at which the loops change.
SHAPES = [(1, 1), (31, 2), (33, 10), (129, 23), (300, 24), (130, 25), (200, 79), (40, 80)]
SHAPES += [(130, 3), (130, 4), (130, 5), (9, 1023), (5, 1024), (3, 1025), (2, 5000)]
KINDS = ["<f4", ">f4", "<f8", ">f8", "<f2", ">f2", "bfloat16", "swapped bfloat16"]


@pytest.fixture
def level(monkeypatch):
    yield lambda name: choose(monkeypatch, name)
    chosen.native.cache_clear()


def numbers(shape, kind="<f4", scale=3.0):
    """Logits of a type, and the same as float64."""
    return as_kind(RNG.normal(0, scale, shape).astype("f4"), kind)


def as_kind(x, kind):
    """float32 logits in another type, and the same as float64."""
    if "bfloat16" not in kind:
        x = x.astype(kind)
        return x, x.astype("f8")
    bits = (x.view("u4") >> 16).astype("u2")
    values = (bits.astype("u4") << 16).view("f4").astype("f8")
    swapped = np.dtype([("bfloat16", np.dtype("u2").newbyteorder())])
    return (bits.byteswap().view(swapped) if kind.startswith("swapped") else bits.view("V2")), values


def everything(x, targets):
    """All that the kernels make of logits, as bytes."""
    scratch = Scratch()
    odds = odds_against(x, targets, single=False, scratch=scratch)
    found = normalise(x, temperature=0.7, scratch=scratch)
    powers = powers_below(x, found.maximum, 1.3, 1.0 + found.rest, scratch)
    arrays = [odds.against, odds.right, odds.outside, found.maximum, found.rest, found.top, powers]
    for temperature in (0.7, 1.0):
        for reduce in (survey, moments):
            arrays += vars(reduce(x, temperature=temperature, scratch=scratch)).values()
    return [np.ascontiguousarray(array).tobytes() for array in arrays]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_levels_give_the_same_bits(level, shape):
    x, targets = numbers(shape, scale=200.0)[0], RNG.integers(0, shape[1], shape[0])
    found = []
    for name in LEVELS:
        level(name)
        assert chosen.kernel_name() == name
        found.append(everything(x, targets))
    assert found.count(found[0]) == len(LEVELS)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_orders_give_the_same_bits(level, shape):
    level("native")
    x, targets = numbers(shape)[0], RNG.integers(0, shape[1], shape[0])
    within = np.pad(x.T, ((0, 0), (0, 5)))[:, : len(x)].T
    for other in (np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], np.repeat(x, 2, axis=1)[:, ::2], within):
        assert everything(other, targets) == everything(x, targets)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_types_give_the_bits_of_their_values(level, shape, kind):
    level("native")
    x, values = numbers(shape, kind)
    targets = RNG.integers(0, shape[1], shape[0])
    assert everything(x, targets) == everything(values, targets)


def models(shape):
    """Two models that are near in two thirds of the samples, but for one class that has little p there."""
    a = RNG.normal(0, 3, shape)
    b = a + RNG.normal(0, 1e-3, shape)
    b[::3] += RNG.normal(0, 1, b[::3].shape)
    if shape[1] > 1:
        a[:, -1], b[:, -1] = -30, -36
    return a.astype("f4"), b.astype("f4")


def divergence_of(a, b):
    """As bytes, at temperatures that are equal and others."""
    found = []
    for temperatures in ((1.0, 1.0), (0.7, 2.5)):
        pair = (surprisal(x, temperature=t, scratch=Scratch()) for x, t in zip((a, b), temperatures, strict=True))
        found += diverge(*(scores.normalised() for scores in pair))
    return [array.tobytes() for array in found]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_divergences_have_the_same_bits_at_every_level(level, shape):
    pair, found = models(shape), []
    for name in LEVELS:
        level(name)
        found.append(divergence_of(*pair))
    assert found.count(found[0]) == len(LEVELS)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_divergences_have_the_same_bits_in_every_order(level, shape):
    level("native")
    a, b = models(shape)
    expected = divergence_of(a, b)
    for other in (
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: np.pad(x.T, ((0, 0), (0, 5)))[:, : len(x)].T,
    ):
        for pair in ((other(a), b), (a, other(b)), (other(a), other(b))):
            assert divergence_of(*pair) == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_divergences_of_types_have_the_bits_of_their_values(level, shape, kind):
    level("native")
    (a, of_a), (b, of_b) = (as_kind(x, kind) for x in models(shape))
    assert divergence_of(a, b) == divergence_of(a, of_b) == divergence_of(of_a, of_b)


@pytest.mark.parametrize("kind", KINDS)
def test_every_float_of_16_bits(level, kind):
    """As NumPy converts them, by way of powers that tell them apart."""
    level("native")
    dtype = numbers((1, 1), kind)[0].dtype
    bits = np.arange(1 << 16, dtype="u2")
    x = bits.view(dtype)[:, None] if dtype.itemsize == 2 else bits.astype(dtype)[:, None]
    found = normalise(x, scratch=Scratch()).maximum
    with np.errstate(invalid="ignore"):  # of a signalling NaN
        np.testing.assert_array_equal(found, to_float(x, Scratch())[:, 0].astype("f8"))


def worst_error(values, found, temperature):
    """In units in the last place of the exact power, which is normal."""
    with mp.workdps(40):
        exact = [mp.exp(mpf(x) / mpf(temperature)) for x in values.tolist()]
        return max(abs(mpf(f) - e) / np.spacing(float(e)) for f, e in zip(found.tolist(), exact, strict=True))


@pytest.mark.uncounted
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_powers_are_within_a_unit_in_the_last_place(level, temperature):
    level("native")
    gaps = np.concatenate([RNG.uniform(-495, 0, 1000), -(10.0 ** RNG.uniform(-12, 2, 1000)), [0.0]])
    ones = np.ones(len(gaps))
    found = powers_below(gaps[:, None], 0 * ones, temperature, ones, Scratch())[:, 0]
    assert worst_error(gaps, found, temperature) < 1


def test_powers_of_odds_are_within_a_unit_in_the_last_place(level):
    """Against a logit of 0, whose power is 1."""
    level("native")
    x = np.zeros((2000, 2))
    x[:, 0] = RNG.uniform(-344, 344, 2000)
    found = odds_against(x, np.ones(2000, np.int64), single=False, scratch=Scratch())
    assert worst_error(x[:, 0], found.against, 1.0) < 1


def test_powers_that_underflow_are_rounded_once(level):
    level("native")
    gaps = np.concatenate([RNG.uniform(-746, -700, 2000), [-np.inf, -1e300, -751.0]])
    ones = np.ones(len(gaps))
    found = powers_below(gaps[:, None], 0 * ones, 1.0, ones, Scratch())[:, 0]
    with mp.workdps(40):
        for x, power in zip(gaps.tolist(), found.tolist(), strict=True):
            exact = mp.exp(mpf(x))
            assert abs(mpf(power) - exact) <= mpf(2) ** -1074 + exact * mpf(2) ** -52


@pytest.mark.uncounted
@pytest.mark.parametrize("n_classes", [2, 23, 24, 1025, 32001])
def test_sums_of_rows(level, n_classes):
    level("native")
    n = 4 if n_classes < 10_000 else 1
    x = numbers((n, n_classes))[1]
    targets = RNG.integers(0, n_classes, n)
    found = odds_against(x, targets, single=False, scratch=Scratch()).against
    for row, target, odds in zip(x.tolist(), targets.tolist(), found.tolist(), strict=True):
        with mp.workdps(40):
            exact = mp.fsum(mp.exp(mpf(v) - mpf(row[target])) for c, v in enumerate(row) if c != target)
            assert abs(mpf(odds) - exact) <= exact * mpf(2e-15)


def test_a_file_gives_the_bits_of_its_array(level, tmp_path):
    level("native")
    x, targets = numbers((300, 70), ">f4")[0], RNG.integers(0, 70, 300)
    (tmp_path / "x").write_bytes(b"head" + x.tobytes())
    odds = odds_against(x, targets, single=False, scratch=Scratch())
    descriptor = os.open(tmp_path / "x", os.O_RDONLY)
    for n_bytes in (280, 281, 28_000, 1 << 20):
        room, against, found = np.empty(n_bytes, "u1"), np.empty(300), np.empty(300, "u1")
        arguments = 300, 70, 1, True, room, targets, against, found
        assert native.read_odds(descriptor, 4, *arguments) == 0
        assert against.tobytes() == odds.against.tobytes()
        assert found.tolist() == odds.right.tolist()
        assert native.read_odds(descriptor, 5, *arguments) is None  # it ends too soon
    os.close(descriptor)
    assert native.read_odds(descriptor, 4, *arguments) is None


@pytest.mark.parametrize("dtype", ["<f4", "<i4"])
def test_what_has_to_be_read_as_an_array_first(level, tmp_path, dtype):
    """Integers, and a file that ends too soon: reading it says so."""
    level("native")
    (tmp_path / "x").write_bytes(bytes(8 if dtype == "<f4" else 24))
    with (tmp_path / "x").open("rb") as file:
        rows = Unread(file.fileno(), 0, (2, 3), np.dtype(dtype), read=lambda: np.zeros((2, 3)), check=lambda: None)
        assert odds_in_file(rows, np.zeros(2, np.int64), Scratch()) is None


@pytest.mark.parametrize("n_classes", [2, 3, 23, 24, 100])
def test_far_logits(level, n_classes):
    """Wherever one is that has no power: exponents that wrap must not come out as powers of other logits."""
    far = [*np.log(2) * np.array([1024, 2047, 2048, 3000, 3072, 4095, 4096, 4097, 6000]), 1e4, 1e9, 1e15, 1e18, 1e300]
    x = np.zeros((2 * len(far), n_classes))
    x[: len(far), 0], x[len(far) :, 1] = far, far
    targets = np.zeros(len(x), np.int64)
    for name in LEVELS:
        level(name)
        for ordered in (x, np.asfortranarray(np.repeat(x, 2, axis=0))):
            asked = np.resize(targets, len(ordered))
            assert len(odds_against(ordered, asked, single=False, scratch=Scratch()).outside) == len(ordered)
    result = nllcli.compute(x, targets, reduction="none")
    np.testing.assert_allclose(result.losses, [0.0] * len(far) + far, rtol=1e-15, atol=1e-300)


def test_views_that_overlap(level):
    level("native")
    x = np.lib.stride_tricks.sliding_window_view(numbers((100, 1))[1][:, 0], 5)[:64]
    np.testing.assert_array_equal(nllcli.softmax(x), nllcli.softmax(x.copy()))


@pytest.mark.uncounted
@pytest.mark.parametrize("size", [0, 1, 7, 8, 1023, 1024, 1025, 2500])
@pytest.mark.parametrize("exponent", [0, 4, 80, 290])
def test_exact_dot(level, size, exponent):
    x = RNG.normal(0, 1, size) * 10.0 ** RNG.integers(-exponent, exponent + 1, size)
    x[::9] = RNG.choice([0.0, -0.0, 5e-324, -5e-324, 1.0])
    y = RNG.permutation(x)
    of_x, of_y = ([Fraction(value) for value in z.tolist()] for z in (x, y))
    products = (sum(map(mul, of_x, of_z)) for of_z in (of_x, of_y))
    exact = [sum(of_x) * 2**1074, *(product * 2**2148 for product in products)]
    for name in LEVELS:
        level(name)
        assert [chosen.native_dot(x, z) for z in (None, x, y)] == exact


@pytest.mark.parametrize("size", [3, 1500])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_exact_dot_of_what_is_not_finite(level, size, value):
    level("native")
    ones, other = np.ones(size), np.ones(size)
    other[-2] = value
    assert chosen.native_dot(other, None) is None
    assert chosen.native_dot(ones, other) is None


@pytest.mark.parametrize("dtype", [">f8", "f4", "i8"])
def test_numbers_of_another_type_are_converted(level, dtype):
    level("native")
    assert chosen.native_dot(np.arange(8).astype(dtype)[::2], None) == 12 << 1074


def test_more_terms_than_are_added_at_once(level, monkeypatch):
    level("native")
    monkeypatch.setattr(chosen, "_MOST_TERMS", 7)
    x = RNG.normal(0, 1, 100)
    assert chosen.native_dot(x, None) == sum(map(Fraction, x.tolist())) * 2**1074


def test_sums_of_groups_that_are_not_made(level):
    """Of what is not finite, and of so many groups that their digits would fill the memory."""
    level("native")
    for values in ([np.inf, 1.0], [-np.inf, 1.0], [1.0, np.nan]):
        assert native.group_sums(np.array(values), np.array([0, 1]), 2) is None
    wide = np.array([1e300, 5e-324])
    assert native.group_sums(wide, np.array([0, 1]), 1 << 20) is None
    assert native.group_sums(wide, np.array([0, 1]), 2)[:2] == (0, 66)


X, Y, F, B = np.zeros((3, 4), "u4"), np.zeros(3, "i8"), np.zeros(3), np.zeros(3, "u1")
WIDE = np.zeros((3, 80), "u4")


@pytest.mark.parametrize(
    "call",
    [
        lambda: native.odds(X[:, ::2], 1, False, Y, F, B),
        lambda: native.odds(X[0], 1, False, Y, F, B),
        lambda: native.odds(X, 0, False, Y, F, B),
        lambda: native.odds(X, 1, False, Y[:2], F, B),
        lambda: native.odds(X, 1, False, Y, F[:2], B),
        lambda: native.odds(X, 1, False, Y, F, B[:2]),
        lambda: native.odds(X, 1, False, Y + 4, F, B),
        lambda: native.odds(X, 1, False, Y - 1, F, B),
        lambda: native.odds(X, 4, False, Y, F, B),
        lambda: native.odds(X, -1, False, Y, F, B),
        lambda: native.odds(np.broadcast_to(X[:, :1], (3, 4)), 1, False, Y, F, B),
        lambda: native.odds(np.lib.stride_tricks.as_strided(X, (3, 4), (4, 4)), 1, False, Y, F, B),
        lambda: native.read_odds(0, 0, 3, 4, 1, False, B, Y, F, B),
        lambda: native.read_odds(0, 0, 0, 0, 1, False, B, Y, F, B),
        lambda: native.read_odds(0, 0, -1, 4, 1, False, B, Y, F, B),
        lambda: native.read_odds(0, 0, 3, 1 << 62, 1, False, B, Y, F, B),
        lambda: native.read_odds(0, 0, 3, 4, 9, False, B, Y, F, B),
        lambda: native.normalise(X, 1, False, 1.0, F, F, Y[:2]),
        lambda: native.survey(X, 1, False, 1.0, F, np.zeros((4, 3)), Y),
        lambda: native.moments(X, 1, False, 1.0, F, np.zeros((9, 3)), Y),
        lambda: native.powers(X, 1, False, 1.0, F, F, F),
        lambda: native.divergence(X, 1, False, 1.0, F, X[:2], 1, False, 1.0, F, F, B),
        lambda: native.divergence(X, 1, False, 1.0, F, X[:, :3].copy(), 1, False, 1.0, F, F, B),
        lambda: native.divergence(X, 0, False, 1.0, F, X, 1, False, 1.0, F, F, B),
        lambda: native.divergence(X, 1, False, 1.0, F, X, 1, False, 1.0, F[:2], F, B),
        lambda: native.divergence(X, 1, False, 1.0, F, X, 1, False, 1.0, F, F[:2], B),
        lambda: native.divergence(X, 1, False, 1.0, F, X, 1, False, 1.0, F, F, B[:2]),
        lambda: native.divergence(WIDE, 1, False, 1.0, F, np.asfortranarray(WIDE), 1, False, 1.0, F, F, B),
        lambda: native.exact_dot(F, F[:2]),
        lambda: native.exact_dot(np.zeros((1 << 22) + 1), None),
        lambda: native.group_sums(F, Y[:2], 3),
        lambda: native.group_sums(F, Y, 0),
        lambda: native.group_sums(F, Y, -1),
        lambda: native.group_sums(F, Y - 1, 3),
        lambda: native.group_sums(F, Y + 3, 3),
        lambda: native.use("sse"),
    ],
)
def test_what_does_not_fit_is_refused(call):
    with pytest.raises((ValueError, BufferError, MemoryError)):
        call()


def test_levels(level):
    level("")
    assert chosen.kernel_name() == (native.best() or "numpy")
    level("sse")
    with pytest.raises(UsageError, match="there is no kernel 'sse' here, for which NLL_KERNEL asks") as caught:
        chosen.native()
    assert caught.value.hint == f"one of: numpy, native, {', '.join(LEVELS)}"
