"""A share of 1 as a bar."""

_FULL = "█"
_PARTS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")
WIDTH = 10

# What stands for the blocks where they cannot be shown: half a cell and more is a cell.
ASCII = str.maketrans({_FULL: "#", "▉": "#", "▊": "#", "▋": "#", "▌": "#", "▍": ".", "▎": ".", "▏": "."})


def bar(share: float, width: int = WIDTH) -> str:
    """Return a bar of ``share`` (0 to 1) of ``width`` cells, to an eighth of a cell; NaN is empty."""
    if not share > 0.0:
        return ""
    whole, eighths = divmod(round(min(share, 1.0) * width * 8), 8)
    return _FULL * whole + _PARTS[eighths]
