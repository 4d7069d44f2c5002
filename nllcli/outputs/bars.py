"""A share of 1 as a bar."""

from collections.abc import Sequence

from nllcli.report import Value

_PARTS = "▏▎▍▌▋▊▉█"  # a cell in eighths
WIDTH = 10

# What stands for the blocks where they cannot be shown: half a cell and more is a cell.
ASCII = dict(zip(_PARTS, "...#####", strict=True))


def bar(share: float, width: int = WIDTH) -> str:
    """Return a bar of ``share`` (0 to 1) of ``width`` cells, to an eighth of a cell; NaN is empty."""
    if not share > 0.0:
        return ""
    whole, eighths = divmod(round(min(share, 1.0) * width * 8), 8)
    return _PARTS[-1] * whole + _PARTS[eighths - 1 : eighths]


def drawn(values: Sequence[Value], width: int = WIDTH) -> list[str]:
    """Return the bars of a column, whose other values are nothing."""
    return [bar(value, width) if isinstance(value, float) else "" for value in values]
