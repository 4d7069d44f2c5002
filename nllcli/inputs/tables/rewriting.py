"""Commands that write the rows of a table anew: one of each key, or in the order of their numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nllcli.errors import Remedy
from nllcli.inputs.bytes.compressed import can_be_edited, opener_of
from nllcli.inputs.bytes.files import not_there_yet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.inputs.tables.columns import Preview


def once(preview: Preview, key: int) -> tuple[Remedy, ...]:
    """The remedies that leave one row of each key in a table of text: the first, or the last."""
    ways = {"first": ":0:-1", "last": "1:"}
    return tuple(
        remedy
        for which, rows in ways.items()
        for remedy in _rows(
            preview, "once", f"{{c[{key}].strip(): c for c in r[{rows}]}}.values()", f"the {which} row of a key counts"
        )
    )


def in_order(preview: Preview, index: int) -> list[Remedy]:
    """The remedy that puts rows in the order of the numbers in a column, of text or of Parquet."""
    meaning = "rows belong together in the order of their numbers"
    if preview.name.endswith(".parquet"):
        to = not_there_yet(str(Path(preview.name).with_suffix(".sorted.parquet")))
        column = preview.heading(index)
        source = (
            f"import pyarrow.parquet as q; q.write_table(q.read_table({preview.name!r}).sort_by({column!r}), {to!r})"
        )
        return [Remedy(python=source, files={preview.name: to}, meaning=meaning)]
    return _rows(preview, "sorted", f"sorted(r[1:], key=lambda c: int(c[{index}]))", meaning)


def with_key(
    one: Preview, columns: tuple[int, ...], other: Preview, others: tuple[int, ...], names: Sequence[str]
) -> list[Remedy]:
    """The remedy that puts a column before both tables of text that joins those of these ``names``."""
    if not all(preview.delimiter and preview.headings and can_be_edited(preview.name) for preview in (one, other)):
        return []
    to = [not_there_yet(f"{preview.name}.keyed.csv") for preview in (one, other)]
    heading = "_".join(names)
    source = (
        "import csv; a = dict(newline='', encoding='latin-1'); w = lambda r, k, t: csv.writer(open(t, 'w', **a))"
        f".writerows([[{heading!r}, *r[0]], *[['/'.join(c[i].strip() for i in k), *c] for c in r[1:]]]); "
    ) + "; ".join(
        f"w([*csv.reader((c for c in {opener_of(preview.name)}({preview.name!r}, 'rt', **a) if c.lstrip()[:1] not in "
        f"'#'), delimiter={preview.delimiter!r})], {places!r}, {path!r})"
        for preview, places, path in zip((one, other), (columns, others), to, strict=True)
    )
    settings = {"id": heading, "drop": tuple(names)}
    meaning = f"rows belong together by {' and '.join(names)}"
    return [Remedy(settings, meaning, dict(zip((one.name, other.name), to, strict=True)), python=source)]


def _rows(preview: Preview, what: str, rows: str, meaning: str) -> list[Remedy]:
    """The remedy that writes the ``rows`` that Python makes of those of a table of text, r, its header first."""
    name, delimiter = preview.name, preview.delimiter
    if not (delimiter.strip() or delimiter == "\t") or preview.headings is None or not can_be_edited(name):
        return []
    path = Path(name.removesuffix(".gz"))
    to = not_there_yet(str(path.with_suffix(f".{what}{path.suffix}")))
    source = (
        f"import csv; a = dict(newline='', encoding='latin-1'); "
        f"f = (c for c in {opener_of(name)}({name!r}, 'rt', **a) if c.lstrip()[:1] not in '#'); "
        f"r = [*csv.reader(f, delimiter={delimiter!r})]; "
        f"csv.writer(open({to!r}, 'w', **a), delimiter={delimiter!r}).writerows([r[0], *{rows}])"
    )
    return [Remedy(python=source, files={name: to}, meaning=meaning)]
