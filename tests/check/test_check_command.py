import csv
import io
import json
import math
import struct

import numpy as np
import pytest
from predictions import FAULTS, softmax, sound, zeros_under_a_shift

from nllcli.cli.main import main

PETS = ["samples/pets/logits.csv", "samples/pets/targets.txt"]
PLAIN = np.mean(
    [np.log(sum(np.exp(x - row[y]) for x in row)) for row, y in [([5, 4, 2], 0), ([4, 2, 8], 2), ([4, 4, 1], 1)]]
)
KEYS = [
    "schema_version",
    "command",
    "version",
    "kernel",
    "signature",
    "n_findings",
    "n_errors",
    "n_warnings",
    "n_notes",
    "loss",
    "chance_loss",
    "frequencies_loss",
    "n_samples",
    "n_counted",
    "n_classes",
    "findings",
    "ignored_findings",
    "warnings",
]


def run(capsys, *words):
    code = main(["check", *words])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def faulty(tmp_path):
    """Targets out of range, and one row that occurs twice."""
    logits, targets = sound(0, 400, 4)
    targets[3] = 9
    logits[10], targets[10] = logits[20], targets[20]
    np.save(tmp_path / "logits.npy", logits)
    np.save(tmp_path / "targets.npy", targets)
    return [str(tmp_path / "logits.npy"), str(tmp_path / "targets.npy")]


def test_json_keys_when_clean(capsys):
    code, out, err = run(capsys, *PETS, "-f", "json")
    answer = json.loads(out)
    assert (code, err) == (0, "")
    assert list(answer) == KEYS
    assert answer["n_findings"] == answer["n_errors"] == answer["n_warnings"] == answer["n_notes"] == 0
    assert (answer["n_samples"], answer["n_counted"], answer["n_classes"]) == (3, 3, 3)
    assert answer["loss"] == pytest.approx(PLAIN, rel=1e-14)


def test_json_keys_when_not(faulty, capsys):
    code, out, _ = run(capsys, *faulty, "-f", "json")
    answer = json.loads(out)
    assert code == 5
    assert list(answer) == KEYS
    assert [answer[key] for key in KEYS[5:9]] == [2, 1, 0, 1]
    assert (answer["n_samples"], answer["n_counted"]) == (400, 399)
    assert [list(finding) for finding in answer["findings"]] == [["code", "severity", "message", "evidence", "fix"]] * 2


def test_json_keys_where_opening_refuses(tmp_path, capsys):
    code, out, _ = run(capsys, *FAULTS["lengths-differ"][0](tmp_path), "-f", "json")
    answer = json.loads(out)
    assert code == 5
    assert list(answer) == KEYS
    assert answer["loss"] is answer["n_samples"] is answer["n_classes"] is None


def test_quiet_prints_the_codes(faulty, capsys):
    assert run(capsys, *faulty, "-q") == (5, "targets-out-of-range\nduplicated-rows\n", "")
    assert run(capsys, *PETS, "-q") == (0, "", "")


def test_a_note_alone_is_clean(tmp_path, capsys):
    logits, targets = sound(0, 400, 4)
    logits[10], targets[10] = logits[20], targets[20]
    np.save(tmp_path / "logits.npy", logits)
    np.save(tmp_path / "targets.npy", targets)
    assert run(capsys, str(tmp_path / "logits.npy"), str(tmp_path / "targets.npy"), "-q") == (
        0,
        "duplicated-rows\n",
        "",
    )


@pytest.mark.parametrize(("name", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_one_row_a_finding(name, delimiter, faulty, capsys):
    _, out, _ = run(capsys, *faulty, "-f", name)
    first, second = csv.DictReader(io.StringIO(out), delimiter=delimiter)
    assert list(first) == ["code", "severity", "message", "evidence", "fix"]
    assert first["evidence"] == "samples 1; first row 3; values 9 (1 time)"
    assert (second["code"], second["severity"]) == ("duplicated-rows", "note")
    assert run(capsys, *PETS, "-f", name)[1].count("\n") == 1


def test_the_page(faulty, capsys):
    _, out, _ = run(capsys, *faulty)
    blocks = out.split("\n\n")
    assert blocks[1].split() == ["findings", "2", "1", "error,", "1", "note"]
    assert blocks[3].splitlines() == [
        "error: targets-out-of-range",
        "  what  1 target is none of the classes 0..3",
        "  seen  samples 1; first row 3; values 9 (1 time)",
        "  fix   --ignore-index for a value that means no label; else fix the targets or save all classes",
    ]
    assert run(capsys, *PETS)[1].split("\n\n")[1].split(maxsplit=2) == ["findings", "0", "nothing suspicious"]


def test_markdown(faulty, capsys):
    _, out, _ = run(capsys, *faulty, "-f", "markdown")
    assert "error: targets-out-of-range" in out
    assert "1 target is none of the classes 0..3" in out


def test_output_file(faulty, tmp_path, capsys):
    code, out, _ = run(capsys, *faulty, "-f", "json", "-o", str(tmp_path / "findings.json"))
    assert (code, out) == (5, "")
    assert json.loads((tmp_path / "findings.json").read_text())["n_findings"] == 2


def test_threads_change_nothing(tmp_path, capsys):
    logits, targets = sound(1, 60000, 30)
    logits[50000], targets[50000] = logits[3], targets[3]
    logits[100, 4] = np.nan
    np.save(tmp_path / "logits.npy", logits)
    np.save(tmp_path / "targets.npy", np.roll(targets, 1))
    words = [str(tmp_path / "logits.npy"), str(tmp_path / "targets.npy"), "-f", "json", "--threads"]
    assert run(capsys, *words, "1") == run(capsys, *words, "3")


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("cat,dog,horse\n1,2,0\n3,x,0\n5,6,0\n", 3, "is not a number"),
        ("", 3, "is empty"),
        (None, 4, "cannot be opened"),
    ],
    ids=["no number", "empty", "missing"],
)
def test_what_cannot_be_read_is_an_error(text, code, message, tmp_path, capsys):
    path = tmp_path / "logits.csv"
    if text is not None:
        path.write_text(text)
    exit_code, out, err = run(capsys, str(path), PETS[1])
    assert (exit_code, out) == (code, "")
    assert message in err
    assert err.startswith("nll: error: ")


def test_wrong_usage(capsys):
    assert run(capsys, *PETS, "--target-column", "cat")[0] == 2
    assert run(capsys, *PETS, "--from", "odds")[0] == 2


def test_names_and_lines_of_a_table(tmp_path, capsys):
    """Places are those of the file at fault: lines of a table, rows of the targets' own."""
    logits, targets = sound(2, 40, 3)
    logits[5, 1] = np.nan
    rows = [*(",".join(map(repr, row)) for row in logits.astype(float).tolist())]
    (tmp_path / "logits.csv").write_text("\n".join(["cat,dog,horse", *rows]) + "\n")
    targets[7] = 3
    np.save(tmp_path / "targets.npy", targets)
    _, out, _ = run(capsys, str(tmp_path / "logits.csv"), str(tmp_path / "targets.npy"), "-f", "json")
    nan, outside = json.loads(out)["findings"]
    assert (nan["evidence"]["first"], nan["evidence"]["in_classes"]) == (["line 7"], "dog")
    assert outside["evidence"]["first"] == ["row 7"]


def test_options_that_fix(tmp_path, capsys):
    """What a finding advises makes the file clean."""
    logits, targets = sound(3, 60, 5)
    np.save(tmp_path / "probs.npy", softmax(logits))
    np.save(tmp_path / "targets.npy", np.where(np.arange(60) < 10, 255, targets))
    words = [str(tmp_path / "probs.npy"), str(tmp_path / "targets.npy")]
    assert run(capsys, *words, "-q")[1].split() == ["softmax-twice", "padding-scored"]
    assert run(capsys, *words, "-q", "--from", "probs", "--ignore-index", "255") == (0, "", "")


@pytest.mark.parametrize("build", FAULTS["bfloat16-bits"][:2])
def test_bits_read_as_what_they_are_have_the_loss_of_the_logits(build, tmp_path, capsys):
    words = build(tmp_path)
    code, out, _ = run(capsys, *words, "--input-dtype", "bfloat16", "-f", "json")
    answer = json.loads(out)
    assert (code, answer["findings"]) == (0, [])
    bits, targets = np.load(words[0]).view(np.uint16), np.load(words[1])
    rows = [[struct.unpack("<f", bytes(2) + int(b).to_bytes(2, "little"))[0] for b in row] for row in bits]
    losses = [math.log(math.fsum(map(math.exp, row))) - row[y] for row, y in zip(rows, targets, strict=True)]
    assert answer["loss"] == pytest.approx(math.fsum(losses) / len(losses), rel=1e-12)


@pytest.mark.parametrize("build", FAULTS["bfloat16-bits"][2:])
def test_log_probabilities_read_as_advised_are_clean(build, tmp_path, capsys):
    words = build(tmp_path)
    [finding, *_] = json.loads(run(capsys, *words, "-f", "json")[1])["findings"]
    assert finding["evidence"] == {"samples": 80, "sum_to_1_as_bfloat16": 80}
    advised = finding["fix"].split(";")[0].split()
    assert run(capsys, *words, *advised, "-q") == (0, "", "")


def test_a_first_line_of_numbers_names_columns_where_it_is_said_to(tmp_path, capsys):
    (tmp_path / "x.csv").write_text("0,1,2\n5,4,2\n4,2,8\n4,4,1\n", encoding="utf-8")
    code, out, _ = run(
        capsys, str(tmp_path / "x.csv"), PETS[1], "--classes", "cat,dog,horse", "--header", "yes", "-fjson"
    )
    assert (code, json.loads(out)["n_samples"]) == (0, 3)


def test_padding_is_counted_alike_whoever_shifts(tmp_path, capsys):
    """The shift leaves the same targets to score as a file that was cut before."""
    *words, _, _ = zeros_under_a_shift(1)(tmp_path)
    tokens = np.load(words[1])
    cut = [str(tmp_path / "logits1.npy"), str(tmp_path / "targets1.npy")]
    np.save(cut[0], np.load(words[0])[:, :-1])
    np.save(cut[1], tokens[:, 1:])
    seen = [run(capsys, *case, "-f", "json")[1] for case in ([*words, "--shift", "1"], cut)]
    by_option, by_hand = (json.loads(out)["findings"][0]["evidence"] for out in seen)
    assert by_option == by_hand
    assert by_hand["samples"] == np.count_nonzero(tokens[:, 1:] == 0)


def test_targets_beyond_the_shift_are_not_said_to_be_ignored(tmp_path, capsys):
    logits, targets = sound(4, 3, 5, 4)
    targets[:, 1:] = -100
    np.save(tmp_path / "logits.npy", logits)
    np.save(tmp_path / "targets.npy", targets)
    words = [str(tmp_path / "logits.npy"), str(tmp_path / "targets.npy"), "--shift", "1"]
    assert "every target that --shift 1 reaches is -100" in run(capsys, *words)[1]
    assert main(["compute", *words, "-q"]) == 0
    assert "every target that --shift 1 reaches is -100" in capsys.readouterr().err


def test_log_probabilities_have_one_loss_either_way(tmp_path, capsys):
    _, out, _ = run(capsys, *FAULTS["log-softmax-twice"][0](tmp_path), "-f", "json")
    [seen] = [f["evidence"] for f in json.loads(out)["findings"] if f["code"] == "log-softmax-twice"]
    assert list(seen) == ["samples", "loss_either_way"]
