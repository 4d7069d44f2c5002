"""What a person sees: the output of many command lines, kept in ``expected/`` and compared.

``pytest tests/golden --update-golden`` rewrites the files; what changed is then to be read, not only committed.
"""

import importlib.util
import math
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nllcli import __version__
from nllcli.cli.app import COMMANDS
from nllcli.cli.main import main
from nllcli.numerics.kernels.chosen import kernel_name

pytestmark = pytest.mark.uncounted

HERE = Path(__file__).parent
EXPECTED = HERE / "expected"
SAMPLES = HERE.parents[1] / "samples"
# Numbers in full: their last digit may differ between processors.
DIGITS = re.compile(r"-?\d+\.\d{9,}(?:e-?\d+)?|-?\d\.\d{9,}e-?\d+")


def _load_cases():
    spec = importlib.util.spec_from_file_location("golden_cases", HERE / "cases.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


cases = _load_cases()
HELP = {f"help-{command}": f"{command} --help" for command in COMMANDS}
CASES = cases.CASES | HELP


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The samples and the small inputs, in the current folder."""
    for sample in SAMPLES.iterdir():
        shutil.copytree(sample, tmp_path / sample.name)
    for name, text in cases.TEXTS.items():
        (tmp_path / name).write_text(text)
    for name, array in cases.ARRAYS.items():
        np.save(tmp_path / name, array, allow_pickle=array.dtype == object)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def page(words, code, out, err):
    """One run as text, without the version and the kernel."""
    text = f"$ nll {words}\nexit code {int(code)}\n"
    for title, stream in (("standard output", out), ("standard error", err)):
        if stream:
            text += f"--- {title}\n{stream}" + ("" if stream.endswith("\n") else "(no line end)\n")
    text = text.replace(f'"kernel": "{kernel_name()}"', '"kernel": "KERNEL"').replace(
        f"kernel: {kernel_name()}", "kernel: KERNEL"
    )
    return text.replace(__version__, "VERSION")


def compare(name, found, update):
    path = EXPECTED / f"{name}.txt"
    if update:
        EXPECTED.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8")
    expected = path.read_text(encoding="utf-8")
    assert DIGITS.sub("NUMBER", found) == DIGITS.sub("NUMBER", expected)
    pairs = zip(DIGITS.findall(found), DIGITS.findall(expected), strict=True)
    assert all(math.isclose(float(ours), float(kept), rel_tol=1e-12) for ours, kept in pairs)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", CASES)
def test_golden(name, capfd, update_golden, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code = main(CASES[name].split())
    compare(name, page(CASES[name], code, *capfd.readouterr()), update_golden)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", cases.ON_A_TERMINAL)
def test_golden_on_a_terminal(name, update_golden):
    words, settings = cases.ON_A_TERMINAL[name]
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | settings
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "nllcli", *words.split()],
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        os.close(theirs)
        out = b"".join(iter(lambda: _read(ours), b""))
        err = process.communicate(timeout=60)[1]
    os.close(ours)
    shown = out.decode().replace("\r\n", "\n").replace("\x1b", "<ESC>")
    compare(name, page(words, process.returncode, shown, err), update_golden)


def _read(terminal):
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the end of a terminal is an error on Linux
        return b""


def test_nothing_kept_is_unused():
    assert {path.stem for path in EXPECTED.iterdir()} == {*CASES, *cases.ON_A_TERMINAL}


def test_the_cases_are_many_and_show_every_exit_code_of_a_run_left_alone():
    """A defect (1) and interruptions (129, 130, 143) cannot be asked for on the command line; other tests show them."""
    codes = {int(path.read_text(encoding="utf-8").splitlines()[1].split()[-1]) for path in EXPECTED.iterdir()}
    assert codes == {0, 2, 3, 4, 5}
    assert len(CASES) >= 60
