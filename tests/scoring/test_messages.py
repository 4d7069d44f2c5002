"""What is said of one thing, of several, and of numbers that are out of bounds."""

import pytest
from in_process import nll

PETS = ("samples/pets/logits.csv", "samples/pets/targets.txt")


@pytest.mark.parametrize("text", ["inf", "0", "-1", "nan"])
def test_a_temperature_is_finite_and_above_0(text):
    done = nll("compute", *PETS, "--temperature", text)
    assert (done.code, "is not a finite number above 0" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("weights", "told"), [("1,-2,3", "1 class weight is negative"), ("-1,-2,4", "2 class weights are negative")]
)
def test_negative_class_weights_are_counted(weights, told):
    assert nll("compute", *PETS, "--weights", weights).err == f"nll: warning: {told}\n"


@pytest.mark.parametrize(("n", "told"), [(1, "has 1 value, but"), (2, "has 2 values, but")])
def test_targets_are_counted(n, told, tmp_path):
    (tmp_path / "y.txt").write_text("cat\n" * n)
    done = nll("compute", PETS[0], tmp_path / "y.txt")
    assert (done.code, told in done.err) == (3, True)


def test_a_first_line_in_doubt_is_named_once(tmp_path):
    (tmp_path / "x.csv").write_text("0,1\n0.5,1.5\n")
    done = nll("softmax", tmp_path / "x.csv")
    assert "x.csv, line 1: is 0, 1: the names of the columns, or a row?" in done.err


@pytest.mark.parametrize("words", ["--scheme log", "--normalize max", "--beta 0.5", "--zero-count zero"])
@pytest.mark.parametrize("weights", [(), ("--weights", "1,2,3")], ids=["unweighted", "weighted"])
def test_what_derives_weights_from_counts_needs_counts(words, weights):
    done = nll("compute", *PETS, *weights, *words.split())
    assert (done.code, done.out) == (2, "")
    assert "derive weights from counts, and there are none\nhint: " in done.err


def test_a_beta_needs_a_scheme_that_has_one():
    for command in (("compute",), ("grad",), ("reconcile", "--expect", "1")):
        done = nll(*command, *PETS, "--counts", "1,2,3", "--scheme", "log", "--beta", "0.5")
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("nll: error: the scheme log has no beta\nhint: ")
