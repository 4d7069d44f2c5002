"""How strong a colour is that stands for an amount, and which text can be read on it, in light and in dark."""

# A colour up to this share of its strength leaves ink readable on it, and at full strength the ground's colour is.
_PALEST, _PALE = 0.1, 0.5
_STRONG = 0.75  # the depth from which a colour is at full strength


def strength(depth: float) -> float:
    """The share of its full strength that a colour has for a depth from 0 to 1."""
    return 1.0 if depth >= _STRONG else _PALEST + (_PALE - _PALEST) * max(depth, 0.0) / _STRONG


def text_colour(depth: float) -> str:
    """The colour of text on it."""
    return "paper" if depth >= _STRONG else "ink"
