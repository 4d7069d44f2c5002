"""Paths -> a Dataset: opens every input, and decides which values belong to which sample."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from nllcli.data.dataset import Dataset
from nllcli.data.settings import InputOptions
from nllcli.errors import FaultError, Notice, Remedy, UsageError, setting
from nllcli.inputs import shapes
from nllcli.inputs.arrays.raw import FileArray
from nllcli.inputs.bytes.files import Version, name_of, only_one_standard_input, read_only_here, version_of
from nllcli.inputs.formats import ReadOptions, open_input
from nllcli.inputs.targets import fit_targets, open_targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nllcli.data.dataset import BlockSource
    from nllcli.data.layout import Layout

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
    if options.targets is not None and options.target_column is not None:
        raise UsageError(
            f"{setting('targets')} and {setting('target_column')} both name the targets", hint="give one of them"
        )
    classes = tuple(options.classes) if options.classes else None
    logits = _open_logits(options, classes)
    given = open_targets(options, classes or logits.class_names, logits)
    layout = shapes.layout_of(
        logits.shape,
        given.shape,
        class_axis=options.class_axis,
        binary=options.binary,
        fortran=logits.fortran,
        name=logits.name,
    )
    names = _class_names(classes, logits, layout, options)
    vector = fit_targets(given, layout, logits, options)
    soft, weights = given.soft, None
    if soft is not None:
        from nllcli.inputs.pairing import in_order_of

        soft = in_order_of(layout, soft)
    if options.sample_weights is not None:
        from nllcli.inputs.pairing import open_sample_weights

        weights = open_sample_weights(options.sample_weights, layout, logits)
    return Dataset(
        logits,
        layout,
        targets=vector,
        soft_targets=soft,
        sample_weights=weights,
        class_names=names,
        opening_notes=(*given.notes, *_doubts(options, classes, logits)),
        binary=options.binary,
        one_more=given.one_more,
    )


def no_targets(dataset: Dataset) -> UsageError:
    """The refusal of logits without targets, for a command that needs them."""
    from nllcli.inputs.tables.jsonl import JsonLines

    column = f"{setting('target_column')} for a column of {setting('logits')}"
    keys = dataset.logits.reading.candidates if isinstance(dataset.logits, JsonLines) else ()
    remedies = [Remedy({"target_column": key}, f"{key} has the targets") for key in keys[:_MOST_OFFERED]]
    return UsageError("there are no targets", hint=f"name a second file, or {column}", remedies=remedies)


def _doubts(options: InputOptions, classes: tuple[str, ...] | None, logits: BlockSource) -> Iterator[Notice]:
    """Notes on inputs that may be interpreted differently from what was intended."""
    if options.shift and options.sample_weights is not None:
        yield Notice(
            "shifted-weights",
            f"{options.sample_weights}: the weight at t goes with the logits at t, not with their target at "
            f"t + {options.shift}",
        )
    if classes != logits.class_names and sorted(classes or ()) == sorted(logits.class_names or ()):
        yield Notice(
            "classes-reordered", f"{logits.name}: {setting('classes')} has the names of the header in another order"
        )
    if isinstance(logits, FileArray) and (logits.dtype.kind, logits.dtype.itemsize) == ("u", 2):
        yield Notice(
            "bfloat16-bits",
            f"{logits.name}: unsigned integers are taken as numbers; {setting('input_dtype', 'bfloat16')} takes them "
            "as its bits",
        )


def _open_logits(options: InputOptions, classes: tuple[str, ...] | None) -> BlockSource:
    opened = open_input(options.logits, options.input_format)
    if options.target_column is not None and opened.format not in _TABLES:
        raise UsageError(
            f"{setting('target_column')} needs {setting('logits')} with columns, such as CSV",
            where=opened.stream.name,
        )
    source = opened.read(
        ReadOptions(
            input_dtype=options.input_dtype,
            target_column=options.target_column,
            classes=classes,
            header=options.header,
            takes_targets=options.takes_targets,
            has_targets=options.targets is not None,
            missing=options.missing,
            ignore_index=options.ignore_index,
        )
    )
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
