"""Positions and sequences in tallies: written, read, added up; and refused where anything in them is wrong."""

import json

import numpy as np
import pytest
from in_process import nll
from tally_documents import WRONG, changed, paths_in, without_each_key

from nllcli.commands.compute import Sections, compute
from nllcli.commands.compute.tally import to_data
from nllcli.data.settings import InputOptions, ScoreRequest
from nllcli.numerics.pictured import PicturesWanted

RNG = np.random.default_rng(18)
N, T, C = 12, 7, 3
X = RNG.normal(0, 3, (N, T, C))
Y = RNG.integers(0, C, (N, T))
Y[::4, 4:] = -100
LOSSES = np.log(np.exp(X).sum(axis=2)) - np.take_along_axis(X, np.maximum(Y, 0)[..., None], axis=2)[..., 0]
LOSSES[Y == -100] = np.nan


class Choice:
    """Everything that can be collected of sequences."""

    def wanted(self, settled):
        (length,) = {layout.sequence_length for layout in settled.dataset.layouts}
        return PicturesWanted(length=length, sequences=3, n_shown=5)


def tally(logits, targets="y.npy", **options):
    request = ScoreRequest(InputOptions(logits, targets, **options))
    return json.loads(json.dumps(to_data(compute(request, Sections(tally=True, pictures=Choice())))))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", X)
    np.save("y.npy", Y)
    return tmp_path


def placed(data):
    """What is known of sequences, numbered in all files together."""
    found = data["tally"]["pictures"]
    before = {"x.npy": 0, "a.npy": 0, "b.npy": 5}
    rows = [{**each, "sequence": each["sequence"] + before[each["file"]]} for each in found["sequences"]["sequences"]]
    return found["positions"], [{key: value for key, value in row.items() if key != "file"} for row in rows]


@pytest.mark.usefixtures("folder")
def test_what_is_written():
    found = tally("x.npy")["tally"]["pictures"]
    assert (found["positions"]["width"], found["positions"]["n"]) == (1, (Y != -100).sum(axis=0).tolist())
    sums = [float.fromhex(each) for each in found["positions"]["loss_sum"]]
    assert sums == pytest.approx(np.nansum(LOSSES, axis=0).tolist(), rel=1e-13)
    first, *_ = found["sequences"]["sequences"]
    number = int(np.nanmean(LOSSES, axis=1).argmax())
    n = int((Y[number] != -100).sum())
    assert (first["file"], first["sequence"], first["n"]) == ("x.npy", number, n)
    assert float.fromhex(first["loss_sum"]) / n == pytest.approx(np.nanmean(LOSSES[number]), rel=1e-13)
    assert first["targets"] == [None if y == -100 else y for y in Y[number, :5].tolist()]
    expected = [None if np.isnan(loss) else pytest.approx(loss, rel=1e-12) for loss in LOSSES[number, :5]]
    assert first["losses"] == expected


def test_files_add_up(folder):
    whole = placed(tally("x.npy"))
    for name, rows in {"a": slice(0, 5), "b": slice(5, N)}.items():
        np.save(f"{name}.npy", X[rows])
        np.save(f"{name}-y.npy", Y[rows])
        (folder / f"{name}.tally.json").write_text(json.dumps(tally(f"{name}.npy", f"{name}-y.npy")))
    (folder / "list").write_text("b.npy b-y.npy\na.npy a-y.npy\n")
    assert placed(tally("@list", None)) == whole
    for words in (("a", "b"), ("b", "a")):
        merged = nll("merge", *(f"{word}.tally.json" for word in words), "-f", "tally").json
        assert placed(merged) == whole


@pytest.mark.usefixtures("folder")
def test_shifted_targets_and_another_class_axis():
    """The last position has no target that it could be scored against."""
    found = tally("x.npy", shift=1)["tally"]["pictures"]
    assert found["positions"]["n"] == [*(Y[:, 1:] != -100).sum(axis=0).tolist(), 0]
    np.save("x.npy", np.ascontiguousarray(X.transpose(0, 2, 1)))
    assert tally("x.npy", class_axis=1)["tally"]["pictures"]["positions"]["n"] == (Y != -100).sum(axis=0).tolist()


@pytest.mark.usefixtures("folder")
def test_samples_in_another_order_have_no_sequences():
    np.save("f.npy", np.asfortranarray(X))
    found = tally("f.npy")["tally"]["pictures"]
    assert (found["positions"], found["sequences"]) == (None, None)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sequences")
    x = X[:3].copy()
    x[1, 2, Y[1, 2]] = -np.inf
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", Y[:3])
    return tally(str(folder / "x.npy"), str(folder / "y.npy"))


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
    assert data["tally"]["pictures"]["sequences"]["sequences"][0]["losses"][2] == "inf"


@pytest.mark.uncounted
def test_anything_that_is_another_or_missing(data, merged):
    refused = 0
    for key in ("positions", "sequences"):
        part = data["tally"]["pictures"][key]
        for path in paths_in(part, most=2):
            for value in (*WRONG, 1e400, 10**400):
                done = merged(changed(data, ("tally", "pictures", key, *path), value))
                assert done.code in (0, 3), (path, value, done.err)
                refused += done.code == 3
        for path, again in without_each_key(part, most=2):
            pictures = data["tally"]["pictures"] | {key: again}
            done = merged(data | {"tally": data["tally"] | {"pictures": pictures}})
            assert done.code in (0, 3), (path, done.err)
    assert refused > 200


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("positions", "width"), 3, "positions.width is 3, which is not a power of 2"),
        (("positions", "n"), [1] * 5000, "positions.n has 5000 values, not 1 to 4096"),
        (("positions", "n", 0), 99, "positions.n adds up to more than the number of all samples"),
        (("sequences", "most"), 2, "sequences.sequences are not the 2 hardest, in order"),
        (("sequences", "sequences", 2, "n"), 0, "sequences.sequences[2].n is of a sequence without a mean loss"),
        (
            ("sequences", "sequences", 2, "targets", 0),
            3,
            "sequences.sequences[2].targets are not indices of 3 classes",
        ),
        (
            ("sequences", "sequences", 2, "losses"),
            [1.0, "nan"],
            'sequences.sequences[2].losses is [1.0, "nan"], not a list of losses',
        ),
        (("sequences", "sequences", 2, "losses"), 5, "sequences.sequences[2].losses is 5, not a list of losses"),
    ],
    ids=str,
)
def test_what_it_says(data, merged, path, value, told):
    content = changed(data, ("tally", "pictures", *path), value)
    if path[-1] == "n" and value == 0:
        content = changed(content, ("tally", "pictures", *path[:-1], "loss_sum"), "0x0p+0")
    done = merged(content)
    assert (done.code, done.err) == (
        3,
        f"nll: error: a.json: is a damaged tally: tally.pictures.{told}\nhint: write it again\n",
    )


@pytest.mark.usefixtures("folder")
def test_sums_are_those_of_the_samples(merged):
    content = changed(tally("x.npy"), ("tally", "pictures", "positions", "loss_sum", 0), "0x1p+0")
    assert "positions.loss_sum does not add up to the sum of all samples" in merged(content).err
