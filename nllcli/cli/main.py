"""The program ``nll``: its table of commands, and the one place where every exception ends."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Annotated, Any, NoReturn

import typer

from nllcli.cli.compute import compute
from nllcli.cli.failures import Terminated, explain, tell, tell_traceback
from nllcli.cli.grad import grad
from nllcli.cli.softmax import softmax
from nllcli.cli.weights import SCHEMES_HELP, weights
from nllcli.errors import ExitCode
from nllcli.version import __version__

_NAME = "nll"

app = typer.Typer(
    name=_NAME,
    # Plain help is the same on a terminal and in a pipe, and does not take [brackets] for markup.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# The commands, in the order of --help. Each imports what it runs only when it is called.
app.command()(compute)
app.command()(softmax)
app.command()(grad)
app.command(epilog=SCHEMES_HELP)(weights)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{_NAME} {__version__}")
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
        typer.echo(context.get_help())


def run() -> NoReturn:
    """Be the program: taking the interpreter apart would cost a tenth of a short run, and nothing is left to do."""
    code = main()
    sys.stderr.flush()
    os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    debug, words = _take_debug(sys.argv[1:] if argv is None else list(argv))
    try:
        with _terminable():
            return _run(words)
    except BrokenPipeError:
        return ExitCode.DONE
    except (Exception, KeyboardInterrupt, Terminated) as error:  # noqa: BLE001 - the one place that may
        if debug:
            tell_traceback(error)
        failure = explain(error)
        tell(failure)
        return failure.code
    finally:
        _settle_output()


def _run(words: list[str]) -> int:
    """Do what typer's own main() does, which however ends a closed pipe with 1 and hides what an EOFError was about."""
    command = typer.main.get_command(app)
    if os.environ.get(f"_{_NAME.upper()}_COMPLETE"):
        command.main(args=words, prog_name=_NAME)
    try:
        with command.make_context(_NAME, words) as context:
            command.invoke(context)
    except typer.Exit as done:
        return done.exit_code
    return ExitCode.DONE


def _take_debug(words: list[str]) -> tuple[bool, list[str]]:
    """Find --debug before or after the command, so that no command has to declare it."""
    end = words.index("--") if "--" in words else len(words)
    options = [word for word in words[:end] if word != "--debug"]
    return len(options) < end, options + words[end:]


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM unwind the program, so that half-written files are removed."""
    previous: Any = None
    with suppress(ValueError):  # only the main thread can do this
        previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        if previous is not None:
            signal.signal(signal.SIGTERM, previous)


def _terminate(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated


def _settle_output() -> None:
    """Drop what standard output does not take: the interpreter would fail on it once more at exit, with status 120."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
