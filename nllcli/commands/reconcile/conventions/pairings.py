"""Which target each sample meets: shifts, other orders of the classes, and targets that do not count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nllcli.commands.reconcile.convention import Pairing
from nllcli.commands.reconcile.departure import OFTEN, RARELY, SOMETIMES, Departure
from nllcli.data.settings import DEFAULT_IGNORE_INDEX
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from nllcli.commands.reconcile.convention import Convention
    from nllcli.commands.reconcile.departure import Known
    from nllcli.data.dataset import Dataset

    Classes = NDArray[np.int64]

# The fewest classes that text may order otherwise, and the most that are tried in that order.
_FEWEST_IN_ORDER, _MOST_IN_ORDER = 3, 100_000
NO_TARGET = int(np.iinfo(np.int64).min)


@dataclass(frozen=True)
class Change:
    """What is done to the targets: in words, as a function, and in Python.

    ``of_classes`` gives the class (C,) that each becomes; ``of_rows`` gets whole rows (n, length) and an index, and
    returns them with NO_TARGET where a target does not count, those of ``before`` a shift or after it. ``python`` makes
    new classes of y, of the ``last`` class, and of the ``order`` of the classes by their names.
    """

    text: str
    python: str = ""
    of_classes: Callable[[Sequence[str]], Classes] | None = None
    of_rows: Callable[[Classes, int], Classes] | None = None
    before: bool = False


def _in_text_order(names: Sequence[str]) -> Classes:
    """The class whose column a target takes where the columns are in the order of their names as text."""
    places = np.empty(len(names), np.int64)
    places[_text_order(names)] = np.arange(len(names))
    return places


def _text_order(names: Sequence[str]) -> Classes:
    return np.array(sorted(range(len(names)), key=names.__getitem__), np.int64)


def _reversed(names: Sequence[str]) -> Classes:
    return np.arange(len(names))[::-1].copy()


def _second_half(rows: Classes, _: int) -> Classes:
    return np.where(np.arange(rows.shape[1]) >= rows.shape[1] // 2, rows, NO_TARGET)


def _first_alone(rows: Classes, index: int) -> Classes:
    """Rows in which of the targets ``index`` the first one of each counts."""
    marks = rows == index
    return np.where(marks & (np.cumsum(marks, axis=1) > 1), NO_TARGET, rows)


CHANGES = {
    "exchanged": Change(
        "the two classes exchanged",
        python="{last} - y",
        of_classes=_reversed,
    ),
    "reversed": Change(
        "the classes in reverse order",
        python="{last} - y",
        of_classes=_reversed,
    ),
    "one-lower": Change(
        "each target one lower, and 0 the last class, as NumPy takes an index of -1",
        python="(y + {last}) % ({last} + 1)",
        of_classes=lambda names: np.roll(np.arange(len(names)), 1),
    ),
    "text-order": Change(
        "the classes in string order: each target scored by its place there",
        python="torch.tensor({order}).argsort()[y.clamp(0, {last})]",
        of_classes=_in_text_order,
    ),
    "from-text-order": Change(
        "the classes in string order: each target taken for a place there",
        python="torch.tensor({order})[y.clamp(0, {last})]",
        of_classes=_text_order,
    ),
    "second-half": Change(
        "the second half of each row alone, the first as context",
        of_rows=_second_half,
    ),
    "first-alone": Change(
        "of the targets {index} in each row the first one counts, as where padding is the end of text",
        of_rows=_first_alone,
        before=True,
    ),
}


def departures(known: Known) -> Iterator[Departure]:
    own = known.base.term.pairing
    for pairing in known.found.counts:
        if pairing.change == "largest":
            text = "the class of the largest probability as the target"
            yield Departure("layout", text, {"pairing": pairing}, RARELY)
        elif pairing.change not in ("", own.change):
            text = CHANGES[pairing.change].text.format(index=pairing.index)
            kept = {"ignore_index": DEFAULT_IGNORE_INDEX} if pairing.change == "first-alone" else {}
            yield Departure("layout", text, {"pairing": pairing, **kept}, RARELY)
        elif pairing.flat:
            text = f"the batch flattened, then shifted: t against the target of t{pairing.shift:+d}, across the rows"
            yield Departure("layout", text, {"pairing": pairing}, RARELY)
        else:
            yield Departure("shift", _shift_text(pairing.shift), {"pairing": pairing}, _rarity(pairing.shift))
    yield from _ignored(known)


def makes_sense(convention: Convention) -> bool:
    """Whether what is ignored is not taken out twice."""
    return convention.term.pairing.change != "first-alone" or convention.ignore_index == DEFAULT_IGNORE_INDEX


def _rarity(shift: int) -> int:
    return SOMETIMES if abs(shift) <= 1 else RARELY


def _shift_text(shift: int) -> str:
    twice = ", shifted twice" if abs(shift) > 1 else ""
    return f"position t against the target of t{shift:+d}{twice}" if shift else "each position against its own target"


def _ignored(known: Known) -> Iterator[Departure]:
    """Classes that others may take for padding: the first, the most frequent, and 255; and none of them."""
    base, found = known.base, known.found
    if found.outside or found.is_soft:  # the one index to ignore is taken, or there is none
        return
    counts = found.counts[base.term.pairing]
    if 0 <= base.ignore_index < counts.n_classes:
        yield Departure("ignore", "no target ignored", {"ignore_index": DEFAULT_IGNORE_INDEX}, OFTEN)
    most = int(counts.classes[counts.sums.argmax()])
    for index in dict.fromkeys((0, most, 255)):
        if counts[index]:
            why = " (the most frequent)" if index == most != 0 else ""
            yield Departure("ignore", f"target {index} ignored{why}", {"ignore_index": index})


def tried(dataset: Dataset, own: Pairing, padding: Sequence[int], length: int, *, in_file: bool) -> Iterator[Pairing]:
    """The pairings to try, the user's own first; ``length`` is a row's, ``in_file`` says that rows can be read.

    ``padding`` are classes that may stand for it.
    """
    yield own
    shift, n_rows = own.shift, 1
    if in_file:
        shifts = (0, 1, -1, 2, -2)
        yield from (Pairing(k) for k in dict.fromkeys((*shifts, shift + 1)) if k != shift and abs(k) < length)
        n_rows = (dataset.layout.n_samples or 0) // length if length else 0
    if n_rows > 1 and length > 1:
        yield from (Pairing(k, flat=True) for k in dict.fromkeys((1, shift or 1)))
        yield Pairing(shift, change="second-half")
        yield from (Pairing(shift, change="first-alone", index=index) for index in padding)
    if dataset.n_classes == 2:
        yield Pairing(shift, change="exchanged")
    else:
        yield from (Pairing(shift, change=change) for change in ("reversed", "one-lower"))
    names = names_of(dataset)
    if _FEWEST_IN_ORDER <= len(names) <= _MOST_IN_ORDER:
        order, places = _text_order(names), _in_text_order(names)
        if (order != np.arange(len(names))).any():
            yield Pairing(shift, change="text-order")
        if (order != places).any():
            yield Pairing(shift, change="from-text-order")


def names_of(dataset: Dataset) -> Sequence[str]:
    return dataset.class_names or tuple(map(str, range(dataset.n_classes)))
