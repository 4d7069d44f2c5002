"""The table of input formats, and how a file's format is told: by content first, then by extension."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.errors import DataError
from nllcli.inputs.npy import MAGIC as NPY_MAGIC
from nllcli.registry import Registry

if TYPE_CHECKING:
    from nllcli.inputs.files import ByteStream

FORMATS = Registry(
    "input format",
    {
        "npy": "nllcli.inputs.npy:open_npy",
        "csv": "nllcli.inputs.text:open_text",
        "tsv": "nllcli.inputs.text:open_text",
    },
)


def detect(stream: ByteStream) -> str:
    """The name of the format of an open file; raises DataError for what is known not to be readable."""
    head = stream.peek(8)
    if head.startswith(NPY_MAGIC):
        return "npy"
    if head[:1] == b"\x80" or head[:2] == b"PK":
        raise DataError("is a pickle or an archive, not NPY or text", where=stream.name)
    return "csv"
