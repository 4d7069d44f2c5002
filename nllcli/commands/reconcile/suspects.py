"""What the user suspects: settings to try, as a name and a value each, and sizes of batches."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from nllcli.commands.reconcile.conventions import readings, samples
from nllcli.commands.reconcile.departure import SUSPECTED, Departure
from nllcli.errors import UsageError, setting
from nllcli.inputs.tables.cells import is_number
from nllcli.records import dataclass
from nllcli.registry import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from nllcli.commands.reconcile.departure import Known


@dataclass(frozen=True)
class Suspect:
    """A setting that can be tried: the departures that a value makes, and which values it takes."""

    departures: Callable[[float, Known], Iterable[Departure]]
    takes: Callable[[float], bool]
    values: str


def _whole(dimension: str, text: str, field: str, **also: str) -> Callable[[float, Known], Iterable[Departure]]:
    return lambda value, _: [Departure(dimension, text.format(int(value)), {field: int(value), **also})]


SUSPECTS = {
    "label-smoothing": Suspect(
        lambda e, known: samples.smoothed(e, known.dataset.n_classes), lambda e: 0 < e < 1, "a number between 0 and 1"
    ),
    "temperature": Suspect(lambda t, _: [readings.tempered(t)], lambda t: t > 0, "a number above 0"),
    "clip": Suspect(lambda eps, _: [samples.clipped(eps)], lambda eps: 0 < eps < 0.5, "a number between 0 and 0.5"),
    "epsilon": Suspect(
        lambda eps, _: [samples.with_epsilon(eps)],
        lambda eps: eps > 0,
        "a number above 0",
    ),
    "z-loss": Suspect(lambda z, _: [samples.with_z_loss(z)], lambda z: z > 0, "a number above 0"),
    "ignore-index": Suspect(_whole("ignore", "target {} ignored", "ignore_index"), float.is_integer, "a whole number"),
    "divisor": Suspect(
        _whole("reduction", "sum / {}", "at", reduction="given"),
        lambda n: n >= 1 and n.is_integer(),
        "a whole number from 1",
    ),
    "factor": Suspect(
        lambda k, _: [Departure("factor", f"times {k:g}", {"times": k})], lambda k: k != 0, "a number other than 0"
    ),
}


@dataclass(frozen=True)
class Suspects:
    """Settings to try by name, with their values, and sizes of batches."""

    settings: tuple[tuple[str, float], ...] = ()
    batch_sizes: tuple[int, ...] = ()

    @classmethod
    def of(cls, typed: Collection[str], batch_sizes: Collection[int] = ()) -> Suspects:
        """From texts such as "label-smoothing=0.15"; raises UsageError for what cannot be tried."""
        return cls(tuple(map(_read, typed)), tuple(batch_sizes))

    def departures(self, known: Known) -> Iterator[Departure]:
        for name, value in self.settings:
            for departure in SUSPECTS[name].departures(value, known):
                yield replace(departure, rarity=SUSPECTED)


def _read(typed: str) -> tuple[str, float]:
    name, between, text = typed.partition("=")
    name, text, what = name.strip(), text.strip(), setting("try", typed)
    if not between:
        raise UsageError(f"{what} has no value", hint=f"such as {setting('try', 'label-smoothing=0.15')}")
    if name not in SUSPECTS:
        known = f"one of: {', '.join(SUSPECTS)}; or {setting('batch_size', 'N')}"
        raise UsageError(
            f"{what}: {name!r} cannot be tried", hint=did_you_mean(name, SUSPECTS, folded=str.lower) or known
        )
    value = float(text) if is_number(text) else math.nan
    if not (math.isfinite(value) and SUSPECTS[name].takes(value)):
        raise UsageError(f"{what}: {text!r} is not {SUSPECTS[name].values}")
    return name, value
