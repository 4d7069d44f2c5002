"""The diagrams on the page of nll calibrate have the numbers of its JSON."""

from pathlib import Path

import numpy as np
import pytest
from in_process import nll
from predictions import sound

pytestmark = pytest.mark.uncounted

SAMPLES = Path(__file__).parents[2] / "samples/digits"
DIGITS = [SAMPLES / "mlp.npy", SAMPLES / "targets.npy"]


def page(folder, *words):
    assert nll("calibrate", *words, "-o", folder / "page.html").code == 0
    return (folder / "page.html").read_text()


def test_it_shows_both_temperatures(tmp_path):
    found = nll("calibrate", *DIGITS, "-f", "json").json
    shown = page(tmp_path, *DIGITS)
    assert "Does it mean the probabilities it gives?" in shown
    assert "And with the temperature, T = 2.5252?" in shown
    for measured in (found["before"], found["after"]):
        for name in ("ece", "ece_chance", "confidence"):
            assert f'<data value="{measured[name]!r}">' in shown


@pytest.mark.parametrize(
    ("words", "n"), [(["--no-fit"], 1), (["--of", "classwise"], 0), (["--temperature", "2"], 2), (["--bins", "7"], 2)]
)
def test_there_is_a_diagram_for_each_temperature_of_top_classes(words, n, tmp_path):
    shown = page(tmp_path, *DIGITS, *words)
    assert shown.count("<article") == n


def test_a_page_of_weighted_samples_has_no_intervals_of_counts(tmp_path):
    logits, targets = sound(0, 60, 3)
    for name, array in (("x", logits), ("y", targets), ("w", np.arange(60) / 8)):
        np.save(tmp_path / f"{name}.npy", array)
    files = [tmp_path / "x.npy", tmp_path / "y.npy"]
    assert "(Wilson)" not in page(tmp_path, *files, "--sample-weights", tmp_path / "w.npy")
    assert "(Wilson)" in page(tmp_path, *files)


def test_text_stays_as_it_is():
    assert "Does it mean" not in nll("calibrate", *DIGITS).out
