"""The tally of nll compute: where it goes, what it holds, and what cannot be one."""

import json
from fractions import Fraction

import numpy as np
import pytest
from following import meanings, offered, run
from in_process import nll

RNG = np.random.default_rng(8)
X, Y = RNG.normal(size=(10, 3)), RNG.integers(0, 3, 10)
KEYS = [
    *("format", "format_version", "command", "version", "signature", "subject", "n_classes", "class_names"),
    *("inputs", "left_out", "computed_with", "tally", "shown"),
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", X)
    np.save("y.npy", Y)
    return tmp_path


def value_of(text):
    """What a hexadecimal float stands for."""
    mantissa, _, exponent = text.removeprefix("0x").partition("p")
    whole, _, fraction = mantissa.partition(".")
    return Fraction(int(whole + fraction, 16)) * Fraction(2) ** (int(exponent) - 4 * len(fraction))


def test_the_file_and_the_stream_are_the_same(folder):
    done = nll("compute", "x.npy", "y.npy", "-f", "tally")
    assert done.code == 0
    assert list(json.loads(done.out)) == KEYS
    assert nll("compute", "x.npy", "y.npy", "-o", "x.tally.json").out == ""
    assert (folder / "x.tally.json").read_text() == done.out
    assert nll("compute", "x.npy", "y.npy", "-o", "x.json", "-f", "tally").code == 0
    assert (folder / "x.json").read_text() == done.out


def test_the_sums_by_definition():
    weights = RNG.exponential(size=10)
    np.save("w.npy", weights)
    options = ("--sample-weights", "w.npy", "--save-losses", "losses.npy", "-f", "tally")
    tally = nll("compute", "x.npy", "y.npy", *options).json["tally"]
    assert nll("compute", "x.npy", "y.npy", "--save-losses", "plain.npy", "-q").code == 0
    arrays = (np.load("losses.npy"), np.load("plain.npy"), weights)
    losses, plain, weights = ([Fraction(value) for value in array.tolist()] for array in arrays)
    assert value_of(tally["loss_sum"]) == sum(losses)
    assert value_of(tally["unweighted_sum"]) == sum(plain)
    assert value_of(tally["weight_sum"]) == sum(weights)
    squares = tally["squares"]
    assert value_of(squares["loss"]) == sum(loss**2 for loss in losses)
    assert value_of(squares["loss_weight"]) == sum(a * b for a, b in zip(losses, weights, strict=True))
    assert value_of(squares["weight"]) == sum(weight**2 for weight in weights)
    for c in range(3):
        of_class = [loss for loss, y in zip(plain, Y, strict=True) if y == c]
        assert value_of(tally["classes"]["loss_sum"][c]) == sum(of_class)
        assert tally["classes"]["n"][c] == len(of_class)


def test_what_a_person_sees_is_rounded():
    content = nll("compute", "x.npy", "y.npy", "-f", "tally").json
    report = nll("compute", "x.npy", "y.npy", "-f", "json").json
    assert content["shown"] == {"loss": report["loss"], "standard_error": report["standard_error"]}
    assert float.fromhex(content["tally"]["loss_sum"]) == report["loss_sum"]


def test_the_machine_is_named():
    (machine,) = nll("compute", "x.npy", "y.npy", "-f", "tally").json["computed_with"]
    assert machine["numpy"] == np.__version__
    assert list(machine) == ["numpy", "machine", "simd"]


@pytest.mark.parametrize(
    ("options", "told", "ways"),
    [
        (("--reduction", "none"), "a tally holds sums, and --reduction none asks for the samples", ["the sums"]),
        (("--per-sample",), "a tally holds sums, and --per-sample asks for the samples", ["the sums"]),
    ],
    ids=str,
)
@pytest.mark.parametrize("to", [("-f", "tally"), ("-o", "x.tally.json")], ids=" ".join)
def test_samples_are_not_sums(options, told, ways, to):
    done = nll("compute", "x.npy", "y.npy", *options, *to)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[0] == f"nll: error: {told}"
    assert meanings(done) == ways
    assert [run(line).code for line in offered(done)] == [0]


def test_a_part_does_not_weigh_by_its_own_targets(folder):
    done = nll("compute", "x.npy", "y.npy", "--counts", "targets", "-o", "x.tally.json")
    assert (done.code, done.out, (folder / "x.tally.json").exists()) == (2, "", False)
    error, hint = done.err.splitlines()
    assert error == "nll: error: --counts targets would weigh every part differently"
    assert hint == (
        "hint: count the targets of all parts once: "
        "nll weights --targets FILE -f json -o weights.json, then --weights weights.json for every part"
    )
    # What the hint says, done.
    assert nll("weights", "--targets", "y.npy", "-f", "json", "-o", "weights.json").code == 0
    assert nll("compute", "x.npy", "y.npy", "--weights", "weights.json", "-o", "x.tally.json").code == 0
    weighted = nll("compute", "x.npy", "y.npy", "--counts", "targets", "-q").out
    assert nll("merge", "x.tally.json", "-q").out == weighted


def test_arrays_may_be_saved_beside_it(folder):
    assert nll("compute", "x.npy", "y.npy", "-o", "x.tally.json", "--save-probs", "p.npy").code == 0
    assert np.load(folder / "p.npy").shape == (10, 3)


def test_bare_numbers_are_no_tally():
    assert nll("compute", "x.npy", "y.npy", "-q", "-f", "tally").code == 2
    done = nll("compute", "x.npy", "y.npy", "-q", "-o", "x.tally.json")
    assert done.code == 2
    assert [run(line).code for line in offered(done)] == [0, 0]


def test_json_names_the_inputs():
    def inputs(*words):
        return nll("compute", *words, "-f", "json").json["inputs"]

    assert inputs("x.npy", "y.npy") == [{"logits": "x.npy", "targets": "y.npy", "n_samples": 10}]
    assert inputs("x.npy", "--loss", "argmax") == [{"logits": "x.npy", "targets": None, "n_samples": 10}]
    np.savetxt("t.csv", np.column_stack([X, Y]), delimiter=",", header="a,b,c,label", comments="")
    table = {"logits": "t.csv", "targets": None, "n_samples": 10}
    assert inputs("t.csv", "--target-column", "label", "--targets-are", "numbers") == [table]
    np.save("soft.npy", RNG.dirichlet(np.ones(3), 10))
    assert inputs("x.npy", "soft.npy")[0]["targets"] == "soft.npy"
    np.save("x2.npy", X[:4])
    np.save("y2.npy", Y[:4])
    names = [{"logits": f"x{i}.npy", "targets": f"y{i}.npy", "n_samples": n} for i, n in (("", 10), ("2", 4))]
    assert inputs("x{,2}.npy", "y{,2}.npy") == names
