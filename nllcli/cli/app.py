"""The commands of ``nll``: one table, each in a thin file of its own, which is loaded when it is called."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from nllcli.cli.options import GROUPS
from nllcli.errors import UsageError
from nllcli.outputs.formats import write_result
from nllcli.registry import Registry, resolve

NAME = "nll"
HELP_OPTIONS = frozenset(("-h", "--help"))
_VERSION_OPTIONS = ("--version", "-V")
HELP = "help"
_HELP = "nllcli.cli.help:help"

# In the order of --help.
COMMANDS = Registry(
    "command",
    {
        name: f"nllcli.cli.{name}:{name}"
        for name in (
            "compute",
            "softmax",
            "grad",
            "check",
            "explain",
            "reconcile",
            "compare",
            "calibrate",
            "weights",
            "merge",
            "report",
        )
    },
)


def names_in(words: Sequence[str]) -> Sequence[str]:
    """The commands that a command line needs: the files of the others are not loaded."""
    first = words[0] if words else ""
    if first in _VERSION_OPTIONS:
        return ()
    return (first,) if first in COMMANDS else (*COMMANDS, HELP)


def app(names: Iterable[str] = (*COMMANDS, HELP)) -> typer.Typer:
    """The program with the commands of these ``names``."""
    program = typer.Typer(
        name=NAME,
        cls=Program,
        # Plain help is the same on a terminal and in a pipe, and does not take [brackets] for markup.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": sorted(HELP_OPTIONS, key=len)},
    )
    program.callback(invoke_without_command=True)(nll)
    for name in names:
        program.command(cls=Command)(resolve(_HELP) if name == HELP else COMMANDS.load(name))
    return program


def _show_version(wanted: bool) -> None:
    if wanted:
        from nllcli import __version__
        from nllcli.numerics.kernels.chosen import kernel_name

        write_result(f"{NAME} {__version__} (kernel: {kernel_name()})\n")
        raise typer.Exit


def nll(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option(*_VERSION_OPTIONS, callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[  # noqa: ARG001 - main() takes it out, wherever it stands
        bool, typer.Option("--debug", help="Show the traceback of an error.")
    ] = False,
) -> None:
    """Softmax probabilities and the negative log-likelihood of a file of logits."""
    if context.invoked_subcommand is None:
        write_result(context.get_help() + "\n")


class Program(TyperGroup):
    """Its --help begins with examples and ends with the exit codes."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the examples, the usual help, and the exit codes."""
        from nllcli.cli.topics import TOPICS

        _write_examples("", formatter)
        super().format_help(ctx, formatter)
        with formatter.section("Topics of nll help"):
            formatter.write_dl([(name, TOPICS.load(name).__doc__) for name in TOPICS])
        _write_exit_codes("", formatter)


def _write_examples(command: str, formatter: Any) -> None:
    from nllcli.cli.guide import example_lines

    formatter.write(f"Examples:\n{example_lines(command)}\n")


def _write_exit_codes(command: str, formatter: Any) -> None:
    from nllcli.cli.guide import exit_codes

    with formatter.section("Exit codes"):
        formatter.write_dl(exit_codes(command))


class Command(TyperCommand):
    """Refuses a second value where an option holds one, the first of which typer would drop without a word.

    Its --help begins with examples, lists the options group by group, which typer does only where it draws boxes, and
    ends with the exit codes.
    """

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the examples, the usual help, and the exit codes."""
        _write_examples(str(self.name), formatter)
        super().format_help(ctx, formatter)
        _write_exit_codes(str(self.name), formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:  # of a line still being typed
            with _blaming(ctx):
                values, rest, given = self.make_parser(ctx).parse_args(args=list(args))
            _refuse_repeated(given)
            _refuse_parts([values.get("logits"), values.get("targets"), *rest])
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What the usage line shows: words without braces around those that are needed."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write what the command's own file has to say at the end of its help, if it has an ``epilog``."""
        epilog = getattr(sys.modules[self.callback.__module__], "epilog", None) if self.callback else None
        self.epilog = epilog and epilog()
        super().format_epilog(ctx, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, the options of no group, then the groups, in the same order for every command."""
        groups: dict[str, list[tuple[str, str]]] = {title: [] for title in ("Arguments", "Options", *GROUPS)}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                own = "Arguments" if parameter.param_type_name == "argument" else "Options"
                groups[getattr(parameter, "rich_help_panel", None) or own].append(record)
        for title, records in groups.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


@contextmanager
def _blaming(ctx: Any) -> Iterator[None]:
    """Name the command in an error that does not know it: that an option has no value."""
    try:
        yield
    except Exception as error:
        if getattr(error, "ctx", ctx) is None:
            error.ctx = ctx  # type: ignore[attr-defined]
        raise


def _refuse_parts(paths: list[Any]) -> None:
    """Say of more inputs than a command takes that they are parts of one, if they are."""
    if len(paths) > 2 and all(isinstance(path, str) for path in paths):
        from nllcli.inputs.foreign.parts import expanded

        refused = expanded(paths)
        if refused is not None:
            raise refused


def _refuse_repeated(given: list[Any]) -> None:
    for option, n in Counter(given).items():
        single = option.param_type_name == "option" and not (option.multiple or option.is_flag)
        if n > 1 and single:
            raise UsageError(f"{option.opts[0]} is given {n} times, and takes one value")
