"""Whose sure answers are wrong: the errors that both models claim, and those that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.commands.compare.pictures.wording import key_of, paired_of
from nllcli.report import Column, Fact, Name, Picture, Strong, Table
from nllcli.scoring.answers import FEWEST, SURE, groups_of, merged, up_to
from nllcli.scoring.claimed import columns_of, panel_of

if TYPE_CHECKING:
    from nllcli.commands.compare.result import Comparison
    from nllcli.report import Sentence
    from nllcli.scoring.answers import Group


def picture(result: Comparison) -> Picture | None:
    """The claimed and the found errors of both, on logarithmic axes."""
    if paired_of(result) is None:
        return None
    collected = [tally.pictures for tally in result.compared.sums.models]
    baseline, model = (groups_of(None if each is None else each.claims) for each in collected)
    if min(sum(group.n for group in groups) for groups in (baseline, model)) < FEWEST:
        return None
    first, second = merged(baseline), merged(model)
    return Picture(
        "sure",
        "Whose sure answers are wrong?",
        _answer(result, baseline, model),
        _table(result, first, second),
        (panel_of([("first", first), ("second", second)]),),
        key_of=key_of(result),
        reading="The line through a dot: 95 % interval (Wilson); hollow: none is wrong.",
    )


def _answer(result: Comparison, baseline: list[Group], model: list[Group]) -> Sentence:
    """Of as sure answers of both as both have enough of."""
    pair = result.comparisons[0]
    for most in SURE:
        found = up_to(baseline, most), up_to(model, most)
        if all(group is not None and group.n >= FEWEST for group in found):
            break
    first, second = found
    assert first is not None
    assert second is not None
    sure: Sentence = (Name(pair.baseline), " gives ", Fact("n_sure_baseline", first.n, "count"), " answers, of which ")
    if most < 1.0:
        certain = Fact("certain_from", 1.0 - most, "share")
        sure = Name(pair.baseline), " is at least ", certain, " certain of ", *sure[2:]
    of = " of " if most < 1.0 else " gives "
    return (
        *sure,
        *_wrong(first, "baseline"),
        "; ",
        Name(pair.model),
        of,
        Fact("n_sure_model", second.n, "count"),
        ", of which ",
        *_wrong(second, "model"),
        ".",
    )


def _wrong(group: Group, key: str) -> Sentence:
    are = " is" if group.n_wrong == 1 else " are"
    claimed = Fact(f"n_wrong_claimed_{key}", group.claimed)
    return (
        claimed,
        " would be wrong by its own claims and ",
        Strong((Fact(f"n_wrong_{key}", group.n_wrong, "count"), are)),
    )


def _table(result: Comparison, baseline: list[Group], model: list[Group]) -> Table:
    pair = result.comparisons[0]
    names = [pair.baseline] * len(baseline) + [pair.model] * len(model)
    return Table.of("sure", "", [(Column("model", "model", "text"), names), *columns_of([*baseline, *model])])
