"""Arrays that a line of Python changes and saves anew, where no option reads them as they are."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from nllcli.errors import Remedy
from nllcli.inputs.bytes.compressed import is_gzip
from nllcli.inputs.bytes.files import can_be_read_again, not_there_yet, split_member
from nllcli.inputs.formats import open_input
from nllcli.inputs.tables.cells import is_number
from nllcli.inputs.tables.dialect import sniff

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nllcli.inputs.formats import Input

# What is done to an array x, as Python, what the new file is called after, and what it means.
Change = tuple[str, str, str]


def conversions(path: str | None, changes: Iterable[Change], *, integers: bool = False) -> list[Remedy]:
    """The remedies that change the array at ``path`` first: none where NumPy alone does not read it, or not again.

    Each change has ``{x}`` where the array goes. Text is read as ``integers`` where it holds targets.
    """
    if path is None or not can_be_read_again(path):
        return []
    file, _ = split_member(path)
    opened = open_input(path)
    loaded = _loaded(file, opened, integers)
    if loaded is None:
        return []
    remedies = []
    for change, word, meaning in changes:
        to = _new_name(file, opened.member, word)
        source = f"import numpy as np; np.save({to!r}, {change.format(x=loaded)})"
        remedies.append(Remedy(python=source, files={path: to}, meaning=meaning))
    return remedies


def _loaded(file: str, opened: Input, integers: bool) -> str | None:
    """The array as NumPy loads it, in Python."""
    if opened.format == "npy":
        return f"np.load(__import__('gzip').open({file!r}))" if is_gzip(file) else f"np.load({file!r})"
    if opened.format == "npz" and not is_gzip(file):
        if opened.member is None:
            return f"next(iter(np.load({file!r}).values()))"
        return f"np.load({file!r})[{opened.member!r}]"
    if opened.is_text:
        dialect = sniff(opened.stream)
        if dialect.n_columns != 1 or not is_number(dialect.first_row[0]):
            return None
        skipped = f", skiprows={dialect.first_line - 1}" if dialect.header else ""
        return f"np.loadtxt({file!r}{skipped})" + (".astype(int)" if integers else "")
    return None


def _new_name(file: str, member: str | None, word: str) -> str:
    """The name of the file that the changed array goes to, next to its own, and is not there yet."""
    path = PurePath(file)
    if path.suffix.lower() == ".gz":
        path = path.with_suffix("")
    stem = path.stem if member is None else f"{path.stem}.{PurePath(member).stem}"
    return not_there_yet(str(path.with_name(f"{stem}.{word}.npy")))
