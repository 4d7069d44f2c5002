import mmap
import os
import signal
import sys
import time
import weakref

import pytest

from nllcli.cli import process


def test_a_closed_descriptor_is_filled_so_that_its_use_still_fails(monkeypatch):
    opened = []

    def closed(descriptor):
        raise OSError(9, f"{descriptor} is closed")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", closed)
        patch.setattr(os, "open", lambda path, flags: opened.append((path, flags)))
        patch.setattr(os, "fdopen", lambda descriptor, *_, **__: f"descriptor {descriptor}")
        patch.setattr(sys, "stdout", None)
        process.fill_standard_descriptors()
        stdout = sys.stdout
    assert opened == [(os.devnull, os.O_WRONLY), (os.devnull, os.O_RDONLY), (os.devnull, os.O_RDONLY)]
    assert stdout == "descriptor 1"


def test_open_descriptors_are_left_alone(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", None)
        process.fill_standard_descriptors()


def test_no_room_for_the_libraries(monkeypatch):
    def refuse(*_):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(mmap, "mmap", refuse)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    with pytest.raises(MemoryError, match="the libraries cannot be loaded"):
        process.make_room()


@pytest.mark.parametrize(
    ("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, process.Terminated)], ids=str
)
def test_a_signal_in_a_callback_that_cannot_raise_comes_again(number, kind):
    """Python ignores what a callback of a weak reference raises, such as those of the import system."""

    class Referent:
        pass

    def lose_the_signal():
        referent = Referent()
        weak = weakref.ref(referent, lambda _: signal.raise_signal(number))
        del referent
        while weak() is None:
            time.sleep(0.01)

    signals = process.Signals()
    signals.catch()
    try:
        with pytest.raises(kind):
            lose_the_signal()
    finally:
        signals.restore()


def test_other_errors_that_cannot_be_raised_are_printed(capsys):
    class Failing:
        def __del__(self):
            raise ValueError("lost")

    signals = process.Signals()
    signals.catch()
    try:
        Failing()
    finally:
        signals.restore()
    assert "ValueError: lost" in capsys.readouterr().err
