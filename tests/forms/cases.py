"""Forms in which people keep predictions: files, the plain command, and how it ends.

"right": the number at once. "asked": refused, and a pasted line or two lead to the number. "refused": no way out.
Never may a command, or a line alone, end in another number.
"""

import gzip
import io
import json
import unicodedata
from dataclasses import dataclass, field

import numpy as np

NAMES = ("cat", "dog", "horse")
RNG = np.random.default_rng(2026)
X = np.round(RNG.normal(0, 1.4, (9, 3)), 4)
Y = (2, 1, 0, 0, 1, 2, 1, 0, 2)
_E = np.exp(X)
P = np.round(_E / _E.sum(axis=1, keepdims=True), 6)
WIDE = np.round(RNG.normal(0, 1.4, (14, 12)), 4)
WIDE_Y = (2, 10, 11, 3, 4, 5, 6, 7, 8, 9, 0, 1, 3, 2)
LEXICOGRAPHIC = sorted(range(12), key=str)
ORDER = (3, 8, 0, 5, 1, 7, 2, 6, 4)
TABLE = ("compute", "x.csv", "-q")
PAIR = ("compute", "x.csv", "y.csv", "-q")


@dataclass(frozen=True)
class Form:
    """Files, the words typed, how it ends, and the samples whose loss is right: ``rows`` (n, C) and ``labels`` (n,)."""

    name: str
    files: dict[str, bytes]
    words: tuple[str, ...]
    verdict: str = "right"
    rows: np.ndarray = field(default_factory=lambda: X, repr=False)
    labels: tuple[int, ...] = Y
    probs: bool = False
    says: str = ""


def csv(rows, header=None, delimiter=",", end="\n"):
    lines = [delimiter.join(map(str, row)) for row in ([header] if header else []) + list(rows)]
    return (end.join(lines) + end).encode()


def joined(*columns):
    return [tuple(row) for row in zip(*columns, strict=True)]


def rows_of(x):
    return [tuple(row) for row in x.tolist()]


def beside(x, *, before=(), after=()):
    """The rows of x with more columns before and after those of the classes."""
    return [(*(c[i] for c in before), *row, *(c[i] for c in after)) for i, row in enumerate(rows_of(x))]


def words(*labels):
    return [NAMES[y] for y in labels]


def npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def permuted(values):
    return [values[i] for i in ORDER]


IDS = [f"img_{i}" for i in range(9)]
NUMBERS = [892, 893, 895, 896, 900, 901, 902, 907, 911]
BEST = X.argmax(axis=1).tolist()
TEXTS = ["Great, would buy", "meh", 'I said ""no""', "ok, fine", "bad", "so, so", "nice", "hm", "yes"]
QUOTED = [f'"{text}"' for text in TEXTS]
STARS = np.round(RNG.normal(0, 1.4, (9, 5)), 4)
STAR_Y = (3, 0, 2, 1, 0, 3, 1, 2, 1)
BINARY = np.round(RNG.uniform(0.02, 0.98, 9), 6)
BINARY_Y = (1, 0, 1, 0, 0, 1, 1, 1, 0)
TWO = np.round(np.stack([1 - BINARY, BINARY], axis=1), 6)


def extra_columns():
    target = ("--target-column", "label")

    def form(name, header, table, verdict="asked", *, words=target, **more):
        return Form(name, {"x.csv": csv(table, header)}, ("compute", "x.csv", *words, "-q"), verdict, **more)

    yield form("row numbers", ("SampleId", *NAMES, "label"), beside(X, before=[range(9)], after=[Y]))
    yield form("keys with gaps", ("PassengerId", *NAMES, "label"), beside(X, before=[NUMBERS], after=[Y]))
    yield form("predictions first", ("label", "y_pred", *NAMES), beside(X, before=[Y, BEST]))
    yield form("predictions last", (*NAMES, "label", "winner"), beside(X, after=[Y, BEST]))
    yield form("folds", ("fold", *NAMES, "label"), beside(X, before=[[i % 3 for i in range(9)]], after=[Y]))
    best = X.max(axis=1).tolist()
    yield form("confidences", (*NAMES, "top", "label"), beside(X, after=[best, Y]))
    losses = [round(0.31 * i + 0.107, 4) for i in range(9)]
    probs = ("--target-column", "label", "--from", "probs")
    beside_sum = beside(P, after=[losses, Y])
    yield form("what is not part of a sum", (*NAMES, "loss", "label"), beside_sum, words=probs, rows=P, probs=True)
    headings = ("entropy", *(f"prob_{name}" for name in NAMES), "label")
    yield form("not named like the others", headings, beside(X, before=[losses], after=[Y]))
    yield form("text", ("text", *NAMES, "label"), beside(X, before=[QUOTED], after=[Y]))
    yield form(
        "text beside named classes", ("text", *NAMES, "label"), beside(X, before=[QUOTED], after=[words(*Y)]), "right"
    )
    two = beside(X, before=[range(9), QUOTED], after=[Y])
    yield form("number and text", ("id", "text", *NAMES, "label"), two)
    yield form("targets not named", ("id", *NAMES, "label"), beside(X, before=[range(9)], after=[words(*Y)]), words=())
    yield form("an index without a name", ("", *NAMES, "label"), beside(X, before=[range(9)], after=[Y]), "right")
    split = [f'"{text} \nand more"' for text in TEXTS]
    yield form("text over several lines", ("text", *NAMES, "label"), beside(X, before=[split], after=[Y]))
    y = csv(joined(Y))
    headless = {"x.csv": csv(beside(X, before=[range(9)])), "y.csv": y}
    yield Form("row numbers without a header", headless, PAIR, "asked")
    labels = {
        "x.csv": csv(beside(X, before=[words(*BEST)]), ("predict", *NAMES)),
        "y.csv": csv(joined(words(*Y)), ("species",)),
    }
    yield Form("predicted names", labels, PAIR, "right")
    yield Form(
        "columns chosen",
        {"x.csv": csv(two, ("id", "text", *NAMES, "label"))},
        ("compute", "x.csv", "--columns", "3-5", *target, "-q"),
    )
    yield Form(
        "columns by pattern",
        {"x.csv": csv(beside(X, before=[losses], after=[Y]), headings)},
        ("compute", "x.csv", "--columns", "prob_*", *target, "-q"),
    )
    yield Form(
        "columns dropped",
        {"x.csv": csv(two, ("id", "text", *NAMES, "label"))},
        ("compute", "x.csv", "--drop", "id,t*", *target, "-q"),
    )
    yield Form("empty column", {"x.csv": csv(beside(X, after=[[""] * 9])), "y.csv": y}, PAIR, "asked")


def keys():
    logits = csv(beside(X, before=[NUMBERS]), ("id", *NAMES))
    shuffled = csv(joined(permuted(NUMBERS), permuted(words(*Y))), ("id", "target"))
    yield Form("solution in another order", {"x.csv": logits, "y.csv": shuffled}, PAIR, "asked")
    yield Form(
        "solution in the same order",
        {"x.csv": logits, "y.csv": csv(joined(NUMBERS, words(*Y)), ("id", "target"))},
        PAIR,
    )
    other = csv(joined(permuted(NUMBERS), permuted(words(*Y))), ("image", "target"))
    yield Form("keys of another name", {"x.csv": logits, "y.csv": other}, PAIR, "asked")
    usage = csv(joined(permuted(NUMBERS), permuted(Y), ["Public"] * 9), ("id", "target", "Usage"))
    yield Form("more columns in the solution", {"x.csv": logits, "y.csv": usage}, PAIR, "asked")
    text = csv(beside(X, before=[IDS]), ("image_id", *NAMES))
    named = csv(joined(permuted(IDS), permuted(words(*Y))), ("image_id", "label"))
    yield Form("keys that are text", {"x.csv": text, "y.csv": named}, PAIR, "asked")
    hot = [tuple(int(y == c) for c in range(3)) for y in Y]
    one_hot = csv([(NUMBERS[i], *hot[i]) for i in ORDER], ("id", *NAMES))
    yield Form("one-hot answers by key", {"x.csv": logits, "y.csv": one_hot}, PAIR, "asked")
    turned = csv([(NUMBERS[i], *(hot[i][c] for c in (2, 0, 1))) for i in ORDER], ("id", "horse", "cat", "dog"))
    yield Form("one-hot answers by key and name", {"x.csv": logits, "y.csv": turned}, (*PAIR, "--id", "id"))
    floats = csv(joined([f"{n}.0" for n in permuted(NUMBERS)], permuted(Y)), ("id", "target"))
    yield Form("keys with a decimal point", {"x.csv": logits, "y.csv": floats}, (*PAIR, "--id", "id"))
    fewer = csv(joined(NUMBERS[1:], words(*Y[1:])), ("id", "target"))
    yield Form(
        "a key without a target",
        {"x.csv": logits, "y.csv": fewer},
        (*PAIR, "--id", "id"),
        "asked",
        rows=X[1:],
        labels=Y[1:],
    )
    yield Form(
        "a target without logits",
        {"x.csv": csv(beside(X[1:], before=[NUMBERS[1:]]), ("id", *NAMES)), "y.csv": shuffled},
        (*PAIR, "--id", "id"),
        "asked",
        rows=X[1:],
        labels=Y[1:],
    )
    twice = csv(joined([892, *NUMBERS], [0, *Y]), ("id", "target"))
    yield Form(
        "a key twice",
        {"x.csv": logits, "y.csv": twice},
        (*PAIR, "--id", "id"),
        "asked",
    )
    again = csv([(892, *X[1].tolist()), *beside(X, before=[NUMBERS])], ("id", *NAMES))
    yield Form(
        "a key of the logits twice",
        {"x.csv": again, "y.csv": shuffled},
        (*PAIR, "--id", "id"),
        "asked",
    )
    index = csv(beside(X, before=[NUMBERS]), ("", *NAMES))
    series = csv(joined(permuted(NUMBERS), permuted(Y)), ("", "label"))
    yield Form("an index in another order", {"x.csv": index, "y.csv": series}, PAIR, "asked")
    yield Form(
        "a column of a table of targets",
        {"x.csv": csv(rows_of(X)), "y.csv": usage},
        ("compute", "x.csv", "y.csv:target", "-q"),
        labels=tuple(permuted(Y)),
    )


def names():
    def form(name, headings, labels, verdict="right", **more):
        files = {"x.csv": csv(rows_of(X), headings), "y.csv": csv(joined(labels))}
        return Form(name, files, PAIR, verdict, **more)

    for name, pattern in (
        ("prefix", "prob_{}"),
        ("both", "confidence({})"),
        ("equals", "Class={}"),
        ("dots", ".pred_{}"),
    ):
        yield form(f"headings with a common {name}", [pattern.format(n) for n in NAMES], words(*Y))
    yield form("targets with a common prefix", NAMES, [f"__label__{n}" for n in words(*Y)])
    accented = ("café", "hund", "häst")
    decomposed = [unicodedata.normalize("NFD", accented[y]) for y in Y]
    yield form("composed and decomposed characters", accented, decomposed)
    hot = [tuple(float(y == c) for c in (2, 0, 1)) for y in Y]
    yield Form(
        "one-hot columns in another order",
        {"x.csv": csv(rows_of(X), NAMES), "y.csv": csv(hot, ("horse", "cat", "dog"))},
        PAIR,
    )
    whole = [tuple(map(int, row)) for row in hot]
    yield Form(
        "one-hot integers in another order",
        {"x.csv": csv(rows_of(X), NAMES), "y.csv": csv(whole, ("horse", "cat", "dog"))},
        PAIR,
    )
    truth = [tuple(map(bool, row)) for row in hot]
    yield Form(
        "one-hot booleans in another order",
        {"x.csv": csv(rows_of(X), NAMES), "y.csv": csv(truth, ("horse", "cat", "dog"))},
        PAIR,
    )
    straight = [tuple(float(y == c) for c in range(3)) for y in Y]
    yield Form(
        "one-hot columns of other names",
        {"x.csv": csv(rows_of(X), NAMES), "y.csv": csv(straight, ("p", "q", "r"))},
        PAIR,
        "asked",
    )
    for headings in ([f"prediction_{i}" for i in LEXICOGRAPHIC], LEXICOGRAPHIC):
        lexicographic = csv(
            [(*(row[i] for i in LEXICOGRAPHIC), y) for row, y in zip(WIDE.tolist(), WIDE_Y, strict=True)],
            (*headings, "label"),
        )
        yield Form(
            f"columns in alphabetical order, {headings[2]}",
            {"x.csv": lexicographic},
            ("compute", "x.csv", "--target-column", "label", "-q"),
            "asked",
            rows=WIDE,
            labels=WIDE_Y,
        )
    stars = csv(rows_of(STARS), (1, 2, 3, 4, 5))
    yield Form(
        "stars, places and names fit",
        {"x.csv": stars, "y.csv": csv(joined([y + 1 for y in STAR_Y]))},
        (*PAIR, "--header", "yes"),
        "asked",
        rows=STARS,
        labels=STAR_Y,
    )
    high = tuple(4 if y == 3 else y for y in STAR_Y)
    yield Form(
        "stars, only names fit",
        {"x.csv": stars, "y.csv": csv(joined([y + 1 for y in high]))},
        (*PAIR, "--header", "yes"),
        rows=STARS,
        labels=high,
    )
    low = tuple(y + 1 for y in STAR_Y)
    yield Form(
        "stars, only places fit",
        {"x.csv": stars, "y.csv": csv(joined([0, *low[1:]]))},
        (*PAIR, "--header", "yes"),
        rows=STARS,
        labels=(0, *low[1:]),
    )
    yield Form(
        "stars in an array",
        {"x.csv": stars, "y.npy": npy(np.array(high) + 1)},
        ("compute", "x.csv", "y.npy", "--header", "yes", "-q"),
        rows=STARS,
        labels=high,
    )
    libsvm = csv(beside(P[:, [2, 0, 1]], before=[BEST]), ("labels", 2, 0, 1), " ")
    yield Form(
        "predicted numbers beside numbers",
        {"x.csv": libsvm, "y.csv": csv(joined(Y))},
        (*PAIR, "--from", "probs"),
        "asked",
        rows=P,
        probs=True,
    )
    for text in (
        {"cat": 0, "dog": 1, "horse": 2},
        {"0": "cat", "1": "dog", "2": "horse"},
        {"id2label": {"0": "cat", "1": "dog", "2": "horse"}},
        ["cat", "dog", "horse"],
    ):
        files = {
            "x.csv": csv(rows_of(X)),
            "y.csv": csv(joined(words(*Y))),
            "c.json": json.dumps(text, indent=1).encode(),
        }
        yield Form(f"classes in JSON, {str(text)[:12]}", files, (*PAIR, "--classes", "c.json"))
    yield Form(
        "minus and plus one",
        {"x.csv": csv(rows_of(TWO)), "y.csv": csv(joined(["+1" if y else "-1" for y in BINARY_Y]))},
        (*PAIR, "--from", "probs"),
        "asked",
        rows=TWO,
        labels=BINARY_Y,
        probs=True,
    )
    yield Form("counted from 1", {"x.csv": csv(rows_of(X)), "y.csv": csv(joined([y + 1 for y in Y]))}, PAIR, "asked")
    yield Form(
        "a subset of many classes",
        {"x.csv": csv(rows_of(X)), "y.csv": csv(joined([(2, 6, 17)[y] for y in Y]))},
        PAIR,
        "asked",
    )
    for false, true in (("False", "True"), ("FALSE", "TRUE")):
        labels = csv(joined([true if y else false for y in BINARY_Y]), ("y",))
        yield Form(
            f"{true} and {false}",
            {"x.csv": csv(joined(BINARY.tolist()), ("proba",)), "y.csv": labels},
            (*PAIR, "--from", "probs", "--binary"),
            rows=TWO,
            labels=BINARY_Y,
            probs=True,
        )
    reordered = {"x.csv": csv(rows_of(X), NAMES), "y.csv": csv(joined(Y))}
    yield Form("classes in another order", reordered, (*PAIR, "--classes", "dog,cat,horse"), "asked")


def text_tables():
    target = ("compute", "x.csv", "--target-column", "label", "-q")
    plain = beside(X, after=[words(*Y)])
    header = (*NAMES, "label")

    def form(name, data, verdict="right", words=target, **more):
        return Form(name, {"x.csv": data}, words, verdict, **more)

    quoted = [(f'"{i + 1}"', *row[:3], f'"{row[3]}"') for i, row in enumerate(plain)]
    yield form("a header one cell short", csv(quoted, [f'"{n}"' for n in header], " "))
    short = {"x.csv": csv([row[:4] for row in quoted], [f'"{n}"' for n in NAMES], " ")}
    yield Form(
        "one cell short, both", {**short, "y.csv": csv([(row[0], row[4]) for row in quoted], ['"x"'], " ")}, PAIR
    )
    printed = (
        "   "
        + "  ".join(header)
        + "\n"
        + "".join(f"{i}  " + "  ".join(map(str, row)) + "\n" for i, row in enumerate(plain))
    )
    yield form("a printed data frame", printed.encode())
    yield form(
        "quotes after blanks",
        csv(
            [tuple(f'"{c}"' if isinstance(c, str) else c for c in row) for row in plain],
            [f'"{n}"' for n in header],
            ", ",
        ),
    )
    yield form("bars", csv(plain, header, "|"))
    bars = (
        " "
        + " | ".join(header)
        + "\n-----+------+------+------\n"
        + "".join(" " + " | ".join(map(str, row)) + "\n" for row in plain)
        + "(9 rows)\n\n"
    )
    yield form("a table of psql", bars.encode())
    markdown = (
        "| "
        + " | ".join(header)
        + " |\n|---|---:|---|---|\n"
        + "".join("| " + " | ".join(map(str, row)) + " |\n" for row in plain)
    )
    yield form("a table of Markdown", markdown.encode())
    yield form("a line sep=;", b"sep=;\n" + csv(plain, header, ";"))
    comma = [(*(str(v).replace(".", ",") for v in row[:3]), row[3]) for row in plain]
    yield form("decimal commas between semicolons", csv(comma, header, ";"), "asked")
    yield form(
        "decimal commas in quotes", csv([(*(f'"{v}"' for v in row[:3]), row[3]) for row in comma], header), "asked"
    )
    yield form("UTF-16", csv(plain, header).decode().encode("utf-16"))
    yield form("UTF-16 without a mark", csv(plain, header).decode().encode("utf-16-be"), "asked")
    swedish = [("häst" if row[3] == "horse" else row[3]) for row in plain]
    ansi = csv(beside(X, after=[swedish]), ("cat", "dog", "häst", "label")).decode().encode("windows-1252")
    yield form("Windows-1252", ansi, "asked")
    yield form("two lines of names", csv(plain, header).replace(b"\n", b"\np,p,p,class\n", 1), "asked")
    yield form("a title", b"Predictions\n" + csv(plain, header), "asked")
    tags = ["#love", "#news", "fun"]
    yield form(
        "labels that begin with #",
        csv([(tags[y], *row) for y, row in zip(Y, rows_of(X), strict=True)], ("label", *tags)),
    )
    commented = csv(beside(X, after=[Y]), header).replace(b"\n", b"\n#0.5,1,1,0\n", 2).replace(b"\n#0.5,1,1,0", b"", 1)
    yield form("a row that is commented out", commented, "asked")
    prose = csv(plain, header).replace(b"\n", b"\n# checked by hand\n", 2)
    yield form("comments between rows", prose, says="2 lines that begin with # left out")
    missing = csv([(*(("NA",) * 3 if i == 4 else row[:3]), row[3]) for i, row in enumerate(plain)], header)
    kept = [i for i in range(9) if i != 4]
    rest = {"rows": X[kept], "labels": tuple(Y[i] for i in kept)}
    yield form("logits that are missing", missing, "asked", **rest)
    for word in ("NA", "", "null"):
        unknown = csv([(*row[:3], word if i == 4 else row[3]) for i, row in enumerate(plain)], header)
        yield form(f"a target that is {word or 'empty'}", unknown, "asked", **rest)
    lists = [(f"some text {i}", y, f'"{row}"') for i, (y, row) in enumerate(zip(Y, X.tolist(), strict=True))]
    yield form("lists in cells", csv(lists, ("text", "label", "logits")))
    arrays = [(y, f'"{np.array(row)}"') for y, row in zip(Y, X.tolist(), strict=True)]
    yield form("printed arrays in cells", csv(arrays, ("label", "logits")))


def printed_and_headed():
    target = ("compute", "x.csv", "--target-column", "label", "-q")
    plain = beside(X, after=[words(*Y)])
    header = (*NAMES, "label")
    y = csv(joined(Y))
    yield Form("a printed array", {"x.csv": str(X).encode(), "y.csv": str(np.array(Y)).encode()}, PAIR)
    tensor = "tensor(" + ",\n        ".join(str(row) for row in X.tolist()).join(("[", "]")) + ", dtype=torch.float64)"
    yield Form("a printed tensor", {"x.csv": tensor.encode(), "y.csv": f"tensor({list(Y)})".encode()}, PAIR)
    yield Form(
        "a printed array with its middle left out",
        {"x.csv": b"[[0.5 1.2]\n ...\n [0.3 1.1]]", "y.csv": y},
        PAIR,
        "refused",
        says="with its middle left out",
    )
    yield Form(
        "a header of integers", {"x.csv": csv(rows_of(X), (1, 2, 3)), "y.csv": csv(joined(Y), ("0",))}, PAIR, "asked"
    )
    yield Form("one target too many", {"x.csv": csv(rows_of(X), NAMES), "y.csv": csv(joined(Y), ("0",))}, PAIR, "asked")
    marked = [
        (i + 1, f"{y + 1}:{NAMES[y]}", "2:dog", "+", *(f"*{p}" if p == max(row) else p for p in row))
        for i, (y, row) in enumerate(zip(Y, P.tolist(), strict=True))
    ]
    weka = csv(marked, ("inst#", "actual", "predicted", "error", "distribution", "", ""))
    yield Form(
        "the largest marked by *",
        {"x.csv": weka},
        ("compute", "x.csv", "--target-column", "actual", "--from", "probs", "-q"),
        "asked",
        rows=P,
        probs=True,
    )
    text = "=== Predictions on test data ===\n\n    inst#     actual  predicted error distribution\n" + "".join(
        f"{i:>9} {actual:>10} {found:>10}   {mark if i % 2 else ' '}   {','.join(map(str, numbers))} \n"
        for i, actual, found, mark, *numbers in marked
    )
    yield Form(
        "the largest marked by * in text",
        {"x.txt": text.encode()},
        ("compute", "x.txt", "--target-column", "actual", "--from", "probs", "-q"),
        "asked",
        rows=P,
        probs=True,
    )
    yield Form("gzip", {"x.csv": gzip.compress(csv(plain, header))}, target)
    yield Form(
        "the files the wrong way round",
        {"x.csv": csv(joined(Y), ("label",)), "y.csv": csv(rows_of(X), NAMES)},
        PAIR,
        "asked",
    )


def written_for_people():
    target = ("compute", "x.csv", "--target-column", "label", "-q")
    plain = beside(X, after=[words(*Y)])
    header = (*NAMES, "label")
    table = csv(plain, header)

    def form(name, data, verdict="asked", words=target, **more):
        return Form(name, {"x.csv": data}, words, verdict, **more)

    shares = np.round(P, 4)
    percent = csv([(*(f"{100 * v:.2f}%" for v in row), NAMES[y]) for row, y in zip(shares, Y, strict=True)], header)
    probs = {"rows": shares, "probs": True}
    yield form("percentages", percent, words=(*target, "--from", "probs"), **probs)
    money = csv([(*(f"${v}" for v in row), NAMES[y]) for row, y in zip(shares.tolist(), Y, strict=True)], header)
    yield form("amounts of money", money, words=(*target, "--from", "probs"), **probs)
    yield form("dashes for minus", table.replace(b"-", "\u2212".encode()))
    fortran = csv([(*(f"{v:.6e}".replace("e", "D") for v in row[:3]), row[3]) for row in plain], header)
    yield form("exponents of Fortran", fortran)
    large = np.round(2000 * X, 1)
    thousands = csv([(*(f'"{v:,}"' for v in row), NAMES[y]) for row, y in zip(large, Y, strict=True)], header)
    yield form("thousands", thousands, rows=large / 1000, words=(*target, "--temperature", "1000"))
    yield form("single quotes", csv([(*row[:3], f"'{row[3]}'") for row in plain], [f"'{name}'" for name in header]))
    yield form("a title between delimiters", b"Results,,,\n,,,\n" + table)
    yield form("a header in a comment", b"# " + csv(beside(X, after=[Y]), header, " "))
    yield form("a header after a comment", b"# a model\n# " + csv(beside(X, after=[Y]), header, " "))
    yield form("a header of whole floats", csv(beside(X, after=[Y]), ("0.0", "1.0", "2.0", "label")))
    several = b",".join([b"score"] * 3) + b",\n" + csv([], header) + b"p,p,p,\n" + csv(plain)
    yield form("three lines of names", several)
    for name, end in (("a total", b"Total,9,,\n"), ("a number of rows", b"(9 rows)\n"), ("an end mark", b"\x1a\n")):
        yield form(f"{name} at the end", table + end)
    half = csv([], header) + csv(plain[:4])
    yield form("the header again", half + csv(plain[4:], header))
    yield form("a delimiter more in rows", csv([(*row, "") for row in plain], header))
    latex = "".join(" & ".join(map(str, row)) + " \\\\\n" for row in [header, *plain])
    yield form("a table of LaTeX", ("\\toprule\n" + latex + "\\bottomrule\n").encode(), "right")
    drawn = "".join("\u2502 " + " \u2506 ".join(map(str, row)) + " \u2502\n" for row in plain)
    head = "\u2502 " + " \u2506 ".join(header) + " \u2502\n\u2502 f64 \u2506 f64 \u2506 f64 \u2506 str \u2502\n"
    frame = (
        f"shape: (9, 4)\n\u250c\u2500\u2500\u2510\n{head}\u255e\u2550\u2550\u2561\n{drawn}\u2514\u2500\u2500\u2518\n"
    )
    yield form("a table drawn in boxes", frame.encode(), "right")
    tibble = "  cat dog horse label\n  <dbl> <dbl> <dbl> <chr>\n" + "".join(
        f"{i + 1} " + " ".join(map(str, row)) + "\n" for i, row in enumerate(plain)
    )
    yield form("a printed tibble", tibble.encode())
    arff = "@relation r\n" + "".join(f"@attribute {name} numeric\n" for name in header) + "@data\n"
    yield form("ARFF", arff.encode() + csv(plain))


def cells_of_people():
    target = ("compute", "x.csv", "--target-column", "label", "-q")
    y = csv(joined(words(*Y)))

    def form(name, data, verdict="asked", words=target, **more):
        return Form(name, {"x.csv": data}, words, verdict, **more)

    cells = [
        (i, NAMES[y], f'"{dict(zip(NAMES, row, strict=True))}"')
        for i, (y, row) in enumerate(zip(Y, X.tolist(), strict=True))
    ]
    yield form("dictionaries in cells", csv(cells, ("id", "label", "scores")))
    pairs = [[{"label": n, "score": v} for n, v in zip(NAMES, row, strict=True)] for row in X.tolist()]
    yield form(
        "labels and scores in cells",
        csv([(NAMES[y], f'"{p}"') for y, p in zip(Y, pairs, strict=True)], ("label", "out")),
    )
    yield form(
        "bare lists in cells",
        csv([(y, ";".join(map(str, r))) for y, r in zip(Y, X, strict=True)], ("label", "x")),
        "right",
    )
    scalars = [(y, '"[' + ", ".join(f"np.float64({v})" for v in r) + ']"') for y, r in zip(Y, X.tolist(), strict=True)]
    yield form("scalars of NumPy in cells", csv(scalars, ("label", "x")), "right")
    for name, text in (
        ("numbers in one line", " ".join(map(str, Y))),
        ("a list of names", str(words(*Y))),
        ("an array of names", str(np.array(words(*Y)))),
        ("a printed Series", "".join(f"{i}  {w}\n" for i, w in enumerate(words(*Y))) + "Name: y, dtype: object"),
        ("a vector of R", "[1] " + " ".join(words(*Y)) + "\nLevels: cat dog horse"),
    ):
        yield Form(name, {"x.csv": csv(rows_of(X), NAMES), "y.csv": text.encode() + b"\n"}, PAIR, "asked")
    for name, labels in (
        ("other case", [w.upper() for w in words(*Y)]),
        ("numbers before names", [f"{i}: {w}" for i, w in zip(Y, words(*Y), strict=True)]),
    ):
        yield Form(name, {"x.csv": csv(rows_of(X), NAMES), "y.csv": csv(joined(labels))}, PAIR)
    stuck = {"x.csv": csv(rows_of(X), [f"P_kind{n}" for n in NAMES]), "y.csv": y}
    yield Form("names stuck to others", stuck, PAIR)
    yield Form(
        "names of no classes", {"x.csv": csv(rows_of(X)), "y.csv": csv(joined(words(*Y)), ("y",))}, PAIR, "asked"
    )
    weighted = csv(beside(X, after=[[0.5 + i / 4 for i in range(9)], Y]), (*NAMES, "weight", "label"))
    yield form("weights", weighted)
    sizes = [[5.1, 4.9, 6.2, 5.5, 5.8, 6.0, 4.4, 5.0, 5.3], [3.5, 3.0, 2.2, 2.9, 3.1, 2.8, 2.4, 3.3, 3.6]]
    features = csv(beside(P, before=sizes, after=[Y]), ("length", "width", *NAMES, "label"))
    yield form("features", features, words=(*target, "--from", "probs"), rows=P, probs=True)


def loose_keys():
    stems = [f"u{i}" for i in range(9)]
    for name, own, theirs, heading in (
        ("folders and endings", [f"test/{u}.JPG" for u in stems], stems, "path"),
        ("endings", [f"{u}.jpg" for u in stems], stems, "id"),
        ("leading zeros", [f"{i:04d}" for i in range(1, 10)], range(1, 10), "id"),
        ("upper case", [u.upper() for u in stems], stems, "id"),
    ):
        files = {
            "x.csv": csv(beside(X, before=[own]), (heading, *NAMES)),
            "y.csv": csv(joined(permuted(list(theirs)), permuted(words(*Y))), ("id", "label")),
        }
        yield Form(f"keys but for {name}", files, PAIR, "asked")
    extra = [*beside(X, before=[stems]), ("u99", 1.0, 2.0, 0.5)]
    files = {"x.csv": csv(extra, ("id", *NAMES)), "y.csv": csv(joined(stems, words(*Y)), ("id", "label"))}
    yield Form("a key more among the logits", files, PAIR, "asked")
    files = {"x.csv": csv(beside(X, before=[stems])), "y.csv": csv(joined(permuted(stems), permuted(Y)))}
    yield Form("keys without headings", files, PAIR, "asked")
    foreign = csv(joined([f"v{i}" for i in range(9)], words(*Y)), ("id", "label"))
    files = {"x.csv": csv(beside(X, before=[stems]), ("id", *NAMES)), "y.csv": foreign}
    ignoring = (*PAIR, "--id", "id", "--missing", "ignore")
    yield Form("no key in common, ignored", files, ignoring, "refused", says="has none of the keys of the logits")


def documents():
    """Names for classes that have none, and what servers and annotation tools write."""
    names = "\n".join(words(*Y)).encode() + b"\n"
    rows = list(zip(X.tolist(), Y, words(*Y), strict=True))
    typed = ("compute", "x.json", "y.txt", "-q")
    own = ("compute", "x.json", "--target-column", "label", "-q")
    y = csv(joined(Y))

    def dumped(value):
        return json.dumps(value).encode()

    yield Form(
        "names in text, none of classes",
        {"x.npy": npy(X), "y.txt": names},
        ("compute", "x.npy", "y.txt", "-q"),
        "asked",
    )
    yield Form(
        "names in JSON, none of classes",
        {"x.npy": npy(X), "y.json": dumped(words(*Y))},
        ("compute", "x.npy", "y.json", "-q"),
        "asked",
    )
    yield Form("lists beside names", {"x.json": dumped([{"logits": x, "label": w} for x, _, w in rows])}, own, "asked")
    lines = csv([(f'"{x}"', w) for x, _, w in rows], ("logits", "label"))
    yield Form(
        "lists in cells beside names", {"x.csv": lines}, ("compute", "x.csv", "--target-column", "label", "-q"), "asked"
    )
    by_row = {f"q{i}": {"logits": x, "label": k} for i, (x, k, _) in enumerate(rows)}
    yield Form("an object a row with a list in it", {"x.json": dumped(by_row)}, own)
    tensor = {"name": "logits", "shape": [9, 3], "datatype": "FP64", "data": X.ravel().tolist()}
    yield Form("a tensor with its shape", {"x.json": dumped({"outputs": [tensor]}), "y.txt": y}, typed)
    annotated = [
        {"scores": dict(zip(NAMES, x, strict=True)), "annotations": [{"result": [{"value": {"choices": [w]}}]}]}
        for x, _, w in rows
    ]
    path = "annotations.0.result.0.value.choices.0"
    yield Form(
        "an annotation in lists",
        {"x.json": dumped(annotated)},
        ("compute", "x.json:scores", "--target-column", path, "-q"),
    )


def long_and_numbered():
    y = csv(joined(Y))
    rows = [(f"u{i}", name, x) for i, row in enumerate(X.tolist()) for name, x in zip(NAMES, row, strict=True)]
    keyed = csv([(f"u{i}", NAMES[y]) for i, y in enumerate(Y)], ("id", "label"))
    for name, order in (("by sample", rows), ("by class", sorted(rows, key=lambda row: NAMES.index(row[1])))):
        files = {"x.csv": csv(order, ("id", "class", "score")), "y.csv": keyed}
        yield Form(f"long form, {name}", files, ("compute", "x.csv", "y.csv", "--id", "id", "-q"), "asked")
    within = csv([(i // 3, *row[1:], NAMES[Y[i // 3]]) for i, row in enumerate(rows)], ("n", "class", "score", "y"))
    line = ("compute", "x.csv", "--target-column", "y", "-q")
    swapped, one_hot = ("class_0", "class_2", "class_1"), csv(np.eye(3, dtype=int)[[(0, 2, 1)[y] for y in Y]].tolist())
    yield Form("names out of order, one-hot", {"x.csv": csv(rows_of(X), swapped), "y.csv": one_hot}, PAIR, "asked")
    below = csv(joined([y - 1 for y in Y]))
    yield Form("targets from -1 on", {"x.csv": csv(rows_of(X), NAMES), "y.csv": below}, PAIR, "asked")
    answers = csv(joined([int(y == 0) for y in Y]))
    for opposites in (("True", "False"), ("prob_yes", "prob_no")):
        files = {"x.csv": csv(rows_of(X[:, :2]), opposites), "y.csv": answers}
        labels = tuple(int(y != 0) for y in Y)
        yield Form(f"opposites, {opposites[0]} first", files, PAIR, "asked", rows=X[:, :2], labels=labels)
    soft = csv(np.eye(3)[list(Y)].tolist())
    yield Form("names out of order, soft", {"x.csv": csv(rows_of(X), swapped), "y.csv": soft}, PAIR, "asked")
    yield Form("places in another order", {"x.csv": csv(rows_of(X), (2, 0, 1)), "y.csv": y}, PAIR, "asked")
    yield Form("long form with targets", {"x.csv": within}, line, "asked")


def for_people():
    y, probs = csv(joined(Y)), ("compute", "x.csv", "y.csv", "--from", "probs", "-q")
    shares = np.round(P * 100, 4)
    for name, sep in (("comma", ","), ("semicolon", ";"), ("tab", "\t")):
        files = {"x.csv": csv(shares.tolist(), NAMES, sep), "y.csv": y}
        yield Form(f"percentages without a sign, {name}", files, probs, "asked", rows=shares / 100, probs=True)
    apart = [(a, NAMES[y], b, c) for (a, b, c), y in zip(shares.tolist(), Y, strict=True)]
    line = ("compute", "x.csv", "--target-column", "label", "--from", "probs", "-q")
    files = {"x.csv": csv(apart, (NAMES[0], "label", *NAMES[1:]))}
    yield Form("percentages on both sides of the label", files, line, "asked", rows=shares / 100, probs=True)
    for end, what in (("\n", ""), ("\r\n", ", of Windows")):
        gaps = rows_of(X)[:4] + [("", "", "")] + rows_of(X)[4:] + [('""', '""', "")] * 2
        yield Form(f"blank rows{what}", {"x.csv": csv(gaps, NAMES, end=end), "y.csv": y}, PAIR, "asked")
        more = [(*row, "") for row in rows_of(X)]
        yield Form(f"a delimiter at the ends{what}", {"x.csv": csv(more, NAMES, end=end), "y.csv": y}, PAIR, "asked")
        files = {"x.csv": csv([*shares.tolist()[:3], ("",), *shares.tolist()[3:]], NAMES, end=end), "y.csv": y}
        yield Form(f"percentages and blank lines{what}", files, probs, "asked", rows=shares / 100, probs=True)
        files = {"x.csv": csv(rows_of(X), NAMES), "y.csv": f"c({', '.join(f'{y}L' for y in Y)}){end}".encode()}
        yield Form(f"numbers as R writes them{what}", files, PAIR, "asked")
    above = [(*NAMES, ""), *beside(X, after=[[NAMES[y] for y in Y]])]
    files = {"x.csv": csv(above, ("logit", "logit", "logit", "label"))}
    words_of = ("compute", "x.csv", "--target-column", "label", "-q")
    yield Form("two lines of names, each with gaps", files, words_of, "asked")
    functions = csv(rows_of(X), ("c(cat)", "c(dog)", "c(horse)"))
    yield Form("names that look like a vector of R", {"x.csv": functions, "y.csv": y}, PAIR)
    texts = "c(" + ",\n".join(f'"{NAMES[y]}"' for y in Y) + ")\n"
    yield Form(
        "a vector of names as R writes it", {"x.csv": csv(rows_of(X), NAMES), "y.csv": texts.encode()}, PAIR, "asked"
    )
    series = "".join(f"{i:<5}{NAMES[y]:>7}\n" for i, y in enumerate(Y)).encode()
    yield Form("a printed series without a footer", {"x.csv": csv(rows_of(X), NAMES), "y.csv": series}, PAIR, "asked")
    keyed_rows = {f"u{i}.jpg": dict(zip(NAMES, row, strict=True)) for i, row in reversed([*enumerate(X.tolist())])}
    solution = csv([(f"u{i}.jpg", NAMES[y]) for i, y in enumerate(Y)], ("file", "label"))
    yield Form(
        "an object a key",
        {"x.json": json.dumps(keyed_rows).encode(), "y.csv": solution},
        ("compute", "x.json", "y.csv", "-q"),
        "asked",
    )
    truths = "".join(f"{y > 0}\n" for y in Y).encode()
    yield Form(
        "classes named False and True",
        {"x.csv": csv(rows_of(X[:, :2]), ("False", "True")), "y.csv": truths},
        PAIR,
        rows=X[:, :2],
        labels=tuple(int(y > 0) for y in Y),
    )
    pairs = "".join(" ".join(f"{k + 1}:{p}" for k, p in enumerate(row)) + " tag\n" for row in P.tolist())
    yield Form(
        "pairs with a colon",
        {"x.txt": pairs.encode(), "y.txt": "".join(f"{y + 1}\n" for y in Y).encode()},
        ("compute", "x.txt", "y.txt", "--from", "probs", "-q"),
        "right",
        rows=P,
        probs=True,
    )


def cases():
    found = [
        *extra_columns(),
        *keys(),
        *names(),
        *text_tables(),
        *printed_and_headed(),
        *long_and_numbered(),
        *for_people(),
    ]
    found += [*written_for_people(), *cells_of_people(), *loose_keys()]
    found += documents()
    assert len({form.name for form in found}) == len(found)
    return found
