"""The table of input formats, and how the format of a file is found: by content first, then by extension."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

from nllcli.data.settings import DEFAULT_IGNORE_INDEX
from nllcli.errors import DataError, Remedy, UsageError, first_few
from nllcli.inputs.bytes.files import name_of, not_there_yet, open_stream, split_member
from nllcli.records import dataclass
from nllcli.registry import Registry, resolve

if TYPE_CHECKING:
    from nllcli.data.dataset import BlockSource
    from nllcli.inputs.bytes.files import ByteStream
    from nllcli.inputs.foreign.arrays import Found
    from nllcli.inputs.foreign.kinds import Kind
    from nllcli.inputs.labels import LabelReader
    from nllcli.inputs.tables.columns import Preview

NPY_MAGIC = b"\x93NUMPY"

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
        "feather": "nllcli.inputs.tables.arrow:open_ipc",
        "arrow": "nllcli.inputs.tables.arrow:open_ipc",
    },
)
# The function that makes a Preview of a ByteStream, which it leaves as it is, and ReadOptions.
PREVIEWS = {
    "csv": "nllcli.inputs.tables.text:preview_csv",
    "tsv": "nllcli.inputs.tables.text:preview_tsv",
    "parquet": "nllcli.inputs.tables.arrow:preview_parquet",
    "feather": "nllcli.inputs.tables.arrow:preview_ipc",
    "arrow": "nllcli.inputs.tables.arrow:preview_ipc",
    "jsonl": "nllcli.inputs.tables.jsonl:preview_jsonl",
}
TEXT = ("csv", "tsv")

# How compressed files begin; how numbers do, and what text is made of.
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"]\0\0", b"\x28\xb5\x2f\xfd")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_STARTS_OF_NUMBERS = tuple(b"%c" % byte for byte in b"0123456789+-. \t\r\n\"'#")
_TEXT_BYTES = bytes(range(9, 14)) + bytes(range(32, 127))
_LETTERS = bytes(range(128, 256))  # those of other alphabets, in UTF-8 and older encodings
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
_RAW_SUFFIXES = (
    ".bin",
    ".raw",
    ".dat",
    ".data",
    ".buf",
    ".mmap",
    ".memmap",
    ".f32",
    ".f64",
    ".f16",
    ".i64",
    ".i32",
    ".u8",
)
_FEW = 1 << 10
_MOST_LAYERS = 4
_TEXT_SUFFIXES = ("", ".csv", ".tsv", ".txt", ".dat", ".jsonl", ".ndjson")
_MAGICS = {
    NPY_MAGIC: "npy",
    b"PK\x03\x04": "npz",
    b"PK\x05\x06": "npz",  # an archive without members
    b"PAR1": "parquet",
    b"ARROW1": "feather",
    b"FEA1": "feather",
}
_HEAD_BYTES = 1 << 12
_JSON_BLANKS = b" \t\n\r"
# Brackets, and then what JSON can have there.
_BEGINS_JSON = rb"\s*(?:\{\s*[\"}]|(?:\[\s*)+(?:[\]{\"]|(?:null|true|false|NaN|-?Infinity|-?\d[\d.eE+-]*)(?![\w.])|\Z))"
_OF_R = rb"\s*\[1\][ \t]+[^\s,]"
# A line with one number or text.
_JSON_VALUE = rb'\s*(?:"[^"\n]*"|-?\d[\d.eE+-]*|null|true|false)\s*(?:[\r\n]|\Z)'
# An object as Python prints it.
_BEGINS_DICT = rb"\s*\[?\s*\{\s*'[^'\n]*'\s*:"


@dataclass(frozen=True)
class Use:
    """What an input is opened for: its role, and its path as the user gave it.

    Of logits, ``targets`` is the other input that holds their targets, and ``targets_member`` what does in the same
    one, and ``names_classes`` says that the classes are named. Of targets, ``shape`` is that of the logits, and
    ``ignores_255`` says that no class index is ignored by name.
    """

    role: Literal["logits", "targets", "other"] = "other"
    path: str = ""
    targets: str | None = None
    takes_targets: bool = True
    targets_member: str | None = None
    shape: tuple[int | None, ...] | None = None
    ignores_255: bool = True
    names_classes: bool = False

    @property
    def other_targets(self) -> bool:
        """Whether the targets of these logits are nowhere in the same file."""
        return self.targets is not None or not self.takes_targets


def detect(stream: ByteStream, member: str | None = None, use: Use = Use()) -> str:
    """The name of the format of an open file; raises DataError for what another program reads, and how to convert it.

    ``member`` is what was named in it, and ``use`` what it is opened for.
    """
    head = stream.peek()
    for magic, name in _MAGICS.items():
        if head.startswith(magic):
            return name
    if _is_arrow_stream(head):
        return "arrow"
    extension = suffix_of(stream)
    if _is_safetensors(head):
        return "safetensors"
    from nllcli.inputs.tables.printed import is_printed_array

    text = head.removeprefix(b"\xef\xbb\xbf")
    begins = text.lstrip()[:1]
    opens = begins in (b"{", b"[")
    if opens and re.match(_BEGINS_DICT, text):
        raise _python_refusal(stream)
    if begins == b"{" and b'"nll-tally"' in text[:_FEW]:
        raise DataError("is a tally, the sums over samples", where=stream.name, hint="nll merge adds up tallies")
    if opens and re.match(_BEGINS_JSON, text) and not (is_printed_array(text) or re.match(_OF_R, text)):
        return "jsonl"
    if (
        head[:1] not in _STARTS_OF_NUMBERS
        or extension not in _TEXT_SUFFIXES
        or head[:_FEW].translate(None, _TEXT_BYTES)
    ):
        from nllcli.inputs.foreign.kinds import RAW, kind_of

        kind = kind_of(head, extension) or (RAW if is_raw(stream) else None)
        if kind is not None:
            from nllcli.inputs.foreign.conversions import refusal

            raise refusal(kind, stream, member, use)
    if extension == ".json" and re.match(_JSON_VALUE, text):
        return "jsonl"
    return _by_extension(stream)


def _python_refusal(stream: ByteStream) -> DataError:
    """The refusal of lines that Python has printed, and the command that writes them as JSON."""
    from nllcli.inputs.bytes.compressed import opening_text

    name = stream.name
    to, opened = not_there_yet(f"{name.removesuffix('.gz')}.jsonl"), opening_text(name)
    source = (
        f"import ast, json; open({to!r}, 'w').writelines(json.dumps(ast.literal_eval(line)) + chr(10) "
        f"for line in {opened} if line.strip())"
    )
    remedies = [] if opened is None else [Remedy(python=source, files={name: to})]
    return DataError("is written as Python prints it, not as JSON", where=name, remedies=remedies)


def _by_extension(stream: ByteStream) -> str:
    """The format of text whose content does not show it."""
    extension = suffix_of(stream)
    return {".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}.get(extension, "csv")


def is_raw(stream: ByteStream) -> bool:
    """Whether a file is nothing but numbers without a header, as far as its first bytes and its extension show.

    Text in UTF-16 has a zero in every other byte too; under the extensions of raw numbers it is not looked for.
    """
    head, suffix = stream.peek(_FEW), suffix_of(stream)
    if stream.file is None or head.startswith(_BYTE_ORDER_MARKS) or not head.translate(None, _TEXT_BYTES + _LETTERS):
        return False
    if suffix in _RAW_SUFFIXES:
        return b"\0" in head or not _is_utf8(head)
    text = (head[::2], head[1::2])
    utf_16 = any(not half.strip(b"\0") and not other.translate(None, _TEXT_BYTES) for half, other in (text, text[::-1]))
    return suffix == "" and not utf_16 and (b"\0" in head or not _is_utf8(head))


def _is_utf8(head: bytes) -> bool:
    """Whether bytes, the last of which may be cut, are text."""
    try:
        head[: -4 if len(head) == _FEW else None].decode()
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 8
    return True


def suffix_of(stream: ByteStream) -> str:
    """The extension of what is in a file, in small letters."""
    return PurePath(stream.inner_name or stream.name).suffix.lower()


def choose_member(arrays: list[Found], wanted: str | None, kind: Kind, stream: ByteStream, use: Use) -> int:
    """The place of ``wanted`` among the arrays of an archive, or of the only one; raises UsageError that lists them."""
    from nllcli.inputs.foreign.conversions import which_array

    names, file = [each.name for each in arrays], stream.name
    if not names:
        raise DataError("holds no arrays", where=file)
    listed = first_few([f"{file}:{name}" for name in names], 10)
    if wanted is None:
        if len(names) > 1:
            raise which_array(f"holds {len(names)} arrays", f"name one: {listed}", arrays, kind, stream, use)
        return 0
    if wanted not in names:
        raise which_array(f"has no array {wanted!r}", f"it has {listed}", arrays, kind, stream, use)
    if names.count(wanted) > 1:
        raise DataError(f"has several members of the name {wanted!r}", where=file)
    return names.index(wanted)


def _is_safetensors(head: bytes) -> bool:
    """The length of a header, then the header, which is a JSON object, perhaps after blanks."""
    length = int.from_bytes(head[:8], "little")
    return 0 in head[:8] and 2 <= length < 1 << 40 and head[8 : 8 + length].lstrip(_JSON_BLANKS)[:1] == b"{"


def _is_arrow_stream(head: bytes) -> bool:
    """The mark of a message, then the length of the schema; numbers in raw bytes that begin with NaN are larger."""
    length = int.from_bytes(head[4:8], "little")
    return head[:4] == b"\xff" * 4 and 0 < length < 1 << 28 and length % 8 == 0


@dataclass(frozen=True)
class ReadOptions:
    """What the options say about one input; each format uses what it needs.

    ``holds`` says what is in it. One value a sample is a class among targets, and a logit among logits; a list has one
    value a class.
    ``member`` is the array of an archive or the column of a table, ``target_column`` the column that holds the targets,
    ``columns`` and ``drop`` are patterns of those that are classes and that are not (or their places), ``key`` is the
    column by which rows are matched. ``header`` says whether the first line of text names the columns, ``decimal`` how
    it writes numbers. ``n_classes`` is the number of classes that targets may be of, where that is known: 1 of one
    logit a sample.
    Of logits, ``partner`` is the beginning of the table of targets, ``labels`` the first of those, and ``has_targets``
    says that there are some apart from this file. ``binary`` says that there is one logit a sample, of class 1 of two.
    Of targets, ``as_given`` are the classes as the first sample has them, where their names are known, not their order;
    ``reader`` reads labels that are not of classes.
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
    n_classes: int | None = None
    header: str | None = None
    decimal: str = "point"
    partner: Preview | None = None
    labels: tuple[str, ...] = ()
    has_targets: bool = False
    binary: bool = False
    use: Use = Use()
    as_given: tuple[str, ...] = ()
    reader: LabelReader | None = None


_WITHOUT_MEMBERS = ("npy",)


@dataclass(frozen=True)
class Input:
    """An open input whose format is known."""

    stream: ByteStream
    format: str
    member: str | None
    use: Use = Use()
    encoding: str | None = None

    def again(self) -> Input:
        """The same file, opened anew."""
        return open_input(self.use.path, self.format, self.encoding, self.use)

    @property
    def is_text(self) -> bool:
        return self.format in TEXT

    def preview(self, options: ReadOptions) -> Preview | None:
        """The beginning of a table; None where the format is none of tables."""
        return resolve(PREVIEWS[self.format])(self.stream, options) if self.format in PREVIEWS else None

    def read(self, options: ReadOptions) -> BlockSource:
        """What the reader of the format makes of it; raises for what holds something else than logits."""
        if options.holds == "logits" and self.format in (*TEXT, "jsonl"):
            from nllcli.inputs.token_logs.marks import may_hold_tokens

            if may_hold_tokens(self.stream.peek()):
                from nllcli.inputs.token_logs.opening import choices_or_refusal

                choices = choices_or_refusal(self, options.targets_are)
                if choices is not None:
                    return choices
        reader = FORMATS.load(self.format)
        source: BlockSource = reader(self.stream, replace(options, member=self.member, use=self.use))
        return source


def _plain_text(stream: ByteStream, *, one_a_line: bool) -> ByteStream:
    """Text without what a program has drawn around its numbers for people."""
    from nllcli.inputs.tables.printed import array_lines, drawn_lines, is_drawn, is_latex, is_printed_array, latex_lines

    head = stream.peek(_HEAD_BYTES)
    if one_a_line and head.lstrip().startswith(b"__label__"):
        from nllcli.inputs.tables.pairs_text import marked_lines

        return marked_lines(stream)
    if is_printed_array(head):
        return array_lines(stream, one_a_line=one_a_line)
    if is_latex(head):
        return latex_lines(stream)
    return drawn_lines(stream) if is_drawn(head) else stream


def _unpacked(
    stream: ByteStream, member: str | None, input_format: str | None, use: Use
) -> tuple[ByteStream, str | None]:
    """What is in a compressed file or in an archive of files, and what is left of the ``member``."""
    for _ in range(_MOST_LAYERS):
        head, outer = stream.peek(_FEW), stream
        if head.startswith(_COMPRESSED):
            from nllcli.inputs.bytes.compressed import decompressed

            stream = decompressed(stream)
        elif head.startswith(_ZIP) and input_format != "npz":
            from nllcli.inputs.bytes.zipped import seekable
            from nllcli.inputs.foreign.archives import chosen_file

            stream, member = chosen_file(seekable(stream), member, use)
        if stream is outer:
            break
    return stream, member


def open_input(
    path: str,
    input_format: str | None = None,
    encoding: str | None = None,
    use: Use = Use(),
) -> Input:
    """Open a path, the member of an archive (``file.npz:name``), or standard input, for its ``use``.

    ``encoding`` is that of text.
    """
    file, member = split_member(path)
    use = replace(use, path=path)
    if os.path.isdir(file):  # noqa: PTH112 - a string that may be no path at all
        from nllcli.inputs.foreign.parts import folder_refusal

        raise folder_refusal(file, use)
    stream, member = _unpacked(open_stream(file), member, input_format, use)
    told = "utf-16" if stream.peek(2).startswith(_BYTE_ORDER_MARKS) else None
    found = input_format or (_by_extension(stream) if told else detect(stream, member, use))
    if (told or encoding) and found in (*TEXT, "jsonl"):
        from nllcli.inputs.bytes.encodings import in_utf8

        stream = in_utf8(stream, told or encoding or "")
    if found == "csv":
        stream = _plain_text(stream, one_a_line=use.role == "targets")
    if member is not None and found in _WITHOUT_MEMBERS:
        raise UsageError(f"is {found.upper()}, which has no members; there is no {member!r} in it", where=name_of(file))
    return Input(stream, found, member, use, encoding)
