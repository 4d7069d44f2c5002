"""A tally with anything wrong in it is refused in one line: it never leads to a wrong number, nor to a defect."""

import json

import numpy as np
import pytest
from in_process import nll
from tally_documents import WRONG, changed, paths_in, without_each_key

RNG = np.random.default_rng(4)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The content of a tally that has everything a tally can have."""
    folder = tmp_path_factory.mktemp("rich")
    p = RNG.dirichlet(np.ones(3), 9)
    p[2] = [0, 0, 1]
    np.save(folder / "x.npy", p)
    np.save(folder / "y.npy", [0, 1, 0, 1, 2, -100, 1, 1, 0])
    np.save(folder / "w.npy", RNG.exponential(size=9))
    words = ("--from", "probs", "--clip", "0.001", "--weights", "1,2,-3", "--classes", "a,b,c")
    words += ("--sample-weights", folder / "w.npy", "-f", "tally")
    done = nll("compute", folder / "x.npy", folder / "y.npy", *words)
    assert done.code == 0, done.err
    return json.loads(done.out)


@pytest.fixture
def merged(tmp_path, monkeypatch):
    """Merge a tally of this content."""
    monkeypatch.chdir(tmp_path)

    def run(content):
        file = tmp_path / "a.json"
        file.unlink(missing_ok=True)  # to write over a file waits for the disk on some systems
        file.write_text(json.dumps(content))
        return nll("merge", "a.json", "-f", "json")

    return run


def test_it_is_sound(data, merged):
    assert merged(data).code == 0


@pytest.mark.uncounted
def test_any_value_that_is_another(data, merged):
    refused = 0
    for path in paths_in(data):
        for value in WRONG:
            done = merged(changed(data, path, value))
            assert done.code in (0, 3), (path, value, done.err)
            if done.code:
                assert done.err.startswith("nll: error: a.json: "), done.err
                assert done.out == ""
                refused += 1
    assert refused > 500


@pytest.mark.uncounted
def test_any_key_that_is_missing(data, merged):
    for path, again in without_each_key(data):
        done = merged(again)
        assert done.code in (0, 3), (path, done.err)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("format_version",), "1", 'format_version is "1", not a count'),
        (("n_classes",), 0, "n_classes is 0"),
        (("n_classes",), 1 << 40, "n_classes is 1099511627776"),
        (("n_classes",), 4, "class_names has 3 values for 4 classes"),
        (("inputs",), [], "inputs names no file"),
        (("class_names",), ["a"], "class_names has 1 values for 3 classes"),
        (("signature", "loss"), "huber", "signature.loss is 'huber', which this nll does not know"),
        (("subject", "reduction"), "none", "subject.reduction is 'none', which this nll does not know"),
        (("subject", "clip"), 0, "subject.clip is 0.0, which is not between 0 and 0.5"),
        (("subject", "class_weights"), [1], "subject.class_weights has 1 values for 3 classes"),
        (("tally", "n_counted"), 10, "tally.n_counted is 10, and that does not fit the other counts"),
        (("tally", "n_counted"), -1, "tally.n_counted is -1, not a count"),
        (("tally", "n_correct"), 9, "tally.n_counted is 8, and that does not fit the other counts"),
        (("tally", "squares", "n"), 7, "tally.n_counted is 8, and that does not fit the other counts"),
        (("tally", "loss_sum"), "0x1", 'tally.loss_sum is "0x1", not a hexadecimal float'),
        (
            ("tally", "loss_sum"),
            "0x" + "1" * 2000 + "p+0",
            f'tally.loss_sum is "0x{"1" * 37}..., not a hexadecimal float',
        ),
        (("tally", "loss_sum"), "0x1p+3", "tally.classes.weighted_sum does not add up to the sum of all samples"),
        (("tally", "unweighted_sum"), "0x1p+3", "tally.classes.loss_sum does not add up to the sum of all samples"),
        (("tally", "squares", "loss"), "0x1p-9", "tally.squares.loss is less than these losses can have"),
        (("tally", "squares", "loss"), "-0x1p+9", "tally.squares.loss is less than these losses can have"),
        (("tally", "squares", "weight"), "-0x1p+9", "tally.squares.loss is less than these losses can have"),
        (("tally", "squares", "weight"), None, "tally.squares.weight is null, not a hexadecimal float"),
        (("tally", "classes", "n"), [2, 4, 1], "tally.classes.n does not add up to the sum of all samples"),
        (("tally", "classes", "n"), [3, 4], "tally.classes.n is [3, 4], not a list of 3 counts"),
        (("tally", "classes", "n"), [3, 5, -1], "tally.classes.n is not a list of counts"),
        (
            ("tally", "classes", "n_correct"),
            [0, 0, 0],
            "tally.classes.n_correct does not add up to the sum of all samples",
        ),
        (("tally", "classes", "class"), [0, 2, 1], "tally.classes.class are not indices of 3 classes, in order"),
        (("tally", "classes", "class"), [0, 1, 3], "tally.classes.class are not indices of 3 classes, in order"),
        (("tally", "classes", "class"), [0, 1], "tally.classes.class is [0, 1], not a list of 3 counts"),
        (
            ("tally", "classes", "loss_sum"),
            ["0x1"] * 3,
            'tally.classes.loss_sum is ["0x1", "0x1", "0x1"], not a list of sums',
        ),
    ],
    ids=str,
)
def test_what_it_says(data, merged, path, value, told):
    done = merged(changed(data, path, value))
    assert (done.code, done.err) == (3, f"nll: error: a.json: is a damaged tally: {told}\nhint: write it again\n")


def test_a_column_of_classes_needs_counts(data, merged):
    again = changed(changed(data, ("tally", "classes", "class"), []), ("tally", "classes", "n"), 5)
    assert "tally.classes.n is 5, not a list of 0 counts" in merged(again).err
