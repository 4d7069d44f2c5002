"""The program among closed descriptors, little memory, odd names and a bare environment."""

import os
import shutil
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from nllcli.cli.main import main

NLL = [sys.executable, "-m", "nllcli"]
COMPUTE = ["compute", "logits.npy", "targets.npy"]
pytestmark = [pytest.mark.uncounted, pytest.mark.usefixtures("workplace")]


def run(words, **options):
    return subprocess.run([*NLL, *words], capture_output=True, text=True, check=False, timeout=60, **options)


def in_shell(script, **options):
    """Run a line of shell in which "$@" is the program."""
    words = ["bash", "-c", script, "bash", *NLL]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, **options)


def sparse(path, shape, dtype="<f8"):
    """A file of zeros that takes no room on the disk."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
        file.truncate(file.tell() + int(np.prod(shape)) * np.dtype(dtype).itemsize)


# --- descriptors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "--version",
        "",
        "--help",
        "compute -h",
        "compute logits.npy targets.npy",
        "compute logits.npy targets.npy -q",
        "softmax logits.npy",
    ],
)
def test_closed_standard_output(words):
    done = in_shell(f'"$@" {words} >&-')
    assert (done.returncode, done.stderr) == (4, "nll: error: standard output: is closed\n")


def test_closed_standard_input():
    done = in_shell('"$@" compute - targets.npy <&-')
    assert (done.returncode, done.stderr) == (4, "nll: error: standard input: is closed\n")


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-", "<&- >&- 2>&-"])
def test_no_file_takes_the_place_of_a_closed_descriptor(workplace, closed):
    """What a library writes to descriptor 2 must not end up in an output that was opened under that number."""
    plain = in_shell('"$@" softmax logits.npy -o probs.npy')
    expected = workplace.found(["probs.npy"])
    workplace.put_old(["probs.npy"])
    done = in_shell(f'"$@" softmax logits.npy -o probs.npy {closed}')
    # A table into nowhere is the only thing that needs standard output.
    assert (plain.returncode, done.returncode, done.stdout, done.stderr) == (0, 0, "", "")
    assert workplace.found(["probs.npy"]) == expected


def test_an_error_with_nowhere_to_tell_it():
    assert in_shell('"$@" compute missing.npy targets.npy 2>&-').returncode == 4


@pytest.mark.parametrize(
    "words", ["softmax long.npy", "compute long.npy --loss argmax --reduction none -q", "softmax -"]
)
def test_a_reader_that_leaves_early(workplace, words):
    np.save("long.npy", np.zeros((20_000, 3)))
    workplace.inputs.pop("logits.npy")
    rows = "0.5,1,2\\n" * 20_000
    done = in_shell(f'"$@" {words} < <(printf "{rows[:9]}%.0s" $(seq 20000)) | head -1; echo "${{PIPESTATUS[@]}}"')
    assert done.stdout.splitlines()[1:] == ["0 0"]
    assert done.stderr == ""


def test_an_output_appended_to_its_input_is_refused(workplace):
    done = in_shell('"$@" softmax logits.csv >> logits.csv')
    assert done.returncode == 2
    assert done.stderr.startswith("nll: error: standard output: the output is also an input\n")
    assert workplace.found([]) == []


def test_a_named_pipe_and_a_device_are_written_into(workplace):
    os.mkfifo("pipe.npy")
    found = []
    reader = threading.Thread(target=lambda: found.append((workplace.folder / "pipe.npy").read_bytes()))
    reader.start()
    assert main(["softmax", "logits.npy", "-o", "pipe.npy"]) == 0
    reader.join()
    (workplace.folder / "pipe.npy").unlink()
    assert main(["softmax", "logits.npy", "-o", "probs.npy"]) == 0
    assert workplace.found(["probs.npy"]) == found
    assert main([*COMPUTE, "-o", os.devnull]) == 0


# --- outputs that cannot be, told before the work -------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["path", "symbolic link", "hard link"])
@pytest.mark.parametrize(
    "words",
    [
        "compute A T -o OUT",
        "compute A T --save-losses OUT",
        "compute A T --save-probs OUT",
        "compute A T --save-log-probs OUT",
        "compute A T --save-grad OUT",
        "softmax A -o OUT",
        "grad A T -o OUT",
    ],
)
@pytest.mark.parametrize("source", ["A", "T"])
def test_an_input_is_not_written_over(workplace, words, source, kind, monkeypatch, capfd):
    if source not in words.split():
        return
    text = words == "compute A T -o OUT"  # arrays belong into arrays, reports into text
    named = {"A": "logits.csv", "T": "targets.txt"} if text else {"A": "logits.npy", "T": "targets.npy"}
    out = named[source]
    if kind != "path":
        out = "out.txt" if text else "out.npy"
        (os.symlink if kind == "symbolic link" else os.link)(named[source], out)
    monkeypatch.setattr("nllcli.inputs.opening.open_dataset", None)  # the work must not even begin
    assert main([named.get(word, out if word == "OUT" else word) for word in words.split()]) == 2
    assert capfd.readouterr().err.startswith(f"nll: error: {out}: the output is also an input\n")
    workplace.found([out] if kind != "path" else [])


@pytest.mark.parametrize(
    "given",
    ["--weights w.csv", "--counts w.csv", "--sample-weights w.csv", "--classes w.csv"],
    ids=lambda text: text[:9],
)
def test_every_kind_of_input_is_guarded(workplace, given, capfd):
    (workplace.folder / "w.csv").write_text("1\n2\n3\n")
    assert main([*COMPUTE, *given.split(), "-o", "w.csv"]) == 2
    assert "w.csv: the output is also an input" in capfd.readouterr().err
    assert (workplace.folder / "w.csv").read_text() == "1\n2\n3\n"


def test_two_outputs_of_one_name_are_refused(workplace, capfd):
    assert main([*COMPUTE, "--save-losses", "x.npy", "--save-probs", "./x.npy"]) == 2
    assert "./x.npy: --save-losses and --save-probs go to the same file" in capfd.readouterr().err
    assert workplace.found([]) == []


def test_a_missing_folder_is_told_before_the_work(monkeypatch, capfd):
    monkeypatch.setattr("nllcli.inputs.opening.open_dataset", None)
    assert main([*COMPUTE, "-o", "missing/report.txt"]) == 4
    assert capfd.readouterr().err == "nll: error: missing/report.txt: the folder does not exist\n"


def test_an_input_that_cannot_be_read(one_error_line):
    assert main(["compute", "missing.npy", "targets.npy"]) == 4
    assert one_error_line().startswith("nll: error: missing.npy: ")


def test_an_input_that_is_a_folder(capfd):
    assert main(["compute", ".", "targets.npy"]) == 2
    assert capfd.readouterr().err.startswith("nll: error: .: is a folder of 5 files\ntry: nll compute ./")


def test_an_input_without_permission(monkeypatch, one_error_line):
    def refuse(path, *_):
        raise PermissionError(13, "Permission denied", path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        assert main(COMPUTE) == 4
    assert "logits.npy" in one_error_line()


# --- memory ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("megabytes", [32, 64, *range(92, 116, 2), 128, 160])
def test_memory_limits(workplace, megabytes):
    """Below some 30 MB the interpreter itself does not start, and nothing can be said."""
    workplace.put_old(["report.txt"])
    done = in_shell(f'ulimit -v {megabytes * 1024}; "$@" compute logits.npy targets.npy -o report.txt')
    if done.returncode == 0:
        assert megabytes > 96
        assert workplace.found(["report.txt"]) != [workplace.OLD]
    else:
        assert (done.returncode, done.stdout) == (4, "")
        assert done.stderr.startswith("nll: error: not enough memory")
        assert done.stderr.count("\n") == 1
        assert workplace.found(["report.txt"]) == [workplace.OLD]


def test_an_array_larger_than_the_memory(workplace):
    sparse(workplace.folder / "wide.npy", (1, 16_000_000))
    done = in_shell('ulimit -v 250000; "$@" softmax wide.npy -o out.npy')
    assert done.returncode == 4
    assert done.stderr.startswith("nll: error: not enough memory")
    assert done.stderr.count("\n") == 1
    (workplace.folder / "wide.npy").unlink()
    assert workplace.found([]) == []


def test_a_thread_that_cannot_be_started(workplace, monkeypatch, capfd):
    sparse(workplace.folder / "long.npy", (1 << 20, 2), "<f4")

    def refuse(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert main(["softmax", "long.npy", "--threads", "2", "-o", "out.npy"]) == 4
    assert capfd.readouterr().err == "nll: error: not enough memory: can't start new thread\n"


# --- names and environment ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "[bold]x",
        "[link=a]",
        "größe",
        "猫",
        "new\nline",
        "\x1b[31m",
        os.fsdecode(b"\xff\xfe"),
        "-q",
        "a:b",
        "10,20",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("format", ["table", "json", "csv", "markdown"])
def test_names_of_any_characters(workplace, name, format, capfd):
    source, target, report = f"{name}.npy", f"{name}.out.npy", f"{name}.txt"
    shutil.copy("logits.npy", source)
    words = [
        "compute",
        "-f",
        format,
        "-o",
        f"./{report}",
        "--save-probs",
        f"./{target}",
        "--",
        f"./{source}",
        "targets.npy",
    ]
    assert main(words) == 0
    assert main(["compute", "-f", format, "--", f"./{source}", "targets.npy"]) == 0
    assert "\x1b" not in capfd.readouterr().out
    assert main(["compute", f"./{name}", "targets.npy"]) == 4
    err = capfd.readouterr().err
    assert err.startswith("nll: error: ./")
    assert err.count("\n") == 1
    assert "\x1b" not in err
    workplace.found([source, target, report])


def test_a_bare_environment(workplace, plain_environment):
    here = run([*COMPUTE, "-f", "json"])
    bare = run([*COMPUTE, "-f", "json"], env=plain_environment)
    assert (bare.returncode, bare.stdout, bare.stderr) == (0, here.stdout, "")
    shutil.copy("logits.npy", "größe.npy")
    done = run(["compute", "größe.npy", "targets.npy", "-o", "größe.txt"], env=plain_environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "größe.npy" in (workplace.folder / "größe.txt").read_text(encoding="utf-8")


# --- a long work interrupted, and the system's own faults -----------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"])
def test_a_large_file_is_left_at_once(workplace, number, code):
    sparse(workplace.folder / "big.npy", (1 << 32, 10))
    workplace.put_old(["out.npy"])
    words = [*NLL, "softmax", "big.npy", "-o", "out.npy"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        while not any(path.suffix == ".tmp" and path.stat().st_size > 1 << 20 for path in workplace.folder.iterdir()):
            assert process.poll() is None
        process.send_signal(number)
        try:
            err = process.communicate(timeout=60)[1]
        finally:
            process.kill()  # else it would go on until the disk is full
    assert (process.returncode, err.count("\n")) == (code, 1)
    (workplace.folder / "big.npy").unlink()
    assert workplace.found(["out.npy"]) == [workplace.OLD]


def can_inject():
    """Tell whether strace is there and may trace."""
    words = ["strace", "-f", "-o", os.devnull, "-e", "trace=fsync", "-e", "inject=fsync:error=EIO", "true"]
    return shutil.which("strace") and not subprocess.run(words, capture_output=True, check=False).returncode


@pytest.mark.skipif(not can_inject(), reason="needs strace")
@pytest.mark.parametrize("call", ["fsync", "/^rename", "write", "preadv,preadv2"])
@pytest.mark.parametrize("error", ["EIO", "EINTR"])
def test_the_kernels_own_errors(workplace, call, error):
    """The n-th call fails for every n until the run completes; EINTR is retried, save by rename, which never has it."""
    retried = error == "EINTR" and call != "/^rename"
    for n in range(1, 10):
        workplace.put_old(["out.npy"])
        trace = ["strace", "-f", "-qq", "-o", "/dev/stdout", "-e", f"trace={call}"]
        inject = ["-e", f"inject={call}:error={error}:when={n}"]
        words = [*trace, *inject, *NLL, "softmax", "logits.npy", "-o", "out.npy"]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
        happened = "(INJECTED)" in done.stdout
        found = workplace.found(["out.npy"])
        if done.returncode == 0:
            assert found != [workplace.OLD]
            assert done.stderr == ""
        else:
            assert happened
            assert not retried
            assert done.returncode == 4
            assert done.stderr.startswith("nll: error: ")
            assert found == [workplace.OLD]
        if not happened:
            break
    assert n > 1
    assert not happened
