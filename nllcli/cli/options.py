"""The options as typer wants them, made of the one list in ``data.settings``, and as a command line has them."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from nllcli.data.settings import (
    FILES,
    LISTED_CLASSES,
    MEANING,
    SOURCES,
    TOKENS,
    WORK,
    InputOptions,
    LossOptions,
    Option,
    ScoreRequest,
    WeightOptions,
)
from nllcli.errors import Remedy, UsageError, worded
from nllcli.outputs.formats import (
    FORMATS,
    check_file_of_numbers,
    check_pair,
    check_text_file,
    format_for,
    format_of_extension,
    refuse_tally,
)
from nllcli.registry import nearest, resolve
from nllcli.report import shortest

if TYPE_CHECKING:
    from nllcli.cli.conditions import Condition
    from nllcli.data.blocks import Progress

# The formats of one picture.
ONE_PICTURE = ("svg", "png", "pdf")
SHOWN = "What to show"
WRITTEN = "Where to write"
CHANCE = "How the difference is judged"
MEASURED = "How calibration is measured"
FITTED = "Which temperature"
GROUPS = (FILES, MEANING, CHANCE, FITTED, MEASURED, WORK, SHOWN, WRITTEN)

_RECORDS = (LossOptions, WeightOptions, InputOptions, ScoreRequest)
_FIELDS: dict[str, Field[Any]] = {
    field.name: field for record in _RECORDS for field in fields(record) if "option" in field.metadata
}
# Who does the work beyond this process, which not every command that scores can hand it to.
ELSEWHERE = ("processes", "scheduler")
# Of commands that compare or list groups.
GROUPED = "groups"
SCORING = tuple(name for name in _FIELDS if name not in (*ELSEWHERE, GROUPED))
Record = TypeVar("Record")


def takes(
    *names: str, words: Collection[str] = (), **instead: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the named options, as its first argument; ``instead`` declares some anew.

    ``words`` are conditions of --require that have a name.

    --help shows those of the scoring before the command's own, and those of the result after them. typer learns of a
    command's options from its signature.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**values: Any) -> None:
            given = Given({name: values.pop(name) for name in names})
            given["require"] = _conditions(each(given["require"]), words)
            _check_shown(given, arrays="output" in instead)
            if instead.get("format") not in (TALLY_FORMAT, REPORT_FORMAT):
                refuse_tally(given.get("format"), given.get("output"))
            if instead.get("format") not in (PICTURE_FORMAT, REPORT_FORMAT):
                _refuse_picture(given)
            command(given, **values)

        def parameter(name: str) -> Parameter:
            default, annotation = _RESULT_OPTIONS[name] if name in _RESULT_OPTIONS else _declared(_FIELDS[name])
            return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=instead.get(name, annotation))

        first = [parameter(name) for name in names if name not in _RESULT_OPTIONS]
        own = list(signature(command).parameters.values())[1:]
        last = [parameter(name) for name in names if name in _RESULT_OPTIONS]
        run.__signature__ = Signature([*first, *own, *last])  # type: ignore[attr-defined]  # where inspect looks first
        return run

    return decorate


# The inputs that may stand for several files, and the others.
_WORDS = ("logits", "targets", "sample_weights", "groups", "fit", "fit_targets")
_ONE_FILE = ("weights", "counts", "classes")


class Given(dict[str, Any]):
    """What was given for the options of a command, by their names here and in ``data.settings``."""

    @property
    def files(self) -> list[str | None]:
        """What may name an input: each of the files that a word stands for."""
        from nllcli.inputs.words import listed

        words = [*(self.get(name) for name in _WORDS), *self.get("models", ())]
        return [*(self.get(name) for name in _ONE_FILE), *listed([word for word in words if word is not None])]

    def record(self, record: type[Record], **values: Any) -> Record:
        """The settings of one record."""
        names = [field.name for field in fields(record) if field.name in self]  # type: ignore[arg-type]  # a dataclass
        return record(**({name: self[name] for name in names} | values))

    def inputs(self) -> InputOptions:
        return self.record(InputOptions, classes=class_names(self.get("classes")))

    @property
    def paths(self) -> list[str]:
        """The paths of the JSON under which numbers are printed or required."""
        return [*each(self["print"]), *(condition.path for condition in self["require"] if not condition.is_word)]

    @property
    def json_keys(self) -> set[str]:
        """The keys of the JSON under which numbers are printed or required."""
        if not self.paths:
            return set()
        from nllcli.outputs.json_lookup import top_key

        return set(map(top_key, self.paths))

    def request(self, progress: "Progress | None") -> ScoreRequest:
        """The request that these options make; raises UsageError where two inputs are standard input."""
        models = self.get("models", [self.get("logits")])
        if [*models, *(self.get(name) for name in (*_WORDS[1:], *_ONE_FILE))].count("-") > 1:
            raise UsageError("standard input (-) can be only one of the inputs", hint="give the others as files")
        loss = self.record(LossOptions, clip=None)
        weights = self.record(WeightOptions)
        work = {name: self[name] for name in ("threads", *ELSEWHERE) if name in self}
        return ScoreRequest(self.inputs(), loss, weights, self.get("clip"), progress=progress, **work)


def _conditions(texts: Sequence[str], words: Collection[str]) -> "tuple[Condition, ...]":
    if not texts:
        return ()
    from nllcli.cli.conditions import conditions

    return conditions(texts, words)


def class_names(classes: str | None) -> Sequence[str] | None:
    if classes is None:
        return None
    from nllcli.inputs.vectors import read_names

    return read_names(classes, what="--classes")


def _declared(field: Field[Any]) -> tuple[Any, Any]:
    """The default of a setting's option, and its annotation."""
    return Parameter.empty if field.default is MISSING else field.default, _annotation(field)


def _annotation(field: Field[Any]) -> Any:
    about: Option = field.metadata["option"]
    kind = str | None if field.name == "classes" else field.type
    if not about.group:
        return Annotated[kind, typer.Argument(metavar=field.name.upper(), help=about.help)]
    if about.choices:
        names: Any = resolve(about.choices) if isinstance(about.choices, str) else about.choices
        help = about.help or "; ".join(f"{name}: {row.about}" for name, row in names.items()) + "."
        return Annotated[kind, choice(names, flag(field.name), group=about.group, help=help)]
    settings: dict[str, Any] = {"metavar": about.example, "min": about.least} if about.example else {}
    return Annotated[kind, typer.Option(flag(field.name), rich_help_panel=about.group, help=about.help, **settings)]


def choice(names: Collection[str], *flags: str, group: str, help: str, shown: Collection[str] | None = None) -> Any:
    """An option whose value is one of ``names``: checked, completed and listed in --help, where these are ``shown``."""
    shown = names if shown is None else shown
    # typer evaluates the annotations of such functions at each start, and lambdas have none.
    return typer.Option(
        *flags,
        help=help,
        metavar="|".join(shown),
        callback=lambda ctx, param, value: _checked(value, names, param),  # noqa: ARG005 - found by its place
        autocompletion=lambda incomplete: [name for name in shown if name.startswith(incomplete)],
        rich_help_panel=group,
    )


def text_format(help: str, *, tally: bool = False, picture: bool = False) -> Any:
    """The option for the format of what a command writes; a ``tally``, or one ``picture``, only where it says so."""
    shown = [name for name in FORMATS if (tally or name != "tally") and (picture or name not in ONE_PICTURE)]
    return choice(FORMATS, "--format", "-f", group=SHOWN, help=help, shown=shown)


def _checked(value: str | None, names: Collection[str], param: typer.CallbackParam) -> str | None:
    if value is None or value in names:
        return value
    near = nearest(value, names)
    if near is None:
        raise typer.BadParameter(f"{value!r} is unknown; one of: {', '.join(names)}")
    message = f"{param.opts[0]} {value} is unknown; did you mean {near}?"
    raise UsageError(message, remedies=[Remedy({param.name or "": near})])


def each(values: Sequence[str] | None) -> tuple[str, ...]:
    """The values of an option that may be given again, or hold several between commas that stand in no brackets."""
    return tuple(part.strip() for value in values or () for part in re.split(r",(?![^\[]*\])", value))


def saving(name: str, what: str) -> Any:
    """An option --save-NAME FILE."""
    return typer.Option(
        f"--save-{name}", metavar="FILE", rich_help_panel=WRITTEN, help=f"Write the {what} (.npy or .csv)."
    )


def printing(help: str) -> Any:
    """The option --print; ``help`` says after what it does which numbers there are."""
    told = f"Only this number of the JSON, in full: {help}"
    return typer.Option("--print", metavar="KEY", rich_help_panel=SHOWN, help=told)


def requiring(help: str, words: Collection[str] = ()) -> Any:
    """The option --require, whose conditions may be ``words``; ``help`` says after what it does which there are."""
    told = f"Exit with 5 unless this holds{help}"
    return typer.Option("--require", metavar="|".join((*words, "KEY<NUMBER")), rich_help_panel=SHOWN, help=told)


def _check_shown(given: Given, *, arrays: bool) -> None:
    """Refuse, before any work, options of which one would not be heard: -q and --print write bare numbers.

    These have no use for a format. ``arrays`` says whether the command writes arrays where it is not asked for them.
    """
    numbers = [name for name in ("print", "quiet") if given.get(name)]
    if len(numbers) > 1:
        remedies = [Remedy({"quiet": None}, "the numbers named"), Remedy({"print": None}, "those of the command")]
        raise UsageError("--print and --quiet exclude each other", remedies=remedies)
    for name in numbers:
        if given["format"]:
            remedies = [Remedy({"format": None}, "bare numbers"), Remedy({name: None}, "the report")]
            raise UsageError(f"{flag(name)} and --format exclude each other", remedies=remedies)
        check_file_of_numbers(given["output"], name, arrays=arrays)


def check_report_file(given: Given) -> None:
    """Refuse a file for a report whose extension stands for something else, or, without --format, for nothing."""
    if not (given.get("quiet") or given.get("print")):
        check_text_file(given["output"], "a report")
        check_pair(given["format"], given["output"])
        if given["format"] is None:
            format_for(given["output"])


def draws(given: Given) -> bool:
    """Whether the report is written where pictures are drawn, by --format or else the extension of the file."""
    return _format_of(given) in ("html", *ONE_PICTURE)


def _format_of(given: Given) -> str | None:
    """The format that is asked for by --format, or else by the extension of the file; none of bare numbers."""
    if given.get("quiet") or given.get("print"):
        return None
    return given.get("format") or format_of_extension(given.get("output"))


def _refuse_picture(given: Given) -> None:
    """Raise UsageError where one picture is asked for, of a command that does not write one."""
    format = _format_of(given)
    if format in ONE_PICTURE:
        hint = f"-o FILE.html writes all of it as a page; nll report --only losses -o FILE.{format} one picture"
        raise UsageError(f"this command does not write one picture, as {format} holds it", hint=hint)


_SaveDtype = Annotated[str, choice(("f8", "f4", "f2"), "--save-dtype", group=WRITTEN, help="The type of saved arrays.")]
_Format = Annotated[
    str | None, text_format("How the result is written.  [default: by the extension of -o, else table]")
]
# Of a command that has one picture.
PICTURE_FORMAT = Annotated[
    str | None,
    text_format(
        "How the result is written; the picture alone as svg, png or pdf.  "
        "[default: by the extension of -o, else table]",
        picture=True,
    ),
]
# Of the command whose results add up, and of whose pictures one may be a file by itself.
REPORT_FORMAT = Annotated[
    str | None,
    text_format(
        "How the result is written; one picture alone as svg, png or pdf; a tally for nll merge.  "
        "[default: by the extension of -o, else table]",
        tally=True,
        picture=True,
    ),
]
# How many classes are listed unasked, by format.
CLASSES_UP_TO = {
    **dict.fromkeys(("table", "markdown"), 20),
    **dict.fromkeys(("json", "tally", "html"), LISTED_CLASSES),
}
PerClass = Annotated[
    bool,
    typer.Option(
        "--per-class",
        rich_help_panel=SHOWN,
        help="Add a table of the classes (there unasked for up to 20).",
    ),
]
# Of commands that need numbers for every class.
OF_CLASSES = Annotated[
    str,
    choice(
        [name for name in SOURCES if name != TOKENS],
        "--from",
        group=FILES,
        help="What LOGITS holds, never guessed; probabilities are taken as they are unless a temperature is given.",
    ),
]
# Of the commands whose results add up.
TALLY_FORMAT = Annotated[
    str | None,
    text_format(
        "How the result is written; a tally holds sums for nll merge.  [default: by the extension of -o, else table]",
        tally=True,
    ),
]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", rich_help_panel=SHOWN, help="Only the numbers, in full.")]
_Print = Annotated[list[str] | None, printing("loss, per_class[cat].accuracy; may be given again, or as KEY,KEY.")]
_Require = Annotated[list[str] | None, requiring(": 'loss<0.15', 'per_class[cat].accuracy>=0.9'; may be given again.")]
_Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        rich_help_panel=WRITTEN,
        help="Write the result into FILE: .txt, .json, .csv, .tsv, .md, .html; .tally.json where tallies are merged.",
    ),
]
_Progress = Annotated[
    bool | None,
    typer.Option(
        "--progress/--no-progress",
        rich_help_panel=SHOWN,
        help="On standard error.  [default: long work at a terminal]",
    ),
]
# What becomes of a result: each option's default and declaration.
_RESULT_OPTIONS: dict[str, tuple[Any, Any]] = {
    "save_dtype": ("f8", _SaveDtype),
    "format": (None, _Format),
    "quiet": (False, _Quiet),
    "print": (None, _Print),
    "require": (None, _Require),
    "output": (None, _Output),
    "progress": (None, _Progress),
}
REPORT = ("format", "quiet", "print", "require", "output", "progress")


# --- how settings are named: as arguments and flags, and in whole command lines ---------------------------------------

_SHORT = {"output": "-o", "format": "-f", "quiet": "-q"}
_ARGUMENTS = ("logits", "targets")


def in_flags(told: Any) -> Any:
    """What is told to a user (text, or a record of texts), with settings written as on a command line."""
    return worded(told, as_flag)


def as_flag(name: str, value: str | None, command: str = "") -> str:
    """A setting as on the line of a ``command``, by the name of its field, perhaps with a value."""
    if name in _ARGUMENTS and value is None:  # nll weights has --targets FILE
        of_models = {"logits": "MODEL", "targets": "--targets"}
        return of_models[name] if command == "compare" else name.upper()
    written = _SHORT.get(name) or flag(name)
    if not value or (value.isascii() and value.isalnum()):  # which needs no quotes
        return f"{written} {value or ''}".rstrip()
    from shlex import quote

    return f"{written} {quote(value)}"


def flag(name: str) -> str:
    """How an option, by the name of its field, is written on the command line."""
    about = _FIELDS[name].metadata["option"] if name in _FIELDS else None
    return "--" + ((about and about.name) or name).replace("_", "-")


def command_line(command: str, settings: Mapping[str, object]) -> str:
    """The shell command that runs ``nll COMMAND`` with these settings, in order, by the names of the options' fields.

    A setting of None or False is left out.
    """
    from shlex import join

    words = ["nll", command]
    for name, value in settings.items():
        if value is not None and value is not False:
            words += [str(value)] if name in _ARGUMENTS else option_words(name, value)
    return join(words)


def option_words(name: str, value: object) -> list[str]:
    """An option with its value; in one word where the value could be taken for an option."""
    written = _SHORT.get(name) or flag(name)
    if value is True:
        return [written]
    text = shortest(value) if isinstance(value, float) else str(value)
    return [f"{flag(name)}={text}"] if text.startswith("-") else [written, text]
