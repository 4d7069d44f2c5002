"""How wide text is before there is a font, and how numbers and names are set in a drawing."""

import re
from unicodedata import combining, east_asian_width
from xml.etree.ElementTree import Element

from nllcli.outputs.drawing.tree import h, put
from nllcli.outputs.formats import printable

SIZE = 12.0  # of letters, in pixels
LINE = 17.0  # from one line of text to the next
FONTS = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', Arial, sans-serif"
# What converts drawings brings these fonts: the same everywhere, and with every sign that a drawing has.
CONVERTED_FONTS = "'Liberation Sans', Arial, sans-serif"

_CUT = "…"
# Widths as a share of the size, those of the wider ones of the usual fonts, so that words have room in all of them.
_WIDTHS = {
    **dict.fromkeys("ijl|!'.,:;`", 0.32),
    **dict.fromkeys('frtI()[]{}/\\ -"', 0.41),
    **dict.fromkeys("mMW@%…—", 0.98),
    **dict.fromkeys("wQOGDNHU", 0.8),
    **dict.fromkeys("ABCEFJKLPRSTVXYZ&", 0.68),
    **dict.fromkeys("+=<>~−≤≥×", 0.72),
}
_USUAL, _WIDE, _STRONG = 0.61, 1.03, 1.09
_RAISED = 0.75  # the size of an exponent
_POWER = re.compile(r"(?<![\w.])10\^([-−]?\d+)")


def width_of(text: str, size: float = SIZE, *, strong: bool = False) -> float:
    """About how many pixels ``text`` takes, as it is printed."""
    *powers, last = _parts(printable(text))
    width = sum(_width(base) + _RAISED * _width(exponent) for base, exponent in powers) + _width(last[0])
    return size * width * (_STRONG if strong else 1.0)


def _width(text: str) -> float:
    return sum(map(_letter, text))


def _letter(letter: str) -> float:
    if letter.isascii() or letter in _WIDTHS:
        return _WIDTHS.get(letter, _USUAL)
    if combining(letter):
        return 0.0
    return _WIDE if east_asian_width(letter) in "WF" or ord(letter) > 0xFFFF else 0.7


def columns_of(text: str) -> int:
    """How many places text takes where all letters are as wide, or twice as wide."""
    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _parts(text: str) -> list[tuple[str, str]]:
    """Text up to each exponent with it, and what comes after the last one."""
    found = []
    start = 0
    for power in _POWER.finditer(text):
        found.append((text[start : power.start(1) - 1], power[1].replace("-", "−")))
        start = power.end()
    return [*found, (text[start:], "")]


def shortened(text: str, room: float, size: float = SIZE) -> str:
    """As much of a name as has room, its beginning and its end."""
    text = printable(text)
    if width_of(text, size) <= room:
        return text
    for n in range(min(len(text) - 1, 200), 0, -1):
        short = text[: (n + 1) // 2] + _CUT + text[len(text) - n // 2 :]
        if width_of(short, size) <= room:
            return short
    return _CUT


def wrapped(text: str, room: float, size: float = SIZE) -> list[str]:
    """Text in lines of at most so many pixels, but for a word that is longer."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def set_text(element: Element, text: str, size: float = SIZE) -> None:
    """Put text into an element, 10^3 as ten to the third: no font needs to have raised digits."""
    *powers, (last, _) = _parts(text)
    is_raised = False
    for base, exponent in powers:
        _lowered(element, base, size, is_raised)
        put(element, h("tspan", exponent, dy=-0.35 * size, font_size=_RAISED * size))
        is_raised = True
    if last:
        _lowered(element, last, size, is_raised)


def _lowered(element: Element, text: str, size: float, is_raised: bool) -> None:
    """Text on the line, which an exponent may have left."""
    put(element, h("tspan", text, dy=0.35 * size) if is_raised else text)
