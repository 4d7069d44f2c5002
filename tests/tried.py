"""The commands that an error says to try, run as a user would: in a shell, in the current folder."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def lines_of(done):
    """The commands that a refusal tells."""
    return [line.removeprefix("try: ") for line in done.err.splitlines() if line.startswith("try: ")]


def run_line(line, folder):
    """What one of these commands writes, with this interpreter as ``python``."""
    programs = Path(folder) / ".programs"
    programs.mkdir(exist_ok=True)
    for name, words in (("python", ""), ("nll", "-m nllcli ")):
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {words}"$@"\n')
        (programs / name).chmod(0o755)
    env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, cwd=folder, env=env)
