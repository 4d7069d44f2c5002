"""Settings as command lines."""

import shlex
from collections.abc import Mapping

from nllcli.outputs.numbers import shortest

_ARGUMENTS = ("logits", "targets")
_LONG = {"source": "--from"}
_SHORT = {"output": "-o", "format": "-f", "quiet": "-q"}


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
    long = _LONG.get(name, f"--{name.replace('_', '-')}")
    flag = _SHORT.get(name, long)
    if value is True:
        return [flag]
    text = shortest(value) if isinstance(value, float) else str(value)
    return [f"{long}={text}"] if text.startswith("-") else [flag, text]
