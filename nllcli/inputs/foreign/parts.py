"""Several files that are one: folders of parts, and patterns that the shell has expanded."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from nllcli.errors import FaultError, NllError, Remedy, UsageError, counted, setting
from nllcli.inputs.bytes.files import ByteStream, files_in, natural, pattern_of
from nllcli.inputs.foreign import kinds
from nllcli.inputs.foreign.arrays import by_names
from nllcli.inputs.foreign.conversions import refusal
from nllcli.inputs.words import files_of, shared_beginning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.inputs.formats import Use

# Names under which programs write parts; others are parts only where something else tells.
_PART = re.compile(r"-of-\d|(part|shard|chunk|rank|batch|fold|split|data)s?[-_.]?\d", re.IGNORECASE)
_MOST_LISTED = 10


def folder_refusal(folder: str, use: Use) -> NllError:
    """What a folder holds, and the commands that take it."""
    names = sorted(each.name for each in Path(folder).iterdir())
    if {".zarray", ".zgroup", "zarr.json"} & set(names):
        listing = iter((" ".join(names).encode(),))
        return refusal(kinds.ZARR, ByteStream(folder, lambda _: next(listing, b"")), None, use)
    files = files_in(folder)
    inner = [name for name in names if _is_inner(Path(folder) / name)]
    if not files and inner:
        return _inner_choice(folder, inner, use)
    if not files or use.role == "other":
        return FaultError("is a folder, not a file", where=folder)
    groups = _by_pattern(files)
    if len(groups) == 2 and len(files) > 2:
        pair = _pair([word_for(group) for group in groups], use)
        if pair is not None:
            return UsageError(f"is a folder of {len(files)} files: logits and targets", where=folder, remedies=[pair])
    if len(groups) > 1:
        return _choice(folder, files, use)
    remedy = Remedy(files={use.path: word_for(files)})
    return UsageError(f"is a folder of {counted(len(files), 'part')}", where=folder, remedies=[remedy])


def _is_inner(path: Path) -> bool:
    """Whether a folder holds this one, which programs do not hide and no link leads back from."""
    return path.is_dir() and not path.is_symlink() and path.name[:1] not in "._"


def _choice(folder: str, files: Sequence[str], use: Use) -> UsageError:
    """The question which file of a folder is meant; two whose names say so are logits and targets."""
    others = [file for file in files if file != use.targets]
    pair = _pair(files, use)
    remedies = [pair] if pair else [Remedy({}, PurePath(file).name, {use.path: file}) for file in others[:_MOST_LISTED]]
    return UsageError(f"is a folder of {len(files)} files", where=folder, remedies=remedies)


def _inner_choice(folder: str, names: Sequence[str], use: Use) -> NllError:
    """The question which of the folders in a folder is meant, with the first way to take each."""
    refusals = {name: folder_refusal(f"{folder.rstrip('/')}/{name}", use) for name in names[:_MOST_LISTED]}
    if len(names) == 1:
        return refusals[names[0]]
    remedies = [replace(refused.remedies[0], meaning=name) for name, refused in refusals.items() if refused.remedies]
    return UsageError(f"is a folder of {len(names)} folders", where=folder, remedies=remedies)


def _pair(words: Sequence[str], use: Use) -> Remedy | None:
    """The remedy that names logits and targets, where their names say so and both are looked for."""
    pair = by_names(words) if use.role == "logits" and not use.other_targets else None
    return None if pair is None else Remedy({"targets": pair[1]}, "", {use.path: pair[0]})


def expanded(paths: Sequence[str], *, told: bool = True) -> UsageError | None:
    """The refusal of inputs that are parts of one file, as a shell makes them of a pattern; None where they are not.

    ``told`` says that it is known otherwise that they cannot be logits and targets.
    """
    sets = [sorted(group, key=natural) for group in _by_pattern(paths)]
    if len(sets) > 2 or max(map(len, sets)) < 2 or not all(map(os.path.isfile, paths)):
        return None
    if not (told or all(_PART.search(PurePath(path).name) for path in paths)):
        return None
    words = [word_for(group) for group in sets]
    parts, name = max(zip(sets, ("logits", "targets"), strict=False), key=lambda each: len(each[0]))
    return UsageError(
        f"{len(parts)} files are given for {setting(name)}: quote the pattern, so that it is seen here",
        remedies=[Remedy({"targets": words[1] if len(words) > 1 else None}, files={paths[0]: words[0]})],
    )


def _by_pattern(files: Sequence[str]) -> list[list[str]]:
    """Files whose names differ in their numbers alone, together."""
    groups: dict[str, list[str]] = {}
    for file in files:
        groups.setdefault(pattern_of(file), []).append(file)
    return list(groups.values())


def word_for(files: Sequence[str]) -> str:
    """The word that stands for these files: a pattern that only they match, or their names in braces."""
    if len(files) == 1:
        return files[0]
    before = shared_beginning(files)
    after = shared_beginning([file[len(before) :][::-1] for file in files])[::-1]
    pattern = glob.escape(before.rstrip("0123456789")) + "*" + glob.escape(after.lstrip("0123456789"))
    if files_of(pattern) == list(files):
        return pattern
    folder, slash, _ = before.rpartition("/")
    return f"{folder}{slash}{{{','.join(file[len(folder + slash) :] for file in files)}}}"
