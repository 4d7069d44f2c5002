"""Inputs opened for a second pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.data.settings import InputOptions
from nllcli.errors import UsageError
from nllcli.inputs.bytes.files import can_be_read_again, name_of
from nllcli.inputs.dataset import open_dataset

if TYPE_CHECKING:
    from nllcli.data.dataset import Dataset


def open_again(inputs: InputOptions, why: str) -> Dataset:
    """Open the inputs for a second pass; raises UsageError, which ``why`` begins, where one can be read only once."""
    for path in (inputs.logits, inputs.targets, inputs.sample_weights):
        if path is not None and not can_be_read_again(path):
            raise UsageError(f"{why}, and {name_of(path)} cannot be read twice", hint="save it to a file")
    return open_dataset(inputs)
