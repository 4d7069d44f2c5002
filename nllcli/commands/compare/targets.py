"""What to say of files that are not what they are taken for: targets, losses, logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.data.settings import LOSSES_GIVEN, TOKENS, InputOptions
from nllcli.errors import FaultError, NllError, Remedy, UsageError, setting
from nllcli.inputs.bytes.files import can_be_read_again, name_of
from nllcli.inputs.opening import open_dataset
from nllcli.inputs.shapes import squeezed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.data.dataset import Dataset


def check_models(inputs: Sequence[InputOptions]) -> None:
    """Raise UsageError where targets are not named, and the last of the files looks like them."""
    _check_tokens({each.source for each in inputs})
    first, last = inputs[0], inputs[-1]
    unnamed = first.targets is None and first.target_column is None
    if not unnamed or any(each.source in (TOKENS, LOSSES_GIVEN) for each in inputs):
        return
    paths = [each.logits for each in inputs]
    if not (all(map(can_be_read_again, paths)) and _has_fewer_axes(last, first)):
        return
    message = f"looks like targets, which {setting('targets')} names"
    remedies = [Remedy({"models": tuple(paths[:-1]), "targets": last.logits})] if len(paths) > 2 else []
    hint = None if remedies else "nll compare needs two models or more"
    raise UsageError(message, where=name_of(last.logits), hint=hint, remedies=remedies)


def _check_tokens(sources: set[str]) -> None:
    """Raise UsageError where models of tokens, which need no targets, are compared with models of classes."""
    if TOKENS in sources and sources - {TOKENS, LOSSES_GIVEN}:
        message = f"{TOKENS} cannot be compared with the logits or probabilities of classes"
        losses = f"nll compute {setting('save_losses', 'FILE')} writes the losses of each model"
        raise UsageError(message, hint=f"{losses}; {setting('source', LOSSES_GIVEN)} compares them")


def _has_fewer_axes(file: InputOptions, model: InputOptions) -> bool:
    """Whether a file has one number, or a text, where a model has one number a class."""
    n_axes, n_of_model = _n_axes(file), _n_axes(model)
    return n_of_model is not None and (n_axes is None or n_axes < n_of_model)


def explained(error: NllError, inputs: Sequence[InputOptions]) -> NllError:
    """The refusal of models that cannot be opened, or of what their shapes say that they are instead."""
    first = inputs[0]
    if isinstance(error, FaultError) or first.targets is None:
        return error
    targets = InputOptions(first.targets, decimal=first.decimal, encoding=first.encoding)
    n_axes, n_of_targets = _n_axes(first), _n_axes(targets)
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


def _n_axes(file: InputOptions) -> int | None:
    """How many axes longer than 1 an array in a file has; None for what is none. Raises FaultError."""
    if not can_be_read_again(file.logits):
        return None
    alone = InputOptions(
        file.logits,
        input_format=file.input_format,
        input_dtype=file.input_dtype,
        header=file.header,
        decimal=file.decimal,
        encoding=file.encoding,
        takes_targets=False,
    )
    try:
        return len(squeezed(open_dataset(alone).logits.shape))
    except FaultError:
        raise
    except NllError:
        return None


def no_targets(dataset: Dataset) -> UsageError:
    """The refusal of models without targets."""
    column = f"{setting('target_column')} for a column of each model"
    return UsageError("there are no targets", where=dataset.logits.name, hint=f"{setting('targets')} FILE, or {column}")
