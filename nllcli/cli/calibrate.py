"""nll calibrate."""

from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated

import typer

from nllcli.cli import options
from nllcli.cli.confidence import check_confidence, confidence_option
from nllcli.cli.delivery import deliver
from nllcli.data.settings import BINNINGS, EDGES, PEERS
from nllcli.errors import ConditionError, Remedy, UsageError, setting
from nllcli.outputs.formats import format_for

if TYPE_CHECKING:
    from nllcli.commands.calibrate.request import Request
    from nllcli.commands.calibrate.result import Calibration
    from nllcli.data.settings import ScoreRequest
    from nllcli.report import Report

Fit = Annotated[
    str | None,
    typer.Option(
        "--fit",
        metavar="FILE",
        rich_help_panel=options.FITTED,
        help="Fit the temperature to these logits, without --sample-weights, and measure it on LOGITS.",
    ),
]
FitTargets = Annotated[
    str | None,
    typer.Option(
        "--fit-targets", metavar="FILE", rich_help_panel=options.FITTED, help="The targets of the file of --fit."
    ),
]
Folds = Annotated[
    int | None,
    typer.Option(
        "--folds",
        metavar="K",
        min=0,
        max=100,
        rich_help_panel=options.FITTED,
        help="Hold out each of K folds, sample i in fold i mod K, to tell what is gained; 0: none.  [default: 5]",
    ),
]
Temperature = Annotated[
    float | None,
    typer.Option(
        "--temperature", metavar="T", rich_help_panel=options.FITTED, help="Measure at this temperature, and fit none."
    ),
]
NoFit = Annotated[
    bool, typer.Option("--no-fit", rich_help_panel=options.FITTED, help="Measure the probabilities as they are, once.")
]
Bins = Annotated[
    int | None,
    typer.Option(
        "--bins",
        metavar="N",
        min=1,
        max=1000,
        rich_help_panel=options.MEASURED,
        help="How many; -f csv then lists them.  [default: 15]",
    ),
]
Binning = Annotated[
    str | None,
    options.choice(
        BINNINGS,
        "--binning",
        group=options.MEASURED,
        help="Bins of equal width, or of equal numbers of samples.  [default: width]",
    ),
]
Edges = Annotated[
    str | None,
    options.choice(
        EDGES,
        "--edges",
        group=options.MEASURED,
        help="The edge that belongs to a bin; left-extra: 1 has a bin of its own.  [default: right]",
    ),
]
Of = Annotated[
    str | None,
    typer.Option(
        "--of",
        metavar="top|classwise|class:NAME",
        rich_help_panel=options.MEASURED,
        help="Measure the probability of the answer, of each class, or of one class.  [default: top]",
    ),
]
Like = Annotated[
    str | None,
    options.choice(
        PEERS, "--like", group=options.MEASURED, help="Bins as another library makes them: see nll help calibrating."
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        metavar="P",
        rich_help_panel=options.MEASURED,
        help="In the errors of classes, leave out probabilities up to this.",
    ),
]
Smooth = Annotated[
    bool, typer.Option("--smooth", rich_help_panel=options.MEASURED, help="Add the smooth calibration error.")
]
PerClass = Annotated[
    bool, typer.Option("--per-class", rich_help_panel=options.SHOWN, help="Add a table of the classes.")
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        rich_help_panel=options.SHOWN,
        help="Only the temperature, in full; nothing, and exit code 5, where there is none.",
    ),
]
Print = Annotated[list[str] | None, options.printing("ece, after.ece, before.bins[14].gap; may be given again.")]
Require = Annotated[
    list[str] | None,
    options.requiring(
        ": 'ece<0.02' (also loss and accuracy) at --temperature or as they are, 'after.ece<0.02' at the one fitted; "
        "may be given again."
    ),
]

# What changes the loss, but not the probabilities; and what asks for numbers of tokens.
_LEFT_OUT = ("loss", "reduction", "label_smoothing", "clip", "on_nonfinite", "temperature", "part", "unknown")
_OPTIONS = tuple(name for name in options.SCORING if name not in _LEFT_OUT)


@options.takes(
    *_OPTIONS,
    *options.ELSEWHERE,
    *options.REPORT,
    source=options.OF_CLASSES,
    quiet=Quiet,
    print=Print,
    require=Require,
)
def calibrate(
    given: options.Given,
    *,
    fit: Fit = None,
    fit_targets: FitTargets = None,
    folds: Folds = None,
    temperature: Temperature = None,
    no_fit: NoFit = False,
    confidence: Annotated[float, confidence_option(options.FITTED)] = 0.95,
    bins: Bins = None,
    binning: Binning = None,
    edges: Edges = None,
    of: Of = None,
    like: Like = None,
    threshold: Threshold = None,
    smooth: Smooth = False,
    per_class: PerClass = False,
) -> None:
    """Are probabilities what they claim, and which temperature helps.

    The temperature is the one with the lowest loss. The calibration error is shown with the one that chance alone would
    cause. Except for the largest gap, no error exceeds the square root of the Brier score.
    """
    from nllcli.commands.calibrate import calibrate as task
    from nllcli.commands.calibrate.report import report, why_none
    from nllcli.commands.calibrate.request import Request

    check_confidence(confidence)
    _check_rule(like, {"edges": edges, "binning": binning, "of": of})
    _check_threshold(threshold)
    given.update({"fit": fit, "fit_targets": fit_targets})
    _check_tables(given, bins, per_class=per_class)
    _check_fit(given, {"fit": fit, "folds": folds, "temperature": temperature, "no_fit": no_fit})

    def request(base: "ScoreRequest") -> "Request":
        other = None
        if fit is not None:
            other = replace(base.inputs, logits=fit, targets=fit_targets, sample_weights=None)
            other = other if fit_targets is None else replace(other, target_column=None)
        return Request(
            base,
            other,
            bins,
            binning or "width",
            edges or "right",
            "top" if of is None else of,
            like,
            folds,
            temperature,
            fits=temperature is None and not no_fit,
            smooth=smooth or _asks(given, "smece"),
            per_class=per_class or _asks(given, "per_class"),
            threshold=threshold,
            confidence=confidence,
        )

    def shown(result: "Calibration") -> "Report":
        why = why_none(result)
        if given["quiet"] and why is not None:
            is_asked = temperature is not None or no_fit
            instead = [Remedy({"quiet": None, "print": ["ece"]}, "the calibration error")] if is_asked else []
            raise ConditionError(why, remedies=instead)
        has_bins = bins is not None and of != "classwise"
        listed = "per_class" if per_class else "bins" if has_bins else "numbers"
        return report(result, listed=listed, pictured=options.draws(given))

    deliver(given, lambda base: task(request(base)), shown)


def _asks(given: options.Given, key: str) -> bool:
    """Whether a number is printed or required that stands under a key of the JSON, or in it."""
    return any(key in path for path in given.paths)


def _check_rule(like: str | None, own: dict[str, str | None]) -> None:
    """Raise UsageError for a library's rule with parts of another, and for edges of bins that have no given ones."""
    said = [name for name, value in own.items() if value is not None]
    if like is not None and said:
        remedies = [Remedy(dict.fromkeys(said), f"as {like} does"), Remedy({"like": None}, "by this rule")]
        parts = " and ".join(setting(name) for name in said)
        raise UsageError(f"{setting('like', like)} is a whole rule, and {parts} part of another", remedies=remedies)
    if own["binning"] == "mass" and own["edges"] is not None:
        remedies = [Remedy({"edges": None}, "equal numbers of samples"), Remedy({"binning": None}, "equal widths")]
        message = f"{setting('edges')} has no meaning for {setting('binning', 'mass')}, whose bins end between samples"
        raise UsageError(message, remedies=remedies)


def _check_tables(given: options.Given, bins: int | None, *, per_class: bool) -> None:
    """Raise UsageError for the bins and the classes in a format that holds one table."""
    format = given["format"] or format_for(given["output"])
    if format in ("csv", "tsv") and per_class and bins is not None:
        as_json: dict[str, object] = {"format": "json"}
        if given["output"]:
            as_json = {"format": None, "output": str(PurePath(given["output"]).with_suffix(".json"))}
        remedies = [Remedy({"per_class": None}, "the bins"), Remedy(as_json, "both, as JSON")]
        message = f"{format} holds one table, and here are two: of the bins and of the classes"
        raise UsageError(message, remedies=remedies)


def _check_threshold(threshold: float | None) -> None:
    if threshold is not None and not 0.0 <= threshold < 1.0:
        raise UsageError(f"{setting('threshold')} {threshold:g} is not a probability from 0 to below 1")


def _check_fit(given: options.Given, asked: dict[str, object]) -> None:
    """Raise UsageError for two ways to come to a temperature, and for parts of one that is not asked for."""
    ways = [name for name in ("fit", "temperature", "no_fit") if asked[name] not in (None, False)]
    if len(ways) > 1:
        raise _excluded(*ways[:2])
    if asked["folds"] == 1:
        message = f"{setting('folds', 1)} leaves no samples to fit to: 2 or more, or 0 for none"
        raise UsageError(message, remedies=[Remedy({"folds": None}, "5 folds"), Remedy({"folds": 0}, "none")])
    if asked["folds"] and ways:
        raise _excluded("folds", ways[0])
    if given["fit_targets"] is not None and asked["fit"] is None:
        message = f"{setting('fit_targets')} has no {setting('fit')}: a file of logits that they are the targets of"
        raise UsageError(message, remedies=[Remedy({"fit_targets": None}, f"fitted to {setting('logits')}")])
    if asked["fit"] is not None and given["fit_targets"] is None and given["targets"] is not None:
        message = f"{setting('fit')} has no targets, as {setting('logits')} has"
        raise UsageError(message, hint=f"name them with {setting('fit_targets', 'FILE')}")


def _excluded(*names: str) -> UsageError:
    """The refusal of two settings of which one would be ignored."""
    parts = {"fit": ("fit", "fit_targets")}
    remedies = [Remedy(dict.fromkeys(parts.get(other, (other,))), _ALONE[name]) for name, other in (names, names[::-1])]
    return UsageError(f"{setting(names[0])} and {setting(names[1])} exclude each other", remedies=remedies)


_ALONE = {
    "fit": "fitted to the other file",
    "folds": f"fitted to {setting('logits')}",
    "temperature": "measured at the one given",
    "no_fit": "measured as they are",
}
