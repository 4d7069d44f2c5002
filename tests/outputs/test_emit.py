import contextlib
import errno
import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nllcli.errors import FaultError, UsageError
from nllcli.outputs import formats
from nllcli.outputs.formats import emit

NOTICES = "nll: warning: looks odd\nnll: note: was squeezed\n"
PROGRAM = """
import sys
from nllcli.errors import NllError
from nllcli.report import Report
from nllcli.outputs.formats import emit
from nllcli.outputs.formats import settle_standard_output
try:
    emit(Report("c", "T", "s", quiet=[0.1] * 100_000), quiet=True)
except BrokenPipeError:
    sys.exit(0)
except NllError as error:
    print(error, file=sys.stderr)
    sys.exit(int(error.code))
finally:
    settle_standard_output()
"""


def run(stdout):
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)


def test_result_to_standard_output_and_notices_to_standard_error(report, capsys):
    emit(report)
    out, err = capsys.readouterr()
    assert out.startswith("Cross-entropy of logits.csv\n")
    assert "looks odd" not in out
    assert err == NOTICES


def test_notices_are_one_line_each_whatever_they_hold(report, capsys):
    emit(replace(report, warnings=(replace(report.warnings[0], message="a\n\x1b[31mb"),), notes=()))
    assert capsys.readouterr().err == "nll: warning: a\\n\\x1b[31mb\n"


@pytest.mark.parametrize(
    ("quiet", "separator", "expected"),
    [([0.2, 1.0, None], "\n", "0.2\n1\n\n"), ([1.0, 0.5], ",", "1,0.5\n"), ([], "\n", "")],
)
def test_quiet(report, capsys, quiet, separator, expected):
    emit(replace(report, quiet=quiet, quiet_separator=separator), quiet=True)
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize("path", [None, "-"])
def test_dash_is_standard_output(report, capsys, path):
    emit(report, quiet=True, path=path)
    assert capsys.readouterr().out == "0.36231287\n"


def test_a_file_is_utf8_and_as_wide_as_its_content(report, tmp_path, capsys):
    path = tmp_path / "report.txt"
    emit(replace(report, title="größe \udcff"), path=path)
    assert path.read_text(encoding="utf-8").startswith("größe \\udcff\n")
    assert capsys.readouterr() == ("", NOTICES)


def test_a_format_that_refuses_leaves_the_old_file(report, tmp_path, capsys):
    path = tmp_path / "report.csv"
    path.write_text("old")
    with pytest.raises(UsageError):
        emit(report, fmt="csv", path=path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    assert capsys.readouterr() == ("", "")


class Terminal(io.TextIOWrapper):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    stream = Terminal(io.BytesIO(), encoding="utf-8")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return stream


def shown(stream):
    return stream.buffer.getvalue().decode(stream.encoding)


def test_a_terminal_gets_colour_and_its_width(report, terminal):
    with contextlib.redirect_stdout(terminal):
        emit(report)
        assert formats.standard_output() == {"width": 40, "colour": True, "unicode": True}
    assert "\x1b[1;36m0.3623" in shown(terminal)


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_may_decline_colour(report, terminal, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with contextlib.redirect_stdout(terminal):
        emit(report)
    assert "0.3623" in shown(terminal)
    assert "\x1b" not in shown(terminal)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_the_encoding_lacks_is_written_as_an_escape(report, monkeypatch, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    emit(replace(report, title="猫"))
    assert shown(stream).startswith("\\u732b\n")
    assert "---------" in shown(stream)


def test_a_stream_of_text_without_an_encoding_will_do(report):
    with contextlib.redirect_stdout(io.StringIO()) as stream:
        emit(report, quiet=True)
    assert stream.getvalue() == "0.36231287\n"


@pytest.mark.parametrize("closed", [None, io.StringIO()])
def test_closed_standard_output_is_a_fault(report, monkeypatch, closed):
    if closed is not None:
        closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    with pytest.raises(FaultError, match="standard output: is closed"):
        emit(report)


@pytest.mark.parametrize("stderr", [None, io.StringIO()])
def test_closed_standard_error_is_no_reason_to_fail(report, monkeypatch, capsys, stderr):
    if stderr is not None:
        stderr.close()
    monkeypatch.setattr(sys, "stderr", stderr)
    emit(report, quiet=True)
    assert capsys.readouterr().out == "0.36231287\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_a_fault_and_nothing_else():
    with Path("/dev/full").open("w") as full:
        done = run(full)
    assert done.returncode == 4
    assert done.stderr == "standard output: No space left on device\n"


def test_a_reader_that_left_early_is_no_fault():
    reading, writing = os.pipe()
    os.close(reading)
    done = run(writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_descriptor_closed_behind_pythons_back_is_a_fault():
    code = PROGRAM.replace("try:", "import os; os.close(1)\ntry:", 1)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr == "standard output: is closed\n"


class Full(io.TextIOWrapper):
    """A stream that takes nothing more."""

    def flush(self):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_standard_output_does_not_take_goes_nowhere(monkeypatch, tmp_path):
    file = (tmp_path / "out").open("wb", buffering=0)
    monkeypatch.setattr(sys, "stdout", Full(file))
    formats.settle_standard_output()
    os.write(file.fileno(), b"lost")
    assert (tmp_path / "out").read_bytes() == b""
    monkeypatch.setattr(sys, "stdout", None)
    formats.settle_standard_output()
