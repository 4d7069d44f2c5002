"""Exceptions become one line on standard error, perhaps a hint or commands to try, and an exit code."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from nllcli.cli.process import HungUp, Terminated
from nllcli.errors import ExitCode, NllError
from nllcli.outputs.formats import printable, write_message

# What the loader and the threads of the system say where memory is short, in exceptions other than MemoryError.
_SHORT_OF_MEMORY = ("failed to map segment", "cannot allocate memory", "can't start new thread")

# What typer adds to its errors, and the command to try says better.
_SUGGESTED = r"(?i) \(possible options: .*\)|\. did you mean .*"


class Failure(NamedTuple):
    """What the user is told, and the exit code."""

    code: int
    message: str
    hint: str | None = None
    commands: Sequence[str] = ()


def explain(error: BaseException, words: Sequence[str] = ()) -> Failure:
    """Say in one line what an exception means to the user; an NllError then names settings as flags.

    ``words`` are those of the command line, of which remedies are variants.
    """
    match error:
        case NllError():
            from nllcli.cli.options import as_flag
            from nllcli.cli.remedies import try_lines

            error.word(partial(as_flag, command=words[0] if words else ""))
            return Failure(error.code, str(error), error.hint, try_lines(words, error.remedies))
        case OSError():
            return Failure(ExitCode.FAULT, _system_message(error))
        case MemoryError():
            return Failure(ExitCode.FAULT, f"not enough memory: {error}".removesuffix(": "))
        case ImportError() | RuntimeError() if (reason := _shortage(error)) is not None:
            return Failure(ExitCode.FAULT, f"not enough memory: {reason}")
        case KeyboardInterrupt():
            return Failure(ExitCode.INTERRUPTED, "interrupted")
        case HungUp():
            return Failure(ExitCode.HUNG_UP, "hung up")
        case Terminated():
            return Failure(ExitCode.TERMINATED, "terminated")
    # Typer exposes no common base of its usage errors, and which library they belong to differs between versions.
    if hasattr(error, "format_message"):
        return _explain_usage(error, words)
    return Failure(
        ExitCode.DEFECT,
        f"unexpected {type(error).__name__}: {error}: please report",
        "nll --debug shows where it happened",
    )


def print_failure(failure: Failure) -> None:
    """Write a failure to standard error."""
    lines = [f"nll: error: {printable(failure.message)}\n"]
    if failure.commands:
        lines += [f"try: {printable(command)}\n" for command in failure.commands]
    elif failure.hint:
        lines.append(f"hint: {printable(failure.hint)}\n")
    write_message("".join(lines))


def print_traceback(error: BaseException) -> None:
    """Write the traceback of an error to standard error."""
    import traceback

    write_message("".join(traceback.format_exception(error)))


def _explain_usage(error: Any, words: Sequence[str]) -> Failure:
    from nllcli.cli.slips import without_slip

    context = getattr(error, "ctx", None)
    command = context.command_path if context else "nll"
    message = " ".join(error.format_message().split()).rstrip(".")
    message, meant = message[:1].lower() + message[1:], without_slip(error, words)
    if meant:
        return Failure(ExitCode.USAGE, re.sub(_SUGGESTED, "", message), commands=[meant])
    return Failure(ExitCode.USAGE, message, f"see {command} --help")


def _shortage(error: BaseException) -> str | None:
    """Find the words for a lack of memory in an exception, or in the one that led to it."""
    cause: BaseException | None = error
    while cause is not None:
        if any(words in str(cause).lower() for words in _SHORT_OF_MEMORY):
            return str(cause).splitlines()[-1]
        cause = cause.__cause__ or cause.__context__
    return None


def _system_message(error: OSError) -> str:
    message = error.strerror or str(error) or type(error).__name__
    return message if error.filename is None else f"{_file_name(error.filename)}: {message}"


def _file_name(name: object) -> str:
    return name.decode(errors="surrogateescape") if isinstance(name, bytes) else str(name)
