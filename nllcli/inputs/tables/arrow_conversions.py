"""The commands that errors tell about Parquet and Arrow files: Python that converts them."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from nllcli.errors import Remedy
from nllcli.inputs.bytes.compressed import SUFFIXES, opener_of
from nllcli.inputs.bytes.files import not_there_yet
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

SAVE_IT = "save it to a plain file, for which a command can be told"
PARQUET = "t=q.read_table({file})"
IPC_FILE = "t=a.ipc.open_file({file}).read_all()"
IPC_STREAM = "t=a.ipc.open_stream({file}).read_all()"
FEATHER_1 = "import pyarrow.feather as f; t=f.read_table({file})"


@dataclass(frozen=True)
class Conversion:
    """What is done with the table t that ``opened`` makes of {file}, the open file, named ``name``; or of its member.

    The libraries are a (pyarrow) and q (pyarrow.parquet). ``keeps_columns`` says that the new file has the old columns.
    """

    name: str
    member: str | None
    opened: str
    keeps_columns: bool = False

    def remedies(self, *ways: tuple[str, str, str], ending: str) -> list[Remedy]:
        """One remedy for each of several ``ways``: its meaning, the word for the new file's name, and its source.

        ``source`` writes what it makes of t to {to}. What Python cannot open again cannot be converted.
        """
        opener = opener_of(self.name)
        if opener is None:
            return []
        file = f"a.memory_map({self.name!r})" if opener == "open" else f"a.BufferReader({opener}({self.name!r}).read())"
        return [self._remedy(file, *way, ending) for way in ways]

    def _remedy(self, file: str, meaning: str, word: str, source: str, ending: str) -> Remedy:
        path = PurePath(self.name)
        plain = path.with_suffix("") if path.suffix.lower() in SUFFIXES else path
        to = not_there_yet(str(plain.with_suffix(f".{word}{ending}")))
        imports = "import pyarrow as a, pyarrow.parquet as q; "
        column = f"{to}:{self.member}" if self.keeps_columns else to
        files = {self.name: to, f"{self.name}:{self.member}": column}
        python = imports + self.opened.replace("{file}", file) + "; " + source.replace("{to}", repr(to))
        return Remedy(python=python, files=files, meaning=meaning)


def written(columns: str) -> str:
    """The source that writes ``columns``, which Python has as a dict, to a Parquet file."""
    return f"q.write_table(a.table({columns}), {{to}})"


def as_numbers(texts: Sequence[str]) -> str:
    """The source that writes all columns to a Parquet file, with numbers in place of the text of some."""
    read = f"t[n].cast('double') if n in {list(texts)!r} else t[n]"
    return written(f"{{n: {read} for n in t.column_names}}")


def fields_of(record: str, kept: Sequence[str]) -> str:
    """The columns that the fields of a column of records are, and others that are kept."""
    fields = f"zip(t.schema.field({record!r}).type, t[{record!r}].combine_chunks().flatten())"
    return f"{{**{{f.name: v for f, v in {fields}}}, {_as_they_are(kept)}}}"


def lists_joined(slices: dict[str, str], kept: Sequence[str] = ()) -> str:
    """The columns that the lists of some columns are when joined, of each list a slice such as 1:, and others."""
    joined = [
        f"{name!r}: a.concat_arrays([s.values[{cut}] for s in t[{name!r}] if s.is_valid])"
        for name, cut in slices.items()
    ]
    return f"{{{', '.join([*joined, _as_they_are(kept)])}}}"


def vector(column: str, kept: Sequence[str]) -> str:
    """The column of lists that the values of a column of Spark's vectors are, and others; places without one are 0."""
    sparse = "[dict(zip(r['indices'], r['values'])).get(i, 0.0) for i in range(r['size'])]"
    rows = f"[r and (r['values'] if r['type'] else {sparse}) for r in t[{column!r}].to_pylist()]"
    return f"{{{column!r}: {rows}, {_as_they_are(kept)}}}"


def keys_of(column: str, kept: Sequence[str]) -> str:
    """A column for each key of a column of maps, and others."""
    keys = "{k: [r.get(k) for r in m] for k in dict.fromkeys(k for r in m for k in r)}"
    maps = f"[dict(r or ()) for r in t[{column!r}].to_pylist()]"
    return f"(lambda m: {{**{keys}, {_as_they_are(kept)}}})({maps})"


def _as_they_are(columns: Sequence[str]) -> str:
    return f"**{{n: t[n] for n in {list(columns)!r}}}"


JSON_LINES = (
    "import json; f=open({to}, 'w'); "
    "f.writelines(json.dumps(r, default=str) + chr(10) for b in t.to_batches() for r in b.to_pylist()); f.close()"
)
