"""The gradient of a block is that of its samples, however many of them are worked on at a time."""

import numpy as np
import pytest

from nllcli.data.blocks import Block, Scratch
from nllcli.data.settings import LossOptions
from nllcli.numerics import evaluate as module
from nllcli.numerics.evaluate import Wanted, evaluate


@pytest.mark.parametrize("n", [0, 1, 5])
def test_gradient_in_parts(n, monkeypatch):
    rng = np.random.default_rng(4)
    block = Block(0, rng.normal(size=(n, 3)), rng.integers(0, 3, n))
    whole = evaluate(block, LossOptions(), Wanted(gradient=2.0), Scratch()).gradient
    monkeypatch.setattr(module, "_PART_ELEMENTS", 6)
    parts = evaluate(block, LossOptions(), Wanted(gradient=2.0), Scratch()).gradient
    powers = np.exp(block.logits)
    expected = (powers / powers.sum(axis=1, keepdims=True) - np.eye(3)[block.targets]) / 2
    assert parts.tolist() == whole.tolist()
    assert whole == pytest.approx(expected, rel=1e-12)
