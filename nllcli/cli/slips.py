"""A command line with a word that does not exist, as it was surely meant."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nllcli.registry import nearest

# Options that other programs have for what is an argument here.
_ARGUMENTS = {"logits": "logits"} | dict.fromkeys(("target", "targets", "label", "labels"), "targets")


def without_slip(error: Any, words: Sequence[str]) -> str | None:
    """The command line with the command or the option that typer does not know as it was meant; None if in doubt."""
    command, changed = error.ctx and error.ctx.command, None
    if hasattr(error, "possibilities"):  # there is no such option
        changed = _option_meant(error.option_name, list(words), error.ctx)
    elif words and words[0] not in getattr(command, "commands", words):
        near = nearest(words[0], command.commands)
        changed = [near, *words[1:]] if near else None
    return shlex.join(["nll", *changed]) if changed else None


def _option_meant(typed: str, words: list[str], context: Any) -> list[str] | None:
    """The words with another one, or two, for the option that was typed."""
    command = context.command
    at = next((i for i, word in enumerate(words) if word == typed or word.startswith(f"{typed}=")), None)
    if at is None:  # it is one of several letters
        return None
    name, value = typed.lstrip("-"), words[at].removeprefix(typed)
    chosen = [option.opts[0] for option in command.params if name in _choices(option)]
    if len(chosen) == 1 and not value:
        return [*words[:at], chosen[0], name, *words[at + 1 :]]
    options = command.get_params(context)
    known = [text for option in options for text in (*option.opts, *option.secondary_opts) if text.startswith("--")]
    near = nearest(typed, known)
    return _as_argument(name, words, at, command) or (near and [*words[:at], near + value, *words[at + 1 :]]) or None


def _choices(option: Any) -> list[str]:
    """The values that an option takes, where it takes no others."""
    names = (option.metavar or "").split("|")
    return names if all(name.islower() for name in names) else []


def _as_argument(name: str, words: list[str], at: int, command: Any) -> list[str] | None:
    """The words with the file that follows an option as the argument it is, if there is such a file."""
    from nllcli.cli.remedies import parsed

    arguments = [option.name for option in command.params if option.param_type_name == "argument"]
    end = at + 1 + ("=" not in words[at])
    file = "".join(words[at:end]).partition("=")[2] if "=" in words[at] else "".join(words[at + 1 : end])
    rest = words[:at] + words[end:]
    given = [word for word in parsed(rest[1:], command) if word.name in arguments]
    if _ARGUMENTS.get(name) not in arguments or len(given) == len(arguments) or not Path(file).is_file():
        return None
    return [rest[0], file, *rest[1:]] if name == "logits" else [*rest, file]
