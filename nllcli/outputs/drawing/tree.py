"""Elements of HTML and SVG, which are escaped because nothing but elements and text can be put into one."""

from typing import TypeAlias
from xml.etree.ElementTree import Element, tostring

from nllcli.outputs.formats import printable

Child: TypeAlias = Element | str | None

# After the end of these a new line begins, for whoever reads or compares the source.
_BLOCKS = {"head", "meta", "title", "link", "style", "header", "main", "footer", "nav", "section", "article", "div"}
_BLOCKS |= {"p", "ul", "li", "dl", "h1", "h2", "h3", "table", "thead", "tbody", "tr", "details", "summary", "pre"}
_BLOCKS |= {"fieldset", "svg", "g", "path", "rect", "text", "circle", "desc"}


class Lines(str):
    """Text whose lines end where it says: another end of a line is shown as the letters that stand for it."""

    __slots__ = ()


def h(tag: str, *children: Child, **attributes: str | float | None) -> Element:
    """An element with what is in it; None stands for nothing.

    An underscore in the name of an attribute is a dash, and one at its end stands for nothing: ``class_`` is class.
    """
    names = {name: value for name, value in attributes.items() if value is not None}
    element = Element(tag, {name.rstrip("_").replace("_", "-"): _value(value) for name, value in names.items()})
    put(element, *children)
    return element


def put(element: Element, *children: Child) -> None:
    """Add to what is in an element."""
    for child in children:
        if isinstance(child, str):
            text = "\n".join(map(printable, child.split("\n"))) if isinstance(child, Lines) else printable(child)
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
    _break_lines(element)
    return tostring(element, encoding="unicode", method="html")


def xml(element: Element) -> str:
    """An element of a file of its own as text."""
    _break_lines(element)
    return tostring(element, encoding="unicode")


def _break_lines(root: Element) -> None:
    """Begin a new line after each block, but for those that stand in running text."""
    for element in root.iter():
        for child in element:
            if child.tag in _BLOCKS and not child.tail and not element.text:
                child.tail = "\n"
