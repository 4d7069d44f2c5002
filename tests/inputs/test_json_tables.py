"""JSON as people have it: each form gives the number of the same logits, or is refused with the way out."""

import bz2
import gzip
import json
import lzma
import zipfile

import numpy as np
import oracle
import pytest
from following import run
from in_process import nll

from nllcli.data.blocks import Scratch
from nllcli.data.layout import Layout
from nllcli.errors import DataError, UsageError
from nllcli.inputs.formats import ReadOptions, open_input
from nllcli.inputs.tables import json_documents, records
from nllcli.inputs.tables.columns import Columns

ROWS = [[5.0, 4.5, 2.0], [4.0, 2.25, 8.0], [4.0, 4.0, 1.5]]
LABELS = [0, 2, 1]
NAMES = ("cat", "dog", "horse")
NAMED = [NAMES[y] for y in LABELS]
RECORDS = [dict(zip(NAMES, row, strict=True)) for row in ROWS]
LABELLED = [{**record, "label": y} for record, y in zip(RECORDS, LABELS, strict=True)]
OWN = ("--target-column", "label")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "y.txt").write_text("0\n2\n1\n")
    (tmp_path / "y1.txt").write_text("0\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loss(rows=ROWS, labels=LABELS):
    return pytest.approx(float(oracle.reduce(rows, labels)), rel=1e-14)


def lines(values):
    return "".join(json.dumps(value) + "\n" for value in values)


def pretty(values):
    return "\n".join(json.dumps(value, indent=2) for value in values)


def numbers_of(command):
    """What the command of a ``try:`` line prints."""
    return run(command.removeprefix("try: ").partition("  # ")[0] + " -q")


def tries(done):
    return [line for line in done.err.splitlines() if line.startswith("try: ")]


def zipped(**columns):
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


TEXTS = ["a [", 'b "] } \\', "c,{"]
FRAME = {name: {str(i): record[name] for i, record in enumerate(LABELLED)} for name in LABELLED[0]}
FORMS = {
    "records": (json.dumps(LABELLED), OWN),
    "records, pretty": (json.dumps(LABELLED, indent=2), OWN),
    "records, windows": ("\ufeff" + json.dumps(LABELLED, indent=1).replace("\n", "\r\n"), OWN),
    "record lines": (lines(LABELLED), OWN),
    "records one after another": (pretty(LABELLED), OWN),
    "records between commas": (",\n".join(json.dumps(value, indent=2) for value in LABELLED), OWN),
    "record lines that end with commas": (",\n".join(map(json.dumps, LABELLED)), OWN),
    "one after another in a line": ("".join(map(json.dumps, LABELLED)), OWN),
    "keys in another order": (lines([dict(reversed(r.items())) if i else r for i, r in enumerate(LABELLED)]), OWN),
    "numbers as text": (lines([{k: f"{v:.2f}" if k != "label" else v for k, v in r.items()} for r in LABELLED]), OWN),
    "target": (lines(zipped(logits=ROWS, target=LABELS)), ()),
    "target as text": (lines(zipped(logits=ROWS, target=map(str, LABELS))), ()),
    "target in a flat record": (lines([{**r, "target": y} for r, y in zip(RECORDS, LABELS, strict=True)]), ()),
    "names": (lines([{**r, "label": y} for r, y in zip(RECORDS, NAMED, strict=True)]), OWN),
    "lists of text": (lines(zipped(logits=[list(map(str, row)) for row in ROWS], target=LABELS)), ()),
    "lists": (json.dumps(ROWS), ("y.txt",)),
    "lists, pretty": (json.dumps(ROWS, indent=4), ("y.txt",)),
    "lists over lines": ("[\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]\n", ("y.txt",)),
    "a comma at the end": ("[\n" + ",\n".join(map(json.dumps, ROWS)) + ",\n]\n", ("y.txt",)),
    "lists with targets": (
        json.dumps([[*row, y] for row, y in zip(ROWS, LABELS, strict=True)]),
        ("--target-column", "4"),
    ),
    "a key of lists": (lines(zipped(id=[7, 8, 9], scores=ROWS, label=LABELS)), OWN),
    "ids of tokens": (lines(zipped(input_ids=[[1, 2, 3]] * 3, scores=ROWS, label=LABELS)), OWN),
    "nested": (
        lines(
            {"id": i, "outputs": {"logits": row}, "label": y}
            for i, (row, y) in enumerate(zip(ROWS, LABELS, strict=True))
        ),
        OWN,
    ),
    "nested target": (
        lines({"outputs": {"logits": row}, "truth": {"label": y}} for row, y in zip(ROWS, LABELS, strict=True)),
        ("--target-column", "truth.label"),
    ),
    "texts with brackets": (json.dumps(zipped(text=TEXTS, logits=ROWS, target=LABELS), indent=1), ()),
    "an object of numbers": (lines(zipped(label=NAMED, scores=RECORDS)), OWN),
    "an object of numbers beside others": (
        lines(zipped(id=[1, 2, 3], ms=[0.1, 0.2, 0.3], p=RECORDS, label=NAMED)),
        OWN,
    ),
    "an object in another order": (
        lines(zipped(scores=[dict(reversed(r.items())) for r in RECORDS], target=LABELS)),
        ("--classes", "cat,dog,horse"),
    ),
    "integers": (lines(zipped(logits=[[5, 4, 2], [4, 2, 8], [4, 4, 1]], target=LABELS)), ()),
    "a note now and then": (lines([{"note": "a", **LABELLED[0]}, *LABELLED[1:]]), (*OWN, "--drop", "note")),
    "frame within": (json.dumps({"model": "m", "rows": {str(i): r for i, r in enumerate(LABELLED)}}), OWN),
    "targets in lists": (lines(zipped(logits=ROWS, target=[[y] for y in LABELS])), ()),
    "names in lists": (lines(zipped(scores=RECORDS, label=[[name] for name in NAMED])), OWN),
    "targets in lists, wrapped": (json.dumps({"logits": ROWS, "labels": [[[y]] for y in LABELS]}), ()),
    "lists in text": (lines(zipped(logits=[str(row) for row in ROWS], label=LABELS)), OWN),
    "lists of NumPy in text": (lines(zipped(p=[f" {np.array(row)}" for row in ROWS], label=LABELS)), OWN),
    "results with names of files": (
        json.dumps({"model": "m", "results": zipped(file=["a.jpg", "b.jpg", "c.jpg"], scores=ROWS, label=LABELS)}),
        OWN,
    ),
    "one object alone": (json.dumps({"scores": RECORDS[0]}), ("y1.txt",)),
    "one object": (json.dumps({"scores": RECORDS[0], "target": 0}), ()),
    "frame of rows of two kinds": (
        json.dumps({k: {**r, "target": y} for k, r, y in zip("abc", RECORDS, NAMED, strict=True)}),
        (),
    ),
    "lists of one list": (lines([row] for row in ROWS), ("y.txt",)),
    "a key of lists of one list": (lines(zipped(id=[4, 5, 6], p=[[row] for row in ROWS], target=LABELS)), ()),
    "predictions": (json.dumps({"predictions": ROWS}), ("y.txt",)),
    "predictions, pretty": (json.dumps({"predictions": ROWS}, indent=1), ("y.txt",)),
    "predictions of records": (json.dumps({"predictions": RECORDS}), ("y.txt",)),
    "predictions that have labels": (json.dumps({"model": "m", "predictions": LABELLED}), OWN),
    "instances with labels": (json.dumps({"outputs": {"logits": ROWS}, "labels": LABELS}), ()),
    "instances with ids": (json.dumps({"ids": [7, 8, 9], "logits": ROWS, "labels": LABELS}), ()),
    "records beside labels": (json.dumps({"scores": RECORDS, "labels": NAMED}), ()),
    "labels of another name": (json.dumps({"outputs": ROWS, "z": LABELS}), ("--target-column", "z")),
    "tokens beside": (json.dumps({"logits": ROWS, "input_ids": [[1, 2]] * 3, "labels": LABELS}), ()),
    "one instance": (json.dumps({"logits": ROWS[:1], "label": 0}), OWN),
    "columns of lists": (json.dumps({k: [r[k] for r in LABELLED] for k in LABELLED[0]}), OWN),
    "rows by number": (json.dumps({str(i): row for i, row in enumerate(ROWS)}), ("y.txt",)),
    "frame of columns": (json.dumps(FRAME), OWN),
    "frame of columns, pretty": (json.dumps(FRAME, indent=2), OWN),
    "frame of rows": (json.dumps({str(i): record for i, record in enumerate(LABELLED)}), OWN),
    "frame of rows by name": (json.dumps(dict(zip("abc", LABELLED, strict=True))), OWN),
    "frame of rows with names": (
        json.dumps({k: {**r, "label": y} for k, r, y in zip("abc", RECORDS, NAMED, strict=True)}),
        OWN,
    ),
    "frame of columns by name": (
        json.dumps({n: dict(zip("abc", (r[n] for r in LABELLED), strict=True)) for n in LABELLED[0]}),
        OWN,
    ),
    "frame of columns of two kinds": (
        json.dumps(
            {
                n: dict(zip("abc", c, strict=True))
                for n, c in {**dict(zip(NAMES, zip(*ROWS, strict=True), strict=True)), "target": NAMED}.items()
            }
        ),
        (),
    ),
    "split": (
        json.dumps({"columns": list(LABELLED[0]), "index": [0, 1, 2], "data": [list(r.values()) for r in LABELLED]}),
        OWN,
    ),
    "split with names": (
        json.dumps({"columns": list(LABELLED[0]), "index": [*"abc"], "data": [list(r.values()) for r in LABELLED]}),
        OWN,
    ),
    "split with levels": (
        json.dumps(
            {
                "columns": [["p", "a"], ["p", "b"], ["p", "c"], ["y", ""]],
                "data": [[*r, y] for r, y in zip(ROWS, LABELS, strict=True)],
            }
        ),
        ("--target-column", "y."),
    ),
    "table": (
        json.dumps(
            {
                "schema": {"fields": [], "primaryKey": ["index"]},
                "data": [{"index": i, **r} for i, r in enumerate(LABELLED)],
            }
        ),
        OWN,
    ),
    "table without an index": (json.dumps({"schema": {"fields": []}, "data": LABELLED}), OWN),
    "table with a named index": (
        json.dumps(
            {"schema": {"fields": [], "primaryKey": "n"}, "data": [{"n": i, **r} for i, r in enumerate(LABELLED)]}
        ),
        OWN,
    ),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", FORMS)
def test_reads(form, folder):
    text, words = FORMS[form]
    (folder / "x.json").write_text(text)
    done = nll("compute", "x.json", *words, "-q")
    rows, labels = (ROWS[:1], LABELS[:1]) if form.startswith("one ") and "another" not in form else (ROWS, LABELS)
    if form == "integers":
        rows = [[5, 4, 2], [4, 2, 8], [4, 4, 1]]
    assert done.code == 0, done.err
    assert float(done.out) == loss(rows, labels)


MEMBERS = {
    "a key of each": (lines(zipped(logits=[[0.5, 0.25, 0.1]] * 3, probs=ROWS)), "probs"),
    "a dotted key": (lines({"out": {"scores": row}, "other": row[:1]} for row in ROWS), "out.scores"),
    "a key with a dot": (lines({"out.scores": row} for row in ROWS), "out.scores"),
    "an object": (lines({"p": record, "q": record} for record in RECORDS), "p"),
    "pairs": (lines({"p": [{"label": k, "score": v} for k, v in r.items()], "q": [1.5]} for r in RECORDS), "p"),
    "two lists": (lines({"p": {"labels": list(r), "scores": list(r.values())}, "q": [1.5]} for r in RECORDS), "p"),
    "an array": (json.dumps({"a": ROWS, "b": [row[::-1] for row in ROWS]}), "a"),
    "an array within": (json.dumps({"a": {"b": ROWS}, "c": ROWS[:2]}), "a.b"),
    "a document within": (json.dumps({"a": {"predictions": ROWS}, "c": ROWS[:2]}), "a"),
    "a frame within": (
        json.dumps({"a": {n: dict(enumerate(c)) for n, c in zip(NAMES, zip(*ROWS, strict=True), strict=True)}}),
        "a",
    ),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", MEMBERS)
def test_reads_what_is_named(form, folder):
    text, member = MEMBERS[form]
    (folder / "x.json").write_text(text)
    done = nll("compute", f"x.json:{member}", "y.txt", "--classes", ",".join(NAMES), "-q")
    assert done.code == 0, done.err
    assert float(done.out) == loss()


TARGETS = {
    "array": json.dumps(LABELS),
    "array, pretty": json.dumps(LABELS, indent=1),
    "array of names": json.dumps(NAMED),
    "lines": lines(LABELS),
    "lines of names": lines(NAMED),
    "target": lines(zipped(target=LABELS)),
    "label": lines(zipped(label=LABELS)),
    "any only key": lines(zipped(z=LABELS)),
    "beside an id": lines(zipped(id=[7, 8, 9], label=NAMED)),
    "as text": lines(zipped(label=map(str, LABELS))),
    "named": (lines(zipped(a=LABELS, b=[0, 0, 0])), "a"),
    "named, nested": (lines({"t": {"a": y}, "label": 0} for y in LABELS), "t.a"),
    "labels": json.dumps({"ids": [7, 8, 9], "labels": LABELS}),
    "only array": json.dumps({"n": 3, "zs": LABELS}),
    "named array": (json.dumps({"a": LABELS, "b": [0, 0, 0]}), "a"),
    "named array of text": (json.dumps({"a": {"b": NAMED}, "b": [0, 0, 0]}), "a.b"),
    "series": json.dumps({str(i): y for i, y in enumerate(LABELS)}),
    "frame": json.dumps({"label": {str(i): y for i, y in enumerate(LABELS)}}),
    "beside logits": json.dumps({"logits": ROWS, "labels": LABELS}),
    "in lists": lines([y] for y in LABELS),
    "names in lists": json.dumps([[name] for name in NAMED]),
    "in lists under a key": lines(zipped(id=[7, 8, 9], label=[[y] for y in LABELS])),
    "names in lists, wrapped": json.dumps({"ids": [7, 8, 9], "labels": [[name] for name in NAMED]}),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", TARGETS)
def test_targets_of_their_own(form, folder):
    text, member = TARGETS[form] if isinstance(TARGETS[form], tuple) else (TARGETS[form], None)
    (folder / "x.json").write_text(json.dumps(RECORDS))
    (folder / "y.json").write_text(text)
    done = nll("compute", "x.json", "y.json" if member is None else f"y.json:{member}", "-q")
    assert done.code == 0, done.err
    assert float(done.out) == loss()


SOFT = [[0.5, 0.25, 0.25], [0.0, 0.125, 0.875], [0.25, 0.5, 0.25]]
SOFT_RECORDS = [dict(reversed(list(zip(NAMES, row, strict=True)))) for row in SOFT]
SOFT_FORMS = {
    "lists": lines(SOFT),
    "array": json.dumps(SOFT),
    "under a key": lines(zipped(label=SOFT)),
    "under any key": lines(zipped(id=[1, 2, 3], p=SOFT)),
    "by name": lines(SOFT_RECORDS),
    "by name, under a key": lines(zipped(label=SOFT_RECORDS)),
    "by name, under any key": lines(zipped(id=[1, 2, 3], p=SOFT_RECORDS)),
    "wrapped": json.dumps({"p": SOFT}),
    "named": (json.dumps({"p": SOFT, "labels": LABELS}), "p"),
    "named, by name": (lines(zipped(p=SOFT_RECORDS, label=LABELS)), "p"),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", SOFT_FORMS)
def test_class_probabilities(form, folder):
    text, member = SOFT_FORMS[form] if isinstance(SOFT_FORMS[form], tuple) else (SOFT_FORMS[form], None)
    (folder / "x.json").write_text(json.dumps(RECORDS))
    (folder / "y.json").write_text(text)
    done = nll("compute", "x.json", "y.json" if member is None else f"y.json:{member}", "-q")
    assert done.code == 0, done.err
    assert float(done.out) == loss(labels=SOFT)


ONE_HOT = [[int(c == y) for c in range(3)] for y in LABELS]
TURNED = [dict(reversed(list(zip(NAMES, row, strict=True)))) for row in ONE_HOT]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "rows",
    [
        ONE_HOT,
        [[bool(x) for x in row] for row in ONE_HOT],
        TURNED,
        [{k: bool(x) for k, x in row.items()} for row in TURNED],
        zipped(id=[1, 2, 3], label=ONE_HOT),
        zipped(id=[1, 2, 3], label=TURNED),
    ],
)
def test_one_hot_targets(rows, folder):
    (folder / "x.json").write_text(json.dumps(RECORDS))
    (folder / "y.json").write_text(lines(rows))
    done = nll("compute", "x.json", "y.json", "-q")
    assert done.code == 0, done.err
    assert float(done.out) == loss()


@pytest.mark.usefixtures("folder")
def test_one_hot_targets_end(folder):
    (folder / "x.json").write_text(lines(zipped(logits=ROWS * 20)))
    (folder / "y.json").write_text(lines(ONE_HOT * 19 + [[1, 1, 0]] * 3))
    assert "y.json, line 58" in nll("compute", "x.json", "y.json").err


@pytest.mark.usefixtures("folder")
def test_class_probabilities_of_other_classes(folder):
    (folder / "x.json").write_text(json.dumps(RECORDS))
    (folder / "y.json").write_text(lines([{"cat": 0.5, "cow": 0.5, "dog": 0.0}] * 3))
    done = nll("compute", "x.json", "y.json")
    assert done.code == 3
    assert "has probabilities of the classes cat, cow, dog; they are cat, dog, horse" in done.err


# --- refusals, and the way out ----------------------------------------------------------------------------------------

ASKS = {
    "no targets": (
        lines(zipped(id=[0, 0, 0], logits=ROWS, label=LABELS)),
        (),
        "there are no targets",
        ["label has the targets"],
    ),
    "no targets, no names of any": (
        lines(zipped(logits=ROWS, a=LABELS, b=[0.5, 1.5, 2.5])),
        (),
        "there are no targets",
        ["a has the targets"],
    ),
    "no targets in one object": (
        json.dumps({"outputs": ROWS, "z": LABELS}),
        (),
        "there are no targets",
        ["z has the targets"],
    ),
    "several lists": (
        lines(zipped(logits=ROWS, probs=SOFT)),
        ("y.txt",),
        "several lists that could be the logits: logits, probs",
        ["the logits are in logits", "the logits are in probs"],
    ),
    "several objects": (
        lines({"a": record, "b": soft} for record, soft in zip(RECORDS, SOFT_RECORDS, strict=True)),
        ("y.txt",),
        "several lists that could be the logits: a, b",
        ["the logits are in a", "the logits are in b"],
    ),
    "several arrays": (
        json.dumps({"a": ROWS, "b": {"c": SOFT}}),
        ("y.txt",),
        "several arrays that could be the samples: a, b.c",
        ["the samples are in a", "the samples are in b.c"],
    ),
    "several lists of one sample": (
        json.dumps({"p": ROWS[0], "q": SOFT[0], "target": 0}),
        (),
        "several lists that could be the logits: p, q",
        ["the logits are in p", "the logits are in q"],
    ),
    "lists that may be either": (
        json.dumps({"p": ROWS[0], "q": ROWS[1], "r": ROWS[2]}),
        ("y.txt",),
        "has a list for each of p, q, r: are these the classes or the samples?",
        ["the classes are p, q, r", "the samples are p, q, r"],
    ),
    "objects that may be either": (
        json.dumps(dict(zip("abc", RECORDS, strict=True))),
        ("y.txt",),
        "has an object for each of a, b, c",
        ["columns: a, b, c", "columns: cat, dog, horse"],
    ),
    "objects within that may be either": (
        json.dumps({"n": 3, "results": dict(zip("abc", RECORDS, strict=True))}),
        ("y.txt",),
        "has an object for each of a, b, c",
        ["columns: a, b, c", "columns: cat, dog, horse"],
    ),
    "batches": (
        lines([ROWS[:2], ROWS[2:]]),
        ("y.txt",),
        "x.json, line 1: is a list of lists, not one sample",
        ["each inner list is a sample"],
    ),
    "batches in an array": (
        json.dumps([ROWS[:2], ROWS[2:]]),
        ("y.txt",),
        "x.json, item 0: is a list of lists, not one sample",
        ["each inner list is a sample"],
    ),
    "batches of one length": (
        json.dumps([ROWS[:2], ROWS[1:]]),
        ("z.txt",),
        "x.json, item 0: is a list of lists, not one sample",
        ["each inner list is a sample", "each is a part of an array of more than two dimensions"],
    ),
}


@pytest.mark.parametrize("form", ASKS)
def test_asks(form, folder):
    text, words, told, meanings = ASKS[form]
    (folder / "z.txt").write_text("0\n2\n2\n1\n")
    (folder / "x.json").write_text(text)
    done = nll("compute", "x.json", *words)
    assert done.code in (2, 3)
    assert told in done.err
    offered = tries(done)
    assert [line.partition("  # ")[2] for line in offered] == meanings
    expected = loss()
    if "z.txt" in words:
        expected = loss([*ROWS[:2], *ROWS[1:]], [0, 2, 2, 1])
    if "one sample" in form:
        expected = loss(ROWS[:1], [0])
    found = [run for run in map(numbers_of, offered) if run.code == 0 and float(run.out) == expected]
    assert len(found) == 1


TARGET_ASKS = {
    "several keys": (
        lines(zipped(label=LABELS, y=[0, 0, 0])),
        "has no key that is sure to have the targets; label, y might",
    ),
    "a key of no name": (lines(zipped(id=["a", "b", "c"], when=[0.5, 1.5, 2.5], z=LABELS)), "; id, z might"),
    "one key of no name": (
        lines(zipped(t=[None] * 3, z=LABELS)),
        "has no key that is sure to have the targets; z might",
    ),
    "several arrays": (
        json.dumps({"n": 3, "a": LABELS, "b": [0, 0, 0]}),
        "several arrays that could be the targets: a, b",
    ),
}


@pytest.mark.parametrize("form", TARGET_ASKS)
def test_asks_for_targets(form, folder):
    text, told = TARGET_ASKS[form]
    (folder / "x.json").write_text(json.dumps(ROWS))
    (folder / "y.json").write_text(text)
    done = nll("compute", "x.json", "y.json")
    assert done.code == 2
    assert told in done.err
    found = [run for run in map(numbers_of, tries(done)) if run.code == 0 and float(run.out) == loss()]
    assert len(found) == 1


def test_targets_of_keys(folder):
    """Keys that are the numbers of the rows are those; any others belong to nobody knows which."""
    (folder / "x.json").write_text(json.dumps(ROWS))
    (folder / "y.json").write_text(json.dumps(dict(enumerate(LABELS))))
    assert float(nll("compute", "x.json", "y.json", "-q").out) == loss()
    for keys in ("abc", "421"):
        (folder / "y.json").write_text(json.dumps(dict(zip(keys, LABELS, strict=True))))
        done = nll("compute", "x.json", "y.json")
        assert done.code == 2
        assert f"has a target for each of {', '.join(keys)}: which samples are these?" in done.err
        assert not tries(done)


@pytest.mark.usefixtures("folder")
def test_nothing_is_offered_for_standard_input(folder):
    """No name with a key leads to it, and no conversion reads it again."""
    options = ReadOptions()
    for text in (
        lines(zipped(a=ROWS, b=ROWS)),
        json.dumps(dict(zip("abc", RECORDS, strict=True))),
        json.dumps([ROWS, ROWS]),
    ):
        (folder / "x.json").write_text(text)
        opened = open_input("x.json")
        opened.stream.name = "standard input"
        with pytest.raises((UsageError, DataError)) as caught:
            opened.read(options)
        assert not caught.value.remedies


REFUSED = {
    "another key": (lines([RECORDS[0], {**RECORDS[1], "cow": 1.5}]), "line 2: has 'cow', unlike the first one"),
    "a key less": (lines([RECORDS[0], {"cat": 1.5, "dog": 1}]), "line 2: has no 'horse', unlike the first one"),
    "another key within": (
        lines([{"p": RECORDS[0]}, {"p": {**RECORDS[1], "cow": 1.5}}]),
        "line 2: has 'cow', unlike the first one",
    ),
    "no object": (lines([{"p": RECORDS[0]}, {"p": 1.5}]), "line 2: has no object 'p'"),
    "no record": (json.dumps([RECORDS[0], 3]), "item 1: has no object"),
    "no list": (lines([{"p": ROWS[0]}, {"p": 1.5}]), "line 2: has '1.5' at 'p', where the first one has a list"),
    "nothing there": (lines([{"p": ROWS[0]}, {"q": ROWS[0]}]), "line 2: has nothing at 'p', where the first one"),
    "no numbers": (lines([{"a": "b"}] * 2), 'line 1: is neither a list of logits nor an object with the key "logits"'),
    "blank": ("\n \n", "x.json: is empty"),
    "a broken line": (lines(ROWS[:1]) + "[1.5,\n", "line 2: is not valid JSON: Expecting value, column 6"),
    "a name twice": ('{"logits": [1.5, 2], "logits": [2, 1.5]}\n', "line 1: cannot be read: a name occurs twice"),
    "an item with a name twice": ('[[1.5, 2],\n{"a": 1, "a": 2}]', "item 1: cannot be read: a name occurs twice"),
    "no text": (b'["\xff", 2]\n[1.5, 2]\n', "line 1: byte 0xff is not UTF-8"),
    "no text later": (b'[1.5, 2]\n["\xff", 2]\n', "line 2: byte 0xff is not UTF-8"),
    "a target later": (
        lines([ROWS[0], {"logits": ROWS[1], "target": 1}]),
        "line 2: has a target, unlike the first line",
    ),
    "too large a number": ("[[-Infinity, 1.5], [-1e999, 1.5]]", "item 1: cannot be read: '-1e999' is too large"),
    "too large an integer": (lines([[1.5, 2], [10**400, 1]]), "line 2: has an integer too large for a float64"),
    "a target that is a list": (lines(zipped(logits=ROWS, target=[0, [1, 2], 2])), "line 2: target '[1, 2]' is not"),
    "a boolean": (lines([[1.5, 2], [1.5, True]]), "line 2, value 2: 'true' is not a number"),
    "a list of objects": (lines([[1.5, {"a": 2}], [1.5, 2]]), "value 2"),
    "no logits later": (lines([{"logits": ROWS[0]}, {"x": 2}]), "line 2: is neither a list of logits nor an object"),
    "no rows": ('{"columns": ["a", "b"], "data": []}', "x.json: has no logits"),
    "objects that differ": ('{"a": {"x": 1.5, "y": 2}, "b": {"x": 1}}', "there are no targets"),
    "one text": (json.dumps("abc"), "line 1"),
    "ragged lists": (json.dumps([[1.5, 2], [1.5]]), "item 1: has 1 logits, the first item has 2"),
    "an item of text": (json.dumps([[1.5, 2], [1.5, "x"]]), "item 1, value 2: 'x' is not a number"),
    "a broken item": ("[[1.5, 2], [1.5 2], [3, 4]]", "item 1: is not valid JSON: Expecting ',' delimiter, column 7"),
    "nothing between commas": ("[[1.5, 2], , [3, 4]]", "item 1: is not valid JSON"),
    "cut off": ("[[1.5, 2], [1.5,", "x.json: ends in the middle of item 1: the file is cut off"),
    "cut off at once": ("[\n[1.5, 2", "x.json: ends in the middle of item 0: the file is cut off"),
    "cut off later": ('{"logits":[1.5,\n2]}\n{"logits":[1.5,\n', "ends in the middle of item 1: the file is cut off"),
    "one object cut off": ('{"logits": [1.5,\n2', "x.json: is not valid JSON"),
    "goes on": ("[[1.5, 2],\n[1.5, 2]]\n[[1.5, 2]]", "x.json: goes on behind the end of its list"),
    "empty array": ("[]", "x.json, line 1: has no logits"),
    "empty array, pretty": ("[\n]", "x.json, item 0: has no logits"),
    "empty list": ('{"logits": []}', "has no logits"),
    "a list of one list": ("[[], []]", "x.json, item 0: has no logits"),
    "too large": ('{"p": [[1e999, 2.5]]}', "x.json: cannot be read: '1e999' is too large for a float64"),
    "twice the same column": (
        json.dumps({"columns": ["a", "a"], "data": [[1, 2]]}),
        "x.json: has several columns of one name",
    ),
    "a short row": (
        json.dumps({"columns": ["a", "b"], "data": [[1, 2], [1]]}),
        "item 1: does not have the 2 values of the columns",
    ),
    "a wide list": (json.dumps([[1.5, 2, 0], [1.5, 2, 0, 3]]), "item 1: has 4 logits, the first item has 3"),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", REFUSED)
def test_refuses(form, folder):
    text, told = REFUSED[form]
    (folder / "x.json").write_bytes(text.encode() if isinstance(text, str) else text)
    words = () if told == "there are no targets" else ("--loss", "argmax")
    done = nll("compute", "x.json", *words, "--input-format", "jsonl")
    assert done.code in (2, 3)
    assert told in done.err


UNKNOWN = {
    "a column": (lines(LABELLED), ("--target-column", "y"), "there is no column 'y'"),
    "a key": (lines(zipped(logits=ROWS, label=LABELS)), ("--target-column", "y"), "line 1: has no key 'y'"),
    "a key of lists alone": (lines(zipped(logits=ROWS)), ("--target-column", "y"), "line 1: has no key 'y'"),
    "a column of lists": (lines(ROWS), ("--target-column", "9"), "there is no column '9'"),
    "a list too short": (lines([[1.5, 2, 0], [1.5, 2]]), ("--target-column", "3"), "line 2: has 2 values"),
    "a number among lists": (lines([[1.5, 2, 0], 7]), ("--target-column", "3"), "line 2: is not a list"),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", UNKNOWN)
def test_refuses_what_is_named_and_not_there(form, folder):
    text, words, told = UNKNOWN[form]
    (folder / "x.json").write_text(text)
    done = nll("compute", "x.json", *words)
    assert done.code in (2, 3)
    assert told in done.err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (lines(zipped(logits=ROWS)), "line 1: has no key 'a.b'"),
        (lines(ROWS), "has lists without keys; there is no 'a.b' in them"),
        (json.dumps({"a": ROWS}), "has no key 'a.b'"),
        (lines({"a": {"b": [ROWS]}} for _ in ROWS), "is a list of lists, not one sample"),
        (json.dumps([[ROWS, 7], None, ROWS]), "item 0: is a list of lists, not one sample"),
        (lines({"a": {"b": []}} for _ in ROWS), "has no logits"),
        (lines({"a": {"b": 3}} for _ in ROWS), "has no list of logits at 'a.b'"),
    ],
)
def test_refuses_a_member(text, told, folder):
    (folder / "x.json").write_text(text)
    done = nll("compute", "x.json:a.b", "y.txt")
    assert done.code in (2, 3)
    assert told in done.err


@pytest.mark.usefixtures("folder")
def test_refuses_a_member_of_values(folder):
    (folder / "x.json").write_text(lines(ROWS))
    (folder / "y.jsonl").write_text(lines(LABELS))
    done = nll("compute", "x.json", "y.jsonl:y")
    assert "has values without keys; there is no 'y' in them" in done.err


@pytest.mark.usefixtures("folder")
def test_one_target(folder):
    (folder / "x.json").write_text(lines(zipped(logits=ROWS[:1])))
    (folder / "y.json").write_text('{"id": "a", "label": "dog"}')
    done = nll("compute", "x.json", "y.json", "--classes", "cat,dog,horse", "-q")
    assert float(done.out) == loss(ROWS[:1], [1])


@pytest.mark.usefixtures("folder")
def test_no_targets_in_a_file_of_targets(folder):
    (folder / "x.json").write_text(json.dumps(ROWS))
    (folder / "y.json").write_text('{"z": 1.5}')
    done = nll("compute", "x.json", "y.json")
    assert 'is neither an object with the key "target" nor a list of probabilities' in done.err


@pytest.mark.usefixtures("folder")
def test_targets_of_a_file_come_before_those_beside_the_logits(folder):
    for text in (
        lines(zipped(logits=ROWS, target=["x", "y", "z"])),
        json.dumps({"p": ROWS, "labels": ["x", "y", "z"]}),
    ):
        (folder / "x.json").write_text(text)
        assert float(nll("compute", "x.json", "y.txt", "-q").out) == loss()


def test_a_column_of_lists_that_is_chosen(tmp_path, monkeypatch):
    """Where patterns name the classes, lists are columns like others."""
    monkeypatch.setattr(records, "choose", lambda preview, _: Columns((preview.headings.index("b"),), None, lists=True))
    (tmp_path / "x.json").write_text(lines(zipped(a=SOFT, b=ROWS, target=LABELS)))
    _, (block,) = blocks(tmp_path / "x.json", columns="b")
    np.testing.assert_array_equal(block.logits, ROWS)
    np.testing.assert_array_equal(block.targets, LABELS)


@pytest.mark.usefixtures("folder")
def test_refuses_a_member_of_targets(folder):
    (folder / "x.json").write_text(lines(ROWS))
    (folder / "y.jsonl").write_text(lines(zipped(label=LABELS)))
    assert "has no key 'y'" in nll("compute", "x.json", "y.jsonl:y").err


@pytest.mark.parametrize("form", ["lines", "one"])
def test_what_python_prints_is_converted(form, folder):
    rows = [{"logits": row, "label": y, "note": None} for row, y in zip(ROWS, LABELS, strict=True)]
    (folder / "x.txt").write_text("".join(f"{row!r}\n" for row in rows) if form == "lines" else repr(rows))
    done = nll("compute", "x.txt", *OWN)
    assert done.code == 3
    assert "x.txt: is written as Python prints it, not as JSON" in done.err
    (offered,) = tries(done)
    assert float(numbers_of(offered).out) == loss()


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress])
def test_what_python_prints_is_converted_where_it_is_compressed(compress, folder):
    rows = [{"logits": row, "label": y} for row, y in zip(ROWS, LABELS, strict=True)]
    (folder / "x.gz").write_bytes(compress("".join(f"{row!r}\n" for row in rows).encode()))
    (offered,) = tries(nll("compute", "x.gz", *OWN))
    assert float(numbers_of(offered).out) == loss()


def test_what_python_prints_is_not_converted_where_it_is_not_plain_text(folder):
    (folder / "x.json").write_text("{'a': 1}", encoding="utf-16")
    done = nll("compute", "x.json")
    assert (done.code, tries(done)) == (3, [])


# --- what is missing --------------------------------------------------------------------------------------------------

GONE = {
    "null": zipped(logits=ROWS, label=[0, None, 1]),
    "text": zipped(logits=ROWS, label=["cat", "NA", "dog"]),
    "NaN": zipped(logits=ROWS, label=[0, float("nan"), 1]),
    "no key": [{"logits": ROWS[0], "label": 0}, {"logits": ROWS[1]}, {"logits": ROWS[2], "label": 1}],
    "the first": zipped(logits=[ROWS[1], ROWS[0], ROWS[2]], label=[None, 0, 1]),
    "a logit": zipped(logits=[ROWS[0], [1.5, None, 2], ROWS[2]], label=LABELS),
    "a logit as text": zipped(logits=[ROWS[0], [1.5, "", 2], ROWS[2]], label=LABELS),
    "all logits": zipped(logits=[ROWS[0], None, ROWS[2]], label=LABELS),
    "all logits of a key": zipped(p=[ROWS[0], None, ROWS[2]], label=LABELS),
    "an object": zipped(p=[RECORDS[0], None, RECORDS[2]], label=LABELS),
    "a value of a class": [LABELLED[0], {**LABELLED[1], "dog": None}, LABELLED[2]],
    "a list's value": [[*ROWS[0], 0], [1.5, 2, 3, None], [*ROWS[2], 1]],
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", GONE)
def test_what_is_missing_is_left_out_when_told(form, folder):
    (folder / "x.jsonl").write_text(lines(GONE[form]))
    words = ("compute", "x.jsonl", "--target-column", "4" if form == "a list's value" else "label")
    words += ("--classes", "cat,dog,horse")
    done = nll(*words)
    assert done.code == 3
    assert "line 1:" in done.err if form == "the first" else "line 2" in done.err
    (offered,) = tries(done)
    assert "--missing ignore" in offered
    told = numbers_of(offered)
    assert float(told.out) == loss([ROWS[0], ROWS[2]], [0, 1])
    assert "1 sample without" in told.err


def test_logits_that_are_missing_where_targets_are_elsewhere(tmp_path):
    """Whoever pairs the two leaves them out."""
    (tmp_path / "x").write_text(lines([ROWS[0], [1.5, None, 2], ROWS[2]]))
    source = open_input(str(tmp_path / "x")).read(ReadOptions(missing="ignore"))
    (chunk,) = source.chunks(Layout(source.shape, 1), 10)
    block = chunk.load(Scratch())
    assert block.targets is None
    assert block.left_out.tolist() == [False, True, False]
    assert block.logits[1].tolist() == [0, 0, 0]
    assert [note.code for note in source.notes] == ["missing-logits"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("truth", [[True, False, True], ["True", "false", "true"]])
def test_booleans_are_two_classes(truth, folder):
    rows = [row[:2] for row in ROWS]
    (folder / "x.jsonl").write_text(lines(zipped(logits=rows, label=truth)))
    done = nll("compute", "x.jsonl", *OWN, "-q")
    assert float(done.out) == loss(rows, [1, 0, 1])


# --- keys of rows -----------------------------------------------------------------------------------------------------

KEYED = {
    "lists": (lines(zipped(name=["a", "b", "c"], logits=ROWS)), "name"),
    "numbers": (lines(zipped(id=[7, 8, 9], logits=ROWS)), "id"),
    "flat": (lines({"id": k, **r} for k, r in zip("abc", RECORDS, strict=True)), "id"),
    "nested": (lines({"meta": {"id": k}, "p": r} for k, r in zip("abc", RECORDS, strict=True)), "meta.id"),
    "index": (json.dumps({"columns": [*NAMES], "index": [*"abc"], "data": ROWS}), "index"),
    "wrapped": (json.dumps({"ids": [*"abc"], "p": ROWS}), "ids"),
    "wrapped records": (json.dumps({"ids": [*"abc"], "p": RECORDS}), "ids"),
    "place": (lines([[i, *row] for i, row in enumerate(ROWS)]), "1"),
    "targets": (lines(zipped(id=[*"abc"], label=LABELS)), "id"),
}


@pytest.mark.parametrize("form", KEYED)
def test_keys(form, tmp_path):
    text, key = KEYED[form]
    (tmp_path / "x.json").write_text(text)
    holds = "targets" if form == "targets" else "logits"
    source = open_input(str(tmp_path / "x.json")).read(ReadOptions(key=key, holds=holds))
    (chunk,) = source.chunks(Layout(source.shape, 1), 10)
    block = chunk.load(Scratch())
    expected = {"numbers": ["7", "8", "9"], "place": ["0", "1", "2"]}.get(form, ["a", "b", "c"])
    assert block.keys == expected
    if holds == "logits":
        np.testing.assert_array_equal(block.logits, ROWS)
    else:
        np.testing.assert_array_equal(block.targets, LABELS)


@pytest.mark.parametrize("key", [None, [1]])
def test_a_key_that_is_missing(key, tmp_path):
    (tmp_path / "x").write_text(lines(zipped(id=["a", key], logits=ROWS[:2])))
    source = open_input(str(tmp_path / "x")).read(ReadOptions(key="id"))
    (chunk,) = source.chunks(Layout(source.shape, 1), 10)
    with pytest.raises(DataError, match="line 2: has no key"):
        chunk.load(Scratch())


def test_a_key_that_is_not_there(tmp_path):
    (tmp_path / "x").write_text(lines(zipped(logits=ROWS)))
    with pytest.raises(UsageError, match="has no key 'id'"):
        open_input(str(tmp_path / "x")).read(ReadOptions(key="id"))


# --- sample weights ---------------------------------------------------------------------------------------------------

WEIGHTS = [0.5, 2.0, 1.25]
WEIGHT_FORMS = {
    "array": json.dumps(WEIGHTS),
    "array, pretty": json.dumps(WEIGHTS, indent=1),
    "lines": lines(WEIGHTS),
    "lists": lines([w] for w in WEIGHTS),
    "the only number": lines(zipped(id=["a", "b", "c"], w=WEIGHTS)),
    "weight": lines(zipped(n=[1, 2, 3], sample_weight=WEIGHTS)),
    "named": (lines(zipped(a=WEIGHTS, b=[1, 2, 3])), "a"),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", WEIGHT_FORMS)
def test_sample_weights(form, folder):
    text, member = WEIGHT_FORMS[form] if isinstance(WEIGHT_FORMS[form], tuple) else (WEIGHT_FORMS[form], None)
    (folder / "x.json").write_text(lines(zipped(logits=ROWS, target=LABELS)))
    (folder / "w.json").write_text(text)
    done = nll("compute", "x.json", "--sample-weights", f"w.json:{member}" if member else "w.json", "-q")
    assert done.code == 0, done.err
    assert float(done.out) == pytest.approx(float(oracle.reduce(ROWS, LABELS, sample_weights=WEIGHTS)), rel=1e-14)


@pytest.mark.parametrize(
    ("text", "member", "told", "n_tries"),
    [
        (lines(zipped(a=WEIGHTS, b=[1, 2, 3])), "", "line 1: has several keys of numbers: a, b", 2),
        (lines(zipped(a=["x", "y", "z"])), "", "line 1: has no key of numbers", 0),
        (lines(zipped(a=WEIGHTS)), ":b", "line 1: has no key 'b'", 0),
        (lines([{"a": 0.5}, {"b": 0.5}, {"a": 0.5}]), "", "line 2: has no 'a'", 0),
    ],
)
def test_asks_for_sample_weights(text, member, told, n_tries, folder):
    (folder / "x.json").write_text(lines(zipped(logits=ROWS, target=LABELS)))
    (folder / "w.json").write_text(text)
    done = nll("compute", "x.json", "--sample-weights", f"w.json{member}")
    assert told in done.err
    assert len(tries(done)) == n_tries
    expected = pytest.approx(float(oracle.reduce(ROWS, LABELS, sample_weights=WEIGHTS)), rel=1e-14)
    assert not n_tries or expected in [float(numbers_of(line).out) for line in tries(done)]


# --- large ones -------------------------------------------------------------------------------------------------------


def blocks(path, size=1000, **options):
    source = open_input(str(path)).read(ReadOptions(**options))
    return source, [chunk.load(Scratch()) for chunk in source.chunks(Layout(source.shape, 1), size)]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("form", ["array", "objects", "wrapped"])
def test_many_pieces(form, indent, tmp_path, monkeypatch):
    monkeypatch.setattr(json_documents, "_PIECE_BYTES", 1 << 12)
    monkeypatch.setattr(json_documents, "_HEAD_BYTES", 1 << 10)
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 1, (2500, 7)), rng.integers(0, 7, 2500)
    samples = [
        {"t": TEXTS[i % 3] * (i % 5), "logits": r, "target": t}
        for i, (r, t) in enumerate(zip(x.tolist(), y.tolist(), strict=True))
    ]
    if form == "objects":
        text = "\n".join(json.dumps(sample, indent=indent or 2) for sample in samples)
    else:
        text = json.dumps(samples if form == "array" else {"rows": samples}, indent=indent) + " " * 9000
    (tmp_path / "x.json").write_text(text)
    source, found = blocks(tmp_path / "x.json")
    np.testing.assert_array_equal(np.concatenate([block.logits for block in found]), x)
    np.testing.assert_array_equal(np.concatenate([block.targets for block in found]), y)
    assert [block.start for block in found] == [0, 1000, 2000]
    assert source.place(1234, Layout(source.shape, 1)) == "item 1234"


@pytest.mark.parametrize("form", ["array", "lines"])
def test_a_long_sample(form, tmp_path, monkeypatch):
    """Longer than the beginning that shows what the file holds, and than a piece of it."""
    monkeypatch.setattr(json_documents, "_PIECE_BYTES", 1 << 8)
    monkeypatch.setattr(json_documents, "_HEAD_BYTES", 1 << 6)
    x = np.random.default_rng(0).normal(0, 1, (3, 200))
    (tmp_path / "x.json").write_text(json.dumps(x.tolist()) if form == "array" else lines(x.tolist()))
    _, found = blocks(tmp_path / "x.json")
    np.testing.assert_array_equal(found[0].logits, x)


def test_lists_longer_than_lines_may_be(tmp_path, monkeypatch):
    monkeypatch.setattr(json_documents, "LONGEST_LINE", 1 << 12)
    monkeypatch.setattr(json_documents, "_PIECE_BYTES", 1 << 8)
    monkeypatch.setattr(json_documents, "_HEAD_BYTES", 1 << 6)
    (tmp_path / "x.json").write_text(json.dumps([[1.5] * 9000, [1.5] * 9000]))
    with pytest.raises(DataError, match="has a line longer than"):
        blocks(tmp_path / "x.json")
    (tmp_path / "x.json").write_text(json.dumps([[1.5], [1.5] * 9000]))
    with pytest.raises(DataError, match="has a line longer than"):
        blocks(tmp_path / "x.json")


def test_blanks_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(json_documents, "_LONGEST_HEAD", 1 << 10)
    monkeypatch.setattr(json_documents, "_HEAD_BYTES", 1 << 6)
    (tmp_path / "x.json").write_text("[1.5, 2]\n" + " " * 5000)
    with pytest.raises(DataError, match="has a line longer than"):
        blocks(tmp_path / "x.json")


def test_a_head_without_an_end_is_a_document(tmp_path, monkeypatch):
    monkeypatch.setattr(json_documents, "_LONGEST_HEAD", 1 << 10)
    monkeypatch.setattr(json_documents, "_HEAD_BYTES", 1 << 6)
    x = np.random.default_rng(0).normal(0, 1, (300, 20))
    (tmp_path / "x.json").write_text(json.dumps(x.tolist()))
    _, found = blocks(tmp_path / "x.json")
    np.testing.assert_array_equal(found[0].logits, x)
    (tmp_path / "x.json").write_text(json.dumps(x.ravel().tolist()))
    source, found = blocks(tmp_path / "x.json")
    np.testing.assert_array_equal(found[0].logits, x.reshape(1, -1))
    assert source.shape == (None, 6000)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("[[1, 2],\n [3, 4]]", "jsonl"),
        ("[", "jsonl"),
        ("[]", "jsonl"),
        ("[1]\n[2]\n", "jsonl"),
        ("[-1e-5,\n2]", "jsonl"),
        ("[NaN, 2]", "jsonl"),
        ('["a"]', "jsonl"),
        ("{}", "jsonl"),
        ('\ufeff  {"a": 1}', "jsonl"),
        ("[[ 0.5  1.2]\n [ 0.1 0.2]]\n", "csv"),
        ("[0.5 1.2]\n", "csv"),
        ("[0. 1.]\n", "csv"),
        ("[PAD] 0.5\n", "csv"),
        ("{cat} 0.5\n", "csv"),
    ],
)
def test_what_begins_like_json(text, format, folder):
    (folder / "x").write_text(text)
    assert open_input("x").format == format


# --- rows matched by key ----------------------------------------------------------------------------------------------

KEYED_TARGETS = zipped(id=["a", "b", "c"], label=LABELS)
MATCHED = {
    "lists": lines(zipped(id=["a", "b", "c"], logits=ROWS)),
    "array": json.dumps(zipped(id=["a", "b", "c"], logits=ROWS), indent=1),
    "flat": lines({"id": key, **record} for key, record in zip("abc", RECORDS, strict=True)),
    "objects": lines(zipped(id=["a", "b", "c"], scores=RECORDS)),
    "wrapped": json.dumps({"id": ["a", "b", "c"], "logits": ROWS}),
    "split": json.dumps({"columns": ["id", *NAMES], "data": [[k, *row] for k, row in zip("abc", ROWS, strict=True)]}),
    "csv": "id,cat,dog,horse\n" + "".join(f"{k},{a},{b},{c}\n" for k, (a, b, c) in zip("abc", ROWS, strict=True)),
}


@pytest.mark.uncounted
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", MATCHED)
@pytest.mark.parametrize("targets", ["y.jsonl", "y.json", "y.csv"])
def test_rows_are_matched_by_key(form, targets, folder):
    (folder / "x").write_text(MATCHED[form])
    for rows in (KEYED_TARGETS, KEYED_TARGETS[::-1]):
        text = {
            "y.jsonl": lines(rows),
            "y.json": json.dumps(rows, indent=1),
            "y.csv": "id,label\n" + "".join(f"{row['id']},{row['label']}\n" for row in rows),
        }[targets]
        (folder / targets).write_text(text)
        words = ("x", targets) if targets != "y.csv" else ("x", targets, "--target-column", "label")
        drop = ("--drop", "id") if form in ("flat", "split", "csv") else ()
        if rows is KEYED_TARGETS:
            done = nll("compute", *words, *drop, "-q")
            assert done.code == 0, done.err
            assert float(done.out) == loss()
        else:
            done = nll("compute", *words, *drop)
            assert done.code == 2
            (offered,) = tries(done)
            assert "--id id" in offered
            assert float(numbers_of(offered).out) == loss()
        done = nll("compute", *words, "--id", "id", "-q")
        assert done.code == 0, done.err
        assert float(done.out) == loss()


ORDER = ("2", "0", "1")  # of the rows of a data frame that was shuffled: row k of the file is sample ORDER[k]
SHUFFLED = {
    "columns": {n: {k: RECORDS[int(k)][n] for k in ORDER} for n in NAMES},
    "rows": {k: RECORDS[int(k)] for k in ORDER},
    "split": {"columns": list(NAMES), "index": list(map(int, ORDER)), "data": [ROWS[int(k)] for k in ORDER]},
}
SHUFFLED_TARGETS = {
    "series": {k: LABELS[int(k)] for k in ORDER},
    "columns": {"label": {k: LABELS[int(k)] for k in ORDER}},
    "rows": {k: {"label": LABELS[int(k)]} for k in ORDER},
}


@pytest.mark.parametrize("form", SHUFFLED)
def test_rows_numbered_out_of_order_are_asked_about(form, folder):
    (folder / "x.json").write_text(json.dumps(SHUFFLED[form]))
    in_file, by_number = (numbers_of(line) for line in tries(nll("compute", "x.json", "y.txt")))
    assert float(in_file.out) == loss([ROWS[int(k)] for k in ORDER])
    assert float(by_number.out) == loss()


@pytest.mark.parametrize("form", SHUFFLED_TARGETS)
def test_targets_numbered_out_of_order_are_asked_about(form, folder):
    (folder / "x.json").write_text(json.dumps(ROWS))
    (folder / "y.json").write_text(json.dumps(SHUFFLED_TARGETS[form]))
    in_file, by_number = (numbers_of(line) for line in tries(nll("compute", "x.json", "y.json")))
    assert float(in_file.out) == loss(ROWS, [LABELS[int(k)] for k in ORDER])
    assert float(by_number.out) == loss()


@pytest.mark.usefixtures("folder")
def test_the_order_of_rows_with_their_own_targets_says_nothing(folder):
    (folder / "x.json").write_text(json.dumps({k: {**RECORDS[int(k)], "label": LABELS[int(k)]} for k in ORDER}))
    assert float(nll("compute", "x.json", *OWN, "-q").out) == loss()


@pytest.mark.parametrize("form", ["columns", "rows"])
def test_rows_with_names_are_matched_by_them(form, folder):
    logits = dict(zip("abc", RECORDS, strict=True))
    if form == "columns":
        logits = {n: {k: row[n] for k, row in logits.items()} for n in NAMES}
    (folder / "x.json").write_text(json.dumps(logits))
    (folder / "y.json").write_text(json.dumps({"columns": ["label"], "index": [*"cab"], "data": [[1], [0], [2]]}))
    [line] = tries(nll("compute", "x.json", "y.json", "--classes", ",".join(NAMES)))
    assert float(numbers_of(line).out) == loss()


@pytest.mark.usefixtures("folder")
def test_a_schema_may_have_any_index(folder):
    document = {"schema": {"fields": [], "primaryKey": [["u", "v"], "w"]}, "data": [{"w": 1, **r} for r in LABELLED]}
    (folder / "x.json").write_text(json.dumps(document))
    assert float(nll("compute", "x.json", *OWN, "-q").out) == loss()


PACKED = {
    "plain": lambda text: text,
    "with a mark": lambda text: b"\xef\xbb\xbf" + text,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.mark.parametrize("packed", PACKED.values(), ids=PACKED)
def test_what_is_rewritten_may_be_compressed(packed, folder):
    """Under any name: what a file is shows when it is opened."""
    (folder / "x.json").write_bytes(packed(json.dumps(SHUFFLED["rows"]).encode()))
    assert float(numbers_of(tries(nll("compute", "x.json", "y.txt"))[1]).out) == loss()
    (folder / "z.json").write_bytes(packed(json.dumps([ROWS[:2], ROWS]).encode()))
    (folder / "y5.txt").write_text("0\n2\n0\n2\n1\n")
    [line] = tries(nll("compute", "z.json", "y5.txt"))
    assert float(numbers_of(line).out) == loss([*ROWS[:2], *ROWS], [*LABELS[:2], *LABELS])


@pytest.mark.usefixtures("folder")
def test_what_python_cannot_open_is_not_rewritten(folder):
    with zipfile.ZipFile(folder / "x.zip", "w") as archive:
        archive.writestr("x.json", json.dumps(SHUFFLED["rows"]))
    done = nll("compute", "x.zip", "y.txt")
    assert (done.code, tries(done)) == (2, [])
    assert "hint: a list of records has one order" in done.err


PARALLEL = {
    "arrays": ({"ids": [*"cab"], "logits": [ROWS[2], *ROWS[:2]]}, "x.json"),
    "arrays, named": ({"ids": [*"cab"], "logits": [ROWS[2], *ROWS[:2]]}, "x.json:logits"),
    "records": ({"ids": [*"cab"], "scores": [RECORDS[2], *RECORDS[:2]]}, "x.json"),
    "numbers": ({"ids": [9, 7, 8], "logits": [ROWS[2], *ROWS[:2]]}, "x.json"),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", PARALLEL)
@pytest.mark.parametrize("targets", ["y.json", "y.json:labels", "y.csv", "y.csv:labels"])
def test_arrays_side_by_side_are_matched_by_their_keys(form, targets, folder):
    document, logits = PARALLEL[form]
    ids = [7, 8, 9] if form == "numbers" else [*"abc"]
    (folder / "x.json").write_text(json.dumps(document))
    (folder / "y.json").write_text(json.dumps({"ids": ids, "labels": LABELS}))
    (folder / "y.csv").write_text("ids,labels\n" + "".join(f"{k},{y}\n" for k, y in zip(ids, LABELS, strict=True)))
    (offered,) = tries(nll("compute", logits, targets))
    assert "--id ids" in offered
    assert float(numbers_of(offered).out) == loss()
    (folder / "y.json").write_text(json.dumps({"ids": document["ids"], "labels": [LABELS[2], *LABELS[:2]]}))
    done = nll("compute", logits, "y.json", "-q")
    assert float(done.out) == loss()


# --- keys that are numbers, sorted as text ----------------------------------------------------------------------------

MANY = [[0.5 + i % 5, 1.5 * (i % 3), (2.25 * i) % 4] for i in range(12)]
MANY_LABELS = [(i * i + 1) % 3 for i in range(12)]
WHOLE = [[int(4 * x) for x in row] for row in MANY]


def as_text(rows, first=0):
    """An object with the number of each row, in the order in which text is sorted."""
    numbered = {str(i): row for i, row in enumerate(rows, first)}
    return {key: numbered[key] for key in sorted(numbered)}


def named(rows):
    return [dict(zip(NAMES, row, strict=True)) for row in rows]


SORTED = {
    "lists": as_text(MANY),
    "lists, counted from 1": as_text(MANY, 1),
    "lists within": {"model": "m", "predictions": as_text(MANY)},
    "lists of whole numbers": as_text(WHOLE),
    "lists of whole numbers within": {"predictions": as_text(WHOLE)},
    "rows": as_text(named(MANY)),
    "rows within": {"n": 12, "rows": as_text(named(MANY))},
    "columns": {name: as_text(column) for name, column in zip(NAMES, zip(*MANY, strict=True), strict=True)},
}
SORTED_TARGETS = {
    "array": MANY_LABELS,
    "series": as_text(MANY_LABELS),
    "series, counted from 1": as_text(MANY_LABELS, 1),
    "frame": {"label": as_text(MANY_LABELS)},
    "rows": as_text(zipped(label=MANY_LABELS)),
    "one-hot": as_text([[int(c == y) for c in range(3)] for y in MANY_LABELS]),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", SORTED)
@pytest.mark.parametrize("targets", SORTED_TARGETS)
def test_row_numbers_sorted_as_text_are_numbers(form, targets, folder):
    (folder / "x.json").write_text(json.dumps(SORTED[form]))
    (folder / "y.json").write_text(json.dumps(SORTED_TARGETS[targets]))
    done = nll("compute", "x.json", "y.json", "-q")
    assert done.code == 0, done.err
    assert float(done.out) == loss(WHOLE if "whole" in form else MANY, MANY_LABELS)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("first", [0, 1])
def test_lists_numbered_out_of_order_are_asked_about(within, first, folder):
    document = {str(int(k) + first): ROWS[int(k)] for k in ORDER}
    (folder / "x.json").write_text(json.dumps({"n": 3, "rows": document} if within else document))
    in_file, by_number = (numbers_of(line) for line in tries(nll("compute", "x.json", "y.txt")))
    assert float(in_file.out) == loss([ROWS[int(k)] for k in ORDER])
    assert float(by_number.out) == loss()


@pytest.mark.usefixtures("folder")
def test_lists_by_name_keep_their_names_for_a_table_of_targets(folder):
    (folder / "x.json").write_text(json.dumps(dict(zip("cab", [ROWS[2], *ROWS[:2]], strict=True))))
    (folder / "y.csv").write_text("id,label\n" + "".join(f"{k},{y}\n" for k, y in zip("abc", LABELS, strict=True)))
    [line] = [line for line in tries(nll("compute", "x.json", "y.csv")) if "the samples are c, a, b" in line]
    [line] = tries(numbers_of(line))
    assert float(numbers_of(line).out) == loss()


@pytest.mark.usefixtures("folder")
def test_lists_of_whole_numbers_by_name_are_asked_about(folder):
    rows = [[int(2 * x) for x in row] for row in ROWS]
    (folder / "x.json").write_text(json.dumps(dict(zip("abc", rows, strict=True))))
    found = [numbers_of(line).out for line in tries(nll("compute", "x.json", "y.txt"))]
    assert [float(out) for out in found] == [loss(list(zip(*rows, strict=True))), loss(rows)]


# --- the order of the classes, beside the rows ------------------------------------------------------------------------

TURN = (2, 0, 1)
TURNED_ROWS = [[row[c] for c in TURN] for row in [*ROWS, ROWS[0]]]
FOUR = [*LABELS, 0]
CLASS_ORDERS = {
    "names": {"class_names": [NAMES[c] for c in TURN], "logits": TURNED_ROWS, "labels": [NAMES[y] for y in FOUR]},
    "labels beside targets": {"labels": [*TURN], "scores": TURNED_ROWS, "targets": FOUR},
    "from 1": {"classes_": [c + 1 for c in TURN], "out": {"p": TURNED_ROWS}, "y_true": [y + 1 for y in FOUR]},
    "floating-point numbers": {"classes": [float(c) for c in TURN], "logits": TURNED_ROWS, "y_true": FOUR},
    "columns": {"columns": [NAMES[c] for c in TURN], "data": TURNED_ROWS, "label": [NAMES[y] for y in FOUR]},
    "places beside names": {
        "classes": [0, 1, 2],
        "names": [NAMES[c] for c in TURN],
        "logits": TURNED_ROWS,
        "labels": [NAMES[y] for y in FOUR],
    },
    "as many samples": {"classes": [*TURN], "logits": TURNED_ROWS[:3], "y_true": LABELS},
    "in a file": {"labels": [*TURN], "logits": TURNED_ROWS},
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", CLASS_ORDERS)
def test_the_order_of_the_classes(form, folder):
    """Names bind; numbers out of order may be names or places, which is asked."""
    document = CLASS_ORDERS[form]
    n = 3 if form == "as many samples" else 4
    (folder / "x.json").write_text(json.dumps(document))
    (folder / "y4.txt").write_text("".join(f"{y}\n" for y in FOUR))
    words = ("compute", "x.json", *(("y4.txt",) if form == "in a file" else ()))
    done = nll(*words, "-q")
    expected = loss([*ROWS, ROWS[0]][:n], FOUR[:n])
    if done.code == 0:
        assert float(done.out) == expected
        return
    names, _ = tries(done)
    assert "--targets-are names" in names
    assert float(numbers_of(names).out) == expected


def test_truth_values_as_classes(folder):
    rows = [row[:2] for row in ROWS]
    (folder / "x.json").write_text(json.dumps({"classes": [True, False], "logits": rows, "y": [True, False, True]}))
    assert float(nll("compute", "x.json", "-q").out) == loss(rows, [0, 1, 0])


@pytest.mark.usefixtures("folder")
def test_several_orders_of_the_classes(folder):
    document = {"classes": [5, 3, 4], "names": [NAMES[c] for c in TURN], "logits": TURNED_ROWS}
    (folder / "x.json").write_text(json.dumps(document))
    (folder / "y4.txt").write_text("".join(f"{NAMES[y]}\n" for y in FOUR))
    found = [numbers_of(line) for line in tries(nll("compute", "x.json", "y4.txt"))]
    assert [run.code for run in found] == [3, 0]
    assert float(found[1].out) == loss([*ROWS, ROWS[0]], FOUR)
    done = nll("compute", "x.json", "y4.txt", "--classes", "cat,dog,cow")
    assert "line 2: target 'horse' is none of the classes" in done.err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "document",
    [
        {"labels": LABELS, "logits": ROWS},
        {"names": ["x", "y", "z"], "logits": ROWS, "labels": LABELS},
        {"classes": LABELS, "logits": ROWS, "y": [0, 0, 0]},
        {"classes": [0.5, 1, 2], "logits": ROWS, "labels": LABELS},
    ],
)
def test_what_does_not_name_the_classes(document, folder):
    (folder / "x.json").write_text(json.dumps(document))
    own = ("--target-column", "classes") if "y" in document else ()
    assert float(nll("compute", "x.json", *own, "-q").out) == loss()


@pytest.mark.usefixtures("folder")
def test_classes_of_rows_of_several_lengths(folder):
    (folder / "x.json").write_text(json.dumps({"classes": NAMES, "logits": [*ROWS, [1.5]], "labels": [0, 1, 2, 0]}))
    assert "has 1 logits, the first item has 3" in nll("compute", "x.json").err


@pytest.mark.parametrize("n", [3, 4])
def test_classes_of_class_probabilities(n, folder):
    rows, soft = [*ROWS, ROWS[0]][:n], [*SOFT, SOFT[0]][:n]
    (folder / "x.json").write_text(json.dumps(named(rows)))
    document = {"classes": [NAMES[c] for c in TURN], "p": [[row[c] for c in TURN] for row in soft]}
    (folder / "y.json").write_text(json.dumps(document))
    done = nll("compute", "x.json", "y.json", "-q")
    assert done.code == 0, done.err
    assert float(done.out) == loss(rows, soft)


@pytest.mark.usefixtures("folder")
def test_a_table_may_have_values_beside_its_columns(folder):
    document = {
        "columns": list(LABELLED[0]),
        "data": [list(r.values()) for r in LABELLED],
        "ncols": 4,
        "nrows": 3,
        "column_types": {"wb_type": "typedDict"},
    }
    (folder / "x.json").write_text(json.dumps(document))
    assert float(nll("compute", "x.json", *OWN, "-q").out) == loss()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("ids", ["abc", ("x/a.png", "x/b.png", "x/c.png"), (7, 8, 9)])
def test_keys_of_two_names(ids, folder):
    """Targets of JSON are found by their name, whatever is beside them; their keys have to agree all the same."""
    shuffled = [2, 0, 1]
    (folder / "x.json").write_text(lines({"image_id": ids[i], "logits": ROWS[i]} for i in shuffled))
    theirs = [str(key).removeprefix("x/").removesuffix(".png") for key in ids]
    (folder / "y.json").write_text(json.dumps({"ids": theirs, "labels": LABELS}))
    (offered,) = tries(nll("compute", "x.json", "y.json"))
    assert "--id image_id=ids" in offered
    assert float(numbers_of(offered).out) == loss()
    (folder / "y.json").write_text(lines({"id": theirs[i], "label": LABELS[i]} for i in shuffled))
    done = nll("compute", "x.json", "y.json", "-q")
    assert done.code == 0, done.err
    assert float(done.out) == loss()


def test_numbers_are_keys_where_they_are_called_so(folder):
    (folder / "x.json").write_text(lines(zipped(length=[3, 2, 1], logits=ROWS)))
    (folder / "y.json").write_text(lines(zipped(id=[1, 2, 3], label=LABELS)))
    assert float(nll("compute", "x.json", "y.json", "-q").out) == loss()


@pytest.mark.usefixtures("folder")
def test_objects_within_are_matched_by_their_keys(folder):
    (folder / "x.json").write_text(json.dumps({"p": {"ids": [*"abc"], "logits": ROWS}}))
    (folder / "y.json").write_text(json.dumps({"y": {"ids": [*"cab"], "labels": [LABELS[i] for i in (2, 0, 1)]}}))
    (offered,) = tries(nll("compute", "x.json:p", "y.json:y"))
    assert "--id ids" in offered
    assert float(numbers_of(offered).out) == loss()


WRAPPED_WEIGHTS = {
    "weights": ({"ids": [*"abc"], "n": [3, 1, 2], "weights": WEIGHTS}, "w.json"),
    "the only fractions": ({"ids": [7, 8, 9], "w": WEIGHTS}, "w.json"),
    "named": ({"ids": [*"abc"], "weights": [1, 1, 1], "out": {"w": WEIGHTS}}, "w.json:out.w"),
    "alone": ({"n": 3, "weights": WEIGHTS}, "w.json"),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", WRAPPED_WEIGHTS)
def test_arrays_of_sample_weights(form, folder):
    document, words = WRAPPED_WEIGHTS[form]
    (folder / "x.json").write_text(
        json.dumps({"ids": document.get("ids", [1, 2, 3]), "logits": ROWS, "labels": LABELS})
    )
    (folder / "w.json").write_text(json.dumps(document))
    done = nll("compute", "x.json", "--sample-weights", words, "-q")
    assert done.code == 0, done.err
    expected = pytest.approx(float(oracle.reduce(ROWS, LABELS, sample_weights=WEIGHTS)), rel=1e-14)
    assert float(done.out) == expected
    if "ids" in document:
        shuffled = {"ids": document["ids"][::-1], "logits": ROWS[::-1], "labels": LABELS[::-1]}
        (folder / "x.json").write_text(json.dumps(shuffled))
        (offered,) = tries(nll("compute", "x.json", "--sample-weights", words))
        assert float(numbers_of(offered).out) == expected


def test_several_arrays_that_may_be_sample_weights(folder):
    (folder / "x.json").write_text(json.dumps({"logits": ROWS, "labels": LABELS}))
    (folder / "w.json").write_text(json.dumps({"a": WEIGHTS, "b": WEIGHTS}))
    assert nll("compute", "x.json", "--sample-weights", "w.json").code == 2


MAPS = {
    "id2label": {"2": "horse", "0": "dog", "1": "cat"},
    "class_to_idx": {"horse": 2, "dog": 0, "cat": 1},
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("key", MAPS)
@pytest.mark.parametrize("n", [3, 4])
def test_objects_that_number_the_classes(key, n, folder):
    rows, labels = [[row[c] for c in (1, 0, 2)] for row in [*ROWS, ROWS[0]]][:n], FOUR[:n]
    document = {"config": {key: MAPS[key]}, "logits": rows, "labels": [NAMES[y] for y in labels]}
    (folder / "x.json").write_text(json.dumps(document))
    assert float(nll("compute", "x.json", "-q").out) == loss([*ROWS, ROWS[0]][:n], labels)
    document["config"][key] = {"a": 7}
    (folder / "x.json").write_text(json.dumps(document))
    assert "the classes have none" in nll("compute", "x.json", "-q").err


def test_lists_under_a_key_by_number(folder):
    (folder / "x.json").write_text(json.dumps({str(i): {"logits": row} for i, row in enumerate(ROWS)}))
    assert float(nll("compute", "x.json", "y.txt", "-q").out) == loss()
