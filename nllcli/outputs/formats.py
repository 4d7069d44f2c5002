"""The table of output formats: each turns a report into text that ends in a newline."""

from os import PathLike
from pathlib import PurePath

from nllcli.registry import Registry

FORMATS = Registry(
    "format",
    {
        "table": "nllcli.outputs.table:render",
        "json": "nllcli.outputs.json_text:render",
        "csv": "nllcli.outputs.delimited:render_csv",
        "tsv": "nllcli.outputs.delimited:render_tsv",
        "markdown": "nllcli.outputs.markdown:render",
    },
)

_EXTENSIONS = {".json": "json", ".csv": "csv", ".tsv": "tsv", ".md": "markdown"}


def format_for(path: str | PathLike[str] | None) -> str:
    """The format that the extension of an output file stands for; a table where it stands for none."""
    return _EXTENSIONS.get(PurePath(path or "").suffix.lower(), "table")
