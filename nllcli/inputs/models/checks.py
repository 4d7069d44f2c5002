"""Whether the files of several models can have the same samples, as far as headers and first rows show it."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from nllcli.errors import DataError, NllError, Remedy, UsageError
from nllcli.inputs.bytes.files import can_be_read_again
from nllcli.inputs.formats import ReadOptions, Use, open_input
from nllcli.inputs.models.together import lengths_differ
from nllcli.inputs.opening import open_dataset
from nllcli.inputs.shapes import shown, squeezed
from nllcli.inputs.tables.cells import is_number
from nllcli.inputs.tables.cells import shown as cells_shown
from nllcli.inputs.words import files_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import InputOptions
    from nllcli.inputs.shapes import Shape
    from nllcli.inputs.tables.columns import Preview


def check_samples(first: Dataset, other: Dataset, options: InputOptions, own: InputOptions) -> None:
    """Raise NllError where the other model has other samples, or has them in another order."""
    n, known = other.layout.n_samples, first.layout.n_samples
    if n is None or known is None:
        return
    if n != known:
        raise lengths_differ(other.logits.name, n, first.logits.name, known)
    shapes = [squeezed(each.layout.sample_shape) for each in (other, first)]
    if min(map(len, shapes)) > 1 and shapes[0] != shapes[1]:
        message = f"has samples of shape {shown(shapes[0])}, but those of {first.logits.name} are {shown(shapes[1])}"
        raise DataError(message, where=other.logits.name)
    if other.layout.in_target_order != first.layout.in_target_order:
        raise _other_memory_order(first, other, options, own)


def _other_memory_order(first: Dataset, other: Dataset, options: InputOptions, own: InputOptions) -> UsageError:
    """The refusal of arrays of which one has its samples in Fortran order, with the way out."""
    from nllcli.inputs.conversions import conversions

    odd, path, known = (other, own.logits, first) if first.layout.in_target_order else (first, options.logits, other)
    remedies = conversions(path, [("np.ascontiguousarray({x})", "c-order", "")])
    return UsageError(
        f"has its samples in Fortran order, and {known.logits.name} in C order",
        where=odd.logits.name,
        hint=None if remedies else "numpy.ascontiguousarray makes it",
        remedies=remedies,
    )


def check_soft(lead: Dataset, other: Dataset) -> None:
    """Raise DataError where class probabilities are of other classes than a model has."""
    if other.n_classes != lead.n_classes:
        message = f"has {other.n_classes} classes, but {lead.logits.name} has {lead.n_classes}"
        message += ", and the targets are one probability a class"
        raise DataError(message, where=other.logits.name, finding="classes-differ")


def other_length(options: Sequence[InputOptions]) -> DataError | None:
    """The refusal of models of different lengths, which may be why one of them does not fit the targets."""
    known: tuple[str, Shape, set[int]] | None = None
    for each in options:
        found = _shape_of(each)
        if found is None:
            continue
        name, shape = found
        counts = _counts(shape, each)
        if known is not None and not counts & known[2]:
            if len(counts) == len(known[2]) == 1:
                return lengths_differ(name, counts.pop(), known[0], known[2].pop())
            message = f"has shape {shown(shape)}, but {known[0]} has {shown(known[1])}"
            return DataError(message, where=name, finding="lengths-differ")
        known = known or (name, shape, counts)
    return None


def _shape_of(options: InputOptions) -> tuple[str, Shape] | None:
    """The name and the shape of the one file of logits by itself, where both can be told again."""
    if not can_be_read_again(options.logits) or files_of(options.logits) is not None:
        return None
    alone = replace(options, targets=None, target_column=None, sample_weights=None, groups=None, shift=0)
    try:
        logits = open_dataset(replace(alone, takes_targets=False)).logits
    except NllError:
        return None
    return None if None in logits.shape else (logits.name, logits.shape)


def _counts(shape: Shape, options: InputOptions) -> set[int]:
    """How many samples an array may have, as the class axis is the second or the last, or one that is named."""
    n_dims = len(shape)
    axes = {min(1, n_dims - 1), n_dims - 1} if options.class_axis is None else {options.class_axis % n_dims}
    return {prod(n or 0 for i, n in enumerate(shape) if i != axis) for axis in axes}


def check_keys(options: InputOptions, own: InputOptions, classes: set[str]) -> None:
    """Raise UsageError where two tables have the same keys in other orders, as far as their first rows show it.

    Columns of ``classes`` are not keys, nor are numbers that are not called so.
    """
    known, other = _preview(options), _preview(own)
    if known is None or other is None:
        return
    from nllcli.inputs.keys import other_order
    from nllcli.inputs.tables import doubts

    for c, heading in other.own_headings.items():
        place = None if heading in classes else doubts.same_column(other, c, known)
        if place is None or heading == own.target_column:
            continue
        left, right = ([str(row[at]).strip() for row in table.rows] for at, table in ((c, other), (place, known)))
        odd = next((mine for mine, theirs in zip(left, right, strict=False) if mine != theirs), None)
        are_keys = doubts.is_called_key(heading) or (
            2 * len({*left} & {*right}) > min(len(left), len(right)) and not all(map(is_number, left))
        )
        if odd is None or not are_keys:
            continue
        helps = own.targets is None or _has_column(own.targets, heading)
        refusal = other_order(other.name, f"the key {cells_shown(odd)}", known.name, heading if helps else "")
        refusal.hint = None if helps else f"targets with the column {heading} say which row is whose"
        raise refusal


def _has_column(targets: str, heading: str) -> bool:
    """Whether the targets are a table with the column of the keys."""
    opened = open_input(targets, use=Use("targets"))
    preview = opened.preview(ReadOptions(holds="targets", member=opened.member))
    return preview is not None and heading in preview.own_headings.values()


def _preview(options: InputOptions) -> Preview | None:
    """The beginning of the one table of a model; None where it is none, or cannot be read again."""
    word = options.logits
    if not can_be_read_again(word) or files_of(word) is not None:
        return None
    opened = open_input(word, options.input_format, options.encoding)
    reading = ReadOptions(member=opened.member, header=options.header, decimal=options.decimal)
    return opened.preview(reading)


def once(options: InputOptions) -> tuple[Remedy, ...]:
    """The remedies that leave one row of each key in the table of a model."""
    from nllcli.inputs.tables import rewriting
    from nllcli.inputs.tables.columns import find_column

    preview = _preview(options)
    if preview is None or options.id is None:
        return ()
    return rewriting.once(preview, find_column(options.id, preview))
