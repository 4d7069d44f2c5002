"""Columns of a tally's data as arrays, in which anything may be wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nllcli.numerics.hexadecimal import sums_from_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.inputs.tally_files import Fields
    from nllcli.numerics.exact import ExactSums

SUMS = "a list of sums"


def length_of(fields: Fields, key: str) -> int:
    """How many values a list has, 0 of anything else."""
    values = fields.values.get(key)
    return len(values) if isinstance(values, list) else 0


def indices(fields: Fields, key: str, n: int) -> NDArray[np.int64]:
    """Indices below ``n``, in order, each at most once."""
    found = fields.counts(key, length_of(fields, key))
    if len(found) and (found[-1] >= n or (np.diff(found) <= 0).any()):
        raise fields.wrong(key, f"are not indices below {n}, in order")
    return found


def sums_of(fields: Fields, key: str, groups: NDArray[np.int64], n_groups: int) -> ExactSums:
    """The sums of ``groups``, and 0 of all others."""
    fields.column(key, len(groups), "sums")
    return fields.converted(key, lambda values: sums_from_data(values, groups, n_groups), SUMS)
