"""The table of input formats, and how the format of a file is found: by content first, then by extension."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

from nllcli.data.settings import DEFAULT_IGNORE_INDEX
from nllcli.errors import DataError, Remedy, UsageError, first_few
from nllcli.inputs.bytes.encodings import encoding_of, in_utf8
from nllcli.inputs.bytes.files import open_stream, split_member
from nllcli.registry import Registry, resolve

if TYPE_CHECKING:
    from nllcli.data.dataset import BlockSource
    from nllcli.inputs.bytes.files import ByteStream
    from nllcli.inputs.tables.columns import Preview

NPY_MAGIC = b"\x93NUMPY"
GZIP_MAGIC = b"\x1f\x8b"

# The function that makes a BlockSource of a ByteStream and ReadOptions.
FORMATS = Registry(
    "input format",
    {
        "npy": "nllcli.inputs.arrays.npy:open_npy",
        "npz": "nllcli.inputs.arrays.npz:open_npz",
        "csv": "nllcli.inputs.tables.text:open_csv",
        "tsv": "nllcli.inputs.tables.text:open_tsv",
        "jsonl": "nllcli.inputs.tables.jsonl:open_jsonl",
        "safetensors": "nllcli.inputs.arrays.safetensors:open_safetensors",
        "parquet": "nllcli.inputs.tables.arrow:open_parquet",
        "feather": "nllcli.inputs.tables.arrow:open_feather",
    },
)
# The function that makes a Preview of a ByteStream, which it leaves as it is, and ReadOptions.
PREVIEWS = {
    "csv": "nllcli.inputs.tables.text:preview_csv",
    "tsv": "nllcli.inputs.tables.text:preview_tsv",
    "jsonl": "nllcli.inputs.tables.jsonl:preview_jsonl",
}
TEXT = ("csv", "tsv")

_MAGICS = {
    NPY_MAGIC: "npy",
    b"PK\x03\x04": "npz",
    b"PK\x05\x06": "npz",  # an archive without members
    b"PAR1": "parquet",
    b"ARROW1": "feather",
    b"FEA1": "feather",
}
_HEAD_BYTES = 1 << 12
_UNREADABLE = {
    b"\xfd7zXZ\0": ("is compressed with xz", "xz -dc {file} | nll ... -"),
    b"BZh": ("is compressed with bzip2", "bzip2 -dc {file} | nll ... -"),
    b"\x28\xb5\x2f\xfd": ("is compressed with Zstandard", "zstd -dc {file} | nll ... -"),
    b"\x89HDF\r\n\x1a\n": (
        "is HDF5",
        "python -c \"import h5py, numpy; numpy.save('logits.npy', h5py.File({name!r})['logits'][:])\"",
    ),
    b"\xd0\xcf\x11\xe0": ("is an old Excel or Office document", "save it as CSV"),
    b"%PDF": ("is a PDF", None),
    b"\x89PNG": ("is a picture", None),
    b"\x7fELF": ("is a program", None),
}
_CONVERSIONS = {
    "PyTorch file": "import torch, numpy; "
    "numpy.save({to!r}, torch.load({opened}, weights_only=True).float().cpu().numpy())",
    "pickle": "import pickle, numpy; numpy.save({to!r}, pickle.load({opened}))",
}
# The magic number of PyTorch's files before they were ZIP archives, as pickle writes it.
_OLD_PYTORCH = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"
# How a pickle begins: with its protocol from 2 on; before, with a list or a dict, or with a class, each put aside under
# a number. Other values of protocol 0 cannot be distinguished from text.
_PICKLE = re.compile(rb"\x80[\2-\5]|\([dl]p\d+\n|[]}]q\0|c[\w.]+\n\w+\n(p\d+\n\(|q.[()])", re.DOTALL)
# Brackets, and then what JSON can have there.
_BEGINS_JSON = re.compile(
    rb"\s*(?:\{\s*[\"}]|(?:\[\s*)+(?:[\]{\"]|(?:null|true|false|NaN|-?Infinity|-?\d[\d.eE+-]*)(?![\w.])|\Z))"
)
# A line with one number or text.
_JSON_VALUE = re.compile(rb'\s*(?:"[^"\n]*"|-?\d[\d.eE+-]*|null|true|false)\s*(?:[\r\n]|\Z)')
# An object as Python prints it.
_BEGINS_DICT = re.compile(rb"\s*\[?\s*\{\s*'[^'\n]*'\s*:")


def detect(stream: ByteStream) -> str:
    """The name of the format of an open file; raises DataError for what is known not to be readable."""
    head = stream.peek()
    for magic, name in _MAGICS.items():
        if head.startswith(magic):
            return name
    for magic, (what, hint) in _UNREADABLE.items():
        if head.startswith(magic):
            raise DataError(what, where=stream.name, hint=hint and hint.format(**_names(stream.name)))
    if _PICKLE.match(head):
        raise code_refusal("PyTorch file" if _OLD_PYTORCH in head[:64] else "pickle", stream.name)
    if _is_safetensors(head):
        return "safetensors"
    from nllcli.inputs.tables.printed import is_printed_array

    text = head.removeprefix(b"\xef\xbb\xbf")
    if _BEGINS_DICT.match(text):
        raise _python_refusal(stream.name)
    if _BEGINS_JSON.match(text) and not is_printed_array(text):
        return "jsonl"
    extension = _without_gz(stream.name).suffix.lower()
    if extension in (".pt", ".pth"):
        raise code_refusal("PyTorch file", stream.name)
    if extension in (".pkl", ".pickle"):  # those of the oldest protocol may begin like text
        raise code_refusal("pickle", stream.name)
    if extension == ".json" and _JSON_VALUE.match(text):
        return "jsonl"
    return _by_extension(stream.name)


def _python_refusal(name: str) -> DataError:
    """The refusal of lines that Python has printed, and the command that writes them as JSON."""
    to = f"{_without_gz(name)}.jsonl"
    source = (
        f"import ast, json; open({to!r}, 'w').writelines(json.dumps(ast.literal_eval(line)) + chr(10) "
        f"for line in open({name!r}) if line.strip())"
    )
    remedies = [Remedy(python=source, files={name: to})] if _without_gz(name) == PurePath(name) else []
    return DataError("is written as Python prints it, not as JSON", where=name, remedies=remedies)


def _by_extension(name: str) -> str:
    """The format of text whose content does not show it."""
    extension = _without_gz(name).suffix.lower()
    return {".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}.get(extension, "csv")


def _without_gz(name: str) -> PurePath:
    path = PurePath(name)
    return path.with_suffix("") if path.suffix.lower() == ".gz" else path


def code_refusal(kind: str, name: str) -> DataError:
    """The refusal of a file of a ``kind`` that can run code, with the command that converts it."""
    zipped = _without_gz(name) != PurePath(name)
    imports, opened = ("import gzip; ", f"gzip.open({name!r})") if zipped else ("", f"open({name!r}, 'rb')")
    command = shlex.join(["python", "-c", imports + _CONVERSIONS[kind].format(opened=opened, **_names(name))])
    message = f"is a {kind}, which can run code when it is loaded"
    return DataError(message, where=name, hint=f"if you trust it: {command}")


def _names(name: str) -> dict[str, Any]:
    """The file as a command has to quote it, as Python has to, and another file to convert it to."""
    to = _without_gz(name).with_suffix(".npy")
    if to == PurePath(name):
        to = to.with_suffix(".array.npy")
    return {"file": shlex.quote(name), "name": name, "to": str(to)}


def choose_member(names: list[str], wanted: str | None, file: str) -> int:
    """The place of ``wanted`` among the arrays of an archive, or of the only one; raises UsageError that lists them."""
    if not names:
        raise DataError("holds no arrays", where=file)
    listed = first_few([f"{file}:{name}" for name in names], 10)
    if wanted is None:
        if len(names) > 1:
            raise UsageError(f"holds {len(names)} arrays", where=file, hint=f"name one: {listed}")
        return 0
    if wanted not in names:
        raise UsageError(f"has no array {wanted!r}", where=file, hint=f"it has {listed}")
    if names.count(wanted) > 1:
        raise DataError(f"has several members of the name {wanted!r}", where=file)
    return names.index(wanted)


def _is_safetensors(head: bytes) -> bool:
    """The length of a header, then the header, which is a JSON object."""
    return len(head) > 8 and head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") < 1 << 40 and 0 in head[:8]


@dataclass(frozen=True)
class ReadOptions:
    """What the options say about one input; each format uses what it needs.

    ``holds`` says what is in it. One value a sample is a class among targets, and a logit among logits; a list has one
    value a class.
    ``member`` is the array of an archive or the column of a table, ``target_column`` the column that holds the targets,
    ``columns`` and ``drop`` are patterns of those that are classes and that are not (or their places), ``key`` is the
    column by which rows are matched. ``header`` says whether the first line of text names the columns, ``decimal`` how
    it writes numbers.
    Of logits, ``partner`` is the beginning of the table of targets, ``labels`` the first of those, and ``has_targets``
    says that there are some apart from this file. ``binary`` says that there is one logit a sample, of class 1 of two.
    Of targets, ``as_given`` are the classes as the first sample has them, where their names are known, not their order.
    """

    holds: Literal["logits", "targets", "sample weights", "list"] = "logits"
    member: str | None = None
    input_dtype: str | None = None
    target_column: str | None = None
    columns: str | tuple[int, ...] | None = None
    drop: str | None = None
    key: str | None = None
    classes: tuple[str, ...] | None = None
    targets_are: str | None = None
    missing: str = "error"
    ignore_index: int = DEFAULT_IGNORE_INDEX
    header: str | None = None
    decimal: str = "point"
    partner: Preview | None = None
    labels: tuple[str, ...] = ()
    has_targets: bool = False
    binary: bool = False
    as_given: tuple[str, ...] = ()


_WITHOUT_MEMBERS = ("npy",)


@dataclass(frozen=True)
class Input:
    """An open input whose format is known."""

    stream: ByteStream
    format: str
    member: str | None

    @property
    def is_text(self) -> bool:
        return self.format in TEXT

    def preview(self, options: ReadOptions) -> Preview | None:
        """The beginning of a table; None where the format is none of tables."""
        return resolve(PREVIEWS[self.format])(self.stream, options) if self.format in PREVIEWS else None

    def read(self, options: ReadOptions) -> BlockSource:
        """What the reader of the format makes of it."""
        source: BlockSource = FORMATS.load(self.format)(self.stream, replace(options, member=self.member))
        return source


def _plain_text(stream: ByteStream, *, one_a_line: bool) -> ByteStream:
    """Text without what a program has drawn around its numbers for people."""
    from nllcli.inputs.tables.printed import array_lines, drawn_lines, is_drawn, is_printed_array

    head = stream.peek(_HEAD_BYTES)
    if one_a_line and head.lstrip().startswith(b"__label__"):
        from nllcli.inputs.tables.pairs_text import marked_lines

        return marked_lines(stream)
    if is_printed_array(head):
        return array_lines(stream, one_a_line=one_a_line)
    return drawn_lines(stream) if is_drawn(head) else stream


def open_input(
    path: str, input_format: str | None = None, encoding: str | None = None, *, one_a_line: bool = False
) -> Input:
    """Open a path, the member of an archive (``file.npz:name``), or standard input; ``encoding`` is that of text.

    Under ``one_a_line`` a printed array of one dimension has a value a line.
    """
    file, member = split_member(path)
    stream = open_stream(file)
    if stream.peek(len(GZIP_MAGIC)) == GZIP_MAGIC:
        from nllcli.inputs.bytes.gz import gunzipped

        stream = gunzipped(stream)
    told = encoding_of(stream.peek(2))
    found = input_format or (_by_extension(stream.name) if told else detect(stream))
    if (told or encoding) and found in (*TEXT, "jsonl"):
        stream = in_utf8(stream, told or encoding or "")
    if found == "csv":
        stream = _plain_text(stream, one_a_line=one_a_line)
    if member is not None and found in _WITHOUT_MEMBERS:
        raise UsageError(f"is {found.upper()}, which has no members; there is no {member!r} in it", where=file)
    return Input(stream, found, member)
