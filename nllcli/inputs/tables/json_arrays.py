"""Arrays of numbers cut out of lines of JSON by whole-array operations of NumPy, which leave the lock to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nllcli.inputs.tables import decimals

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MARKS = np.frombuffer(b"[]\n", np.uint8)


def cut_arrays(lines: bytes, n_columns: int) -> tuple[NDArray[np.float64], bytes] | None:
    """The only array of each line, (n_lines, n_columns), and the lines with an empty one instead.

    None where a line has another number of arrays, or one has other cells than JSON's plain numbers.
    """
    n_lines = lines.count(b"\n")
    characters = np.frombuffer(lines, np.uint8)
    closing = characters == ord("]")
    bracket = (characters == ord("[")) | closing
    marks = characters[bracket | (characters == ord("\n"))]
    if len(marks) != 3 * n_lines or not (marks.reshape(n_lines, 3) == _MARKS).all():
        return None
    within = np.zeros(len(lines), np.bool_)
    within[1:] = np.bitwise_xor.accumulate(bracket.view(np.uint8)).view(np.bool_)[:-1]  # up to the closing one
    blank = (characters == ord(" ")) | (characters == ord("\t"))
    text = np.where(closing, np.uint8(ord("\n")), characters)[within & ~blank]
    written = within & ~(blank | closing | (characters == ord(",")))
    n_words = np.count_nonzero(written[1:] & ~written[:-1])  # more than cells where blanks part numbers
    if n_words != n_lines * n_columns or not _are_json(text):
        return None
    values = decimals.parse(text.tobytes(), n_lines, n_columns, ",")
    return None if values is None else (values, characters[~within | closing].tobytes())


def _are_json(text: NDArray[np.uint8]) -> bool:
    """Whether decimals are numbers of JSON: ``+1``, ``01``, ``.5`` and ``1.`` are none, and -0 is the integer 0."""
    digit = text - np.uint8(ord("0")) <= 9
    end = np.flatnonzero((text == ord(",")) | (text == ord("\n")))
    begin = np.zeros_like(end)
    begin[1:] = end[:-1] + 1
    negative = text[begin] == ord("-")
    begin += negative
    behind = np.minimum(begin + 1, end)
    odd = (text[begin] == ord("0")) & (digit[behind] | (negative & (behind == end)))
    points = np.flatnonzero(text == ord("."))
    return bool(digit[begin].all() and digit[points + 1].all() and not odd.any())
