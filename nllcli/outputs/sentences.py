"""The sentence that answers a picture's question, as text."""

from collections.abc import Sequence
from typing import Any

from nllcli.outputs.formats import printable
from nllcli.outputs.grid import NOTHING
from nllcli.outputs.numbers import texts
from nllcli.report import Fact, Name, Sentence, Strong


def fact_text(fact: Fact) -> str:
    """Return a number of a sentence as a person reads it, with its unit."""
    if fact.value is None:
        return NOTHING
    if fact.kind == "text":
        return printable(str(fact.value))
    (written,) = [_rounded(fact.value)] if fact.kind == "round" else texts(fact.kind, [fact.value])
    unit = fact.unit.removesuffix("s") if written == "1" else fact.unit
    return f"{written} {unit}".rstrip()


def _rounded(value: Any) -> str:
    return f"{value:,.0f}" if 9999.5 <= abs(value) < 1e12 else f"{value:.4g}"


def sentence_text(sentence: Sentence) -> str:
    """Return a sentence as one line of plain text."""
    return "".join(map(_text, sentence))


def _text(part: str | Fact | Name | Strong) -> str:
    if isinstance(part, Strong):
        return sentence_text(part.words)
    if isinstance(part, Fact):
        return fact_text(part)
    return printable(part.text) if isinstance(part, Name) else part


def emphasised(sentence: Sentence) -> Sequence[tuple[str, bool]]:
    """Return a sentence in pieces of text, each with whether it is what the sentence is about."""
    return [(_text(part), isinstance(part, Strong)) for part in sentence]
