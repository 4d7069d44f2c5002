"""Matrices too large for a page."""

import numpy as np
from in_process import nll


def test_a_report_has_a_limit(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((1001, 1000), "f4"))
    refused = nll("softmax", tmp_path / "x.npy", "-f", "json")
    assert refused.code == 2
    assert refused.out == ""
    assert "too many for a report" in refused.err
    assert "-o FILE.npy" in refused.err
