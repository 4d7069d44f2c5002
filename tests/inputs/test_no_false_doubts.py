"""Ordinary tables are read without a question: a thousand of them, made up."""

import numpy as np
import pytest

from nllcli.data.settings import InputOptions
from nllcli.inputs.opening import open_dataset

N_TABLES = 1000
ANIMALS = ("cat", "dog", "horse", "cow", "ant", "bee", "eel", "fox", "gnu", "hen", "ibis", "jay")
HEADINGS = {
    "names": lambda n: ANIMALS[:n],
    "prob_": lambda n: tuple(f"prob_{name}" for name in ANIMALS[:n]),
    "numbered": lambda n: tuple(f"class_{i}" for i in range(n)),
    "(names)": lambda n: tuple(f"confidence({name})" for name in ANIMALS[:n]),
    "some alike": lambda n: tuple(f"big {name}" if i % 2 else name for i, name in enumerate(ANIMALS[:n])),
    "none": lambda _: None,
}


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def decimals(rng):
    return f"%.{rng.integers(1, 7)}f"


def values_and_form(kind, rng, n, c):
    x = rng.normal(0, 3, (n, c))
    match kind:
        case "logits":
            return x, decimals(rng)
        case "short":
            return x, "%.3g"
        case "exponents":
            return x, "%.6e"
        case "whole":
            return np.round(3 * x), "%d"
        case "votes":
            return rng.multinomial(10, softmax(x[:1])[0], n), "%d"
        case "vote shares":
            return rng.multinomial(10, softmax(x[:1])[0], n) / 10, "%g"
        case "one-hot":
            return np.eye(c)[rng.integers(0, c, n)], "%g"
        case "relu":
            return np.maximum(x, 0), "%g"
        case "probabilities":
            return softmax(x), "%.4f"
        case "saturated":
            return np.round(softmax(6 * x), 4), "%g"
        case "reference class":
            return np.where(np.arange(c) == rng.integers(c), 0, x), "%g"
        case "log-probs":
            return np.log(softmax(x)), "%.5f"


KINDS = (
    *("logits", "short", "exponents", "whole", "votes", "vote shares", "one-hot", "relu", "probabilities", "saturated"),
    *("reference class", "log-probs"),
)


@pytest.mark.uncounted
@pytest.mark.parametrize("part", range(8))
def test_no_question(part, tmp_path):
    rng = np.random.default_rng(part)
    path = tmp_path / "x.csv"
    for i in range(N_TABLES // 8):
        n, c = int(rng.integers(1, 60)), int(rng.integers(2, 13))
        kind, headed = KINDS[rng.integers(len(KINDS))], list(HEADINGS)[rng.integers(len(HEADINGS))]
        values, form = values_and_form(kind, rng, n, c)
        rows = [[form % value for value in row] for row in values]
        headings = HEADINGS[headed](c)
        if headings is None and rows[0] == [str(k) for k in range(c)]:
            continue  # the numbers of the columns, as a data frame writes them
        delimiter = ",;\t |"[rng.integers(5)] if headed in ("names", "none", "numbered") else ","
        column = None
        if headings is not None and rng.integers(2):
            named = rng.integers(2)
            labels = rng.integers(0, c, n)
            for row, label in zip(rows, labels, strict=True):
                row.append(ANIMALS[label] if named and headed != "numbered" else str(label))
            headings, column = (*headings, "label"), "label"
        lines = [delimiter.join(row) for row in ([headings] if headings else []) + rows]
        path.write_text("\n".join(lines) + "\n")
        try:
            dataset = open_dataset(InputOptions(str(path), target_column=column))
        except Exception as error:
            raise AssertionError(
                f"{part}, {i}: {kind}, {headed}, {n} x {c}: {error}\n{path.read_text()[:600]}"
            ) from error
        assert dataset.layout.n_classes == c
        assert not [note.code for note in dataset.notes if note.code != "index-column"]
