"""The colours, light and dark: an attribute of each element has the light one, a class follows the scheme."""

from typing import Any

# Each has a contrast of at least 4.5 with the ground, and text in ink has it on what is drawn faintly.
COLOURS = {
    "paper": ("#ffffff", "#14181d"),
    "ink": ("#1b1f24", "#e9ecef"),
    "muted": ("#59606b", "#a5adb8"),
    "grid": ("#e6e9ed", "#2a3037"),
    "axis": ("#8b929c", "#6d7580"),
    "faint": ("#f3f5f7", "#1d2228"),
    "samples": ("#3468a0", "#7fb2e5"),
    "loss": ("#c4501b", "#f0905c"),
    "first": ("#7d3f98", "#cf9fe6"),
    "second": ("#0f766e", "#4fc7b8"),
    "third": ("#7a6200", "#d8bd4a"),
    "plain": ("#666d78", "#9aa2ad"),
}

_PARTS = ("fill", "stroke")


def fill(colour: str) -> dict[str, Any]:
    """The attributes of what is filled with a colour."""
    return {"class_": f"f-{colour}", "fill": COLOURS[colour][0]}


def stroke(colour: str, width: float = 1) -> dict[str, Any]:
    """The attributes of what is drawn as a line of a colour."""
    return {"class_": f"s-{colour}", "stroke": COLOURS[colour][0], "stroke_width": width, "fill": "none"}


def both(inside: str, outside: str, width: float) -> dict[str, Any]:
    """The attributes of what is filled with one colour and has an outline of another."""
    shown = {**stroke(outside, width), **fill(inside)}
    return {**shown, "class_": f"f-{inside} s-{outside}"}


def without_classes(attributes: dict[str, str]) -> None:
    """Drop what a style sheet alone would use."""
    attributes.pop("class", None)


def by_variables() -> str:
    """The rules of a page whose style sheet has a variable for each colour."""
    return "".join(f".{part[0]}-{name}{{{part}:var(--{name})}}" for part in _PARTS for name in COLOURS)


def by_scheme() -> str:
    """The rules of a drawing that stands alone."""
    dark = "".join(f".{part[0]}-{name}{{{part}:{pair[1]}}}" for part in _PARTS for name, pair in COLOURS.items())
    return f"@media (prefers-color-scheme: dark){{{dark}}}"
