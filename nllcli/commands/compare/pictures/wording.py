"""What several pictures of a comparison say alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.data.settings import TOKENS
from nllcli.report import Fact

if TYPE_CHECKING:
    from nllcli.commands.compare.pictured import Paired
    from nllcli.commands.compare.result import Comparison
    from nllcli.drawing import Tone

Words = tuple[str | Fact, ...]


def paired_of(result: Comparison) -> Paired | None:
    """What a pass has collected of two models; None of more, or where no picture was wanted."""
    pairs = result.compared.sums.pairs
    return pairs[0].pictured if len(pairs) == 1 else None


def key_of(result: Comparison) -> tuple[tuple[Tone, str], ...]:
    """Which tone stands for which of two models."""
    pair = result.comparisons[0]
    return ("first", pair.baseline), ("second", pair.model)


def noun_of(result: Comparison) -> str:
    """What has a loss, in the plural."""
    return "tokens" if result.compared.subject.models[0].source == TOKENS else "samples"


def counted(result: Comparison, key: str, n: int) -> Words:
    """A number of what has a loss."""
    noun = noun_of(result)
    return Fact(key, n, "count"), f" {noun[:-1] if n == 1 else noun}"
