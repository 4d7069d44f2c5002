"""``python processes.py FOLDER BYTES`` runs the command lines of FOLDER/cases.json in processes of so much memory.

Every process is forked from this one, which has the libraries loaded and the commands built already: a start from
nothing would take most of the time. It tells of each as a line of JSON: the exit code (negative: a signal), the seconds
of the processor, standard output and standard error.
"""

import contextlib
import functools
import importlib
import io
import json
import os
import pkgutil
import resource
import signal
import sys
from pathlib import Path

import typer.main

import nllcli
from nllcli.cli.main import main, run

# Longer than this no case may work, or wait for anything.
_MOST_SECONDS = 30


def become(words, folder, outputs, stdin):
    """Be the program, in its folder."""
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_SECONDS, _MOST_SECONDS))
    signal.alarm(_MOST_SECONDS)
    os.chdir(folder)
    for descriptor, file in enumerate((stdin, *(os.open(path, os.O_WRONLY | os.O_CREAT) for path in outputs))):
        os.dup2(file, descriptor)
        os.close(file)
    sys.argv[1:] = words
    run()


def piped(data):
    """The end of a pipe from which ``data``, less than a pipe holds, can be read."""
    reading, writing = os.pipe()
    assert os.write(writing, data) == len(data)
    os.close(writing)
    return reading


def outcome(case, folder):
    """Run one case in a process of its own."""
    outputs = [folder / f"{case['number']}.{stream}" for stream in ("out", "err")]
    place = folder / str(case["number"])
    stdin = piped((place / case["stdin"]).read_bytes() if case["stdin"] else b"")
    process = os.fork()
    if not process:
        become(case["words"], place, outputs, stdin)
    os.close(stdin)
    _, status, usage = os.wait4(process, 0)
    code = os.waitstatus_to_exitcode(status)
    texts = [path.read_bytes().decode() for path in outputs]
    return {"code": code, "seconds": usage.ru_utime + usage.ru_stime, "out": texts[0], "err": texts[1]}


def load(case, folder):
    """Load what the processes to come will use, by running one of them here."""
    typer.main.get_command = functools.cache(typer.main.get_command)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.chdir(folder / str(case["number"])):
        main(case["words"])
    for module in pkgutil.walk_packages(nllcli.__path__, "nllcli."):
        importlib.import_module(module.name)
    with contextlib.suppress(ImportError):
        import pyarrow.compute
        import pyarrow.feather
        import pyarrow.parquet  # noqa: F401


if __name__ == "__main__":
    place, memory = Path(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    cases = json.loads((place / "cases.json").read_text())
    load(cases[0], place)
    for case in cases:
        print(json.dumps(outcome(case, place)), flush=True)
