"""What to say of models without targets: that one of the files looks like them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.data.settings import LOSSES_GIVEN, TOKENS, InputOptions
from nllcli.errors import NllError, Remedy, UsageError, setting
from nllcli.inputs.bytes.files import can_be_read_again, name_of
from nllcli.inputs.opening import open_dataset
from nllcli.inputs.shapes import squeezed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.data.dataset import Dataset


def check_models(inputs: Sequence[InputOptions]) -> None:
    """Raise UsageError where targets are not named, and the last of the files looks like them."""
    first, last = inputs[0], inputs[-1]
    unnamed = first.targets is None and first.target_column is None
    if not unnamed or any(each.source in (TOKENS, LOSSES_GIVEN) for each in inputs):
        return
    paths = [each.logits for each in inputs]
    if not (_has_fewer_axes(last.logits, first.logits) and all(map(can_be_read_again, paths))):
        return
    message = f"looks like targets, which {setting('targets')} names"
    remedies = [Remedy({"models": tuple(paths[:-1]), "targets": last.logits})] if len(paths) > 2 else []
    hint = None if remedies else "nll compare needs two models or more"
    raise UsageError(message, where=name_of(last.logits), hint=hint, remedies=remedies)


def _has_fewer_axes(path: str, model: str) -> bool:
    """Whether a file has one number, or a text, where a model has one number a class."""
    try:
        n_axes = len(squeezed(open_dataset(InputOptions(model, takes_targets=False)).logits.shape))
    except NllError:
        return False
    try:
        return len(squeezed(open_dataset(InputOptions(path, takes_targets=False)).logits.shape)) < n_axes
    except NllError:
        return True


def no_targets(dataset: Dataset) -> UsageError:
    """The refusal of models without targets."""
    column = f"{setting('target_column')} for a column of each model"
    return UsageError("there are no targets", where=dataset.logits.name, hint=f"{setting('targets')} FILE, or {column}")
