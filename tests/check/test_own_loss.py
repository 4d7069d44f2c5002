"""The loss under settings of one's own: that of nll compute, next to the findings of the file."""

import json
import math

import numpy as np
import pytest
from predictions import FAULTS, sound

from nllcli.cli.main import main
from nllcli.numerics.losses import LOSSES, Loss

PETS = ["samples/pets/logits.csv", "samples/pets/targets.txt"]


def run(capsys, *words):
    code = main(["check", *words])
    out, err = capsys.readouterr()
    return code, out, err


def saved(folder, **arrays):
    """Paths of the arrays."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return [str(folder / f"{name}.npy") for name in arrays]


@pytest.mark.uncounted
@pytest.mark.parametrize(
    "settings",
    [
        ["--weights", "1,2,3"],
        [
            "--counts",
            "targets",
            "--scheme",
            "inverse",
            "--normalize",
            "max",
            "--zero-count",
            "zero",
            "--reduction",
            "sum",
        ],
        ["--counts", "5,6,7", "--scheme", "effective", "--beta", "0.9"],
        ["--loss", "one-vs-rest", "--reduction", "sum"],
        ["--label-smoothing", "0.2", "--temperature", "3"],
        ["--clip", "0.2", "--precision", "fast", "--on-nonfinite", "nan", "--header", "yes"],
        ["--sample-weights", "own.npy"],
    ],
    ids=lambda settings: settings[0],
)
def test_settings_decide_the_loss_that_is_reported(settings, tmp_path, capsys):
    """The number of nll compute; the findings stay those of the file."""
    np.save(tmp_path / "own.npy", np.array([1.0, 0.5, 2.0]))
    words = [*PETS, *(str(tmp_path / word) if word == "own.npy" else word for word in settings)]
    code, out, _ = run(capsys, *words, "-f", "json")
    answer = json.loads(out)
    plain = json.loads(run(capsys, *PETS, "-f", "json")[1])
    assert (code, answer["n_findings"], list(answer)) == (0, 0, list(plain))
    assert main(["compute", *words, "-f", "json"]) == 0
    wanted = json.loads(capsys.readouterr().out)
    assert answer["loss"] == wanted["loss"] != pytest.approx(plain["loss"], abs=1e-3)
    assert answer["signature"] == wanted["signature"]


def test_a_loss_that_is_one_record_works(monkeypatch, capsys):
    """As a new one is added: a module with the formulas, and its record."""
    monkeypatch.setitem(LOSSES, "toy", Loss("Toy loss", "twice the negative log-likelihood", "toy_loss"))
    rows, weights = [([5, 4, 2], 0), ([4, 2, 8], 2), ([4, 4, 1], 1)], [1, 2, 4]
    losses = [math.log(sum(math.exp(x - row[y]) for x in row)) for row, y in rows]
    code, out, _ = run(capsys, *PETS, "--loss", "toy", "--weights", "1,2,4", "--reduction", "sum", "-f", "json")
    answer = json.loads(out)
    assert (code, answer["findings"]) == (0, [])
    expected = math.fsum(2 * weights[y] * loss for loss, (_, y) in zip(losses, rows, strict=True))
    assert answer["loss"] == pytest.approx(expected, rel=1e-14)
    assert answer["signature"].startswith("loss:toy|")


def test_findings_come_first_where_no_loss_can(tmp_path, capsys):
    words = FAULTS["targets-out-of-range"][0](tmp_path)
    code, out, _ = run(capsys, *words, "--reduction", "sum", "-f", "json")
    answer = json.loads(out)
    assert (code, answer["loss"]) == (5, None)
    assert [finding["code"] for finding in answer["findings"]] == ["targets-out-of-range"]


@pytest.mark.parametrize("settings", [["--weights", "1,2"], ["--clip", "0.7"], ["--beta", "0.5"]], ids=" ".join)
def test_settings_without_a_meaning_are_refused(settings, capsys):
    code, out, err = run(capsys, *PETS, *settings)
    assert (code, out) == (2, "")
    assert err.startswith("nll: error: ")


@pytest.mark.parametrize("build", FAULTS["sample-weights-invalid"] + FAULTS["loss-refused"])
def test_what_compute_refuses_is_an_error(build, tmp_path, capsys):
    words = build(tmp_path)
    assert main(["compute", *words, "-q"]) == 3
    refusal = capsys.readouterr().err
    code, out, _ = run(capsys, *words, "-f", "json")
    answer = json.loads(out)
    assert (code, answer["n_errors"], answer["loss"]) == (5, 1, None)
    [finding] = answer["findings"]
    assert finding["message"] in refusal or finding["evidence"]["first"][0] in refusal


@pytest.mark.parametrize(
    ("weights", "code"),
    [([-1.0, *[1.0] * 39], "negative-sample-weights"), ([0.0] * 40, "zero-weight-sum")],
    ids=["negative", "zero"],
)
def test_weights_worth_a_warning_are_reported_as_compute_reports_them(weights, code, tmp_path, capsys):
    logits, targets = sound(6, 40, 4)
    *words, weights = saved(tmp_path, logits=logits, targets=targets, weights=np.array(weights))
    words += ["--sample-weights", weights, "-f", "json"]
    exit_code, out, _ = run(capsys, *words)
    warnings = json.loads(out)["warnings"]
    assert (exit_code, [warning["code"] for warning in warnings]) == (0, [code])
    main(["compute", *words])
    assert warnings == json.loads(capsys.readouterr().out)["warnings"]


def test_an_ignored_sample_may_weigh_anything(tmp_path, capsys):
    logits, targets = sound(6, 40, 4)
    targets[3] = -100
    weights = np.where(targets == -100, np.nan, 1.0)
    *words, weights = saved(tmp_path, logits=logits, targets=targets, weights=weights)
    assert run(capsys, *words, "--sample-weights", weights, "-q") == (0, "", "")


def test_too_few_weights_are_not_taken_for_targets(tmp_path, capsys):
    _, out, _ = run(capsys, *FAULTS["lengths-differ"][2](tmp_path), "-f", "json")
    [finding] = json.loads(out)["findings"]
    assert finding["message"].startswith(str(tmp_path / "weights.npy"))
    assert finding["fix"] == "give one sample weight for each sample of the logits"


@pytest.mark.parametrize("code", ["targets-one-based", "targets-out-of-range", "absent-classes"])
def test_counts_of_faulty_targets_leave_the_findings(code, tmp_path, capsys):
    words = FAULTS[code][0](tmp_path)
    found = json.loads(run(capsys, *words, "-f", "json")[1])["findings"]
    exit_code, out, _ = run(capsys, *words, "--counts", "targets", "-f", "json")
    answer = json.loads(out)
    assert (exit_code, answer["loss"]) == (5, None)
    assert [finding for finding in answer["findings"] if finding["code"] != "loss-refused"] == found
    refusals = [finding["message"] for finding in answer["findings"] if finding["code"] == "loss-refused"]
    [refusal] = refusals or [warning["message"] for warning in answer["warnings"]]
    assert "target " in refusal or "class 3 has a count of 0" in refusal


@pytest.mark.parametrize("settings", [["--temperature", "2"], ["--weights", "1,2,3,4"], ["--counts", "targets"]])
def test_settings_without_targets_are_said_to_be_of_no_use(settings, tmp_path, capsys):
    logits, _ = sound(6, 40, 4)
    words = saved(tmp_path, logits=logits)
    assert run(capsys, *words, *settings, "-q") == (
        0,
        "",
        "nll: warning: there is no loss under these settings: there are no targets\n",
    )


@pytest.mark.parametrize(
    "settings",
    [["--temperature", "-1"], ["--weights", "1,2"], ["--clip", "x"], ["--counts", "1,2"], ["--beta", "0.5"]],
    ids=" ".join,
)
def test_settings_without_a_meaning_are_refused_without_targets_too(settings, tmp_path, capsys):
    logits, _ = sound(6, 40, 4)
    assert run(capsys, *saved(tmp_path, logits=logits), *settings)[:2] == (2, "")


def test_a_clipped_loss_is_not_infinite(tmp_path, capsys):
    words = FAULTS["infinite-loss"][0](tmp_path)
    code, out, _ = run(capsys, *words, "--clip", "1e-6", "-f", "json")
    answer = json.loads(out)
    assert (code, answer["findings"]) == (0, [])
    assert [warning["code"] for warning in answer["warnings"]] == ["clipped"]
    assert answer["loss"] < -math.log(1e-6)
