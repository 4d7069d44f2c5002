"""Files of JSON -> their samples, one a line: lines, an array, values one after another, or one object around all."""

from __future__ import annotations

import json
import re
from dataclasses import field
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError, NoRows
from nllcli.inputs.tables.json_paths import are_labels
from nllcli.inputs.tables.json_values import WHOLE, is_json, parse_json
from nllcli.inputs.tables.lines import LONGEST_LINE, LineNumbers, Lines, clean_lines, in_memory, too_long
from nllcli.inputs.tables.wrapped import Unwrapped, unwrapped
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from nllcli.inputs.bytes.files import ByteStream
    from nllcli.inputs.formats import ReadOptions

_HEAD_BYTES = 1 << 16
_PIECE_BYTES = 1 << 20
_LONGEST_HEAD = 1 << 24
_FIRST = 32  # samples that show what a file holds
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_BETWEEN = b" \t\r\n,"
_PIECE_SAMPLES = 1 << 10
_MARK = b"\xef\xbb\xbf"  # of the order of bytes, which UTF-8 does not need


@dataclass(frozen=True)
class Samples:
    """The samples of a file, each a line of JSON that ``pieces`` gives; ``first`` are the first few, parsed.

    ``numbers`` are those of their lines in the file, None where samples are counted. Of records, ``index`` are the keys
    that the file says are no data, and ``target`` is the key that it says has the targets. ``within`` is the key at
    which they were found in the file, where that was named.
    """

    first: list[Any]
    pieces: Callable[[], Iterator[Lines]]
    numbers: LineNumbers | None = None
    index: frozenset[str] = field(default_factory=frozenset)
    target: str | None = None
    within: str | None = None

    @property
    def first_one(self) -> str:
        """What messages call the first sample."""
        return "the first item" if self.numbers is None else "the first line"

    def place(self, sample: int) -> str:
        """Where a sample is, in the words of the file."""
        return f"item {sample}" if self.numbers is None else f"line {self.numbers.of(sample)}"


def open_samples(stream: ByteStream, options: ReadOptions) -> Samples:
    """Find out how a file holds its samples, from its beginning; an object around all of them is read as a whole."""
    size = _HEAD_BYTES
    while True:
        ahead = stream.peek(size)
        at_end = len(ahead) < size
        head = ahead.removeprefix(_MARK).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        begun = head.lstrip()
        if at_end and not begun:
            raise NoRows("is empty", where=stream.name)
        line, end, others = begun.partition(b"\n")
        if at_end or end or size >= _LONGEST_HEAD:
            is_whole = is_json(line) if at_end or end else False
            if not is_whole:
                return _of_document(stream, head, options)
            if others.strip():
                return _of_lines(stream, head if at_end else head[: head.rindex(b"\n") + 1])
            if at_end:
                return _of_line(stream, begun, head, options)
        if size >= _LONGEST_HEAD:  # one line, and blanks without an end
            raise too_long(stream.name)
        size *= 4


def _of_lines(stream: ByteStream, head: bytes) -> Samples:
    """A sample a line."""
    seen, numbers = LineNumbers(), LineNumbers()
    first: list[Any] = []
    for piece in clean_lines(in_memory(head, stream.name), seen, table=False):
        for line in piece.text[:-1].split(b"\n")[: _FIRST - len(first)]:
            if first and not is_json(line):
                break  # the rows are read once more, and then it is refused
            first.append(parse_json(line, f"{stream.name}, line {seen.of(len(first))}"))
    return Samples(first, lambda: clean_lines(stream, numbers, table=False), numbers)


def _of_line(stream: ByteStream, line: bytes, head: bytes, options: ReadOptions) -> Samples:
    """One line alone: a sample, or all of them."""
    value = parse_json(line, f"{stream.name}, line {1 + head[: len(head) - len(line)].count(10)}")
    if _is_array(value, options):
        return _of_array(stream)
    if isinstance(value, dict):
        found = unwrapped(parse_json(line, stream.name, WHOLE), stream.name, options)
        if found.samples != [value]:
            return _in_memory(found)
    return _of_lines(stream, head)


def _is_array(value: Any, options: ReadOptions) -> bool:
    """Whether a list holds the samples, and is not one."""
    if not isinstance(value, list) or not value:
        return False
    if isinstance(value[0], list | dict):
        return True
    return options.holds == "sample weights" or (options.holds == "targets" and are_labels(value))


def _of_document(stream: ByteStream, head: bytes, options: ReadOptions) -> Samples:
    """JSON over several lines, or in one of any length."""
    begun = head.lstrip()
    if not begun.startswith(b"["):
        return _of_object(stream, options)
    inner = begun[1:].lstrip()[:1]
    if inner in (b"[", b"{") or (options.holds in ("targets", "sample weights") and inner != b"]"):
        return _of_array(stream)
    return _in_memory(Unwrapped([parse_json(_whole_text(stream), stream.name, WHOLE)]))


def _of_array(stream: ByteStream) -> Samples:
    """The elements of an array, one after the other."""
    found, _ = _first_values(stream, array=True)
    first = [parse_json(text, f"{stream.name}, item {i}") for i, text in enumerate(found[:_FIRST])]
    return Samples(first, lambda: _values(stream, array=True))


def _of_object(stream: ByteStream, options: ReadOptions) -> Samples:
    """One object, or several one after the other."""
    found, more = _first_values(stream, array=False)
    if more:
        first = [parse_json(text, f"{stream.name}, item {i}") for i, text in enumerate(found[:_FIRST])]
        return Samples(first, lambda: _values(stream, array=False))
    return _in_memory(unwrapped(parse_json(_whole_text(stream), stream.name, WHOLE), stream.name, options))


def _in_memory(found: Unwrapped) -> Samples:
    """Samples that are in memory already."""
    samples = found.samples

    def pieces() -> Iterator[Lines]:
        for i in range(0, len(samples), _PIECE_SAMPLES):
            part = samples[i : i + _PIECE_SAMPLES]
            yield Lines(len(part), "".join(json.dumps(sample) + "\n" for sample in part).encode())

    return Samples(samples[:_FIRST], pieces, None, found.index, found.target, found.within)


def _whole_text(stream: ByteStream) -> bytes:
    """All that there is, not consumed: what it holds may be looked at more than once."""
    size = _PIECE_BYTES
    while len(text := stream.peek(size)) == size:
        size *= 4
    stream.check_unchanged()
    return text.removeprefix(_MARK).strip()


def _first_values(stream: ByteStream, *, array: bool) -> tuple[list[bytes], bool]:
    """The first few values, not consumed, and whether anything follows the first one."""
    size = _HEAD_BYTES
    while True:
        ahead = stream.peek(size)
        at_end = len(ahead) < size
        cutter = _Cutter(stream.name, array=array)
        text = cutter.take(ahead.removeprefix(_MARK)).text
        found = text[:-1].split(b"\n") if text else []
        more = len(found) > 1 or bool(found and cutter.rest.strip(_BETWEEN))
        if found and more:
            return found, True
        if at_end:
            if array:
                cutter.finish()
            return found, False
        if array and size > LONGEST_LINE:
            raise too_long(stream.name)
        size *= 4


def _values(stream: ByteStream, *, array: bool) -> Iterator[Lines]:
    """The values of a stream, each in a line."""
    stream.check_not_begun()
    cutter = _Cutter(stream.name, array=array)
    piece = stream.read(_PIECE_BYTES).removeprefix(_MARK)
    while piece:
        lines = cutter.take(piece)
        if lines.n:
            yield lines
        # An element that is longer than a piece is looked through again when more of it has come.
        piece = stream.read(max(_PIECE_BYTES, len(cutter.rest)))
        if len(cutter.rest) > LONGEST_LINE:
            raise too_long(stream.name)
    stream.check_unchanged()
    cutter.finish()


class _Cutter:
    """Cuts text into the elements of an ``array``, or into objects one after the other; parses none of them.

    ``rest`` is the text behind the last whole one.
    """

    def __init__(self, name: str, *, array: bool) -> None:
        self.name = name
        self.rest = b""
        self._array = array
        self._opened = self._closed = False
        self._n = 0

    def take(self, text: bytes) -> Lines:
        """What is whole with some more text, each in a line."""
        text = self.rest + text
        if self._array and not self._opened:
            text = text.lstrip()
            self._opened = text.startswith(b"[")
            text = text[1:]
        lines = self._elements(text) if self._array else self._objects(text)
        self._n += lines.n
        if self._closed and self.rest.strip():
            raise DataError("goes on behind the end of its list", where=self.name)
        return lines

    def finish(self) -> None:
        """Raise DataError where the text ends too early."""
        if not self._closed if self._array else self.rest.strip(_BETWEEN):
            raise DataError(f"ends in the middle of item {self._n}: the file is cut off", where=self.name)

    def _elements(self, text: bytes) -> Lines:
        if self._closed:
            self.rest = text
            return Lines(0, b"")
        characters, outside, depth = _structure(text)
        ends = np.flatnonzero((characters == ord(",")) & (depth == 0) & outside)
        beyond = depth < 0
        self._closed = bool(beyond.any())
        if self._closed:
            close = int(beyond.argmax())
            ends = ends[ends < close]
            last = text[ends[-1] + 1 if ends.size else 0 : close]
            if last.strip():
                ends = np.append(ends, close)
            self.rest = text[close + 1 :]
        elif ends.size:
            self.rest = text[ends[-1] + 1 :]
        else:
            self.rest = text
        if not ends.size:
            return Lines(0, b"")
        out = _without_ends(characters[: ends[-1] + 1])
        out[ends] = ord("\n")
        return Lines(len(ends), out.tobytes())

    def _objects(self, text: bytes) -> Lines:
        characters, outside, depth = _structure(text)
        closing = ((characters == ord("}")) | (characters == ord("]"))) & outside
        ends = np.flatnonzero(closing & (depth == 0)) + 1
        if not ends.size:
            self.rest = text
            return Lines(0, b"")
        self.rest = text[ends[-1] :]
        out = _without_ends(characters[: ends[-1]])
        between = (depth == 0) & outside & (characters == ord(","))
        out[between[: ends[-1]]] = ord(" ")
        return Lines(len(ends), np.insert(out, ends, ord("\n")).tobytes())


def _without_ends(characters: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy with blanks for line ends, which can only be between the parts of a value."""
    return np.where((characters == ord("\n")) | (characters == ord("\r")), np.uint8(ord(" ")), characters)


def _structure(text: bytes) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.int32]]:
    """The characters of JSON, which of them are outside of strings, and how deep in brackets each is."""
    plain = _ESCAPED.sub(b"__", text) if b"\\" in text else text
    characters = np.frombuffer(plain, np.uint8)
    outside = np.ones(len(plain), np.bool_)
    if b'"' in plain:
        outside = np.cumsum(characters == ord('"'), dtype=np.int32) % 2 == 0
    opening = ((characters == ord("[")) | (characters == ord("{"))) & outside
    closing = ((characters == ord("]")) | (characters == ord("}"))) & outside
    depth = np.cumsum(opening.view(np.int8) - closing.view(np.int8), dtype=np.int32)
    return np.frombuffer(text, np.uint8), outside, depth
