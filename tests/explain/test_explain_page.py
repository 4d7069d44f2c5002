"""What a person reads: every line must be true as it stands, at any width."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from in_process import nll
from rendered import table as render

from nllcli.cli import explain as command
from nllcli.commands.explain import explain
from nllcli.commands.explain.report import report
from nllcli.data.settings import InputOptions, LossOptions, ScoreRequest

pytestmark = pytest.mark.uncounted

SAMPLES = Path(__file__).parents[2] / "samples"
PETS = [SAMPLES / "pets" / "logits.csv", SAMPLES / "pets" / "targets.txt"]
DIGITS = [SAMPLES / "digits" / "mlp.npy", SAMPLES / "digits" / "targets.npy"]

ROW_0 = """\
Row 0, target cat

Softmax
  class         logit  - max     exp       p
  ────────────────────────────────────────────────────────────────────
  cat (target)      5      0  1.0000  0.7054  ████████████████▉
  dog               4     -1  0.3679  0.2595  ██████▎
  horse             2     -3  0.0498  0.0351  ▉
  sum                         1.4177  1.0000

Loss
  largest logit               5 (cat)
  sum of the exponentials     1 + 0.3679 + 0.0498 = 1.4177
  log of the sum              log(1.4177) = 0.3490
  p of the target, cat        1 / 1.4177 = 0.7054
  loss, -log p                log(1.4177) - (5 - 5) = 0.3490 nats
  part of the mean            0.3490 / 3 samples = 0.1163
  margin over the rival, dog  5 - 4 = 1

Gradient: p - target
  class              p  target  gradient
  ─────────────────────────────────────────────────
  cat (target)  0.7054       1   -0.2946  push up
  dog           0.2595       0    0.2595  push down
  horse         0.0351       0    0.0351  push down
  sum           1.0000       1    0.0000

  of this sample's loss; nll grad divides it as the mean divides the loss

Gradient descent moves a logit against its gradient. Numbers are rounded only for reading.
"""

SETTINGS = {
    "plain": [],
    "weights": ["--weights", "1,0.2,0.7"],
    "smoothing": ["--label-smoothing", "0.1"],
    "smoothing and weights": ["--label-smoothing", "0.1", "--weights", "1,0.2,0.7"],
    "temperature": ["--temperature", "3"],
    "one-vs-rest": ["--loss", "one-vs-rest", "--weights", "1,0.2,0.7"],
    "argmax": ["--loss", "argmax"],
    "clip": ["--clip", "0.1"],
    "sum": ["--reduction", "sum"],
    "not reduced": ["--reduction", "none"],
}


def page(width=None, *, inputs=PETS, rows=(0,), hardest=None, unicode=True, **options):
    request = ScoreRequest(InputOptions(*map(str, inputs)), LossOptions(**options))
    return render(report(explain(request, rows, hardest=hardest)), width=width, unicode=unicode)


def workings(text):
    """The equations among the steps of a page."""
    return [line.split("  ")[-1] for line in text.splitlines() if line.startswith("  ") and " = " in line]


def value(side):
    """What an expression as it is printed comes to."""
    plain = re.sub(r"\(sum of the weights\)|samples?|nats|;.*", "", side).replace("×", "*").replace(",", "")
    assert re.fullmatch(r"[\d\s.e+*/()log-]*", plain), side
    return eval(plain, {"__builtins__": {}}, {"log": math.log})


def assert_true_as_printed(text):
    """Each side of an equation comes to the other, but for the rounding of the numbers in it."""
    found = workings(text)
    assert found
    for working in found:
        left, right = working.split(" = ")
        # Each number is right to half a unit in its fourth digit or fourth decimal; a few of them add up.
        assert value(left) == pytest.approx(value(right), rel=4e-4, abs=2e-4), working


def tables(text):
    """The tables of a page that have a sum, each a list of rows of cells, keyed by header."""
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line.startswith("  ")]
        rule = next((i for i, line in enumerate(lines) if set(line.strip()) == {"─"}), None)
        if rule is not None and lines[-1].strip().startswith("sum"):
            yield lines[rule - 1], lines[rule + 1 :]


def columns(header, lines):
    """The numbers of each right-aligned column under its header's end."""
    ends = [found.end() for found in re.finditer(r"\S+(?: \S+)*", header)][1:]
    for end in ends:
        cells = [re.search(r"\S*$", line[:end]).group() for line in lines]
        yield [float(cell.replace(",", "")) if re.match(r"-?[\d.]", cell) else None for cell in cells]


def assert_columns_add_up(text):
    n_sums = 0
    for header, lines in tables(text):
        for *parts, whole in columns(header, lines):
            if whole is not None and None not in parts:
                assert sum(parts) == pytest.approx(whole, abs=1e-4 * len(parts), rel=1e-4)
                n_sums += 1
    assert n_sums


def test_a_row_of_the_pets():
    assert ROW_0 in nll("explain", *PETS, "--row", 0).out


@pytest.mark.parametrize("targets", ["cat,horse,dog", "horse,cat,horse"], ids=["likely", "unlikely"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_every_line_is_true_and_every_column_adds_up(tmp_path, setting, targets):
    path = tmp_path / "targets.txt"
    path.write_text(targets.replace(",", "\n") + "\n")
    text = nll("explain", PETS[0], path, "--row", 0, "--row", 1, "--row", 2, *SETTINGS[setting]).out
    assert_true_as_printed(text)
    assert_columns_add_up(text)


def test_a_confident_prediction_keeps_its_digits(tmp_path):
    np.save(tmp_path / "x.npy", np.array([[12.0, 0.0]]))
    np.save(tmp_path / "y.npy", np.array([0]))
    text = nll("explain", tmp_path / "x.npy", tmp_path / "y.npy").out
    assert "log(1 + 6.144e-06) = 6.144e-06\n" in text
    assert "log(1 + 6.144e-06) - (12 - 12) = 6.144e-06 nats\n" in text


def test_the_hardest_digits():
    text = nll("explain", *DIGITS, "--hardest", 10).out
    assert text.count("share of the sum") == 10
    assert_true_as_printed(text)
    assert_columns_add_up(text)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_hundred_thousand_classes_fit_on_a_page(tmp_path, smoothing):
    random = np.random.default_rng(5)
    np.save(tmp_path / "x.npy", random.normal(0, 3, (1, 100_000)))
    np.save(tmp_path / "y.npy", np.array([99_999]))
    text = page(80, inputs=(tmp_path / "x.npy", tmp_path / "y.npy"), label_smoothing=smoothing)
    assert_true_as_printed(text)
    assert_columns_add_up(text)
    assert len(text.splitlines()) < 80
    assert "99,991 others" in text


@pytest.mark.parametrize("soft", [[0.7, 0.2, 0.1], [0.0, 0.0, 1.0]])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_soft_targets_and_sample_weights(tmp_path, soft, smoothing):
    names = ["x.npy", "y.npy", "w.npy"]
    for name, array in zip(names, ([[5.0, 4, 2]], [soft], [2.5]), strict=True):
        np.save(tmp_path / name, np.array(array))
    paths = [tmp_path / name for name in names]
    words = ["--weights", "1,2,3", "--label-smoothing", smoothing]
    text = nll("explain", *paths[:2], "--sample-weights", paths[2], *words).out
    assert "Row 0, soft target" in text
    assert_true_as_printed(text)
    assert_columns_add_up(text)


@pytest.mark.parametrize("source", ["probs", "log-probs"])
@pytest.mark.parametrize("loss", ["nll", "one-vs-rest", "argmax"])
def test_probabilities(tmp_path, source, loss):
    probs = np.array([[0.5, 0.3, 0.2]])
    np.save(tmp_path / "x.npy", probs if source == "probs" else np.log(probs))
    np.save(tmp_path / "y.npy", np.array([2]))
    text = nll("explain", tmp_path / "x.npy", tmp_path / "y.npy", "--from", source, "--loss", loss).out
    assert "Gradient" not in text
    assert "exponential" not in text
    assert_true_as_printed(text)
    assert_columns_add_up(text)


@pytest.mark.parametrize("source", ["probs", "log-probs"])
def test_probabilities_under_a_temperature(tmp_path, source):
    """The logarithms are the logits, and are called what they are."""
    p = np.array([[0.5, 0.3, 0.2], [0.0, 0.0, 0.0]])
    with np.errstate(divide="ignore"):
        np.save(tmp_path / "x.npy", p if source == "probs" else np.log(p))
    np.save(tmp_path / "y.npy", np.array([2, 0]))
    words = ["explain", tmp_path / "x.npy", tmp_path / "y.npy", "--from", source, "--temperature", "2"]
    text = nll(*words, "--on-nonfinite", "nan", "--row", 0).out
    assert "Softmax of log p / T" in text
    assert ("given p" in text) == (source == "probs")
    assert "largest log p " in text
    assert "logit" not in text
    assert "Gradient" not in text
    assert_true_as_printed(text)
    assert_columns_add_up(text)
    (shown,) = nll(*words, "--on-nonfinite", "nan", "--row", 0, "-f", "json").json["explanations"]
    assert [c["logit"] for c in shown["classes"]] == pytest.approx(np.log(p[0]).tolist(), rel=1e-15)
    assert shown["margin"] == pytest.approx(np.log(0.2 / 0.5), rel=1e-15)
    nothing = nll(*words, "--on-nonfinite", "nan", "--row", 1).out
    assert f"only {'0' if source == 'probs' else '-inf'}: its loss is NaN" in nothing


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ([], "p - target"),
        (["--weights", "1,0.2,0.7"], "class weight × (p - target)"),
        (["--temperature", "2"], "(p - target) / T"),
        (["--label-smoothing", "0.1"], "p - target"),
        (["--label-smoothing", "0.1", "--weights", "1,0.2,0.7"], "p × sum of shares - share"),
        (["--loss", "argmax", "--weights", "1,0.2,0.7"], "class weight × (p - predicted)"),
    ],
)
def test_the_gradient_says_what_it_is(words, title):
    text = nll("explain", *PETS, "--row", 2, *words).out
    assert f"\nGradient: {title}\n" in text
    (table,) = [found for found in tables(text) if "gradient" in found[0]]
    p, asked, slopes = (column[:-1] for column in columns(*table))
    factor = 0.2 if "class weight" in title else 1.0
    whole = sum(asked) if "sum of" in title else 1.0
    scale = factor / (2 if title.endswith("/ T") else 1)
    assert slopes == pytest.approx([scale * (whole * a - b) for a, b in zip(p, asked, strict=True)], abs=2e-4)


def test_a_weight_of_0_leaves_the_target_as_it_is():
    text = nll("explain", *PETS, "--row", 0, "--weights", "0,1,1").out
    (table,) = [found for found in tables(text) if "gradient" in found[0]]
    _, target, slopes = columns(*table)
    assert (target, slopes) == ([1, 0, 0, 1], [0, 0, 0, 0])


def test_the_gradient_of_soft_targets_that_do_not_add_up(tmp_path):
    np.save(tmp_path / "x.npy", np.array([[5.0, 4, 2]]))
    np.save(tmp_path / "y.npy", np.array([[0.5, 0.3, 0.1]]))
    text = nll("explain", tmp_path / "x.npy", tmp_path / "y.npy").out
    assert "\nGradient: p × sum of targets - target\n" in text
    (table,) = [found for found in tables(text) if "gradient" in found[0]]
    p, target, slopes = (column[:-1] for column in columns(*table))
    assert target == [0.5, 0.3, 0.1]
    assert slopes == pytest.approx([0.9 * a - b for a, b in zip(p, target, strict=True)], abs=2e-4)


def test_one_class_leaves_nothing_to_explain(tmp_path):
    np.save(tmp_path / "x.npy", np.array([[3.0]]))
    np.save(tmp_path / "y.npy", np.array([0]))
    done = nll("explain", tmp_path / "x.npy", tmp_path / "y.npy")
    assert (done.code, "has one class" in done.err) == (2, True)
    assert_true_as_printed(nll("explain", tmp_path / "x.npy", tmp_path / "y.npy", "--binary").out)


def test_a_masked_target_is_shown_as_it_is(tmp_path):
    np.save(tmp_path / "x.npy", np.array([[-np.inf, 0.0, 1.0]]))
    np.save(tmp_path / "y.npy", np.array([0]))
    text = nll("explain", tmp_path / "x.npy", tmp_path / "y.npy").out
    assert "log(1.3679) - (-inf - 1) = inf nats" in text
    assert "0 / 1.3679 = 0" in text


@pytest.mark.parametrize("inputs", [PETS, DIGITS], ids=["pets", "digits"])
@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_it_fits_and_no_digit_is_cut(inputs, width):
    text = page(width, inputs=inputs, rows=(), hardest=3)
    body = text.rsplit("\n\n", 1)[0]  # the signature stays in one piece
    assert max(map(len, body.splitlines())) <= width
    free = page(None, inputs=inputs, rows=(), hardest=3)
    numbers = re.findall(r"\d+\.\d+(?:e-\d+)?", body)
    assert set(numbers) <= set(re.findall(r"\d+\.\d+(?:e-\d+)?", free))
    joined = " ".join(text.split())
    for working in workings(free):
        assert working in joined


def test_bars_go_where_there_is_no_room():
    assert "█" in page(80)
    assert "█" not in page(40)


def test_plain_ascii():
    text = page(unicode=False)
    assert text.isascii()
    assert "0.7054  #################\n" in text


def test_an_ignored_row():
    text = nll("explain", *PETS, "--row", 1, "--ignore-index", 2).out
    assert "its target is 2, the ignored index: it does not count" in text
    assert "Gradient" not in text


def test_an_ignored_row_of_nan(tmp_path):
    np.save(tmp_path / "x.npy", np.array([[np.nan, 1.0]]))
    np.save(tmp_path / "y.npy", np.array([-100]))
    text = nll("explain", tmp_path / "x.npy", tmp_path / "y.npy").out
    assert "its target is -100, the ignored index: it does not count" in text
    assert "its loss is NaN" not in text


@pytest.mark.parametrize(("words", "divided"), [([], True), (["--reduction", "sum"], False)])
def test_the_gradient_says_that_it_is_not_divided_yet(words, divided):
    """As ``nll grad`` gives it, only where the reduction divides by nothing."""
    text = nll("explain", *PETS, "--row", 0, *words).out
    (shown,) = [list(columns(*table))[-1] for table in tables(text) if "gradient" in table[0]]
    (slopes,) = [list(row.values())[1:] for row in nll("grad", *PETS, *words, "-f", "json").json["gradient"][:1]]
    assert shown[:-1] == pytest.approx([slope * (3 if divided else 1) for slope in slopes], abs=1e-4)
    assert ("nll grad divides it" in text) == divided


@pytest.fixture
def spoken(tmp_path):
    """Two sequences of four positions, none of whose targets is ignored."""
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(2, 4, 3)))
    np.save(tmp_path / "y.npy", np.array([[0, 1, 2, 0], [2, 1, 0, 1]]))
    return [tmp_path / "x.npy", tmp_path / "y.npy"]


@pytest.mark.parametrize(("shift", "row", "position"), [(1, 3, (0, 3)), (1, 7, (1, 3)), (-2, 5, (1, 1))])
def test_a_place_whose_shift_meets_no_target(shift, row, position, spoken):
    text = nll("explain", *spoken, "--shift", shift, "--row", row).out
    assert f"Row {row} {position}\n" in text
    assert "it has no target, as --shift goes beyond its sequence: it does not count" in text
    assert "-100" not in text.rsplit("\n\n", 1)[0]


def test_number_and_position_stand_side_by_side(spoken):
    by_number, by_position = (nll("explain", *spoken, "--row", row).out for row in ("6", "(1, 2)"))
    assert by_number == by_position
    assert "\nRow 6 (1, 2), target 0\n" in by_number
    glance = nll("explain", *spoken, "--row", 6, "--row", "(0, 1)").out
    assert re.findall(r"^  (\d \(\d, \d\))  ", glance, re.MULTILINE) == ["6 (1, 2)", "1 (0, 1)"]


def test_markdown():
    text = nll("explain", *PETS, "--row", 0, "-f", "markdown").out
    assert "### Row 0, target cat\n\n#### Softmax\n\n| class | logit | - max | exp | p |  |\n" in text
    assert "| dog | 4 | -1 | 0.3679 | 0.2595 | ██▋ |\n" in text
    assert "\n- loss, -log p: log(1.4177) - (5 - 5) = 0.3490 nats\n" in text
    assert "| dog | 0.2595 | 0 | 0.2595 | push down |\n" in text


def test_options_are_those_of_compute():
    from inspect import signature

    from nllcli.cli.compute import compute

    own = {"row", "hardest"}
    not_here = {"per_class", "per_sample", "save_losses", "save_probs", "save_log_probs", "save_grad", "save_dtype"}
    not_here |= {"processes", "scheduler", "resume"}
    assert set(signature(command.explain).parameters) - own == set(signature(compute).parameters) - not_here
