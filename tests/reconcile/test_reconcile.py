"""Each convention, worked out by plain loops, must be found again by `nll reconcile`."""

import csv
import json
import math
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from reconcile import conventions as by_hand
from reconcile.printed import list_all, number_of, value_of

from nllcli.cli.main import main
from nllcli.numerics.losses import LOSSES, Loss

SAMPLES = Path(__file__).parents[2] / "samples"
LISTED = [1.0, 0.2, 0.1]
DIGITS = ["digits.npy", "digits_targets.npy"]
MLP = ["mlp.npy", "digits_targets.npy"]
UNEVEN = ["model_a.csv", "targets.txt"]
PETS = ["logits.csv", "pets_targets.txt"]
SPEECH = ["speech.npy", "speech_targets.npy"]
PADDED = ["padded.npy", "padded_targets.npy"]
SENTENCES = ["sentences.npy", "sentences_targets.npy"]
PROBS = ["probs.npy", "probs_targets.npy"]
LOG_PROBS = ["log_probs.npy", "probs_targets.npy"]
TEMPERED = [*PROBS, "--from", "probs", "--temperature", "2"]


def read_csv(path):
    with path.open() as file:
        return [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]


def read_names(path, names):
    return [names.index(line) if line in names else int(line) for line in path.read_text().split()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All inputs side by side: the samples, and small files that hold what the samples do not."""
    path = tmp_path_factory.mktemp("inputs")
    for name, source in {
        "digits.npy": "digits/logistic.npy",
        "mlp.npy": "digits/mlp.npy",
        "digits_targets.npy": "digits/targets.npy",
        "model_a.csv": "imbalanced/model_a.csv",
        "targets.txt": "imbalanced/targets.txt",
        "logits.csv": "pets/logits.csv",
        "pets_targets.txt": "pets/targets.txt",
        "pets.csv": "pets/pets.csv",
    }.items():
        (path / name).write_bytes((SAMPLES / source).read_bytes())
    rng = np.random.default_rng(20)

    def save(name, values, dtype):
        np.save(path / name, np.asarray(values, dtype))

    labels = rng.integers(0, 6, (5, 9))
    labels[:, 6:] = np.where(rng.random((5, 3)) < 0.6, -100, labels[:, 6:])
    save("speech.npy", 2 * rng.standard_normal((5, 9, 6)), "f8")
    save("speech_targets.npy", labels, "i8")
    padded = rng.integers(0, 4, 30)
    padded[::7] = 255
    save("padded.npy", rng.standard_normal((30, 4)), "f8")
    save("padded_targets.npy", padded, "i8")
    x = 30 * rng.standard_normal((25, 3))
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[p < 1e-9] = 0.0
    targets = rng.integers(0, 3, 25)
    targets[0] = int(p[0].argmin())
    save("probs.npy", p, "f8")
    save("probs_targets.npy", targets, "i8")
    q = np.log(rng.dirichlet([1, 2, 3], 25))
    save("log_probs.npy", q, "f8")
    words = rng.integers(1, 7, (6, 12))
    for i, sentence in enumerate(words):
        sentence[5 + i :] = 0
    save("sentences.npy", rng.normal(0, 2, (6, 12, 7)), "f4")
    save("sentences_targets.npy", words, "i8")
    save("weights.npy", rng.uniform(0.5, 2, 160), "f8")
    return path


class Inputs:
    """The files once more, as lists: nothing of the program reads them here."""

    def __init__(self, folder):
        self.digits = np.load(folder / "digits.npy").astype(float).tolist()
        self.mlp = np.load(folder / "mlp.npy").astype(float).tolist()
        self.y = np.load(folder / "digits_targets.npy").tolist()
        self.uneven = read_csv(folder / "model_a.csv")
        self.uneven_y = read_names(folder / "targets.txt", ["rare", "uncommon", "common"])
        self.pets = read_csv(folder / "logits.csv")
        self.pets_y = read_names(folder / "pets_targets.txt", ["cat", "dog", "horse"])
        self.speech = np.load(folder / "speech.npy").tolist()
        self.speech_y = np.load(folder / "speech_targets.npy").tolist()
        self.padded = np.load(folder / "padded.npy").tolist()
        self.padded_y = np.load(folder / "padded_targets.npy").tolist()
        self.probs = np.load(folder / "probs.npy").tolist()
        self.probs_y = np.load(folder / "probs_targets.npy").tolist()
        self.log_probs = np.load(folder / "log_probs.npy").tolist()
        self.sentences = np.load(folder / "sentences.npy").astype(float).tolist()
        self.sentences_y = np.load(folder / "sentences_targets.npy").tolist()
        self.sample_weights = np.load(folder / "weights.npy").tolist()

    def spoken(self, shift):
        """One list of losses a sequence: position t against the target at t + shift, -100 left out."""
        out = []
        for rows, labels in zip(self.speech, self.speech_y, strict=True):
            pairs = [(rows[t], labels[t + shift]) for t in range(len(rows)) if 0 <= t + shift < len(labels)]
            out.append([by_hand.nll([row], [y])[0] for row, y in pairs if y != -100])
        return out

    def sentence_losses(self):
        """One list of losses a sentence, without its padding."""
        pairs = zip(self.sentences, self.sentences_y, strict=True)
        return [by_hand.kept(by_hand.nll(rows, words), words, bool) for rows, words in pairs]

    def heard(self):
        """The rows that have a target, and their targets."""
        pairs = zip(all_of(self.speech), all_of(self.speech_y), strict=True)
        return zip(*[(row, y) for row, y in pairs if y != -100], strict=True)

    def uneven_nll(self):
        return by_hand.nll(self.uneven, self.uneven_y)


@pytest.fixture(scope="module")
def inputs(folder):
    return Inputs(folder)


def all_of(lists):
    return [value for values in lists for value in values]


def case(words, value, *texts, id):
    return pytest.param(words, value, "; ".join(texts), id=id)


def own(i):
    """The digits' losses."""
    return by_hand.nll(i.digits, i.y)


def balanced_uneven(i):
    return by_hand.balanced(i.uneven_y, 3)


def effective(beta):
    return lambda n: (1 - beta) / (1 - beta**n)


def schemed(i, weigh):
    """The weighted mean of the uneven sample under weights that are a function of each class's count."""
    weights = [weigh(n) for n in by_hand.counts(i.uneven_y, 3)]
    return by_hand.weighted_mean(i.uneven_nll(), i.uneven_y, weights)


# What no option of nll compute does.
BEYOND = re.compile(r"batches|(inputs|loss) rounded|log\(p|with the target's weight")
OF_TARGETS = "of the targets' counts"
BALANCED = f"weights balanced {OF_TARGETS}"
COUNTED = "sum / number of counted samples"
CASES = [
    case(PETS, lambda i: by_hand.mean(by_hand.nll(i.pets, i.pets_y)), "your own settings", id="own settings"),
    case(DIGITS, lambda i: math.fsum(own(i)), "sum", id="sum"),
    case(
        [*DIGITS, "--reduction", "sum"],
        lambda i: by_hand.mean(own(i)),
        "mean over the sum of the targets' weights",
        id="mean for sum",
    ),
    case(DIGITS, lambda i: by_hand.mean(own(i)) / math.log(2), "bits", id="bits"),
    case(DIGITS, lambda i: by_hand.mean(own(i)) / math.log(10), "base-10 logarithms", id="base 10"),
    case(DIGITS, lambda i: math.exp(by_hand.mean(own(i))), "perplexity: exp of it", id="perplexity"),
    case(DIGITS, lambda i: -by_hand.mean(own(i)), "the log-likelihood: its negative", id="log-likelihood"),
    case(PETS, lambda i: math.fsum(by_hand.nll(i.pets, i.pets_y)) / math.log(2), "sum", "bits", id="sum in bits"),
    case(
        DIGITS,
        lambda i: by_hand.mean(by_hand.batch_means(own(i), i.y, [1] * 10, 32)),
        "mean of the means of batches of 32",
        id="batch means",
    ),
    case(
        DIGITS,
        lambda i: by_hand.mean(by_hand.batch_means(own(i), i.y, [1] * 10, 64)[:-1]),
        "mean of the means of batches of 64, the last short one left out",
        id="batch means without the last",
    ),
    case(
        DIGITS,
        lambda i: by_hand.mean(own(i)[:500]),
        "mean of the means of batches of 500, the last short one left out",
        id="one whole batch",
    ),
    case(
        SENTENCES,
        lambda i: by_hand.mean([by_hand.mean(losses) for losses in i.sentence_losses()]),
        "target 0 ignored",
        "mean of the means of batches of 1",
        id="mean of the means of sentences without their padding",
    ),
    case(
        DIGITS,
        lambda i: by_hand.mean(by_hand.batch_means(own(i), i.y, by_hand.balanced(i.y, 10), 50)),
        BALANCED,
        "mean of the means of batches of 50",
        id="weighted batch means",
    ),
    case(
        [*UNEVEN, "--counts", "targets"],
        lambda i: by_hand.mean(by_hand.batch_means(i.uneven_nll(), i.uneven_y, balanced_uneven(i), 16)),
        "mean of the means of batches of 16",
        id="batch means of one's own weights",
    ),
    case(
        [*UNEVEN, "--counts", "targets"],
        lambda i: by_hand.weighted_mean(i.uneven_nll()[:128], i.uneven_y[:128], balanced_uneven(i)),
        "mean over whole batches of 64: the samples of the last short one left out",
        id="whole batches",
    ),
    case(
        [*UNEVEN, "--counts", "targets"],
        lambda i: (
            sum(
                m * n
                for m, n in zip(
                    by_hand.batch_means(i.uneven_nll(), i.uneven_y, balanced_uneven(i), 100), [100, 60], strict=True
                )
            )
            / 160
        ),
        "means of batches of 100, each times its number of samples, over all samples",
        id="batch means by size",
    ),
    case(
        DIGITS,
        lambda i: by_hand.mean(by_hand.as_log_probs(i.digits, i.y)),
        "LOGITS read as log-probabilities",
        id="logits as log-probs",
    ),
    case(
        DIGITS,
        lambda i: by_hand.mean(by_hand.softmax_twice(i.digits, i.y)),
        "softmax applied twice",
        id="softmax twice",
    ),
    case(
        SPEECH,
        lambda i: by_hand.mean(by_hand.softmax_twice(*i.heard())),
        "softmax applied twice",
        id="softmax twice of three axes",
    ),
    case(
        UNEVEN,
        lambda i: by_hand.weighted_mean(by_hand.softmax_twice(i.uneven, i.uneven_y), i.uneven_y, balanced_uneven(i)),
        "softmax applied twice",
        BALANCED,
        id="softmax twice with weights",
    ),
    case(
        DIGITS,
        lambda i: by_hand.mean(by_hand.argmax(i.digits)),
        "-log of the largest p, whatever the target",
        id="argmax",
    ),
    case(
        DIGITS,
        lambda i: by_hand.mean(by_hand.one_vs_rest(i.digits, i.y)),
        "one-vs-rest: each class a yes-or-no question",
        id="one-vs-rest",
    ),
    case(
        DIGITS,
        lambda i: math.fsum(by_hand.one_vs_rest(i.digits, i.y)) / 8990,
        "one-vs-rest: each class a yes-or-no question",
        "sum / (samples x classes)",
        id="one-vs-rest by elements",
    ),
    case(DIGITS, lambda i: by_hand.mean(by_hand.smoothed(i.digits, i.y, 0.1)), "label smoothing 0.1", id="smoothing"),
    case(
        DIGITS,
        lambda i: by_hand.mean(by_hand.smoothed_over_others(i.digits, i.y, 0.1)),
        "label smoothing 0.1 spread over the other classes only",
        id="smoothing over the others",
    ),
    case(
        [*DIGITS, "--label-smoothing", "0.2"],
        lambda i: by_hand.mean(own(i)),
        "no label smoothing",
        id="without smoothing",
    ),
    case(
        MLP,
        lambda i: by_hand.mean(by_hand.clipped(by_hand.nll(i.mlp, i.y), 2.0**-10)),
        "p clipped to [0.0009766, 1 - 0.0009766] (float16's epsilon)",
        id="clip at float16's epsilon",
    ),
    case(
        MLP,
        lambda i: by_hand.mean(by_hand.clipped(by_hand.nll(i.mlp, i.y), 1e-6)),
        "p clipped to [1e-06, 1 - 1e-06]",
        id="clip",
    ),
    case([*MLP, "--clip", "0.001"], lambda i: by_hand.mean(by_hand.nll(i.mlp, i.y)), "p not clipped", id="no clip"),
    case(
        MLP,
        lambda i: by_hand.mean(by_hand.epsilon_added(by_hand.nll(i.mlp, i.y), 1e-6)),
        "-log(p + 1e-06)",
        id="epsilon added",
    ),
    case(
        [*MLP, "--temperature", "2.5"],
        lambda i: by_hand.mean(by_hand.nll(i.mlp, i.y)),
        "temperature 1",
        id="temperature 1",
    ),
    case(
        [*MLP, "--temperature", "2.5"],
        lambda i: by_hand.mean(by_hand.nll(i.mlp, i.y, 0.4)),
        "logits times 2.5 instead of divided",
        id="temperature multiplied",
    ),
    case(
        [*LOG_PROBS, "--from", "log-probs", "--temperature", "2.5"],
        lambda i: by_hand.mean(by_hand.nll(i.log_probs, i.probs_y, 0.4)),
        "log p times 2.5 instead of divided",
        id="temperature of log p multiplied",
    ),
    case(
        DIGITS,
        lambda i: by_hand.mean(by_hand.nll(i.digits[:-1], i.y[1:])),
        "position t against the target of t+1",
        id="shift 1",
    ),
    case(
        DIGITS,
        lambda i: by_hand.mean(by_hand.nll(i.digits[1:], i.y[:-1])),
        "position t against the target of t-1",
        id="shift -1",
    ),
    case(
        DIGITS,
        lambda i: by_hand.mean(by_hand.kept(own(i), i.y, lambda y: y != 0)),
        "target 0 ignored",
        id="first class ignored",
    ),
    case([*DIGITS, "--ignore-index", "3"], lambda i: by_hand.mean(own(i)), "no target ignored", id="nothing ignored"),
    case(
        DIGITS,
        lambda i: by_hand.mean(by_hand.nll(by_hand.rounded_rows(i.digits, np.float16), i.y)),
        "the inputs rounded to float16",
        id="inputs in half precision",
    ),
    case(
        UNEVEN,
        lambda i: by_hand.mean(by_hand.rounded(i.uneven_nll(), np.float16)),
        "each sample's loss rounded to float16",
        id="losses in half precision",
    ),
    case(
        UNEVEN,
        lambda i: by_hand.to_bfloat16(by_hand.mean(i.uneven_nll())),
        "the result rounded to bfloat16",
        id="result in bfloat16",
    ),
    case(
        UNEVEN,
        lambda i: by_hand.rounded([by_hand.mean(i.uneven_nll())], np.float16)[0],
        "the result rounded to float16",
        id="result in half precision",
    ),
    case(
        UNEVEN,
        lambda i: by_hand.weighted_mean(i.uneven_nll(), i.uneven_y, balanced_uneven(i)),
        BALANCED,
        id="balanced weights",
    ),
    case(UNEVEN, lambda i: schemed(i, lambda n: n**-0.5), f"weights sqrt-inverse {OF_TARGETS}", id="sqrt-inverse"),
    case(UNEVEN, lambda i: schemed(i, lambda n: 1 / math.log(1.02 + n / 160)), f"weights log {OF_TARGETS}", id="log"),
    case(UNEVEN, lambda i: schemed(i, effective(0.99)), f"weights effective (beta 0.99) {OF_TARGETS}", id="effective"),
    case(
        UNEVEN,
        lambda i: by_hand.weighted_sum(i.uneven_nll(), i.uneven_y, balanced_uneven(i)),
        BALANCED,
        "sum",
        id="sum with balanced weights",
    ),
    case(
        UNEVEN,
        lambda i: by_hand.weighted_sum(i.uneven_nll(), i.uneven_y, by_hand.sum_to_one(balanced_uneven(i))) / 160,
        f"{BALANCED}, normalised to sum",
        COUNTED,
        id="weights that add up to 1, over n",
    ),
    case(
        [*UNEVEN, "--counts", "targets", "--scheme", "sqrt-inverse", "--normalize", "none"],
        lambda i: (
            by_hand.weighted_sum(i.uneven_nll(), i.uneven_y, [n**-0.5 for n in by_hand.counts(i.uneven_y, 3)]) / 160
        ),
        COUNTED,
        id="weighted sum over n",
    ),
    case(
        [*UNEVEN, "--counts", "targets"],
        lambda i: by_hand.mean(i.uneven_nll()),
        "no class weights",
        id="weights left out",
    ),
    case(
        [*UNEVEN, "--weights", "1,0.2,0.1"],
        lambda i: by_hand.weighted_sum(i.uneven_nll(), i.uneven_y, LISTED) / 160,
        COUNTED,
        id="listed weights, over n",
    ),
    case(
        [*UNEVEN, "--weights", "1,0.2,0.1"],
        lambda i: (
            math.fsum(by_hand.smoothed(i.uneven, i.uneven_y, 0.1, LISTED)) / math.fsum(LISTED[y] for y in i.uneven_y)
        ),
        "label smoothing 0.1",
        id="smoothing of class indices with weights",
    ),
    case(
        [*UNEVEN, "--weights", "1,0.2,0.1"],
        lambda i: math.fsum(by_hand.smoothed(i.uneven, i.uneven_y, 0.1, LISTED)) / 160,
        "label smoothing 0.1",
        COUNTED,
        id="smoothing of soft targets with weights",
    ),
    case(
        [*UNEVEN, "--weights", "1,0.2,0.1"],
        lambda i: by_hand.weighted_mean(by_hand.smoothed(i.uneven, i.uneven_y, 0.1), i.uneven_y, LISTED),
        "label smoothing 0.1, every class's term with the target's weight",
        id="smoothing with the target's weight",
    ),
    case(
        [*UNEVEN, "--counts", "7,8,9"],
        lambda i: by_hand.weighted_mean(i.uneven_nll(), i.uneven_y, [n**-0.5 for n in (7, 8, 9)]),
        "weights sqrt-inverse of --counts",
        id="another scheme of given counts",
    ),
    case(
        [*UNEVEN, "--sample-weights", "weights.npy"],
        lambda i: by_hand.mean(i.uneven_nll()),
        "without the sample weights",
        id="sample weights left out",
    ),
    case(
        [*UNEVEN, "--sample-weights", "weights.npy"],
        lambda i: math.fsum(s * loss for s, loss in zip(i.sample_weights, i.uneven_nll(), strict=True)) / 160,
        COUNTED,
        id="sample weights over n",
    ),
    case(
        SPEECH,
        lambda i: by_hand.mean(all_of(i.spoken(1))),
        "position t against the target of t+1",
        id="language model shifted",
    ),
    case(
        [*SPEECH, "--shift", "1"],
        lambda i: by_hand.mean(all_of(i.spoken(0))),
        "each position against its own target",
        id="language model not shifted",
    ),
    case(
        SPEECH,
        lambda i: math.fsum(all_of(i.spoken(0))) / 45,
        "sum / number of all samples, ignored ones too",
        id="padding in the denominator",
    ),
    case(
        SPEECH,
        lambda i: math.fsum(all_of(i.spoken(0))) / 5,
        "sum / length of the first axis (the batch size)",
        id="over the batch size",
    ),
    case(
        SPEECH,
        lambda i: by_hand.mean([by_hand.mean(losses) for losses in i.spoken(0)]),
        "mean of the means of batches of 1",
        id="mean of the sequences' means",
    ),
    case(
        [*SPEECH, "--shift", "1"],
        lambda i: math.exp(by_hand.mean(all_of(i.spoken(1)))),
        "perplexity: exp of it",
        id="perplexity of a language model",
    ),
    case(
        PADDED,
        lambda i: by_hand.mean(
            [by_hand.nll([row], [y])[0] for row, y in zip(i.padded, i.padded_y, strict=True) if y != 255]
        ),
        "your own settings",
        id="padding of 255",
    ),
    case(
        PADDED,
        lambda i: (
            math.fsum([by_hand.nll([row], [y])[0] for row, y in zip(i.padded, i.padded_y, strict=True) if y != 255])
            / 30
        ),
        "sum / number of all samples, ignored ones too",
        id="padding of 255 in the denominator",
    ),
    case(
        [*PROBS, "--from", "probs"],
        lambda i: by_hand.mean(by_hand.nll(i.probs, i.probs_y)),
        "LOGITS read as logits",
        id="softmax of probabilities",
    ),
    case(
        [*PROBS, "--from", "probs"],
        lambda i: by_hand.mean(
            [-math.log(min(max(row[y], 1e-7), 1 - 1e-7)) for row, y in zip(i.probs, i.probs_y, strict=True)]
        ),
        "p clipped to [1e-07, 1 - 1e-07] (Keras)",
        id="Keras's clip",
    ),
    case(
        PROBS,
        lambda i: by_hand.mean(
            [-math.log(min(max(row[y], 1e-15), 1 - 1e-15)) for row, y in zip(i.probs, i.probs_y, strict=True)]
        ),
        "LOGITS read as probabilities",
        "p clipped to [1e-15, 1 - 1e-15] (older scikit-learn)",
        id="probabilities clipped",
    ),
    case(
        [*LOG_PROBS, "--loss", "argmax"],
        lambda i: by_hand.mean(by_hand.as_log_probs(i.log_probs, i.probs_y)),
        "the target's -log p alone",
        id="log-probabilities as logits",
    ),
    case(
        ["pets.csv", "--target-column", "animal"],
        lambda i: math.fsum(by_hand.nll(i.pets, i.pets_y)),
        "sum",
        id="targets in a column",
    ),
]


@pytest.fixture
def reconcile(folder, monkeypatch, capsys):
    """Run the command on the inputs; the report is None where there is none."""
    monkeypatch.chdir(folder)

    def run(words, expect, *more):
        code = main(["reconcile", *words, f"--expect={expect}", "-f", "json", *more])
        captured = capsys.readouterr()
        return code, json.loads(captured.out) if captured.out else None, captured.err

    return run


def typed(value):
    """A number as a program prints it, to ten significant digits."""
    return f"{value:.10g}"


@pytest.mark.uncounted
@pytest.mark.parametrize(("words", "value", "text"), CASES)
def test_finds_the_convention_and_its_command(words, value, text, inputs, reconcile):
    expected = value(inputs)
    code, report, err = reconcile(words, typed(expected))
    assert code == 0, err
    first = report["matches"][0]
    assert text in [first["description"], *first["also"].split(" | ")]
    assert first["value"] == pytest.approx(expected, rel=1e-9)
    assert report["n_matching"] == len(report["matches"])
    assert (report["matches"][0]["command"] is None) == bool(BEYOND.search(text))
    matches = [match for match in report["matches"] if match["command"]]
    for match in matches:
        assert number_of(match) == pytest.approx(expected, rel=1e-9)


@pytest.mark.uncounted
@pytest.mark.parametrize(
    ("words", "expect"),
    [
        (PETS, "77.123456"),
        (PETS, "-12.3456789"),
        (PETS, "0.4123456"),
        (UNEVEN, "0.600012345"),
        (UNEVEN, "3.14159265"),
        ([*UNEVEN, "--counts", "targets"], "1.2345678"),
        (SPEECH, "2.718281828459045"),
        (PADDED, "0.0123456789"),
        ([*PROBS, "--from", "probs"], "6.02214076"),
        (DIGITS, "1e9"),
        (DIGITS, "0.13131313131313131"),
        (MLP, "0.16777216123456789"),
    ],
)
def test_a_number_of_no_convention(words, expect, reconcile):
    code, report, _ = reconcile(words, expect)
    assert code == 5
    assert report["matches"] == []
    assert report["n_matching"] == 0
    assert report["next_best"]["difference"] == pytest.approx(report["next_best"]["value"] - float(expect))


IN_PIECES = {"batch means of one's own weights", "whole batches", "over the batch size", "padding of 255"}
IN_PIECES |= {"smoothing of class indices with weights", "language model shifted"}
IN_LARGER_PIECES = {"batch means by size", "sample weights over n", "over the batch size", "language model shifted"}


@pytest.mark.parametrize(
    ("words", "value", "text", "elements"),
    [
        pytest.param(*c.values, elements, id=f"{c.id}-{elements}", marks=marks)
        for elements, ids, marks in ((7, IN_PIECES, pytest.mark.uncounted), (40, IN_LARGER_PIECES, ()))
        for c in CASES
        if c.id in ids
    ],
)
def test_blocks_of_any_size_add_up(words, value, text, elements, inputs, reconcile, monkeypatch):
    """Seven elements make blocks of fewer samples than there are classes, forty such as no batch ends with."""
    monkeypatch.setattr("nllcli.engine.BLOCK_ELEMENTS", elements)
    monkeypatch.setattr("nllcli.scoring.passes._PARTS", 1)
    code, report, _ = reconcile(words, typed(value(inputs)), "--threads", "2")
    assert code == 0
    assert text in [report["matches"][0]["description"], *report["matches"][0]["also"].split(" | ")]


@pytest.mark.parametrize("command", [["reconcile", "--expect", "1.3"], ["check"], ["compute"]], ids=" ".join)
def test_threads_change_no_bit(command, tmp_path, monkeypatch, capsys):
    """Not even those of sums that are not exact, which depend on the blocks."""
    monkeypatch.setattr("nllcli.engine.BLOCK_ELEMENTS", 1000)
    monkeypatch.setattr("nllcli.engine.policy.available_processors", lambda: 64)
    rng = np.random.default_rng(3)
    np.save(tmp_path / "x.npy", rng.normal(size=(700, 5)))
    np.save(tmp_path / "y.npy", rng.integers(0, 5, 700))
    found = []
    for threads in ("1", "8", "9", "64"):
        words = [command[0], str(tmp_path / "x.npy"), str(tmp_path / "y.npy"), *command[1:], "--threads", threads]
        main([*words, "-f", "json"])
        found.append(capsys.readouterr().out)
    assert found == found[:1] * 4


def test_softmax_twice_against_a_column_takes_two_files(inputs, reconcile, capsys):
    """What the formula says gives the number."""
    value = by_hand.mean(by_hand.softmax_twice(inputs.pets, inputs.pets_y))
    _, report, _ = reconcile(["pets.csv", "--target-column", "animal"], typed(value))
    match = report["matches"][0]
    assert (match["description"], match["command"]) == ("softmax applied twice", None)
    assert (
        match["formula"]
        == "the loss of the probabilities that --save-probs writes, as logits, with the targets in a file"
    )
    assert main(["compute", "pets.csv", "--target-column", "animal", "--save-probs", "twice.npy"]) == 0
    capsys.readouterr()
    assert main(["compute", "twice.npy", "pets_targets.txt", "--classes", "cat,dog,horse", "-q"]) == 0
    assert float(capsys.readouterr().out) == pytest.approx(value, rel=1e-12)


@pytest.mark.usefixtures("reconcile")
def test_quiet_is_the_command(inputs, capsys):
    total = typed(math.fsum(by_hand.nll(inputs.pets, inputs.pets_y)))
    assert main(["reconcile", *PETS, "--expect", total, "-q"]) == 0
    assert capsys.readouterr().out == "nll compute logits.csv pets_targets.txt --reduction sum\n"


@pytest.mark.uncounted
@pytest.mark.usefixtures("reconcile")
def test_quiet_prints_commands_alone(inputs, capsys):
    """Nothing of a match that nll compute has no option for."""
    batches = by_hand.mean(by_hand.batch_means(own(inputs), inputs.y, [1] * 10, 32))
    assert main(["reconcile", *DIGITS, "--expect", typed(batches), "-q"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["reconcile", *MLP, "--expect", "0.17", "--limit", "12", "-f", "json"]) == 0
    matches = json.loads(capsys.readouterr().out)["matches"][:12]
    assert main(["reconcile", *MLP, "--expect", "0.17", "--limit", "12", "-q"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split("  # ")[0] for line in printed] == commands_of(matches)
    assert 1 < len(printed) < len(matches)


@pytest.mark.uncounted
@pytest.mark.usefixtures("reconcile")
@pytest.mark.parametrize("words", [["-f", "table"], ["-f", "markdown"], ["-f", "csv"]], ids=lambda words: words[1])
def test_every_format_holds_the_command(words, inputs, capsys):
    total = typed(math.fsum(by_hand.nll(inputs.pets, inputs.pets_y)))
    assert main(["reconcile", *PETS, "--expect", total, *words]) == 0
    assert "nll compute logits.csv pets_targets.txt --reduction sum" in capsys.readouterr().out


@pytest.fixture
def _toy(monkeypatch):
    monkeypatch.setitem(LOSSES, "toy", Loss("Toy loss", "twice the target's -log p", "toy_loss"))


@pytest.mark.usefixtures("_toy")
def test_a_loss_is_one_record(inputs, reconcile):
    """What reconcile needs of a loss it asks the record."""
    twice = [2 * loss for loss in inputs.uneven_nll()]
    weighted = by_hand.weighted_mean(twice, inputs.uneven_y, LISTED)
    code, report, _ = reconcile([*UNEVEN, "--weights", "1,0.2,0.1", "--loss", "toy"], typed(weighted))
    assert code == 0
    assert report["matches"][0]["description"] == "your own settings"
    assert report["matches"][0]["command"] == "nll compute model_a.csv targets.txt --weights 1,0.2,0.1 --loss toy"
    for value, texts in {
        by_hand.mean(twice): "toy: twice the target's -log p",
        math.fsum(twice): "toy: twice the target's -log p; sum",
        by_hand.mean(by_hand.batch_means(twice, inputs.uneven_y, [1] * 3, 64)): (
            "toy: twice the target's -log p; mean of the means of batches of 64"
        ),
    }.items():
        code, report, _ = reconcile(UNEVEN, typed(value))
        assert code == 0
        assert texts in [report["matches"][0]["description"], *report["matches"][0]["also"].split(" | ")]
        assert report["matches"][0]["python"] is None


@pytest.mark.uncounted
def test_a_tolerance_widens_the_match(reconcile, inputs):
    mean = by_hand.mean(by_hand.nll(inputs.pets, inputs.pets_y))
    near = f"{mean + 0.004:.8f}"
    assert "your own settings" not in [m["description"] for m in reconcile(PETS, near)[1]["matches"]]
    code, report, _ = reconcile(PETS, near, "--tolerance", "0.005")
    assert code == 0
    assert report["tolerance"] == 0.005
    assert report["matches"][0]["description"] == "your own settings"


IN_SINGLE = {
    "mean of the means of batches of 32": lambda i: sum(by_hand.single_means(i.mlp, i.y, 32)) / 29,
    "mean of the means of batches of 128": lambda i: sum(by_hand.single_means(i.mlp, i.y, 128)) / 8,
    "perplexity: exp of it": lambda i: math.exp(by_hand.single_means(i.mlp, i.y, 899)[0]),
    "bits": lambda i: by_hand.single_means(i.mlp, i.y, 899)[0] / math.log(2),
}


@pytest.mark.uncounted
@pytest.mark.parametrize("text", IN_SINGLE)
def test_a_float64_made_of_float32_losses_is_found(text, inputs, reconcile):
    """The sum of loss.item() over batches, by their number: all digits of a double, of which half are noise."""
    value = IN_SINGLE[text](inputs)
    code, report, _ = reconcile(MLP, repr(value))
    assert code == 0
    assert [match["description"] for match in report["matches"]] == [text]
    assert 0 < abs(report["matches"][0]["difference"]) <= report["tolerance"] == pytest.approx(1e-6 * value)
    assert report["chance"] < 0.01
    assert "single-precision" in {warning["code"] for warning in report["warnings"]}


def test_means_of_padded_sentences_in_float32_are_found(inputs, reconcile):
    """The loop of an evaluation: loss.item() of each sentence, its padding ignored, over their number."""
    losses = inputs.sentence_losses()
    value = sum(np.mean(np.array(of_one, "f4"), dtype="f4").item() for of_one in losses) / len(losses)
    code, report, _ = reconcile(SENTENCES, repr(value))
    assert code == 0
    [match] = report["matches"]
    assert match["description"] == "target 0 ignored; mean of the means of batches of 1"


@pytest.mark.uncounted
def test_a_float64_made_of_float64_losses_needs_no_such_allowance(inputs, reconcile):
    _, report, _ = reconcile(
        MLP, repr(by_hand.mean(by_hand.batch_means(by_hand.nll(inputs.mlp, inputs.y), inputs.y, [1] * 10, 32)))
    )
    assert report["tolerance"] < 1e-12
    assert "single-precision" not in {warning["code"] for warning in report["warnings"]}


@pytest.mark.uncounted
def test_what_matches_beside_the_own_settings_is_told(inputs, reconcile):
    losses = own(inputs)
    mean = by_hand.mean(losses)
    batched = {n: by_hand.mean(by_hand.batch_means(losses, inputs.y, [1] * 10, n)) for n in (8, 16, 32, 64, 100, 128)}
    expect = f"{batched[32]:.5f}"
    assert abs(batched[32] - float(expect)) < abs(mean - float(expect)) < 0.01
    _, report, _ = reconcile(DIGITS, expect, "--tolerance", "0.01")
    assert [match["description"] for match in report["matches"]] == ["your own settings"]
    assert report["n_unlisted"] >= len(
        {round(m, 5) for m in batched.values() if abs(m - float(expect)) <= 0.01} - {round(mean, 5)}
    )
    assert abs(report["next_best"]["difference"]) <= abs(batched[32] - float(expect)) * (1 + 1e-9)
    assert report["chance"] > 0.05
    [warning] = [warning for warning in report["warnings"] if warning["code"] == "several-match"]
    n = report["n_unlisted"]
    assert warning["message"].startswith(f"{n + 1} different numbers match {expect}, {n} of them not listed")


@pytest.mark.uncounted
@pytest.mark.parametrize("seed", range(5))
def test_rounding_noise_is_no_other_number(seed, folder, reconcile):
    """All digits of one's own number, which departures that change nothing here add up in another order."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(0, 2, (200 + seed, 5)).astype("f4"), rng.integers(0, 5, 200 + seed)
    np.save(folder / "noise.npy", x)
    np.save(folder / "noise_targets.npy", y)
    mean = by_hand.mean(by_hand.nll(x.astype(float).tolist(), y.tolist()))
    _, report, _ = reconcile(["noise.npy", "noise_targets.npy"], repr(mean))
    assert [match["description"] for match in report["matches"]] == ["your own settings"]
    assert report["n_unlisted"] == 0
    assert abs(report["next_best"]["difference"]) > 1e-11 * mean
    assert "several-match" not in {warning["code"] for warning in report["warnings"]}


@pytest.mark.uncounted
@pytest.mark.parametrize(
    "words",
    [
        DIGITS,
        [*UNEVEN, "--weights", "1,0.2,0.1"],
        [*UNEVEN, "--sample-weights", "weights.npy"],
        [*SPEECH, "--shift", "1"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("more", [[], ["--reduction", "sum"], ["--label-smoothing", "0.1"]], ids=" ".join)
def test_the_own_number_is_that_of_compute_to_the_last_bit(words, more, reconcile, capsys):
    assert main(["compute", *words, *more, "-q"]) == 0
    printed = capsys.readouterr().out.strip()
    code, report, _ = reconcile([*words, *more], printed, "--tolerance", "0")
    assert code == 0
    assert report["own_value"] == report["matches"][0]["value"] == float(printed)
    assert report["matches"][0]["difference"] == 0.0
    assert 0 < report["tolerance"] < 1e-14 * float(printed)


@pytest.mark.uncounted
def test_no_tolerance_still_takes_another_order_of_adding_up(inputs, reconcile):
    expect = f"{math.fsum(own(inputs)) / len(inputs.y) / math.log(2)!r}"
    code, report, _ = reconcile(DIGITS, expect, "--tolerance", "0")
    assert (code, report["matches"][0]["description"]) == (0, "bits")


@pytest.mark.uncounted
def test_few_digits_are_told_apart_from_none(reconcile, inputs):
    total = math.fsum(by_hand.nll(inputs.uneven, inputs.uneven_y))
    codes = {
        digits: {warning["code"] for warning in reconcile(UNEVEN, f"{total / 160 + 0.06:.{digits}f}")[1]["warnings"]}
        for digits in (1, 2)
    }
    assert "several-match" in codes[1]
    assert "likely-by-chance" in codes[1] | codes[2]


@pytest.mark.uncounted
def test_conventions_that_coincide_are_listed_together(reconcile, inputs):
    value = by_hand.weighted_mean(inputs.uneven_nll(), inputs.uneven_y, balanced_uneven(inputs))
    _, report, _ = reconcile(UNEVEN, typed(value))
    [match] = report["matches"]
    assert match["description"] == BALANCED
    assert f"weights inverse {OF_TARGETS}" in match["also"].split(" | ")
    assert "conventions-coincide" in {warning["code"] for warning in report["warnings"]}


def test_padding_that_is_no_class_is_said_to_be_ignored(reconcile):
    _, report, _ = reconcile(PADDED, "1")
    assert "outside-targets-ignored" in {warning["code"] for warning in report["warnings"]}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([*PETS, "--expect", "abc"], 2, "--expect 'abc' is not a number"),
        ([*PETS, "--expect", "nan"], 2, "--expect 'nan' is not a finite number"),
        ([*PETS, "--expect", "1e400"], 2, "--expect '1e400' is not a finite number"),
        ([*PETS, "--expect", "1", "--tolerance", "-1"], 2, "--tolerance -1.0 is not a finite number of at least 0"),
        (["logits.csv", "--expect", "1"], 2, "there are no targets"),
        ([*PETS, "--expect", "1", "--reduction", "none"], 2, "--reduction none gives one a sample"),
        (["empty.npy", "no_targets.npy", "--expect", "1"], 3, "has no samples"),
        (["padded.npy", "mixed.npy", "--expect", "1"], 3, "2 values are outside 0..3: -1, 255"),
        (
            ["log_probs.npy", "probs.npy", "--counts", "1,2,3", "--expect", "1"],
            2,
            "the targets are class probabilities",
        ),
        (["probs.npy", "probs.npy", "--expect", "1"], 2, "the targets are the logits' own file"),
        (["labelled.jsonl", "--shift", "1", "--expect", "1"], 2, "--shift needs TARGETS as a file of class indices"),
        (["columns.npy", "places.npy", "--shift", "1", "--expect", "1"], 2, "--shift needs logits in C order"),
        (["-", "--target-column", "animal", "--expect", "1"], 2, "standard input does not allow"),
        (["-", "--expect", "1"], 2, "standard input does not allow"),
    ],
)
def test_refusals(words, code, message, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    mixed = np.load("padded_targets.npy")
    mixed[1] = -1
    np.save("mixed.npy", mixed)
    np.save("empty.npy", np.empty((0, 4)))
    np.save("no_targets.npy", np.empty(0, int))
    np.save("columns.npy", np.asfortranarray(np.zeros((2, 3, 4)) + np.arange(4)))
    np.save("places.npy", np.zeros((2, 3), int))
    Path("labelled.jsonl").write_text('{"logits": [1, 2], "target": 1}\n')
    assert main(["reconcile", *words]) == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert not captured.out


def test_targets_beside_the_logits_of_each_line(inputs, folder, reconcile):
    lines = zip(inputs.pets, inputs.pets_y, strict=True)
    (folder / "pets.jsonl").write_text(
        "".join(json.dumps({"logits": row, "target": y}) + "\n" for row, y in lines), encoding="utf-8"
    )
    total = math.fsum(by_hand.nll(inputs.pets, inputs.pets_y))
    code, report, err = reconcile(["pets.jsonl"], typed(total))
    assert code == 0, err
    assert report["matches"][0]["command"] == "nll compute pets.jsonl --reduction sum"


@pytest.fixture
def everything_tried(reconcile, monkeypatch):
    """All conventions as matches, not the simplest of those near a number."""
    list_all(monkeypatch)

    def run(words):
        _, report, err = reconcile(words, "1", "--tolerance", "1e300")
        assert report, err
        return report["matches"]

    return run


def commands_of(matches):
    return [match["command"] for match in matches if match["command"]]


@pytest.mark.uncounted
@pytest.mark.parametrize("words", [PETS, [*PROBS, "--from", "probs"]])
def test_a_temperature_is_offered_for_what_the_user_says_they_are(words, everything_tried):
    own = "--from probs" in " ".join(words)
    commands = commands_of(everything_tried([*words, "--temperature", "2"]))
    read_otherwise = [command for command in commands if ("--from probs" in command) != own or "log-probs" in command]
    assert any("--temperature 2" in command and command not in read_otherwise for command in commands)
    assert read_otherwise
    assert not any("--temperature" in command for command in read_otherwise)


@pytest.fixture(scope="module")
def sigmoids(folder):
    """Logits of class 1 of two, some above 0; targets that are ignored, here and there or in runs."""
    rng = np.random.default_rng(5)
    np.save(folder / "sigmoids.npy", rng.normal(0, 2, 40))
    answers = rng.integers(0, 2, 40)
    np.save(folder / "answers.npy", answers)
    np.save(folder / "yes_no.npy", np.where(rng.random(40) < 0.2, -100, answers))
    np.save(folder / "runs.npy", rng.normal(0, 2, (40, 3)))
    labels = rng.integers(0, 3, 40)
    labels[8:24] = -100
    np.save(folder / "runs_targets.npy", labels)
    return ["sigmoids.npy", "yes_no.npy", "--binary"]


def test_logits_above_0_are_no_log_probabilities_of_one_class(sigmoids, everything_tried):
    commands = commands_of(everything_tried(sigmoids))
    assert not any("--from log-probs" in command and "--clip" not in command for command in commands)


@pytest.mark.uncounted
@pytest.mark.parametrize(
    "words",
    [["sigmoids.npy", "yes_no.npy", "--binary"], [*PETS, "--temperature", "2"], [*PROBS, "--from", "probs"], TEMPERED],
)
@pytest.mark.usefixtures("sigmoids")
def test_every_command_offered_is_taken(words, everything_tried, capsys):
    """What reconcile counts as a convention, nll compute does not refuse."""
    commands = {command for command in commands_of(everything_tried(words)) if "&&" not in command}
    for command in sorted(commands)[::10]:
        assert main([*shlex.split(command)[1:], "-q"]) == 0, capsys.readouterr().err
        capsys.readouterr()


def tensors(words, inputs, folder):
    torch = pytest.importorskip("torch")
    logits, targets = {
        tuple(PETS): (inputs.pets, inputs.pets_y),
        ("pets.csv", "--target-column"): (inputs.pets, inputs.pets_y),
        tuple(UNEVEN): (inputs.uneven, inputs.uneven_y),
    }.get(tuple(words[:2])) or [np.load(folder / word).tolist() for word in words[:2]]
    return {
        "math": math,
        "torch": torch,
        "F": torch.nn.functional,
        "logits": torch.tensor(logits, dtype=torch.float64),
        "targets": torch.tensor(targets, dtype=torch.int64),
        "sample_weights": torch.tensor(inputs.sample_weights, dtype=torch.float64),
    }


@pytest.mark.uncounted
@pytest.mark.parametrize(
    "words",
    [
        PETS,
        [*PETS, "--loss", "one-vs-rest"],
        SPEECH,
        PADDED,
        [*PROBS, "--from", "probs", "--loss", "one-vs-rest"],
        TEMPERED,
        [*UNEVEN, "--weights", "1,0.2,0.1"],
        [*UNEVEN, "--sample-weights", "weights.npy"],
        ["sigmoids.npy", "yes_no.npy", "--binary"],
        ["sigmoids.npy", "answers.npy", "--binary", "--ignore-index", "1"],
        ["runs.npy", "runs_targets.npy"],
        SENTENCES,
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("sigmoids")
def test_lines_of_python_give_the_number(words, inputs, folder, everything_tried):
    """Of every convention that is tried, those of sums of short numbers aside; in "runs" whole batches are ignored."""
    names = tensors(words, inputs, folder)
    lines = {match["python"]: match["value"] for match in everything_tried(words) if match["python"]}
    checked = [line for line in lines if not re.search(r"sklearn|half|bfloat16|float\(\)", line)][::3]
    assert len(checked) > 50
    for line in checked:
        assert value_of(line, names) == pytest.approx(lines[line], rel=1e-6, abs=1e-9), line
