"""nll explain."""

import re
from typing import Annotated, Any

import typer

from nllcli.cli import options
from nllcli.cli.delivery import deliver


def _row(text: str) -> int | tuple[int, ...]:
    """A sample's number, or its position as it is printed: in brackets, since 2,047 could be either."""
    if re.fullmatch(r"\d+", text, re.ASCII):
        return int(text)
    if re.fullmatch(r"\(\s*\d+(\s*,\s*\d+)+\s*\)", text, re.ASCII):
        return tuple(map(int, text[1:-1].split(",")))
    raise typer.BadParameter(f"{text!r} is neither a number such as 7 nor a position such as '(14, 105)'")


Rows = Annotated[
    list[Any] | None,
    typer.Option(
        "--row",
        parser=_row,
        metavar="N|POSITION",
        help="Explain this sample, counted from 0, or at '(14, 105)'; may be given again.",
    ),
]
Hardest = Annotated[
    int | None, typer.Option("--hardest", min=1, metavar="K", help="Explain the K samples of the largest loss.")
]


@options.takes(*options.SCORING, *options.REPORT)
def explain(given: options.Given, *, row: Rows = None, hardest: Hardest = None) -> None:
    """Chosen samples worked step by step: softmax, loss and gradient.

    Needs --row or --hardest unless LOGITS holds a single sample. Where targets have several dimensions, the number of
    a sample counts along the last one first.
    """
    from nllcli.commands.explain import explain as task
    from nllcli.commands.explain.report import report

    deliver(given, lambda request: task(request, row or (), hardest=hardest), report)
