"""Parts of sentences that several pictures have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.outputs.numbers import texts
from nllcli.report import Fact, Name

if TYPE_CHECKING:
    from nllcli.commands.compute.result import LossResult

Words = tuple[str | Fact | Name, ...]

# Above this many classes or rows, those that matter most are shown.
MOST_CLASSES = 30


def between(key: str, low: float, high: float, kind: str) -> Words:
    """A number that lies between two: said as one where both are written alike."""
    if texts(kind, [low]) == texts(kind, [high]):
        return (Fact(key, low, kind),)
    return Fact(f"{key}_low", low, kind), " to ", Fact(f"{key}_high", high, kind)


def samples(result: LossResult, n: int, key: str = "") -> Words:
    """A number of samples, or of tokens where there is one number a token."""
    noun = "sample" if result.tally.subject.has_classes else "token"
    return Fact(key or f"n_{noun}s", n, "count"), f" {noun}{'' if n == 1 else 's'}"


def noun_of(result: LossResult) -> str:
    """What the loss is a mean of, in the plural."""
    return "samples" if result.tally.subject.has_classes else "tokens"


def is_surprisal(result: LossResult) -> bool:
    """Whether the loss of a sample without its weight is -log of the probability of one class, or token."""
    subject = result.tally.subject
    return result.loss_name == "nll" and not (subject.soft or subject.label_smoothing)


def has_negative_weights(result: LossResult) -> bool:
    """Whether samples make the loss smaller, so that parts of it are not shares."""
    weights = result.tally.subject.class_weights or ()
    return min(weights, default=0.0) < 0.0 or "negative-sample-weights" in result.tally.findings


def share_of_loss(result: LossResult) -> str:
    """What shares are of."""
    return "share of the weighted loss" if result.is_weighted else "share of the loss"
