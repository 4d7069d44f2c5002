"""A command as typer makes it, but for an option given twice."""

from collections import Counter
from typing import Any

from typer.core import TyperCommand

from nllcli.errors import UsageError


class Command(TyperCommand):
    """Refuses a second value where an option holds one: typer would drop the first without a word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:  # of a line still being typed
            _, _, given = self.make_parser(ctx).parse_args(args=list(args))
            _refuse_repeated(given)
        return super().parse_args(ctx, args)


def _refuse_repeated(given: list[Any]) -> None:
    for option, n in Counter(given).items():
        single = option.param_type_name == "option" and not (option.multiple or option.is_flag)
        if n > 1 and single:
            raise UsageError(f"{option.opts[0]} is given {n} times, and takes one value")
