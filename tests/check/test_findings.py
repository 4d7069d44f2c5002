import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from predictions import FAULTS, SAMPLES, sound

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


def test_shifted_targets_of_logits_that_can_be_read_only_once(tmp_path, capsys, monkeypatch):
    """One pass compares the neighbours' losses where there is no second."""
    logits, targets = FAULTS["shifted-targets"][0](tmp_path)
    found = check([logits, targets], capsys)[1]["findings"]
    assert found[0]["code"] == "shifted-targets"
    with Path(logits).open("rb") as file:
        monkeypatch.setattr("sys.stdin", file)
        assert check(["-", targets], capsys)[1]["findings"][0] == found[0]


def test_ambiguous_axis_reports_the_loss_along_each(tmp_path, capsys):
    seen = evidence(FAULTS["class-axis-ambiguous"][0], tmp_path, capsys)
    logits, targets = np.load(tmp_path / "logits.npy").astype(float), np.load(tmp_path / "targets.npy")
    last = np.log(np.exp(logits).sum(axis=2)) - np.take_along_axis(logits, targets[:, :, None], 2)[:, :, 0]
    middle = np.log(np.exp(logits).sum(axis=1)) - np.take_along_axis(logits, targets[:, None, :], 1)[:, 0]
    assert seen == pytest.approx({"loss_along_axis_1": middle.mean(), "loss_along_axis_-1": last.mean()})


def test_permutation_is_spelt_out(tmp_path, capsys):
    seen = evidence(FAULTS["classes-permuted"][0], tmp_path, capsys)
    assert seen == {"classes": 5, "predicted": ["0 as 2", "1 as 0", "2 as 1", "4 as 5", "5 as 4"]}


RUNNABLE = {"axes-reshaped", "order-differs", *(code for code in FAULTS if code.startswith("column-is-"))}


@pytest.mark.uncounted
@pytest.mark.parametrize("build", [build for code, build in CASES if code in RUNNABLE])
def test_what_is_advised_in_numpy_and_options_makes_the_file_clean(build, tmp_path, capsys):
    """But for scores of one class within 0 and 1, which are the next question."""
    words = build(tmp_path)
    fix = check(words, capsys)[1]["findings"][0]["fix"]
    source = re.search(r"(numpy\.|logits\.|targets\.)\w+\(.*?\)(\.T(\.ravel\(\))?)?(?=[ ,]|$)|targets\[::-1\]", fix)[0]
    arrays = {name: np.load(tmp_path / f"{name}.npy") for name in ("logits", "targets")}
    fixed = eval(source, {"numpy": np, **arrays})  # what the user would run
    np.save(tmp_path / ("targets.npy" if fixed.ndim == 1 else "logits.npy"), fixed)
    words = words[: words.index("--class-axis")] if "--class-axis" in words else words
    left = [
        f["code"]
        for f in check([*words, *" ".join(re.findall(r"--[a-z-]+(?: \d)?", fix)).split()], capsys)[1]["findings"]
    ]
    assert left == (["softmax-twice"] if fixed.shape[1:] == (1,) and fixed.min() >= 0 else [])


@pytest.mark.parametrize("build", FAULTS["targets-not-renumbered"] + FAULTS["targets-one-based"])
def test_labels_as_classes_are_clean(build, tmp_path, capsys):
    """The labels that the fix lists, in its order, are 0, 1, 2, ..."""
    words = build(tmp_path)
    [finding] = [f for f in check(words, capsys)[1]["findings"] if f["code"].startswith("targets-")]
    listed = re.match(r"--classes[ =]([^ ;]+)", finding["fix"])[1]
    targets = np.load(tmp_path / "targets.npy")
    labels = np.unique(targets) if listed == "FILE" else [int(label) for label in listed.split(",")]
    np.save(tmp_path / "targets.npy", np.searchsorted(labels, targets))
    assert {f["code"] for f in check(words, capsys)[1]["findings"]} <= SYMPTOMS


def test_two_labels_are_the_two_classes_and_no_padding(tmp_path, capsys):
    [finding] = check(build("targets-not-renumbered", "minus_and_plus_1")(tmp_path), capsys)[1]["findings"]
    assert "-1 is class 0 of two, and 1 is class 1" in finding["message"]
    assert finding["fix"] == "--classes=-1,1 (where the columns are in this order)"


def test_a_column_of_a_table_is_dropped_by_its_name_or_number(tmp_path, capsys):
    """Under the setting that leaves a column out, of columns that are all said to be classes."""
    logits, targets = sound(7, 40, 3)
    np.save(tmp_path / "y.npy", targets)
    rows = [",".join(map(repr, row)) for row in np.column_stack([np.arange(40) + 7.0, logits]).astype(float).tolist()]
    for header, fix in ((["number,a,b,c"], "--drop number"), ([], "--drop 1")):
        (tmp_path / "x.csv").write_text("\n".join([*header, *rows]) + "\n")
        words = [str(tmp_path / "x.csv"), str(tmp_path / "y.npy")]
        finding = check([*words, "--columns", "*"], capsys)[1]["findings"][0]
        assert (finding["code"], finding["fix"]) == ("column-is-key", fix)
        finding = check(words, capsys)[1]["findings"][0]
        assert (finding["code"], finding["fix"]) == ("doubtful-column", f"{fix} or --columns '*'")
        assert check([*words, *fix.split()], capsys)[1]["findings"] == []


def test_classes_in_another_order_are_fixed_by_what_is_said(tmp_path, capsys):
    words = build("classes-reordered", "names_reordered")(tmp_path)
    finding = check(words, capsys)[1]["findings"][0]
    assert finding["fix"] == "--columns dog,cat,horse without --classes or leave --classes out"
    assert check(words[:-2], capsys)[1]["findings"] == []


def test_keys_are_fixed_by_what_is_said(tmp_path, capsys):
    words = build("keys-differ", "keys_in_another_order")(tmp_path)
    assert check(words, capsys)[1]["findings"][0]["fix"] == "--id key"
    words = build("keys-differ", "keys_of_other_samples")(tmp_path)
    assert check(words, capsys)[1]["findings"][0]["fix"] == "--missing ignore"
    words = build("repeated-key", "one_key_twice")(tmp_path)
    assert check(words, capsys)[1]["findings"][0]["fix"] == "keep one row of each key"


def test_columns_are_found_in_files_of_many_blocks(tmp_path, capsys):
    """And not where the last row alone differs."""
    rng = np.random.default_rng(8)
    logits = rng.normal(0, 2, (300_000, 3))
    predicted = logits.argmax(axis=1)
    columns = {
        "column-is-key": np.arange(300_000),
        "column-is-prediction": predicted,
        "column-is-confidence": logits.max(axis=1),
    }
    for code, column in columns.items():
        for last in (column[-1], column[-1] - 0.25):
            np.save(tmp_path / "x.npy", np.column_stack([logits, np.append(column[:-1], last)]))
            codes = [f["code"] for f in check([str(tmp_path / "x.npy")], capsys)[1]["findings"]]
            assert codes == [code] if last == column[-1] else code not in codes


def test_chance_stands_beside_the_loss(tmp_path, capsys):
    counts = [5, 2, 3]
    np.save(tmp_path / "logits.npy", np.random.default_rng(9).normal(0, 1, (10, 3)))
    np.save(tmp_path / "targets.npy", np.repeat(range(3), counts))
    words = [str(tmp_path / "logits.npy"), str(tmp_path / "targets.npy")]
    answer = check(words, capsys)[1]
    assert answer["chance_loss"] == pytest.approx(math.log(3), rel=1e-15)
    assert answer["frequencies_loss"] == pytest.approx(-math.fsum(n / 10 * math.log(n / 10) for n in counts), rel=1e-14)
    assert main(["check", *words]) == 0
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "chance 1.0986 nats log 3: all classes alike" in shown
    assert "frequencies 1.0297 nats each class its share of the targets" in shown
    assert main(["check", *words, "--reduction", "sum"]) == 0
    assert "all classes alike" not in capsys.readouterr().out
    answer = check(words[:1], capsys)[1]
    assert (answer["frequencies_loss"], answer["chance_loss"]) == (None, math.log(3))


def test_an_order_that_cannot_be_looked_for_again(tmp_path, capsys, monkeypatch):
    """Of logits that can be read only once, the loss alone says that something is wrong."""
    logits, targets = FAULTS["order-differs"][0](tmp_path)
    with Path(logits).open("rb") as file:
        monkeypatch.setattr("sys.stdin", file)
        found = check(["-", targets], capsys)[1]["findings"]
    assert [finding["code"] for finding in found] == ["worse-than-chance"]


def test_ignored_samples_are_in_no_order(tmp_path, capsys):
    """Their targets are none that a prediction hits, wherever they are moved to."""
    words = FAULTS["order-differs"][1](tmp_path)
    targets = np.load(words[1])
    targets[::5] = -100
    np.save(words[1], targets)
    finding = check(words, capsys)[1]["findings"][0]
    hits = np.load(words[0])[::-1].argmax(axis=1) == targets
    assert (finding["code"], finding["evidence"]["right_in_order"]) == ("order-differs", hits.sum())


def test_probabilities_without_targets_that_were_reshaped(tmp_path, capsys):
    """Their sums alone show it."""
    logits, _, *source = build("axes-reshaped", "class_major_probs")(tmp_path)
    [finding] = check([logits, *source], capsys)[1]["findings"]
    assert (finding["code"], finding["evidence"]) == ("axes-reshaped", {"samples": 60})


def test_classes_off_by_one_among_more_than_a_confusion_has(tmp_path, capsys):
    logits, _ = sound(10, 900, 300, spread=4.0)
    np.save(tmp_path / "logits.npy", logits)
    np.save(tmp_path / "targets.npy", logits[:, :298].argmax(axis=1) + 1)
    words = [str(tmp_path / "logits.npy"), str(tmp_path / "targets.npy")]
    assert check(words, capsys)[1]["findings"][0]["code"] == "targets-one-based"


def test_labels_of_their_own_among_more_than_a_confusion_has(tmp_path, capsys):
    logits, _ = sound(11, 900, 300)
    np.save(tmp_path / "logits.npy", logits)
    np.save(tmp_path / "targets.npy", np.arange(900) % 300 * 2)
    words = [str(tmp_path / "logits.npy"), str(tmp_path / "targets.npy")]
    finding = check(words, capsys)[1]["findings"][0]
    assert finding["code"] == "targets-not-renumbered"
    assert finding["fix"].startswith("--classes FILE with the labels 0 to 598 in it")


def test_very_many_targets_that_are_not_classes(tmp_path, capsys):
    """All are counted; of the different ones, as many as are kept."""
    for n, shown in ((40, 40), (70_000, "more than 65536")):
        np.save(tmp_path / "logits.npy", np.random.default_rng(12).normal(0, 1, (n, 2)))
        np.save(tmp_path / "targets.npy", np.arange(n) + 10)
        words = [str(tmp_path / "logits.npy"), str(tmp_path / "targets.npy")]
        finding = check(words, capsys)[1]["findings"][0]
        assert (finding["code"], finding["evidence"]["samples"]) == ("targets-out-of-range", n)
        assert finding["evidence"]["different"] == shown
