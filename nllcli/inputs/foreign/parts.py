"""Several files that are one: folders of parts, and patterns that the shell has expanded."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from nllcli.errors import DataError, FaultError, NllError, Remedy, UsageError, counted, first_few, setting
from nllcli.inputs.bytes.compressed import SUFFIXES, decompressed
from nllcli.inputs.bytes.files import ByteStream, files_in, open_stream, pattern_of
from nllcli.inputs.foreign import kinds
from nllcli.inputs.foreign.arrays import by_names
from nllcli.inputs.foreign.conversions import new_file, refusal
from nllcli.inputs.tables.cells import is_number
from nllcli.inputs.tables.dialect import is_fraction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.inputs.formats import Use

_DIGITS = re.compile(r"\d+")
_BETWEEN = re.compile(r"[,;|\t ]+")
_OF = re.compile(r"(\d+)-of-(\d+)")
# Names under which programs write parts; others are parts only where something else tells.
_PART = re.compile(r"-of-\d|(part|shard|chunk|rank|batch|fold|split|data)s?[-_.]?\d", re.IGNORECASE)
_MOST_LISTED = 10
_FIRST_LINES = 1 << 16
_DECOMPRESSORS = {".gz": "gzip -dc", ".bz2": "bzip2 -dc", ".xz": "xz -dc", ".lzma": "xz -dc", ".zst": "zstd -dcq"}
_TEXT = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", "")
# The Python that joins files, a list of which follows, into one.
_JOINS = {
    ".parquet": "from pyarrow import parquet, concat_tables; "
    "parquet.write_table(concat_tables([parquet.read_table(f) for f in {files}]), {to!r})",
    ".feather": "from pyarrow import feather, concat_tables; "
    "feather.write_feather(concat_tables([feather.read_table(f) for f in {files}]), {to!r})",
    ".npy": "import numpy; numpy.save({to!r}, numpy.concatenate([numpy.load(f) for f in {files}]))",
    ".arrow": "from pyarrow import feather, ipc, concat_tables; "
    "o = lambda f: (ipc.open_file if open(f, 'rb').read(6) == b'ARROW1' else ipc.open_stream)(f).read_all(); "
    "feather.write_feather(concat_tables([o(f) for f in {files}]), {to!r})",
}


def folder_refusal(folder: str, use: Use) -> NllError:
    """What a folder holds, and the commands that take it."""
    names = sorted(each.name for each in Path(folder).iterdir())
    if {".zarray", ".zgroup", "zarr.json"} & set(names):
        listing = iter((" ".join(names).encode(),))
        return refusal(kinds.ZARR, ByteStream(folder, lambda _: next(listing, b"")), None, use)
    files = files_in(folder)
    inner = [name for name in names if (Path(folder) / name).is_dir() and name[:1] not in "._"]
    if not files and inner:
        return _choice(folder, [f"{folder.rstrip('/')}/{name}" for name in inner], use)
    if not files or use.role == "other":
        return FaultError("is a folder, not a file", where=folder)
    if len({pattern_of(file) for file in files}) > 1:
        return _choice(folder, files, use)
    check_complete(files)
    message = f"is a folder of {counted(len(files), 'part')}"
    remedy = _joined(files, new_file(folder, f".joined{_ending(files[0])}"), {use.path: ""}, {})
    return UsageError(message, where=folder, hint="join them to one file", remedies=[remedy] if remedy else [])


def _choice(folder: str, files: Sequence[str], use: Use) -> UsageError:
    """The question which file of a folder is meant; two whose names say so are logits and targets."""
    pair = by_names(files) if use.role == "logits" and not use.other_targets else None
    if pair is not None:
        remedies = [Remedy({"targets": pair[1]}, "", {use.path: pair[0]})]
    else:
        others = [file for file in files if file != use.targets]
        remedies = [Remedy({}, PurePath(file).name, {use.path: file}) for file in others[:_MOST_LISTED]]
    return UsageError(f"is a folder of {len(files)} files", where=folder, remedies=remedies)


def expanded(paths: Sequence[str], *, told: bool = True) -> UsageError | None:
    """The refusal of inputs that are parts of one file, as a shell makes them of a pattern; None where they are not.

    ``told`` says that it is known otherwise that they cannot be logits and targets.
    """
    groups: dict[str, list[str]] = {}
    for path in paths:
        groups.setdefault(pattern_of(path), []).append(path)
    sets = [natural(group) for group in groups.values()]
    if len(sets) > 2 or max(map(len, sets)) < 2 or not all(map(os.path.isfile, paths)):
        return None
    if not (told or all(_PART.search(PurePath(path).name) for path in paths)):
        return None
    for group in sets:
        check_complete(group)
    settings: dict[str, object] = {"targets": None}
    first, *others = sets
    to = new_file(first[0], f".joined{_ending(first[0])}")
    remedy = _joined(first, to, {paths[0]: ""}, settings)
    if others and remedy is not None:
        remedy = _with_targets(remedy, others[0])
    parts = max(sets, key=len)
    pattern, one = _DIGITS.sub("*", PurePath(parts[0]).name), "logits" if parts is first else "targets"
    return UsageError(
        f"{len(parts)} files of the pattern {pattern} are given, and {setting(one)} is one",
        hint="join them to one file",
        remedies=[] if remedy is None else [remedy],
    )


def _with_targets(remedy: Remedy, group: list[str]) -> Remedy | None:
    """The same remedy where another file, or another set of parts, holds the targets."""
    if len(group) == 1:
        return Remedy({"targets": group[0]}, "", remedy.files, remedy.python, remedy.shell, remedy.feed)
    to = new_file(group[0], f".joined{_ending(group[0])}")
    more = _joined(group, to, {}, {})
    if more is None or not (more.python and remedy.python):
        return None
    return Remedy({"targets": to}, "", remedy.files, f"{remedy.python}; {more.python}")


def check_complete(files: Sequence[str]) -> None:
    """Raise DataError where a part is missing of a set whose names say how many there are."""
    found = [_OF.search(PurePath(file).name) for file in files]
    for match in found:
        if match is not None:
            there, n = {int(each[1]) for each in found if each}, int(match[2])
            missing = sorted({*range(n)} - there if 0 in there else {*range(1, n + 1)} - there)
            if missing:
                parts = first_few([str(i) for i in missing], 5)
                raise DataError(f"is not complete: part {parts} of {n} is missing", where=files[0])


def natural(files: Sequence[str]) -> list[str]:
    """Files in the order of the numbers in their names: 2 before 10."""
    return sorted(files, key=lambda file: [int(n) for n in _DIGITS.findall(PurePath(file).name)])


def _ending(file: str) -> str:
    """The extension of the file that parts are joined to."""
    return _inner_suffix(file).replace(".arrow", ".feather")


def _joined(files: Sequence[str], to: str, renamed: dict[str, str], settings: dict[str, object]) -> Remedy | None:
    """The command that joins files in their order; None for those of which nothing is known."""
    ending, last = _inner_suffix(files[0]), PurePath(files[0]).suffix.lower()
    compressed = last in SUFFIXES
    if ending in _JOINS and not compressed:
        python = _JOINS[ending].format(files=list(files), to=to)
        return Remedy(settings, "", dict.fromkeys(renamed, to), python=python)
    if ending not in _TEXT or (compressed and last not in _DECOMPRESSORS):
        return None
    words, headed = shlex.join(files), _same_header(files) and "json" not in ending and ending != ".ndjson"
    if compressed:
        feed = f"{_DECOMPRESSORS[last]} {words}" + (" | awk 'NR==1{h=$0;print}$0!=h'" if headed else "")
    else:
        feed = f"awk '{'FNR>1||NR==1' if headed else '1'}' {words}"
    return Remedy(settings, "", dict.fromkeys(renamed, "-"), feed=feed)


def _inner_suffix(file: str) -> str:
    path = PurePath(file)
    while path.suffix.lower() in SUFFIXES:
        path = path.with_suffix("")
    return path.suffix.lower()


def _same_header(files: Sequence[str]) -> bool:
    """Whether the parts of a text begin with the same line, which is their header.

    It is not all numbers, or different whole ones above fractions, as pandas names the columns of an array.
    """
    heads = [decompressed(open_stream(file)).peek(_FIRST_LINES).decode("utf-8", errors="replace") for file in files]
    lines = [head.split("\n") for head in heads if head.strip()]
    first, *more = {head[0].strip() for head in lines} or {""}
    if len(files) < 2 or more:
        return False
    cells = _BETWEEN.split(first)
    if not all(map(is_number, cells)):
        return True
    below = [cell for head in lines for line in head[1:2] for cell in _BETWEEN.split(line.strip())]
    return all(map(str.isdecimal, cells)) and len(set(cells)) == len(cells) and any(map(is_fraction, below))
