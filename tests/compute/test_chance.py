"""The loss beside which a loss is held: that of calling all classes equally likely, scored under the same settings."""

import numpy as np
import oracle
import pytest
from in_process import nll

RNG = np.random.default_rng(5)
LOGITS = RNG.normal(0, 1, (5, 4))
TARGETS = [0, 3, 1, 1, 2]
SOFT = RNG.dirichlet(np.ones(4), 5)
SAMPLE_WEIGHTS = [1.0, 0.5, 2.0, 1.0, 3.0]
OPTIONS = {
    "plain": {},
    "one-vs-rest": {"loss": "one-vs-rest"},
    "argmax": {"loss": "argmax"},
    "clip": {"clip": 0.3},
    "clip below": {"clip": 0.01},
    "clip one-vs-rest": {"loss": "one-vs-rest", "clip": 0.3},
    "weights": {"class_weights": [1, 2, 3, 4.5]},
    "weights one-vs-rest": {"class_weights": [1, 2, 3, 4.5], "loss": "one-vs-rest"},
    "smoothing": {"label_smoothing": 0.2},
    "smoothing clip": {"label_smoothing": 0.2, "clip": 0.3},
    "temperature": {"temperature": 3},
}
# What weighs other classes than the target's: the loss of all classes alike depends on the targets.
LEFT_OUT = {"smoothing weights": {"label_smoothing": 0.2, "class_weights": [1, 2, 3, 4.5]}}
SOFT_OPTIONS = {name: OPTIONS[name] for name in ("plain", "clip", "smoothing", "temperature")}
SOFT_LEFT_OUT = LEFT_OUT | {"weights": OPTIONS["weights"]}


def words(options):
    """The same settings on the command line."""
    named = {"class_weights": "weights"}
    return [
        word
        for key, value in options.items()
        for word in (
            f"--{named.get(key, key).replace('_', '-')}",
            ",".join(map(str, value)) if isinstance(value, list) else str(value),
        )
    ]


@pytest.fixture
def run(tmp_path):
    def run(targets, options, *more):
        np.save(tmp_path / "x.npy", LOGITS)
        np.save(tmp_path / "y.npy", np.asarray(targets))
        np.save(tmp_path / "s.npy", SAMPLE_WEIGHTS)
        files = (tmp_path / "x.npy", tmp_path / "y.npy", "--sample-weights", tmp_path / "s.npy")
        return nll("compute", *files, *words(options), *more)

    return run


def expected(targets, options):
    return float(oracle.reduce(np.zeros((5, 4)), targets, sample_weights=SAMPLE_WEIGHTS, **options))


def uniform(found):
    """The chance level is log C by name; the loss of all classes alike has a key of its own where it is not that."""
    assert found["chance_loss"] == pytest.approx(np.log(4), rel=1e-15)
    return found.get("uniform_loss", found["chance_loss"])


@pytest.mark.parametrize("name", OPTIONS)
def test_chance_is_the_loss_of_all_classes_alike(name, run):
    found = uniform(run(TARGETS, OPTIONS[name], "-f", "json").json)
    assert found == pytest.approx(expected(TARGETS, OPTIONS[name]), rel=1e-15)


@pytest.mark.parametrize("name", SOFT_OPTIONS)
def test_chance_of_soft_targets(name, run):
    found = uniform(run(SOFT, SOFT_OPTIONS[name], "-f", "json").json)
    assert found == pytest.approx(expected(SOFT, SOFT_OPTIONS[name]), rel=1e-14)


@pytest.mark.parametrize(
    ("targets", "options"),
    [
        *[pytest.param(TARGETS, options, id=name) for name, options in LEFT_OUT.items()],
        *[pytest.param(SOFT, options, id=f"soft {name}") for name, options in SOFT_LEFT_OUT.items()],
        pytest.param(SOFT * 1.5, {}, id="soft targets that sum to more than 1"),
    ],
)
def test_chance_is_left_out_where_it_depends_on_the_targets(targets, options, run):
    assert expected(targets, options) != pytest.approx(np.log(4), rel=1e-3)
    assert "uniform_loss" not in run(targets, options, "-f", "json").json
    assert "\n  chance " not in run(targets, options).out


def test_log_c_is_named_where_it_is_that(run):
    assert "log 4: all classes alike" in run(TARGETS, {}).out
    assert "log 4" not in run(TARGETS, {"loss": "one-vs-rest"}).out


def test_one_class_has_no_chance(tmp_path):
    """Its loss is 0 whatever the logits: there is nothing to compute."""
    np.save(tmp_path / "x.npy", np.zeros((2, 1)))
    np.save(tmp_path / "y.npy", [0, 0])
    for loss in ("nll", "one-vs-rest"):
        done = nll("compute", tmp_path / "x.npy", tmp_path / "y.npy", "--loss", loss, "-f", "json")
        assert (done.code, done.out) == (2, "")


@pytest.mark.parametrize("loss", ["one-vs-rest", "argmax"])
def test_only_a_likelihood_has_a_perplexity(loss, run):
    assert run(TARGETS, {"loss": loss}, "-f", "json").json["perplexity"] is None
    assert "\n  perplexity " not in run(TARGETS, {"loss": loss}).out
    assert "\n  perplexity " in run(TARGETS, {}).out
