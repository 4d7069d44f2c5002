"""nll compute."""

from typing import TYPE_CHECKING, Annotated

import typer

from nllcli.cli import options
from nllcli.cli.wording import emit

if TYPE_CHECKING:
    from nllcli.commands.compute.compute import Sections

PerClass = Annotated[
    bool,
    typer.Option(
        "--per-class",
        rich_help_panel=options.SHOWN,
        help="Add a table of the classes (there unasked for up to 20).",
    ),
]
PerSample = Annotated[
    bool,
    typer.Option(
        "--per-sample",
        rich_help_panel=options.SHOWN,
        help="Add a table of the samples (there unasked for up to 20); ignored ones have loss 0.",
    ),
]


@options.takes(*options.SCORING)
def compute(
    given: options.Given,
    *,
    per_class: PerClass = False,
    per_sample: PerSample = False,
    save_losses: Annotated[str | None, options.saving("losses", "losses, 0 where ignored")] = None,
    save_probs: Annotated[str | None, options.saving("probs", "probabilities")] = None,
    save_log_probs: Annotated[str | None, options.saving("log-probs", "log-probabilities")] = None,
    save_grad: Annotated[str | None, options.saving("grad", "gradient of the loss by the logits")] = None,
    save_dtype: options.SaveDtype = "f8",
    format: options.Format = None,
    quiet: options.Quiet = False,
    output: options.Output = None,
    progress: options.ShowProgress = None,
) -> None:
    """The loss: reduced, per class and per sample."""
    from nllcli.commands.compute.compute import Sections
    from nllcli.commands.compute.compute import compute as task
    from nllcli.commands.compute.report import report
    from nllcli.commands.compute.saving import Saves
    from nllcli.outputs.arrays import open_array
    from nllcli.outputs.files import check_outputs
    from nllcli.outputs.formats import format_for
    from nllcli.outputs.progress import ProgressBar

    check_outputs(
        {
            "the report": output or "-",
            "--save-losses": save_losses,
            "--save-probs": save_probs,
            "--save-log-probs": save_log_probs,
            "--save-grad": save_grad,
        },
        inputs=given.files,
    )
    sections = _sections(format or format_for(output), given["reduction"], per_class=per_class, per_sample=per_sample)
    with ProgressBar(progress) as bar:
        result = task(
            given.request(bar),
            Sections() if quiet else sections,
            Saves(open_array, save_losses, save_probs, save_log_probs, save_grad, dtype=save_dtype),
        )
    emit(report(result), fmt=format, quiet=quiet, path=output)


def _sections(format: str, reduction: str, *, per_class: bool, per_sample: bool) -> "Sections":
    """Pages for people show what there is room for; JSON lists the classes, and CSV holds what was asked for."""
    from nllcli.commands.compute.compute import Sections

    if format == "json":
        return Sections(per_class, per_sample, classes_up_to=1000)
    page = format in ("table", "markdown")
    return Sections(per_class, per_sample or reduction == "none", small=page, classes_up_to=20 if page else 0)
