"""Elements of HTML and SVG, which are escaped because nothing but elements and text can be put into one."""

from typing import TypeAlias
from xml.etree.ElementTree import Element, tostring

from nllcli.outputs.formats import printable

Child: TypeAlias = Element | str | None

_LINES = "\n"


def h(tag: str, *children: Child, **attributes: str | float | None) -> Element:
    """An element with what is in it; None stands for nothing.

    An underscore in the name of an attribute is a dash, and one at its end stands for nothing: ``class_`` is class.
    Text is made ``printable``, but for the ends of its lines.
    """
    names = {name: value for name, value in attributes.items() if value is not None}
    element = Element(tag, {name.rstrip("_").replace("_", "-"): _value(value) for name, value in names.items()})
    for child in children:
        put(element, child)
    return element


def put(element: Element, *children: Child) -> None:
    """Add to what is in an element."""
    for child in children:
        if isinstance(child, str):
            text = _LINES.join(map(printable, child.split(_LINES)))
            if len(element):
                element[-1].tail = (element[-1].tail or "") + text
            else:
                element.text = (element.text or "") + text
        elif child is not None:
            element.append(child)


def _value(value: str | float) -> str:
    return printable(value) if isinstance(value, str) else place(value)


def place(x: float) -> str:
    """A place or a length of a drawing, to a tenth of a pixel."""
    return f"{round(x, 1) + 0.0:.1f}".removesuffix(".0")


def html(element: Element) -> str:
    """An element of a page as text."""
    return tostring(element, encoding="unicode", method="html")


def xml(element: Element) -> str:
    """An element of a file of its own as text."""
    return tostring(element, encoding="unicode")
