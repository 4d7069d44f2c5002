"""The commands that a refusal offers, run as a person would paste them: what needs no shell within this process."""

import contextlib
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from in_process import Run, nll

MOST_STEPS = 2


def offered(done):
    """The commands of the ``try:`` lines."""
    return [line.removeprefix("try: ") for line in done.err.splitlines() if line.startswith("try: ")]


def meanings(done):
    """What each ``try:`` line says that it assumes."""
    return [line.partition("  # ")[2] for line in offered(done)]


def run(line):
    """What comes of a pasted line: what comes before nll, or feeds it, and then nll."""
    before, _, command = line.rpartition("nll ")
    before, data = before.rstrip(), b""
    if before.endswith("&&"):
        prepared = _prepared(before.removesuffix("&&"))
        if prepared is not None:
            return prepared
    elif before.endswith("|"):
        data = _shell(before.removesuffix("|")).stdout
    return _fed(data, *shlex.split(command, comments=True))


def _prepared(text):
    """Run what comes first; what it leaves behind where it fails."""
    words = shlex.split(text)
    sources = words[2::4]
    if [*words, "&&"] != [word for source in sources for word in ("python", "-c", source, "&&")]:
        done = _shell(text)
        return None if done.returncode == 0 else Run(done.returncode, "", done.stderr.decode())
    for source in sources:
        try:
            with contextlib.redirect_stdout(None), _modules_of_the_folder():
                exec(compile(source, "<try>", "exec"), {"__name__": "__main__"})
        except SystemExit as ended:
            if ended.code:
                return Run(1, "", f"{ended.code}\n")
        except Exception as error:  # noqa: BLE001 - whatever ends the command is its last line
            return Run(1, "", f"{type(error).__name__}: {error}\n")
    return None


@contextlib.contextmanager
def _modules_of_the_folder():
    """Let modules in the current folder be imported, as Python does for -c; they are gone afterwards."""
    sys.path.insert(0, str(Path.cwd()))
    before = set(sys.modules)
    try:
        yield
    finally:
        folder = sys.path.pop(0)
        for name in set(sys.modules) - before:
            if (getattr(sys.modules[name], "__file__", None) or "").startswith(folder):
                del sys.modules[name]


def _shell(text):
    """What a shell makes of a command, with this Python as ``python`` and this package as ``nll``."""
    python = shlex.quote(sys.executable)
    with tempfile.TemporaryDirectory() as programs:
        for name, program in (("python", python), ("nll", f"{python} -m nllcli")):
            path = Path(programs) / name
            path.write_text(f'#!/bin/sh\nexec {program} "$@"\n')
            path.chmod(0o755)
        env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
        return subprocess.run(["bash", "-c", text], capture_output=True, check=False, env=env)


def _fed(data, *words):
    """nll with these bytes as its standard input."""
    kept = sys.stdin
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        try:
            sys.stdin = os.fdopen(os.dup(file.fileno()))
            return nll(*words)
        finally:
            sys.stdin.close()
            sys.stdin = kept


def pasted(line):
    """The number that a pasted line prints."""
    done = run(line)
    assert done.code == 0, done.err
    return float(done.out)


def answers(*words):
    """The numbers behind the ``try:`` lines of a command that is refused."""
    done = nll(*words)
    assert done.code in (2, 3), done
    assert done.out == ""
    return [pasted(command) for command in offered(done)]


def outcomes(done, steps=0):
    """The ends that can be reached from a run by following its lines: each with the number of steps and the number."""
    if done.code == 0:
        yield steps, float(done.out.split()[0])
    elif steps < MOST_STEPS:
        for line in offered(done):
            yield from outcomes(run(line), steps + 1)


@contextlib.contextmanager
def inside(folder):
    here = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)
