"""Where a number stands on an axis, and which numbers are written along it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import ceil, copysign, floor, inf, isnan, log10, nan
from typing import NamedTuple

from nllcli.drawing import Axis

_ROUND = (1.0, 2.0, 2.5, 5.0)  # steps, between powers of ten
_PLAIN = range(-3, 6)  # the powers of ten that are written in digits
_MOST_DECADES_OF_ALL = 3  # up to which 2 and 5 are written beside each power of ten
_LONG, _MOST_DECIMALS = 1e7, 5  # from and to which numbers are written in digits
_NARROWEST = 1e-290  # the length of an axis that has steps
_SLACK = 1e-9  # of a step, by which a tick may lie beyond the end of an axis: rounding


class Tick(NamedTuple):
    """A number on an axis, as it is written."""

    at: float
    text: str


def share_of(axis: Axis, value: float) -> float:
    """Where a value stands, 0 at the low end and 1 at the high one, which may be below it; NaN: nowhere."""
    low, high, x = (_straight(axis, each) for each in (axis.low, axis.high, value))
    if isnan(x):
        return nan
    return (x - low) / (high - low) if low != high else 0.5


def within(axis: Axis, value: float) -> float:
    """As ``share_of``, with what lies beyond an end of the axis at that end."""
    share = share_of(axis, value)
    return share if isnan(share) else min(max(share, 0.0), 1.0)


def _straight(axis: Axis, x: float) -> float:
    """The number whose distances are those on paper."""
    if axis.scale == "log":
        return log10(x) if x > 0 else nan if isnan(x) else -inf
    if axis.scale == "signed-log":
        return x / axis.near if abs(x) <= axis.near else copysign(1 + log10(abs(x) / axis.near), x)
    return x


def choices(axis: Axis) -> Iterator[Sequence[Tick]]:
    """What may be written along an axis, from the most to the least."""
    if axis.ticks is not None:
        yield [Tick(at, text) for at, text in axis.ticks if 0 <= share_of(axis, at) <= 1]
        return
    upwards = axis if axis.low <= axis.high else replace(axis, low=axis.high, high=axis.low)
    for ticks in _SCALES[axis.scale](upwards):
        yield ticks if upwards is axis else ticks[::-1]


def _linear(axis: Axis) -> Iterator[Sequence[Tick]]:
    span = axis.high - axis.low
    if not _NARROWEST < span < inf:
        yield [_tick(axis, axis.low, 0)]
        return
    largest = floor(log10(span))
    for exponent in range(largest - 2, max(largest, -1) + 2 if axis.kind == "count" else largest + 2):
        for factor in _ROUND:
            # Written as decimals, steps have no dust of binary fractions.
            step = float(f"{factor}e{exponent}")
            if axis.kind == "count" and step != round(step):
                continue
            first, last = ceil(axis.low / step - _SLACK), floor(axis.high / step + _SLACK)
            decimals = (1 if factor == 2.5 else 0) - exponent
            yield [_tick(axis, float(f"{i * step:.12g}"), decimals) for i in range(first, last + 1)]


def _logarithmic(axis: Axis) -> Iterator[Sequence[Tick]]:
    first, last = (_straight(axis, each) for each in (axis.low, axis.high))
    powers = range(ceil(first - _SLACK), floor(last + _SLACK) + 1)
    if last - first <= _MOST_DECADES_OF_ALL:
        factors = [(m, e) for e in range(floor(first), ceil(last) + 1) for m in (1, 2, 5)]
        inside = [(m, e) for m, e in factors if first - _SLACK <= log10(m) + e <= last + _SLACK]
        yield [_power(axis, m, e) for m, e in inside]
        if len(powers) < 2:
            # Some number is to be there, even where no power of ten is.
            yield [_power(axis, m, e) for m, e in inside if m == 1] or [_power(axis, *each) for each in inside[:1]]
            return
    for each in (1, 2, 3, 4, 5, 10, 20, 50, 100):
        yield [_power(axis, 1, e) for e in powers if e % each == 0]


def _signed(axis: Axis) -> Iterator[Sequence[Tick]]:
    widest = max(abs(axis.low), abs(axis.high), axis.near)
    powers = range(ceil(log10(axis.near) - _SLACK), floor(log10(widest) + _SLACK) + 1)
    for each in (1, 2, 3, 4, 5, 10):
        kept = [e for e in reversed(powers) if (powers[-1] - e) % each == 0] if powers else []
        below = [_power(axis, -1, e) for e in kept]
        above = [_power(axis, 1, e) for e in reversed(kept)]
        yield [tick for tick in (*below, Tick(0.0, "0"), *above) if axis.low <= tick.at <= axis.high]


def _power(axis: Axis, factor: int, exponent: int) -> Tick:
    """Some times a power of ten."""
    at = float(f"{factor}e{exponent}")
    shown, unit = (exponent + 2, " %") if axis.kind == "share" else (exponent, "")
    if shown in _PLAIN:
        return Tick(at, _signed_text(float(f"{factor}e{shown}"), -shown) + unit)
    times = "" if abs(factor) == 1 else f"{abs(factor)}×"
    return Tick(at, f"{'−' if factor < 0 else ''}{times}10^{shown}{unit}")


def _tick(axis: Axis, at: float, decimals: int) -> Tick:
    """A number with so many decimals; where that is below zero, its last digits are noughts."""
    unit, shown, decimals = (
        (" %", float(f"{100 * at:.12g}"), decimals - 2) if axis.kind == "share" else ("", at, decimals)
    )
    if at == 0:
        return Tick(at, f"0{unit}")
    is_long = abs(shown) >= _LONG or decimals > _MOST_DECIMALS
    return Tick(at, (_scientific if is_long else _signed_text)(shown, decimals) + unit)


def _scientific(x: float, decimals: int) -> str:
    mantissa, exponent = f"{x:.{max(0, floor(log10(abs(x))) + decimals)}e}".split("e")
    return f"{mantissa}×10^{int(exponent)}".replace("-", "−")


def _signed_text(x: float, decimals: int) -> str:
    return f"{x + 0.0:,.{max(0, decimals)}f}".replace("-", "−")


_SCALES: dict[str, Callable[[Axis], Iterator[Sequence[Tick]]]] = {
    "linear": _linear,
    "log": _logarithmic,
    "signed-log": _signed,
}
