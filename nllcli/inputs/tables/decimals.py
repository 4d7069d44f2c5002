"""Cells of text -> numbers by whole-array operations of NumPy, which leave the interpreter's lock to other threads.

Every decimal is rounded correctly, as ``float`` does it. Cells that are more than digits, a point, an exponent and
signs, and mantissas of more than 19 digits, are left to another reader.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Words = NDArray[np.uint64]

# Enough that a call of NumPy outlasts the waking of a thread that waits for the lock, and few enough that what it works
# on stays near the processor.
_PIECE_CELLS = 1 << 16
_LIMIT = 10**19  # mantissas below it fit into uint64
_MOST_DIGITS = 24
_TENS = np.array([10**k if 10**k < _LIMIT else 0 for k in range(_MOST_DIGITS + 1)], np.uint64)
_FLOAT_TENS = np.array([float(10**k) for k in range(_MOST_DIGITS + 1)])
_EXACT_INTEGER = 2**53
_EXACT_POWER = 22  # float64 holds 10**22 and all smaller powers
_LARGEST_POWER = 250  # beyond it halves of products may overflow, or lose bits below the least float64


class _Cells(NamedTuple):
    """Where n cells, ``[sign] whole [. fraction] [e [sign] power]``, have their parts: positions (n,) in the text.

    ``powered`` (m,) are the places of those among the n that have a power; ``power`` and ``power_negative`` are (m,).
    """

    negative: NDArray[np.bool_]
    whole: Integers
    whole_end: Integers
    fraction: Integers
    fraction_end: Integers
    end: Integers
    powered: Integers
    power: Integers
    power_negative: NDArray[np.bool_]


def parse(body: bytes, n_rows: int, n_columns: int, delimiter: str) -> NDArray[np.float64] | None:
    """Lines of numbers alone -> (n_rows, n_columns); None where another reader has to look."""
    values = np.empty(n_rows * n_columns)
    length = len(body) * _PIECE_CELLS // len(values) + 1
    begin = done = 0
    while begin < len(body):
        end = _end_of_piece(body, begin, begin + length, delimiter)
        piece = _parse_piece(body[begin:end], ord(delimiter), done % n_columns, n_columns)
        if piece is None or done + len(piece) > len(values):
            return None
        values[done : done + len(piece)] = piece
        begin, done = end, done + len(piece)
    return values.reshape(n_rows, n_columns) if done == len(values) else None


def _end_of_piece(body: bytes, begin: int, end: int, delimiter: str) -> int:
    """The end of the last cell between ``begin`` and ``end``."""
    if end >= len(body):
        return len(body)
    return max(body.rfind(b"\n", begin, end), body.rfind(delimiter.encode(), begin, end)) + 1 or end


def _parse_piece(piece: bytes, delimiter: int, column: int, n_columns: int) -> NDArray[np.float64] | None:
    """The values (n,) of whole cells, of which the first is in ``column``."""
    words = np.frombuffer(piece + bytes(16 - len(piece) % 8), "<u8")
    text = words.view(np.uint8)[: len(piece)]
    cells = _find(text, delimiter)
    if cells is None or not _are_rows(text[cells.end] == ord("\n"), column, n_columns):
        return None
    mantissa = _mantissas(words, cells)
    values = None if mantissa is None else _scaled(mantissa, _exponents(words, cells))
    return None if values is None else values * (1.0 - 2.0 * cells.negative)


def _find(text: NDArray[np.uint8], delimiter: int) -> _Cells | None:
    """The cells of the text; None if any has another form."""
    marks = np.flatnonzero(text - np.uint8(ord("0")) > 9)
    kinds = text[marks]
    last = np.flatnonzero((kinds == delimiter) | (kinds == ord("\n")))  # of the marks of each cell
    if not len(last) or marks[last[-1]] != len(text) - 1:
        return None
    end = marks[last]
    begin, first = np.zeros_like(end), np.zeros_like(last)
    np.add(end[:-1], 1, out=begin[1:])
    np.add(last[:-1], 1, out=first[1:])

    negative, signed = _signs(text[begin])
    first += signed
    whole, whole_end = begin + signed, marks[first]
    pointed = kinds[first] == ord(".")
    fraction, fraction_end = whole_end + pointed, end.copy()

    e = np.flatnonzero((kinds | 32) == ord("e"))
    powered = np.searchsorted(last, e)
    power_negative, power_signed = _signs(text[marks[e] + 1])
    fraction_end[powered] = marks[e]
    power = marks[e] + 1 + power_signed
    n_power = end[powered] - power

    if len(marks) != len(end) + len(e) + sum(map(np.count_nonzero, (signed, pointed, power_signed))):
        return None
    if (whole_end - whole + fraction_end - fraction).min() < 1:
        return None
    if len(e) and not (
        np.array_equal(e + power_signed + 1, last[powered]) and 1 <= n_power.min() <= n_power.max() <= 8
    ):
        return None
    return _Cells(negative, whole, whole_end, fraction, fraction_end, end, powered, power, power_negative)


def _signs(characters: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which characters are a minus, and which any sign."""
    negative = characters == ord("-")
    return negative, negative | (characters == ord("+"))


def _are_rows(newline: NDArray[np.bool_], column: int, n_columns: int) -> bool:
    """Whether cells, the first of them in ``column``, end with a newline in the last column and nowhere else."""
    lasts = newline[n_columns - 1 - column :: n_columns]
    return bool(lasts.all()) and np.count_nonzero(newline) == len(lasts)


def _mantissas(words: Words, cells: _Cells) -> Words | None:
    """The digits before and after the point as one integer (n,); None if one does not fit."""
    whole = _integers(words, cells.whole, cells.whole_end)
    fraction = _integers(words, cells.fraction, cells.fraction_end)
    if whole is None or fraction is None:
        return None
    n = cells.fraction_end - cells.fraction
    if (whole.max() * _FLOAT_TENS[n.max()]) >= _LIMIT and (whole * _FLOAT_TENS[n]).max() >= _LIMIT:
        return None
    whole *= _TENS[n]
    whole += fraction
    return whole


def _integers(words: Words, begin: Integers, end: Integers) -> Words | None:
    """The digits from ``begin`` to ``end``, (n,) each, as integers; None if one is not below ``_LIMIT``."""
    n = end - begin
    longest = int(n.max())
    if longest > _MOST_DIGITS:
        return None
    if longest <= 8:
        return _eight_digits(words, begin, n)
    total = _eight_digits(words, np.maximum(begin, end - 8), np.minimum(n, 8))
    for k in range(8, longest, 8):
        more = _eight_digits(words, np.maximum(begin, end - 8 - k), np.clip(n - k, 0, 8))
        if more.max() >= _LIMIT // 10**k:
            return None
        more *= np.uint64(10**k)
        total += more
    return total


def _eight_digits(words: Words, begin: Integers, n: Integers) -> Words:
    """The ``n`` <= 8 digits from ``begin`` on as integers, eight added up at once.

    Source: D. Lemire, Quickly parsing eight digits, 2018, https://lemire.me/blog/2018/10/03/quickly-parsing-eight-digits/
    """
    at = begin >> 3
    skip = (begin & 7).view(np.uint64) << 3
    x = words[at] >> skip
    at += 1
    x |= words[at] << (64 - skip)
    x <<= (64 - 8 * n).view(np.uint64)  # the last digit comes into the highest byte, zeros before the first
    for mask, factor, shift in (
        (0x0F0F0F0F0F0F0F0F, 10 << 8 | 1, 8),
        (0x00FF00FF00FF00FF, 100 << 16 | 1, 16),
        (0x0000FFFF0000FFFF, 10000 << 32 | 1, 32),
    ):
        x &= np.uint64(mask)
        x *= np.uint64(factor)
        x >>= np.uint64(shift)
    return x


def _exponents(words: Words, cells: _Cells) -> Integers:
    """The powers of ten (n,) to multiply the mantissas by."""
    exponents = cells.fraction - cells.fraction_end
    if len(cells.powered):
        power = _eight_digits(words, cells.power, cells.end[cells.powered] - cells.power).view(np.int64)
        exponents[cells.powered] += np.where(cells.power_negative, -power, power)
    return exponents


def _scaled(mantissa: Words, exponent: Integers) -> NDArray[np.float64] | None:
    """mantissa * 10**exponent, rounded correctly; None where that is not certain.

    Where the mantissa and the power of ten are float64 numbers, one multiplication or division rounds correctly.

    Source: W. D. Clinger, How to read floating point numbers accurately, PLDI 1990.
    """
    lowest, highest = exponent.min(), exponent.max()
    if mantissa.max() > _EXACT_INTEGER or lowest < -_EXACT_POWER or highest > _EXACT_POWER:
        in_range = -_LARGEST_POWER <= lowest <= highest <= _LARGEST_POWER
        return _scaled_in_two(mantissa, exponent) if in_range else None
    values = mantissa.view(np.int64).astype(np.float64)
    if lowest < 0:
        values /= _FLOAT_TENS[np.maximum(-exponent, 0)]
    if highest > 0:
        values *= _FLOAT_TENS[np.maximum(exponent, 0)]
    return values


def _scaled_in_two(mantissa: Words, exponent: Integers) -> NDArray[np.float64] | None:
    """mantissa * 10**exponent in pairs of float64 numbers; None where their error might change the rounding.

    With mantissa = h + rest, 10**exponent = p + q, |rest| <= 2**-53 h and |q| <= 2**-53 p, the terms left out and the
    roundings of the small ones add up to less than 2**-102 of the product.

    Sources: T. J. Dekker, A floating-point technique for extending the available precision, 1971, for the product;
    A. Ziv, Fast evaluation of elementary mathematical functions with correctly rounded last bit, 1991, for the test.
    """
    upper = (mantissa >> 32).view(np.int64) * 2.0**32
    lower = (mantissa & 0xFFFFFFFF).view(np.int64).astype(np.float64)
    h = upper + lower
    rest = lower - (h - upper)
    p, q = (table[exponent + _LARGEST_POWER] for table in _powers_of_ten())
    product = h * p
    (h1, h2), (p1, p2) = _halves(h), _halves(p)
    small = h1 * p1
    small -= product
    small += h1 * p2
    small += h2 * p1
    small += h2 * p2
    small += h * q + rest * p
    error = product * 2.0**-100
    values = product + (small + error)
    return values if np.array_equal(values, product + (small - error)) else None


def _halves(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two numbers of 26 bits each that add up to x."""
    scaled = x * (2.0**27 + 1)
    upper = scaled - (scaled - x)
    return upper, x - upper


@cache
def _powers_of_ten() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """10**k for -250 <= k <= 250: rounded to float64, and what that lacks."""
    rounded, lacking = [], []
    for k in range(-_LARGEST_POWER, _LARGEST_POWER + 1):
        over, under = 10 ** max(k, 0), 10 ** max(-k, 0)
        numerator, denominator = (over / under).as_integer_ratio()
        rounded.append(over / under)
        lacking.append((over * denominator - numerator * under) / (denominator * under))
    return np.array(rounded), np.array(lacking)
