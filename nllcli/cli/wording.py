"""How the shell names settings: as arguments and flags."""

from typing import TYPE_CHECKING, Any

from nllcli.errors import worded

if TYPE_CHECKING:
    from nllcli.report import Report

_SHORT = {"output": "-o", "format": "-f", "quiet": "-q"}
_ARGUMENTS = ("logits", "targets")


def in_flags(told: Any) -> Any:
    """What is told to a user (text, or a record of texts), with settings written as on a command line."""
    return worded(told, _say)


def _say(name: str, value: str | None) -> str:
    from nllcli.cli.options import flag

    if name in _ARGUMENTS:
        return name.upper()
    written = _SHORT.get(name) or flag(name)
    return written if value in (None, "True") else f"{written} {value}"


def emit(report: "Report", **where: Any) -> None:
    """``outputs.emit`` for a report whose notices and texts name settings."""
    from nllcli.outputs.emit import emit as write

    write(in_flags(report), **where)
