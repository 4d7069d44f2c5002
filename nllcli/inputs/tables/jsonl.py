"""JSON as a BlockSource: each sample a line, an element of an array, or what one object holds of it."""

from __future__ import annotations

from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Block, Scratch
from nllcli.data.layout import Layout
from nllcli.data.settings import DEFAULT_IGNORE_INDEX
from nllcli.errors import DataError, Notice, Remedy, counted
from nllcli.inputs.labels import label_reader
from nllcli.inputs.tables import cells
from nllcli.inputs.tables.cutting import pieces_of
from nllcli.inputs.tables.json_arrays import cut_arrays
from nllcli.inputs.tables.json_documents import Samples, open_samples
from nllcli.inputs.tables.json_paths import ABSENT
from nllcli.inputs.tables.json_values import DIGITS_FINITE, parse_json, parse_lines, written
from nllcli.inputs.tables.line_source import LineSource
from nllcli.inputs.tables.records import Reading, is_one_hot, preview_of, read_of
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from nllcli.inputs.bytes.files import ByteStream
    from nllcli.inputs.formats import ReadOptions
    from nllcli.inputs.tables.columns import Preview
    from nllcli.inputs.tables.lines import Lines
    from nllcli.inputs.tables.records import Where

_NUMBERS = {int, float}


@dataclass(kw_only=True)
class JsonLines(LineSource):
    """Samples as JSON; without classes there are only targets.

    Samples whose logits are ``missing`` are an error, or left out. Under ``booleans`` false and true are 0 and 1.
    """

    samples: Samples
    reading: Reading
    reopened: Callable[[ByteStream], Samples]
    booleans: bool = False
    missing: str = "error"
    ignore_index: int = DEFAULT_IGNORE_INDEX
    _left_out: list[int] = field(default_factory=list, init=False)  # how many, a block each

    @property
    def shape(self) -> tuple[int | None, ...]:
        return (None, self.reading.n_classes)

    @property
    def notes(self) -> tuple[Notice, ...]:
        """What is worth knowing about the samples read so far."""
        n = sum(self._left_out)
        told = f"{self.name}: {counted(n, 'sample')} without logits left out"
        return (*super().notes, *((Notice("missing-logits", told),) if n else ()))

    @property
    def is_one_hot(self) -> bool:
        """Whether each of the first samples is a single 1 among zeros, written as integers or as booleans."""
        take = self.reading.row
        assert take is not None
        return all(map(is_one_hot, (take(value, lambda: self.name) for value in self.samples.first)))

    @property
    def candidates(self) -> tuple[str, ...]:
        """The keys that may be those of the targets."""
        return self.reading.candidates

    @property
    def is_one_list_of_logs(self) -> bool:
        """Whether all there is is one list of numbers that may be logarithms of probabilities."""
        first = self.samples.first
        return len(first) == 1 and type(first[0]) is list and all(type(x) in _NUMBERS and x <= 0 for x in first[0])

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:  # noqa: ARG002 - of a sample
        return self.samples.place(sample)

    def texts(self) -> Iterator[str]:
        """The label of every sample, as a table would have it."""
        start, take = 0, self.reading.target
        assert take is not None
        for n, body in self._lines():
            lines = body[:-1].split(b"\n")
            yield from (
                self._label(take(parse_json(x, partial(self._where, i))), i) for i, x in enumerate(lines, start)
            )
            start += n

    def over(self, stream: ByteStream) -> JsonLines:
        """The same samples, read out of another stream."""
        return replace(self, stream=stream, samples=self.reopened(stream))

    def _where(self, sample: int) -> str:
        return f"{self.name}, {self.samples.place(sample)}"

    def _lines(self) -> Iterator[Lines]:
        return self.samples.pieces()

    def _parse(self, start: int, n: int, body: bytes, _: Scratch) -> Block:
        try:
            block = self._parse_plain(start, n, body)
        except DataError:  # the same one or another is found first where each sample is looked at
            block = None
        return block or self._parse_carefully(start, n, body)

    def _parse_plain(self, start: int, n: int, body: bytes) -> Block | None:
        """A block of plain numbers; None where samples have to be looked at one by one."""
        reading, reader = self.reading, self.label_reader
        logits, labels, keys = np.empty((n, reading.n_classes or 1)), list[str](), list[str]()
        done = 0
        for piece in pieces_of(body):  # so that what it holds is gone before it has to be looked for
            cut = None if reading.row is None else cut_arrays(piece, reading.n_classes)
            values = parse_lines(piece if cut is None else cut[1])
            if values is None or (reading.without_targets and any("target" in x for x in values if type(x) is dict)):
                return None
            if reading.row is not None:
                rows = [reading.row(value, self._anywhere) for value in values]
                numbers = self._plain(rows) if cut is None else cut[0]
                if numbers is None or (cut is not None and any(row != [] for row in rows)):
                    return None
                logits[done : done + len(values)] = numbers
            if reading.target is not None:
                found = list(map(reading.target, values))
                if ABSENT in found:
                    return None
                labels += map(self._label, found, range(start + done, start + n))
            if reading.key is not None:
                keys += [_key(reading.key(value), self._anywhere) for value in values]
            done += len(values)
        targets = None if reader is None else reader.read(labels, lambda i: self._where(start + i))
        return Block(start, logits, targets, keys=None if reading.key is None else keys)

    def _plain(self, rows: list[list[Any] | None]) -> NDArray[np.float64] | None:
        """The logits of some samples; None where any has others than so many finite numbers."""
        n_classes = self.reading.n_classes
        values = [value for row in rows if row is not None and len(row) == n_classes for value in row]
        if len(values) < len(rows) * n_classes:
            return None
        try:
            numbers = np.array(values, np.float64) if set(map(type, values)) <= _NUMBERS else np.array(np.inf)
        except OverflowError:
            return None
        return None if np.isinf(numbers).any() else numbers.reshape(len(rows), n_classes)

    def _anywhere(self) -> str:
        return self.name

    def _parse_carefully(self, start: int, n: int, body: bytes) -> Block:
        """A block of which each sample is looked at, so that an error says where it is."""
        reading, lines = self.reading, body[:-1].split(b"\n")
        values = [parse_json(line, partial(self._where, i)) for i, line in enumerate(lines, start)]
        if reading.without_targets:
            for i, value in enumerate(values, start):
                if type(value) is dict and "target" in value:
                    raise DataError(f"has a target, unlike {self.samples.first_one}", where=self._where(i))
        logits, left_out = np.empty((n, 1)), None
        if reading.row is not None:
            logits, left_out = self._logits(start, values, lines)
        targets = None if reading.target is None else self._targets(start, values, left_out)
        keys = None
        if reading.key is not None:
            keys = [_key(reading.key(value), partial(self._where, i)) for i, value in enumerate(values, start)]
        return Block(start, logits, targets, keys=keys, left_out=left_out)

    def _logits(
        self, start: int, values: list[Any], lines: list[bytes]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
        """The logits of a block, and which samples have none."""
        take, n_classes = self.reading.row, self.reading.n_classes
        assert take is not None
        rows, left_out = [], []
        for i, value in enumerate(values):
            row = take(value, partial(self._where, start + i))
            if row is None or len(row) != n_classes or not set(map(type, row)) <= _NUMBERS:
                row = self._careful(row, self._where(start + i))
            if row is None:
                left_out.append(i)
            rows.append(row or [0.0] * n_classes)
        logits = self._array(rows, start)
        for i in np.flatnonzero(np.isinf(logits).any(axis=1)).tolist():
            parse_json(lines[i], self._where(start + i), DIGITS_FINITE)
        if not left_out:
            return logits, None
        self._left_out.append(len(left_out))
        return logits, np.isin(np.arange(len(rows)), left_out)

    def _careful(self, row: list[Any] | None, where: str) -> list[float] | None:
        """The logits of one sample, of which something is amiss; None where it is to be left out."""
        if row is None:
            self._check_missing("has no logits", where)
            return None
        if len(row) != self.reading.n_classes:
            message = f"has {len(row)} logits, {self.samples.first_one} has {self.reading.n_classes}"
            raise DataError(message, where=where)
        for j, value in enumerate(row):
            if value is None or (isinstance(value, str) and cells.is_missing(value) and not cells.is_number(value)):
                self._check_missing(f"{written(value)} is not a number", f"{where}, value {j + 1}")
                return None
        return [self._number(value, f"{where}, value {j + 1}") for j, value in enumerate(row)]

    def _number(self, value: Any, where: str) -> float:
        """A number, perhaps written as text."""
        if isinstance(value, str):
            return cells.number(value, where)
        if type(value) not in _NUMBERS and not (self.booleans and isinstance(value, bool)):
            raise DataError(f"{written(value)} is not a number", where=where)
        return value

    def _check_missing(self, message: str, where: str) -> None:
        """Raise DataError where samples without logits are an error."""
        if self.missing == "error":
            remedy = Remedy({"missing": "ignore"}, "samples of which logits are missing are left out")
            raise DataError(message, where=where, remedies=[remedy])

    def _array(self, rows: list[list[float]], start: int) -> NDArray[np.float64]:
        try:
            return np.array(rows, np.float64)
        except OverflowError as error:
            i = next(i for i, row in enumerate(rows, start) if not all(map(_fits, row)))
            raise DataError("has an integer too large for a float64", where=self._where(i)) from error

    def _targets(self, start: int, values: list[Any], left_out: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        take, reader = self.reading.target, self.label_reader
        assert take is not None
        assert reader is not None
        labels = [self._label(take(value), start + i) for i, value in enumerate(values)]
        found = reader.read(labels, lambda i: self._where(start + i))
        if left_out is not None:
            found[left_out] = self.ignore_index
        return found

    def _label(self, target: Any, sample: int) -> str:
        """The target as text, as a table would have it."""
        if target is ABSENT and self.missing == "error":
            remedy = Remedy({"missing": "ignore"}, "samples without a target are left out")
            raise DataError("has no target", where=self._where(sample), remedies=[remedy])
        if target is ABSENT or target is None:
            return ""
        if isinstance(target, list | dict):
            raise DataError(f"target {written(target)} is not a class index", where=self._where(sample))
        return str(target)


def preview_jsonl(stream: ByteStream, options: ReadOptions) -> Preview | None:
    """The values of the first records but lists and objects; None where samples are not records."""
    samples = open_samples(stream, options)
    if samples.within is not None:
        options = replace(options, member=None)
    return preview_of(samples, stream.name, options)


def open_jsonl(stream: ByteStream, options: ReadOptions) -> JsonLines:
    """JSON of any form; its first samples show how many classes there are and whether they bring their targets."""
    samples, name = open_samples(stream, options), stream.name
    reopened = partial(open_samples, options=options)
    if samples.within is not None:
        options, name = replace(options, member=None), f"{name}:{samples.within}"
    reading = read_of(samples, name, options)
    reader = None
    if reading.target is not None:
        seen = [found for found in map(reading.target, samples.first) if found is not ABSENT]
        classes = options.classes or reading.names
        if options.holds == "logits":
            options = replace(options, as_given=reading.as_given)
        reader = label_reader(seen, classes, reading.target_name, stream.name, options)
    source = JsonLines(
        stream=stream,
        class_names=reading.names,
        label_reader=reader,
        opening_notes=reading.notes,
        as_given=reading.as_given,
        samples=samples,
        reading=reading,
        reopened=reopened,
        booleans=options.holds == "targets",
        missing=options.missing,
        ignore_index=options.ignore_index,
    )
    source.reads_ahead_for_names(options.n_classes if reading.row is None else reading.n_classes)
    return source


def _fits(value: float) -> bool:
    try:
        float(value)
    except OverflowError:
        return False
    return True


def _key(value: Any, where: Where) -> str:
    """A key as text."""
    if value is ABSENT or value is None or isinstance(value, list | dict):
        raise DataError("has no key", where=where())
    return str(value)
