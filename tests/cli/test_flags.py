import shlex

import pytest

from nllcli.cli.options import command_line


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"logits": "x.npy", "targets": "y.npy"}, ["x.npy", "y.npy"]),
        (
            {"source": "probs", "clip": 1e-7, "temperature": 2.0},
            ["--from", "probs", "--clip", "1e-07", "--temperature", "2"],
        ),
        ({"shift": -1, "classes": "-a,b"}, ["--shift=-1", "--classes=-a,b"]),
        ({"binary": True, "class_axis": 0, "weights": None}, ["--binary", "--class-axis", "0"]),
        ({"output": "of it.csv"}, ["-o", "of it.csv"]),
        ({"output": "-"}, ["--output=-"]),
        ({"quiet": True, "format": "json"}, ["-q", "-f", "json"]),
        ({"logits": "it's a $file.csv", "binary": False}, ["it's a $file.csv"]),
    ],
)
def test_settings_become_words(settings, words):
    assert shlex.split(command_line("compute", settings)) == ["nll", "compute", *words]
