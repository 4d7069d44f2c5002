"""What is shown of a calibration, by results made by hand: pages, the JSON, lists and bare numbers."""

import json
from dataclasses import replace

import pytest
import rendered
from calibrations import AFTER, BEFORE, FITTED, RESULT, UNFITTED

from nllcli.cli.options import in_flags
from nllcli.commands.calibrate.report import report, why_none
from nllcli.commands.calibrate.result import ClassErrors, HeldOut, Temperature
from nllcli.errors import Notice, UsageError, setting
from nllcli.outputs.formats import FORMATS
from nllcli.outputs.json_text import named_values

CLASSES = (
    ClassErrors("cat", 30.0, 0.375, 0.34375, 0.0625, 0.25, None),
    ClassErrors("dog", 58.0, 0.625, 0.65625, 0.03125, 0.125, 0.03),
)
PAGE = """\
Calibration of a.npy

  temperature  2.5   overconfident: divide the logits by it

  standard error   0.25
  95 % from        2.0625
  95 % to          3
  gain, held out   0.0625 nats  3 folds; standard error 0.0156
  overconfidence   9.0 %        mean confidence 84.0 %, accuracy 75.0 %
  p                0.0001       Spiegelhalter's test; 0.43 at T = 2.5
  samples         88            2 ignored
  classes          2

Before and after
                                  T = 1  T = 2.5
  ──────────────────────────────────────────────
  loss, nats                     0.5000   0.3750
  confidence                    84.0 %   76.0 %
  accuracy                      75.0 %   75.0 %
  ECE, 3 bins                    0.1250   0.0312
    by chance alone              0.0625   0.0625
  largest gap                    0.1250   0.1250
  ECE, equal mass                0.1000   0.1000
  Brier                          0.3750   0.3750
  miscalibration, Brier (CORP)   0.0312   0.0312

Confidence and accuracy, T = 1
  from   to  count  confidence  accuracy     gap  chance
  ──────────────────────────────────────────────────────────────────────────────
  0.25  0.5      8      50.0 %    62.5 %   0.125  0.2450  █████▓▓▓▓▓│▓▓░░
  0.50  1.0     80      87.5 %    75.0 %  -0.125  0.0490  ███████████████  │   *

  bar: accuracy; │ mean confidence; ░ where chance puts 19 of 20 bars; * beyond

  signature  calibration|from:logits
"""


def page(result, **screen):
    return rendered.table(in_flags(report(result)), **screen)


def first_lines(result):
    """The headline and the metrics, each with single blanks."""
    return [" ".join(line.split()) for line in page(result).split("\n\n")[1:3] for line in line.split("\n")]


def test_the_page():
    assert page(RESULT, width=80) == PAGE


@pytest.mark.parametrize("width", [60, 40])
def test_a_narrow_page_folds(width):
    text = page(RESULT, width=width)
    assert max(map(len, text.split("\n"))) <= width
    assert "chance  " not in text
    picture = "██████ │ *" if width == 60 else "█████████ │  *"
    assert f"75.0 %  {picture}\n" in text or f"-0.125  {picture}\n" in text


def test_without_unicode():
    text = page(RESULT, width=80, unicode=False)
    assert text.isascii()
    assert "0.2450  #####=====|==::\n" in text
    assert "0.0490  ###############  |   *\n" in text


@pytest.mark.parametrize(
    ("low", "value", "high", "source", "meaning"),
    [
        (1.5, 2.0, 2.5, "probs", "overconfident: raise the probabilities to 1/T and normalise"),
        (0.25, 0.5, 0.75, "logits", "underconfident: divide the logits by it"),
        (0.25, 0.5, 0.75, "log-probs", "underconfident: divide the log-probabilities by it and normalise"),
        (0.5, 1.25, 1.75, "logits", "no evidence that it is not 1, which the interval holds"),
        (None, 2.0, None, "logits", "divide the logits by it"),  # of a single sample
    ],
)
def test_what_the_temperature_means(low, value, high, source, meaning):
    found = replace(FITTED, value=value, ci_low=low, ci_high=high)
    assert first_lines(replace(RESULT, temperature=found, source=source))[0] == f"temperature {value:g} {meaning}"


@pytest.mark.parametrize(
    ("status", "limit", "lines", "why"),
    [
        (
            "zero",
            0.0,
            [
                "temperature – none: every target has the largest logit of its row, and the loss falls as the "
                "temperature approaches 0",
                "loss approaches 0 nats",
            ],
            "no temperature has the lowest loss: every target has the largest logit of its row, and the loss falls "
            "as the temperature "
            "approaches 0, to 0.0000 nats",
        ),
        (
            "infinite",
            1.0986122886681098,
            [
                "temperature – none: the logits of the targets are on average no higher than all of their rows, and "
                "the loss falls as the temperature grows",
                "loss approaches 1.0986 nats",
            ],
            "no temperature has the lowest loss: the logits of the targets are on average no higher than all of their "
            "rows, and the loss falls as the "
            "temperature grows, to 1.0986 nats",
        ),
        (
            "flat",
            1.0986122886681098,
            [
                "temperature – none: in every row the classes that are possible are alike, and all temperatures give "
                "the same",
                "overconfidence 9.0 % mean confidence 84.0 %, accuracy 75.0 %",
            ],
            "no temperature has the lowest loss: in every row the classes that are possible are alike, and all "
            "temperatures give the same",
        ),
    ],
)
def test_where_there_is_no_temperature_it_is_said_what_the_loss_does(status, limit, lines, why):
    result = replace(UNFITTED, temperature=Temperature(status, None, loss_limit=limit))
    assert first_lines(result)[:2] == lines
    assert why_none(result) == why
    assert report(result).quiet == []
    assert "As they are\n" in page(result)


def test_an_infinite_loss_has_no_part_in_it():
    before = replace(BEFORE, loss=float("inf"))
    result = replace(UNFITTED, before=before, temperature=Temperature("zero", None, loss_limit=0.0))
    assert first_lines(result)[0].startswith(
        "temperature – none: but for infinite losses, every target has the largest"
    )
    fitted = replace(RESULT, before=before, held_out=None)
    assert "gain" not in page(fitted)


@pytest.mark.parametrize(
    ("result", "lines", "at"),
    [
        (
            replace(RESULT, temperature=Temperature("given", 2.5), held_out=None),
            ["ECE 0.03125 chance alone makes 0.0625", "temperature 2.5 given, not fitted"],
            "T = 2.5",
        ),
        (
            replace(UNFITTED, temperature=Temperature("none", None)),
            ["ECE 0.125 chance alone makes 0.0625", "temperature 1 as they are: none is fitted"],
            "T = 1",
        ),
    ],
)
def test_where_none_is_fitted_the_error_comes_first(result, lines, at):
    assert first_lines(result)[:2] == lines
    assert f"Confidence and accuracy, {at}\n" in page(result)
    assert report(result).quiet == []
    asked = setting("temperature" if at == "T = 2.5" else "no_fit")
    assert why_none(result) == f"no temperature is fitted under {asked}"


def test_the_gain_says_whose_samples_it_is_of():
    origin = replace(RESULT, temperature=replace(FITTED, origin="val.npy"), n_folds=0)
    origin = replace(origin, held_out=HeldOut(0.4375, 0.0625, None))
    lines = first_lines(origin)
    assert "standard error 0.25 fitted to val.npy" in lines
    assert "gain, held out 0.0625 nats at T = 2.5" in lines
    assert "gain 0.125 nats on the samples that it is fitted to" in first_lines(replace(RESULT, held_out=None))
    given = replace(RESULT, temperature=Temperature("given", 2.5), n_folds=0)
    assert "gain 0.0625 nats at T = 2.5; standard error 0.0156" in first_lines(given)


def test_classes_weights_and_groups_are_told_where_there_are_some():
    before = replace(BEFORE, weighted_accuracy=0.8125, ece_classwise=0.046875, smece=0.05, per_class=CLASSES)
    after = replace(AFTER, per_class=CLASSES)
    text = page(replace(RESULT, before=before, after=after, is_weighted=True, n_groups=16790), width=78)
    assert "  accuracy, weighted            81.2 %   75.0 %\n" in text
    assert "  ECE, smooth                    0.0500   –\n" in text
    assert "  ECE, mean of the classes       0.0469   –\n" in text
    assert "\n\n  equal mass and CORP from 16,790 groups of nearly equal confidence\n" in text
    assert text.partition("Per class\n")[2].partition("\n\n")[0].split("\n")[-1] == (
        "  dog       58     65.6 %           62.5 %  0.03125        0.125       0.03125"
    )
    alone = page(replace(UNFITTED, before=before, temperature=Temperature("none", None)), width=78)
    assert "ECE, T" not in alone
    assert "Per class\n" in alone


def test_the_claims_of_a_class_have_a_frequency():
    text = page(replace(RESULT, claims="class cat"))
    assert "Probability and frequency of class cat, T = 1\n" in text
    assert "bar: frequency; │ mean probability;" in text


def test_the_errors_of_classes_are_told_once():
    before = replace(BEFORE, ece_classwise=0.125, bins=())
    text = page(replace(UNFITTED, before=before, claims="classwise", temperature=Temperature("none", None)))
    assert text.count("mean of the classes") == 1
    assert "ECE, mean of the classes, 3 bins   0.1250\n" in text


def test_what_has_no_value_is_left_out():
    nothing = dict.fromkeys(
        [
            *("accuracy", "weighted_accuracy", "confidence", "overconfidence", "brier", "ece", "mce", "rmsce", "ace"),
            *("ece_debiased", "ece_chance", "ece_equal_mass", "ece_sweep", "ece_sweep_bins", "spiegelhalter_z"),
            *("spiegelhalter_p", "corp_brier", "corp_log"),
        ]
    )
    empty = replace(BEFORE, loss=float("nan"), bins=(), **nothing)
    result = replace(UNFITTED, before=empty, temperature=Temperature("none", None), n_counted=0)
    assert first_lines(result)[:3] == [
        *("temperature 1 as they are: none is fitted", "samples 0 90 ignored", "classes 2"),
    ]
    assert "loss, nats    nan\n" in page(result)
    assert "bar:" not in page(result)
    found = json.loads(rendered.json(report(result)))
    assert found["nonfinite"] == {"loss": "nan", "before.loss": "nan"}
    assert (found["loss"], found["before"]["loss"], found["before"]["corp_log_mcb"]) == (None, None, None)


KEYS = (
    *("temperature", "temperature_status", "temperature_standard_error", "temperature_ci_low", "temperature_ci_high"),
    *("confidence_level", "loss_limit", "temperatures_of_folds", "loss_held_out", "gain_held_out"),
    *("gain_held_out_standard_error", "d2_log_loss", "n_samples", "n_counted", "n_ignored", "n_classes", "n_groups"),
    *("loss", "accuracy", "ece", "before", "after", "per_class", "notes", "warnings"),
)
MEASURES = (
    *("temperature", "loss", "accuracy", "weighted_accuracy", "confidence", "overconfidence", "brier", "brier_half"),
    *("ece", "mce", "rmsce", "ace", "ece_debiased", "ece_chance", "ece_equal_mass", "ece_sweep", "ece_sweep_bins"),
    *("ece_classwise", "ece_classwise_equal_mass", "smece", "spiegelhalter_z", "spiegelhalter_p"),
    *("corp_brier_mcb", "corp_brier_dsc", "corp_brier_unc", "corp_brier_score"),
    *("corp_log_mcb", "corp_log_dsc", "corp_log_unc", "corp_log_score", "bins"),
)


def test_the_json():
    found = json.loads(rendered.json(report(RESULT)))
    assert tuple(found)[-len(KEYS) :] == KEYS
    assert tuple(found)[: -len(KEYS)] == ("schema_version", "command", "version", "kernel", "signature", "inputs")
    assert tuple(found["before"]) == tuple(found["after"]) == MEASURES
    assert found["before"]["bins"][0] == dict(
        zip(
            ("low", "high", "count", "weight", "confidence", "accuracy", "gap", "chance"),
            (0.0, 0.25, 0, 0.0, None, None, None, None),
            strict=True,
        )
    )
    assert found["after"]["bins"][1]["chance"] == pytest.approx(0.245, abs=1e-4)
    assert (found["before"]["brier_half"], found["before"]["corp_log_score"]) == (0.1875, 0.5)
    assert found["temperatures_of_folds"] == [2.25, None, 2.75]
    assert (found["loss_held_out"], found["gain_held_out_standard_error"]) == (0.4375, 0.015625)
    assert found["notes"] == [{"code": "squeezed", "message": "squeezed"}]
    assert (found["n_ignored"], found["per_class"]) == (2, None)


def test_the_json_without_a_temperature():
    found = json.loads(rendered.json(report(replace(UNFITTED, temperature=Temperature("none", None)))))
    names = ("temperature", "after", "loss_held_out", "gain_held_out", "gain_held_out_standard_error")
    assert [found[name] for name in names] == [None] * 5


def test_loss_accuracy_and_ece_are_those_under_the_settings():
    given = replace(RESULT, temperature=Temperature("given", 2.5))
    assert named_values(report(given), ["ece", "loss", "accuracy"]) == [0.03125, 0.375, 0.75]
    assert named_values(report(RESULT), ["ece", "loss", "after.ece"]) == [0.125, 0.5, 0.03125]


def test_numbers_are_found_by_their_paths():
    paths = ["before.bins[2].gap", "before.bins[low=0.25].count", "after.corp_brier_mcb"]
    assert named_values(report(RESULT), paths) == [-0.125, 8, 0.03125]
    with pytest.raises(UsageError, match=r"the JSON has no 'after\.ecce'"):
        named_values(report(RESULT), ["after.ecce"])


def test_settings_in_notes_are_written_as_flags_in_the_json_too():
    result = replace(RESULT, notes=(Notice("folds", f"see {setting('folds')}"),))
    assert json.loads(rendered.json(in_flags(report(result))))["notes"][0]["message"] == "see --folds"


def test_the_classes_for_programs():
    before, after = replace(BEFORE, per_class=CLASSES), replace(AFTER, per_class=CLASSES[::-1])
    found = json.loads(rendered.json(report(replace(RESULT, before=before, after=after))))["per_class"]
    assert found[0] == {
        **{"class": "cat", "count": 30.0, "frequency": 0.34375},
        **{"confidence": 0.375, "ece": 0.0625, "mce": 0.25, "ece_equal_mass": None},
        **{"after_confidence": 0.625, "after_ece": 0.03125, "after_mce": 0.125, "after_ece_equal_mass": 0.03},
    }
    alone = replace(UNFITTED, before=before)
    assert json.loads(rendered.json(report(alone)))["per_class"][1]["after_ece"] is None
    lines = "".join(FORMATS.load("csv")(report(alone, listed="per_class"))).split("\n")
    assert lines[0].startswith("class,count,frequency,confidence,ece,mce,ece_equal_mass,after_confidence,")
    assert lines[2] == "dog,58,0.65625,0.625,0.03125,0.125,0.03,,,,"


def test_lists():
    numbers = "".join(FORMATS.load("csv")(report(RESULT))).split("\n")
    assert numbers[:3] == ["metric,value", "temperature,2.5", "temperature_status,fitted"]
    assert {"ece,0.125", "before.ece,0.125", "after.ece,0.03125", "after.smece,"} < {*numbers}
    assert not any("bins[" in line or line.startswith(("before.bins", "notes", "per_class")) for line in numbers)
    bins = "".join(FORMATS.load("tsv")(report(RESULT, listed="bins"))).split("\n")
    assert bins[0].split("\t") == [
        *("probabilities", "temperature", "low", "high", "count", "weight", "confidence", "accuracy", "gap", "chance")
    ]
    assert bins[1] == "before\t1\t0\t0.25\t0\t0\t\t\t\t"
    assert [line.split("\t")[:4] for line in bins[4:-1]] == [
        ["after", "2.5", "0", "0.25"],
        ["after", "2.5", "0.25", "0.5"],
        ["after", "2.5", "0.5", "1"],
    ]


def test_markdown_has_the_tables_without_the_picture():
    text = rendered.markdown(report(RESULT))
    assert "| from | to | count | confidence | accuracy | gap | chance |\n" in text
    assert "| loss, nats | 0.5000 | 0.3750 |\n" in text
    assert "│" not in text


def test_quiet_is_the_temperature():
    assert report(RESULT).quiet == [2.5]
    assert why_none(RESULT) is None
