"""What to say of files that are not what they are taken for: targets, losses, logits."""

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
    if not (all(map(can_be_read_again, paths)) and _has_fewer_axes(last.logits, first.logits)):
        return
    message = f"looks like targets, which {setting('targets')} names"
    remedies = [Remedy({"models": tuple(paths[:-1]), "targets": last.logits})] if len(paths) > 2 else []
    hint = None if remedies else "nll compare needs two models or more"
    raise UsageError(message, where=name_of(last.logits), hint=hint, remedies=remedies)


def _has_fewer_axes(path: str, model: str) -> bool:
    """Whether a file has one number, or a text, where a model has one number a class."""
    n_axes, n_of_model = _n_axes(path), _n_axes(model)
    return n_of_model is not None and (n_axes is None or n_axes < n_of_model)


def explained(error: NllError, inputs: Sequence[InputOptions]) -> NllError:
    """The refusal of models that cannot be opened, or of what their shapes say that they are instead."""
    first = inputs[0]
    n_axes, n_of_targets = (_n_axes(path) for path in (first.logits, first.targets))
    if n_axes is None or n_of_targets is None:
        return error
    if first.source == LOSSES_GIVEN and n_axes == n_of_targets + 1:
        message = "has several numbers a sample; losses have one"
        return UsageError(message, where=name_of(first.logits), remedies=[Remedy({"source": "logits"})])
    if first.source == "logits" and n_axes == n_of_targets == 1 and not first.binary:
        meant = {LOSSES_GIVEN: "their losses", TOKENS: "the log-probability of what occurred"}
        remedies = [Remedy({"source": source}, meaning) for source, meaning in meant.items()]
        remedies[1] = Remedy({"source": TOKENS, "targets": None}, meant[TOKENS])
        every = Remedy({"binary": True}, "one logit a sample, that of class 1 of two")
        return UsageError("has one number a sample", where=name_of(first.logits), remedies=[*remedies, every])
    return error


def _n_axes(path: str | None) -> int | None:
    """How many axes longer than 1 an array in a file has; None for what is none."""
    if path is None or not can_be_read_again(path):
        return None
    try:
        return len(squeezed(open_dataset(InputOptions(path, takes_targets=False)).logits.shape))
    except NllError:
        return None


def no_targets(dataset: Dataset) -> UsageError:
    """The refusal of models without targets."""
    column = f"{setting('target_column')} for a column of each model"
    return UsageError("there are no targets", where=dataset.logits.name, hint=f"{setting('targets')} FILE, or {column}")
