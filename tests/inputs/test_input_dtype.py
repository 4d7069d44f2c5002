"""--input-dtype speaks of the logits."""

import numpy as np
import pytest
from in_process import nll
from oracle import losses


def test_bfloat16_logits_meet_typed_targets(tmp_path):
    rows = [[1.5, -2.0, 0.25], [0.0, 4.0, -1.0]]  # each a bfloat16: the upper half of its float32
    upper = (np.array(rows, "<f4").view("<u4") >> 16).astype("<u2")
    np.save(tmp_path / "x.npy", upper.view("V2"))
    np.save(tmp_path / "y.npy", np.array([2, 1]))
    done = nll("compute", tmp_path / "x.npy", tmp_path / "y.npy", "--input-dtype", "bfloat16", "-q")
    assert float(done.out) == pytest.approx(float(sum(losses(rows, [2, 1]))) / 2, rel=1e-14)


def test_typed_logits_are_not_bfloat16(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 3), "f4"))
    np.save(tmp_path / "y.npy", np.array([2, 1]))
    done = nll("compute", tmp_path / "x.npy", tmp_path / "y.npy", "--input-dtype", "bfloat16")
    assert done.code == 3
    assert "holds float32, not bfloat16" in done.err
