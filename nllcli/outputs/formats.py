"""The table of output formats, and where a report goes: a file, or standard output with standard error."""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import PurePath
from typing import Any

from nllcli.errors import FaultError, Remedy, UsageError, setting
from nllcli.outputs.files import STANDARD_OUTPUT, StrPath, faults, replace_file
from nllcli.registry import Registry, nearest
from nllcli.report import Report, Value, runs, shortest_of

# Each gives a report piece by piece, as text or as bytes.
FORMATS = Registry(
    "format",
    {
        "table": "nllcli.outputs.table:render",
        "json": "nllcli.outputs.json_text:render",
        "csv": "nllcli.outputs.delimited:render_csv",
        "tsv": "nllcli.outputs.delimited:render_tsv",
        "markdown": "nllcli.outputs.markdown:render",
        "html": "nllcli.outputs.page:render",
        "svg": "nllcli.outputs.images:render_svg",
        "png": "nllcli.outputs.images:render_png",
        "pdf": "nllcli.outputs.images:render_pdf",
        "tally": "nllcli.outputs.tally_json:render",
    },
)
# What a program shows as a picture, not as text.
_OF_BYTES = frozenset(("png", "pdf"))

_WRITTEN = 1 << 16  # characters written at a time

_TALLY = ".tally.json"
_EXTENSIONS = {_TALLY: "tally", ".json": "json", ".csv": "csv", ".tsv": "tsv", ".md": "markdown", ".txt": "table"}
_EXTENSIONS |= {".html": "html", ".htm": "html", ".svg": "svg", ".png": "png", ".pdf": "pdf"}

# What reads a file of such a name expects anything but text in it, or text of another kind.
_BINARY = frozenset((".npy", ".npz", ".safetensors", ".parquet", ".feather", ".gz", ".xlsx", ".xls", ".ods"))
_OTHER_TEXT = frozenset((".yaml", ".yml", ".xml"))
_OF_NUMBERS = frozenset(("", ".txt", ".csv", ".tsv"))


def format_for(path: StrPath | None) -> str:
    """The format that the extension of an output file stands for; a table where it has none.

    Raises UsageError for an extension that stands for none.
    """
    if not _extension(path):
        return "table"
    known = format_of_extension(path)
    if known is None:
        raise _not_written(path, "a report")
    return known


def format_of_extension(path: StrPath | None) -> str | None:
    """The format of text that the extension of an output file names, if it names one."""
    return _EXTENSIONS.get(_extension(path))


def check_text_file(path: StrPath | None, what: str, *, remedies: Sequence[Remedy] = ()) -> None:
    """Raise UsageError where the extension of a file promises something else than ``what``, which is text."""
    extension = _extension(path)
    if extension in _BINARY:
        message = f"{what} is text, which a {extension} file does not hold"
        raise UsageError(message, where=str(path), remedies=remedies or _reports_instead(path))
    if extension in _OTHER_TEXT:
        raise _not_written(path, what)


def check_pair(fmt: str | None, path: StrPath | None) -> None:
    """Raise UsageError where a format does not go with the file, or with the terminal, that it is to be written to."""
    if fmt is None:
        return
    named = format_of_extension(path)
    if named != fmt and {named, fmt} & _OF_BYTES and named is not None:
        extension = next(each for each, of in _EXTENSIONS.items() if of == fmt)
        remedies = [Remedy({"output": _renamed(path, extension)})]
        raise UsageError(f"{fmt} is not what a {_extension(path)} file holds", where=str(path), remedies=remedies)
    if fmt in _OF_BYTES and str(path or "-") == "-" and sys.stdout is not None and sys.stdout.isatty():
        remedies = [Remedy({"format": None, "output": f"picture.{fmt}"})]
        raise UsageError(f"{fmt} is not text, which a terminal shows", remedies=remedies)


def refuse_tally(fmt: str | None, path: StrPath | None) -> None:
    """Raise UsageError where a tally is asked for, of what does not add up, by the format or by the name of a file."""
    if fmt != "tally" and (fmt or _extension(path) != _TALLY):
        return
    remedy = Remedy({"format": "json"}, "every number, for programs")
    if _extension(path) == _TALLY:
        remedy = Remedy({"format": None, "output": str(path)[: -len(_TALLY)] + ".json"}, remedy.meaning)
    raise UsageError("only nll compute, report, compare and merge write a tally", remedies=[remedy])


def check_file_of_numbers(path: StrPath | None, option: str, *, arrays: bool) -> None:
    """Raise UsageError where a file's extension promises something else than the bare numbers that ``option`` asks.

    ``arrays`` says whether the command writes arrays where this is not asked.
    """
    extension = _extension(path)
    if extension in _OF_NUMBERS:
        return
    remedies = [Remedy({"output": _renamed(path, ".txt")}, "the numbers")]
    if extension in _EXTENSIONS or (arrays and extension == ".npy"):
        remedies.append(Remedy({option: None}, "the report" if extension in _EXTENSIONS else "the array"))
    message = f"bare numbers, which {setting(option)} asks for, are not written as {extension}"
    raise UsageError(message, where=str(path), remedies=remedies)


def _not_written(path: StrPath | None, what: str) -> UsageError:
    """The refusal of a file whose extension stands for no format."""
    extension = _extension(path)
    near = nearest(extension, _EXTENSIONS)
    remedies = [Remedy({"output": _renamed(path, near)})] if near else _reports_instead(path)
    return UsageError(f"{what} is not written as {extension}", where=str(path), remedies=remedies)


def _reports_instead(path: StrPath | None) -> list[Remedy]:
    """The files that could be written instead, among them the arrays of a command that has some."""
    arrays = {"save_losses": "the losses", "save_probs": "the probabilities"} if _extension(path) == ".npy" else {}
    meanings = {".txt": "the page, as text", ".json": "every number, for programs", ".csv": "a table"}
    return [
        *(Remedy({"output": _renamed(path, each), "format": None}, meaning) for each, meaning in meanings.items()),
        *(Remedy({"output": None, name: str(path)}, meaning) for name, meaning in arrays.items()),
    ]


def _renamed(path: StrPath | None, extension: str) -> str:
    return str(PurePath(path or "").with_suffix(extension))


def _extension(path: StrPath | None) -> str:
    name = PurePath(path or "").name.lower()
    return _TALLY if name.endswith(_TALLY) else PurePath(name).suffix


def emit(report: Report, *, fmt: str | None = None, quiet: bool = False, path: StrPath | None = None) -> None:
    """Write ``report`` to standard output (``path`` None or "-") or to a file, then its notices to standard error.

    ``fmt`` of None: by the extension of the file, or a table.
    """
    check_pair(fmt, path)
    fmt = fmt or format_for(path)
    if str(path) == "-":
        path = None
    pieces: Iterable[str | bytes]
    if quiet:
        pieces = _bare(report.quiet, report.quiet_separator)
    else:
        # Only the table is laid out for a screen; every other format is the same wherever it goes.
        screen = standard_output() if fmt == "table" and path is None else {}
        pieces = FORMATS.load(fmt)(report, **screen)
    if path is None:
        for piece in _joined(pieces):
            write_result(piece)
    else:
        with replace_file(path) as file, faults(path):
            file.writelines(_as_bytes(piece) for piece in _joined(pieces))
    emit_notices(report)


def _as_bytes(piece: str | bytes) -> bytes:
    return piece if isinstance(piece, bytes) else piece.encode("utf-8", "backslashreplace")


def _joined(pieces: Iterable[str | bytes]) -> Iterator[str | bytes]:
    """The pieces, as many of text at a time as are worth a write."""
    waiting: list[str] = []
    size = 0
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
            continue
        waiting.append(piece)
        size += len(piece)
        if size >= _WRITTEN:
            yield "".join(waiting)
            waiting, size = [], 0
    yield "".join(waiting)


def _bare(values: Sequence[Value], separator: str) -> Iterator[str]:
    """The text of bare values, a run of them at a time."""
    for run in runs(len(values)):
        before, after = separator if run.start else "", "\n" if run.stop == len(values) else ""
        yield f"{before}{separator.join(shortest_of(values[run]))}{after}"


def emit_notices(report: Report) -> None:
    """Write the warnings and notes of a report to standard error."""
    for kind, notices in (("warning", report.warnings), ("note", report.notes)):
        for notice in notices:
            write_message(f"nll: {kind}: {printable(notice.message)}\n")


def standard_output() -> dict[str, Any]:
    """Return what standard output can show, as a table is told; a width of None: as wide as the content."""
    stream = sys.stdout
    terminal = stream is not None and not stream.closed and stream.isatty()
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    encoding = (stream and stream.encoding) or "utf-8"
    return {
        "width": shutil.get_terminal_size().columns if terminal else None,
        "colour": terminal and not plain,
        "unicode": encoding.lower().replace("_", "-").startswith("utf"),
    }


def write_result(result: str | bytes) -> None:
    """Write a result to standard output, all of it, or raise FaultError; BrokenPipeError stays what it is."""
    stream = sys.stdout
    if stream is None or stream.closed:
        raise FaultError("is closed", where=STANDARD_OUTPUT)
    encoding = stream.encoding or "utf-8"
    with faults(STANDARD_OUTPUT):
        if isinstance(result, bytes):
            if not hasattr(stream, "buffer"):
                raise FaultError("takes text alone", where=STANDARD_OUTPUT)
            stream.buffer.write(result)
        else:
            stream.write(result.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()


def write_message(text: str) -> None:
    """Write ``text`` to standard error; there is nowhere to report a failure to do so."""
    with suppress(OSError, ValueError):
        if sys.stderr is not None:
            sys.stderr.write(text)
            sys.stderr.flush()


def settle_standard_output() -> None:
    """Redirect standard output to the null device where flushing it fails, so that nothing fails on it later."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)


def printable(text: str) -> str:
    """Return ``text`` with every character that moves a cursor or hides itself written as its escape."""
    return text if text.isprintable() else "".join(map(_character, text))


def _character(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
