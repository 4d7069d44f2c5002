"""How often each class occurs among targets, read piece by piece."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.blocks import Scratch
from nllcli.data.layout import Layout
from nllcli.errors import DataError, NoRows, SampleError, counted
from nllcli.inputs.arrays.raw import FileArray
from nllcli.inputs.bytes.files import name_of
from nllcli.inputs.formats import ReadOptions, open_input
from nllcli.inputs.shapes import MOST_CLASSES
from nllcli.inputs.tables.arrow_table import ArrowTable
from nllcli.inputs.tables.dialect import sniff
from nllcli.inputs.tables.text import TextTable
from nllcli.inputs.target_columns import open_column, targets_among
from nllcli.inputs.targets import as_indices, check_indices
from nllcli.inputs.words import one_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from nllcli.data.dataset import BlockSource
    from nllcli.inputs.labels import LabelReader

_PIECE_SAMPLES = 1 << 18


def counts_of(pieces: Iterable[NDArray[np.int64]], n_classes: int = 0) -> NDArray[np.int64]:
    """How often each class occurs in pieces of class indices; there are ``n_classes`` at least."""
    counts = np.zeros(n_classes, np.int64)
    for indices in pieces:
        found = np.bincount(indices, minlength=len(counts))
        found[: len(counts)] += counts
        counts = found
    return counts


def count_targets(path: str, class_names: Sequence[str] | None = None) -> tuple[list[int], tuple[str, ...] | None]:
    """How often each class occurs among the targets of a file, and the classes' names where they are known.

    Names without ``class_names`` are counted in alphabetical order.
    """
    classes = None if class_names is None else tuple(class_names)
    files = one_set(path, "targets")
    counted = [each for file in files if (each := _count_file(file, classes, one_of_several=len(files) > 1))]
    if not any(any(counts) for counts, _ in counted):
        raise DataError("has no targets to count", where=name_of(path))
    names = [found for _, found in counted]
    if len(set(names)) == 1:
        n_classes = max(len(counts) for counts, _ in counted)
        rows = [counts + [0] * (n_classes - len(counts)) for counts, _ in counted]
        return [sum(column) for column in zip(*rows, strict=True)], names[0]
    if None in names:
        raise DataError("has names of classes in some files, and numbers in others", where=name_of(path))
    total: Counter[str] = Counter()
    for counts, found in counted:
        total.update(dict(zip(found or (), counts, strict=True)))
    return [total[name] for name in sorted(total)], tuple(sorted(total))


def _count_file(
    path: str, classes: tuple[str, ...] | None, *, one_of_several: bool
) -> tuple[list[int], tuple[str, ...] | None] | None:
    """The counts of one file, and the names of the classes where they are known; None for an empty one of several."""
    try:
        return _counts_in(path, classes)
    except NoRows:
        if one_of_several:
            return None
        raise


def _counts_in(path: str, classes: tuple[str, ...] | None) -> tuple[list[int], tuple[str, ...] | None]:
    opened = open_input(path)
    reading = ReadOptions(holds="targets", classes=classes, member=opened.member)
    if opened.is_text:
        source: BlockSource = open_column(opened.stream, sniff(opened.stream), reading)
    else:
        preview = opened.preview(reading)
        source = opened.read(reading if preview is None else targets_among(preview, reading))
    if classes is None and isinstance(source, TextTable | ArrowTable):
        reader = source.label_reader
        if reader is not None and not (reader.numeric or reader.booleans):
            return _count_names(source, reader)
    pieces, layout = _pieces(source)
    try:
        counts = counts_of((_checked(values, classes, start) for start, values in pieces), len(classes or ()))
    except SampleError as error:
        place = source.place(error.samples[0], layout)
        raise DataError(error.message, where=f"{source.name}, {place}") from error
    return counts.tolist(), classes


def _count_names(source: TextTable | ArrowTable, reader: LabelReader) -> tuple[list[int], tuple[str, ...]]:
    counter = Counter(source.texts())
    missing = sum(n for name, n in counter.items() if reader.is_missing(name))
    if missing:
        raise DataError(f"has {counted(missing, 'sample')} without a target", where=source.name)
    names = sorted(name for name in counter if name is not None)
    return [counter[name] for name in names], tuple(names)


def _pieces(source: BlockSource) -> tuple[Iterator[tuple[int, NDArray[np.int64]]], Layout]:
    """Class indices in file order, each piece with the number of its first sample; and the layout of the samples."""
    if not isinstance(source, FileArray):
        layout = Layout(source.shape, 1)
        blocks = (chunk.load(Scratch()) for chunk in source.chunks(layout, _PIECE_SAMPLES))
        return ((block.start, block.targets) for block in blocks if block.targets is not None), layout
    check_indices(source)
    chunks = source.chunks(Layout((source.n, 1), 1), _PIECE_SAMPLES)
    pieces = ((chunk.start, as_indices(chunk.load(Scratch()).logits[:, 0], chunk.start)) for chunk in chunks)
    return pieces, Layout((*source.shape, 1), len(source.shape), fortran=source.fortran)


def _checked(values: NDArray[np.int64], classes: tuple[str, ...] | None, start: int) -> NDArray[np.int64]:
    """The class indices; raises SampleError at the first that is not one of the classes."""
    n_classes = MOST_CLASSES if classes is None else len(classes)
    outside = np.flatnonzero((values < 0) | (values >= n_classes))
    if not outside.size:
        return values
    value = int(values[outside[0]])
    message = f"target {value} is outside 0" + (" and up" if classes is None else f"..{n_classes - 1}")
    if classes is None and value >= 0:
        message = f"target {value} would make {value + 1} classes"
    raise SampleError(message, culprit="targets", samples=(start + int(outside[0]),))
