"""A command as typer makes it, but for options given twice and for its --help."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperCommand

from nllcli.cli.options import GROUPS
from nllcli.errors import UsageError


class Command(TyperCommand):
    """Refuses a second value where an option holds one, the first of which typer would drop without a word.

    Its --help lists the options group by group, which typer does only where it draws boxes.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:  # of a line still being typed
            with _blaming(ctx):
                _, _, given = self.make_parser(ctx).parse_args(args=list(args))
            _refuse_repeated(given)
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


def _refuse_repeated(given: list[Any]) -> None:
    for option, n in Counter(given).items():
        single = option.param_type_name == "option" and not (option.multiple or option.is_flag)
        if n > 1 and single:
            raise UsageError(f"{option.opts[0]} is given {n} times, and takes one value")
