"""Copies among several files, whose samples would count double."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nllcli.errors import DataError
from nllcli.inputs.bytes.files import name_of, split_member
from nllcli.inputs.bytes.urls import is_remote

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FIRST_BYTES = 1 << 12


def refuse_copies(shards: Sequence[Sequence[str]], has_no_values: Callable[[str], bool]) -> None:
    """Raise DataError where all files of a shard (its logits first) have the bytes of those of another one.

    Only files of one size that begin alike are read for it, and none on a server; those without values may be alike.
    """
    seen: dict[tuple[object, ...], Sequence[str]] = {}
    for files in shards:
        paths = [split_member(file) for file in files]
        if any(is_remote(path) or not os.path.isfile(path) for path, _ in paths):  # noqa: PTH113 - as typed
            continue
        looks = tuple((member, os.path.getsize(path), _beginning(path)) for path, member in paths)  # noqa: PTH202
        known = seen.setdefault(looks, files)
        if known is not files and all(map(_are_equal, files, known)) and not has_no_values(files[0]):
            message = f"has the bytes of {name_of(known[0])}, and so have its targets: the samples would count double"
            raise DataError(message, where=name_of(files[0]), hint="leave one of them out")


def _beginning(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - as typed
        return file.read(_FIRST_BYTES)


def _are_equal(file: str, other: str) -> bool:
    import filecmp

    return filecmp.cmp(split_member(file)[0], split_member(other)[0], shallow=False)
