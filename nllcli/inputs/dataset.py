"""Paths -> a Dataset: opens every input, and decides which values belong to which sample."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from nllcli.data.dataset import Dataset
from nllcli.data.settings import InputOptions
from nllcli.errors import FaultError, Notice, Remedy, UsageError, setting
from nllcli.inputs import shapes
from nllcli.inputs.arrays.raw import FileArray
from nllcli.inputs.bytes.files import Version, name_of, only_one_standard_input, read_only_here, version_of
from nllcli.inputs.formats import ReadOptions, open_input
from nllcli.inputs.matching import first_labels, has_several, keys_of, match_rows
from nllcli.inputs.numbered import by_number
from nllcli.inputs.targets import Targets, fit_targets, open_targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nllcli.data.dataset import BlockSource
    from nllcli.data.layout import Layout
    from nllcli.inputs.formats import Input
    from nllcli.inputs.tables.columns import Preview

_TABLES = ("csv", "tsv", "jsonl", "parquet", "feather")
_MOST_OFFERED = 5


def open_dataset(options: InputOptions) -> Dataset:
    """Open everything that ``options`` names and check that it fits together, as far as the headers show.

    The dataset pickles as its ``options``, where all of them are regular files.
    """
    paths = [path for path in (options.logits, options.targets, options.sample_weights) if path is not None]
    versions = {path: version_of(path) for path in paths}
    return _opened(options).pickled_by(partial(_recipe, options, versions))


def _recipe(options: InputOptions, versions: dict[str, Version | None]) -> tuple[Any, ...]:
    for path, version in versions.items():
        if version is None:
            raise read_only_here(name_of(path))
    return _reopened, (options, versions)


def _reopened(options: InputOptions, versions: dict[str, Version | None]) -> Dataset:
    """The dataset opened anew; raises FaultError where a file is no longer of the version it was."""
    for path, version in versions.items():
        if version_of(path) not in (version, None):  # opening one that is gone says so
            raise FaultError("changed while it was read", where=path)
    return open_dataset(options)


def _opened(options: InputOptions) -> Dataset:
    only_one_standard_input({setting(name): getattr(options, name) for name in ("logits", "targets", "sample_weights")})
    classes = tuple(options.classes) if options.classes else None
    common = ReadOptions(
        input_dtype=options.input_dtype,
        classes=classes,
        targets_are=options.targets_are,
        missing=options.missing,
        ignore_index=options.ignore_index,
        decimal=options.decimal,
        binary=options.binary,
    )
    opened = open_input(options.logits, options.input_format, options.encoding)
    others = (
        None if options.targets is None else open_input(options.targets, encoding=options.encoding, one_a_line=True)
    )
    theirs = replace(common, holds="targets", target_column=options.target_column)
    preview = None if others is None else others.preview(replace(theirs, member=others.member))
    _check_columns(options, preview)
    own = replace(
        common,
        target_column=options.target_column if others is None else None,
        columns=options.columns,
        drop=options.drop,
        header=options.header,
        has_targets=others is not None,
        labels=()
        if preview is None or others is None
        else first_labels(preview, options.target_column or others.member),
    )
    keys = None
    if preview is not None and preview.n_columns > 1:
        own_preview = opened.preview(own)
        keys = keys_of(options.id, own_preview, preview)
        own = replace(own, partner=preview, key=keys and keys.own)
        theirs = replace(theirs, partner=own_preview, key=keys and keys.theirs)
    logits = _open_logits(opened, own, options)
    given, completed = Targets(), None
    if others is not None:
        names = classes or (None if options.binary else logits.class_names)
        theirs = replace(theirs, classes=names, as_given=getattr(logits, "as_given", ()))
        if keys is None or preview is None:
            given = open_targets(others, preview, theirs, logits)
        else:
            logits, given, completed = match_rows(logits, others, preview, theirs, keys)
    layout = shapes.layout_of(
        logits.shape,
        given.shape,
        class_axis=options.class_axis,
        binary=options.binary,
        fortran=logits.fortran,
        name=logits.name,
    )
    names = _class_names(classes, logits, layout, options)
    vector, notes = fit_targets(given, layout, logits, options), given.notes
    if vector is not None and isinstance(given.array, FileArray):
        vector, more = by_number(vector, names, common)
        notes = (*notes, *more)
    soft, weights = given.soft, None
    if soft is not None:
        from nllcli.inputs.pairing import in_order_of

        soft = in_order_of(layout, soft)
    if options.sample_weights is not None:
        from nllcli.inputs.pairing import open_sample_weights

        weights = open_sample_weights(options.sample_weights, layout, logits)
    dataset = Dataset(
        logits,
        layout,
        targets=vector,
        soft_targets=soft,
        sample_weights=weights,
        class_names=names,
        opening_notes=(*notes, *_doubts(options, logits)),
        binary=options.binary,
        one_more=given.one_more,
        ignore_index=options.ignore_index,
    )
    return dataset if completed is None else replace(dataset, completed=completed)


def _check_columns(options: InputOptions, preview: Preview | None) -> None:
    """Raise UsageError for options about the columns of a table of targets where there is no such table."""
    several = preview is not None and has_several(preview, options.id)
    if options.targets is not None and options.target_column is not None and not several:
        raise UsageError(
            f"{setting('targets')} and {setting('target_column')} both name the targets", hint="give one of them"
        )
    if options.id is not None and not several:
        raise UsageError(f"{setting('id')} needs {setting('targets')} as a table with that column")


def no_targets(dataset: Dataset) -> UsageError:
    """The refusal of logits without targets, for a command that needs them."""
    from nllcli.inputs.tables.jsonl import JsonLines

    column = f"{setting('target_column')} for a column of {setting('logits')}"
    keys = dataset.logits.reading.candidates if isinstance(dataset.logits, JsonLines) else ()
    remedies = [Remedy({"target_column": key}, f"{key} has the targets") for key in keys[:_MOST_OFFERED]]
    return UsageError("there are no targets", hint=f"name a second file, or {column}", remedies=remedies)


def _doubts(options: InputOptions, logits: BlockSource) -> Iterator[Notice]:
    """Notes on inputs that may be interpreted differently from what was intended."""
    if options.shift and options.sample_weights is not None:
        yield Notice(
            "shifted-weights",
            f"{options.sample_weights}: the weight at t goes with the logits at t, not with their target at "
            f"t + {options.shift}",
        )
    if isinstance(logits, FileArray) and (logits.dtype.kind, logits.dtype.itemsize) == ("u", 2):
        yield Notice(
            "bfloat16-bits",
            f"{logits.name}: unsigned integers are taken as numbers; {setting('input_dtype', 'bfloat16')} takes them "
            "as its bits",
        )


def _open_logits(opened: Input, reading: ReadOptions, options: InputOptions) -> BlockSource:
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
    source = opened.read(reading)
    if not isinstance(source, FileArray) and options.class_axis in (0, -2):
        from nllcli.inputs.pairing import columns_as_samples

        return columns_as_samples(source)
    return source


def _class_names(
    classes: tuple[str, ...] | None, logits: BlockSource, layout: Layout, options: InputOptions
) -> tuple[str, ...] | None:
    n_classes = 2 if options.binary else layout.n_classes
    if classes is not None and len(classes) != n_classes:
        raise UsageError(f"{setting('classes')} names {len(classes)} classes, {logits.name} has {n_classes}")
    return classes or (None if options.binary else logits.class_names)
