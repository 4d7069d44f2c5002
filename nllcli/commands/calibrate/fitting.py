"""The temperature of least loss: three passes over the samples, or two where all of them fit into memory."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from nllcli.commands.calibrate.first_slope import first_slope
from nllcli.commands.calibrate.kept import Keep, ends_of, slopes_of, tiles_of
from nllcli.commands.calibrate.limits import Limit
from nllcli.commands.calibrate.looking import Look
from nllcli.commands.calibrate.root import solve, step
from nllcli.records import dataclass

if TYPE_CHECKING:
    from nllcli.commands.calibrate.cumulants import Slopes
    from nllcli.commands.calibrate.kept import Rows
    from nllcli.commands.calibrate.limits import EndsByFold, Limit
    from nllcli.commands.calibrate.looking import Sums
    from nllcli.commands.calibrate.measures import Asked
    from nllcli.commands.calibrate.passes import Passes

# A start is found with a part of the samples that are kept, where these are many.
_PART, _LEAST_PART = 16, 1 << 8
# From within the first of these, the series of the derivatives reaches the root; what is measured within the second of
# the temperature is measured at it.
_NEAR, _AT = 0.1, 1e-12
_MOST_PASSES = 100
_MOST_POLISHED = 3


@dataclass(frozen=True)
class Fit:
    """What a fit finds: ``first`` are the sums at T = 1, ``last`` those at the ``temperature``, None without one.

    ``relative_error`` is its standard error as a share of it, NaN of fewer than two samples. ``of_folds`` are the
    temperatures fitted without each fold, None where there is none.
    """

    limit: Limit
    first: Sums
    last: Sums | None = None
    temperature: float | None = None
    relative_error: float = math.nan
    of_folds: tuple[float | None, ...] = ()


def fit(passes: Passes, before: Asked | None, after: Asked | None, n_folds: int) -> Fit:
    """Fit a temperature to all samples, and to all but those of each of ``n_folds`` folds.

    ``before`` and ``after`` say what is measured at T = 1 and at the temperature.
    """
    dataset = passes.dataset
    keep = Keep.of(dataset.layout.n_samples, dataset.n_classes * dataset.logits.dtype.itemsize)
    measured = () if before is None else (before,)
    first = passes.run(Look(passes.options, (1.0,), measured, keep=keep, n_folds=max(1, n_folds)))
    ends, kept = first.ends, first.kept
    if ends is None or kept is None:  # there are no samples
        return Fit(Limit("flat", None), first)
    limit, first = ends.without().limit(), replace(first, kept=None)
    if limit.status != "fitted":
        return Fit(limit, first)
    rows = kept.rows()
    look = Look(passes.options, (_start(rows),), fits=True, n_folds=max(1, n_folds))
    if kept.is_complete:
        look = replace(look, temperatures=(_to_the_last_digit(rows, look.temperatures[0]),))
        of_folds = _of_folds_in_memory(rows, look.temperatures[0], ends, n_folds)
    else:
        look, of_folds = _by_passes(passes, look, ends, n_folds)
    look = replace(look, measured=() if after is None else (after,))
    return _finished(passes, look, Fit(limit, first, of_folds=of_folds), ends, refines=not kept.is_complete)


def _start(rows: Rows) -> float:
    """The temperature of least loss of the rows, or 1 where they have none."""
    start = 1.0
    for part in (rows[: len(rows) // _PART], rows):
        if len(part) >= min(len(rows), _LEAST_PART) and ends_of(part).limit().status == "fitted":
            start = _solved(part, start)
    return start


def _of_folds_in_memory(rows: Rows, start: float, ends: EndsByFold, n_folds: int) -> tuple[float | None, ...]:
    """The temperatures without each fold, each solved for by itself."""
    return tuple(
        _solved(rows[rows.numbers % n_folds != k], start) if _is_fitted(ends, k) else None for k in range(n_folds)
    )


def _solved(rows: Rows, start: float) -> float:
    """The temperature of least loss of rows that have one."""
    return solve(lambda temperature: slopes_of(rows, temperature, 1).without(), start)


def _to_the_last_digit(rows: Rows, near: float) -> float:
    """The temperature of least loss of rows, given it but for what rounding has left."""
    for _ in range(_MOST_POLISHED if rows.targets.ndim == 1 else 0):
        _, *others = slopes_of(rows, near, 1).without()
        following = near / (1.0 + step([first_slope(tiles_of(rows), near), *others]))
        if following == near:
            break
        near = following
    return near


def _by_passes(passes: Passes, look: Look, ends: EndsByFold, n_folds: int) -> tuple[Look, tuple[float | None, ...]]:
    """The look at the temperature that passes over all samples lead to, and the temperatures without each fold."""
    of_folds: tuple[float | None, ...] = ()
    for _ in range(_MOST_PASSES):
        (start,), slopes = look.temperatures, _slopes(passes.run(look))
        change = step(slopes.without())
        of_folds = _of_folds(slopes, start, ends, n_folds)
        look = replace(look, temperatures=(start / (1.0 + change),))
        if abs(change) < _NEAR:
            break
    return look, of_folds


def _is_fitted(ends: EndsByFold, fold: int) -> bool:
    """Whether there is a temperature of least loss without a fold."""
    return ends.without(fold).limit().status == "fitted"


def _of_folds(slopes: Slopes, start: float, ends: EndsByFold, n_folds: int) -> tuple[float | None, ...]:
    """The temperatures without each fold, by the series at one that is near to them."""
    return tuple(start / (1.0 + step(slopes.without(k))) if _is_fitted(ends, k) else None for k in range(n_folds))


def _slopes(sums: Sums) -> Slopes:
    assert sums.slopes is not None
    return sums.slopes


def _finished(passes: Passes, look: Look, fit: Fit, ends: EndsByFold, *, refines: bool) -> Fit:
    """The last pass, at the temperature, and another one where the root turns out to be elsewhere.

    All temperatures are refined by what it adds up, unless they are known better.
    """
    for _ in range(_MOST_PASSES):
        of_folds, (at,) = fit.of_folds, look.temperatures
        held_out = tuple(each for each in of_folds if each is not None)
        sums = passes.run(replace(look, of_folds=held_out if len(held_out) == len(of_folds) else ()))
        slopes = _slopes(sums)
        change = step(slopes.without())
        fit = replace(
            fit,
            last=sums,
            temperature=at / (1.0 + change) if refines else at,
            relative_error=slopes.relative_error(),
            of_folds=_of_folds(slopes, at, ends, len(of_folds)) if refines else of_folds,
        )
        if abs(change) <= _AT:
            break
        look = replace(look, temperatures=(at / (1.0 + change),))
    return fit
