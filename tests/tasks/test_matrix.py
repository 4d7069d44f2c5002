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


def test_csv_is_the_array_whatever_the_file_is_called(tmp_path):
    """As large as it may be: nothing of it is kept for a page."""
    np.save(tmp_path / "x.npy", np.zeros((1001, 1000), "f4"))
    for words in (["-o", tmp_path / "y.csv"], ["-f", "csv", "-o", tmp_path / "y"]):
        assert nll("softmax", tmp_path / "x.npy", *words).code == 0
        header, *rows = words[-1].read_text().splitlines()
        assert header == ",".join(map(str, range(1000)))
        assert rows == [",".join(["0.001"] * 1000)] * 1001
