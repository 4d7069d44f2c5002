"""What the program asks of its process: signals, standard descriptors, and room for the libraries it loads."""

import _thread
import mmap
import os
import signal
import sys
import time
from contextlib import suppress
from typing import Any

# NumPy maps its libraries and OpenBLAS a work area of 32 MiB. Where that fails, OpenBLAS ends the process with words of
# its own; and an interpreter that runs out of memory while it imports may raise anything. Asking for as much first, and
# for what the modules take, turns it into an error that can be reported.
_ROOM_FOR_NUMPY = 88 << 20


class Terminated(BaseException):
    """SIGTERM arrived; not an Exception, so that only clean-up code sees it on its way up."""


class HungUp(Terminated):
    """SIGHUP arrived: the terminal is gone."""


def _terminate(*_: object) -> None:
    raise Terminated


def _hang_up(*_: object) -> None:
    raise HungUp


_HANDLERS = {
    getattr(signal, name): handler
    for name, handler in (
        ("SIGINT", signal.default_int_handler),
        ("SIGTERM", _terminate),
        ("SIGHUP", _hang_up),
    )
    if hasattr(signal, name)
}


# Long enough for whoever could not raise an exception to have returned.
_A_MOMENT = 0.01


def _raise_later(lost: Any) -> None:
    """Let a signal come again whose exception arose where none can be raised, as in a callback of an import.

    Python would only print it, and the program go on.
    """
    numbers = {KeyboardInterrupt: "SIGINT", Terminated: "SIGTERM", HungUp: "SIGHUP"}
    if lost.exc_type not in numbers:
        sys.__unraisablehook__(lost)
        return
    number = getattr(signal, numbers[lost.exc_type])

    def send() -> None:
        time.sleep(_A_MOMENT)
        _thread.interrupt_main(number)

    _thread.start_new_thread(send, ())


class Signals:
    """The signals that end the program: they unwind it while it works, and change nothing once its result stands."""

    def __init__(self) -> None:
        self._previous: dict[int, Any] = {}

    def catch(self) -> None:
        """Let each signal raise an exception, so that half-written files are removed; what is ignored stays so."""
        with suppress(ValueError):  # only the main thread can do this
            for number, handler in _HANDLERS.items():
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._previous[number] = signal.signal(number, handler)
            sys.unraisablehook = _raise_later

    def ignore(self) -> None:
        """Let nothing interrupt what is left to do."""
        for number in self._previous:
            signal.signal(number, signal.SIG_IGN)

    def restore(self) -> None:
        """Give the signals back as they were."""
        sys.unraisablehook = sys.__unraisablehook__
        for number, handler in self._previous.items():
            signal.signal(number, handler)


def fill_standard_descriptors() -> None:
    """Put the null device where standard input, output or error is closed: no file opened later takes its place.

    It is opened the wrong way round, so that reading from the one and writing to the others still fails.
    """
    for descriptor, flags in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_RDONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, flags)  # takes the lowest number that is free: this one
            if descriptor == 1:
                sys.stdout = os.fdopen(descriptor, "w", closefd=False)


def make_room() -> None:
    """Raise MemoryError where the libraries would not find the memory to load."""
    # No product of matrices is taken here, so the threads of OpenBLAS would only cost memory.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    # The pool that pyarrow would take reserves a gigabyte of addresses and keeps what it once had, and another one that
    # it brings complains by itself where it cannot start a thread.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
    try:
        mmap.mmap(-1, _ROOM_FOR_NUMPY).close()
    except OSError:
        raise MemoryError("the libraries cannot be loaded") from None
