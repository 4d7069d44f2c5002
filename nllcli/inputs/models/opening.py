"""Words for several models -> one Dataset of the same samples."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nllcli.errors import DataError, NllError, UsageError, setting
from nllcli.inputs.bytes.files import only_one_standard_input
from nllcli.inputs.models.together import Models, lengths_differ, together
from nllcli.inputs.opening import open_dataset, recorded, versions_of
from nllcli.inputs.shapes import shown, squeezed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import InputOptions
    from nllcli.inputs.bytes.files import Version


def open_models(options: Sequence[InputOptions]) -> Models:
    """Open the files of several models, at least one, with the same samples; the first is the baseline.

    Each has options of its own, which differ in the files of logits and in what these hold. Raises DataError where
    the samples of two models are not the same, as far as the headers show.
    """
    only_one_standard_input({f"{setting('logits')} {i}": each.logits for i, each in enumerate(options, 1)})
    if len(options) > 1 and any(each.targets == "-" for each in options):
        message = f"{setting('targets')} are read for each model, which standard input cannot be"
        raise UsageError(message, hint="save them to a file")
    versions: dict[str, Version | None] = {}
    for each in options:
        versions |= versions_of(each)
    try:
        models = _opened(options)
    except NllError as error:
        raise _other_length(options) or error from error
    for model, own in zip(models[1:], options[1:], strict=True):
        _check_samples(models[0], model, options[0], own)
    whole = together(models)
    for i, piece in enumerate(whole.pieces):
        recorded(piece, tuple(options), versions, i)
    recorded(whole, tuple(options), versions)
    return whole


def _opened(options: Sequence[InputOptions]) -> list[Dataset]:
    first = open_dataset(options[0])
    models = [first]
    for each in options[1:]:
        other = open_dataset(replace(each, sample_weights=None, groups=None))
        models.append(_with_targets_of(first, other))
    return models


def _with_targets_of(first: Dataset, other: Dataset) -> Dataset:
    """The other model with the targets of the first, which are read once."""
    if first.soft_targets is not None:
        # Its blocks get the class probabilities of the first.
        return replace(other, soft_targets=None, missing="error")
    return replace(other, targets=first.targets)


def _check_samples(first: Dataset, other: Dataset, options: InputOptions, own: InputOptions) -> None:
    """Raise NllError where the other model has other samples, or has them in another order."""
    n, known = other.layout.n_samples, first.layout.n_samples
    if n is not None and known is not None and n != known:
        raise lengths_differ(other.logits.name, n, first.logits.name, known)
    shapes = [squeezed(each.layout.sample_shape) for each in (other, first)]
    if None not in (*shapes[0], *shapes[1]) and min(map(len, shapes)) > 1 and shapes[0] != shapes[1]:
        message = f"has samples of shape {shown(shapes[0])}, but those of {first.logits.name} are {shown(shapes[1])}"
        raise DataError(message, where=other.logits.name)
    if other.layout.in_target_order != first.layout.in_target_order:
        raise _other_memory_order(first, other, options, own)


def _other_memory_order(first: Dataset, other: Dataset, options: InputOptions, own: InputOptions) -> UsageError:
    """The refusal of arrays of which one has its samples in Fortran order, with the way out."""
    from nllcli.inputs.conversions import conversions

    odd, path, known = (other, own.logits, first) if first.layout.in_target_order else (first, options.logits, other)
    message = f"has its samples in Fortran order, and {known.logits.name} in C order"
    remedies = conversions(path, [("np.ascontiguousarray({x})", "c-order", "")])
    hint = None if remedies else "numpy.ascontiguousarray makes it"
    return UsageError(message, where=odd.logits.name, hint=hint, remedies=remedies)


def _other_length(options: Sequence[InputOptions]) -> DataError | None:
    """The refusal of models of different lengths, as far as their files show it without the targets."""
    return None
