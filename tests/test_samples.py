"""The samples are what they are said to be: their numbers, what they show, and the scripts that made them."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import oracle
import pytest

import nllcli
from nllcli.cli.main import main

pytestmark = pytest.mark.uncounted

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
FOLDERS = sorted(path.name for path in SAMPLES.iterdir() if path.is_dir())


def quiet(capsys, *words):
    """The numbers that ``nll compute -q`` prints."""
    assert main(["compute", *map(str, words), "-q"]) == 0
    return [float(line) for line in capsys.readouterr().out.split()]


def text_rows(name):
    """Header and rows of a CSV file, read without the package."""
    header, *rows = [line.split(",") for line in (SAMPLES / name).read_text(encoding="utf-8").splitlines()]
    return header, [[float(cell) for cell in row] for row in rows]


def labels(name, classes):
    return [classes.index(word) for word in (SAMPLES / name).read_text(encoding="utf-8").split()]


def test_pets_are_the_pictures_of_the_textbook():
    classes, rows = text_rows("pets/logits.csv")
    assert (classes, rows) == (["cat", "dog", "horse"], [[5, 4, 2], [4, 2, 8], [4, 4, 1]])
    assert labels("pets/targets.txt", classes) == [0, 2, 1]
    lines = (SAMPLES / "pets/pets.csv").read_text(encoding="utf-8").split()
    assert lines == ["cat,dog,horse,animal", "5,4,2,cat", "4,2,8,horse", "4,4,1,dog"]


def test_pets(capsys):
    _, rows = text_rows("pets/logits.csv")
    probabilities = [[float(p) for p in oracle.softmax(row)] for row in rows]
    assert np.round(probabilities, 2).tolist() == [[0.71, 0.26, 0.04], [0.02, 0.0, 0.98], [0.49, 0.49, 0.02]]
    np.testing.assert_allclose(nllcli.softmax(rows), probabilities, rtol=1e-15)

    losses = [float(loss) for loss in oracle.losses(rows, [0, 2, 1])]
    assert np.round(losses, 2).tolist() == [0.35, 0.02, 0.72]
    for inputs in (
        [SAMPLES / "pets/logits.csv", SAMPLES / "pets/targets.txt"],
        [SAMPLES / "pets/pets.csv", "--target-column", "animal"],
        [SAMPLES / "pets/submission.csv", SAMPLES / "pets/solution.csv", "--id", "id"],
    ):
        assert quiet(capsys, *inputs, "--reduction", "none") == pytest.approx(losses, rel=1e-14, abs=0)


@pytest.fixture(scope="module")
def digits():
    """The logits of both models and the targets, as Python's own numbers."""
    arrays = (np.load(SAMPLES / f"digits/{name}.npy") for name in ("logistic", "mlp", "targets"))
    return dict(zip(("logistic", "mlp", "targets"), (array.tolist() for array in arrays), strict=True))


@pytest.mark.parametrize("model", ["logistic", "mlp"])
@pytest.mark.parametrize("temperature", [1, 2.5])
def test_digits_agree_with_an_independent_calculation(model, temperature, digits, capsys):
    expected = float(oracle.reduce(digits[model], digits["targets"], temperature=temperature))
    files = SAMPLES / f"digits/{model}.npy", SAMPLES / "digits/targets.npy"
    [loss] = quiet(capsys, *files, "--temperature", temperature)
    assert loss == pytest.approx(expected, rel=1e-12, abs=0)


def test_digits_show_that_the_more_accurate_model_can_have_the_worse_loss(digits):
    found = {}
    for model in ("logistic", "mlp"):
        right = [row.index(max(row)) == y for row, y in zip(digits[model], digits["targets"], strict=True)]
        wrong = [row for row, is_right in zip(digits[model], right, strict=True) if not is_right]
        certainty = sum(float(max(oracle.softmax(row))) for row in wrong) / len(wrong)
        found[model] = sum(right) / len(right), oracle.reduce(digits[model], digits["targets"]), certainty
    cooled = oracle.reduce(digits["mlp"], digits["targets"], temperature=2.5)
    assert found["mlp"][0] > found["logistic"][0]
    assert found["mlp"][1] > found["logistic"][1] > cooled

    said = " ".join((SAMPLES / "digits/README.md").read_text(encoding="utf-8").split())
    assert "The network's certainty is too high: with `--temperature 2.5` it comes to " + f"{float(cooled):.4f}" in said
    for accuracy, loss, certainty in found.values():
        assert f"{accuracy:.2%}".replace("%", " %") in said
        assert f"{float(loss):.4f}" in said
        assert f"{certainty:.0%}".replace("%", " %") in said


def test_weights_change_the_verdict_on_imbalanced(capsys):
    said = (SAMPLES / "imbalanced/README.md").read_text(encoding="utf-8")
    targets = SAMPLES / "imbalanced/targets.txt"
    found = {}
    for model in ("model_a", "model_b"):
        classes, rows = text_rows(f"imbalanced/{model}.csv")
        indices = labels("imbalanced/targets.txt", classes)
        counts = [indices.count(c) for c in range(len(classes))]
        assert counts == [10, 50, 100]
        weights = oracle.class_weights(counts, "inverse", normalize="max")
        expected = [float(oracle.reduce(rows, indices, class_weights=w)) for w in (None, weights)]
        assert all(f"{loss:.4f}" in said for loss in expected)
        files = SAMPLES / f"imbalanced/{model}.csv", targets
        found[model] = quiet(capsys, *files) + quiet(capsys, *files, "--counts", "targets")
        assert found[model] == pytest.approx(expected, rel=1e-14, abs=0)
    assert found["model_a"][0] < found["model_b"][0]
    assert found["model_a"][1] > found["model_b"][1]


@pytest.mark.parametrize("name", FOLDERS)
def test_the_script_makes_the_files_again(name, tmp_path):
    if name in ("digits", "imbalanced") and importlib.util.find_spec("sklearn") is None:
        pytest.skip("needs scikit-learn")
    for other in FOLDERS:
        if other != name:
            (tmp_path / other).symlink_to(SAMPLES / other)
    folder = tmp_path / name
    folder.mkdir()
    shutil.copy(SAMPLES / name / "make.py", folder)
    subprocess.run([sys.executable, folder / "make.py"], check=True, timeout=60)
    made = {path.name for path in folder.iterdir()} - {"make.py"}
    assert made == {path.name for path in (SAMPLES / name).iterdir()} - {"make.py", "README.md"}
    for file in made:
        kept = SAMPLES / name / file
        if kept.suffix == ".npy":
            np.testing.assert_allclose(np.load(folder / file), np.load(kept), rtol=1e-4, atol=1e-4)
        else:
            assert (folder / file).read_bytes() == kept.read_bytes()


@pytest.mark.parametrize("name", FOLDERS)
def test_every_folder_says_what_it_shows(name):
    said = (SAMPLES / name / "README.md").read_text(encoding="utf-8")
    assert 1 <= len(said.splitlines()) <= 4
