import json
import re

import numpy as np
import pytest
from predictions import FAULTS, SAMPLES

from nllcli.cli.main import main
from nllcli.commands.check.findings import FINDINGS

# What a fault causes, reported after it.
SYMPTOMS = {"absent-classes", "worse-than-chance", "worse-than-frequencies"}
CASES = [(code, build) for code, builders in FAULTS.items() for build in builders]


def check(words, capsys):
    """Exit code and JSON of ``nll check``."""
    code = main(["check", *words, "-f", "json"])
    out, err = capsys.readouterr()
    assert code in (0, 5), err
    return code, json.loads(out)


def test_every_code_has_a_file_with_the_fault():
    assert set(FAULTS) == set(FINDINGS)


def test_help_says_what_every_code_means_and_how_bad_it_is(capsys):
    """In lines of 80 columns, under the severity that the fault's file shows."""
    assert main(["check", "--help"]) == 0
    shown = capsys.readouterr().out
    of_errors, of_warnings = shown.partition("Findings, errors (exit code 5):")[2].split(
        "Findings, warnings (exit code 5):"
    )
    shown_as = {"error": of_errors, "warning": of_warnings}
    listed = {
        severity: dict(re.findall(r"^  ([a-z0-9]+(?:-[a-z0-9]+)+) +(\S.{5,})$", text, re.MULTILINE))
        for severity, text in shown_as.items()
    }
    assert {(code, severity) for severity, codes in listed.items() for code in codes} == {
        (code, kind.severity) for code, kind in FINDINGS.items()
    }
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(("code", "build"), CASES, ids=[f"{code}-{b.__name__}" for code, b in CASES])
def test_fault_is_found(code, build, tmp_path, capsys):
    exit_code, answer = check(build(tmp_path), capsys)
    assert exit_code == 5
    first, *others = answer["findings"]
    assert first["code"] == code
    assert first["severity"] == FINDINGS[code].severity
    assert first["message"]
    assert first["fix"]
    assert {finding["code"] for finding in others} <= SYMPTOMS


@pytest.mark.parametrize("words", SAMPLES.values(), ids=SAMPLES)
def test_samples_are_clean(words, capsys):
    words = [f"samples/{word}" if "/" in word else word for word in words]
    exit_code, answer = check(words, capsys)
    assert exit_code == 0
    assert answer["findings"] == []


def evidence(build, tmp_path, capsys):
    return check(build(tmp_path), capsys)[1]["findings"][0]["evidence"]


def build(code, name):
    return next(b for b in FAULTS[code] if b.__name__ == name)


def test_softmax_twice_reports_both_losses(tmp_path, capsys):
    seen = evidence(build("softmax-twice", "softmax_twice"), tmp_path, capsys)
    probs, targets = np.load(tmp_path / "logits.npy").astype(float), np.load(tmp_path / "targets.npy")
    own = probs[np.arange(60), targets]
    assert seen["samples"] == 60
    assert seen["loss_as_probs"] == pytest.approx(np.mean(-np.log(own)))
    assert seen["loss_as_logits"] == pytest.approx(np.mean(np.log(np.exp(probs).sum(axis=1)) - own))


def test_first_rows_and_counts(tmp_path, capsys):
    assert evidence(build("targets-out-of-range", "out_of_range"), tmp_path, capsys) == {
        "samples": 2,
        "first": ["row 3", "row 17"],
        "values": ["-4 (1 time)", "7 (1 time)"],
    }
    assert evidence(build("nan-logits", "nan_logit"), tmp_path, capsys) == {
        "samples": 1,
        "first": ["row 5"],
        "values": 1,
        "in_classes": "2",
    }
    assert evidence(build("duplicated-rows", "one_row_twice"), tmp_path, capsys) == {
        "samples": 1,
        "first": ["row 31 = row 7"],
    }


def test_shifted_targets_name_the_shift(tmp_path, capsys):
    words = build("shifted-targets", "not_shifted")(tmp_path)
    finding = check(words, capsys)[1]["findings"][0]
    assert finding["fix"].startswith("--shift 1;")
    assert check([*words, "--shift", "1"], capsys)[1]["findings"] == []
    finding = check([*words, "--shift", "2"], capsys)[1]["findings"][0]
    assert (finding["code"], finding["fix"][:10]) == ("shifted-targets", "--shift 1;")


def test_ambiguous_axis_reports_the_loss_along_each(tmp_path, capsys):
    seen = evidence(FAULTS["class-axis-ambiguous"][0], tmp_path, capsys)
    logits, targets = np.load(tmp_path / "logits.npy").astype(float), np.load(tmp_path / "targets.npy")
    last = np.log(np.exp(logits).sum(axis=2)) - np.take_along_axis(logits, targets[:, :, None], 2)[:, :, 0]
    middle = np.log(np.exp(logits).sum(axis=1)) - np.take_along_axis(logits, targets[:, None, :], 1)[:, 0]
    assert seen == pytest.approx({"loss_along_axis_1": middle.mean(), "loss_along_axis_-1": last.mean()})


def test_permutation_is_spelt_out(tmp_path, capsys):
    seen = evidence(FAULTS["classes-permuted"][0], tmp_path, capsys)
    assert seen == {"classes": 5, "predicted": ["0 as 2", "1 as 0", "2 as 1", "4 as 5", "5 as 4"]}
