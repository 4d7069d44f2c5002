"""What is done to the reduced loss: units, whole factors, signs and roundings; a unit is one record."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nllcli.commands.reconcile.departure import RARELY, SOMETIMES, Departure
from nllcli.commands.reconcile.rounding import ROUNDINGS, TORCH_CASTS, round_to
from nllcli.records import dataclass
from nllcli.report import shortest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nllcli.commands.reconcile.convention import Convention
    from nllcli.commands.reconcile.departure import Known

_MOST_TIMES = 64
_WHO = {2: "two GPUs or accumulation steps; or the deviance, -2 log L"}
_STEPS = "GPUs, accumulation steps"


@dataclass(frozen=True)
class Unit:
    """What becomes of the loss in nats: in words, as a function, as a formula, and in Python."""

    text: str
    value: Callable[[float], float]
    formula: str
    python: str


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


UNITS = {
    "nats": Unit("nats", lambda nats: nats, "{x}", "{x}"),
    "bits": Unit("bits", lambda nats: nats / math.log(2.0), "{x} / ln(2)", "{x} / math.log(2)"),
    "base-10": Unit("base-10 logarithms", lambda nats: nats / math.log(10.0), "{x} / ln(10)", "{x} / math.log(10)"),
    "perplexity": Unit("perplexity: exp of it", _exp, "exp({x})", "({x}).exp()"),
    "power-of-2": Unit(
        "2 to the power of it, as if nats were bits", lambda nats: _exp(nats * math.log(2.0)), "2**({x})", "2 ** ({x})"
    ),
}


def departures(_: Known) -> Iterator[Departure]:
    for name, unit in UNITS.items():
        if name != "nats":
            yield Departure("unit", unit.text, {"unit": name})
    for k in range(2, _MOST_TIMES + 1):
        rarity, kind = SOMETIMES if k == 2 else RARELY, f"by n, from 2 to {_MOST_TIMES} ({_STEPS})"
        yield Departure("factor", f"times {k} ({_WHO.get(k, _STEPS)})", {"times": k}, rarity, f"multiplied {kind}")
        yield Departure("factor", f"divided by {k} ({_STEPS})", {"over": k}, RARELY, f"divided {kind}")
    yield Departure("sign", "the log-likelihood: its negative", {"negative": True})
    for name in ROUNDINGS:
        yield Departure("result rounding", f"the result rounded to {name}", {"result_rounding": name}, RARELY)


def finished(convention: Convention, reduced: float) -> float:
    """The number, given the reduced loss in nats."""
    value = UNITS[convention.unit].value(reduced) * convention.times / convention.over
    if convention.result_rounding is not None:
        value = float(round_to(np.array([value]), convention.result_rounding)[0])
    return -value if convention.negative else value


def formula(convention: Convention, x: str) -> str:
    """What remains to be done with the reduced loss ``x``."""
    x = _scaled(convention, UNITS[convention.unit].formula.format(x=x))
    if convention.result_rounding is not None:
        x = f"{convention.result_rounding}({x})"
    return f"-{x if x.isidentifier() or x.endswith(')') else f'({x})'}" if convention.negative else x


def python(convention: Convention, x: str) -> str:
    """The same as an expression of Python."""
    x = _scaled(convention, UNITS[convention.unit].python.format(x=x))
    if convention.result_rounding:
        x = f"({x}).{TORCH_CASTS[convention.result_rounding]}()"
    return f"-({x})" if convention.negative else x


def _scaled(convention: Convention, x: str) -> str:
    if convention.times != 1:
        x += f" * {shortest(convention.times)}"
    return x if convention.over == 1 else f"{x} / {shortest(convention.over)}"
