"""Each system call that reads or writes fails once, the n-th for every n until the run completes."""

import builtins
import errno
import io
import os

import pytest

from nllcli.cli.main import main

ERRORS = [errno.EIO, errno.ENOSPC, errno.ENOMEM]
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


def attempt(words, call, n, number):
    """Run a command with a fault, and tell its exit code and whether the fault has happened."""
    fault = Fault(call, n, number)
    with pytest.MonkeyPatch.context() as monkeypatch:
        install(fault, monkeypatch)
        return main(words), fault.has_happened


@pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize("call", READING + WRITING)
def test_each_call_fails_once(workplace, words, outputs, call, number, one_error_line):
    assert main(words) == 0
    new = workplace.found(outputs)
    n, happened = 0, True
    while happened:
        n += 1
        workplace.put_old(outputs)
        code, happened = attempt(words, call, n, number)
        found = workplace.found(outputs)
        assert all(content in (workplace.OLD, whole) for content, whole in zip(found, new, strict=True))
        if code == 0:
            assert found == new
        else:
            assert happened
            assert code == 4
            assert workplace.OLD in found
            assert os.strerror(number) in one_error_line()
    assert n > 1


def test_short_writes_are_completed(workplace, words, outputs):
    assert main(words) == 0
    new = workplace.found(outputs)
    code, happened = attempt(words, "none", 1, errno.EIO)
    assert (code, happened) == (0, False)
    assert workplace.found(outputs) == new
