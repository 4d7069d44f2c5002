"""nll compute over several files: what is wrong with some of them, and files that were done before."""

import gzip
import json
import os
import time
from pathlib import Path

import numpy as np
import oracle
import pytest
from following import offered, run
from in_process import nll
from range_server import serving

from nllcli import engine

N, C = 400, 4
RNG = np.random.default_rng(29)
LOGITS = RNG.normal(0, 3, (N, C))
TARGETS = RNG.integers(0, C, N)
CUTS = [0, 60, 130, 131, 131, 300]
PARTS = list(zip(CUTS, [*CUTS[1:], N], strict=True))
X, Y = "x-*.npy", "y-*.npy"


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(engine, "_MOST_SAMPLES", 20)  # several blocks a file
    for i, (start, stop) in enumerate(PARTS):
        np.save(f"x-{i}.npy", LOGITS[start:stop])
        np.save(f"y-{i}.npy", TARGETS[start:stop])
        rows = [",".join(map(repr, (*LOGITS[r].tolist(), int(TARGETS[r])))) for r in range(start, stop)]
        Path(f"t{i}.csv").write_text("\n".join(["a,b,c,d,y", *rows, ""]))


def without(*parts):
    rows = np.concatenate([np.arange(*PARTS[i]) for i in range(len(PARTS)) if i not in parts])
    return pytest.approx(float(oracle.reduce(LOGITS[rows], TARGETS[rows])), rel=1e-14)


WORKERS = [(), ("--threads", "1"), ("--threads", "3"), ("--processes", "2")]


@pytest.mark.uncounted
@pytest.mark.parametrize("workers", WORKERS, ids=" ".join)
def test_every_file_with_something_wrong_is_named(workers):
    bad = LOGITS[60:130].copy()
    bad[45, 1] = np.nan
    np.save("x-1.npy", bad)
    wrong = TARGETS[300:].copy()
    wrong[77] = C
    np.save("y-5.npy", wrong)
    done = nll("compute", X, Y, "-q", *workers)
    assert done.code == 3
    assert done.out == ""
    assert done.err.splitlines()[0] == (
        "nll: error: 2 of 6 files cannot be scored: x-1.npy, row 45: class 1 is NaN; "
        "y-5.npy, row 77: target 4 is outside 0..3"
    )
    (line,) = offered(done)
    partial = run(line)
    assert partial.code == 3
    assert float(partial.out) == without(1, 5)
    assert partial.err == (
        "nll: warning: 2 of 6 files are not scored: x-1.npy, row 45: class 1 is NaN; "
        "y-5.npy, row 77: target 4 is outside 0..3\n"
    )
    report = json.loads(nll("compute", X, Y, "--partial", *workers, "-f", "json").out)
    assert "|partial:4-of-6|" in report["signature"]
    assert [each["logits"] for each in report["inputs"]] == ["x-0.npy", "x-2.npy", "x-3.npy", "x-4.npy"]
    assert report["n_samples"] == N - 70 - 100


@pytest.mark.parametrize("workers", WORKERS, ids=" ".join)
def test_text_that_breaks_off_in_the_middle(workers):
    for i in range(len(PARTS)):
        data = gzip.compress(Path(f"t{i}.csv").read_bytes())
        Path(f"z{i}.csv.gz").write_bytes(data[:-30] if i == 4 else data)
    words = ["z*.csv.gz", "--target-column", "y", "--on-nonfinite", "nan"]
    done = nll("compute", *words, *workers)
    assert done.code == 3
    assert done.err.startswith("nll: error: z4.csv.gz: ")
    partial = nll("compute", *words, "--partial", "-q", *workers)
    assert float(partial.out) == without(4)
    rows = Path("t5.csv").read_text().splitlines()
    rows[8] = "nan,nan,nan,nan,1"
    Path("z5.csv.gz").write_bytes(gzip.compress("\n".join(rows).encode()))
    after = nll("compute", *words, "--partial", "-f", "json", *workers)
    assert "z5.csv.gz, line 9" in after.err  # places are right after a file that broke off


def test_where_all_are_wrong_there_is_nothing_left():
    for i in range(len(PARTS)):
        np.save(f"y-{i}.npy", np.full(PARTS[i][1] - PARTS[i][0], 9))
        np.save(f"x-{i}.npy", np.full((PARTS[i][1] - PARTS[i][0], C), np.nan))
    done = nll("compute", "x-{0..1}.npy", "y-{0..1}.npy", "--partial")
    assert done.code == 3
    assert done.out == ""


def test_arrays_are_of_all_or_of_none():
    np.save("y-5.npy", np.full(100, 9))
    done = nll("compute", X, Y, "--partial", "--save-losses", "losses.npy")
    assert done.code == 3
    assert "target 9 is outside 0..3" in done.err
    assert not Path("losses.npy").exists()
    assert nll("compute", X, Y, "--partial", "--reduction", "none", "-q").out == ""


def test_nothing_is_written_after_a_file_that_cannot_be_scored():
    np.save("y-1.npy", np.full(PARTS[1][1] - PARTS[1][0], 9))
    done = nll("compute", X, Y, "--save-losses", "losses.npy")
    assert (done.code, "y-1.npy, row 0: target 9 is outside 0..3" in done.err) == (3, True)
    assert "--partial" not in done.err
    assert not Path("losses.npy").exists()


def test_wrong_usage_is_told_at_once():
    done = nll("compute", X, Y, "--shift", "70")
    assert done.code == 2


# --- going on with a run that was cut off ----------------------------------------------------------------------------


def files_in(folder):
    return sorted(Path(folder).iterdir())


@pytest.mark.uncounted
@pytest.mark.parametrize("words", [(X, Y), ("t*.csv", "--target-column", "y"), (X, "all.npy")], ids=" ".join)
def test_files_that_are_done_are_skipped(words):
    np.save("all.npy", TARGETS)
    words = [*words, "--sample-weights", "all.npy"] if "all.npy" in words else words
    expected = nll("compute", *words, "-f", "json")
    first = nll("compute", *words, "-f", "json", "--resume", "done")
    assert (first.out, first.err) == (expected.out, "")
    assert len(files_in("done")) == len(PARTS)
    before = {file: file.stat().st_mtime_ns for file in files_in("done")}
    files_in("done")[2].unlink()
    again = nll("compute", *words, "-f", "json", "--resume", "done", "--processes", "2")
    assert again.out == expected.out
    assert again.err == "nll: note: done: 5 of 6 files done before\n"
    assert sum(file.stat().st_mtime_ns == before[file] for file in files_in("done")) == 5
    whole = nll("compute", *words, "--resume", "done")
    assert whole.out == nll("compute", *words).out
    assert whole.err == "nll: note: done: 6 of 6 files done before\n"
    merged = nll("merge", "done/*", "-f", "json")
    assert json.loads(merged.out)["loss"] == json.loads(expected.out)["loss"]


def test_what_is_done_under_other_settings_or_of_other_files_is_done_again():
    assert nll("compute", X, Y, "-q", "--resume", "done").code == 0
    other = nll("compute", X, Y, "-q", "--resume", "done", "--temperature", "2")
    assert other.err == ""
    assert other.out == nll("compute", X, Y, "-q", "--temperature", "2").out
    assert nll("compute", X, Y, "-q", "--resume", "done").err == "nll: note: done: 6 of 6 files done before\n"
    np.save("y-1.npy", (TARGETS[60:130] + 1) % C)
    later = time.time() + 10
    os.utime("y-1.npy", (later, later))
    changed = nll("compute", X, Y, "-q", "--resume", "done", "--temperature", "2")
    assert changed.err == "nll: note: done: 5 of 6 files done before\n"
    assert changed.out == nll("compute", X, Y, "-q", "--temperature", "2").out


def test_what_is_done_under_another_choice_for_nan_is_done_again():
    bad = LOGITS[60:130].copy()
    bad[45, 1] = np.nan
    np.save("x-1.npy", bad)
    lenient = nll("compute", X, Y, "-q", "--on-nonfinite", "nan", "--resume", "done")
    assert (lenient.code, lenient.out) == (0, "nan\n")
    strict = nll("compute", X, Y, "-q", "--resume", "done")
    assert (strict.code, strict.out) == (3, "")
    assert "x-1.npy, row 45: class 1 is NaN" in strict.err


@pytest.mark.parametrize("targets", [(), ("soft-*.npy",)], ids=["none", "soft"])
def test_without_one_class_to_predict_files_are_skipped_too(targets):
    for i, (start, stop) in enumerate(PARTS):
        np.save(f"soft-{i}.npy", np.eye(C)[TARGETS[start:stop]])
    words = [X, *targets, *(() if targets else ("--loss", "argmax")), "-f", "json", "--resume", "done"]
    first = nll("compute", *words)
    again = nll("compute", *words)
    assert (again.code, again.out) == (0, first.out)
    assert again.err == "nll: note: done: 6 of 6 files done before\n"


@pytest.mark.parametrize(("precision", "kind"), [("exact", "note"), ("fast", "warning")])
def test_what_another_machine_has_done_is_told(precision, kind):
    words = [X, Y, "--precision", precision, "-f", "json", "--resume", "done"]
    first = nll("compute", *words)
    data = json.loads(files_in("done")[0].read_text())
    other = {"numpy": "9.8.7", "machine": "arm64", "simd": "SVE"}
    files_in("done")[0].write_text(json.dumps(data | {"computed_with": [other]}))
    again = nll("compute", *words)
    assert f"nll: {kind}: one machine may give another" in again.err
    assert "numpy 9.8.7 (arm64 SVE)" in again.err
    assert again.json["loss"] == first.json["loss"]


@pytest.mark.parametrize("left", [(), (1,), (4,)], ids=str)
def test_what_was_worth_knowing_of_files_that_are_done_is_told_again(left):
    for i in (1, 4):
        bad = np.load(f"x-{i}.npy")
        bad[7] = np.nan
        np.save(f"x-{i}.npy", bad)
    words = [X, Y, "-q", "--missing", "ignore", "--resume", "done"]
    first = nll("compute", *words)
    told = "nll: note: x-1.npy: 1 sample of NaN alone left out (and the like of 1 other file)\n"
    assert (first.code, first.err) == (0, told)
    for i in left:
        files_in("done")[i].unlink()
    again = nll("compute", *words)
    assert again.out == first.out
    assert again.err == told + f"nll: note: done: {6 - len(left)} of 6 files done before\n"


def test_files_of_a_server_are_told_from_others_by_their_version():
    with serving() as server:
        server.files["/x.npy"] = Path("x-1.npy").read_bytes()
        words = ["compute", f"{server.url}/x.npy", "y-1.npy", "-q", "--resume", "done"]
        server.tags = False
        refused = nll(*words)
        assert (refused.code, refused.out, Path("done").exists()) == (2, "", False)
        assert refused.err.splitlines()[0] == (
            f"nll: error: {server.url}/x.npy: is on a server that says nothing of its version, "
            "and --resume is for files that can be told from others"
        )
        (line,) = offered(refused)
        expected = run(line)
        assert expected.code == 0
        server.headers = {"Last-Modified": "Fri, 27 Nov 2026 12:00:00 GMT"}
        assert nll(*words).out == expected.out
        assert nll(*words).err == "nll: note: done: 1 of 1 file done before\n"
        server.headers = {"Last-Modified": "Fri, 27 Nov 2026 12:00:01 GMT"}
        server.files["/x.npy"] = Path("x-1.npy").read_bytes()[:-8] + b"\0" * 8
        again = nll(*words)
        assert again.err == ""
        assert again.out != expected.out


def test_what_went_well_is_kept_where_a_file_is_wrong():
    np.save("y-4.npy", np.full(169, 9))
    done = nll("compute", X, Y, "-q", "--resume", "done")
    assert done.code == 3
    assert len(files_in("done")) == 5
    np.save("y-4.npy", TARGETS[131:300])
    mended = nll("compute", X, Y, "-q", "--resume", "done")
    assert mended.err == "nll: note: done: 5 of 6 files done before\n"
    assert float(mended.out) == without()


def test_class_sums_are_kept_up_to_a_thousand_classes(monkeypatch):
    monkeypatch.setattr("nllcli.commands.compute.LISTED_CLASSES", 3)
    assert nll("compute", X, Y, "-q", "--resume", "done").code == 0
    table = nll("compute", X, Y, "--per-class", "-f", "csv", "--resume", "done")
    assert table.err == "nll: note: done: 1 of 6 files done before\n"  # the empty one has no sums of classes to lack
    assert table.out == nll("compute", X, Y, "--per-class", "-f", "csv").out
    assert nll("compute", X, Y, "-q", "--resume", "done").err == "nll: note: done: 6 of 6 files done before\n"


@pytest.mark.parametrize("words", [["--per-sample"], ["--save-losses", "l.npy"], ["--reduction", "none"]], ids=" ".join)
def test_every_sample_cannot_be_had_from_what_is_done(words):
    done = nll("compute", X, Y, *words, "--resume", "done")
    assert done.code == 2
    (line,) = offered(done)
    assert run(line).code == 0


def test_weights_from_the_counts_of_all_targets():
    words = [X, Y, "--counts", "targets", "-q"]
    expected = nll("compute", *words).out
    assert nll("compute", *words, "--resume", "done").out == expected
    assert nll("compute", *words, "--resume", "done").out == expected


def test_a_folder_that_holds_something_else():
    assert nll("compute", X, Y, "-q", "--resume", "done").code == 0
    files_in("done")[0].write_text("{}")
    done = nll("compute", X, Y, "-q", "--resume", "done")
    assert done.code == 3
    assert "done/x-0.npy-" in done.err
    Path("file").write_text("")
    assert nll("compute", X, Y, "-q", "--resume", "file").code == 4


def test_a_pipe_cannot_be_told_from_another():
    done = run("cat x-0.npy | nll compute - y-0.npy -q --resume done")
    assert done.code == 2
    assert "standard input: can be read only once, and --resume is for files that can be told from others" in done.err
    (line,) = offered(done)
    assert run(f"cat x-0.npy | {line}").code == 0


@pytest.mark.parametrize("workers", WORKERS, ids=" ".join)
def test_places_are_right_after_a_file_that_is_wrong(workers):
    """The wrong file has several blocks, of which the first ends the work where others take it."""
    np.save("y-0.npy", np.full(60, 9))
    bad = LOGITS[131:300].copy()
    bad[[3, 150]] = np.nan
    np.save("x-4.npy", bad)
    done = nll("compute", X, Y, "--partial", "--on-nonfinite", "nan", "-q", "--resume", "done", *workers)
    assert done.code == 3
    told = [line for line in done.err.splitlines() if "NaN, +inf" in line]
    assert told == [
        "nll: warning: NaN, +inf or only -inf in 2 of 340 samples, which count as NaN: x-4.npy, row 3, x-4.npy, row 150"
    ]
    np.save("y-0.npy", TARGETS[:60])
    again = nll("compute", X, Y, "--on-nonfinite", "nan", "-q", "--resume", "done", *workers)
    assert again.code == 0
    assert "in 2 of 400 samples, which count as NaN: x-4.npy, row 3, x-4.npy, row 150" in again.err


@pytest.mark.parametrize("workers", WORKERS, ids=" ".join)
def test_a_wrong_target_is_in_its_file_after_one_that_broke_off(workers, monkeypatch):
    monkeypatch.setattr(engine, "_MOST_SAMPLES", 1 << 14)
    rows = [",".join(map(repr, row)) + "\n" for row in LOGITS[:100].tolist()]
    for i in range(3):
        n = 400 if i == 0 else 1  # too much to be looked at ahead
        data = gzip.compress("".join(rows * n).encode())
        Path(f"l-{i}.csv.gz").write_bytes(data[:-2000] if i == 0 else data)
        targets = np.tile(TARGETS[:100], n)
        targets[3] = 9 if i == 1 else targets[3]
        np.save(f"t-{i}.npy", targets)
    done = nll("compute", "l-*.csv.gz", "t-*.npy", "-q", *workers)
    assert done.code in (3, 4)
    assert "; t-1.npy, row 3: target 9 is outside 0..3" in done.err
