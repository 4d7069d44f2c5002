import os
import signal
import subprocess
import sys

import pytest
import typer

from nllcli import __version__
from nllcli.cli.app import COMMANDS
from nllcli.cli.main import main
from nllcli.errors import DataError, FaultError, UsageError
from nllcli.numerics.kernels.chosen import kernel_name

NLL = [sys.executable, "-m", "nllcli"]
EXAMPLE = ["weights", "--counts", "10,50,100"]


@pytest.fixture
def failing(monkeypatch):
    """Make the program run a command that raises the given exception."""

    def install(error):
        def weights() -> None:
            raise error

        app = typer.Typer(context_settings={"help_option_names": ["-h", "--help"]})
        app.command()(weights)
        app.callback()(lambda: None)
        monkeypatch.setattr("nllcli.cli.app.app", lambda _: app)

    return install


def run(*words, **options):
    return subprocess.run([*NLL, *words], capture_output=True, text=True, check=False, timeout=60, **options)


def imported(*words):
    """Names of the modules that are loaded once the program has run."""
    script = (
        f"import sys; from nllcli.cli.main import main; main({list(words)!r}); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stderr.split())


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"], ["weights", "--help"]], ids=" ".join)
def test_help_needs_neither_numpy_nor_a_task(words):
    modules = imported(*words)
    assert "typer" in modules
    assert not modules & {"numpy", "nllcli.outputs.table", "nllcli.commands.weights"}


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"]], ids=str)
def test_help(words, capsys):
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Examples:\n  nll compute ")
    assert "\nUsage: nll [OPTIONS] " in out
    assert "Class weights from class counts." in out
    assert not err


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", list(COMMANDS))
def test_help_of_every_command(command, flag, capsys):
    assert main([command, flag]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"Examples:\n  nll {command} ")
    assert f"\nUsage: nll {command} " in out
    assert out.partition("\nExit codes:\n")[2].startswith("  0  done\n")


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version(flag, capsys):
    assert main([flag]) == 0
    assert capsys.readouterr().out == f"nll {__version__} (kernel: {kernel_name()})\n"


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["wxyz"], "no such command 'wxyz'", "see nll --help"),
        (["--frmat"], "no such option: --frmat", "see nll --help"),
        (["weights", "-x"], "no such option: -x", "see nll weights --help"),
        (
            ["compute", "x", "y", "--save"],
            "no such option: --save (Possible options: --save-dtype, --save-grad, --save-probs)",
            "see nll compute --help",
        ),
        (["compute", "x", "y", "--reduction"], "option '--reduction' requires an argument", "see nll compute --help"),
        (["weights", "surplus"], "got unexpected extra argument", "see nll weights --help"),
        (["weights", "--beta", "x"], "invalid value for '--beta': ", "see nll weights --help"),
        (
            ["weights", "--format", "yaml"],
            "invalid value for '--format' / '-f': 'yaml' is unknown; one of: table, json, csv, tsv, markdown",
            "see nll weights --help",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage(words, error, hint, capsys):
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert not out
    first, second = err.splitlines()
    assert first.startswith(f"nll: error: {error}")
    assert second == f"hint: {hint}"


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (UsageError("m", hint="h"), 2, "nll: error: m\nhint: h\n"),
        (DataError("m", where="a.csv"), 3, "nll: error: a.csv: m\n"),
        (FaultError("m"), 4, "nll: error: m\n"),
        (FileNotFoundError(2, "No such file", "a.csv"), 4, "nll: error: a.csv: No such file\n"),
        (PermissionError(13, "Permission denied", b"a\xff"), 4, "nll: error: a\\udcff: Permission denied\n"),
        (IsADirectoryError(21, "Is a directory", "a"), 4, "nll: error: a: Is a directory\n"),
        (OSError("odd"), 4, "nll: error: odd\n"),
        (MemoryError(), 4, "nll: error: not enough memory\n"),
        (
            ImportError("numpy\nlib.so: failed to map segment"),
            4,
            "nll: error: not enough memory: lib.so: failed to map ",
        ),
        (RuntimeError("can't start new thread"), 4, "nll: error: not enough memory: can't start new thread\n"),
        (RuntimeError("odd"), 1, "nll: error: unexpected RuntimeError: odd: please report\nhint: "),
        (MemoryError("1 TiB"), 4, "nll: error: not enough memory: 1 TiB\n"),
        (BrokenPipeError(32, "Broken pipe"), 0, ""),
        (KeyboardInterrupt(), 130, "nll: error: interrupted\n"),
        (EOFError("e"), 1, "nll: error: unexpected EOFError: e: please report\nhint: nll --debug"),
        (ValueError("a\nb"), 1, "nll: error: unexpected ValueError: a\\nb: please report\nhint: nll --debug"),
        (DataError("m", where="\x1b[31m\udcff\n\u202e"), 3, "nll: error: \\x1b[31m\\udcff\\n\\u202e: m\n"),
        (typer.BadParameter("m"), 2, "nll: error: invalid value: m\nhint: see nll weights --help\n"),
    ],
    ids=repr,
)
def test_exceptions_become_lines_and_codes(error, code, told, failing, capsys):
    failing(error)
    assert main(["weights"]) == code
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith(told)
    assert err.count("\n") == told.count("\n") + (not told.endswith("\n") and bool(told))


@pytest.mark.parametrize("words", [["--debug", "weights"], ["weights", "--debug"]], ids=" ".join)
def test_debug_shows_the_traceback(words, failing, capsys):
    failing(ValueError("odd"))
    assert main(words) == 1
    err = capsys.readouterr().err
    assert err.startswith("Traceback")
    assert "nll: error: unexpected ValueError: odd" in err


def test_debug_is_a_word_after_two_dashes(capsys):
    assert main(["weights", "--", "--debug"]) == 2
    assert "(--debug)" in capsys.readouterr().err


def test_is_a_module():
    done = run(*EXAMPLE, "-q", "--scheme", "inverse")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1,0.2,0.1\n", "")


def test_survives_the_plain_locale():
    plain = {**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    for words in (["--help"], ["weights", "--help"], EXAMPLE):
        assert run(*words, env=plain).returncode == 0
    done = run("weights", "--counts", b"\xff\xc3\xa9", env=plain)
    assert done.returncode == 2
    assert done.stderr.startswith("nll: error: --counts: ")


@pytest.mark.parametrize("words", [["--help"], [*EXAMPLE, "-f", "json"]], ids=["help", "result"])
def test_reader_that_left_is_no_error(words):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run([*NLL, *words], stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
@pytest.mark.parametrize("words", [["--help"], ["compute", "-h"], EXAMPLE], ids=["help", "help of a command", "result"])
def test_full_disk(words):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run([*NLL, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.returncode == 4
    assert done.stderr == "nll: error: standard output: No space left on device\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize(
    ("number", "code", "told"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
    ids=["INT", "TERM"],
)
def test_signals(number, code, told, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    words = [*NLL, "weights", "--counts", str(fifo)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        with fifo.open("wb"):  # opens only once the program reads
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        assert process.returncode == code
        assert (out, err) == ("", f"nll: error: {told}\n")


def test_an_interrupt_before_it_can_be_told_ends_the_program_without_a_traceback():
    script = "import os, signal; from nllcli.cli import main; main.main = lambda: os.kill(os.getpid(), signal.SIGINT)"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}; main.run()"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_hardly_anything_is_loaded_before_interrupts_are_seen_to():
    """Each module loaded is time in which Ctrl-C shows the interpreter's traceback."""
    script = "import sys; before = set(sys.modules); import nllcli.cli.main; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert {"nllcli", "nllcli.cli.main"} <= set(done.stdout.split())
    assert not {"typing", "signal", "mmap", "numpy", "typer"} & set(done.stdout.split())


def test_completion():
    asked = {
        **os.environ,
        "_NLL_COMPLETE": "complete_bash",
        "COMP_WORDS": "nll weights --scheme eff",
        "COMP_CWORD": "3",
    }
    done = run(env=asked)
    assert done.stdout.split() == ["effective"]
    assert done.returncode == 0
