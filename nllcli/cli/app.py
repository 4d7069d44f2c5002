"""The commands of ``nll``: one table, each in a thin file of its own."""

from typing import Annotated

import typer

from nllcli.cli.check import CheckCommand, check
from nllcli.cli.command import Command
from nllcli.cli.compute import compute
from nllcli.cli.explain import explain
from nllcli.cli.grad import grad
from nllcli.cli.reconcile import reconcile
from nllcli.cli.softmax import softmax
from nllcli.cli.weights import SCHEMES_HELP, weights
from nllcli.outputs.streams import write_result
from nllcli.version import __version__

NAME = "nll"
HELP_OPTIONS = frozenset(("-h", "--help"))

app = typer.Typer(
    name=NAME,
    # Plain help is the same on a terminal and in a pipe, and does not take [brackets] for markup.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": sorted(HELP_OPTIONS, key=len)},
)

# The commands, in the order of --help. Each imports what it runs only when it is called.
app.command(cls=Command)(compute)
app.command(cls=Command)(softmax)
app.command(cls=Command)(grad)
app.command(cls=CheckCommand)(check)
app.command(cls=Command)(explain)
app.command(cls=Command)(reconcile)
app.command(cls=Command, epilog=SCHEMES_HELP)(weights)


def _show_version(wanted: bool) -> None:
    if wanted:
        write_result(f"{NAME} {__version__}\n")
        raise typer.Exit


@app.callback(invoke_without_command=True)
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
