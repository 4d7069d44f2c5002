import os

import numpy as np
import pytest

LOGITS = np.random.default_rng(5).normal(size=(40, 3)).round(3)
TARGETS = np.arange(40) % 3


class Workplace:
    """A folder of inputs, and the outputs of one command, which may be there already."""

    OLD = b"the old result\n"

    def __init__(self, folder):
        self.folder = folder
        np.save(folder / "logits.npy", LOGITS)
        np.save(folder / "targets.npy", TARGETS)
        np.savetxt(folder / "logits.csv", LOGITS, delimiter=",", fmt="%g")
        np.savetxt(folder / "targets.txt", TARGETS, fmt="%d")
        (folder / "counts.txt").write_text("10\n50\n100\n")
        self.inputs = {path.name: path.read_bytes() for path in folder.iterdir()}

    def add(self, name, data):
        (self.folder / name).write_bytes(data)
        self.inputs[name] = data

    def put_old(self, outputs):
        for name in outputs:
            (self.folder / name).write_bytes(self.OLD)

    def found(self, outputs):
        """What the outputs hold; nothing else may be there, and no input may have changed."""
        files = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        assert {name: files.pop(name, None) for name in self.inputs} == self.inputs
        assert set(files) <= set(outputs)
        return [files.get(name) for name in outputs]


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Workplace(tmp_path)


COMMANDS = {
    "compute": (
        "compute logits.npy targets.npy --save-losses losses.npy --save-probs probs.csv -f json -o report.json",
        ["losses.npy", "probs.csv", "report.json"],
    ),
    "compute-text": (
        "compute logits.csv targets.txt --counts counts.txt --per-class -o report.txt --save-grad grad.npy",
        ["report.txt", "grad.npy"],
    ),
    "softmax": ("softmax logits.npy -o probs.npy", ["probs.npy"]),
    "grad": ("grad logits.csv targets.txt -o grad.csv", ["grad.csv"]),
    "weights": ("weights --counts counts.txt -f csv -o weights.csv", ["weights.csv"]),
}


def pytest_generate_tests(metafunc):
    if {"words", "outputs"} <= set(metafunc.fixturenames):
        cases = [(words.split(), outputs) for words, outputs in COMMANDS.values()]
        metafunc.parametrize(("words", "outputs"), cases, ids=COMMANDS)


@pytest.fixture
def one_error_line(capfd):
    """Check that standard error holds one error of one line, and perhaps a hint."""

    def check():
        first, *others = capfd.readouterr().err.splitlines()
        assert first.startswith("nll: error: ")
        assert len(others) <= 1
        assert all(line.startswith("hint: ") for line in others)
        return first

    return check


@pytest.fixture(scope="session")
def plain_environment():
    """Neither a home, nor a folder for temporary files, nor a locale, but what coverage needs."""
    kept = ("PATH", "PYTHONPATH", "COVERAGE_PROCESS_START", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C"}
