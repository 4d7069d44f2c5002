"""How columns that are not classes are told from those that are: each judgement beside its obvious form."""

import math

import numpy as np
import oracle
import pytest
from following import answers, offered
from in_process import nll

from nllcli.errors import UsageError
from nllcli.inputs.tables import doubts
from nllcli.inputs.tables.columns import Preview

RNG = np.random.default_rng(17)


def preview(rows, headings=None, index=(), name="t"):
    return Preview(name, headings, [list(row) for row in rows], frozenset(index))


def repeats(values, j):
    """Which of two things a column repeats, one row at a time."""
    own = values[:, j]
    others = [np.delete(row, j) for row in values]
    places = [int(row.argmax()) for row in others]
    if len(set(own)) > 1 and any(all(own == np.array(places) + k) for k in (0, 1)):
        return "repeats which of the others is the largest"
    if all(v != np.floor(v) for v in own) and all(v == row.max() for v, row in zip(own, others, strict=True)):
        return "repeats the largest of the others"
    return None


@pytest.mark.parametrize("seed", range(40))
def test_repeated_columns_as_the_obvious_way_finds_them(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, (8, 4)).round(int(rng.integers(0, 3)))
    values[rng.random(values.shape) < 0.1] = -np.inf
    kind = seed % 4
    extra = [values.argmax(axis=1), values.argmax(axis=1) + 1, values.max(axis=1), values[:, 0]][kind]
    at = int(rng.integers(0, 5))
    values = np.insert(values, at, extra, axis=1)
    found = {j: told for j in range(5) if (told := repeats(values, j)) is not None}
    assert doubts._repeating(values) == (found if len(found) < 4 else {})


def test_one_column_that_repeats_another_is_not_the_class_that_comes_first():
    values = RNG.normal(0, 1, (6, 3))
    values[:, 2] = values[:, 1] = np.abs(values[:, 1]) + 5
    assert doubts._repeating(values) == {}


@pytest.mark.parametrize(
    ("first", "n", "found"),
    [(0, 5, True), (1, 5, True), (7, 5, False), (7, 6, True), (0, 4, False), (0.5, 9, False)],
)
def test_columns_that_count(first, n, found):
    values = np.stack([np.arange(n) + first, RNG.integers(0, 9, n) * 3.0, np.full(n, np.inf)], axis=1)
    told = {0: f"counts {int(first)}, {int(first) + 1}, ..."} if found else {}
    assert doubts._counting(values) == told


def test_few_or_equal_rows_show_nothing():
    fractions = RNG.normal(0, 1, (6, 2))
    assert doubts._whole_among_fractions(np.c_[[3.0], fractions[:1]]) == {}
    assert doubts._whole_among_fractions(np.c_[[3.0, 3.0], fractions[[0, 0]]]) == {}
    assert doubts._whole_among_fractions(np.c_[[3.0] * 6, np.full((6, 2), -np.inf)]) == {}
    assert doubts._whole_among_fractions(np.c_[[3.0, 4.0, 1.0], [[0.5], [1.0], [2.0]]]) == {}
    assert list(doubts._whole_among_fractions(np.c_[[3.0] * 6, fractions])) == [0]
    assert doubts._whole_among_fractions(np.c_[[0.0] * 6, fractions]) == {}
    assert doubts._beside_a_sum(np.full((3, 3), 1 / 3)) == {}
    assert doubts._beside_a_sum(np.array([[0.0, 1, 5], [1, 0, 5], [0, 1, 5]])) == {}


@pytest.mark.parametrize(
    ("heading", "found"),
    [
        ("logprob", True),
        ("avg_logprob", True),
        ("Mean Log Likelihood", True),
        ("token_logp", True),
        ("sum_log_probs", True),
        ("perplexity", True),
        ("logprob_cat", False),
        ("cat", False),
    ],
)
def test_names_tell_of_one_number_a_sample(heading, found):
    values = RNG.normal(0, 1, (6, 2))
    assert doubts._by_name([heading, "b"], values) == (
        {0: "is named like the log-probability of what occurred"} if found else {}
    )


def test_log_probabilities_of_what_occurred_are_not_taken_as_classes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [(-1.5, -0.5), (-2.5, -0.75), (-0.5, -1.25)]
    (tmp_path / "x.csv").write_text("logprob,avg_logprob\n" + "".join(f"{a},{b}\n" for a, b in rows))
    (tmp_path / "y.txt").write_text("0\n1\n1\n")
    first, second = (-math.fsum(column) / 3 for column in zip(*rows, strict=True))
    found = answers("compute", "x.csv", "y.txt", "-q")
    assert found == pytest.approx([first, second, float(oracle.reduce(rows, [0, 1, 1]))], rel=1e-14)
    (tmp_path / "z.csv").write_text((tmp_path / "x.csv").read_text().replace("avg_logprob", "a"))
    left_out, both = offered(nll("compute", "z.csv", "y.txt"))
    assert (left_out, both.partition("  # ")[2]) == (
        "nll compute z.csv y.txt --drop logprob  # logprob is not a class",
        "all columns are classes",
    )


def test_names_tell_of_whole_numbers():
    rows = [[7, 3, 2, 1, 4, 4], [7, 2, 3, 4, 4, 1]]
    seen = preview(rows, ("Image_ID", "y_true", "pred", "fold", "cat", "dog"))
    assert doubts.doubtful(seen, range(6), ()) == {
        0: "is named like a key",
        1: "is named like targets",
        2: "is named like predictions",
        3: "is named like folds",
    }
    assert doubts.doubtful(seen, range(6), ("fold", "pred", "y_true", "Image_ID")) == {}
    assert doubts.doubtful(preview([[0.5, "x"], [1.5, None]], ("id", "b")), [0, 1], ()) == {}


def test_keys_in_both_tables():
    own = preview([("a", 0.5), ("b", 1.5), ("c", 2.5)], ("image", "cat"))
    same = preview([("b", 1), ("a", 2)], ("Image", "label"))
    other = preview([("b", 1), ("a", 2), ("x", 1)], ("file", "label"))
    assert doubts.shared_key(own, 0, same) == "Image"
    assert doubts.shared_key(own, 0, other) == "file"
    assert doubts.shared_key(own, 0, preview([("x", 1), ("a", 2), ("y", 1)], ("file", "label"))) is None
    assert doubts.shared_key(own, 1, same) is None  # fractions are not keys
    assert doubts.shared_key(preview([("a", 1)]), 0, same) == "Image"
    twice = preview([("a", 1), ("a", 2)], ("image", "label"))
    assert doubts.same_column(own, 0, twice) is None
    assert doubts.same_column(twice, 0, own) is None
    nearly = preview([(k, 1) for k in "abcdeb"], ("image", "cat"))
    assert doubts.same_column(nearly, 0, own) == 0
    assert doubts.same_column(nearly, 0, preview([(k, 1) for k in "bcbb"], ("image", "cat"))) is None
    assert doubts.shared_key(own, 0, preview([("a", "b"), ("b", "a")], ("p", ""))) == "p"


def test_an_index_in_another_order_is_asked_about():
    own = preview([("3", 1), ("4", 2)], ("", "cat"), index=[0], name="x.csv")
    doubts.check_index_order(own, preview([("3", 1), ("4", 2)], ("", "y"), index=[0]))
    doubts.check_index_order(own, preview([("8", 1), ("9", 2)], ("", "y"), index=[0]))
    doubts.check_index_order(own, preview([("4", 1), ("4", 2)], ("", "y"), index=[0]))
    with pytest.raises(UsageError, match=r"its row 3 is row 4 of y\.csv"):
        doubts.check_index_order(own, preview([("4", 1), ("3", 2)], ("", "y"), index=[0], name="y.csv"))


@pytest.mark.parametrize(
    ("heading", "cells", "found"),
    [
        ("Label", ("?", "x"), True),
        ("pred", ("cat", "dog"), False),
        ("fold", ("cat", "dog"), False),
        ("animal", ("cat", "dog"), True),
        ("animal", ("cat", "cow"), False),
        ("animal", (None, ""), False),
    ],
)
def test_columns_that_may_be_targets(heading, cells, found):
    assert doubts.may_be_targets(preview([[cell] for cell in cells], (heading,)), 0, ("p_cat", "p_dog")) == found


@pytest.mark.parametrize("change", [lambda x: 0.002 * x, lambda x: 1e4 * x])
def test_a_column_of_another_size_that_no_target_names(change, tmp_path):
    """It is asked about, unless the rows are probabilities or their logarithms, as those of a rare class are."""
    x = np.random.default_rng(3).normal(0, 2, (12, 3)) + 0.5
    y = np.arange(12) % 2

    def asked(values):
        rows = "".join(",".join(map(repr, row)) + f",{'ab'[k]}\n" for row, k in zip(values.tolist(), y, strict=True))
        (tmp_path / "x.csv").write_text("a,b,c,label\n" + rows)
        done = nll("compute", tmp_path / "x.csv", "--target-column", "label", "-q")
        assert (done.code, "of another size" in done.err) in ((0, False), (2, True)), done.err
        return done.code == 2

    assert not asked(x)
    assert asked(np.column_stack([x[:, :2], change(np.abs(x[:, 2]))]))
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    rare = np.column_stack([p[:, :2] / p[:, :2].sum(axis=1, keepdims=True) * 0.999, np.full(12, 0.001)])
    assert not asked(np.log(rare))
    assert not asked(rare)


def test_several_sets_of_probabilities_are_asked_about(tmp_path):
    p = np.round(np.random.default_rng(1).dirichlet([1, 2], (2, 9)), 3)
    rows = np.column_stack([np.arange(9) % 2, *p]).tolist()
    (tmp_path / "x.csv").write_text(
        "y,a_0,a_1,b_0,b_1\n" + "".join(f"{int(y)},{','.join(map(repr, row))}\n" for y, *row in rows)
    )
    found = answers("compute", tmp_path / "x.csv", "--target-column", "y", "--from", "probs", "-q")
    assert found == [pytest.approx(float(oracle.reduce(q, [0, 1] * 4 + [0], source="probs")), rel=1e-12) for q in p]


INDEXED = [(0.5, 1.5), (1.25, 0.75), (0.25, 2.0), (1.0, 0.125), (0.5, 0.75), (2, 1)]


@pytest.mark.parametrize(
    ("own", "theirs"),
    [
        (["", *range(6)], ["", *range(6)]),
        (["", *range(6)], ["place", *range(6)]),
        (
            ["ms,n", *(f"{11 + i % 2},{i // 2}" for i in range(6))],
            ["ms,n", *(f"{21 + i % 2},{i // 2}" for i in range(6))],
        ),
    ],
    ids=["equal indexes", "row numbers", "nothing in common"],
)
def test_columns_that_say_nothing_of_the_order_of_rows(own, theirs, tmp_path):
    rows = [("a", "b"), *INDEXED]
    (tmp_path / "x.csv").write_text("".join(f"{key},{a},{b}\n" for key, (a, b) in zip(own, rows, strict=True)))
    beside = [("label", "fold"), *(("a", 5 - i) for i in range(6))]
    (tmp_path / "y.csv").write_text("".join(f"{key},{a},{b}\n" for key, (a, b) in zip(theirs, beside, strict=True)))
    words = ("--columns", "a,b") if own[0] else ()
    done = nll("compute", tmp_path / "x.csv", f"{tmp_path}/y.csv:label", *words, "-q")
    assert float(done.out) == pytest.approx(float(oracle.reduce(INDEXED, [0] * 6)), rel=1e-13), done.err


def test_predictions_are_not_the_keys_of_another_name(tmp_path):
    rows, labels = [(1.5, 2.25), (2.5, 1.5), (0.5, 0.25)], "bab"
    scores = "".join(f"{p},{a},{b}\n" for p, (a, b) in zip(labels, rows, strict=True))
    (tmp_path / "x.csv").write_text("pred,a,b\n" + scores)
    lines = [f'{{"sample": {i}, "label": "{y}"}}\n' for i, y in enumerate("abb")]
    (tmp_path / "y.jsonl").write_text("".join(lines))
    done = nll("compute", tmp_path / "x.csv", tmp_path / "y.jsonl", "--drop", "pred", "-q")
    assert float(done.out) == pytest.approx(float(oracle.reduce(rows, [0, 1, 1])), rel=1e-13), done.err


def test_labels_are_not_the_keys_of_another_name():
    """Though a column of the logits holds the same text, once each."""
    own = preview([("u", 0.5), ("v", 1.5), ("w", 2.5)], ("name", "a"))
    for heading, found in (("label", None), ("file", ("name", "file"))):
        partner = preview([("w", 1), ("u", 2), ("v", 3)], (heading, "n"))
        assert doubts.key_of_another_name(own, partner, ()) == found
