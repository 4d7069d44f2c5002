"""nll compare."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from nllcli.cli import options
from nllcli.cli.confidence import check_confidence, confidence_option
from nllcli.cli.delivery import deliver
from nllcli.data.settings import ADJUSTMENTS, FILES, LOSSES_GIVEN, MEANING, SOURCES, TOKENS, VERDICT_WORDS
from nllcli.errors import Remedy, UsageError, setting
from nllcli.registry import unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from nllcli.commands.compare import Request
    from nllcli.commands.compare.result import Comparison
    from nllcli.data.settings import ScoreRequest
    from nllcli.report import Report


Models = Annotated[
    list[str],
    typer.Argument(metavar="MODEL...", help="A file of logits for each model, two or more; the first is the baseline."),
]
Targets = Annotated[
    str | None,
    typer.Option(
        "--targets",
        "-t",
        metavar="FILE",
        rich_help_panel=FILES,
        help="Class indices, class names, or class probabilities: the same for all models.",
    ),
]
Groups = Annotated[
    str | None,
    typer.Option(
        "--groups",
        "--clusters",
        metavar="FILE|axis:K",
        rich_help_panel=options.CHANCE,
        help="The unit of each sample, such as its document: one label a sample, or axis:K of the targets.",
    ),
]
Source = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="|".join((*SOURCES, LOSSES_GIVEN)),
        rich_help_panel=FILES,
        help="What the files hold, never guessed: one for all models, or one each between commas.",
    ),
]
Temperature = Annotated[
    str,
    typer.Option(
        "--temperature",
        metavar="T",
        rich_help_panel=MEANING,
        help="Divides the logits, or log p: one for all models, or one each between commas.",
    ),
]
Names = Annotated[
    str | None,
    typer.Option("--names", metavar="NAMES", rich_help_panel=FILES, help="What the models are called: old,new."),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        "--baseline",
        metavar="NAME|NUMBER",
        rich_help_panel=FILES,
        help="The model that the others are compared with, named or numbered from 1.  [default: the first]",
    ),
]
AllPairs = Annotated[
    bool,
    typer.Option("--all-pairs", rich_help_panel=options.CHANCE, help="Compare every pair of models."),
]
Margin = Annotated[
    float | None,
    typer.Option(
        "--margin",
        "--rope",
        metavar="NATS",
        rich_help_panel=options.CHANCE,
        help="Differences up to this do not matter; adds how likely they are.",
    ),
]
Permutations = Annotated[
    int,
    typer.Option(
        "--permutations",
        metavar="N",
        min=0,
        rich_help_panel=options.CHANCE,
        help="Random sign flips for a second p; of up to 13 units all flips are taken unasked.",
    ),
]
Bootstrap = Annotated[
    int,
    typer.Option(
        "--bootstrap",
        metavar="N",
        min=0,
        rich_help_panel=options.CHANCE,
        help="Draws for a second interval, of percentiles.",
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed", metavar="N", min=0, max=2**64 - 1, rich_help_panel=options.CHANCE, help="Of flips and draws."
    ),
]
Adjust = Annotated[
    str,
    options.choice(ADJUSTMENTS, "--adjust", group=options.CHANCE, help="How p is adjusted for several comparisons."),
]
Diverging = Annotated[
    bool,
    typer.Option(
        "--divergence/--no-divergence",
        rich_help_panel=options.SHOWN,
        help="How far the models' probabilities are apart.",
    ),
]
Largest = Annotated[
    int,
    typer.Option(
        "--largest",
        metavar="N",
        min=0,
        rich_help_panel=options.SHOWN,
        help="How many samples to list on which either model is better by most.",
    ),
]
Print = Annotated[
    list[str] | None, options.printing("'comparisons[new].p_value' of the model new; may be given again.")
]
Require = Annotated[
    list[str] | None,
    options.requiring(
        " of every comparison: better, not-worse or equivalent (see nll help comparing), or of a number of the JSON: "
        "'comparisons[new].ci_high<0'; may be given again.",
        VERDICT_WORDS,
    ),
]
SaveDifferences = Annotated[str | None, options.saving("differences", "differences of the losses, 0 where ignored")]

_OPTIONS = tuple(name for name in options.SCORING if name != "logits")


@options.takes(
    *_OPTIONS,
    options.GROUPED,
    *options.ELSEWHERE,
    "save_dtype",
    *options.REPORT,
    words=VERDICT_WORDS,
    format=options.TALLY_FORMAT,
    targets=Targets,
    groups=Groups,
    source=Source,
    temperature=Temperature,
    print=Print,
    require=Require,
)
def compare(
    given: options.Given,
    *,
    models: Models,
    names: Names = None,
    baseline: Baseline = None,
    all_pairs: AllPairs = False,
    confidence: Annotated[float, confidence_option(options.CHANCE)] = 0.95,
    margin: Margin = None,
    permutations: Permutations = 0,
    bootstrap: Bootstrap = 0,
    seed: Seed = 12345,
    adjust: Adjust = "holm",
    divergence: Diverging = True,
    largest: Largest = 3,
    per_class: options.PerClass = False,
    save_differences: SaveDifferences = None,
) -> None:
    """Which model has the lower loss, by how much, and is it luck.

    Differences are the model's loss minus the baseline's: below 0, the model is better.
    """
    from nllcli.commands.compare import Request
    from nllcli.commands.compare import compare as task
    from nllcli.commands.compare.inference import Question
    from nllcli.commands.compare.names import names_of
    from nllcli.commands.compare.report import report
    from nllcli.outputs.formats import format_for

    check_confidence(confidence)
    _check_margin(margin, given)
    if per_class and {TOKENS, LOSSES_GIVEN} & {*given["source"].split(",")}:
        message = f"{setting('per_class')} needs numbers for every class"
        raise UsageError(message, remedies=[Remedy({"per_class": None}, "the losses alone")])
    sources = [_source(value, given) for value in _each(given["source"], "source", models)]
    temperatures = [_temperature(value) for value in _each(given["temperature"], "temperature", models)]
    every = list(zip(models, sources, temperatures, strict=True))
    chosen = list(dict.fromkeys(every))
    paths = [path for path, _, _ in chosen]
    if len(chosen) < 2:
        told = (
            "one is named" if len(models) == 1 else f"{paths[0]} is named {len(models)} times, with the same settings"
        )
        raise UsageError(f"nll compare needs two models or more: {told}")
    called = names_of(paths, None if names is None else [name.strip() for name in names.split(",")])
    order = _order(baseline, called)
    question = Question(confidence, margin, permutations, bootstrap, seed, given["reduction"], adjust)
    format = given["format"] or format_for(given["output"])
    bare = given["quiet"] or given["print"]
    pictures = options.draws(given)
    made: Callable[[Comparison], Report] = partial(report, pictured=pictures)
    if format == "tally":
        from nllcli.commands.compare.tally import with_tally as made
    per_class = per_class or any("per_class" in path for path in given.paths)
    classes = float("inf") if per_class else 0 if bare else options.CLASSES_UP_TO.get(format, 0)

    def request(base: "ScoreRequest") -> "Request":
        requests = []
        for path, source, temperature in (chosen[i] for i in order):
            loss = replace(base.loss, source=source, temperature=temperature)
            requests.append(replace(base, inputs=replace(base.inputs, logits=path, source=source), loss=loss))
        return Request(
            tuple(requests),
            tuple(called[i] for i in order),
            question,
            all_pairs=all_pairs,
            divergence=divergence and not (given["quiet"] and not given.paths),
            n_largest=largest,
            classes_up_to=classes,
            again=tuple(model[0] for model in chosen if every.count(model) > 1),
            save_differences=save_differences,
            save_dtype=given["save_dtype"],
            are_named=names is not None,
            tally=format == "tally",
            pictures=pictures,
        )

    given.update({"logits": paths[0], "models": paths, "source": sources[0], "temperature": temperatures[0]})
    deliver(given, lambda base: task(request(base)), made, {"--save-differences": save_differences})


def _check_margin(margin: float | None, given: options.Given) -> None:
    """Raise UsageError for a margin below 0, and for a condition that needs a margin."""
    if margin is not None and not 0.0 <= margin < float("inf"):
        raise UsageError(f"{setting('margin')} {margin:g} is not a number of nats from 0 on")
    if margin is None and any(condition.text == "equivalent" for condition in given["require"]):
        message = f"{setting('require', 'equivalent')} needs {setting('margin')}: which difference does not matter"
        raise UsageError(message, hint=f"{setting('margin', '0.01')}, in nats")


def _each(text: str, name: str, models: list[str]) -> list[str]:
    """One value a model, of one for all or one each between commas."""
    values = [value.strip() for value in text.split(",")]
    if len(values) == 1:
        return values * len(models)
    if len(values) != len(models):
        raise UsageError(f"{setting(name)} has {len(values)} values for {len(models)} models", hint="one, or one each")
    return values


def _source(value: str, given: options.Given) -> str:
    known = (*SOURCES, LOSSES_GIVEN)
    if value not in known:
        written = [each.strip() for each in str(given["source"]).split(",")]
        raise unknown("source", value, known, f"{setting('source')} {value} is unknown", given=written)
    return value


def _temperature(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{setting('temperature')} {text!r} is not a number") from None


def _order(baseline: str | None, names: tuple[str, ...]) -> list[int]:
    """The places of the models, that of the baseline first."""
    if baseline is None:
        return list(range(len(names)))
    by_number = int(baseline) - 1 if baseline.isdecimal() and 1 <= int(baseline) <= len(names) else None
    first = names.index(baseline) if baseline in names else by_number
    if first is None:
        raise unknown("baseline", baseline, names, f"there is no model {baseline!r}")
    if by_number not in (None, first):
        raise UsageError(f"{baseline} is the name of one model and the number of another", hint="give other names")
    return [first, *(i for i in range(len(names)) if i != first)]
