"""The last step of a command: its report goes out, then its notices."""

from nllcli.outputs.files import StrPath, faults, replace_file
from nllcli.outputs.formats import FORMATS, format_for
from nllcli.outputs.numbers import shortest
from nllcli.outputs.streams import standard_output, write_notice, write_result
from nllcli.report import Report


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
