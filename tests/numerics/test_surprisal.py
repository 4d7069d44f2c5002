"""Who owns the arrays of surprisals, and that nothing depends on which array holds the classes."""

from itertools import product

import numpy as np
import pytest
from one_block import score

from nllcli.data.blocks import Scratch
from nllcli.numerics.kernels.moments import survey
from nllcli.numerics.surprisal import surprisal
from nllcli.numerics.surprisal.logits import FromLogits

pytestmark = pytest.mark.usefixtures("kernel")

RNG = np.random.default_rng(31)
INF = np.inf
N, C = 60, 5
LOGITS = RNG.normal(0, 3, (N, C))
LOGITS[::4] = np.round(LOGITS[::4])  # ties
LOGITS[3, 2], LOGITS[7], LOGITS[9, 1], LOGITS[11] = INF, -INF, np.nan, 900.0  # without a number, or out of range
PROBS = RNG.dirichlet(np.ones(C), N)
SOURCES = {"logits": LOGITS, "log-probs": np.log(PROBS), "probs": PROBS}
TARGETS = RNG.integers(0, C, N)
SETTINGS = [
    {"source": source, "clip": clip, "temperature": temperature, "targets": targets}
    for source, clip, temperature, targets in product(SOURCES, [None, 1e-3], [1.0, 2.0], [None, TARGETS])
    if source == "logits" or targets is None
]


def make(source, **settings):
    return surprisal(SOURCES[source].copy(), source=source, scratch=Scratch(), **settings)


def answers(scores, classes):
    return {
        "unusable": scores.unusable(),
        "at": scores.at(classes),
        "is_top": scores.is_top(classes),
        "top": scores.top(),
        "all": scores.all(),
        "probs": scores.probs(),
        "complement": scores.complement(),
    }


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_equal_classes_in_another_array_get_equal_answers(settings):
    scores = make(**settings)
    told, other = answers(scores, TARGETS), answers(scores, TARGETS.copy())
    untold = answers(make(**(settings | {"targets": None})), TARGETS)
    for name, values in told.items():
        np.testing.assert_array_equal(other[name], values, err_msg=name)
        np.testing.assert_array_equal(untold[name], values, err_msg=name)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_other_classes_are_not_taken_for_the_targets(settings):
    scores = make(**settings)
    usable = np.ones(N, bool) if scores.unusable() is None else ~scores.unusable()
    for classes in (TARGETS, (TARGETS + 1) % C, TARGETS):
        np.testing.assert_array_equal(scores.is_top(classes)[usable], (scores.top() == classes)[usable])
        expected = scores.all()[np.arange(N), classes]
        np.testing.assert_allclose(scores.at(classes)[usable], expected[usable], rtol=1e-13)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_complement_is_the_callers_own(settings):
    scores = make(**settings)
    before = {name: values if values is None else values.copy() for name, values in answers(scores, TARGETS).items()}
    scores.complement().fill(7.0)
    for name, values in answers(scores, TARGETS).items():
        np.testing.assert_array_equal(values, before[name], err_msg=name)


@pytest.mark.parametrize("targets", [None, TARGETS])
@pytest.mark.parametrize("method", ["at", "all", "top"])
def test_what_is_kept_cannot_be_written_to(method, targets):
    scores = make("logits", targets=targets)
    kept = scores.at(TARGETS) if method == "at" else getattr(scores, method)()
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 0


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("loss", ["nll", "one-vs-rest", "argmax"])
@pytest.mark.parametrize("weights", [None, np.array([0.5, 2.0, 0.0, 1.0, 3.0])], ids=["", "weights"])
def test_scoring_changes_none_of_its_inputs(source, loss, weights):
    rows, targets, sample_weights = SOURCES[source].copy(), np.where(TARGETS == 1, -100, TARGETS), RNG.exponential(1, N)
    rows[5:7] = np.nan
    before = [rows.copy(), targets.copy(), sample_weights.copy()]
    divisor = 1.0 if source == "logits" else None
    settings = {"loss": loss, "class_weights": weights, "source": source, "on_nonfinite": "nan", "divisor": divisor}
    first = score(rows, targets, sample_weights=sample_weights, **settings)
    for array, same in zip([rows, targets, sample_weights], before, strict=True):
        np.testing.assert_array_equal(array, same)
        assert array.flags.writeable
    assert not np.shares_memory(first.probs, rows)
    again = score(rows, targets, sample_weights=sample_weights, **settings)
    np.testing.assert_array_equal(again.losses, first.losses)
    np.testing.assert_array_equal(again.probs, first.probs)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_rows_are_reduced_as_is_asked(source, temperature):
    """What a reduction adds to the normaliser is of the same logits, of which log p are some."""
    x = SOURCES[source][20:]
    scores = surprisal(x, source=source, temperature=temperature, reduce=survey, scratch=Scratch())
    if source != "logits" and temperature == 1.0:
        assert not isinstance(scores, FromLogits)  # nothing is normalised
        return
    logits = np.log(x) if source == "probs" else x
    np.testing.assert_array_equal(scores.raw, logits)
    np.testing.assert_array_equal(scores.logits, logits)
    np.testing.assert_array_equal(scores.reduced.n_tied, (logits == logits.max(axis=1, keepdims=True)).sum(axis=1))
    plain = surprisal(x, source=source, temperature=temperature, scratch=Scratch())
    np.testing.assert_array_equal(scores.all(), plain.all())
