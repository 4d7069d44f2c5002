"""Lines of text with labels: pairs of a label and a score in any order, or the marked label before a text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.blocks import Block, Scratch
from nllcli.errors import DataError, counted
from nllcli.inputs.bytes.files import ByteStream
from nllcli.inputs.names import MARK
from nllcli.inputs.tables import cells
from nllcli.inputs.tables.line_source import LineSource
from nllcli.inputs.tables.lines import clean_lines, kept_lines, whole_lines
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nllcli.inputs.formats import ReadOptions
    from nllcli.inputs.tables.lines import Lines
    from nllcli.inputs.tables.pairs import Binding

_FIRST_LINES = 3


@dataclass(kw_only=True)
class PairLines(LineSource):
    """Lines of labels with their scores, put in the order of the classes."""

    delimiter: str
    binding: Binding

    @property
    def shape(self) -> tuple[int | None, ...]:
        return (None, len(self.binding.classes))

    def _lines(self) -> Iterator[Lines]:
        return clean_lines(self.stream, self.numbers)

    def _parse(self, start: int, n: int, body: bytes, _: Scratch) -> Block:
        logits = np.empty((n, len(self.binding.classes)))
        for i, line in enumerate(body[:-1].split(b"\n")):
            where = self._where(start + i)
            row = _cells(cells.text_of(line, where), self.delimiter)
            if len(row) % 2:
                raise DataError(f"has {counted(len(row), 'word')}, not labels with their scores", where=where)
            labels = [label.removeprefix(MARK) for label in row[::2]]
            scores = [cells.number(x, f"{where}, word {2 * j + 2}") for j, x in enumerate(row[1::2])]
            logits[i] = self.binding.bind(labels, scores, lambda where=where: where)  # type: ignore[misc]
        return Block(start, logits)


def open_pairs(stream: ByteStream, options: ReadOptions) -> PairLines | None:
    """Lines of labels with their scores, as the first lines show it; None where they are something else."""
    if options.holds != "logits" or options.header == "yes":
        return None
    head = stream.peek()
    found, numbers = kept_lines(head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1] or head, stream.name)
    lines = [line.decode("utf-8", errors="replace") for line in found[:_FIRST_LINES]]
    delimiter = next((mark for mark in ("\t", ",", ";") if all(mark in line for line in lines)), " ")
    split = [_split(line, delimiter) for line in lines]
    if not split or not all(_at_colons(row) or _alternate(row) for row in split):
        return None
    rows = [_cells(line, delimiter) for line in lines]
    from nllcli.inputs.tables.pairs import Binding, class_order, top_one

    where = f"{stream.name}, line {numbers.of(0)}"
    labels = [label.removeprefix(MARK) for label in rows[0][::2]]
    if len(labels) < 2:
        if not rows[0][0].startswith(MARK):
            return None
        raise top_one(where)
    if len(set(labels)) < len(labels):
        return None
    classes, known = class_order(labels, where, options)
    return PairLines(
        stream=stream,
        class_names=classes,
        delimiter=delimiter,
        binding=Binding(classes),
        as_given=() if known else tuple(labels),
    )


def _cells(line: str, delimiter: str) -> list[str]:
    """Labels and scores by turns."""
    found = _split(line, delimiter)
    return _at_colons(found) or found


def _split(line: str, delimiter: str) -> list[str]:
    return line.split() if delimiter == " " else [cell.strip() for cell in line.split(delimiter)]


def _at_colons(row: list[str]) -> list[str]:
    """The labels and scores of cells that have both, such as ``2:0.75``; nothing for other cells.

    A further cell behind them is a tag, as Vowpal Wabbit writes it.
    """
    pairs = [cell.rpartition(":") for cell in row]
    if len(pairs) > 2 and not pairs[-1][1]:
        pairs.pop()
    are_pairs = all(label and cells.is_number(score) for label, _, score in pairs)
    return [word for label, _, score in pairs for word in (label, score)] if are_pairs else []


def _alternate(row: list[str]) -> bool:
    """Whether words and numbers take turns."""
    words, numbers = row[::2], row[1::2]
    return len(words) == len(numbers) > 0 and all(map(cells.is_number, numbers)) and all(map(_is_label, words))


def _is_label(word: str) -> bool:
    return re.search(r"[^\W\d]", word) is not None and not cells.is_number(word)


def marked_lines(stream: ByteStream) -> ByteStream:
    """Lines of text as the marked labels that they begin with, whether a text follows or not."""
    return ByteStream(stream.name, _Labels(stream).read)


class _Labels:
    """Reads a text as the labels at the beginning of its lines."""

    def __init__(self, stream: ByteStream) -> None:
        self._name = stream.name
        self._pieces = whole_lines(stream)
        self._line = 0

    def read(self, n: int) -> bytes:  # noqa: ARG002 - a piece at a time
        """The labels of some lines; nothing at the end."""
        piece = next(self._pieces, b"")
        return b"".join(map(self._label, piece[:-1].split(b"\n"))) if piece else b""

    def _label(self, line: bytes) -> bytes:
        self._line += 1
        label, _, text = line.strip().replace(b"\t", b" ").partition(b" ")
        if text.lstrip().startswith(MARK.encode()):
            where = f"{self._name}, line {self._line}"
            raise DataError("has several labels; a sample has one target", where=where)
        return label.removeprefix(MARK.encode()) + b"\n"
