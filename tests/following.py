"""The commands that a refusal offers, run as a person would paste them."""

import os
import subprocess
import sys
from pathlib import Path

from in_process import nll


def offered(done):
    """The commands of the ``try:`` lines."""
    return [line.removeprefix("try: ") for line in done.err.splitlines() if line.startswith("try: ")]


def meanings(done):
    """What each ``try:`` line says that it assumes."""
    return [line.partition("  # ")[2] for line in offered(done)]


def pasted(command, folder="."):
    """The number that a command line prints, run by the shell with this Python and this program."""
    programs = Path(folder) / "programs"
    programs.mkdir(exist_ok=True)
    for name, words in (("python", ""), ("nll", "-m nllcli")):
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {words} "$@"\n')
        (programs / name).chmod(0o755)
    root = str(Path(__file__).resolve().parents[1])
    env = {**os.environ, "PATH": f"{programs.resolve()}:{os.environ['PATH']}", "PYTHONPATH": root}
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def answers(*words):
    """The numbers behind the ``try:`` lines of a command that is refused."""
    done = nll(*words)
    assert done.code in (2, 3), done
    assert done.out == ""
    return [pasted(command) for command in offered(done)]
