"""Reports as the text of their pieces."""

from nllcli.outputs import json_text, tally_json
from nllcli.outputs import markdown as as_markdown
from nllcli.outputs import table as as_table


def table(report, **screen):
    return "".join(as_table.render(report, **screen))


def markdown(report):
    return "".join(as_markdown.render(report))


def json(report):
    return "".join(json_text.render(report))


def tally(report):
    return "".join(tally_json.render(report))
