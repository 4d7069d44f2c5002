"""Numbers, names and sentences in a page: each number carries all its digits beside its text."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from nllcli.outputs.drawing.tree import Child, h
from nllcli.outputs.grid import NOTHING
from nllcli.outputs.sentences import fact_text
from nllcli.report import Fact, Name, Sentence, Strong, Value, shortest

_LONG = 32  # letters of a name, which a table keeps in one line


def number(value: Value, text: str) -> Child:
    """A value as its text; a number with what reads back to it."""
    if value is None:
        return h("span", NOTHING, class_="muted")
    if isinstance(value, str | bool):
        return name(text)
    return h("data", text, value=shortest(value))


def name(text: str) -> Element:
    """Text from outside, whose direction stays its own, and whose lines may break anywhere where it is long."""
    return h("bdi", text, class_="long" if len(text) > _LONG else None)


def sentence(words: Sentence) -> Iterator[Child]:
    """What a sentence is made of."""
    for word in words:
        if isinstance(word, Strong):
            yield h("strong", *sentence(word.words))
        elif isinstance(word, Name):
            yield name(word.text)
        else:
            yield fact(word) if isinstance(word, Fact) else word


def fact(found: Fact) -> Element:
    """A number of a sentence, and its unit."""
    if found.value is None or isinstance(found.value, str):
        return name(fact_text(found))
    return h("data", fact_text(found), value=shortest(found.value))
