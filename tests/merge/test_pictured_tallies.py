"""What pictures are made of, in tallies: written, read, added up; and refused where anything in it is wrong."""

import json

import numpy as np
import pytest
from in_process import nll
from tally_documents import WRONG, changed, paths_in, without_each_key

from nllcli import engine

RNG = np.random.default_rng(8)
N, C = 90, 3
X, W = RNG.normal(0, 3, (N, C)), RNG.random(N)
Y = np.where(np.arange(N) % 8 == 1, -100, RNG.integers(0, C, N))
SETTINGS = ("--hardest", "4", "--temperature-curve")


def tally(*words):
    done = nll("report", *words, "-f", "tally")
    assert done.code == 0, done.err
    return json.loads(done.out)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def parts(folder):
    """The samples in one file and in three; the words that name each."""
    words = []
    for i, rows in enumerate([slice(None), slice(0, 20), slice(20, 20), slice(20, N)]):
        for name, array in {"x": X, "y": Y, "w": W}.items():
            np.save(folder / f"{name}{i}.npy", array[rows])
        words.append([f"x{i}.npy", f"y{i}.npy", "--sample-weights", f"w{i}.npy", *SETTINGS])
    return words


def without_files(data):
    """What was collected, with the samples of the one file, whatever their part."""
    pictures = data["tally"]["pictures"]
    before = {"x0.npy": 0, "x1.npy": 0, "x3.npy": 20}
    for sample in pictures["hardest"]["samples"]:
        sample["sample"] += before[sample.pop("file")]
        del sample["text"]
    return pictures


def test_parts_add_up_to_the_whole(parts, folder):
    whole, *cut = parts
    for i in (3, 1, 2):
        assert nll("report", *cut[i - 1], "-o", f"{i}.tally.json").code == 0
    assert nll("merge", "3.tally.json", "2.tally.json", "-o", "some.tally.json").code == 0
    merged = nll("merge", "1.tally.json", "some.tally.json", "-f", "tally").json
    assert without_files(merged) == without_files(tally(*whole))
    several = ["@list", "--sample-weights", "@weights", *SETTINGS]
    (folder / "list").write_text("".join(f"x{i}.npy y{i}.npy\n" for i in (3, 2, 1)))
    (folder / "weights").write_text("".join(f"w{i}.npy\n" for i in (3, 2, 1)))
    assert without_files(tally(*several)) == without_files(tally(*whole))


@pytest.mark.uncounted
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("kind", ["npy", "csv", "transposed"])
@pytest.mark.parametrize("more", [(), ("--sample-weights", "w.npy")], ids=["plain", "weighted"])
def test_the_same_bits_whoever_works(kind, more, monkeypatch):
    """Alone in one block, by threads and by processes in many."""
    n = 1000
    x, y = RNG.normal(0, 3, (n, C)), RNG.integers(0, C, n)
    x[::200] = x[0]  # some lose alike
    if kind == "csv":
        np.savetxt("x.csv", x, delimiter=",")
    else:
        np.save("x.npy", np.asfortranarray(x) if kind == "transposed" else x)
    np.save("y.npy", y)
    np.save("w.npy", RNG.random(n))
    words = ["x.csv" if kind == "csv" else "x.npy", "y.npy", "--temperature-curve", *more]
    expected = tally(*words, "--threads", "1")["tally"]
    monkeypatch.setattr(engine, "_MOST_SAMPLES", 64)
    for workers in (("--threads", "1"), ("--threads", "2"), ("--threads", "7"), ("--processes", "2")):
        assert tally(*words, *workers)["tally"] == expected


def test_what_the_hardest_are(parts):
    """By their files and places, the largest loss first."""
    whole = tally(*parts[0])["tally"]["pictures"]["hardest"]
    losses = [each["loss"] for each in whole["samples"]]
    assert (whole["most"], len(losses)) == (4, 4)
    assert losses == sorted(losses, reverse=True)
    for each in whole["samples"]:
        assert each["text"] == f"row {each['sample']}"
        assert each["target"] == Y[each["sample"]]
        assert each["top"] == X[each["sample"]].argmax()
        assert each["probabilities"][each["top"]] == each["p_top"]


def test_lines_of_a_table_are_named(folder):
    """Also where other processes read them, and for samples that no finding names."""
    lines = ["a,b", "1,2", "", "3,-4", "", "", "0,0", "-5,5"]
    (folder / "x.csv").write_text("\n".join(lines) + "\n")
    (folder / "y.txt").write_text("0\n1\n0\n0\n")
    expected = None
    for workers in ([], ["--processes", "2"]):
        samples = tally("x.csv", "y.txt", *workers)["tally"]["pictures"]["hardest"]["samples"]
        assert [(each["sample"], each["text"]) for each in samples] == [
            (3, "line 8"),
            (1, "line 4"),
            (0, "line 2"),
            (2, "line 7"),
        ]
        expected = expected or samples
        assert samples == expected


def test_an_infinite_loss_is_text(folder):
    np.save("x.npy", [[0.0, -np.inf], [0.0, 1.0]])
    np.save("y.npy", [1, 0])
    nll("report", "x.npy", "y.npy", "-o", "a.tally.json")
    content = json.loads((folder / "a.tally.json").read_text())["tally"]["pictures"]
    assert [each["loss"] for each in content["hardest"]["samples"]] == ["inf", pytest.approx(np.log1p(np.e))]
    assert content["losses"]["n_infinite"] == 1
    assert nll("merge", "a.tally.json", "-f", "tally").json["tally"]["pictures"] == content


@pytest.mark.usefixtures("folder")
def test_log_probs_far_above_0():
    """Their loss is a number, and p is not."""
    np.save("x.npy", [[800.0, -1.0], [-1.0, -1.0]])
    np.save("y.npy", [1, 1])
    found = tally("x.npy", "y.npy", "--from", "log-probs")["tally"]["pictures"]["hardest"]["samples"]
    assert [(each["p_top"], each["probabilities"] is None) for each in found] == [(None, True), (np.exp(-1.0), False)]


@pytest.mark.usefixtures("folder")
def test_without_classes():
    np.save("x.npy", [-1.0, -2.5])
    found = tally("x.npy", "--from", "token-log-probs")["tally"]["pictures"]
    assert [found[key] for key in ("claims", "confusions", "class_squares", "curve")] == [None] * 4
    assert [each["top"] for each in found["hardest"]["samples"]] == [None, None]


def test_tallies_without_them(parts, folder):
    for command, i in (("report", 1), ("compute", 3)):
        words = [word for word in parts[i] if word not in SETTINGS] if command == "compute" else parts[i]
        assert nll(command, *words, "-o", f"{i}.tally.json").code == 0
    assert "pictures" not in json.loads((folder / "3.tally.json").read_text())["tally"]
    merged = nll("merge", "1.tally.json", "3.tally.json", "-f", "tally").json
    assert "pictures" not in merged["tally"]
    empty = [word for word in parts[2] if word not in SETTINGS]
    assert nll("compute", *empty, "-o", "2.tally.json").code == 0
    assert "pictures" in nll("merge", "1.tally.json", "2.tally.json", "-f", "tally").json["tally"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The content of a tally that has everything that is collected."""
    folder = tmp_path_factory.mktemp("rich")
    x, y = X[:9].copy(), np.maximum(Y[:9], 0)
    y[4], x[4, y[4]] = 1, -np.inf
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    np.save(folder / "w.npy", W[:9])
    words = (folder / "x.npy", folder / "y.npy", "--sample-weights", folder / "w.npy", "--hardest", "2")
    return tally(*words, "--temperature-curve")


@pytest.fixture
def merged(folder):
    """Merge a tally of this content."""

    def run(content):
        file = folder / "a.json"
        file.unlink(missing_ok=True)
        file.write_text(json.dumps(content))
        return nll("merge", "a.json", "-f", "tally")

    return run


def test_it_is_sound(data, merged):
    assert merged(data).json["tally"] == data["tally"]


@pytest.mark.uncounted
def test_any_value_that_is_another(data, merged):
    refused = 0
    for path in paths_in(data["tally"]["pictures"], most=2):
        for value in WRONG:
            done = merged(changed(data, ("tally", "pictures", *path), value))
            assert done.code in (0, 3), (path, value, done.err)
            if done.code:
                assert done.err.startswith("nll: error: a.json: is a damaged tally: tally.pictures."), done.err
                refused += 1
    assert refused > 500


@pytest.mark.uncounted
def test_any_key_that_is_missing(data, merged):
    for path, again in without_each_key(data["tally"]["pictures"], most=2):
        done = merged(data | {"tally": data["tally"] | {"pictures": again}})
        assert done.code in (0, 3), (path, done.err)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("losses", "n_infinite"), 0, "losses.n_infinite is 0, and that does not fit the sum of the losses"),
        (("losses", "n", 0), 2, "losses.n does not add up to the number of all samples"),
        (("losses", "bin", 0), 5000, "losses.bin are not indices below 2162, in order"),
        (("claims", "n", 0), 9, "claims.n adds up to more than the number of all samples"),
        (("claims", "n_wrong"), [0] * 7, "claims.n_wrong does not fit the number of samples predicted right"),
        (("claims", "group", 0), 60, "claims.group are not indices below 60, in order"),
        (("confusions", "target", 0), 3, "confusions.target are not indices of 3 classes"),
        (("confusions", "n", 0), 0, "confusions.n does not fit the number of samples predicted wrong"),
        (("confusions", "n", 0), 9, "confusions.n does not fit the number of samples predicted wrong"),
        (("confusions", "n"), [1] * 70_000, "confusions.n has 70000 values, and 65536 are kept at most"),
        (("class_squares", "class"), [0, 1, 3], "class_squares.class are not indices below 3, in order"),
        (("hardest", "most"), 1, "hardest.samples are not the 1 hardest, in order"),
        (("hardest", "samples", 0, "loss"), 0.0, "hardest.samples are not the 2 hardest, in order"),
        (("hardest", "samples", 0, "loss"), "nan", "hardest.samples[0].loss is 'nan', which this nll does not know"),
        (("hardest", "samples", 1, "top"), 3, "hardest.samples[1].top is 3, which is not an index of 3 classes"),
        (
            ("hardest", "samples", 1, "probabilities"),
            [1],
            "hardest.samples[1].probabilities has 1 values for 3 classes",
        ),
        (("curve", "temperature", 0), 0, "curve.temperature has one that is not above 0"),
        (("curve", "n"), 10, "curve.n is more than the number of all samples"),
        (("curve", "loss_sum"), ["0x1p+0"], 'curve.loss_sum is ["0x1p+0"], not a list of 16 sums'),
    ],
    ids=str,
)
def test_what_it_says(data, merged, path, value, told):
    if path == ("claims", "n_wrong"):
        value = [0] * len(data["tally"]["pictures"]["claims"]["n"])
    done = merged(changed(data, ("tally", "pictures", *path), value))
    assert (done.code, done.err) == (
        3,
        f"nll: error: a.json: is a damaged tally: tally.pictures.{told}\nhint: write it again\n",
    )


def test_sums_are_those_of_the_samples(merged):
    np.save("x.npy", X)
    np.save("y.npy", Y)
    content = tally("x.npy", "y.npy")
    path = ("tally", "pictures", "losses", "loss_sum", 0)
    told = "tally.pictures.losses.loss_sum does not add up to the sum of all samples"
    assert told in merged(changed(content, path, "0x1p+0")).err


def test_pairs_are_in_order_and_of_two_classes(data, merged):
    pictures = ("tally", "pictures", "confusions")
    told = "tally.pictures.confusions.prediction are not of wrong predictions, in order"
    pairs = data["tally"]["pictures"]["confusions"]
    same = changed(data, (*pictures, "prediction"), pairs["target"])
    back = data
    for key in ("target", "prediction", "n"):
        back = changed(back, (*pictures, key), pairs[key][::-1])
    assert len(pairs["n"]) > 1
    for content in (same, back):
        assert told in merged(content).err
