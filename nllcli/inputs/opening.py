"""Paths -> open inputs: the file, the member of an archive, what is inside gzip, and the format."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nllcli.data.blocks import Scratch
from nllcli.data.layout import Layout
from nllcli.errors import UsageError
from nllcli.inputs.bytes.files import open_stream, split_member
from nllcli.inputs.formats import FORMATS, GZIP_MAGIC, TEXT, detect

if TYPE_CHECKING:
    from nllcli.data.blocks import Block
    from nllcli.data.dataset import BlockSource
    from nllcli.inputs.bytes.files import ByteStream
    from nllcli.inputs.formats import ReadOptions

_WITHOUT_MEMBERS = (*TEXT, "npy", "jsonl")
_PIECE_SAMPLES = 1 << 15


@dataclass(frozen=True)
class Input:
    """An open input whose format is known."""

    stream: ByteStream
    format: str
    member: str | None

    @property
    def is_text(self) -> bool:
        return self.format in TEXT

    def read(self, options: ReadOptions) -> BlockSource:
        """What the reader of the format makes of it."""
        source: BlockSource = FORMATS.load(self.format)(self.stream, replace(options, member=self.member))
        return source


def open_input(path: str, input_format: str | None = None) -> Input:
    """Open a path, the member of an archive (``file.npz:name``), or standard input."""
    file, member = split_member(path)
    stream = open_stream(file)
    if stream.peek(len(GZIP_MAGIC)) == GZIP_MAGIC:
        from nllcli.inputs.bytes.gz import gunzipped

        stream = gunzipped(stream)
    found = input_format or detect(stream)
    if member is not None and found in _WITHOUT_MEMBERS:
        raise UsageError(f"is {found.upper()}, which has no members; there is no {member!r} in it", where=file)
    return Input(stream, found, member)


def all_blocks(source: BlockSource, most: int | None = None) -> tuple[list[Block], int]:
    """The blocks of a table short enough for memory, and how many samples it has.

    Where that is more than ``most``, the blocks beyond are only counted.
    """
    blocks, n = [], 0
    for chunk in source.chunks(Layout(source.shape, 1), _PIECE_SAMPLES):
        if most is None or n <= most:
            blocks.append(chunk.load(Scratch()))
        n += chunk.n
    return blocks, n
