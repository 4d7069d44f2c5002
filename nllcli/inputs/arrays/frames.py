"""Data frames and series, of pandas or polars: what they name is bound by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError, UsageError, first_few
from nllcli.inputs import names as class_names
from nllcli.inputs.formats import ReadOptions
from nllcli.inputs.labels import label_reader, numbering_of, renumber, unknown_number
from nllcli.inputs.vectors import Vector

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_TEXT = "OUST"
_SEEN_LABELS = 1000


def headings(given: Any) -> tuple[str, ...] | None:
    """The names of the columns of a data frame; None for anything else."""
    columns = getattr(given, "columns", None)
    return None if columns is None or callable(columns) else tuple(map(str, columns))


def check_numbers(given: Any, array: NDArray[Any], name: str) -> None:
    """Raise UsageError for a data frame of which some columns hold text."""
    if headings(given) is None or array.ndim != 2:
        return
    own = list(given.columns)
    odd = [heading for heading, column in zip(own, array.T, strict=True) if any(map(_is_text, column))]
    if odd and len(odd) < len(own):
        hint = f"{name}.drop(columns={odd!r}) leaves them out"
        raise UsageError(f"has columns of text: {first_few([*map(str, odd)], 5)}", where=name, hint=hint)


def _is_text(cell: Any) -> bool:
    return isinstance(cell, str | bytes)


def check_rows(logits: Any, other: Any, name: str) -> None:
    """Raise UsageError where both have an index, and the same rows in another order."""
    own, theirs = _index(logits), _index(other)
    if own is None or theirs is None or len(own) != len(theirs):
        return
    if own != theirs and set(own) == set(theirs):
        message = "have the rows of the logits in another order, by their index"
        raise UsageError(message, where=name, hint=f"{name}.loc[logits.index] puts them in order")


def _index(given: Any) -> list[Any] | None:
    """The names of the rows of a data frame or of a series; None for anything else."""
    index = getattr(given, "index", None)
    return None if index is None or callable(index) else list(index)


def one_a_class(given: Any, names: tuple[str, ...] | None) -> NDArray[np.float64]:
    """One number a class; those of a mapping or of a series belong to the classes of these names, or numbers."""
    keys = list(given) if isinstance(given, Mapping) else _index(given)
    if keys is None:
        return np.asarray(given, np.float64)
    values = np.asarray(list(given.values()) if isinstance(given, Mapping) else given, np.float64)
    return Vector(values, tuple(map(str, keys))).in_order_of(names, what="class_weights")


def bound(given: ArrayLike, names: tuple[str, ...] | None, options: ReadOptions) -> NDArray[Any]:
    """Targets as an array: columns in the order of the classes' ``names``, names and numbers of classes as indices."""
    array, own = np.asarray(given), headings(given)
    if own is not None and array.ndim == 2 and array.shape[1] > 1 and names is not None:
        place = class_names.match(names, own)
        if place is None:
            told = f"names the classes {first_few(own, 5)}; those of the logits are {first_few(names, 5)}"
            raise UsageError(told, where="targets", hint="without names, columns are in the order of the classes")
        return array[:, list(place)]
    if array.dtype.kind in _TEXT:
        return _from_names(array, names, options)
    if array.dtype.kind in "iu" and array.ndim == 1 and names is not None:
        return _from_numbers(array, names, options)
    return array


def _from_names(array: NDArray[Any], names: tuple[str, ...] | None, options: ReadOptions) -> NDArray[Any]:
    if array.ndim > 1 and array.shape[1:] != (1,):
        raise DataError(f"holds {array.dtype} in the shape {array.shape}, not class indices", where="targets")
    texts = [None if label is None else str(label) for label in array.ravel().tolist()]
    reader = label_reader(texts[:_SEEN_LABELS], names, "targets", "targets", options)
    return reader.read(["" if text is None else text for text in texts], lambda i: f"targets, row {i}")


def _from_numbers(array: NDArray[Any], names: tuple[str, ...], options: ReadOptions) -> NDArray[Any]:
    numbering = numbering_of(set(np.unique(array).tolist()), names, "targets", options, whole=True)
    if numbering is None:
        return array
    found, wrong = renumber(array.astype(np.int64), numbering, options.ignore_index)
    if wrong is not None:
        raise DataError(unknown_number(int(array[wrong]), numbering), where=f"targets, row {wrong}")
    return found
