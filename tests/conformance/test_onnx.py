"""ONNX's own backend tests of softmax and the losses, through files and the command line.

Each case is run twice over: against ONNX's stored answer at ONNX's own tolerance, and at 1e-12 against a plain loop
in float64, since the stored answers are float32.
"""

import importlib
import math

import numpy as np
import onnx
import pytest
from in_process import nll
from onnx.backend.test.case import node

pytestmark = pytest.mark.uncounted

KINDS = {"test_nllloss_": 18, "test_sce_": 34, "test_softmax_": 7, "test_logsoftmax_": 7}


def load():
    """The cases of the four operators by name; "_expanded" ones repeat a case through other operators.

    ONNX's own loader builds the cases of every operator, which takes many times as long.
    """
    for operator in ("negativeloglikelihoodloss", "softmax_cross_entropy_loss", "softmax", "logsoftmax"):
        importlib.import_module(f"{node.__name__}.{operator}")
    cases = node._NodeTestCases
    return {case.name: case for case in cases if case.name.startswith(tuple(KINDS)) and "_expanded" not in case.name}


CASES = load()


def names(prefix):
    return [name for name in CASES if name.startswith(prefix)]


@pytest.mark.parametrize(("prefix", "n"), KINDS.items())
def test_no_case_is_missed(prefix, n):
    """18 of NegativeLogLikelihoodLoss, 34 of SoftmaxCrossEntropyLoss, 14 of Softmax and LogSoftmax."""
    assert len(names(prefix)) == n


def attributes(case):
    (node,) = case.model.graph.node
    found = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    return {key: value.decode() if isinstance(value, bytes) else value for key, value in found.items()}


def log_softmax(values, axis):
    """By the definition, in float64; the logits of these cases are tame but for a large common offset."""
    shifted = values.astype(np.float64) - values.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def loop(log_probs, targets, weights, reduction, ignore_index):
    """The loss as ONNX's page defines it, one position at a time: classes on axis 1."""
    losses, total = np.zeros(targets.shape), []
    for place in np.ndindex(*targets.shape):
        y = int(targets[place])
        if y == ignore_index:
            continue
        weight = 1.0 if weights is None else float(weights[y])
        losses[place] = -weight * float(log_probs[(place[0], y, *place[1:])])
        total.append(weight)
    if reduction == "none":
        return losses
    added = math.fsum(losses.ravel())
    return added if reduction == "sum" else added / math.fsum(total)


@pytest.mark.parametrize("name", [*names("test_nllloss_"), *names("test_sce_")])
def test_losses(name, tmp_path):
    case = CASES[name]
    inputs, outputs = case.data_sets[0]
    values, targets, *weights = inputs
    wanted = {"reduction": "mean", "ignore_index": None, **attributes(case)}
    of_logits = name.startswith("test_sce_")

    words = ["--class-axis", 1, "--reduction", wanted["reduction"]]
    for label, array in [("x", values), ("y", targets), ("w", weights[0] if weights else None)]:
        if array is not None:
            np.save(tmp_path / f"{label}.npy", array)
    if weights:
        words += ["--weights", tmp_path / "w.npy"]
    if wanted["ignore_index"] is not None:
        words += ["--ignore-index", wanted["ignore_index"]]
    words += ["--save-log-probs", tmp_path / "log_probs.npy"]
    words += [] if of_logits else ["--from", "log-probs"]
    run = nll("compute", tmp_path / "x.npy", tmp_path / "y.npy", *words, "-f", "json")

    log_probs = log_softmax(values, 1) if of_logits else values.astype(np.float64)
    expected = loop(log_probs, targets, weights[0] if weights else None, wanted["reduction"], wanted["ignore_index"])
    got = np.array(run.json["losses" if wanted["reduction"] == "none" else "loss"])
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=0)
    assert got.shape == outputs[0].shape
    np.testing.assert_allclose(got, outputs[0], rtol=case.rtol, atol=case.atol)
    # The "log-probabilities" of NegativeLogLikelihoodLoss are plain random numbers: said, and used as they are.
    assert run.codes == (set() if of_logits else {"not-normalised"})

    saved = np.load(tmp_path / "log_probs.npy")
    np.testing.assert_allclose(saved, log_probs, rtol=1e-12, atol=0)
    if name.endswith("_log_prob"):
        np.testing.assert_allclose(saved, outputs[1], rtol=case.rtol, atol=case.atol)


@pytest.mark.parametrize("name", [*names("test_softmax_"), *names("test_logsoftmax_")])
def test_softmax(name, tmp_path):
    case = CASES[name]
    (values,), (stored,) = case.data_sets[0]
    axis = attributes(case).get("axis", -1)
    log = name.startswith("test_logsoftmax_")
    np.save(tmp_path / "x.npy", values)
    run = nll("softmax", tmp_path / "x.npy", "--class-axis", axis, *["--log"] * log, "-o", tmp_path / "p.npy")
    assert run.code == 0, run.err

    got = np.load(tmp_path / "p.npy")
    log_probs = log_softmax(values, axis)
    np.testing.assert_allclose(got, log_probs if log else np.exp(log_probs), rtol=1e-12, atol=1e-300)
    assert got.shape == stored.shape
    np.testing.assert_allclose(got, stored, rtol=case.rtol, atol=case.atol)
