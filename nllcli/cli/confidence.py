"""The option for the confidence of an interval."""

from typing import Any

import typer

from nllcli.errors import Remedy, UsageError, setting


def confidence_option(group: str) -> Any:
    """The option --confidence, in a ``group`` of the help."""
    return typer.Option("--confidence", metavar="SHARE", rich_help_panel=group, help="Of the interval: 0 to 1.")


def check_confidence(confidence: float) -> None:
    """Raise UsageError for a confidence outside 0 to 1."""
    if not 0.0 < confidence < 1.0:
        meant = confidence / 100
        remedies = [Remedy({"confidence": meant}, f"{confidence:g} %")] if 1.0 < confidence < 100.0 else []
        hint = f"did you mean {meant:g}?" if remedies else "0.95, say"
        message = f"{setting('confidence')} {confidence:g} is not between 0 and 1"
        raise UsageError(message, hint=hint, remedies=remedies)
