"""The commands of nll reconcile read the inputs as they were read."""

import json
import shlex

import oracle
import pytest
from in_process import nll

LOGITS = [[2.25, -0.5, 0.125], [0.5, 1.75, -1.25], [-0.75, 0.375, 1.5], [0.25, 2.5, 0.0625]]
TARGETS = [0, 2, 1, 1]
NAMES = ["chat", "chien", "cheval"]
CLASSES = "chat,chien,cheval"


def table(rows, header, mark=",", point="."):
    lines = [mark.join(str(cell).replace(".", point) for cell in row) for row in [header, *rows]]
    return "\n".join([*lines, ""])


WITH_AGES = table([[age, *row] for age, row in zip((7, 8, 7, 9), LOGITS, strict=True)], ["age", *NAMES])
KEYED = table([[f"k{i}", *row] for i, row in enumerate(LOGITS)], ["key", *NAMES])
KEYED_TARGETS = table([[f"k{i}", TARGETS[i]] for i in (2, 0, 3, 1)], ["key", "label"])
NUMBERS = "".join(f"{y}\n" for y in TARGETS)
SIMPLE = table(LOGITS, NAMES)

CASES = {
    "columns": (WITH_AGES, NUMBERS, ["--columns", "ch*"]),
    "drop": (WITH_AGES, NUMBERS, ["--drop", "age"]),
    "id": (KEYED, KEYED_TARGETS, ["--id", "key"]),
    "target column": (SIMPLE, KEYED_TARGETS.replace("k", "x"), ["--target-column", "label"]),
    "targets are numbers": (table(LOGITS, ["2", "0", "1"]), NUMBERS, ["--header", "yes", "--targets-are", "numbers"]),
    "missing": (SIMPLE + "1,2,3\n", NUMBERS + "NA\n", ["--missing", "ignore"]),
    "decimal": (table(LOGITS, NAMES, ";", ","), NUMBERS, ["--decimal", "comma"]),
    "encoding": (SIMPLE.replace("chat", "ch\xe2t"), NUMBERS, ["--encoding", "windows-1252"]),
    "header": (table(LOGITS[1:], LOGITS[0]), NUMBERS, ["--header", "no"]),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def losses(name, twice):
    """Of the samples as the case has them."""
    targets = [TARGETS[i] for i in (2, 0, 3, 1)] if name == "target column" else TARGETS
    rows = [[float(p) for p in row] for row in map(oracle.softmax, LOGITS)] if twice else LOGITS
    return sum(float(loss) for loss in oracle.losses(rows, targets))


@pytest.mark.uncounted
@pytest.mark.parametrize("twice", [False, True], ids=["sum", "softmax twice"])
@pytest.mark.parametrize("name", CASES)
def test_commands_read_as_was_asked(name, twice, folder):
    logits, targets, options = CASES[name]
    (folder / "x.csv").write_text(logits, encoding="windows-1252")
    (folder / "y.csv").write_text(targets)
    wanted = losses(name, twice)
    done = nll("reconcile", "x.csv", "y.csv", *options, "--expect", repr(wanted), "-f", "json")
    assert done.code == 0, done.err
    found = json.loads(done.out)["matches"]
    assert found
    for line in (match["command"] for match in found if match["command"]):
        for part in line.split(" && "):
            words = shlex.split(part)
            again = nll(*words[1:], *(["-q"] if words[1] == "compute" else []))
            assert again.code == 0, again.err
        match = next(match for match in found if match["command"] == line)
        if not match["formula"]:
            assert float(again.out) == pytest.approx(wanted, rel=1e-12)
    assert twice or any(match["command"] for match in found)
