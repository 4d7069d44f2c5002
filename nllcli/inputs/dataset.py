"""The files of a Dataset: opens every input, and decides which values belong to which sample."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nllcli.data.dataset import Dataset
from nllcli.data.settings import DEFAULT_IGNORE_INDEX, LOSSES_GIVEN, TOKENS, InputOptions
from nllcli.errors import FaultError, NllError, Notice, Remedy, UsageError, setting
from nllcli.inputs import names as class_names
from nllcli.inputs import shapes
from nllcli.inputs.arrays.raw import FileArray
from nllcli.inputs.beside import Beside, Opened, by_keys, in_order, open_beside
from nllcli.inputs.bytes.files import (
    name_of,
    only_one_standard_input,
    pattern_of,
    split_member,
)
from nllcli.inputs.formats import ReadOptions, Use, open_input
from nllcli.inputs.mismatch import check_classes, with_tokens
from nllcli.inputs.targets import Targets, booleans_as_classes, fit_targets, open_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nllcli.data.dataset import BlockSource
    from nllcli.data.layout import Layout
    from nllcli.inputs.formats import Input
    from nllcli.inputs.matching import Keys
    from nllcli.inputs.tables.columns import Preview

_TABLES = ("csv", "tsv", "jsonl", "parquet", "feather", "arrow")
_MOST_OFFERED = 5


class _Both(NamedTuple):
    """The logits and their targets as opened; ``completed`` is what to call at the end of a pass.

    ``by_key`` is the remedy where both have keys and are taken row by row. Weights and groups that have keys are in the
    order of the logits (``beside``); those that are ``opened`` and have none have to be put into it. The targets may be
    those of another dataset, ``known``.
    """

    logits: BlockSource
    given: Targets
    completed: Callable[[], None] | None = None
    by_key: Remedy | None = None
    opened: Opened = Opened()
    beside: Beside = Beside()
    known: Dataset | None = None


def open_files(
    options: InputOptions, name: str = "", others: Sequence[str] = (), known: Dataset | None = None
) -> Dataset:
    """Open one file of each input; ``others`` are files of logits that follow the first under the ``name`` of all.

    The targets of a ``known`` dataset, which are in the same file, are read once, where classes are in the same order.
    """
    if options.source == TOKENS:
        from nllcli.inputs.token_logs.opening import open_tokens

        return open_tokens(options)
    inputs = ("logits", "targets", "sample_weights", "groups")
    only_one_standard_input({setting(name): getattr(options, name) for name in inputs})
    _refuse_parts(options)
    reading = ReadOptions(
        input_dtype=options.input_dtype,
        classes=tuple(options.classes) if options.classes else None,
        targets_are=options.targets_are,
        missing=options.missing,
        ignore_index=options.ignore_index,
        decimal=options.decimal,
        binary=options.binary,
    )
    return _fitted(_open_both(options, reading, name, others, known), reading, options)


def _open_both(
    options: InputOptions, reading: ReadOptions, name: str, more: Sequence[str], known: Dataset | None
) -> _Both:
    """The logits and the targets, each read with what the other shows of names, columns and keys."""
    opened = open_input(options.logits, options.input_format, options.encoding, _use_of_logits(options))
    others = _peeked_targets(options)
    theirs = replace(reading, holds="targets", target_column=options.target_column, key=options.id)
    preview = None if others is None else others.preview(replace(theirs, member=others.member))
    _check_columns(options, preview)
    own = replace(
        reading,
        target_column=options.target_column if options.targets is None else None,
        columns=options.columns,
        drop=options.drop,
        header=options.header,
        has_targets=options.targets is not None,
        key=options.id,
    )
    look = cache(lambda: opened.preview(replace(own, member=opened.member)))  # once: it may parse all of a document
    keys = None
    if preview is not None and others is not None:
        from nllcli.inputs.matching import check_several, first_labels, keys_of

        named = options.target_column or others.member
        if others.format == "jsonl" and named not in (preview.headings or ()):  # where the table is
            named = None
        own = replace(own, labels=first_labels(preview, named))
        if preview.n_columns > 1:
            own = replace(own, partner=preview)
            own_preview = look()
            # In a table of JSON the targets are known by their name, and nothing is asked about its other columns.
            any_name = others.format == "jsonl"
            keys = keys_of(options.id, own_preview, preview, options.drop, any_name=any_name)
            if keys is None and options.drop is None:
                check_several(own_preview, preview)
            theirs = replace(theirs, partner=own_preview)
    beside = open_beside(options, look, keys)
    if keys is None and options.targets is not None and opened.format in _TABLES and opened.format != "jsonl":
        from nllcli.inputs.matching import check_numbered

        check_numbered(look(), preview, options)
    found, among_models = keys or beside.keys, options.id if options.pairs_by_id else None
    own = replace(own, key=among_models if found is None else found.own)
    theirs = replace(theirs, key=None if keys is None else keys.theirs)
    logits = _open_logits(opened, own, options)  # of a file of several arrays, this asks for the name of one
    logits = _with_more(logits, name, more, own, options)
    _refuse_same_file(options)
    if known is not None and keys is None and _can_share(known, logits):
        both = _Both(logits, Targets(), known=known)
    else:
        both = _with_targets(logits, others or _targets_beside(logits, options), preview, theirs, keys, options)
    bound, values = by_keys(
        *(beside, both.logits),
        lambda: _with_more(_open_logits(opened.again(), own, options), name, more, own, options),
        options.missing,
        can_be_asked=keys is not None or options.targets is None,
    )
    return both._replace(logits=bound, opened=beside, beside=values)


def _can_share(known: Dataset, logits: BlockSource) -> bool:
    """Whether the targets of a known dataset are those of these logits: of the same classes, or of any."""
    if known.targets is None and known.soft_targets is None:
        return False
    own, theirs = logits.class_names, known.class_names
    order = None if own is None or theirs is None else class_names.match(theirs, own)
    return order is None or class_names.are_places(order)


def _with_targets(
    logits: BlockSource,
    others: Input | None,
    preview: Preview | None,
    theirs: ReadOptions,
    keys: Keys | None,
    options: InputOptions,
) -> _Both:
    """The logits with their targets, one by one or by the keys of both."""
    if others is None:
        return _Both(logits, Targets())
    names = theirs.classes or (None if options.binary else logits.class_names)
    n_classes = None if options.source == LOSSES_GIVEN else _n_classes(logits, options)
    theirs = replace(theirs, classes=names, n_classes=n_classes, as_given=getattr(logits, "as_given", ()))
    if keys is None or preview is None:
        return _Both(logits, open_targets(others, preview, theirs, logits, options))
    from nllcli.inputs.matching import match_rows

    by_key = None if keys.matched else Remedy({"id": keys.names})
    return _Both(*match_rows(logits, others, preview, theirs, keys), by_key=by_key)


def _fitted(both: _Both, reading: ReadOptions, options: InputOptions) -> Dataset:
    """The dataset of logits and targets whose shapes and names fit together."""
    logits, given, known = both.logits, both.given, both.known
    if options.source == LOSSES_GIVEN:
        return _losses(both, options)
    soft = given.soft if known is None else known.soft_targets
    layout = shapes.layout_of(
        logits.shape,
        _target_shape(known) if soft is None and known is not None else given.shape if soft is None else soft.shape,
        class_axis=options.class_axis,
        binary=options.binary,
        fortran=logits.fortran,
        name=logits.name,
        soft=soft is not None,
    )
    vector = fit_targets(given, layout, logits, options) if known is None else known.targets
    notes = given.notes
    if not options.binary:
        n_targets = None if vector is None else vector.n
        alone = options.takes_targets and options.targets is None and not logits.labels
        check_classes(
            layout,
            logits,
            n_targets,
            class_axis=options.class_axis,
            path=options.logits,
            may_be_tokens=alone and options.source == "logits",
        )
    names = _class_names(reading.classes, logits, layout, options)
    if vector is not None and isinstance(given.array, FileArray) and (names or reading.targets_are):
        from nllcli.inputs.numbered import by_number

        vector, more = by_number(vector, names, reading)
        notes = (*notes, *more)
    soft = given.soft
    if soft is not None:
        from nllcli.inputs.pairing import in_order_of

        soft = in_order_of(layout, soft)
    beside = in_order(both.opened, both.beside, layout, logits, options.groups)
    dataset = Dataset(
        logits,
        layout,
        targets=vector,
        soft_targets=soft,
        sample_weights=beside.weights,
        groups=beside.groups,
        class_names=names,
        opening_notes=(*notes, *beside.notes, *_readings(given, layout, logits, options), *_doubts(options, logits)),
        binary=options.binary,
        one_more=given.one_more,
        by_key=both.by_key,
        ignore_index=options.ignore_index,
        missing=options.missing,
    )
    return dataset if both.completed is None else replace(dataset, completed=both.completed)


def _target_shape(known: Dataset) -> shapes.Shape:
    """The shape of the targets of a dataset, whose number is known even where that of the samples is not."""
    shape = known.layout.sample_shape
    return shape if known.targets is None or None not in shape else (known.targets.n,)


def _losses(both: _Both, options: InputOptions) -> Dataset:
    """The dataset of one loss a sample, of whose targets only what is ignored matters."""
    from nllcli.inputs.keys import KeyedLogits
    from nllcli.inputs.losses import Counted, CountedLogits, layout_of

    logits, given = both.logits, both.given
    layout = layout_of(logits)
    if given.soft is not None:
        raise UsageError("holds class probabilities, which say nothing of losses", where=given.soft.name)
    vector = fit_targets(given, layout, logits, options)
    beside = in_order(both.opened, both.beside, layout, logits, options.groups)
    dataset = Dataset(
        CountedLogits(logits, options.ignore_index) if isinstance(logits, KeyedLogits) else logits,
        layout,
        targets=None if vector is None else Counted(vector, options.ignore_index),
        sample_weights=beside.weights,
        groups=beside.groups,
        opening_notes=(*given.notes, *beside.notes),
        missing=options.missing,
    )
    return dataset if both.completed is None else replace(dataset, completed=both.completed)


def _n_classes(logits: BlockSource, options: InputOptions) -> int | None:
    """How many classes the logits have, where it is known before the targets are: 1 of binary ones."""
    if options.binary:
        return 1
    return logits.shape[1] if len(logits.shape) == 2 and shapes.in_rows(options.class_axis) else None


def _check_columns(options: InputOptions, preview: Preview | None) -> None:
    """Raise UsageError for options about the columns of a table of targets where there is no such table."""
    several = False
    if preview is not None:
        from nllcli.inputs.matching import has_several

        several = has_several(preview, options.id)
    if options.targets is not None and options.target_column is not None and not several:
        raise UsageError(
            f"{setting('targets')} and {setting('target_column')} both name the targets", hint="give one of them"
        )
    others_alone = options.targets is None and (options.sample_weights or options.groups) is not None
    among_models = options.targets is None and options.pairs_by_id
    if options.id is not None and not (several or others_alone or among_models):
        raise UsageError(f"{setting('id')} needs {setting('targets')} as a table with that column")


def _refuse_same_file(options: InputOptions) -> None:
    """Raise UsageError where the targets are the file of the logits, typed twice."""
    if options.targets is None or "-" in (options.logits, options.targets):
        return
    (logits, member), (targets, other) = split_member(options.logits), split_member(options.targets)
    with suppress(OSError, ValueError):  # of files that do not exist, which opening them says
        if member == other and Path(logits).samefile(targets):
            raise UsageError(
                "is named twice: the targets are the logits' own file",
                where=name_of(options.targets),
                hint=f"name the file of the targets; {setting('target_column')} takes them out of {setting('logits')}",
            )


def _readings(given: Targets, layout: Layout, logits: BlockSource, options: InputOptions) -> Iterator[Notice]:
    """Notes on what the shapes and the types of the inputs are taken as."""
    array, soft = given.array, given.soft
    if isinstance(array, FileArray) and array.dtype.kind == "b":
        yield booleans_as_classes(array.name, layout, binary=options.binary)
    if array is not None and given.shape is not None:
        yield from shapes.squeezing_notes(layout, logits.shape, logits.name, given.shape, array.name)
    elif soft is not None and not options.binary:
        yield from shapes.squeezing_notes(layout, logits.shape, logits.name, soft.shape, soft.name, soft=True)


def no_targets(dataset: Dataset) -> UsageError:
    """The refusal of logits without targets, for a command that needs them."""
    from nllcli.inputs.tables.jsonl import JsonLines

    if dataset.logits.shape[1:] in ((), (1,)) and not dataset.binary:
        message = "there are no targets for one number a row: targets are a second file"
        return with_tokens(UsageError(message, where=dataset.logits.name))
    column = f"{setting('target_column')} for a column of {setting('logits')}"
    keys = getattr(dataset.logits, "candidates", ())
    remedies = [Remedy({"target_column": key}, f"{key} has the targets") for key in keys[:_MOST_OFFERED]]
    refusal = UsageError("there are no targets", hint=f"name a second file, or {column}", remedies=remedies)
    alone = isinstance(dataset.logits, JsonLines) and dataset.logits.is_one_list_of_logs
    return with_tokens(refusal) if alone else refusal


def _doubts(options: InputOptions, logits: BlockSource) -> Iterator[Notice]:
    """Notes on inputs that may be interpreted differently from what was intended."""
    if options.shift and options.sample_weights is not None:
        yield Notice(
            "shifted-weights",
            f"{name_of(options.sample_weights)}: the weight at t goes with the logits at t, not with their target at "
            f"t + {options.shift}",
        )
    if isinstance(logits, FileArray) and logits.dtype.kind in "iu" and logits.dtype.itemsize == 2:
        yield Notice(
            "bfloat16-bits",
            f"{logits.name}: integers of two bytes are taken as numbers; {setting('input_dtype', 'bfloat16')} takes "
            "them as its bits",
        )


def _open_logits(opened: Input, reading: ReadOptions, options: InputOptions) -> BlockSource:
    source = _read_logits(opened, reading, options)
    for name in ("target_column", "columns", "drop", "id"):
        if (
            getattr(options, name) is not None
            and opened.format not in _TABLES
            and (name != "target_column" or not reading.has_targets)
        ):
            raise UsageError(
                f"{setting(name)} needs {setting('logits')} with columns, such as CSV",
                where=opened.stream.name,
            )
    if opened.is_text and options.source == "probs":
        from nllcli.inputs.tables.text import check_percentages

        check_percentages(source)
    if not isinstance(source, FileArray) and options.class_axis in (0, -2):
        from nllcli.inputs.pairing import columns_as_samples

        return columns_as_samples(source)
    return source


def _read_logits(opened: Input, reading: ReadOptions, options: InputOptions) -> BlockSource:
    if options.source != LOSSES_GIVEN:
        return opened.read(reading)
    from nllcli.inputs.losses import read_losses

    return read_losses(opened, reading)


def _with_more(
    first: BlockSource, name: str, more: Sequence[str], reading: ReadOptions, options: InputOptions
) -> BlockSource:
    """The logits of one file with those of ``more``, each read as the first is."""
    if not more:
        return first
    from nllcli.inputs.shards import joined_logits

    if options.class_axis in (0, -len(first.shape)) or len(first.shape) < 2:
        message = "has no axis of samples along which another file could follow"
        raise UsageError(message, where=first.name, hint="one file of targets each")
    found = [first]
    for path in more:
        opened = open_input(path, options.input_format, options.encoding, _use_of_logits(replace(options, logits=path)))
        found.append(_open_logits(opened, reading, options))
    return joined_logits(name, found)


def _refuse_parts(options: InputOptions) -> None:
    """Raise UsageError where the two inputs are parts of one, as a shell makes them of a pattern."""
    if options.targets is None or "-" in (options.logits, options.targets) or options.logits == options.targets:
        return
    if pattern_of(options.logits) != pattern_of(options.targets):
        return
    from nllcli.inputs.foreign.parts import expanded

    refused = expanded((options.logits, options.targets), told=options.target_column is not None)
    if refused is not None:
        raise refused


def _peeked_targets(options: InputOptions) -> Input | None:
    """The targets opened before the logits, whose columns they explain; None where that takes the logits' shape."""
    if options.targets is None:
        return None
    try:
        return open_input(options.targets, encoding=options.encoding, use=Use("targets"))
    except FaultError:
        raise
    except NllError:
        if options.targets == "-":
            raise
        return None


def _targets_beside(logits: BlockSource, options: InputOptions) -> Input | None:
    """The targets of logits that are open."""
    if options.targets is None:
        return None
    use = Use("targets", shape=logits.shape, ignores_255=options.ignore_index == DEFAULT_IGNORE_INDEX)
    return open_input(options.targets, encoding=options.encoding, use=use)


def _use_of_logits(options: InputOptions) -> Use:
    """What the logits are opened for: their targets are in the same file where no other is named."""
    file, member = split_member(options.targets or "")
    other = options.targets is not None and file != split_member(options.logits)[0]
    return Use(
        "logits",
        targets=options.targets if other else None,
        takes_targets=options.takes_targets,
        targets_member=None if other else member,
        names_classes=options.classes is not None,
    )


def _class_names(
    classes: tuple[str, ...] | None, logits: BlockSource, layout: Layout, options: InputOptions
) -> tuple[str, ...] | None:
    n_classes = 2 if options.binary else layout.n_classes
    if classes is not None and len(classes) != n_classes:
        raise UsageError(f"{setting('classes')} names {len(classes)} classes, {logits.name} has {n_classes}")
    return classes or (None if options.binary else logits.class_names)
