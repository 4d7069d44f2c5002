"""The program ``nll``: the one place where every exception ends.

Until the signals are caught, nothing is imported here that takes time.
"""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False  # typing takes time
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


def run() -> NoReturn:
    """Run as the program and exit with os._exit: interpreter shutdown would take 10 % of a short run."""
    _let_interrupts_end_it()
    # Nearly all that is made while modules load stays: looking for garbage in it takes a twentieth of a short run. The
    # blocks of a long one are arrays, which go when their last name does: it needs no more memory for being looked
    # through less often.
    gc.set_threshold(200_000)
    os._exit(main())


def _let_interrupts_end_it() -> None:
    """Until Ctrl-C can be reported in one line, it ends the process without the interpreter's traceback."""
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; without ``argv`` the process is the program's own."""
    from nllcli.cli import process
    from nllcli.errors import ExitCode

    debug, words = _take_debug(sys.argv[1:] if argv is None else list(argv))
    signals = process.Signals()
    try:
        signals.catch()
        code = _run(words)
        signals.ignore()
    except BrokenPipeError:
        signals.ignore()
        code = ExitCode.DONE
    except (Exception, KeyboardInterrupt, process.Terminated) as error:  # noqa: BLE001 - the one place that may
        signals.ignore()
        code = _fail(error, words, debug=debug)
    finally:
        _tidy()
        if argv is not None:
            signals.restore()
    return code


def _run(words: list[str]) -> int:
    """Do what typer's own main() does, which however ends a closed pipe with 1 and hides what an EOFError was about."""
    from nllcli.cli import process

    process.fill_standard_descriptors()
    from contextlib import nullcontext

    import typer

    # Import the error reporting now: there may be no memory for it later.
    import nllcli.cli.failures
    import nllcli.outputs.formats  # noqa: F401
    from nllcli.cli.app import HELP_OPTIONS, NAME, app, names_in
    from nllcli.cli.typed import typed
    from nllcli.errors import ExitCode
    from nllcli.outputs.files import STANDARD_OUTPUT, faults

    command = typer.main.get_command(app(names_in(words)))
    if os.environ.get(f"_{NAME.upper()}_COMPLETE"):
        command.main(args=words, prog_name=NAME)
    # Help is printed by typer, whose failure to do so names no file.
    helping = not HELP_OPTIONS.isdisjoint(words[: _end_of_options(words)])
    try:
        with faults(STANDARD_OUTPUT) if helping else nullcontext(), command.make_context(NAME, list(words)) as context:
            process.make_room()
            with typed(words):
                command.invoke(context)
    except typer.Exit as done:
        return done.exit_code
    return ExitCode.DONE


def _fail(error: BaseException, words: list[str], *, debug: bool) -> int:
    """Report an error and return its exit code."""
    from nllcli.cli.failures import explain, print_failure, print_traceback

    failure = explain(error, words)
    if debug:
        print_traceback(error)
    print_failure(failure)
    return failure.code


def _tidy() -> None:
    """Leave neither a half-written file nor output that the interpreter would fail on once more."""
    from nllcli.outputs.files import remove_unfinished
    from nllcli.outputs.formats import settle_standard_output

    remove_unfinished()
    settle_standard_output()


def _take_debug(words: list[str]) -> tuple[bool, list[str]]:
    """Find --debug before or after the command, so that no command has to declare it."""
    end = _end_of_options(words)
    options = [word for word in words[:end] if word != "--debug"]
    return len(options) < end, options + words[end:]


def _end_of_options(words: list[str]) -> int:
    return words.index("--") if "--" in words else len(words)
