"""The samples that lose most, one by one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nllcli.commands.compute.pictures.wording import has_negative_weights, noun_of, share_of_loss
from nllcli.errors import setting
from nllcli.numerics.exact import exact_sum
from nllcli.report import Belief, Column, Columns, Fact, Name, Picture, Strong, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.commands.compute.result import LossResult
    from nllcli.commands.compute.subject import HardSample
    from nllcli.drawing import Tone
    from nllcli.report import Sentence


def picture(result: LossResult) -> Picture | None:
    """A table with the probabilities of all classes, where these are few."""
    found = result.tally.hardest
    if not found or not found[0].loss > 0.0:
        return None
    total = result.tally.sums.loss_sum
    has_shares = total.is_finite and total.units and not has_negative_weights(result)
    shares = [exact_sum(np.array([each.loss])).divided_by(total) for each in found] if has_shares else None
    has_beliefs = any(each.probabilities for each in found)
    return Picture(
        "hardest",
        f"Which {noun_of(result)} are hardest?",
        _answer(result, found, shares),
        _table(result, found, shares),
        key_of=_key(found) if has_beliefs else (),
        reading=_further(result),
        wide=True,
    )


def _answer(result: LossResult, found: Sequence[HardSample], shares: Sequence[float] | None) -> Sentence:
    first, names = found[0], result.class_names
    which: Sentence = (_capital(first.text),)
    if first.target is not None:
        which = (*which, " is ", Name(names[first.target]))
        which = (*which, "; it was given a probability of ", Fact("p", first.p_target, "probability"), " for that, and")
    weighted = ", with its weight" if result.is_weighted else ""
    loses: Sentence = (" loses ", Strong((Fact("loss", first.loss, unit="nats"),)), f"{weighted}.")
    if math.isinf(first.loss):
        loses = (" loses ", Strong(("infinitely much",)), ".")
    if shares is None or len(found) < 2:
        return *which, *loses
    every = math.fsum(shares)
    return *which, *loses, f" These {len(found)} bring ", Fact("share", every, "share"), " of the loss."


def _key(found: Sequence[HardSample]) -> tuple[tuple[Tone, str], ...]:
    is_it: tuple[tuple[Tone, str], ...] = (("loss", "what it is"),) if found[0].target is not None else ()
    return *is_it, ("samples", "what it was taken for")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _table(result: LossResult, found: Sequence[HardSample], shares: Sequence[float] | None) -> Table:
    names, several = result.class_names, len(result.tally.inputs) > 1
    columns: Columns = [(Column("sample", "sample", "text"), [each.text for each in found])]
    if several:
        columns.insert(0, (Column("file", "file", "text"), [each.file for each in found]))
    if any(each.target is not None for each in found):
        columns += [
            (Column("class", "is", "text"), [_name(names, each.target) for each in found]),
            (Column("taken_for", "taken for", "text"), [_name(names, each.top) for each in found]),
            (Column("p", "p(is)", "probability"), [each.p_target for each in found]),
            (Column("p_taken_for", "p(taken for)", "probability", optional=True), [each.p_top for each in found]),
        ]
    columns.append(
        (
            Column("loss", "weighted loss" if result.is_weighted else "loss", "number", "nats"),
            [each.loss for each in found],
        )
    )
    if shares is not None:
        columns.append((Column("share", share_of_loss(result), "share"), shares))
    if any(each.probabilities for each in found):
        beliefs = [Belief(each.probabilities, each.target, each.top) if each.probabilities else None for each in found]
        columns.append((Column("beliefs", "all probabilities", "belief", page_only=True), beliefs))
    return Table.of("hardest", "", columns)


def _name(names: Sequence[str], c: int | None) -> str | None:
    return None if c is None else names[c]


def _further(result: LossResult) -> str:
    """What works a sample through, where one number names it."""
    if len(result.tally.inputs) > 1 or not result.tally.subject.has_classes:
        return ""
    return f"nll explain with {setting('hardest', 1)} works the first of them step by step."
