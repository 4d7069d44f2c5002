"""The commands of ``nll``: one table, each in a thin file of its own, which is loaded when it is called."""

from collections.abc import Iterable
from typing import Annotated

import typer

from nllcli.cli.command import Command
from nllcli.outputs.streams import write_result
from nllcli.registry import Registry

NAME = "nll"
HELP_OPTIONS = frozenset(("-h", "--help"))

# In the order of --help.
COMMANDS = Registry(
    "command",
    {
        name: f"nllcli.cli.{name}:{name}"
        for name in ("compute", "softmax", "grad", "check", "explain", "reconcile", "weights")
    },
)


def app(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The program with the commands of these ``names``."""
    program = typer.Typer(
        name=NAME,
        # Plain help is the same on a terminal and in a pipe, and does not take [brackets] for markup.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": sorted(HELP_OPTIONS, key=len)},
    )
    program.callback(invoke_without_command=True)(nll)
    for name in names:
        program.command(cls=Command)(COMMANDS.load(name))
    return program


def _show_version(wanted: bool) -> None:
    if wanted:
        from nllcli.version import __version__

        write_result(f"{NAME} {__version__}\n")
        raise typer.Exit


def nll(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[  # noqa: ARG001 - main() takes it out, wherever it stands
        bool, typer.Option("--debug", help="Show the traceback of an error.")
    ] = False,
) -> None:
    """Softmax probabilities and the negative log-likelihood of a file of logits."""
    if context.invoked_subcommand is None:
        write_result(context.get_help() + "\n")
