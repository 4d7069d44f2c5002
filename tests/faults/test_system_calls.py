"""Each system call that reads or writes fails once, the n-th for every n until the run completes.

pyarrow and zipfile read by themselves, but through a file object that the program hands to them, so that their reads
pass by here as well. What is not reached is what pyarrow does inside, its memory above all, and the imports.

An injected EINTR is one that comes back although Python retries the call by itself: nothing more is to be expected of
it than of any other failure. What a signal does to calls under way is for the tests of interruptions.
"""

import builtins
import errno
import io
import os
import tempfile
from contextlib import nullcontext

import pytest
from faults.formats import OUTPUT, readings

from nllcli.cli.main import main

pytestmark = pytest.mark.uncounted

ERRORS = [errno.EIO, errno.ENOSPC, errno.ENOMEM, errno.EINTR]
READING = ["open", "read"]
WRITING = ["create", "write", "fsync", "close", "rename"]


class Fault:
    """Fails the n-th of the calls named ``call``, once."""

    def __init__(self, call, n, number):
        self._call, self._left, self._number = call, n, number

    @property
    def has_happened(self):
        return self._left <= 0

    def pass_by(self, call):
        if call == self._call:
            self._left -= 1
            if self._left == 0:
                raise OSError(self._number, os.strerror(self._number))


class FailingFile(io.FileIO):
    """A file whose writes are short and whose system calls may fail."""

    def __init__(self, path, mode, fault):
        fault.pass_by("create")
        super().__init__(path, mode)
        self._fault = fault

    def write(self, data):
        self._fault.pass_by("write")
        return super().write(bytes(data)[:200])

    def close(self):
        is_open = not self.closed
        super().close()
        if is_open:
            self._fault.pass_by("close")


def install(fault, monkeypatch):
    """Put the fault between the program and the system."""

    def guarded(call, function):
        def guard(*arguments, **keywords):
            fault.pass_by(call)
            return function(*arguments, **keywords)

        return guard

    def opened(path, mode="r", *arguments, **keywords):
        if "opener" in keywords:  # tempfile's, which calls os.open
            return real_open(path, mode, *arguments, **keywords)
        if set(mode) & set("wxa+"):
            assert "b" in mode
            return io.BufferedWriter(FailingFile(os.fspath(path), mode.replace("b", ""), fault), 512)
        fault.pass_by("open")
        return real_open(path, mode, *arguments, **keywords)

    real_open = builtins.open
    monkeypatch.setattr(builtins, "open", opened)
    monkeypatch.setattr(io, "open", opened)
    calls = {"open": "open", "read": "read", "pread": "read", "preadv": "read", "fsync": "fsync"}
    for name, call in (calls | {"write": "write", "rename": "rename", "replace": "rename"}).items():
        monkeypatch.setattr(os, name, guarded(call, getattr(os, name)))


def attempt(words, call, n, number, stdin=nullcontext):
    """Run a command with a fault, and tell its exit code and whether the fault has happened."""
    fault = Fault(call, n, number)
    with stdin(), pytest.MonkeyPatch.context() as monkeypatch:
        install(fault, monkeypatch)
        return main(words), fault.has_happened


def check_each_call(workplace, words, outputs, call, number, one_error_line, stdin=nullcontext):
    """Let the first, second, ... call fail; returns what each time was told, "" where it was made good."""
    for name in outputs:
        (workplace.folder / name).unlink(missing_ok=True)
    with stdin():
        assert main(words) == 0
    new = workplace.found(outputs)
    told = []
    while True:
        workplace.put_old(outputs)
        code, happened = attempt(words, call, len(told) + 1, number, stdin)
        found = workplace.found(outputs)
        assert all(content in (workplace.OLD, whole) for content, whole in zip(found, new, strict=True))
        if code == 0:
            assert found == new
        else:
            assert happened
            assert code == 4
            assert workplace.OLD in found
        line = one_error_line() if code else ""
        assert (os.strerror(number) in line) == bool(code)
        if not happened:
            return told
        told.append(line)


@pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize("call", READING + WRITING)
def test_each_call_fails_once(workplace, words, outputs, call, number, one_error_line):
    assert check_each_call(workplace, words, outputs, call, number, one_error_line)


READINGS = readings()
# What is put on disk first, to be looked at a second time.
SPOOLED = {"csv-turned", "npz-pipe", "safetensors.gz", "targets.npy.gz", "parquet-pipe"}


@pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize("case", READINGS)
def test_each_call_fails_once_in_each_format(workplace, case, number, one_error_line, tmp_path_factory, monkeypatch):
    reading = READINGS[case]
    workplace.add(reading.name, reading.data)
    spools = tmp_path_factory.mktemp("spools")
    monkeypatch.setattr(tempfile, "tempdir", str(spools))
    told = {
        call: check_each_call(workplace, reading.argv, [OUTPUT], call, number, one_error_line, reading.standard_input)
        for call in (*READING, "write")
    }
    assert all(told.values())
    assert any(told["read"])
    if number == errno.ENOSPC:
        assert any("needs room on disk" in line for line in told["write"]) == (case in SPOOLED)
    assert list(spools.iterdir()) == []


def test_short_writes_are_completed(workplace, words, outputs):
    assert main(words) == 0
    new = workplace.found(outputs)
    code, happened = attempt(words, "none", 1, errno.EIO)
    assert (code, happened) == (0, False)
    assert workplace.found(outputs) == new
