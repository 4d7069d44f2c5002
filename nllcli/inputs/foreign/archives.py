"""Which file of a ZIP archive is meant, and the archives that other programs make."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING

from nllcli.errors import DataError, Remedy, UsageError, first_few
from nllcli.inputs.bytes.files import ByteStream
from nllcli.inputs.bytes.zipped import data_files, open_archive, reader_of
from nllcli.inputs.foreign import kinds
from nllcli.inputs.foreign.arrays import by_names
from nllcli.inputs.foreign.conversions import Conversion, paired_tables, refusal

if TYPE_CHECKING:
    import zipfile

    from nllcli.inputs.formats import Use

_MOST_LISTED = 10
_MOST_BYTES = 1 << 24
# What is in the archives that other programs make.
_FOREIGN = (
    (re.compile(r"(.*/)?data\.pkl"), kinds.PYTORCH),
    (re.compile(r"xl/.*"), kinds.EXCEL),
    (re.compile(r"content\.xml"), kinds.OPEN_DOCUMENT),
    (re.compile(r"\[Content_Types\]\.xml|mimetype"), kinds.OFFICE),
    (re.compile(r"(.*/)?(\.zarray|\.zgroup|zarr\.json)"), kinds.ZARR),
    (re.compile(r"model\.weights\.h5"), kinds.KERAS),
)
# The file of a workbook that has the names of its sheets, and how.
_SHEETS = {
    kinds.EXCEL: ("xl/workbook.xml", re.compile(r'<sheet [^>]*?name="([^"]*)"')),
    kinds.OPEN_DOCUMENT: ("content.xml", re.compile(r'<table:table [^>]*?table:name="([^"]*)"')),
}


def chosen_file(stream: ByteStream, member: str | None, use: Use) -> tuple[ByteStream, str | None]:
    """The file of an archive that ``member`` names, or its only one, and what is left of the ``member``.

    An archive with arrays of NumPy stays as it is, for its own reader. Raises DataError for one that another program
    reads, and UsageError where several files may be meant.
    """
    archive = open_archive(stream)
    entries = {entry.filename: entry for entry in data_files(archive)}
    for pattern, known in _FOREIGN:
        found = next((name for name in entries if pattern.fullmatch(name)), None)
        if found is not None:
            kind, pickled = known, None
            if kind is kinds.ZARR:
                kind = kind._replace(load=kind.load.replace("{file}", "zarr.storage.ZipStore({path}, mode='r')"))
            if kind is kinds.PYTORCH:
                pickled = ByteStream(stream.name, reader_of(archive, entries[found], stream.name))
            sheets = _sheets(kind, archive, stream.name)
            if len(sheets) > 1:
                raise _which_sheet(kind, sheets, stream, member, use)
            raise refusal(kind, stream, member, use, pickled)
    named = next((name for name in entries if member == name or (member or "").startswith(f"{name}:")), None)
    if (named or ".npy").endswith(".npy") and (not entries or any(name.endswith(".npy") for name in entries)):
        return stream, member
    if named is None and (len(entries) > 1 or "/" in (member or "")):
        raise _several(stream.name, member, list(entries), use)
    if named is None:
        return _opened(stream, archive, next(iter(entries.values())), told=False), member
    rest = None if member == named else (member or "").removeprefix(f"{named}:")
    return _opened(stream, archive, entries[named], told=True), rest


def _opened(stream: ByteStream, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, told: bool) -> ByteStream:
    name = f"{stream.name}:{entry.filename}" if told else stream.name
    opening = "" if stream.opening else f"zipfile.ZipFile({stream.name!r}).open({entry.filename!r})"
    return ByteStream(name, reader_of(archive, entry, name), opening=opening, inner_name=entry.filename)


def _sheets(kind: kinds.Kind, archive: zipfile.ZipFile, name: str) -> list[str]:
    """The names of the sheets of a workbook, as far as they are told."""
    file, pattern = _SHEETS.get(kind, ("", re.compile("")))
    if file not in archive.namelist():
        return []
    text = ByteStream(name, reader_of(archive, archive.getinfo(file), name)).read_up_to(_MOST_BYTES)
    return [unescape(found) for found in pattern.findall(text.decode("utf-8", errors="replace"))]


def _which_sheet(kind: kinds.Kind, sheets: list[str], stream: ByteStream, member: str | None, use: Use) -> DataError:
    """The question which sheet of a workbook is meant."""
    remedies = []
    found = {sheet: Conversion(_reading(kind, sheet), stream, member, use) for sheet in sheets}
    pair = by_names(sheets) if use.role == "logits" and not (use.other_targets or member) else None
    if pair is not None:
        remedies.append(paired_tables(found[pair[0]], found[pair[1]], f"sheets {pair[0]} and {pair[1]}"))
    for sheet in sheets[:_MOST_LISTED]:
        refused = refusal(found[sheet].kind, stream, member, use)
        remedies += [replace(each, meaning=f"sheet {sheet}") for each in refused.remedies]
    refused.message += f" of {len(sheets)} sheets"
    refused.remedies = tuple(remedies)
    return refused


def _reading(kind: kinds.Kind, sheet: str) -> kinds.Kind:
    """The kind of a workbook of which one sheet is read."""
    called = repr(sheet).replace("{", "{{").replace("}", "}}")
    return kind._replace(load=f"d = pandas.read_excel({{file}}, sheet_name={called})", imports=("pandas",))


def _several(file: str, member: str | None, names: list[str], use: Use) -> UsageError:
    """The question which file of an archive is meant."""
    told = f"has no file {member!r}" if member else f"holds {len(names)} files"
    pair = by_names(names) if use.role == "logits" and not (use.other_targets or member) else None
    if pair is not None:
        remedies = [Remedy({"targets": f"{file}:{pair[1]}"}, "", {use.path: f"{file}:{pair[0]}"})]
    else:
        remedies = [Remedy({}, name, {use.path: f"{file}:{name}"}) for name in names[:_MOST_LISTED]]
    return UsageError(told, where=file, hint=f"it has {first_few(names, _MOST_LISTED)}", remedies=remedies)
