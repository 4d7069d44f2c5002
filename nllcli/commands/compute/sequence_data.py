"""What is known of sequences of tokens as the data of a file; read from it, anything may be wrong."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.compute.subject import HardSequence
from nllcli.commands.compute.tally_columns import length_of, sums_of
from nllcli.numerics.hexadecimal import sum_from_data, sum_to_data, sums_to_data
from nllcli.numerics.pictured.positions import MOST_BUCKETS, Positions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.inputs.tally_files import Fields
    from nllcli.numerics.pictured.sequences import Sequences
    from nllcli.numerics.tally import Tally

# What JSON has no numbers for.
INFINITE = {"inf": math.inf, "-inf": -math.inf}
_MOST_SHOWN = 1 << 16
_MOST = math.nextafter(math.inf, 0.0)


def positions_to_data(positions: Positions) -> dict[str, Any]:
    """The sums of all buckets, in columns."""
    n = [] if positions.n is None else positions.n.tolist()
    sums = (sums_to_data(each, range(len(n))) for each in (positions.loss_sum, positions.squares))
    return {"width": positions.width, "n": n} | dict(zip(("loss_sum", "squares"), sums, strict=True))


def positions_from_data(fields: Fields, sums: Tally) -> Positions:
    """Read what ``positions_to_data`` gives; raises DataError where it cannot be that of these ``sums``."""
    width, n_buckets = fields.count("width"), length_of(fields, "n")
    if width.bit_count() != 1:
        raise fields.wrong("width", f"is {width}, which is not a power of 2")
    if not 0 < n_buckets <= MOST_BUCKETS:
        raise fields.wrong("n", f"has {n_buckets} values, not 1 to {MOST_BUCKETS}")
    n, groups = fields.counts("n", n_buckets), np.arange(n_buckets)
    if int(n.sum(dtype=object)) > sums.n_counted:
        raise fields.wrong("n", "adds up to more than the number of all samples")
    loss_sum, squares = (sums_of(fields, key, groups, n_buckets) for key in ("loss_sum", "squares"))
    if sums.unweighted_sum.is_finite and loss_sum.total() != sums.unweighted_sum:
        raise fields.wrong("loss_sum", "does not add up to the sum of all samples")
    return Positions(width, n, loss_sum, squares)


def sequences_to_data(found: Sequences, sequences: Sequence[HardSequence]) -> dict[str, Any]:
    """The hardest sequences by place, of as many as were kept."""
    return {"most": found.most, "sequences": [_sequence_to_data(each) for each in sequences]}


def _sequence_to_data(sequence: HardSequence) -> dict[str, Any]:
    return {
        "file": sequence.file,
        "sequence": sequence.number,
        "n": sequence.n,
        "loss_sum": sum_to_data(sequence.loss_sum),
        "losses": [each if each is None or math.isfinite(each) else str(each) for each in sequence.losses],
        "targets": None if sequence.targets is None else list(sequence.targets),
    }


def sequences_from_data(fields: Fields, n_classes: int) -> tuple[int, tuple[HardSequence, ...]]:
    """Read what ``sequences_to_data`` gives: how many are kept at most, and those that were."""
    most = fields.count("most")
    sequences = tuple(_sequence_from_data(each, n_classes) for each in fields.each("sequences"))
    means = [each.mean for each in sequences]
    if len(sequences) > most or means != sorted(means, reverse=True):
        raise fields.wrong("sequences", f"are not the {most} hardest, in order")
    return most, sequences


def _sequence_from_data(fields: Fields, n_classes: int) -> HardSequence:
    n, loss_sum = fields.count("n"), fields.converted("loss_sum", sum_from_data, "a hexadecimal float")
    losses = fields.converted("losses", _losses_of, "a list of losses")
    targets = None
    if fields.has("targets"):
        targets = tuple(fields.column("targets", len(losses), "classes"))
        if not all(each is None or (type(each) is int and 0 <= each < n_classes) for each in targets):
            raise fields.wrong("targets", f"are not indices of {n_classes} classes")
    found = HardSequence(fields.text("file"), fields.count("sequence"), n, loss_sum, losses, targets)
    if math.isnan(found.mean):
        raise fields.wrong("n", "is of a sequence without a mean loss")
    return found


def _losses_of(values: Any) -> tuple[float | None, ...]:
    """Losses as JSON has them; raises ValueError for anything else."""
    if not isinstance(values, list) or len(values) > _MOST_SHOWN:
        raise ValueError
    return tuple(None if each is None else _loss_of(each) for each in values)


def _loss_of(value: Any) -> float:
    """A loss as JSON has it; raises ValueError for anything else."""
    if isinstance(value, str) and value in INFINITE:
        return INFINITE[value]
    if type(value) not in (int, float) or not abs(value) <= _MOST:
        raise ValueError
    return float(value)
