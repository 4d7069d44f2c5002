"""Matrices too large for a page."""

import numpy as np
import pytest
from in_process import nll


def test_a_report_has_a_limit(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((1001, 1000), "f4"))
    refused = nll("softmax", tmp_path / "x.npy", "-f", "json")
    assert refused.code == 2
    assert refused.out == ""
    assert "too many for a report" in refused.err
    assert "-o FILE.npy" in refused.err


@pytest.mark.uncounted
def test_csv_is_the_array_whatever_the_file_is_called(tmp_path):
    """As large as it may be: nothing of it is kept for a page."""
    np.save(tmp_path / "x.npy", np.zeros((1001, 1000), "f4"))
    for words in (["-o", tmp_path / "y.csv"], ["-f", "csv", "-o", tmp_path / "y"]):
        assert nll("softmax", tmp_path / "x.npy", *words).code == 0
        rows = words[-1].read_text().splitlines()
        assert rows == [",".join(["0.001"] * 1000)] * 1001


@pytest.mark.parametrize("names", [[], ["--classes", "a,b,c"]], ids=["numbers", "names"])
def test_what_softmax_writes_as_csv_is_read_again(tmp_path, names):
    """Numbers of classes above the columns could be a row too, and are left out."""
    np.save(tmp_path / "x.npy", np.array([[1.0, 2.0, 4.0], [0.0, 3.0, 1.0]]))
    (tmp_path / "y.txt").write_text("2\n0\n")
    assert nll("softmax", tmp_path / "x.npy", *names, "-o", tmp_path / "p.csv").code == 0
    direct = nll("compute", tmp_path / "x.npy", tmp_path / "y.txt", "-q")
    again = nll("compute", tmp_path / "p.csv", tmp_path / "y.txt", "--from", "probs", "-q")
    assert float(again.out) == pytest.approx(float(direct.out), rel=1e-14)
