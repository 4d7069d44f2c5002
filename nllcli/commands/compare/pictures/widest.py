"""The samples on which two models differ most, one by one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nllcli.commands.compare.pictures.wording import noun_of, paired_of
from nllcli.report import Belief, Column, Columns, Fact, Name, Picture, Strong, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.commands.compare.pictured.widest import Wide
    from nllcli.commands.compare.result import Comparison
    from nllcli.numerics.pictured.hardest import Hard
    from nllcli.report import Sentence


def picture(result: Comparison) -> Picture | None:
    """A table with the probabilities of all classes under both, where these are few."""
    paired = paired_of(result)
    if paired is None or not paired.widest.items:
        return None
    found = paired.widest.items
    has_beliefs = any(each.baseline.probabilities or each.model.probabilities for each in found)
    return Picture(
        "widest",
        f"Which {noun_of(result)} differ most?",
        _answer(result, found),
        _table(result, found),
        key_of=(("loss", "what it is"), ("samples", "what it was taken for")) if has_beliefs else (),
        reading="Losses with their weights." if result.is_weighted else "",
        wide=True,
    )


def _answer(result: Comparison, found: Sequence[Wide]) -> Sentence:
    pair, first = result.comparisons[0], found[0]
    what = _name(result, first)
    n_better = sum(each.difference < 0 for each in found)
    more: Sentence = ()
    if len(found) > 1:
        more = (
            " Of these ",
            f"{len(found)}, ",
            Name(pair.model),
            " is better on ",
            Fact("n_better", n_better, "count"),
            ".",
        )
    return (
        Name(what[:1].upper() + what[1:]),
        " costs ",
        Name(pair.baseline),
        " ",
        *_cost("baseline_loss", first.baseline.loss),
        ", and ",
        Name(pair.model),
        " ",
        Strong(_cost("model_loss", first.model.loss)),
        ".",
        *more,
    )


def _cost(key: str, loss: float) -> tuple[str | Fact, ...]:
    return (Fact(key, loss, unit="nats"),) if math.isfinite(loss) else ("infinitely much",)


def _name(result: Comparison, each: Wide) -> str:
    return each.key if each.key is not None else result.compared.place(each.number)


def _table(result: Comparison, found: Sequence[Wide]) -> Table:
    pair = result.comparisons[0]
    columns: Columns = [(Column("sample", "sample", "text"), [_name(result, each) for each in found])]
    target = [_class(result, 0, each.baseline.target) or _class(result, 1, each.model.target) for each in found]
    if any(target):
        columns.append((Column("class", "is", "text"), target))
    columns += [
        (Column("baseline_loss", pair.baseline, "number", "nats"), [each.baseline.loss for each in found]),
        (Column("model_loss", pair.model, "number", "nats"), [each.model.loss for each in found]),
        (Column("difference", "difference", "number", "nats"), [each.difference for each in found]),
    ]
    sides = [
        ("baseline", pair.baseline, 0, [each.baseline for each in found]),
        ("model", pair.model, 1, [each.model for each in found]),
    ]
    for key, name, place, own in sides:
        if any(each.top is not None for each in own):
            taken = [_class(result, place, each.top) for each in own]
            columns.append((Column(f"{key}_taken_for", f"taken for, {name}", "text"), taken))
    for key, name, _, own in sides:
        if any(each.probabilities for each in own):
            beliefs = Column(f"{key}_beliefs", f"{name}, every class", "belief", page_only=True)
            columns.append((beliefs, [_belief(each) for each in own]))
    return Table.of("widest", "", columns)


def _class(result: Comparison, place: int, c: int | None) -> str | None:
    """The name of a class, as the model at a place has it."""
    return None if c is None else result.compared.subject.models[place].named_classes[c]


def _belief(each: Hard) -> Belief | None:
    return Belief(each.probabilities, each.target, each.top) if each.probabilities else None
