"""nll reconcile: which convention turns these inputs into the number that somebody else got."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.commands.reconcile.conventions.reductions import DIVISORS
from nllcli.commands.reconcile.facts import Facts
from nllcli.commands.reconcile.python_lines import python_line
from nllcli.commands.reconcile.reproduce import Reproduction, reproduction
from nllcli.commands.reconcile.search import Candidate, Search, search
from nllcli.commands.reconcile.solving import Solved, batch_sizes, by_size, in_order, solved
from nllcli.commands.reconcile.suspects import Suspects
from nllcli.errors import Notice
from nllcli.numerics.schemes import ABOUT
from nllcli.records import dataclass
from nllcli.scoring.settled import check_has_classes, signature

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nllcli.commands.reconcile.convention import Convention
    from nllcli.commands.reconcile.departure import Departure
    from nllcli.commands.reconcile.expectation import Expectation
    from nllcli.data.settings import ScoreRequest

    Tried = Sequence[tuple[Candidate, float]]

# Two conventions whose numbers are this close (relative) differ only in the order of summing.
_SAME = 1e-11
_LIKELY = 0.05


@dataclass(frozen=True)
class Match:
    """A number, the simplest convention that gives it, and how to compute that.

    ``departures`` say what the convention does differently from the user's own settings, ``also`` describes other
    conventions that give the same number here, ``python`` is a line for PyTorch or scikit-learn (empty: none is short
    enough).
    """

    value: float
    difference: float
    departures: tuple[str, ...]
    description: str
    also: tuple[str, ...]
    reproduction: Reproduction
    python: str


@dataclass(frozen=True)
class Fit:
    """An unknown that fits the expected number at a ``value``, and the ``chance`` that one as round does."""

    unknown: str
    value: float
    chance: float
    match: Match


@dataclass(frozen=True)
class Reconciled:
    """The conventions that give the expected number, best first, and what else was tried.

    ``fits`` are unknowns that were solved for, where no single departure gives the number. ``tries`` describe all
    departures by what they concern.

    ``next_best`` has the nearest number that is not among the matches; ``n_unlisted`` counts the numbers that match
    too, but only add departures to what is listed. ``own_value`` is the number of the user's own settings (None: it is
    not finite). ``chance`` is the share of the numbers near the expected one that some convention matches.
    """

    name: str
    expected: Expectation
    matches: tuple[Match, ...]
    fits: tuple[Fit, ...]
    next_best: Match | None
    n_unlisted: int
    n_tried: int
    n_distinct: int
    own_value: float | None
    chance: float
    tries: Mapping[str, tuple[str, ...]]
    warnings: tuple[Notice, ...]
    notes: tuple[Notice, ...]
    signature: str


def reconcile(request: ScoreRequest, typed: Expectation, suspects: Suspects) -> Reconciled:
    """Search the conventions for those that give the expected number."""
    check_has_classes(request.loss, "nll reconcile")
    return explained(search(request, suspects), typed)


def explained(done: Search, typed: Expectation) -> Reconciled:
    """What of all that was tried gives the expected number."""
    values = [value for _, value in done.tried]
    expected = typed.among(values)
    near = [(candidate, value) for candidate, value in done.tried if expected.matches(value)]
    sized = {} if near else by_size(done)
    near += [_sized(done, departure) for departure in batch_sizes(sized, expected)]
    groups = _groups(near, expected)
    matches = tuple(_match(done, expected, value, candidates) for value, candidates in groups)
    others = _others(done.tried, [match.value for match in matches], expected)
    nearest = min(others, key=lambda other: abs(other[1] - expected.value), default=None)
    n_unlisted = len({expected.shown(v) for v in _distinct([v for _, v in others if expected.matches(v)])})
    numbers = _distinct(values)
    chance = expected.widest(values).coverage(numbers, once=in_order(sized))
    is_simple = any(len(match.departures) <= 1 for match in matches)
    return Reconciled(
        name=done.settled.dataset.logits.name,
        expected=expected,
        matches=matches,
        fits=() if is_simple else tuple(_fit(done, expected, one) for one in solved(done, expected)),
        next_best=None if nearest is None else _match(done, expected, nearest[1], [nearest[0]]),
        n_unlisted=n_unlisted,
        n_tried=len(values),
        n_distinct=len(numbers),
        own_value=next((value for candidate, value in done.tried if not candidate.departures), None),
        chance=chance,
        tries=_tries(done),
        warnings=(*done.notices, *_doubts(matches, n_unlisted, chance, expected, typed)),
        notes=done.settled.dataset.notes,
        signature=signature(done.settled),
    )


def _sized(done: Search, departure: Departure) -> tuple[Candidate, float]:
    convention = departure.apply(done.base)
    return Candidate(convention, (departure,)), done.values.of(convention)


def _fit(done: Search, expected: Expectation, one: Solved) -> Fit:
    candidate = Candidate(one.departure.apply(done.base), (one.departure,))
    return Fit(one.unknown, one.value, one.chance, _match(done, expected, one.number, [candidate]))


def _tries(done: Search) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for departure in done.tries:
        found.setdefault(departure.dimension, []).append(departure.kind or departure.text)
    return {dimension: tuple(dict.fromkeys(texts)) for dimension, texts in found.items()}


def _groups(near: Tried, expected: Expectation) -> list[tuple[float, list[Candidate]]]:
    """The simplest conventions that match, best first; those of one number together.

    A convention that only adds departures to one that matches already explains nothing more.
    """
    groups: list[tuple[float, list[Candidate]]] = []
    for candidate, value in sorted(near, key=lambda one: (len(one[0].departures), one[0].rarity)):
        departures = set(candidate.departures)
        if any(set(kept.departures) <= departures for _, members in groups for kept in members):
            continue
        same = next((members for known, members in groups if _is_same(value, known)), None)
        if same is None:
            groups.append((value, [candidate]))
        else:
            same.append(candidate)
    return sorted(groups, key=lambda group: (group[1][0].rarity, abs(group[0] - expected.value)))


def _others(tried: Tried, listed: Sequence[float], expected: Expectation) -> Tried:
    """The candidates whose number differs, beyond rounding, from every listed one."""
    shown = {expected.shown(value) for value in listed}
    return [
        (candidate, value)
        for candidate, value in tried
        if expected.shown(value) not in shown and not any(_is_same(value, known) for known in listed)
    ]


def _is_same(a: float, b: float) -> bool:
    return abs(a - b) <= _SAME * max(abs(a), abs(b))


def _distinct(values: Sequence[float]) -> list[float]:
    """The numbers in ascending order, those that are the same but for rounding once."""
    out: list[float] = []
    for value in sorted(values):
        if not out or not _is_same(value, out[-1]):
            out.append(value)
    return out


def _match(done: Search, expected: Expectation, value: float, candidates: Sequence[Candidate]) -> Match:
    """The candidates that give one number, the simplest first."""
    first, *also = candidates
    facts = _facts(done, first.convention)
    return Match(
        value,
        value - expected.value,
        tuple(departure.text for departure in first.departures),
        first.description,
        tuple(candidate.description for candidate in also),
        reproduction(first.convention, facts),
        python_line(first.convention, facts),
    )


def _facts(done: Search, convention: Convention) -> Facts:
    dataset, values, items = done.settled.dataset, done.values, done.values.found.items
    return Facts(
        request=done.request,
        dataset=dataset,
        others=done.others,
        one_hot=done.one_hot,
        probabilities=done.probabilities,
        n_items=items.n if items.length > 1 else 0,
        divisor=values.divisor(convention) if convention.reduction in DIVISORS else 0.0,
        weights=values.weights.of_every_class(convention, dataset.n_classes),
        empty_classes=convention.weighting.name in ABOUT and values.weights.leave_out(convention),
    )


def _doubts(
    matches: Sequence[Match], n_unlisted: int, chance: float, expected: Expectation, typed: Expectation
) -> list[Notice]:
    """What makes a match say little."""
    found = []
    if expected is not typed:
        message = f"no convention gives all digits of {typed.text}; what is listed matches within single precision, "
        found.append(Notice("single-precision", message + "as a number made of float32 losses does"))
    if len(matches) > 1 or (n_unlisted and chance >= _LIKELY):
        unlisted = f", {n_unlisted} of them not listed" if n_unlisted else ""
        message = f"{len(matches) + n_unlisted} different numbers match {expected.text}{unlisted}"
        more = ": more of its digits would tell them apart" if expected is typed else ""
        found.append(Notice("several-match", message + more))
    alike = sum(1 for match in matches if match.also)
    if alike:
        message = f"{alike} of the matches {'is' if alike == 1 else 'are'} given by several conventions, "
        found.append(Notice("conventions-coincide", message + "which this data cannot tell apart"))
    if chance >= _LIKELY and matches and matches[0].departures:
        message = f"at this tolerance {100 * chance:.0f} % of all numbers near {expected.text} match some convention: "
        found.append(Notice("likely-by-chance", message + "a match says little"))
    return found
