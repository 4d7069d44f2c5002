"""Weights counted from names rest on an order of the classes that nobody gave."""

import numpy as np
import oracle
import pytest
from in_process import nll


def test_alphabetical_order_warns(tmp_path):
    (tmp_path / "t.txt").write_text("rare\ncommon\ncommon\n")
    done = nll("weights", "--targets", tmp_path / "t.txt", "-q")
    assert done.out == "0.5,1\n"  # common, rare: 1/n, the largest 1
    assert "alphabetical" in done.err
    told = nll("weights", "--targets", tmp_path / "t.txt", "--classes", "rare,common", "-q")
    assert (told.out, told.err) == ("1,0.5\n", "")


LOGITS = [[5, 4, 2], [4, 2, 8], [4, 4, 1]]
TARGETS = [0, 2, 1]


@pytest.fixture
def files(tmp_path):
    """Logits whose classes have no names, and their targets."""
    np.save(tmp_path / "x.npy", np.array(LOGITS))
    np.save(tmp_path / "y.npy", np.array(TARGETS))
    return tmp_path / "x.npy", tmp_path / "y.npy"


@pytest.mark.parametrize("option", ["--weights", "--counts"])
def test_names_need_the_names_of_the_classes(option, files, tmp_path):
    (tmp_path / "w.csv").write_text("dog,3\ncat,1\nhorse,2\n")
    done = nll("compute", *files, option, tmp_path / "w.csv")
    assert done.code == 2
    assert done.err == (
        f"nll: error: {option}: names the classes dog, cat, horse, and those of the logits have no names\n"
        "hint: --classes names them in the order of the logits\n"
    )
    named = nll("compute", *files, option, tmp_path / "w.csv", "--classes", "cat,dog,horse", "-q")
    assert named.out == nll("compute", *files, option, "1,3,2", "-q").out


@pytest.mark.parametrize("format", ["csv", "tsv", "json"])
@pytest.mark.parametrize("counts", ["100,10,50", "counts.csv"])
def test_weights_are_read_as_they_were_written(format, counts, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "counts.csv").write_text("class,count\nhorse,50\ncat,100\ndog,10\n")
    assert nll("weights", "--counts", counts, "-f", format, "-o", tmp_path / "w").code == 0
    for option in ("--weights", "--counts"):
        done = nll("compute", *files, option, tmp_path / "w", "--classes", "cat,dog,horse", "-q")
        # 1/n for the counts 100, 10 and 50, the largest 1
        expected = oracle.reduce(LOGITS, TARGETS, class_weights=[0.1, 1, 0.2])
        assert float(done.out) == pytest.approx(float(expected), rel=1e-14)


def test_counts_follow_the_classes_by_name(tmp_path):
    (tmp_path / "counts.csv").write_text("class,count\nhorse,50\ncat,100\ndog,10\n")
    done = nll("weights", "--counts", tmp_path / "counts.csv", "--classes", "cat,dog,horse", "-f", "csv")
    assert [line.split(",")[:2] for line in done.out.splitlines()[1:]] == [
        ["cat", "100"],
        ["dog", "10"],
        ["horse", "50"],
    ]
