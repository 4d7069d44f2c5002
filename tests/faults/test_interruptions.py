"""A signal that ends the program arrives at each step of it."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
from faults.formats import OUTPUT, readings

import nllcli
from nllcli.cli import main as program
from nllcli.cli import process
from nllcli.cli.main import main
from nllcli.outputs import files

pytestmark = pytest.mark.uncounted

READINGS = readings()
PACKAGE = os.path.dirname(nllcli.__file__)  # noqa: PTH120
SIGNALS = [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 129, "hung up")]


class Steps:
    """Counts calls and returns in files of code, and sends a signal at one of them."""

    def __init__(self, files, step, number):
        self._files, self._left, self._number = files, step, number

    @property
    def is_over(self):
        return self._left > 0

    def __call__(self, frame, *_):
        if frame.f_code is process.Signals.restore.__code__:  # from here on, signals are the caller's own again
            sys.setprofile(None)
        elif any(name in frame.f_code.co_filename for name in self._files):
            self._left -= 1
            if not self._left:
                sys.setprofile(None)
                signal.raise_signal(self._number)


def interrupted(words, module, function, steps, monkeypatch):
    """Run a command, counting steps from a function on."""

    def begin(*arguments):
        sys.setprofile(steps)
        return real(*arguments)

    real = getattr(module, function)
    with monkeypatch.context() as patch:
        patch.setattr(module, function, begin)
        try:
            return main(words)
        finally:
            sys.setprofile(None)


def check_every_step(workplace, words, outputs, case, run, stride, capfd):
    _, expected, told = case
    assert main(words) == 0
    new = workplace.found(outputs)
    codes = set()
    for step in count(1, stride):
        workplace.put_old(outputs)
        capfd.readouterr()
        code, is_over = run(step)
        found = workplace.found(outputs)
        assert all(content in (workplace.OLD, whole) for content, whole in zip(found, new, strict=True))
        if code == 0:
            assert found == new
        else:
            assert (code, capfd.readouterr().err) == (expected, f"nll: error: {told}\n")
        codes.add(code)
        if is_over:
            break
    assert codes == {0, expected}


@pytest.mark.parametrize("case", SIGNALS[1:2], ids=["TERM"])
def test_while_files_are_written(workplace, words, outputs, case, monkeypatch, capfd):
    def run(step):
        steps = Steps(["outputs/files.py", "contextlib.py", "compute/__init__.py"], step, case[0])
        return interrupted(words, files, "_write_beside", steps, monkeypatch), steps.is_over

    check_every_step(workplace, words, outputs, case, run, 23, capfd)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it may strike within a __del__
@pytest.mark.parametrize("case", SIGNALS, ids=["INT", "TERM", "HUP"])
def test_throughout_the_program(workplace, words, outputs, case, monkeypatch, capfd):
    def run(step):
        steps = Steps([PACKAGE], step, case[0])
        return interrupted(words, program, "_run", steps, monkeypatch), steps.is_over

    check_every_step(workplace, words, outputs, case, run, 1499, capfd)


@pytest.mark.parametrize("case", SIGNALS[:2], ids=["INT", "TERM"])
def test_while_threads_work(workplace, case, monkeypatch, capfd):
    """The signal arrives while one block is worked on by a thread, and others wait."""
    number, code, told = case
    np.save("logits.npy", np.zeros((1 << 19, 4)))
    workplace.inputs.pop("logits.npy")
    workplace.put_old(["probs.npy"])
    sent = threading.Event()

    def work(real):
        def at_work(*arguments, **options):
            if not sent.is_set():
                sent.set()
                os.kill(os.getpid(), number)
            return real(*arguments, **options)

        return at_work

    import nllcli.commands.softmax as task

    monkeypatch.setattr(task, "probabilities", work(task.probabilities))
    assert main(["softmax", "logits.npy", "--threads", "2", "-o", "probs.npy"]) == code
    assert capfd.readouterr().err == f"nll: error: {told}\n"
    assert workplace.found(["logits.npy", "probs.npy"])[1] == workplace.OLD


@pytest.mark.parametrize(
    "module", ["typer", "nllcli.outputs.files", "nllcli.cli.failures", "numpy", "nllcli.commands.compute"]
)
@pytest.mark.parametrize("case", SIGNALS[:2], ids=["INT", "TERM"])
@pytest.mark.usefixtures("workplace")
def test_during_imports(case, module):
    number, code, told = case
    script = f"""
import os, sys
class Sender:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), {int(number)})
sys.meta_path.insert(0, Sender())
from nllcli.cli.main import run
run()
"""
    done = subprocess.run(
        [sys.executable, "-c", script, "compute", "logits.npy", "targets.npy"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, "", f"nll: error: {told}\n")


@pytest.mark.usefixtures("workplace")
def test_what_the_caller_ignores_stays_ignored():
    """A signal ignored from the start, as nohup does it, does not end the program."""
    script = """
import os, signal
from nllcli.cli import main as program
signal.signal(signal.SIGHUP, signal.SIG_IGN)
real = program._run
program._run = lambda words: (os.kill(os.getpid(), signal.SIGHUP), real(words))[1]
program.run()
"""
    words = [sys.executable, "-c", script, "compute", "logits.npy", "targets.npy", "-q"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert float(done.stdout) > 0


@pytest.mark.usefixtures("workplace")
def test_signals_are_given_back():
    before = [signal.getsignal(number) for number, _, _ in SIGNALS]
    assert main(["compute", "logits.npy", "targets.npy", "-q"]) == 0
    assert main(["compute", "missing.npy", "targets.npy", "-q"]) == 4
    assert [signal.getsignal(number) for number, _, _ in SIGNALS] == before


@pytest.mark.usefixtures("workplace")
def test_another_thread_may_run_the_program():
    found = SimpleNamespace(code=None)

    def run():
        found.code = main(["compute", "logits.npy", "targets.npy", "-o", "report.txt"])

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found.code == 0


@contextmanager
def harmless_signals():
    """Let a signal that changes nothing cut short whatever system call is under way, some thousand times a second."""
    arrived = []
    previous = signal.signal(signal.SIGALRM, lambda *_: arrived.append(True))
    signal.siginterrupt(signal.SIGALRM, True)  # the call returns EINTR, instead of being restarted by the system
    signal.setitimer(signal.ITIMER_REAL, 2e-4, 2e-4)
    try:
        yield arrived
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def test_harmless_signals_change_no_bit(workplace, words, outputs):
    assert main(words) == 0
    expected = workplace.found(outputs)
    workplace.put_old(outputs)
    with harmless_signals() as arrived:
        assert main(words) == 0
    assert arrived
    assert workplace.found(outputs) == expected


@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS)
def test_harmless_signals_change_no_bit_of_any_format(workplace, reading, capfd):
    """The program waits in its reads for what comes slowly through a pipe."""
    workplace.add(reading.name, reading.data)
    with reading.standard_input():
        assert main(reading.argv) == 0
    expected = workplace.found([OUTPUT])
    workplace.put_old([OUTPUT])
    with reading.standard_input(pause=0.005), harmless_signals() as arrived:
        assert main(reading.argv) == 0
    assert arrived
    assert workplace.found([OUTPUT]) == expected
    assert capfd.readouterr().err == ""


def test_harmless_signals_while_a_pipe_is_full(workplace):
    """The program waits in its writes for one who reads slowly."""
    np.save("long.npy", np.arange(60_000.0).reshape(20_000, 3))
    assert main(["softmax", "long.npy", "-o", "probs.npy"]) == 0
    expected = (workplace.folder / "probs.npy").read_bytes()
    os.mkfifo("pipe.npy")
    found = []

    def read_slowly():
        with (workplace.folder / "pipe.npy").open("rb", buffering=0) as pipe:
            while piece := pipe.read(1 << 15):
                found.append(piece)
                time.sleep(0.001)

    reader = threading.Thread(target=read_slowly)
    reader.start()
    with harmless_signals() as arrived:
        assert main(["softmax", "long.npy", "-o", "pipe.npy"]) == 0
    reader.join()
    assert arrived
    assert b"".join(found) == expected


def test_harmless_signals_interrupt_no_system_call(workplace):
    """Reads and writes that a signal cuts short (EINTR) are taken up again."""
    script = """
import signal
from nllcli.cli.main import run
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
run()
"""
    words = [sys.executable, "-c", script, "softmax", "-"]
    text = (workplace.folder / "logits.csv").read_text()
    quiet = subprocess.run(
        [sys.executable, "-m", "nllcli", *words[3:]], check=True, input=text, capture_output=True, text=True
    )
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in text.splitlines(keepends=True):
            process.stdin.write(line)
            process.stdin.flush()
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, quiet.stdout, "")
