"""JSON, one sample a line: a list of logits, or an object with "logits" and perhaps "target"."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import isinf
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Block, Scratch
from nllcli.errors import DataError
from nllcli.inputs.labels import LabelReader
from nllcli.inputs.tables.cells import shown, text_of
from nllcli.inputs.tables.line_source import LineSource
from nllcli.inputs.tables.lines import LineNumbers, clean_lines, in_memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nllcli.inputs.bytes.files import ByteStream
    from nllcli.inputs.formats import ReadOptions
    from nllcli.inputs.tables.lines import Lines

_FIRST_LINE = 1 << 24


def unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The hook of ``json.loads`` that refuses an object in which a name occurs twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _finite(number: str) -> float:
    """The hook that refuses numbers too large for a float64; JSON has a word for an infinity."""
    value = float(number)
    if isinf(value):
        raise ValueError(f"{shown(number)} is too large for a float64")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=unique_names)
_DIGITS_FINITE = json.JSONDecoder(parse_float=_finite)  # a call a number: only for lines that hold an infinity


@dataclass(kw_only=True)
class JsonLines(LineSource):
    """Samples as lines of JSON; without classes there are only targets."""

    n_classes: int

    @property
    def shape(self) -> tuple[int | None, ...]:
        return (None, self.n_classes)

    def _lines(self) -> Iterator[Lines]:
        return clean_lines(self.stream, self.numbers, table=False)

    def _parse(self, start: int, n: int, body: bytes, _: Scratch) -> Block:  # noqa: ARG002 - lines are parsed one by one
        rows, labels = [], []
        for sample, line in enumerate(body[:-1].split(b"\n"), start):
            where = self._where(sample)
            value = parse_json(line, where)
            if not self.labels and isinstance(value, dict) and "target" in value:
                raise DataError("has a target, unlike the first line", where=where)
            if self.n_classes:
                rows.append(_row(value, self.n_classes, where))
                if np.isinf(rows[-1]).any():
                    parse_json(line, where, _DIGITS_FINITE)
            labels.append(_target(value, where) if self.labels else "")
        reader = self.label_reader
        targets = None if reader is None else reader.read(labels, lambda i: self._where(start + i))
        return Block(start, np.array(rows).reshape(-1, self.n_classes or 1), targets)


def open_jsonl(stream: ByteStream, options: ReadOptions) -> JsonLines:
    """Lines of JSON; the first one says how many classes there are and whether the lines have targets."""
    line, where = _first_line(stream)
    value = parse_json(line, where)
    label = value.get("target") if isinstance(value, dict) else None
    n_classes = 0
    if options.holds == "targets" and label is None and not isinstance(value, list):
        raise DataError(
            f'{shown(json.dumps(value))} is neither an object with the key "target" nor a list of probabilities',
            where=where,
            hint="jq -c '{target: .}' writes bare values so" if not isinstance(value, dict) else None,
        )
    if options.holds != "targets" or isinstance(value, list):
        n_classes = len(_logits(value, where))
    reader = None
    if label is not None:
        reader = LabelReader(
            options.classes, not isinstance(label, str), '"target"', soft=options.binary and options.holds == "targets"
        )
    return JsonLines(stream=stream, label_reader=reader, n_classes=n_classes)


def _first_line(stream: ByteStream) -> tuple[bytes, str]:
    """The first line that is not blank, not consumed, and where it is."""
    numbers = LineNumbers()
    for piece in clean_lines(in_memory(stream.peek(_FIRST_LINE), stream.name), numbers, table=False):
        return piece.text[: piece.text.index(b"\n")], f"{stream.name}, line {numbers.of(0)}"
    raise DataError("is empty", where=stream.name)


def parse_json(text: bytes, where: str, decoder: json.JSONDecoder = _DECODER) -> Any:
    """The value of JSON; raises DataError for what is not valid, and for names that occur twice."""
    try:
        return decoder.decode(text_of(text, where))
    except json.JSONDecodeError as error:
        hint = "one JSON value a line; jq -c . writes them so" if text.strip() in (b"[", b"{") else None
        place = f"line {error.lineno}, column {error.colno}" if error.lineno > 1 else f"column {error.colno}"
        raise DataError(f"is not valid JSON: {error.msg}, {place}", where=where, hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"cannot be read: {str(error)[:80]}", where=where) from error


def _logits(value: Any, where: str) -> list[Any]:
    logits = value.get("logits") if isinstance(value, dict) else value
    if not isinstance(logits, list):
        raise DataError('is neither a list of logits nor an object with the key "logits"', where=where)
    if logits and isinstance(logits[0], list):
        raise DataError(
            "is a list of lists, not one sample", where=where, hint="jq -c '.[]' FILE writes one sample a line"
        )
    if not logits:
        raise DataError("has no logits", where=where)
    return logits


def _row(value: Any, n_classes: int, where: str) -> NDArray[np.float64]:
    logits = _logits(value, where)
    if len(logits) != n_classes:
        raise DataError(f"has {len(logits)} logits, the first line has {n_classes}", where=where)
    if not set(map(type, logits)) <= {int, float}:
        j, odd = next((j, x) for j, x in enumerate(logits) if type(x) not in (int, float))
        raise DataError(f"{shown(json.dumps(odd))} is not a number", where=f"{where}, value {j + 1}")
    try:
        return np.array(logits, np.float64)
    except OverflowError as error:
        raise DataError("has an integer too large for a float64", where=where) from error


def _target(value: Any, where: str) -> str:
    """The target as text, as a table would have it."""
    target = value.get("target") if isinstance(value, dict) else None
    if target is None:
        raise DataError("has no target", where=where)
    if isinstance(target, list | dict | bool):
        raise DataError(f"target {shown(json.dumps(target))} is not a class index", where=where)
    return str(target)
