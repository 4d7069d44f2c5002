"""A file of log-probabilities of what occurred, whatever its shape: text, an array, JSON or a log."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nllcli.data.dataset import Dataset
from nllcli.data.settings import TOKENS
from nllcli.errors import NllError, Notice, Remedy, UsageError, first_few, setting
from nllcli.inputs.arrays.raw import FileArray
from nllcli.inputs.bytes.files import name_of
from nllcli.inputs.formats import ReadOptions, open_input
from nllcli.inputs.tables.cells import is_number, ragged, shown, split
from nllcli.inputs.tables.columns import find_column
from nllcli.inputs.tables.dialect import sniff
from nllcli.inputs.tables.lines import kept_lines
from nllcli.inputs.tables.text import TextTable
from nllcli.inputs.token_logs.choices import Choices, are_choices, open_choices, without_repeats
from nllcli.inputs.token_logs.documents import first_value, json_values, read_text, refusing_damage
from nllcli.inputs.token_logs.logs import log_of
from nllcli.inputs.token_logs.runs import Found, Run
from nllcli.inputs.token_logs.shapes import SHAPES, only, runs_of, shape_of, tells_tokens
from nllcli.inputs.token_logs.source import Tokens, in_memory, no_such_part, token_layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nllcli.data.dataset import BlockSource, GroupSource
    from nllcli.data.layout import Layout
    from nllcli.data.settings import InputOptions
    from nllcli.inputs.bytes.files import ByteStream
    from nllcli.inputs.formats import Input
    from nllcli.inputs.tables.dialect import Dialect

_HEADING = re.compile(r"(?:token_?)?(?:log_?probs?|log_?probabilit(?:y|ies)|logps?|log_?likelihood)", re.IGNORECASE)
_SEPARATOR = re.compile(r"[,;\s]+")
_MISSING = ("null", "none", "na", "n/a", "")
_MISSING_LINE = re.compile(rb"^[ \t]*(?:null|none|na|n/a)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_MOST_AHEAD = 1 << 26
_EVENTS = (b"data:", b"event:")
_MOST_OFFERED = 10


def open_tokens(options: InputOptions) -> Dataset:
    """The log-probabilities in a file, and the weights of its tokens, if there are any."""
    opened = open_input(options.logits, options.input_format, options.encoding)
    with _telling_what_helps(opened.stream):
        return _opened(opened, options)


def _opened(opened: Input, options: InputOptions) -> Dataset:
    found = _runs_in(opened)
    source: Found | BlockSource
    if found is not None:
        source = found
    elif opened.is_text:
        source = _column(opened, options)
    else:
        source = opened.read(ReadOptions(input_dtype=options.input_dtype))
    name = opened.stream.name
    if isinstance(source, Found):
        tokens = Tokens(in_memory(name, source, options.part, options.unknown), drop=True)
    else:
        if options.part not in (None, "all"):
            raise no_such_part(name, options.part, ())
        if options.unknown == "keep":
            told = f"has no vocabulary, whose words {setting('unknown', 'keep')} is about"
            raise UsageError(told, where=name, remedies=[Remedy({"unknown": None}, "every number counts")])
        if isinstance(source, FileArray) and len(source.shape) > 1:
            source = source.at_any_place()  # its rows are looked at first
        tokens = Tokens(source, drop=options.unknown == "drop")
    layout, weights = token_layout(tokens, options.part), None
    if options.sample_weights is not None:
        from nllcli.inputs.sample_weights import in_order, peek

        weights = in_order(peek(options.sample_weights), layout, tokens)
    groups: GroupSource | None = None
    notes: tuple[Notice, ...] = ()
    if options.groups is not None:
        groups, notes = _groups(options.groups, layout, tokens)
    return Dataset(tokens, layout, sample_weights=weights, groups=groups, opening_notes=notes)


def _groups(word: str, layout: Layout, tokens: Tokens) -> tuple[GroupSource, tuple[Notice, ...]]:
    """The groups of tokens: an axis is that of an array of several dimensions, such as sequences and tokens."""
    from nllcli.inputs.groups.opening import in_order, peek
    from nllcli.inputs.words import axis_of

    if axis_of(word) is not None and len(layout.sample_shape) < 2:
        message = f"{setting('groups', word)} needs an array of several dimensions, such as (sequences, tokens)"
        without = Remedy({"groups": None}, "each token is a group of its own")
        raise UsageError(message, where=tokens.name, remedies=[without])
    return in_order(word, peek(word), layout, tokens)


def choices_or_refusal(opened: Input, targets_are: str | None = None) -> Choices | None:
    """The choices of questions, which are logits; None for any other logits; raises for log-probabilities of tokens.

    How they are read is tried here, so that the way out is told with everything it needs.
    """
    with _telling_what_helps(opened.stream):
        return _choices_or_refusal(opened, targets_are)


@contextmanager
def _telling_what_helps(stream: ByteStream) -> Iterator[None]:
    """Leave out remedies in which another program reads what is not a plain file: standard input, or compressed."""
    try:
        with refusing_damage(stream.name):
            yield
    except NllError as error:
        piped = stream.name == name_of("-")
        if stream.file is None or piped:
            told = error.remedies
            error.remedies = tuple(
                each
                for each in told
                if not any(stream.name in word for word in each.feed) and not (piped and stream.name in each.files)
            )
            if told and not error.remedies:
                error.hint = "save what is in it to a file, for which a command can be told"
        raise


def _choices_or_refusal(opened: Input, targets_are: str | None) -> Choices | None:
    stream = opened.stream
    log = log_of(stream.peek())
    if log is not None:
        what = log.what
    else:
        value = first_value(stream) if opened.format == "jsonl" or _is_of_events(stream) else None
        if are_choices(value):
            return open_choices(stream, targets_are)
        shape = shape_of(value)
        if shape is None or not tells_tokens(value):
            return None
        what = SHAPES[shape].what
    message, remedies = f"holds {what}, not logits", [Remedy({"source": TOKENS})]
    try:
        found = _runs_in(opened)
        assert found is not None
        in_memory(stream.name, found)
    except NllError as error:
        remedies = [replace(remedy, settings={"source": TOKENS, **remedy.settings}) for remedy in error.remedies]
        told = f"{error.message} ({stream.name} {message})"
        raise UsageError(told, where=error.where, hint=error.hint, remedies=remedies) from error
    raise UsageError(message, where=stream.name, remedies=remedies)


def _runs_in(opened: Input) -> Found | None:
    """The runs of tokens in JSON or a log; None for arrays and for text of numbers."""
    stream = opened.stream
    if not (opened.is_text or opened.format == "jsonl"):
        return None
    log = log_of(stream.peek())
    if log is not None:
        return log.read(read_text(stream), stream.name)
    if opened.is_text and not _is_of_events(stream):
        return None
    values = json_values(stream)
    if opened.member is not None:
        values = [(where, only(value, opened.member, where)) for where, value in values]
    _ask_per_what(values, stream.name)
    runs = [run for where, value in without_repeats(values) for run in runs_of(value, where)]
    notes = []
    if shape_of(values[0][1]) == "resps":
        told = "each number is of a whole document: the mean is over documents, not tokens"
        notes.append(Notice("documents-as-tokens", f"{stream.name}: {told}"))
    return Found(runs, tuple(notes))


def _ask_per_what(values: list[tuple[str, Any]], name: str) -> None:
    """Raise UsageError for log-likelihoods of documents with how many words and bytes these have."""
    first = values[0][1]
    if shape_of(first) != "resps" or not isinstance(first, dict):
        return
    units = {"word_perplexity": "word", "byte_perplexity": "byte", "bits_per_byte": "byte"}
    keys = {unit: key for key, unit in units.items() if isinstance(first.get(key), list)}
    if not keys:
        return
    remedies = [_per("print(*[a for a, b in r], sep='\n')", next(iter(keys.values())), name, "document")]
    for unit, key in keys.items():
        remedies.append(_per("print(sum(a for a, b in r) / sum(b for a, b in r))", key, name, unit))
    raise UsageError("holds log-likelihoods of documents, not of tokens", where=name, remedies=remedies)


def _per(then: str, key: str, name: str, unit: str) -> Remedy:
    lines = f"map(json.loads, open({name!r}, encoding='utf-8-sig'))"
    by_document = f"{{str([d['doc_id'], d.get('doc_hash')]): d[{key!r}] for d in {lines}}}"
    source = f"import json; r = {by_document}.values(); {then}"
    return Remedy(feed=("python", "-c", source), files={name: "-"}, meaning=f"the loss per {unit}")


def _is_of_events(stream: ByteStream) -> bool:
    """Whether a file is what a server streams: lines that name the events."""
    return stream.peek().startswith(_EVENTS)


def _column(opened: Input, options: InputOptions) -> Found | TextTable:
    """The column of log-probabilities in a table of text; without a header, all numbers, a text a line."""
    stream = opened.stream
    dialect = sniff(stream, header=options.header, delimiter="\t" if opened.format == "tsv" else None)
    column = 0 if dialect.n_columns == 1 else None
    if opened.member is not None:
        column = find_column(opened.member, dialect.preview)
    elif dialect.header is not None and dialect.n_columns > 1:
        column = _named(dialect, options.logits, stream.name)
    if column is None:
        return _lines_of_numbers(stream, options.logits)
    if dialect.n_columns > 1 or _MISSING_LINE.search(stream.peek(_MOST_AHEAD)):
        return _cells_of(stream, dialect, column)
    return TextTable(stream=stream, dialect=dialect, columns=[column])


def _cells_of(stream: ByteStream, dialect: Dialect, column: int) -> Found:
    """The numbers of a column of which some may be missing; an empty cell is missing too."""
    lines, numbers = kept_lines(read_text(stream).encode(), stream.name)
    values = []
    for i, line in enumerate(lines[dialect.n_skipped :], dialect.n_skipped):
        where = f"{stream.name}, line {numbers.of(i)}"
        row = split(line.decode(), dialect.delimiter, where)
        if len(row) != dialect.n_columns:
            raise ragged(tuple(row), dialect.n_columns, where)
        values.append(_number(row[column].strip(), where))
    return Found([Run(values, stream.name)])


def _named(dialect: Dialect, path: str, name: str) -> int:
    """The one column whose name is that of log-probabilities; raises UsageError that asks for it."""
    headings = [heading.strip() for heading in dialect.header or ()]
    fitting = [c for c, heading in enumerate(headings) if _HEADING.fullmatch(heading)]
    if len(fitting) == 1:
        return fitting[0]
    numeric = [headings[c] for c in fitting or range(len(headings)) if is_number(dialect.first_row[c])]
    raise _which_column(path, name, numeric, f"has the columns {first_few(headings, 10)}")


def _which_column(path: str, name: str, columns: list[str], told: str) -> UsageError:
    return UsageError(
        f"{told}: which of them has the log-probabilities?",
        where=name,
        hint=f"FILE:COLUMN names it as {setting('logits')}",
        remedies=[
            Remedy(files={path: f"{path}:{column}"}, meaning=f"column {column}")
            for column in columns[:_MOST_OFFERED]
            if path != "-"
        ],
    )


def _lines_of_numbers(stream: ByteStream, path: str) -> Found:
    """Numbers between blanks or commas, the tokens of one text a line."""
    runs = []
    for i, line in enumerate(read_text(stream).split("\n"), 1):
        words = [word for word in _SEPARATOR.split(line.strip()) if word]
        if not words or line.lstrip().startswith("#"):
            continue
        where = f"{stream.name}, line {i}"
        runs.append(Run([_number(word, where) for word in words], where))
    widths = {len(run.values) for run in runs}
    if len(widths) == 1 and widths != {1} and any(value is not None and value > 0 for r in runs for value in r.values):
        width = widths.pop()
        columns = [str(c + 1) for c in range(width)]
        raise _which_column(path, stream.name, columns, f"has {width} columns")
    return Found(runs)


def _number(word: str, where: str) -> float | None:
    if word.lower() in _MISSING:
        return None
    if not is_number(word):
        raise UsageError(f"{shown(word)} is not a log-probability", where=where)
    return float(word)
