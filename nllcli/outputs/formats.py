"""The table of output formats: each turns a report into text that ends in a newline."""

from pathlib import PurePath

from nllcli.errors import UsageError
from nllcli.outputs.files import StrPath, faults, replace_file
from nllcli.outputs.streams import shortest, standard_output, write_notice, write_result
from nllcli.registry import Registry
from nllcli.report import Report

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


def emit(
    report: Report,
    *,
    fmt: str | None = None,
    quiet: bool = False,
    path: StrPath | None = None,
) -> None:
    """Write ``report`` to standard output (``path`` None or "-") or to a file, then its notices to standard error.

    ``fmt`` of None: by the extension of the file, or a table.
    """
    fmt = fmt or format_for(path)
    if path is None or str(path) == "-":
        write_result(_quiet(report) if quiet else _rendered(report, fmt, on_screen=True))
    else:
        text = _quiet(report) if quiet else _rendered(report, fmt, on_screen=False)
        with replace_file(path) as file, faults(path):
            file.write(text.encode("utf-8", "backslashreplace"))
    emit_notices(report)


def emit_notices(report: Report) -> None:
    """Write the warnings and notes of a report to standard error."""
    for kind, notices in (("warning", report.warnings), ("note", report.notes)):
        for notice in notices:
            write_notice(kind, notice.message)


def _quiet(report: Report) -> str:
    return report.quiet_separator.join(map(shortest, report.quiet)) + "\n" if report.quiet else ""


def _rendered(report: Report, fmt: str, *, on_screen: bool) -> str:
    render = FORMATS.load(fmt)
    # Only the table is laid out for a screen; every other format is the same wherever it goes.
    text: str = render(report, **standard_output()) if on_screen and fmt == "table" else render(report)
    return text
