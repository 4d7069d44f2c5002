"""The conventions that people mix up, one file for each thing that they differ in, one record a convention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.commands.reconcile.conventions import batches, pairings, readings, reductions, samples, units, weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nllcli.commands.reconcile.convention import Convention
    from nllcli.commands.reconcile.departure import Departure, Known

_ROOMS = (readings, samples, pairings, weights, reductions, batches, units)


def departures(known: Known) -> Iterator[Departure]:
    """All departures there are, also some that change nothing of the user's own settings."""
    for room in _ROOMS:
        yield from room.departures(known)


def makes_sense(convention: Convention, base: Convention) -> bool:
    """Whether the convention has a meaning, and one of its own."""
    reduction = reductions.DIVISORS.get(convention.reduction) or batches.PARTS.get(convention.reduction)
    scale_free = reduction is None or reduction.scale_free
    weighted = convention.weighting.name != "none" or convention.sample_weights
    if convention.reduction == "counted" and not weighted:
        return False
    return (
        readings.makes_sense(convention, base)
        and samples.makes_sense(convention)
        and pairings.makes_sense(convention)
        and weights.makes_sense(convention, base, scale_free=scale_free)
    )
