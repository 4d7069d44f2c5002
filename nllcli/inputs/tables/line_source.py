"""Samples as lines of text: what CSV and JSON have in common."""

from __future__ import annotations

from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Block, Chunk, Scratch
from nllcli.data.layout import Layout
from nllcli.errors import NoRows, Notice
from nllcli.inputs.bytes.files import ByteStream
from nllcli.inputs.labels import LabelReader
from nllcli.inputs.shapes import one_hot_refusal
from nllcli.inputs.tables.cells import is_fraction
from nllcli.inputs.tables.lines import LineNumbers, Lines, cut_lines, in_memory
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_AHEAD = 1 << 26


@dataclass(kw_only=True)
class LineSource:
    """Samples as lines of text, cut in order by one thread and parsed by any; with its ``shape``, a BlockSource.

    With a ``label_reader`` the blocks bring their targets. ``probabilities`` are refused at the end unless a number is
    written as a fraction, with a point or an exponent: they may be one-hot integers. ``as_given`` are the classes as
    the first sample has them, where their names alone are known, not their order.
    """

    stream: ByteStream
    class_names: tuple[str, ...] | None = None
    label_reader: LabelReader | None = None
    opening_notes: tuple[Notice, ...] = ()
    probabilities: bool = False
    as_given: tuple[str, ...] = ()
    numbers: LineNumbers = field(default_factory=LineNumbers)
    fortran: bool = field(default=False, init=False)
    dtype: np.dtype[Any] = field(default=np.dtype(np.float64), init=False)

    @property
    def name(self) -> str:
        return self.stream.name

    @property
    def n_bytes(self) -> int | None:
        return self.stream.n_bytes

    @property
    def labels(self) -> bool:
        return self.label_reader is not None

    @property
    def notes(self) -> tuple[Notice, ...]:
        """What is worth knowing about the lines read so far."""
        return (*self.opening_notes, *(() if self.label_reader is None else self.label_reader.notes(self.name)))

    def chunks(self, layout: Layout, block_samples: int, first: int = 0) -> Iterator[Chunk]:  # noqa: ARG002
        start, fractions = 0, False
        for i, (n, body) in enumerate(cut_lines(self._lines(), block_samples)):
            fractions = fractions or is_fraction(body)
            if i >= first:
                yield Chunk(start, n, partial(self._parse, start, n, body), len(body))
            start += n
        if not start:
            raise NoRows("has a header and no rows", where=self.name)
        if self.probabilities and not fractions:
            raise one_hot_refusal(self.name)

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:  # noqa: ARG002 - of a line
        return f"line {self._line(sample)}"

    def texts(self) -> Iterator[str]:
        """The label of every sample, as it is written."""
        raise NotImplementedError

    def over(self, stream: ByteStream) -> LineSource:
        """The same lines, read out of another stream."""
        return replace(self, stream=stream, numbers=LineNumbers())

    def reads_ahead_for_names(self, n_classes: int | None) -> None:
        """Read all labels ahead where they are names of ``n_classes`` classes that have none: it cannot end well."""
        reader = self.label_reader
        if reader is None or reader.classes is not None or reader.numeric or reader.booleans:
            return
        reader.n_classes = n_classes
        text = self.stream.peek(_MOST_AHEAD)
        if len(text) < _MOST_AHEAD:
            reader.everything = lambda: self.over(in_memory(text, self.name)).texts()

    def _lines(self) -> Iterator[Lines]:
        """The lines of the samples."""
        raise NotImplementedError

    def _line(self, sample: int) -> int:
        """The line of the file that a sample is in, counted from 1."""
        return self.numbers.of(sample)

    def _where(self, sample: int) -> str:
        return f"{self.name}, line {self._line(sample)}"

    def _parse(self, start: int, n: int, body: bytes, _: Scratch) -> Block:
        """The block of the ``n`` lines of ``body``."""
        raise NotImplementedError
