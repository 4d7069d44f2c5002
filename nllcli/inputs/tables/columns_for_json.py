"""Which keys of records are which classes, and which labels are numbers, until ``columns`` and ``labels`` say it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError, Notice, Remedy, UsageError, counted, first_few
from nllcli.inputs.labels import LabelReader
from nllcli.inputs.tables.cells import is_number
from nllcli.inputs.tables.columns import Columns
from nllcli.inputs.tables.json_paths import is_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nllcli.inputs.formats import ReadOptions
    from nllcli.inputs.tables.columns import Preview


def choose(preview: Preview, options: ReadOptions) -> Columns:
    """All columns of numbers are classes, but for the targets, the key and the index."""
    n = len(preview.rows[0])
    headings = preview.headings or tuple(str(i + 1) for i in range(n))
    places = {}
    for wanted in (options.target_column, options.key):
        if wanted is None:
            continue
        if wanted in headings:
            places[wanted] = headings.index(wanted)
        elif wanted.isdecimal() and 1 <= int(wanted) <= n:
            places[wanted] = int(wanted) - 1
        else:
            raise UsageError(
                f"there is no column {wanted!r}", where=preview.name, hint=f"columns: {first_few(headings, 20)}"
            )
    taken = {*places.values(), *preview.index}
    classes = tuple(
        c for c in range(n) if c not in taken and any(is_number(str(row[c])) for row in preview.rows)
    )
    names = tuple(headings[c] for c in classes) if preview.headings else None
    target, key = (None if wanted is None else places[wanted] for wanted in (options.target_column, options.key))
    return Columns(classes, names, target, key)


@dataclass
class _Reader(LabelReader):
    """Reads booleans, too, and leaves out labels that are missing."""

    missing: str = "error"
    ignore_index: int = -100
    _n_missing: list[int] = field(default_factory=list)

    def notes(self, name: str) -> tuple[Notice, ...]:
        n = sum(self._n_missing)
        told = f"{name}: {counted(n, 'sample')} without a target left out"
        return (*super().notes(name), *((Notice("missing-targets", told),) if n else ()))

    def read(self, labels: Sequence[str], where: Callable[[int], str]) -> Any:
        gone = [i for i, label in enumerate(labels) if is_missing(label)]
        if gone and self.missing == "error":
            raise DataError("the target is missing", where=where(gone[0]), remedies=[Remedy({"missing": "ignore"})])
        if gone:
            self._n_missing.append(len(gone))
        texts = [_TRUTH.get(label.lower(), label) if self.numeric else label for label in labels]
        kept = [text for i, text in enumerate(texts) if i not in set(gone)]
        places = [i for i in range(len(texts)) if i not in set(gone)]
        found = super().read(kept, lambda i: where(places[i]))
        out = np.full(len(labels), self.ignore_index, np.int64)
        out[places] = found
        return out


_TRUTH = {"true": "1", "false": "0"}


def label_reader(
    seen: Sequence[Any],
    classes: tuple[str, ...] | None,
    what: str,
    name: str,  # noqa: ARG001 - as that of labels
    options: ReadOptions,
) -> LabelReader:
    """The reader of labels of which those ``seen`` are the first."""
    texts = [str(cell) for cell in seen if not is_missing(cell)]
    numeric = all(is_number(_TRUTH.get(text.lower(), text)) for text in texts)
    return _Reader(classes, numeric, what, missing=options.missing, ignore_index=options.ignore_index)
