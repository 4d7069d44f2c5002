"""--temperature for files of probabilities: what is printed and saved, and nll softmax of them."""

import numpy as np
import oracle
import pytest
from in_process import nll
from one_block import worst_error

PROBS = np.array([[0.7, 0.2, 0.1], [0.05, 0.9, 0.05], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
TARGETS = [0, 2, 1, 0]
HOW = {"source": "probs", "temperature": 2.5}
WORDS = ["--from", "probs", "--temperature", "2.5"]
LIMIT = 1e-14


@pytest.fixture(params=["npy", "csv"])
def files(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("y.npy", TARGETS)
    if request.param == "npy":
        np.save("p.npy", PROBS)
    else:
        np.savetxt("p.csv", PROBS, fmt="%.17g", delimiter=",")
    return [f"p.{request.param}", "y.npy"]


def test_the_loss_and_what_is_saved(files):
    done = nll("compute", *files, *WORDS, "--save-probs", "q.npy", "--save-log-probs", "l.npy", "-f", "json")
    log_p = [oracle.log_probabilities(row, **HOW, complements=False)[0] for row in PROBS]
    assert worst_error(done.json["loss"], oracle.reduce(PROBS, TARGETS, **HOW)) <= LIMIT
    assert worst_error(np.load("l.npy"), log_p) <= LIMIT
    assert "temperature:2.5" in done.json["signature"]
    assert not done.codes
    nll("softmax", files[0], *WORDS, "-o", "s.npy")
    np.testing.assert_array_equal(np.load("s.npy"), np.load("q.npy"))
    nll("softmax", files[0], *WORDS, "--log", "-o", "s.npy")
    np.testing.assert_array_equal(np.load("s.npy"), np.load("l.npy"))


def test_the_softmax_of_the_same_logits(files):
    with np.errstate(divide="ignore"):
        np.save("x.npy", np.log(PROBS))
    nll("softmax", "x.npy", "--temperature", "2.5", "-o", "of_logits.npy")
    nll("softmax", files[0], *WORDS, "-o", "of_probs.npy")
    np.testing.assert_array_equal(np.load("of_probs.npy"), np.load("of_logits.npy"))


def test_no_softmax_of_tokens(files):
    done = nll("softmax", files[0], "--from", "token-log-probs")
    assert (done.code, "token-log-probs is unknown" in done.err) == (2, True)


def test_the_gradient_is_by_logits(files):
    done = nll("grad", *files, *WORDS)
    assert (done.code, "the gradient is by logits; the file holds probs" in done.err) == (2, True)
