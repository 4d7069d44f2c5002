"""Weights counted from names rest on an order of the classes that nobody gave."""

from in_process import nll


def test_alphabetical_order_warns(tmp_path):
    (tmp_path / "t.txt").write_text("rare\ncommon\ncommon\n")
    done = nll("weights", "--targets", tmp_path / "t.txt", "-q")
    assert done.out == "0.75,1.5\n"  # common, rare: N / (C n) = 3 / (2 * 2), 3 / (2 * 1)
    assert "alphabetical" in done.err
    told = nll("weights", "--targets", tmp_path / "t.txt", "--classes", "rare,common", "-q")
    assert (told.out, told.err) == ("1.5,0.75\n", "")
