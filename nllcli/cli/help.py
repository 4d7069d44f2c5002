"""nll help."""

from typing import Annotated, Any

import typer

from nllcli.cli.topics import TOPICS
from nllcli.outputs.formats import write_result
from nllcli.registry import unknown


def _topics(context: typer.Context, incomplete: str) -> list[str]:
    return [name for name in _known(context) if name.startswith(incomplete)]


def _known(context: typer.Context) -> list[str]:
    program: Any = context.parent and context.parent.command
    return [*program.commands, *TOPICS]


Topic = Annotated[
    str | None,
    typer.Argument(metavar="[COMMAND|TOPIC]", autocompletion=_topics, help=f"A command, or {', '.join(TOPICS)}."),
]


def help(context: typer.Context, topic: Topic = None) -> None:
    """Examples and options of a command, or a topic."""
    program: Any = context.parent and context.parent.command
    if topic is None:
        write_result(program.get_help(context.parent) + "\n")
    elif topic in TOPICS:
        write_result(TOPICS.load(topic)())
    elif topic in program.commands:
        command = program.commands[topic]
        asked = command.make_context(topic, [], parent=context.parent, resilient_parsing=True)
        write_result(command.get_help(asked) + "\n")
    else:
        raise unknown("topic", topic, _known(context), f"there is no command and no topic {topic!r}")
