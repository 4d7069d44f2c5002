"""Help begins with examples that work, and the topics say nothing that does not."""

import json
import re
import shlex
import shutil

import numpy as np
import pytest
from in_process import nll

from nllcli.cli.app import COMMANDS
from nllcli.cli.guide import EXAMPLES
from nllcli.cli.topics import TOPICS

pytestmark = pytest.mark.uncounted

RNG = np.random.default_rng(3)
COMMAND = re.compile(r"^ {4}(nll .*)$", re.MULTILINE)
LINES = {line for examples in EXAMPLES.values() for line, _ in examples}
TOPIC_LINES = [(topic, line) for topic in TOPICS for line in COMMAND.findall(nll("help", topic).out)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Files of every name that the examples use, in the current folder."""
    x, y = RNG.normal(size=(12, 3)).round(3), np.arange(12) % 3
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    p[0] = [0, 1, 0]
    monkeypatch.chdir(tmp_path)
    np.save("logits.npy", x)
    np.save("targets.npy", y)
    np.savez("arrays.npz", logits=x, targets=y)
    np.save("tokens.npy", RNG.normal(size=(2, 6, 5)))
    np.save("next.npy", RNG.integers(0, 5, (2, 6)))
    np.save("binary.npy", x[:, 0])
    np.save("labels.npy", y % 2)
    np.save("mask.npy", y > 0)
    np.savetxt("logits.csv", x, delimiter=",", header="cat,dog,horse", comments="")
    np.savetxt("probs.csv", p, delimiter=",", header="cat,dog,horse", comments="")
    np.savetxt("targets.txt", y, "%d")
    names = ["cat", "dog", "horse"]
    (tmp_path / "names.txt").write_text("".join(f"{names[c]}\n" for c in y))
    rows = [",".join(map(str, row)) + f",{names[c]}" for row, c in zip(x, y, strict=True)]
    (tmp_path / "table.csv").write_text("\n".join(["cat,dog,horse,label", *rows, ""]))
    records = [json.dumps({"logits": row, "target": int(c)}) for row, c in zip(x.tolist(), y, strict=True)]
    (tmp_path / "records.jsonl").write_text("\n".join([*records, ""]))
    _write_tables(tmp_path, x, p, names, y)
    (tmp_path / "parts").mkdir()
    for i, part in enumerate(np.array_split(np.arange(12), 3)):
        np.save(f"parts/logits-{i:05}-of-00003.npy", x[part])
        np.save(f"parts/targets-{i:05}-of-00003.npy", y[part])
        (tmp_path / f"parts/table{i}.csv").write_text("\n".join(["cat,dog,horse,label", *(rows[r] for r in part), ""]))
    np.save("all-targets.npy", y)
    names_of = [f"logits-{i:05}-of-00003.npy targets-{i:05}-of-00003.npy" for i in range(3)]
    (tmp_path / "parts/list.txt").write_text("\n".join(names_of))
    _write_tallies(tmp_path, x, y)
    _write_models(tmp_path, y)
    with (tmp_path / "logits.npy").open("rb") as plain:
        import gzip

        with gzip.open("logits.npy.gz", "wb") as packed:
            shutil.copyfileobj(plain, packed)
    return tmp_path


def _write(file, header, rows):
    file.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows), ""]))


def _write_tables(folder, x, p, names, y):
    """Tables with more columns than those of classes, and what is not plain text."""
    n, keys = len(x), [f"k{i}" for i in range(len(x))]
    rows = [(f"s{i:02}", f"text {i}", *p[i]) for i in range(n)]
    _write(folder / "scores.csv", "id,text,prob_cat,prob_dog,prob_horse", rows)
    _write(folder / "keyed.csv", "key,cat,dog,horse", [(keys[i], *x[i]) for i in range(n)])
    shuffled = RNG.permutation(n)
    _write(folder / "truth.csv", "key,label", [(keys[i], names[y[i]]) for i in shuffled])
    _write(folder / "answers.csv", "name,label", [(keys[i], names[y[i]]) for i in shuffled])
    _write(folder / "numbered.csv", "class_2,class_0,class_1", x)
    (folder / "gaps.txt").write_text("".join("NA\n" if i == 3 else f"{c}\n" for i, c in enumerate(y)))
    lines = ["ch\xe2t;chien;cheval", *(";".join(str(v).replace(".", ",") for v in row) for row in x), ""]
    (folder / "commas.csv").write_text("\n".join(lines), encoding="windows-1252")
    nested = [{"outputs": {"logits": row}, "truth": int(c)} for row, c in zip(x.tolist(), y, strict=True)]
    (folder / "nested.jsonl").write_text("".join(json.dumps(each) + "\n" for each in nested))
    (folder / "token_log_probs.txt").write_text("-0.5\n-1.25\n-0.125\n")
    answer = {"prompt_logprobs": [-2.5, -0.5], "completion_logprobs": [-0.25, -1.5]}
    (folder / "answers.jsonl").write_text(json.dumps(answer) + "\n")


def _write_tallies(folder, x, y):
    np.save("part.npy", x[:7])
    np.save("truth.npy", y[:7])
    np.save("others.npy", x[7:])
    np.save("rest.npy", y[7:])
    (folder / "parts.txt").write_text("part-1.tally.json\npart-2.tally.json\n")
    for i, words in enumerate((("part.npy", "truth.npy"), ("others.npy", "rest.npy")), 1):
        for path in (f"part-{i}.tally.json", f"parts/{i}.tally.json"):
            assert nll("compute", *words, "-o", path).code == 0


def _write_models(folder, y):
    for name in ("old", "new"):
        np.save(f"{name}.npy", RNG.normal(size=(12, 3)))
        np.save(f"{name}_losses.npy", RNG.exponential(size=12))
    for name in ("base", "q8", "q4"):
        np.save(f"{name}.npy", RNG.normal(size=(2, 6, 5)))
    np.save("y.npy", y)
    for name in ("val", "test"):  # of which some answers are right and some wrong
        np.save(f"{name}.npy", RNG.normal(size=(60, 3)) + np.eye(3)[np.arange(60) % 3])
        np.save(f"{name}_y.npy", np.arange(60) % 3)
    assert nll("compare", "old.npy", "new.npy", "-t", "targets.npy", "-o", "compared-1.tally.json").code == 0
    (folder / "docs.txt").write_text("".join(f"doc{i // 3}\n" for i in range(len(y))))


def run(line):
    """One line, up to what a shell would do with the rest of it."""
    return nll(*shlex.split(line.partition(" && ")[0], comments=True)[1:])


def possible_codes(line):
    """The exit codes of a line that works."""
    return (0, 5) if "--require" in line or line.split()[1] in ("check", "reconcile") else (0,)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("line", sorted(LINES))
def test_every_example_works(line):
    done = run(line)
    assert done.code in possible_codes(line), done.err
    assert done.code == 5 or "nll: error" not in done.err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("topic", "line"), TOPIC_LINES)
def test_every_command_of_a_topic_works(topic, line):
    assert topic in TOPICS
    done = run(line)
    assert done.code in possible_codes(line), done.err


def test_the_topics_show_commands():
    assert {topic for topic, _ in TOPIC_LINES} == set(TOPICS)
    assert len(TOPIC_LINES) > 15


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_is_plain_text_of_80_columns(topic):
    text = nll("help", topic).out
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 80
    assert not re.search(r"[ \t]$", text, re.MULTILINE)


@pytest.mark.parametrize("command", [*COMMANDS, "help"])
def test_help_of_a_command_is_what_its_own_help_says(command):
    asked = nll("help", command)
    assert (asked.code, asked.err) == (0, "")
    assert asked.out == nll(command, "--help").out
    assert max(map(len, asked.out.splitlines())) <= 80
    assert set(EXAMPLES) == {"", "help", *COMMANDS}


def test_help_alone_is_that_of_the_program():
    assert nll("help").out == nll("--help").out == nll().out
    assert all(
        f"\n  {topic}  " in nll("help").out for topic in ("inputs", "conventions", "exit-codes") if topic in TOPICS
    )


@pytest.mark.parametrize(("command", "told"), [*((command, True) for command in COMMANDS), ("help", False)])
def test_the_exit_codes_are_those_of_the_command(command, told):
    codes = nll(command, "--help").out.partition("\nExit codes:\n")[2].splitlines()
    assert [line.split()[0] for line in codes] == ["0", "2", "3", "4", *(["5"] if told else [])]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("input", "try: nll help inputs\n"),
        ("conpute", "try: nll help compute\n"),
        ("xyz", f"hint: one of: {', '.join([*COMMANDS, 'help', *TOPICS])}\n"),
    ],
)
def test_what_there_is_no_help_for(typed, told):
    done = nll("help", typed)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"nll: error: there is no command and no topic {typed!r}\n{told}"
    if told.startswith("try"):
        assert run(told.removeprefix("try: ")).code == 0
