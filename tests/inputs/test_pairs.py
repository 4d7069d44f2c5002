"""Labels with their scores, in any order: bound to the classes by their names."""

import json
import shlex

import oracle
import pytest
from in_process import nll

NAMES = ("cat", "dog", "horse")
ROWS = [[0.25, 0.5, 0.25], [0.125, 0.625, 0.25], [0.5, 0.375, 0.125], [0.0625, 0.4375, 0.5]]
LABELS = [2, 1, 0, 0]
NAMED = [NAMES[y] for y in LABELS]
BEST_FIRST = [sorted(zip(NAMES, row, strict=True), key=lambda pair: -pair[1]) for row in ROWS]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "names.txt").write_text("".join(f"{name}\n" for name in NAMED))
    (tmp_path / "numbers.txt").write_text("".join(f"{y}\n" for y in LABELS))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loss(**options):
    return pytest.approx(float(oracle.reduce(ROWS, LABELS, source="probs", **options)), rel=1e-14)


def lines(values):
    return "".join(json.dumps(value) + "\n" for value in values)


def pairs(label="label", score="score", name=str):
    return [[{label: name(k), score: p} for k, p in row] for row in BEST_FIRST]


def lists(label, score, **more):
    return [{label: [k for k, _ in row], score: [p for _, p in row], **more} for row in BEST_FIRST]


def in_text(form, between):
    return "".join(between.join(form.format(k, p) for k, p in row) + "\n" for row in BEST_FIRST)


def beside_targets(values, key="truth"):
    return [
        {"predictions": value, key: name, "id": i} for i, (value, name) in enumerate(zip(values, NAMED, strict=True))
    ]


OWN = ("--target-column", "truth")
FORMS = {
    "array": json.dumps(pairs()),
    "array, pretty": json.dumps(pairs(), indent=2),
    "lines": lines(pairs()),
    "lines of batches of one": lines([row] for row in pairs()),
    "class and probability": lines(pairs("class", "probability")),
    "name and prob": json.dumps(pairs("name", "prob")),
    "any keys": lines(pairs("a", "b")),
    "more keys": lines(
        [[{"id": i, "label": k, "score": p, "box": None} for i, (k, p) in enumerate(r)] for r in BEST_FIRST]
    ),
    "two lists": lines(lists("labels", "scores", sequence="a text")),
    "two lists of any names": json.dumps(lists("displayNames", "confidences", ids=["7", "8", "9"])),
    "two lists within": lines({"out": row} for row in lists("labels", "scores")),
    "under a key": (lines(beside_targets(pairs())), OWN),
    "two lists under a key": (lines(beside_targets(lists("labels", "scores"))), OWN),
    "two lists beside targets": (
        lines({**row, "truth": y} for row, y in zip(lists("labels", "scores"), NAMED, strict=True)),
        OWN,
    ),
    "target": (lines(beside_targets(pairs(), "target")), ()),
    "wrapped": json.dumps({"predictions": pairs()}),
    "wrapped, with labels": (json.dumps({"predictions": pairs(), "labels": NAMED}), ()),
    "an object": (lines(beside_targets(map(dict, BEST_FIRST))), OWN),
    "fasttext": in_text("__label__{} {}", " "),
    "words": in_text("{} {}", " "),
    "commas": in_text("{},{}", ","),
    "tabs": in_text("{}\t{}", "\t"),
}


@pytest.mark.parametrize("classes", [(), ("--classes", "cat,dog,horse")])
@pytest.mark.parametrize("form", FORMS)
def test_binds_by_name(form, classes, folder):
    text, words = FORMS[form] if isinstance(FORMS[form], tuple) else (FORMS[form], ("names.txt",))
    (folder / "x.json").write_text(text)
    done = nll("compute", "x.json", *words, "--from", "probs", *classes, "-q")
    assert done.code == 0, done.err
    assert float(done.out) == loss()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", ["lines", "two lists", "fasttext"])
def test_classes_in_an_order_of_ones_own(form, folder):
    (folder / "x").write_text(FORMS[form])
    (folder / "y.txt").write_text("".join(f"{(1, 2, 0)[y]}\n" for y in LABELS))
    done = nll("compute", "x", "y.txt", "--from", "probs", "--classes", "horse,cat,dog", "-q")
    assert float(done.out) == loss()


@pytest.mark.parametrize("label", ["LABEL_{}", "{}", "class_{}"])
@pytest.mark.parametrize("targets", ["numbers.txt", "own"])
def test_numbered_labels_have_an_order(label, targets, folder):
    numbered = pairs(name=lambda name: label.format(NAMES.index(name)))
    values = [{"pairs": row, "truth": y} for row, y in zip(numbered, LABELS, strict=True)]
    (folder / "x.json").write_text(lines(values if targets == "own" else numbered))
    words = OWN if targets == "own" else (targets,)
    done = nll("compute", "x.json", *words, "--from", "probs", "-q")
    assert done.code == 0, done.err
    assert float(done.out) == loss()


@pytest.mark.usefixtures("folder")
def test_labels_that_are_integers(folder):
    (folder / "x.json").write_text(lines([{"class": NAMES.index(k), "score": p} for k, p in row] for row in BEST_FIRST))
    assert float(nll("compute", "x.json", "numbers.txt", "--from", "probs", "-q").out) == loss()


@pytest.mark.parametrize("form", ["lines", "two lists", "fasttext", "under a key"])
@pytest.mark.parametrize("targets", ["numbers.txt", "numbers.npy", "numbers.json", "soft.csv", "own"])
def test_asks_which_number_is_which_name(form, targets, folder):
    text = FORMS[form] if form != "under a key" else FORMS[form][0]
    if targets == "own":
        if form != "under a key":
            return
        text = lines({"p": row, "truth": y} for row, y in zip(pairs(), LABELS, strict=True))
    (folder / "x.json").write_text(text)
    if targets == "numbers.npy":
        import numpy as np

        np.save("numbers.npy", LABELS)
    (folder / "numbers.json").write_text(json.dumps(LABELS))
    (folder / "soft.csv").write_text("".join(f"{y == 0:.1f},{y == 1:.1f},{y == 2:.1f}\n" for y in LABELS))
    done = nll("compute", "x.json", *(OWN if targets == "own" else (targets,)), "--from", "probs")
    assert done.code == 2
    assert "which number is which class?" in done.err
    tries = [line.partition("  # ") for line in done.err.splitlines() if line.startswith("try: ")]
    assert [meaning for *_, meaning in tries] == [
        "in the order of the alphabet: 0 is cat, 1 is dog, 2 is horse",
        "as the first one has them: 0 is dog, 1 is cat, 2 is horse",
    ]
    expected = [
        loss(),
        pytest.approx(float(oracle.reduce([[b, a, c] for a, b, c in ROWS], LABELS, source="probs")), rel=1e-14),
    ]
    for (command, *_), wanted in zip(tries, expected, strict=True):
        run = nll(*shlex.split(command.removeprefix("try: nll ")), "-q")
        assert float(run.out) == wanted


@pytest.mark.usefixtures("folder")
def test_names_with_commas_are_not_offered(folder):
    (folder / "x.json").write_text(lines([[{"label": "a, b", "score": 0.5}, {"label": "c", "score": 0.5}]] * 4))
    done = nll("compute", "x.json", "numbers.txt", "--from", "probs")
    assert done.err.splitlines()[1] == "hint: --classes has the names in the order of their numbers"


@pytest.mark.usefixtures("folder")
def test_softmax_has_the_names_for_a_header(folder):
    (folder / "x.json").write_text(FORMS["lines"])
    assert " cat     dog   horse" in nll("softmax", "x.json", "-f", "table").out


SECOND = pairs()[1]
REFUSED = {
    "top 2": (lines([row[: 3 - i] for i, row in enumerate(pairs())]), "line 2: has no score of"),
    "another label": (
        lines([pairs()[0], [*SECOND[:2], {"label": "cow", "score": 0.5}]]),
        "line 2: label 'cow' is not a class of the first sample",
    ),
    "twice": (lines([pairs()[0], [*SECOND, SECOND[0]]]), "line 2: label 'dog' occurs twice"),
    "no label": (lines([pairs()[0], [{"score": 0.5}]]), "line 2: has a score without a label"),
    "no list": (lines([pairs()[0], 3]), "line 2: is not a list of labels with their scores"),
    "other lengths": (
        lines([lists("labels", "scores")[0], {"labels": ["dog"], "scores": [0.5, 0.5]}]),
        "line 2: does not have as many labels as scores",
    ),
    "no score": (lines([pairs()[0], [{"label": k} for k in NAMES]]), "line 2, value 1: 'null' is not a number"),
    "best one": (lines(row[0] for row in pairs()), "line 1: has the score of the best class alone"),
    "best one in an array": (json.dumps([row[0] for row in pairs()]), "item 0: has the score of the best class alone"),
    "best one in lists": (lines(row[:1] for row in pairs()), "line 1: has the score of the best class alone"),
    "best one within": (lines({"p": row[:1]} for row in pairs()), "line 1: has the score of the best class alone"),
    "best one wrapped": (json.dumps({"p": [row[0] for row in pairs()]}), "has the score of the best class alone"),
    "best one of fasttext": (
        "".join(f"__label__{row[0][0]} 0.5\n" for row in BEST_FIRST),
        "line 1: has the score of the best",
    ),
    "top of fasttext": ("a 0.5 b 0.25 c 0.25\na 0.5 b 0.5\n", "line 2: has no score of 'c'"),
    "odd words": ("a 0.5 b 0.25 c 0.25\na 0.5 b 0.5 c 0.1\nb 0.5 a 0.5 c 0.1\na 0.5 b\n", "line 4: has 3 words"),
    "a damaged score": ("a 0.5 b 0.25\n" * 3 + "a 0.5 b 0.O5\n", "line 4, word 4: '0.O5' is not a number"),
    "a member of text": ("a 0.5 b 0.25\n" * 3, "there is no key"),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", REFUSED)
def test_refuses(form, folder):
    text, told = REFUSED[form]
    if form == "a member of text":
        pytest.skip("text has no members yet")
    (folder / "x").write_text(text)
    done = nll("compute", "x", "--loss", "argmax", "--from", "probs")
    assert done.code in (2, 3)
    assert told in done.err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", ["lines", "fasttext", "under a key"])
def test_other_classes_than_the_labels(form, folder):
    text = FORMS[form] if form != "under a key" else FORMS[form][0]
    (folder / "x").write_text(text)
    done = nll("compute", "x", "names.txt", "--from", "probs", "--classes", "cat,cow,dog")
    assert done.code == 2
    assert "--classes names cat, cow, dog; the labels are cat, dog, horse" in done.err


@pytest.mark.usefixtures("folder")
def test_a_target_column_of_lists_without_keys(folder):
    (folder / "x").write_text(FORMS["lines"])
    done = nll("compute", "x", *OWN, "--from", "probs")
    assert "has no key 'truth'" in done.err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "text",
    [
        "".join(f"__label__{name}\n" for name in NAMED),
        "".join(f"__label__{name} the text of a sample\n" for name in NAMED),
        "".join(f"\n  __label__{name}\ta text, with a comma\n" for name in NAMED),
    ],
)
def test_marked_labels(text, folder):
    (folder / "x.txt").write_text(FORMS["fasttext"])
    (folder / "y.txt").write_text(text)
    assert float(nll("compute", "x.txt", "y.txt", "--from", "probs", "-q").out) == loss()
    (folder / "x.csv").write_text("cat,dog,horse\n" + "".join(",".join(map(str, row)) + "\n" for row in ROWS))
    assert float(nll("compute", "x.csv", "y.txt", "--from", "probs", "-q").out) == loss()


@pytest.mark.usefixtures("folder")
def test_several_marked_labels(folder):
    (folder / "x.txt").write_text(FORMS["fasttext"])
    (folder / "y.txt").write_text("__label__cat a\n__label__dog __label__cat b\n" * 2)
    assert "y.txt, line 2: has several labels" in nll("compute", "x.txt", "y.txt", "--from", "probs").err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "text",
    [
        "a,0.5\nb,0.25\n",
        "a,0.5,a,0.25\n" * 2,
        "x,y\n0.5,0.25\n1,2\n",
        "1 0.5 2 0.5\n" * 2,
        "a 0.5 b 0.5\nc 0.5 0.1 0.2\n",
    ],
)
def test_other_text_is_no_pairs(text, folder):
    from nllcli.inputs.formats import ReadOptions, open_input
    from nllcli.inputs.tables.pairs_text import open_pairs

    (folder / "x.csv").write_text(text)
    assert open_pairs(open_input("x.csv").stream, ReadOptions()) is None
    assert open_pairs(open_input("x.csv").stream, ReadOptions(header="yes")) is None
    assert open_pairs(open_input("x.csv").stream, ReadOptions(holds="targets")) is None


def numbered(label, score, first=0, name=int, **more):
    order = [sorted(range(3), key=lambda c, row=row: -row[c]) for row in ROWS]
    return [
        {label: [name(c + first) for c in cs], score: [row[c] for c in cs], **{k: v[i] for k, v in more.items()}}
        for i, (cs, row) in enumerate(zip(order, ROWS, strict=True))
    ]


NUMBERED = {
    "classes": numbered("classes", "scores"),
    "classes as text": numbered("displayNames", "confidences", name=str),
    "labels from 1": numbered("labels", "scores", first=1, truth=[y + 1 for y in LABELS]),
    "within": [{"prediction": each} for each in numbered("classes", "scores")],
    "one at a time": numbered("labels", "p", truth=LABELS),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", NUMBERED)
def test_classes_by_number_in_an_order_of_their_own(form, folder):
    (folder / "x.jsonl").write_text(lines(NUMBERED[form]))
    own = OWN if "truth" in NUMBERED[form][0] else ("numbers.txt",)
    done = nll("compute", "x.jsonl", *own, "--from", "probs", "-q")
    assert done.code == 0, done.err
    assert float(done.out) == loss()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("name", [str, "abc".__getitem__])
def test_the_list_that_is_named_has_its_labels_beside_it(name, within, folder):
    rows = [{**each, "logits": [0.5, 1.5, 2.5], "n": 1} for each in numbered("classes", "probs", name=name)]
    (folder / "x.jsonl").write_text(lines({"out": row} if within else row for row in rows))
    member = "out.probs" if within else "probs"
    done = nll(
        "compute", f"x.jsonl:{member}", "numbers.txt", "--from", "probs", "--classes", ",".join(map(name, range(3)))
    )
    assert done.code == 0, done.err
    done = nll("compute", f"x.jsonl:{member}", "numbers.txt", "--from", "probs", "-q")
    if name is str:
        assert float(done.out) == loss()
    else:
        assert "which number is which class?" in done.err


@pytest.mark.usefixtures("folder")
def test_one_hot_labels_and_texts_are_not_labels_of_scores(folder):
    rows = [{"labels": [0, 1], "tokens": ["a", "b"], "probs": [0.25, 0.75], "logits": [1.5, 2.5]}] * 4
    (folder / "x.jsonl").write_text(lines(rows))
    done = nll("compute", "x.jsonl:probs", "numbers.txt", "--from", "probs", "--ignore-index", "2", "-q")
    assert float(done.out) == pytest.approx(
        float(oracle.reduce([[0.25, 0.75]] * 4, LABELS, source="probs", ignore_index=2)), rel=1e-14
    )


@pytest.mark.usefixtures("folder")
def test_records_of_samples_are_not_the_scores_of_one(folder):
    """Each with the name of a file, one probability and a target."""
    labels = [int(y == 0) for y in LABELS]
    results = [
        {"file": f"{i}.jpg", "prob": row[2], "label": y} for i, (row, y) in enumerate(zip(ROWS, labels, strict=True))
    ]
    (folder / "x.json").write_text(json.dumps({"model": "m", "results": results}))
    done = nll("compute", "x.json", "--target-column", "label", "--binary", "--from", "probs", "--drop", "file", "-q")
    rows = [[1 - row[2], row[2]] for row in ROWS]
    assert float(done.out) == pytest.approx(float(oracle.reduce(rows, labels, source="probs")), rel=1e-14)
