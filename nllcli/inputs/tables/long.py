"""Tables in long form: one row a sample and class, with the class in one column and its score in another."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from nllcli.errors import Remedy, UsageError
from nllcli.inputs.bytes.compressed import can_be_edited, opener_of
from nllcli.inputs.bytes.files import not_there_yet
from nllcli.inputs.tables.cells import is_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.inputs.tables.columns import Preview

_FEWEST_SAMPLES = 3


def check(preview: Preview, columns: Sequence[int]) -> None:
    """Raise UsageError for a text table whose first rows are in long form, as far as these ``columns`` show it."""
    if not preview.delimiter or preview.headings is None or len(preview.rows) < 2 * _FEWEST_SAMPLES:
        return
    cells = dict(enumerate(zip(*preview.rows, strict=False)))
    for outer, n in [(c, n) for c in columns if (n := _run(cells[c]))]:
        for inner in (c for c in columns if c != outer and _takes_turns(cells[c], n)):
            scores = [c for c in columns if c not in (outer, inner) and not _stays(cells[c], n)]
            if len(scores) == 1 and all(map(is_number, cells[scores[0]])):
                raise _refusal(preview, (outer, inner), scores[0])


def _run(cells: Sequence[str]) -> int:
    """How many rows each value stays, of which the last ones may not be seen whole; 0 where that differs."""
    if cells[0] != cells[1]:
        return 0
    runs = [len(list(group)) for _, group in groupby(cells)]
    n = runs[0]
    return n if len(runs) >= _FEWEST_SAMPLES and set(runs[:-1]) == {n} and runs[-1] <= n else 0


def _stays(cells: Sequence[str], n: int) -> bool:
    """Whether all of every ``n`` cells are the same."""
    return all(cell == cells[i - i % n] for i, cell in enumerate(cells))


def _takes_turns(cells: Sequence[str], n: int) -> bool:
    """Whether every ``n`` cells are the same names, or whole numbers, each once."""
    parts = [sorted(cells[i : i + n]) for i in range(0, len(cells) - n + 1, n)]
    return len(set(parts[0])) == n and all(part == parts[0] for part in parts) and not any("." in x for x in parts[0])


def _refusal(preview: Preview, pair: tuple[int, int], score: int) -> UsageError:
    """The refusal that offers one row a sample: numbers beside names are the samples, else either may be."""
    numeric = [all(is_number(row[c]) for row in preview.rows) for c in pair]
    ways = [pair, pair[::-1]] if numeric[0] == numeric[1] else [pair if numeric[0] else pair[::-1]]
    if not can_be_edited(preview.name):
        ways = []
    return UsageError(
        "is in long form: a row for each sample and class",
        where=preview.name,
        remedies=[_pivoted(preview, sample, label, score) for sample, label in ways],
    )


def _pivoted(preview: Preview, sample: int, label: int, score: int) -> Remedy:
    """The remedy that writes one row a sample; it ends where a sample has a class, or a column of its name, twice."""
    name, to = preview.name, not_there_yet(f"{preview.name.removesuffix('.gz')}.wide.csv")
    key, of_label, of_score = (preview.heading(c) for c in (sample, label, score))
    source = (
        f"import csv, sys; w = {{}}; a = dict(newline='', encoding='utf-8-sig'); [w.setdefault(d[{key!r}], d).update("
        f"{{d.pop({of_label!r}): d.pop({of_score!r})}}) if d[{of_label!r}] not in w.get(d[{key!r}], d) else sys.exit("
        f"'twice: ' + d[{key!r}] + ', ' + d[{of_label!r}]) "
        f"for d in csv.DictReader({opener_of(name)}({name!r}, 'rt', **a), delimiter={preview.delimiter!r}, "
        f"skipinitialspace=True)]; r = list(w.values()); "
        f"o = csv.DictWriter(open({to!r}, 'w', newline='', encoding='utf-8'), list(r[0])); "
        "o.writeheader(); o.writerows(r)"
    )
    meaning = f"{key} is the sample, {of_label} the class, {of_score} its score"
    return Remedy(python=source, files={name: to}, meaning=meaning)
