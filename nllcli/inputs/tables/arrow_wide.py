"""Row groups of many columns, read some columns at a time: what is read of each takes memory until its last row."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from nllcli.inputs.bytes.files import Spool
from nllcli.inputs.tables.lines import regrouped
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nllcli.inputs.bytes.files import InputFile

    # Record batches of some columns, from the first row of a row group on.
    Read = Callable[[list[str]], Iterator[Any]]

_MOST_AT_ONCE = 1 << 26  # bytes held while all columns are read together
_MOST_OF_RUN = 1 << 24  # and while some are
_MOST_OF_COLUMN = 1 << 21  # a page and a dictionary of 1 MiB each, which is what most programs write


def runs_of(metadata: Any, columns: list[str], buffer: int) -> list[list[str]]:
    """The columns in runs that may be read together: all of them, unless what is held of them would be too much."""
    largest = max((metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)), default=0)
    n_bytes = min(largest // max(1, metadata.num_columns), _MOST_OF_COLUMN) + buffer
    if len(columns) * n_bytes <= _MOST_AT_ONCE:
        return [columns]
    width = max(1, _MOST_OF_RUN // n_bytes)
    return [columns[i : i + width] for i in range(0, len(columns), width)]


def first_batch(read: Read, runs: list[list[str]]) -> Iterator[Any]:
    """The first record batch of all runs of columns, if there are rows."""
    found = [batch for run in runs for batch in islice(read(run), 1)]
    if found:
        n = min(batch.num_rows for batch in found)  # columns of dictionaries end a batch with a row group
        yield _joined([batch.slice(0, n) for batch in found])


@dataclass(frozen=True)
class WaitingRows:
    """Rows on disk, of which each part has some columns: an Arrow stream of one batch at a place of the file."""

    name: str
    file: InputFile
    parts: list[tuple[int, int]]  # where it begins, and its bytes
    num_rows: int
    first: int = 0

    def slice(self, start: int, n: int | None = None) -> WaitingRows:
        """``n`` of the rows from ``start`` on, or all of them."""
        return replace(self, first=self.first + start, num_rows=self.num_rows - start if n is None else n)

    def read(self) -> Any:
        """The rows as one record batch."""
        from pyarrow import ipc

        streams = (ipc.open_stream(self.file.read_at(size, begin, self.name)) for begin, size in self.parts)
        return _joined([stream.read_next_batch().slice(self.first, self.num_rows) for stream in streams])


def waiting_rows(name: str, n_rows: int, read: Read, runs: list[list[str]]) -> Iterator[WaitingRows]:
    """The rows of a row group, ``n_rows`` at a time; they wait on disk until every run of columns is read."""
    import pyarrow

    spool, at = Spool(name), 0
    parts: list[list[tuple[int, int]]] = []
    lengths: list[int] = []
    for run in runs:
        batches = ((batch.num_rows, batch) for batch in read(run))
        found = regrouped(batches, n_rows, lambda batch, n: (batch.slice(0, n), batch.slice(n)))
        for i, (n, some) in enumerate(found):
            if i == len(parts):
                parts.append([])
                lengths.append(n)
            data = _stream_of(some)
            spool.write(data)
            parts[i].append((at, data.size))
            at += data.size
    pyarrow.default_memory_pool().release_unused()
    return (WaitingRows(name, spool.file, *rows) for rows in zip(parts, lengths, strict=True))


def _stream_of(batches: list[Any]) -> Any:
    """Record batches as an Arrow stream of one."""
    import pyarrow
    from pyarrow import ipc

    if len(batches) > 1:
        batches = pyarrow.Table.from_batches(batches).unify_dictionaries().combine_chunks().to_batches()
    sink = pyarrow.BufferOutputStream()
    with ipc.new_stream(sink, batches[0].schema) as writer:
        writer.write_batch(batches[0])
    return sink.getvalue()


def _joined(batches: list[Any]) -> Any:
    """The columns of several record batches as one."""
    import pyarrow

    columns = [column for batch in batches for column in batch.columns]
    return pyarrow.RecordBatch.from_arrays(columns, [name for batch in batches for name in batch.schema.names])
