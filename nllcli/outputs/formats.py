"""The table of output formats: each turns a report into text that ends in a newline."""

from pathlib import PurePath

from nllcli.errors import UsageError
from nllcli.outputs.files import StrPath
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

_EXTENSIONS = {".json": "json", ".csv": "csv", ".tsv": "tsv", ".md": "markdown", ".txt": "table"}

# What reads a file of such a name expects anything but text in it.
_BINARY = frozenset((".npy", ".npz", ".safetensors", ".parquet", ".feather", ".gz"))


def format_for(path: StrPath | None) -> str:
    """The format that the extension of an output file stands for; a table where it stands for none."""
    return format_of_extension(path) or "table"


def format_of_extension(path: StrPath | None) -> str | None:
    """The format of text that the extension of an output file names, if it names one."""
    return _EXTENSIONS.get(_extension(path))


def check_text_file(path: StrPath | None, what: str, *, hint: str) -> None:
    """Raise UsageError where the extension of a file promises something else than ``what``, which is text."""
    extension = _extension(path)
    if extension in _BINARY:
        raise UsageError(f"{what} is text, which a {extension} file does not hold", where=str(path), hint=hint)


def _extension(path: StrPath | None) -> str:
    return PurePath(path or "").suffix.lower()
