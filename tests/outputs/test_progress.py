import io
import sys

import pytest

from nllcli.cli.delivery import progress_bar
from nllcli.outputs import progress


def terminal(monkeypatch, patience=-1.0):
    """A terminal as standard error; pytest takes it away again between a fixture and its test."""
    stream = io.StringIO()
    stream.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "_PATIENCE_SECONDS", patience)
    monkeypatch.setenv("TERM", "xterm")
    return stream


def two_passes(wanted=None):
    with progress_bar(wanted) as bar:
        for total in (200, None) if bar is not None else ():
            bar.begin(total)
            bar.advance(50)
            bar.advance(50)


def test_a_terminal_shows_the_share_done(monkeypatch):
    screen = terminal(monkeypatch)
    two_passes()
    assert "%" in screen.getvalue()


def test_work_that_ends_soon_shows_nothing(monkeypatch):
    screen = terminal(monkeypatch, patience=1e9)
    two_passes()
    assert screen.getvalue() == ""


def test_unwanted(monkeypatch):
    screen = terminal(monkeypatch)
    two_passes(False)
    assert screen.getvalue() == ""


@pytest.mark.parametrize("stderr", [None, io.StringIO()])
def test_no_terminal_no_bar(monkeypatch, stderr):
    monkeypatch.setattr(progress, "_PATIENCE_SECONDS", -1.0)
    monkeypatch.setattr(sys, "stderr", stderr)
    two_passes()
    assert stderr is None or stderr.getvalue() == ""


def test_a_bar_may_be_asked_for_without_a_terminal(monkeypatch):
    monkeypatch.setattr(progress, "_PATIENCE_SECONDS", -1.0)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    two_passes(True)
    assert sys.stderr.getvalue() != ""
