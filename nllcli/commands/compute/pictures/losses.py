"""How the losses are spread: how many samples lose how much, and what they bring to the loss."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nllcli.commands.compute.pictures.loss_panels import panels_of
from nllcli.commands.compute.pictures.loss_rows import brief_of, rows_of, step_of, table_of
from nllcli.commands.compute.pictures.spread import Spread
from nllcli.commands.compute.pictures.wording import is_surprisal, noun_of, samples, share_of_loss
from nllcli.numerics.pictured.edges import COARSE
from nllcli.report import Fact, Picture, Strong

if TYPE_CHECKING:
    from nllcli.commands.compute.result import LossResult
    from nllcli.report import Sentence

# The losses that may divide those that matter from the others, in the order in which they are tried.
_DIVIDES = (1.0, 10.0, 0.1, 100.0, 0.01, 1000.0, *(10.0**-k for k in range(3, 21)))


def picture(result: LossResult) -> Picture | None:
    """Both panels on one axis: bars of samples above, bars of their loss below."""
    spread = Spread.of(result)
    if not spread.n + spread.n_infinite:
        return None
    rows = rows_of(spread, step_of(spread))
    return Picture(
        "losses",
        "How are the losses spread?",
        _answer(result, spread),
        table_of(result, rows),
        panels_of(result, spread, rows),
        brief=table_of(result, brief_of(spread), bars=True),
        key_of=(("samples", noun_of(result)), ("loss", share_of_loss(result))) if spread.has_shares else (),
        reading=f"Above: how many {noun_of(result)} lose how much. Below: what they bring to the loss."
        if spread.has_shares
        else "",
        wide=True,
        more=(Fact("n_infinite", spread.n_infinite, "count"),),
    )


def _answer(result: LossResult, spread: Spread) -> Sentence:
    if spread.n_infinite == spread.n + spread.n_infinite:
        why = ": its class had probability 0" if is_surprisal(result) else ""
        return (f"Every one of them loses infinitely much{why}.",)
    if len([count for count in spread.fine_counts if count]) == 1 and not spread.n_infinite:
        return _all_alike(result, spread)
    told = [_median(result, spread), _infinite(result, spread), _large(result, spread)]
    first, *others = [each for each in told if each]
    return *first, *(part for each in others for part in (" ", *each))


def _all_alike(result: LossResult, spread: Spread) -> Sentence:
    mean = result.loss_unweighted
    if not mean:
        return ("They are not: every one is 0.",)
    if spread.n == 1:
        return ("There is one: ", Strong((Fact("loss", mean, unit="nats"),)), ".")
    return (f"Hardly: all {noun_of(result)} lose about ", Strong((Fact("mean", mean, unit="nats"),)), ".")


def _median(result: LossResult, spread: Spread) -> Sentence:
    median, most = spread.median(), float(COARSE[-1])
    if median is None:
        return (f"Half of the {noun_of(result)} lose more than ", Fact("median_above", most, "round", "nats"), ".")
    return (f"Half of the {noun_of(result)} lose less than ", Fact("median_below", median, "round", "nats"), ".")


def _infinite(result: LossResult, spread: Spread) -> Sentence:
    if not spread.n_infinite:
        return ()
    lose = "loses" if spread.n_infinite == 1 else "lose"
    which = Strong((*samples(result, spread.n_infinite, "n_infinite"), f" {lose} infinitely much"))
    return which, ": the class had probability 0." if is_surprisal(result) else "."


def _large(result: LossResult, spread: Spread) -> Sentence:
    """The samples above a round loss that bring half of it and more."""
    loss = _divide(spread) if spread.has_shares else None
    if loss is None:
        return ()
    n, share = spread.at_least(loss)
    p = ""
    if is_surprisal(result) and loss >= 0.01:
        what = f"{'their' if n > 1 else 'its'} class" if result.tally.subject.has_classes else "the token"
        p = f", a probability of {what} up to {math.exp(-loss):.2g},"
    lose, bring = ("loses", "brings") if n == 1 else ("lose", "bring")
    return (
        "The ",
        *samples(result, n, "n_large"),
        " (",
        Fact("share_of_samples", n / (spread.n + spread.n_infinite), "share"),
        f") that {lose} ",
        Fact("large", loss, "round", "nats"),
        f" or more{p} ",
        Strong((f"{bring} ", Fact("share_of_loss", share, "share"))),
        " of the loss.",
    )


def _divide(spread: Spread) -> float | None:
    """A round loss above which fewer than half of the samples bring half; or else one above which nearly half are."""
    for loss in _DIVIDES:
        n, share = spread.at_least(loss)
        if share >= 0.5 and 2 * n <= spread.n:
            return loss
    edge = next((edge for edge in COARSE.tolist() if 2 * spread.at_least(edge)[0] <= spread.n), None)
    return edge if edge is not None and spread.at_least(edge)[0] else None
