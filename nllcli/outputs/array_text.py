"""Arrays as CSV."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from nllcli.errors import UsageError
from nllcli.outputs.array_writer import ArrayWriter
from nllcli.outputs.delimited import quoted
from nllcli.outputs.files import shown

_PIECE = 1 << 13  # numbers that are text and Python objects at a time
_LONG_ROW = 1 << 18  # numbers of a row whose text, which is longer than they are, does not wait for its turn


class CsvWriter(ArrayWriter):
    """One line a sample, each number as the shortest text that reads back to the same value of its type.

    The header comes with the first samples, so that nothing is written where there is an error instead of them.
    """

    def check(self) -> None:
        if len(self.layout.sample_shape) > 1 or self.class_axis not in (None, len(self.shape) - 1):
            raise UsageError(
                f"csv holds one sample a line, which an array of shape {self.shape} does not have",
                where=shown(self.path),
                hint="name the file .npy",
            )

    def _prepare(self, start: int, rows: NDArray[np.floating]) -> Iterable[bytes]:  # noqa: ARG002 - text has no places
        """The text of the rows; where one of them has very many numbers, it is made as it is written."""
        if self.layout.n_classes > _LONG_ROW:
            return _texts(rows)
        return list(_texts(rows))

    def _add(self, waiting: Iterable[bytes]) -> None:
        self.file.writelines(waiting if self.n_written else chain([self._header()], waiting))

    def _end(self, n_entries: int) -> None:
        if not n_entries:
            self.file.write(self._header())

    def _header(self) -> bytes:
        return b"" if self.columns is None else quoted(self.columns).encode("utf-8", "backslashreplace")


def _texts(rows: NDArray[np.floating]) -> Iterator[bytes]:
    """The text of rows, a few of them or a part of one at a time."""
    n_columns = rows.shape[1]
    step = max(1, _PIECE // n_columns)
    for first in range(0, len(rows), step):
        for c in range(0, n_columns, _PIECE):
            end = "\n" if c + _PIECE >= n_columns else ","
            yield _lines(rows[first : first + step, c : c + _PIECE], end)


def _lines(rows: NDArray[np.floating], end: str) -> bytes:
    """The text of numbers (m, k) with an ``end`` after each row; whole numbers have no decimals."""
    is_double = rows.dtype == np.float64
    numbers = iter(map(repr, rows.ravel().tolist()) if is_double else rows.astype(str).ravel().tolist())
    text = "".join(f"{','.join(islice(numbers, rows.shape[1]))}{end}" for _ in rows)
    return text.replace(".0,", ",").replace(".0\n", "\n").encode("ascii")
