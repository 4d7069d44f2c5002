"""How often a sure answer is wrong: claimed and found errors, on axes that show the certain ones apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.commands.compute.pictures.spread import collected_of
from nllcli.report import Fact, Picture, Strong, Table
from nllcli.scoring.answers import FEWEST, SURE, Group, groups_of, merged, up_to
from nllcli.scoring.claimed import columns_of, panel_of

if TYPE_CHECKING:
    from nllcli.commands.compute.result import LossResult
    from nllcli.report import Sentence


def picture(result: LossResult) -> Picture | None:
    """The answers in groups, with what their own claims make of them."""
    groups = groups_of(collected_of(result).claims)
    if sum(group.n for group in groups) < FEWEST:
        return None
    shown = merged(groups)
    return Picture(
        "claimed",
        "How often is a sure answer wrong?",
        _answer(groups),
        Table.of("claimed", "", columns_of(shown)),
        (panel_of([("samples", shown)]),),
        more=(Fact("certain_from", 0.0),),
        reading="The reliability diagram once more, with the certain answers spread out: they cost most when they are "
        "wrong. The line through a dot: 95 % interval (Wilson); hollow: none is wrong.",
    )


def _answer(groups: list[Group]) -> Sentence:
    sure = next(
        group for most in SURE if (group := up_to(groups, most)) is not None and (group.n >= FEWEST or most == 1.0)
    )
    certain: Sentence = (" answers that it is at least ", Fact("certain_from", 1.0 - sure.high, "share"), " certain of")
    return (
        "Of the " if sure.high < 1.0 else "It is hardly ever sure: of all ",
        Fact("n_sure", sure.n, "count"),
        *(certain if sure.high < 1.0 else (" answers",)),
        ", ",
        Fact("n_wrong_claimed", sure.claimed, "round"),
        " would be wrong by its own claims; ",
        Strong((Fact("n_wrong", sure.n_wrong, "count"), " is" if sure.n_wrong == 1 else " are")),
        ".",
    )
