"""What the pictures of a comparison draw, as data, against the numbers that they show."""

import math

import numpy as np
import pytest

from nllcli.commands.compare import Request, compare
from nllcli.commands.compare.pictures import pictures_of
from nllcli.data.settings import InputOptions, LossOptions, ScoreRequest, WeightOptions
from nllcli.drawing import Bars, Dots, Heat, Line, Panel
from nllcli.report import Belief, Strong

pytestmark = pytest.mark.uncounted

RNG = np.random.default_rng(41)
N = 200


def result_of(folder, models, targets, names="ab"):
    """The comparison of models, each by its logits."""
    np.save(folder / "t.npy", targets)
    requests = []
    for name, logits in zip(names, models, strict=True):
        np.save(folder / f"{name}.npy", logits)
        inputs = InputOptions(str(folder / f"{name}.npy"), str(folder / "t.npy"))
        requests.append(ScoreRequest(inputs, LossOptions(), WeightOptions()))
    return compare(Request(tuple(requests), tuple(names), classes_up_to=100, pictures=True))


def models_of(n_classes, spread=3.0):
    a = RNG.normal(size=(N, n_classes)) * spread
    return (a, a + spread * RNG.normal(size=a.shape) / 3), RNG.integers(0, n_classes, N)


@pytest.fixture(scope="module", params=[3.0, 1e6], ids=["usual", "large"])
def result(request, tmp_path_factory):
    return result_of(tmp_path_factory.mktemp("drawn"), *models_of(4, request.param))


@pytest.fixture(scope="module")
def pictures(result):
    return {picture.key: picture for picture in pictures_of(result)}


def marks(panel, kind):
    return {mark.tone: mark for mark in panel.marks if isinstance(mark, kind)}


def cells(picture, key):
    place = [column.key for column in picture.table.columns].index(key)
    return list(picture.table.cells(place))


def test_bars_stand_for_all_samples_and_for_all_of_the_difference(result, pictures):
    above, below = pictures["differences"].drawings
    bars = marks(above, Bars)["samples"].bars
    assert sum(bar.height for bar in bars) == N
    assert max(bar.height for bar in bars) == above.y.high
    sides = {tone: mark.bars for tone, mark in marks(below, Bars).items()}
    assert all(bar.stop <= 0 for bar in sides["second"])
    assert all(bar.start >= 0 for bar in sides["first"])
    heights = {tone: math.fsum(bar.height for bar in bars) for tone, bars in sides.items()}
    assert min(bar.height for bars in sides.values() for bar in bars) >= 0
    (pair,) = result.comparisons
    assert heights["first"] - heights["second"] == pytest.approx(pair.loss_difference, rel=1e-12)
    for panel in (above, below):
        drawn = [bar for mark in marks(panel, Bars).values() for bar in mark.bars]
        ends = [end for bar in drawn for end in (bar.start, bar.stop)]
        assert (panel.x.low, panel.x.high) == (-panel.x.high, panel.x.high)
        assert panel.x.low <= min(ends) < max(ends) <= panel.x.high
        assert all(bar.start < bar.stop for bar in drawn)


@pytest.mark.parametrize("swapped", [False, True])
def test_the_larger_side_is_what_the_sentence_is_about(swapped, tmp_path):
    (a, _), targets = models_of(4)
    worse = a - 2 * np.eye(4)[targets]
    result = result_of(tmp_path, (worse, a) if swapped else (a, worse), targets)
    answer = pictures_of(result)[0].answer
    (strong,) = (part for part in answer if isinstance(part, Strong))
    assert [fact.key for fact in strong.words] == ["gains" if swapped else "gives_away"]


def test_two_dots_a_class_and_the_line_between_are_those_of_the_table(pictures):
    (panel,) = pictures["classes"].drawings
    dots = {tone: [(dot.x, dot.y) for dot in mark.dots] for tone, mark in marks(panel, Dots).items()}
    assert [x for x, _ in dots["first"]] == cells(pictures["classes"], "baseline_loss")
    assert [x for x, _ in dots["second"]] == cells(pictures["classes"], "model_loss")
    lines = [mark for mark in panel.marks if isinstance(mark, Line)]
    for line, first, second in zip(lines, dots["first"], dots["second"], strict=True):
        assert line.points == (first, second)
        assert line.tone == ("second" if second[0] < first[0] else "first")
    named = dict(panel.y.ticks)
    assert [named[y] for _, y in dots["first"]] == cells(pictures["classes"], "class")
    assert panel.x.low <= min(x for own in dots.values() for x, _ in own)
    assert panel.x.high >= max(x for own in dots.values() for x, _ in own)


def test_a_map_has_the_counts_of_the_table(pictures):
    (heat,) = pictures["losses"].drawings
    assert isinstance(heat, Heat)
    assert heat.rows == heat.columns
    assert len(heat.rows) <= 12
    lows = [*cells(pictures["losses"], "baseline_low"), *cells(pictures["losses"], "model_low")]
    assert [float(heat.rows[0]), float(heat.rows[-1])] == pytest.approx([min(lows), max(lows)])
    assert [cell.text for cell in heat.cells] == [f"{n:,}" for n in cells(pictures["losses"], "count")]
    assert all(0 < cell.depth <= 1 for cell in heat.cells)
    largest = max(heat.cells, key=lambda cell: cell.depth)
    assert int(largest.text) == max(cells(pictures["losses"], "count"))


def test_both_curves_go_through_their_own_loss(result, pictures):
    (panel,) = pictures["temperatures"].drawings
    for tone, model in zip(("first", "second"), result.models, strict=True):
        (line,) = (mark for mark in panel.marks if isinstance(mark, Line) and mark.tone == tone)
        assert (1.0, model.loss) in line.points
        assert line.points == tuple(sorted(line.points))
        assert line.dashed == (tone == "second")


def test_every_claimed_error_is_a_dot(pictures):
    (panel,) = pictures["sure"].drawings
    n = {name: cells(pictures["sure"], "model").count(name) for name in "ab"}
    dots = marks(panel, Dots)
    assert (len(dots["first"].dots), len(dots["second"].dots)) == (n["a"], n["b"])


@pytest.mark.parametrize("n_classes", [20, 21])
def test_beliefs_are_drawn_of_few_classes(n_classes, tmp_path):
    result = result_of(tmp_path, *models_of(n_classes))
    table = pictures_of(result)[-1].table
    drawn = [column for column in table.columns if column.kind == "belief"]
    assert len(drawn) == (2 if n_classes == 20 else 0)
    assert all(column.page_only for column in drawn)
    for column in drawn:
        for belief in table.cells(table.columns.index(column)):
            assert isinstance(belief, Belief)
            assert math.fsum(belief.probabilities) == pytest.approx(1.0)
            assert belief.top == int(np.argmax(belief.probabilities))


def test_many_models_are_dots_in_the_order_of_their_differences(tmp_path):
    (a, b), targets = models_of(4)
    better = a + 2 * np.eye(4)[targets]
    result = result_of(tmp_path, (a, a - 2 * np.eye(4)[targets], better, a + 1e-3 * b), targets, "abcd")
    (picture,) = pictures_of(result)
    assert [cells(picture, "model")[i] for i in (0, -1)] == ["c", "b"]
    differences = cells(picture, "loss_difference")
    assert differences == sorted(differences)
    (panel,) = picture.drawings
    assert isinstance(panel, Panel)
    dots = [(mark.tone, dot.x) for mark in panel.marks if isinstance(mark, Dots) for dot in mark.dots]
    assert [x for _, x in dots] == differences
    tones = {"lower": "second", "higher": "first"}
    assert [tone for tone, _ in dots] == [tones.get(verdict, "plain") for verdict in cells(picture, "verdict")]
    reaches = [mark.points for mark in panel.marks if isinstance(mark, Line)]
    assert [(low, high) for (low, _), (high, _) in reaches] == list(
        zip(cells(picture, "ci_low"), cells(picture, "ci_high"), strict=True)
    )
    assert {name for _, name in panel.y.ticks} == {"b", "c", "d"}
