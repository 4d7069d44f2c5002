"""Words for several models -> one Dataset of the same samples."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nllcli.data.settings import LOSSES_GIVEN, TOKENS
from nllcli.errors import FaultError, NllError, UsageError, setting
from nllcli.inputs.arrays.raw import NumberArray
from nllcli.inputs.bytes.files import can_be_read_again, name_of, only_one_standard_input
from nllcli.inputs.losses import Counted, Losses
from nllcli.inputs.models.by_key import matched
from nllcli.inputs.models.checks import check_keys, check_samples, check_soft, once, other_length
from nllcli.inputs.models.classes import bound_by_name
from nllcli.inputs.models.together import Models, all_of
from nllcli.inputs.opening import open_dataset, recorded, versions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import InputOptions
    from nllcli.inputs.bytes.files import Version

# Sources of one number a sample, which say nothing of classes.
_OF_ONE_CLASS = (LOSSES_GIVEN, TOKENS)


def open_models(options: Sequence[InputOptions]) -> Models:
    """Open the files of several models, at least one, with the same samples; the first is the baseline.

    Each has options of its own, which differ in the files of logits and in what these hold. Raises DataError where
    the samples of two models are not the same, as far as the headers show.
    """
    only_one_standard_input({f"{setting('logits')} {i}": each.logits for i, each in enumerate(options, 1)})
    for each in options[1:]:
        if each.targets is not None and not can_be_read_again(each.targets):
            message = f"is read for each model as {setting('targets')}, and can be read only once"
            raise UsageError(message, where=name_of(each.targets), hint="save it to a file")
    versions: dict[str, Version | None] = {}
    for each in options:
        versions |= versions_of(each)
    whole = _opened(options)
    for i, piece in enumerate(whole.pieces):
        recorded(piece, tuple(options), versions, i)
    return recorded(whole, tuple(options), versions)


def _opened(options: Sequence[InputOptions]) -> Models:
    leader = next((i for i, each in enumerate(options) if each.source not in _OF_ONE_CLASS), 0)
    try:
        found = _each(options, leader)
    except FaultError:
        raise
    except NllError as error:
        raise (other_length(options) if options[0].id is None else None) or error from error
    for other, own in zip(found[1:], options[1:], strict=True):
        if own.id is None:
            _check(found[0], other, options[0], own)
    return all_of(found, leader)


def _check(first: Dataset, other: Dataset, options: InputOptions, own: InputOptions) -> None:
    """Raise NllError where rows that are taken as they come cannot be the same samples."""
    check_samples(first, other, options, own)
    if not (_is_array(first) or _is_array(other)):
        check_keys(options, own, {*(first.class_names or ()), *(other.class_names or ())})


def _is_array(dataset: Dataset) -> bool:
    """Whether a model is an array, which has no keys; its losses may be."""
    logits = dataset.logits
    return isinstance(logits.logits if isinstance(logits, Losses) else logits, NumberArray)


def _each(options: Sequence[InputOptions], leader: int) -> list[Dataset]:
    """The datasets of all models, with the targets of the leader and the weights of the first, bound by their keys."""
    asked = [_asked(each, i, leader, several=len(options) > 1) for i, each in enumerate(options)]
    lead = open_dataset(asked[leader])
    found: list[Dataset] = []
    for i, each in enumerate(asked):
        other = lead if i == leader else _beside(lead, open_dataset(each, lead), each)
        found.append(_matched(found[0], other, options, i, leader) if found and each.id is not None else other)
    return found


def _matched(first: Dataset, other: Dataset, options: Sequence[InputOptions], number: int, leader: int) -> Dataset:
    """Another model whose rows are found by the keys of the first one's."""
    return matched(
        *(first, other),
        keeps_targets=number == leader or options[number].targets is None,
        first_once=once(options[0]),
        once=once(options[number]),
    )


def _asked(options: InputOptions, number: int, leader: int, *, several: bool) -> InputOptions:
    """What a model is opened with: the weights and groups of the first alone, the targets where they matter."""
    options = replace(options, pairs_by_id=several)
    if number > 0:
        options = replace(options, sample_weights=None, groups=None)
    if options.source == LOSSES_GIVEN:
        options = replace(options, target_column=None, columns=None, drop=None)
        options = replace(options, class_axis=None, binary=False)
    if options.source in _OF_ONE_CLASS and number != leader:
        options = replace(options, targets=None, target_column=None, shift=0)
    return options


def _beside(lead: Dataset, other: Dataset, options: InputOptions) -> Dataset:
    """Another model with the classes and the targets of the leader, which are in memory once."""
    if options.source == LOSSES_GIVEN and lead.targets is not None:
        counted = lead.targets if lead.n_classes == 1 else Counted(lead.targets, lead.ignore_index)
        return replace(other, targets=counted)
    if other.n_classes == 1:
        return other
    bound = bound_by_name(lead, other)
    if lead.soft_targets is not None:
        check_soft(lead, other)
        return replace(bound, soft_targets=lead.soft_targets)
    return bound if lead.targets is None else replace(bound, targets=lead.targets)
