"""What is worked out for one sample, against the oracle and against the bits of a whole block."""

from dataclasses import replace

import numpy as np
import oracle
import pytest
from in_process import nll

from nllcli.commands.explain import sample, worked
from nllcli.commands.explain.worked import work_through
from nllcli.data.blocks import Block, Scratch
from nllcli.data.settings import LossOptions
from nllcli.errors import SampleError
from nllcli.numerics.evaluate import Wanted, evaluate

pytestmark = pytest.mark.uncounted

RANDOM = np.random.default_rng(7)
CASES = {
    "plain": {},
    "temperature": {"temperature": 2.5},
    "smoothing": {"label_smoothing": 0.1},
    "weights": {"class_weights": True},
    "smoothing and weights": {"label_smoothing": 0.2, "class_weights": True, "temperature": 0.5},
    "one-vs-rest": {"loss": "one-vs-rest", "class_weights": True},
    "argmax": {"loss": "argmax", "class_weights": True},
    "fast": {"precision": "fast"},
    "clip": {"clip": 0.05},
}
N_CLASSES = [2, 3, 10, 71, 72, 200]


def options_of(case, n_classes):
    given = dict(CASES[case])
    if given.pop("class_weights", False):
        given["class_weights"] = np.random.default_rng(n_classes).uniform(0.1, 2.0, n_classes)
    return LossOptions(**given)


def block_of(n, n_classes, dtype="f8"):
    """Samples of every kind: likely and unlikely targets, with sample weights."""
    random = np.random.default_rng(n_classes)
    logits = random.normal(0, 4, (n, n_classes)).astype(dtype)
    return Block(100, logits, random.integers(0, n_classes, n), random.uniform(0.5, 2.0, n))


def one(block, i):
    return Block(block.start + i, block.logits[i : i + 1], block.targets[i : i + 1], block.sample_weights[i : i + 1])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("n_classes", N_CLASSES)
@pytest.mark.parametrize("case", CASES)
def test_bits_are_those_of_a_whole_block(case, n_classes, dtype):
    options, block = options_of(case, n_classes), block_of(37, n_classes, dtype)
    wanted = Wanted(losses=True, probs=True, log_probs=True, gradient=None if options.clip else 1.0)
    whole = evaluate(block, options, wanted, Scratch())
    for i in (0, 1, 17, 36):
        worked = work_through(one(block, i), options)
        assert worked.weighted_loss == whole.losses[i]
        assert worked.probs.tolist() == whole.probs[i].tolist()
        assert worked.surprisals.tolist() == (0.0 - whole.log_probs[i]).tolist()
        if not options.clip:
            assert worked.gradient.tolist() == whole.gradient[i].tolist()


@pytest.mark.parametrize("case", sorted(set(CASES) - {"fast"}))
def test_against_the_oracle(case):
    options, block = options_of(case, 5), block_of(6, 5)
    given = {
        "loss": options.loss,
        "label_smoothing": options.label_smoothing,
        "temperature": options.temperature,
        "clip": options.clip,
    }
    samples = zip(block.logits, block.targets.tolist(), block.sample_weights, strict=True)
    for i, (row, target, own) in enumerate(samples):
        worked = work_through(one(block, i), options)
        right = oracle.losses([row], [target], class_weights=options.class_weights, sample_weights=[own], **given)
        plain = oracle.sample_loss(row, target, **given)
        assert worked.weighted_loss == pytest.approx(float(right[0]), rel=1e-14)
        assert worked.loss == pytest.approx(float(plain), rel=1e-14)
        weight = own * (1.0 if options.class_weights is None else options.class_weights[target])
        assert worked.weight == pytest.approx(weight, rel=1e-15)
        assert worked.softmax.maximum == max(row)
        powers = [oracle.mp.exp((oracle.number(x) - max(row)) / oracle.number(options.temperature)) for x in row]
        assert worked.softmax.exponentials == pytest.approx([float(power) for power in powers], rel=1e-13)
        assert 1.0 + worked.softmax.rest == pytest.approx(float(oracle.mp.fsum(powers)), rel=1e-14)
        assert worked.softmax.log_sum == pytest.approx(float(oracle.mp.log(oracle.mp.fsum(powers))), rel=1e-13)
        if options.clip is None:
            slopes = oracle.gradient(
                [row], [target], reduction="sum", class_weights=options.class_weights, sample_weights=[own], **given
            )
            assert worked.gradient == pytest.approx([float(slope) for slope in slopes[0]], rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("source", ["probs", "log-probs"])
def test_what_the_file_holds_is_taken_as_it_is(source):
    probs = np.array([[0.7, 0.2, 0.1]])
    given = probs if source == "probs" else np.log(probs)
    worked = work_through(Block(0, given, np.array([1])), LossOptions(source=source))
    assert worked.softmax is None
    assert worked.gradient is None
    assert worked.given.tolist() == given[0].tolist()
    assert worked.weighted_loss == pytest.approx(-np.log(0.2), rel=1e-15)


@pytest.mark.parametrize("options", [{}, {"binary": True}, {"clip": 0.3}, {"precision": "fast"}])
@pytest.mark.parametrize("source", ["probs", "log-probs"])
def test_bits_of_probabilities_under_a_temperature(source, options):
    probs = RANDOM.dirichlet(np.ones(4), 9)[:, : 1 if "binary" in options else 4].astype("f4")
    block = Block(0, probs if source == "probs" else np.log(probs), RANDOM.integers(0, 2, 9), np.ones(9))
    chosen = LossOptions(source=source, temperature=1.5, **options)
    whole = evaluate(block, chosen, Wanted(losses=True, probs=True, log_probs=True), Scratch())
    for i in range(9):
        worked = work_through(one(block, i), chosen)
        assert worked.weighted_loss == whole.losses[i]
        assert worked.probs.tolist() == whole.probs[i].tolist()
        assert worked.surprisals.tolist() == (0.0 - whole.log_probs[i]).tolist()
        assert worked.gradient is None
        gap = (worked.softmax.maximum - worked.softmax.x.astype(float)) / 1.5 + worked.softmax.log_sum
        assert worked.unclipped == pytest.approx(gap, rel=1e-14)


@pytest.mark.parametrize("target", [0, 1])
def test_a_sigmoids_logit_stands_against_zero(target):
    worked = work_through(Block(0, np.array([[1.5]]), np.array([target])), LossOptions(binary=True))
    assert worked.given.tolist() == [0.0, 1.5]
    right = oracle.sample_loss([0.0, 1.5], target)
    assert worked.weighted_loss == pytest.approx(float(right), rel=1e-15)
    assert np.isnan(worked.gradient[0])
    p = 1.0 / (1.0 + np.exp(-1.5))
    assert worked.gradient[1] == pytest.approx(p - target, rel=1e-14)


def test_soft_targets():
    soft = [0.6, 0.3, 0.1]
    options = LossOptions(label_smoothing=0.1, class_weights=np.array([1.0, 2.0, 3.0]))
    worked = work_through(Block(0, np.array([[5.0, 4.0, 2.0]]), np.array([soft])), options)
    right = oracle.sample_loss([5.0, 4.0, 2.0], soft, label_smoothing=0.1, class_weights=[1, 2, 3])
    assert worked.weighted_loss == pytest.approx(float(right), rel=1e-15)
    assert worked.target is None
    assert worked.soft_target.tolist() == soft
    assert worked.shares == pytest.approx([(0.9 * q + 0.1 / 3) * w for q, w in zip(soft, (1, 2, 3), strict=True)])
    assert worked.weight == 1.0


def test_an_ignored_sample_weighs_nothing():
    worked = work_through(Block(0, np.array([[5.0, 4.0]]), np.array([-100])), LossOptions())
    assert (worked.target, worked.weight, worked.weighted_loss) == (None, 0.0, 0.0)
    assert worked.gradient.tolist() == [0.0, 0.0]
    assert worked.shares is None


def test_a_sample_without_a_number_is_refused_or_let_through():
    block = Block(4, np.array([[np.nan, 1.0]]), np.array([0]))
    with pytest.raises(SampleError, match="class 0 is NaN") as caught:
        work_through(block, LossOptions())
    assert caught.value.samples == (4,)
    worked = work_through(block, replace(LossOptions(), on_nonfinite="nan"))
    assert not worked.usable
    assert np.isnan(worked.weighted_loss)
    assert np.isnan(worked.probs).all()


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--label-smoothing", "0.1"],
        ["--loss", "one-vs-rest"],
        ["--loss", "argmax"],
        ["--clip", "1e-3"],
        ["--on-nonfinite", "nan"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("form", ["table", "json"])
def test_many_classes_are_shown_as_few_are(words, form, tmp_path, monkeypatch):
    """Of many, arrays are made whenever they are needed, and looked at a few classes at a time."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(2)
    x = rng.normal(size=(6, 14)).round(1)  # with ties
    x[1] = np.nan if "--on-nonfinite" in words else 0
    np.save("x.npy", x)
    np.save("y.npy", [0, 3, 13, 7, 2, -100])
    words = ["explain", "x.npy", "y.npy", *(word for row in range(6) for word in ("--row", row)), *words, "-f", form]
    few = nll(*words)
    monkeypatch.setattr(worked, "_KEPT_CLASSES", 3)
    monkeypatch.setattr(sample, "_AT_ONCE", 4)
    assert nll(*words) == few
    assert few.code == 0
