"""The samples' own weights, as a file has them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.layout import Layout
from nllcli.errors import DataError
from nllcli.inputs import shapes
from nllcli.inputs.arrays.raw import FileArray, RawVector, Values, widened
from nllcli.inputs.formats import ReadOptions, all_blocks, open_input
from nllcli.inputs.tables.dialect import sniff
from nllcli.inputs.tables.text import open_table
from nllcli.inputs.target_columns import REMEDY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.dataset import BlockSource, VectorSource


def open_sample_weights(path: str, layout: Layout, logits: BlockSource) -> VectorSource:
    """Open a file of sample weights; raises DataError where their shape does not fit the logits."""
    opened, reading = open_input(path), ReadOptions(holds="sample weights")
    if opened.is_text:
        dialect = sniff(opened.stream, remedy=REMEDY)
        source: BlockSource = open_table(opened.stream, dialect, reading)
    else:
        source = opened.read(reading)
    known = None not in layout.sample_shape
    if not isinstance(source, FileArray):
        values, n = _only_column(source, layout.n_samples)
        if known:
            shapes.check_targets(layout, (n,), path, logits.name, "sample weights")
        return Values(path, values, partial(source.place, layout=Layout(source.shape, 1)))
    if known:
        shapes.check_targets(layout, source.shape, path, logits.name, "sample weights")
    array = source.at_any_place()
    if array.fortran == layout.fortran:
        return _FloatVector(array, array.n_values)
    return Values(path, layout.to_file_order(widened(array.read_all())).astype(np.float64))


def _only_column(source: BlockSource, most: int | None) -> tuple[NDArray[np.float64], int]:
    """The numbers of a table of one column, and how many it has; those far beyond ``most`` are only counted."""
    if source.shape[1] != 1:
        raise DataError(
            f"has {source.shape[1]} columns; sample weights have one", where=source.name, hint="one number a line"
        )
    blocks, n = all_blocks(source, most)
    parts = [block.logits.ravel() for block in blocks]
    return np.concatenate(parts).astype(np.float64) if parts else np.empty(0), n


class _FloatVector(RawVector):
    """A vector on disk, read as float64."""

    def read(self, start: int, n: int) -> Any:
        with np.errstate(invalid="ignore"):  # of a signalling NaN
            return widened(super().read(start, n)).astype(np.float64)
