"""The divergence of two models next to its definition, in 50 digits."""

from functools import lru_cache

import numpy as np
import pytest
from mpmath import mp, mpf
from one_block import relative_error

from nllcli.data.blocks import Block, Scratch
from nllcli.data.settings import LossOptions
from nllcli.numerics.divergence import divergence
from nllcli.numerics.evaluate import Scoring, numbers, scores_of
from nllcli.numerics.surprisal import MOST_CLASSES
from nllcli.numerics.targets import Targets

RNG = np.random.default_rng(77)
INF = np.inf
CLASSES = [1, 2, 3, 23, 24, 79, 80, 1000, 1025]

pytestmark = pytest.mark.usefixtures("kernel")


def scoring(rows, targets=None, **options):
    options, scratch, rows = LossOptions(**options), Scratch(), np.asarray(rows)
    block = Block(0, rows)
    held = rows if options.source == "logits" else numbers(block, options.source, scratch)[0]
    values = np.zeros(len(rows), np.int64) if targets is None else targets
    return Scoring(block, options, held, Targets(values), scores_of(held, options, scratch, targets=targets), scratch)


def diverge(a, b, targets=None, **options):
    return divergence(scoring(a, targets, **options), scoring(b, targets, **options))


def log_softmax(row, temperature=1.0):
    exact = [mpf(float(x)) / mpf(temperature) for x in row]
    total = mp.log(mp.fsum(map(mp.exp, exact)))
    return [x - total for x in exact]


def exact_kl(log_a, log_b):
    """From log-probabilities; a probability below the normal float64 counts as 0."""

    def term(of_a, of_b):
        p, q = mp.exp(of_a), mp.exp(of_b)
        if of_a < -708:
            return q
        return mpf("inf") if mp.isinf(of_b) else p * (of_a - of_b) - p + q

    return mp.fsum(map(term, log_a, log_b))


def exact_divergence(a, b, temperatures=(1.0, 1.0)):
    """From logits (n, C)."""
    with mp.workdps(50):
        pairs = zip(a, b, strict=True)
        return [exact_kl(*(log_softmax(row, t) for row, t in zip(pair, temperatures, strict=True))) for pair in pairs]


def error_of(found, exact):
    """The largest, as a share of what is allowed: some digits, and what r that are wrong by 1e-14 make of it."""

    def of(f, e):
        if mp.isinf(e) or np.isinf(f):
            return 0.0 if f == e else INF
        return float(abs(mpf(f) - e) / (2e-10 * e + 2e-14 * mp.sqrt(abs(e)) + 1e-28))

    return max(map(of, found.tolist(), exact))


def logits(shape, scale=3.0):
    return RNG.normal(0, scale, shape).astype(np.float32)


@lru_cache
def models(n, n_classes, scale, distance, temperatures=(1.0, 1.0)):
    """The logits of two models, where ``distance`` is None of two that share nothing, and the divergence."""
    rng = np.random.default_rng(n_classes)
    a, b = (rng.normal(0, size, (n, n_classes)).astype(np.float32) for size in (scale, distance or scale))
    b += a if distance else 0
    return a, b, exact_divergence(a, b, temperatures)


@lru_cache
def near_models(n_classes, distance):
    """The logits of two models, targets, and the divergence, which takes long to work out."""
    rng = np.random.default_rng(n_classes)
    n = 40 if n_classes < 4 else 8 if n_classes < 100 else 2
    a = rng.normal(0, 3, (n, n_classes)).astype(np.float32)
    b = (a + rng.normal(0, distance, a.shape)).astype(np.float32)
    return a, b, rng.integers(0, n_classes, n), exact_divergence(a, b)


@pytest.mark.uncounted
@pytest.mark.parametrize("distance", [1e-4, 1e-2, 0.3, 3.0])
@pytest.mark.parametrize("n_classes", CLASSES)
def test_logits(n_classes, distance):
    a, b, targets, exact = near_models(n_classes, distance)
    for told in (None, targets):
        found = diverge(a, b, told)
        assert n_classes == 1 or relative_error(found.kl.mean(), sum(exact) / len(a)) < 1e-10
        assert error_of(found.kl, exact) < 1
        assert found.same_top.tolist() == (a.argmax(axis=1) == b.argmax(axis=1)).tolist()


@pytest.mark.uncounted
@pytest.mark.parametrize("temperature", [0.5, 0.7, 3.0])
@pytest.mark.parametrize("n_classes", [2, 24, 100])
def test_temperatures(n_classes, temperature):
    a, b, exact = models(12, n_classes, 3.0, 1e-3, (temperature, temperature))
    found = diverge(a, b, temperature=temperature)
    assert error_of(found.kl, exact) < 1


@pytest.mark.uncounted
@pytest.mark.parametrize("temperatures", [(1.0, 2.0), (0.7, 1.0), (3.0, 0.3)])
@pytest.mark.parametrize("n_classes", [2, 24, 100])
def test_each_model_has_a_temperature(n_classes, temperatures):
    a, b, exact = models(12, n_classes, 3.0, None, temperatures)
    of_a, of_b = (scoring(x, temperature=t) for x, t in zip((a, b), temperatures, strict=True))
    assert error_of(divergence(of_a, of_b).kl, exact) < 1


@pytest.mark.parametrize("n_classes", CLASSES)
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_equal_models_are_at_distance_0(n_classes, temperature):
    x = logits((150, n_classes), 20.0)
    x[::3, 0], x[5, 1:] = -INF if n_classes > 1 else 3.0, -INF
    x[5, 0] = 0.0
    found = diverge(x, x.astype(np.float64), np.zeros(150, np.int64), temperature=temperature)
    assert found.kl.tolist() == [0.0] * 150
    assert found.same_top.all()


@lru_cache
def masked_models(n_classes, distance):
    rng = np.random.default_rng(n_classes)
    a = rng.normal(0, 3, (7, n_classes)).astype(np.float32)
    b = (a + rng.normal(0, distance, a.shape)).astype(np.float32)
    a[[0, 2], 0] = a[1, 1] = -INF
    b[2, 0] = b[3, 0] = b[4, 1] = -INF
    a[3, 0], a[4, 1] = -2000.0, -300.0
    b[5, 0] = -2000.0
    a[6, 0], b[6, 0] = -710.0, -710.5
    return a, b, exact_divergence(a, b)


@pytest.mark.uncounted
@pytest.mark.parametrize("distance", [3.0, 1e-5])
@pytest.mark.parametrize("n_classes", [3, 10, 100, 1100])
def test_masked_classes(n_classes, distance):
    """Only those that B lacks and A has make it infinite, and only where A's p is not 0."""
    a, b, exact = masked_models(n_classes, distance)
    found = diverge(a, b)
    assert np.isinf(found.kl).tolist() == [False] * 4 + [True] + [False] * 2
    assert error_of(found.kl, exact) < 1


@pytest.mark.parametrize("n_classes", [2, 10, 100])
def test_samples_without_a_number(n_classes):
    a, b = logits((8, n_classes)), logits((8, n_classes))
    a[0, 1], a[1, 0], a[2], b[3, 0], b[4, 1], b[5] = np.nan, INF, -INF, np.nan, INF, -INF
    b[6] = a[6]
    for targets in (None, np.ones(8, np.int64)):
        found = diverge(a, b, targets)
        assert np.isnan(found.kl).tolist() == [True] * 6 + [False] * 2
        assert found.kl[6] == 0
        assert found.same_top[:7].tolist() == [False] * 6 + [True]
        assert error_of(found.kl[7:], exact_divergence(a[7:], b[7:])) < 1


@pytest.mark.parametrize("n_classes", [3, 100, 1100])
def test_the_first_of_equal_tops(n_classes):
    a, b = np.zeros((4, n_classes)), np.zeros((4, n_classes))
    a[0, 1:] = 2.0  # the first of many, which B has alone
    b[0, 1] = 2.0
    a[1, [1, -1]] = b[1, [0, -1]] = 5.0
    a[2, -1] = 5.0
    b[2, [-2, -1]] = 7.0
    assert diverge(a, b).same_top.tolist() == [True, False, False, True]


@pytest.mark.parametrize("shift", [0.0, 1e3, -1e6, 1e290, 1.7e308])
def test_what_all_logits_share_changes_nothing(shift):
    a, b = np.array([[0.0, 1.0, -INF]] * 40), np.array([[0.0, 2.0, -INF]] * 40)
    b[1] = a[1]
    a += shift
    found = diverge(a, b - shift, np.ones(40, np.int64))
    exact = exact_divergence(a[:2], (b - shift)[:2])
    assert np.isfinite(found.kl).all()
    assert abs(shift) > 1e4 or error_of(found.kl[:2], exact) < 1
    assert found.same_top.tolist() == (a.argmax(axis=1) == (b - shift).argmax(axis=1)).tolist()


@lru_cache
def confident_models(n_classes, size):
    """Of which five samples are near each other."""
    rng = np.random.default_rng(n_classes)
    a, b = rng.normal(0, size, (2, 15, n_classes)).astype(np.float32)
    b[:5] = a[:5] + rng.normal(0, 1e-2, (5, n_classes))
    return a, b, exact_divergence(a, b)


@pytest.mark.uncounted
@pytest.mark.parametrize("size", [50.0, 300.0, 1e4])
@pytest.mark.parametrize("n_classes", [5, 100])
def test_confident_models(n_classes, size):
    a, b, exact = confident_models(n_classes, size)
    for targets in (None, a.argmax(axis=1), a.argmin(axis=1)):
        found = diverge(a, b, targets)
        assert error_of(found.kl, exact) < 1
        assert found.same_top.tolist() == (a.argmax(axis=1) == b.argmax(axis=1)).tolist()


@pytest.mark.parametrize("source", ["probs", "log-probs"])
@pytest.mark.parametrize("clip", [None, 1e-3])
def test_probabilities(source, clip):
    """They are taken as they are, and so is what they lack to 1."""
    p, q = RNG.dirichlet(np.ones(7), 30), RNG.dirichlet(np.ones(7), 30)
    q[1], p[2], q[2] = p[1] * (1 + 1e-5 * RNG.normal(0, 1, 7)), [0, 0, 0.5, 0.25, 0.25, 0, 0], [0, 1, 0, 0, 0, 0, 0]
    p[3] = 0.9 * p[3]
    with np.errstate(divide="ignore"):
        given = [np.log(x) if source == "log-probs" else x for x in (p, q)]
    with mp.workdps(50):
        known = [[[mpf(v) if source == "log-probs" else mp.log(v) for v in row] for row in x.tolist()] for x in given]
        if clip:
            low, high = mp.log(mpf(clip)), mp.log(1 - mpf(clip))
            known = [[[min(max(v, low), high) for v in row] for row in x] for x in known]
        exact = list(map(exact_kl, *known))
    found = diverge(*given, source=source, clip=clip)
    assert (found.kl[2] == INF) == (clip is None)
    assert error_of(found.kl, exact) < 1
    assert found.same_top.tolist() == (p.argmax(axis=1) == q.argmax(axis=1)).tolist()


@pytest.mark.parametrize("source", ["logits", "probs", "log-probs"])
@pytest.mark.parametrize("clip", [None, 1e-3])
def test_binary(source, clip):
    a, b = RNG.normal(0, 2, (40, 1)), RNG.normal(0, 2, (40, 1))
    p, q = (1 / (1 + np.exp(-x)) for x in (a, b))
    given = {"logits": (a, b), "probs": (p, q), "log-probs": (np.log(p), np.log(q))}[source]
    with mp.workdps(50):
        sure = [[min(max(mpf(v), mpf(clip or 0)), 1 - mpf(clip or 0)) for v in x[:, 0].tolist()] for x in (p, q)]
        exact = [exact_kl(*([mp.log(1 - v), mp.log(v)] for v in pair)) for pair in zip(*sure, strict=True)]
    found = diverge(*given, source=source, binary=True, clip=clip)
    assert error_of(found.kl, exact) < 1
    assert found.same_top.tolist() == ((a > 0) == (b > 0))[:, 0].tolist()


def test_no_samples():
    found = diverge(np.zeros((0, 3), "f4"), np.zeros((0, 3), "f4"))
    assert found.kl.shape == found.same_top.shape == (0,)


@pytest.mark.uncounted
@pytest.mark.parametrize("source", ["logits", "log-probs"])
def test_more_classes_than_are_looked_at_together(source):
    """Two distributions that differ in few classes."""
    n_classes = 2 * MOST_CLASSES + 5
    a, b = np.zeros((2, n_classes)), np.zeros((2, n_classes))
    b[1, [0, MOST_CLASSES, n_classes - 1]] = 4.0, -3.0, 2.0
    with mp.workdps(50):
        total = mp.fsum([*map(mp.exp, (4, -3, 2)), n_classes - 3])
        exact = mp.log(total) - mp.log(n_classes) - mpf(3) / n_classes
        if source == "log-probs":
            a -= np.log(n_classes)
            b[0] = a[0]
            b[1] -= float(mp.log(total))
    found = diverge(a, b, source=source)
    assert abs(found.kl[0]) == 0
    assert relative_error(found.kl[1], exact) < 1e-9
    assert found.same_top.tolist() == [True, True]


@pytest.mark.uncounted
@pytest.mark.parametrize("n_classes", [2, 10, 30])
@pytest.mark.parametrize("close", [0.02, 0.5])
def test_a_sample_has_the_same_bits_beside_any_others(n_classes, close):
    """Few or many of those worked on together need care."""
    a = RNG.normal(0, 3, (300, n_classes))
    b = a + np.where(RNG.random((300, 1)) < close, 1e-6, 1.0) * RNG.normal(size=a.shape)
    together = diverge(a, b).kl
    alone = [diverge(a[i : i + 1], b[i : i + 1]).kl[0] for i in range(300)]
    assert together.tolist() == alone
