"""nll compute."""

from dataclasses import replace
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated

import typer

from nllcli.cli import options
from nllcli.cli.delivery import deliver
from nllcli.data.settings import WORK
from nllcli.errors import Remedy, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nllcli.commands.compute import Sections
    from nllcli.commands.compute.result import LossResult
    from nllcli.report import Report

_PAGES = ("table", "markdown", "html")
PerSample = Annotated[
    bool,
    typer.Option(
        "--per-sample",
        rich_help_panel=options.SHOWN,
        help="Add a table of the samples (there unasked for up to 20); ignored ones have loss 0.",
    ),
]
Resume = Annotated[
    str | None,
    typer.Option(
        "--resume",
        metavar="FOLDER",
        rich_help_panel=WORK,
        help="Keep a tally of each file of logits there, and skip the files that are done.",
    ),
]


@options.takes(*options.SCORING, *options.ELSEWHERE, "save_dtype", *options.REPORT, format=options.TALLY_FORMAT)
def compute(
    given: options.Given,
    *,
    per_class: options.PerClass = False,
    per_sample: PerSample = False,
    save_losses: Annotated[str | None, options.saving("losses", "losses, 0 where ignored")] = None,
    save_probs: Annotated[str | None, options.saving("probs", "probabilities")] = None,
    save_log_probs: Annotated[str | None, options.saving("log-probs", "log-probabilities")] = None,
    save_grad: Annotated[str | None, options.saving("grad", "gradient of the loss by the logits")] = None,
    resume: Resume = None,
) -> None:
    """The loss: reduced, per class and per sample."""
    from nllcli.commands.compute import Saves, Sections, within
    from nllcli.commands.compute import compute as task
    from nllcli.commands.compute.result import report
    from nllcli.outputs.formats import format_for

    files = {
        "--save-losses": save_losses,
        "--save-probs": save_probs,
        "--save-log-probs": save_log_probs,
        "--save-grad": save_grad,
    }
    saves = Saves(
        given["save_dtype"], losses=save_losses, probs=save_probs, log_probs=save_log_probs, gradient=save_grad
    )
    options.check_report_file(given)
    bare = given["quiet"] or given["print"]
    format = "table" if bare else given["format"] or format_for(given["output"])
    if format in ("csv", "tsv") and per_class and (per_sample or given["reduction"] == "none"):
        raise _two_tables(given, format)
    if format == "tally" and per_sample:
        raise UsageError(
            "a tally holds sums, and --per-sample asks for the samples",
            remedies=[Remedy({"per_sample": None}, "the sums")],
        )
    sections = _sections(format, given["reduction"], per_class=per_class, per_sample=per_sample)
    drawn = options.draws(given)
    if drawn:
        from nllcli.commands.compute.pictures import PictureChoice

        sections = replace(sections, pictures=PictureChoice())
    made: Callable[[LossResult], Report] = partial(report, only=() if drawn else None)
    if sections.tally:
        from nllcli.commands.compute.tally import with_tally as made
    shown = Sections(standard_error=False) if bare else sections
    needed = shown.holding(given.json_keys)
    deliver(
        given,
        lambda request: task(request, needed, saves if any(files.values()) else None, resume),
        made,
        files,
        None if needed == shown else lambda result: within(result, shown),
    )


def _two_tables(given: options.Given, format: str) -> UsageError:
    """The refusal of both tables in a format of one, before any work."""
    remedies = [Remedy({"per_class": None}, "the samples")]
    if given["reduction"] != "none":  # which asks for the samples by itself
        remedies.insert(0, Remedy({"per_sample": None}, "the classes"))
    as_json: dict[str, object] = {"format": "json"}
    if given["output"]:
        as_json = {"format": None, "output": str(PurePath(given["output"]).with_suffix(".json"))}
    message = f"{format} holds one table, and here are two: of the classes and of the samples"
    return UsageError(message, remedies=[*remedies, Remedy(as_json, "both, as JSON")])


def _sections(format: str, reduction: str, *, per_class: bool, per_sample: bool) -> "Sections":
    """Pages for people show what there is room for; JSON lists the classes, and CSV holds what was asked for."""
    from nllcli.commands.compute import Sections

    most = options.CLASSES_UP_TO.get(format, 0)
    if format in ("json", "tally"):
        return Sections(per_class, per_sample, classes_up_to=most, tally=format == "tally")
    return Sections(per_class, per_sample or reduction == "none", small=format in _PAGES, classes_up_to=most)
