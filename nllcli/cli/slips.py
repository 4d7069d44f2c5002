"""A command line with a word that does not exist, as it was surely meant."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nllcli.registry import nearest

# Options that other programs have for what is an argument here.
_ARGUMENTS = {"logits": "logits"} | dict.fromkeys(("target", "targets", "label", "labels"), "targets")
# What else is said for the column of the targets.
_COLUMNS = ("target", "label-column")


def without_slip(error: Any, words: Sequence[str]) -> str | None:
    """The command line with the command or the option that typer does not know as it was meant; None if in doubt."""
    context, changed = getattr(error, "ctx", None), None
    commands = getattr(context and context.command, "commands", words)
    if context and hasattr(error, "possibilities"):  # there is no such option
        changed = _option_meant(error.option_name, list(words), context)
    elif words and words[0] not in commands:
        near = nearest(words[0], commands)
        changed = [near, *words[1:]] if near else None
    return shlex.join(["nll", *changed]) if changed else None


def _option_meant(typed: str, words: list[str], context: Any) -> list[str] | None:
    """The words with another one, or two, for the option that was typed."""
    command = context.command
    at = next((i for i, word in enumerate(words) if word == typed or word.startswith(f"{typed}=")), None)
    if at is None:  # it is one of several letters
        return None
    name, value, after = typed.lstrip("-"), words[at].removeprefix(typed), words[at + 1 :]
    as_argument = _as_argument(name, words, at, command)
    if as_argument:
        return as_argument
    chosen = [option.opts[0] for option in command.params if name in _choices(option)]
    if len(chosen) == 1 and not value:
        return [*words[:at], chosen[0], name, *after]
    options = command.get_params(context)
    known = [text for option in options for text in (*option.opts, *option.secondary_opts) if text.startswith("--")]
    takes_value = bool(value) or (bool(after) and not after[0].startswith("-") and not Path(after[0]).exists())
    flags = {
        text
        for option in options
        if getattr(option, "is_flag", False)
        for text in (*option.opts, *option.secondary_opts)
    }
    near = _nearest(name, typed, [text for text in known if not (takes_value and text in flags)])
    return [*words[:at], near + value, *after] if near else None


def _nearest(name: str, typed: str, known: Sequence[str]) -> str | None:
    """The option that is nearly the one typed; the name of an argument is also the beginning of an option."""
    if name == "target" and "--targets" in known:
        return "--targets"
    if name in _COLUMNS and "--target-column" in known:
        return "--target-column"
    return None if name in _ARGUMENTS.values() else nearest(typed, known)


def _choices(option: Any) -> list[str]:
    """The values that an option takes, where it takes no others."""
    names = (option.metavar or "").split("|")
    return names if all(name.islower() for name in names) else []


def _as_argument(name: str, words: list[str], at: int, command: Any) -> list[str] | None:
    """The words with the file that follows an option as the argument it is, if there is such a file."""
    from nllcli.cli.remedies import parsed

    arguments = [option.name for option in command.params if option.param_type_name == "argument"]
    _, is_one_word, value = words[at].partition("=")
    file = value if is_one_word else "".join(words[at + 1 : at + 2])
    rest = [*words[:at], *words[at + (1 if is_one_word else 2) :]]
    given = [word for word in parsed(rest[1:], command) if word.name in arguments]
    if _ARGUMENTS.get(name) not in arguments or len(given) == len(arguments) or not Path(file).is_file():
        return None
    return [rest[0], file, *rest[1:]] if name == "logits" else [*rest, file]
