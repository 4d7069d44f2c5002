"""How the shell names settings: as arguments and flags, and in whole command lines."""

import shlex
from collections.abc import Mapping
from typing import Any

from nllcli.errors import NllError, worded

_SHORT = {"output": "-o", "format": "-f", "quiet": "-q"}
_ARGUMENTS = ("logits", "targets")


def error_in_flags(error: BaseException) -> None:
    """Let an error name settings as on a command line."""
    if isinstance(error, NllError):
        error.word(_say)


def in_flags(told: Any) -> Any:
    """What is told to a user (text, or a record of texts), with settings written as on a command line."""
    return worded(told, _say)


def _say(name: str, value: str | None) -> str:
    if name in _ARGUMENTS and value is None:  # nll weights has --targets FILE
        return name.upper()
    written = _SHORT.get(name) or _flag(name)
    return f"{written} {value}" if value else written


def _flag(name: str) -> str:
    from nllcli.cli.options import flag

    return flag(name)


def command_line(command: str, settings: Mapping[str, object]) -> str:
    """The shell command that runs ``nll COMMAND`` with these settings, in order, by the names of the options' fields.

    A setting of None or False is left out.
    """
    words = ["nll", command]
    for name, value in settings.items():
        if value is not None and value is not False:
            words += [str(value)] if name in _ARGUMENTS else _option(name, value)
    return shlex.join(words)


def _option(name: str, value: object) -> list[str]:
    """An option with its value; in one word where the value could be taken for an option."""
    from nllcli.report import shortest

    flag = _SHORT.get(name) or _flag(name)
    if value is True:
        return [flag]
    text = shortest(value) if isinstance(value, float) else str(value)
    return [f"{_flag(name)}={text}"] if text.startswith("-") else [flag, text]
