"""What the columns of a Parquet or Arrow file are: the classes, the targets, or neither; and what is asked in doubt."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nllcli.errors import DataError, Remedy
from nllcli.inputs.bytes.compressed import opener_of
from nllcli.inputs.bytes.libraries import refusing
from nllcli.inputs.foreign.arrays import PROBS, SCORES
from nllcli.inputs.tables import arrow_conversions as conversions
from nllcli.inputs.tables.arrow_values import (
    NUMBERS,
    content,
    innermost,
    is_map_of_numbers,
    is_previewed,
    is_vector,
    n_in_first,
    plain,
    previewed,
)
from nllcli.inputs.tables.columns import Columns, Preview, choose, find_column, is_numeric
from nllcli.records import dataclass

if TYPE_CHECKING:
    from nllcli.inputs.formats import ReadOptions
    from nllcli.inputs.tables.arrow_table import Batches

_PREVIEWED_ROWS = 100
_PREVIEWED_VALUES = 20_000
_INDEX = re.compile(r"__index_level_\d+__")


def preview(name: str, schema: Any, batches: Batches) -> Preview:
    """What the first rows of a file hold, read once it is asked."""
    lists = frozenset(i for i, kind in enumerate(schema.types) if _is_list_of(kind, (*NUMBERS, "booleans")))
    return Preview(name, tuple(schema.names), _FirstRows(name, schema, batches), _index(schema), lists)


def _is_list_of(kind: Any, contents: Collection[str]) -> bool:
    """Whether a column of a type has lists of what is one of ``contents``."""
    n_levels, inner = innermost(kind)
    return n_levels == 1 and content(inner) in contents


@dataclass
class _FirstRows(Sequence[tuple[Any, ...]]):
    """The first rows of a file as Python has them, with the type in place of what cannot be logits or targets.

    Reading them takes as long as reading a file that is small, and of many columns; most are known by their types.
    """

    name: str
    schema: Any
    batches: Batches

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: Any) -> Any:
        return self._rows[row]

    @cached_property
    def _rows(self) -> list[tuple[Any, ...]]:
        with refusing(self.name):
            return self._read()

    def _read(self) -> list[tuple[Any, ...]]:
        shown = [field for field in self.schema if is_previewed(field.type)]
        nested = any(innermost(field.type)[0] > 1 for field in shown)
        n_rows = 1 if nested else _n_rows(len(shown))
        found = self.batches(n_rows, [field.name for field in shown], 0)
        first = next((batch for batch in found if batch.num_rows), None)
        if first is None:
            return []
        first = first.slice(0, _n_rows(sum(map(n_in_first, first.columns))))
        columns = dict(zip(first.schema.names, map(previewed, first.columns), strict=True))
        others = {field.name: [str(field.type)] * first.num_rows for field in self.schema}
        return list(zip(*(others | columns).values(), strict=True))


def _n_rows(n_values: int) -> int:
    """How many rows of so many values a preview shows."""
    return max(1, min(_PREVIEWED_ROWS, _PREVIEWED_VALUES // max(1, n_values)))


def _index(schema: Any) -> frozenset[int]:
    """The columns that pandas says are the index of the data frame, or that are named as it names one."""
    try:
        told = json.loads((schema.metadata or {})[b"pandas"])["index_columns"]
        named = {name for name in told if isinstance(name, str)}  # a range of numbers is told by a dict
    except (ValueError, KeyError, TypeError):
        named = set()
    return frozenset(i for i, name in enumerate(schema.names) if name in named or _INDEX.fullmatch(name))


@dataclass(frozen=True)
class Table:
    """A file of columns before it is read; ``opened`` is the Python that makes a table of it, for ``Conversion``."""

    schema: Any
    preview: Preview
    options: ReadOptions
    opened: str

    @property
    def name(self) -> str:
        return self.preview.name

    @cached_property
    def headings(self) -> tuple[str, ...]:
        return tuple(self.schema.names)

    @cached_property
    def _kinds(self) -> list[Any]:
        return list(self.schema.types)

    def kind(self, column: int) -> Any:
        """The type of a column."""
        return self._kinds[column]

    def choose(self) -> Columns:
        """Tell the columns apart; raises UsageError where several may be the logits, DataError where none can be."""
        if self.options.columns is None and self.options.member is None:
            self._refuse_unreadable()
        chosen = choose(self.preview, self.options)
        odd = [c for c in chosen.classes if not (self._holds_numbers(c) or self._holds_lists(c))]
        if odd:
            raise self._no_numbers(odd, chosen.target)
        if not chosen.classes and chosen.target is None:
            raise DataError("has no columns of numbers", where=self.name)
        return chosen

    def _refuse_unreadable(self) -> None:
        """Raise DataError where the numbers are in lists of lists or in records, and nowhere else."""
        target = self.options.target_column
        named = None if target is None else find_column(target, self.preview)
        data = [i for i in range(len(self.headings)) if i != named and i not in self.preview.index]
        if any(self._holds_lists(i) and content(innermost(self.kind(i))[1]) != "integers" for i in data):
            return
        vectors = [i for i in data if is_vector(self.kind(i)) and SCORES.search(self.headings[i])]
        if vectors:
            raise self._no_numbers(sorted(vectors, key=lambda i: not PROBS.search(self.headings[i])), named)
        others = [i for i in data if self._holds_nested_fractions(i)]
        numbers = {content(self.kind(i)) for i in data if self._holds_numbers(i)}
        if not numbers - {"integers"}:
            others += [i for i in data if self._holds_records(i, fractions=bool(numbers))]
            others += [i for i in data if is_map_of_numbers(self.kind(i))]
        if others:
            raise self._no_numbers(others, named)

    @property
    def _readable(self) -> tuple[str, ...]:
        return NUMBERS if self.options.holds == "logits" else (*NUMBERS, "booleans")

    def _holds_numbers(self, column: int) -> bool:
        return content(self.kind(column)) in self._readable

    def _holds_lists(self, column: int) -> bool:
        """Whether a column holds lists of numbers."""
        return _is_list_of(self.kind(column), self._readable)

    def _holds_nested_fractions(self, column: int) -> bool:
        """Whether a column holds lists of lists of numbers that are not all whole."""
        n_levels, kind = innermost(self.kind(column))
        return n_levels > 1 and content(kind) in ("floats", "decimals")

    def _holds_records(self, column: int, *, fractions: bool = False) -> bool:
        """Whether a column holds records of numbers, some ``fractions`` perhaps, or lists of records."""
        kind = innermost(self.kind(column))[1]
        fields = list(plain(kind)) if content(kind) == "records" else []
        wanted = ("floats", "decimals") if fractions else NUMBERS
        return any(content(field.type) in wanted for field in fields)

    def _holds_text_of_numbers(self, column: int) -> bool:
        """Whether a column is not a category, and holds numbers written as text, as far as its first rows show."""
        is_text = str(self.kind(column)) in ("string", "large_string")
        return is_text and bool(cells := self.preview.cells(column)) and all(map(is_numeric, cells))

    def _no_numbers(self, columns: list[int], target: int | None) -> DataError:
        """The refusal of columns that may be the logits, with what makes rows of numbers of the first, or of text."""
        column = columns[0]
        heading, kind = self.headings[column], self.kind(column)
        message = f"column {heading!r} holds {kind}, not numbers"
        conversion = conversions.Conversion(self.name, self.options.member, self.opened)
        remedies: list[Remedy] = []
        if self._holds_text_of_numbers(column):
            texts = [self.headings[i] for i in columns if self._holds_text_of_numbers(i)]
            conversion = replace(conversion, keeps_columns=True)
            remedies = conversion.remedies(("", "numbers", conversions.as_numbers(texts)), ending=".parquet")
        elif self.options.holds == "logits" and self._holds_nested_fractions(column):
            message = f"column {heading!r} holds {kind}: lists of samples, not one sample a row"
            remedies = conversion.remedies(*self._samples(column, target), ending=".parquet")
        elif self.options.holds == "logits" and is_vector(kind):
            remedies = [remedy for i in columns for remedy in self._values(conversion, i, target)]
        elif self.options.holds == "logits" and is_map_of_numbers(kind):
            source = conversions.written(conversions.keys_of(heading, self._kept(column, target)))
            remedies = conversion.remedies(("", "columns", source), ending=".parquet")
        elif self.options.holds == "logits" and self._holds_records(column):
            kept = self._kept(column, target)
            if innermost(kind)[0]:
                remedies = conversion.remedies(("", "rows", conversions.JSON_LINES), ending=".jsonl")
            else:
                source = conversions.written(conversions.fields_of(heading, kept))
                remedies = conversion.remedies(("", "columns", source), ending=".parquet")
        hint = conversions.SAVE_IT if opener_of(self.name) is None else None
        return DataError(message, where=self.name, hint=hint, remedies=remedies)

    def _kept(self, column: int, target: int | None) -> list[str]:
        """The columns that stay beside one that is converted: the targets, or all where they are not named."""
        kept = [i for i in range(len(self.headings)) if i != column] if target is None else [target]
        return [self.headings[i] for i in kept if not is_vector(self.kind(i))]

    def _values(self, conversion: conversions.Conversion, column: int, target: int | None) -> list[Remedy]:
        """The way to write the values of vectors as lists; what their name says that they are."""
        heading = self.headings[column]
        source = conversions.written(conversions.vector(heading, self._kept(column, target)))
        probs = bool(PROBS.search(heading))
        meaning = f"{heading} holds {'probabilities' if probs else 'logits'}"
        remedies = conversion.remedies((meaning, heading, source), ending=".parquet")
        return [replace(remedy, settings={"source": "probs"} if probs else {}) for remedy in remedies]

    def _samples(self, column: int, target: int | None) -> list[tuple[str, str, str]]:
        """The ways to write lists of samples one a row: with the targets beside them, if these are lists as long."""
        heading, lengths = self.headings[column], self._lengths(column)
        beside = [i for i in range(len(self.headings)) if i != column] if target is None else [target]
        if set(lengths) == {1}:
            names = [self.headings[i] for i in beside]
            return [("", "rows", conversions.written(conversions.lists_joined({heading: ":"}, names)))]
        names = [self.headings[i] for i in beside if self._lengths(i) == lengths]
        if target is not None and not names:
            return []
        in_place = conversions.lists_joined(dict.fromkeys((heading, *names), ":"))
        if not names:
            return [("", "rows", conversions.written(in_place))]
        next_one = conversions.lists_joined({heading: ":-1", **dict.fromkeys(names, "1:")})
        return [
            ("each sample has the target at its place", "rows", conversions.written(in_place)),
            ("each sample has the next target, as in language models", "next", conversions.written(next_one)),
        ]

    def _lengths(self, column: int) -> list[int]:
        """How long the lists of the first rows are; nothing where they are no lists."""
        cells = [row[column] for row in self.preview.rows]
        return [len(cell) for cell in cells if cell is not None] if content(self.kind(column)) == "lists" else []
