"""One picture of a report as a file: SVG, and PNG or PDF where the library that converts it is there."""

from collections.abc import Callable, Iterator
from typing import Any

from nllcli.errors import Remedy, UsageError, setting
from nllcli.outputs.drawing.alone import alone
from nllcli.outputs.drawing.tree import xml
from nllcli.report import Picture, Report

_SCALE = 2.0  # pixels of an image for each of the drawing


def render_svg(report: Report) -> Iterator[str]:
    """Return the only picture of ``report`` as SVG, whose colours follow the reader's scheme."""
    yield f"{xml(alone(_only(report), follows_scheme=True))}\n"


def render_png(report: Report) -> Iterator[bytes]:
    """Return the only picture of ``report`` as PNG."""
    yield _converted("svg_to_png", report, scale=_SCALE)


def render_pdf(report: Report) -> Iterator[bytes]:
    """Return the only picture of ``report`` as PDF."""
    yield _converted("svg_to_pdf", report)


def _converted(function: str, report: Report, **options: float) -> bytes:
    svg = xml(alone(_only(report), follows_scheme=False))
    converted: bytes = _converter(function)(svg, **options)
    return converted


def _converter(function: str) -> Callable[..., Any]:
    """A function of the library; raises UsageError where that is missing."""
    try:
        import vl_convert
    except ImportError:
        hint = "pip install 'nllcli[plot]', or write it as .svg"
        raise UsageError("PNG and PDF need the library vl-convert", hint=hint) from None
    found: Callable[..., Any] = getattr(vl_convert, function)
    return found


def _only(report: Report) -> Picture:
    """The one picture that is drawn; raises UsageError where there is another number of them."""
    drawn = [picture for picture in report.pictures if picture.drawings]
    if len(drawn) == 1:
        return drawn[0]
    if drawn:
        remedies = [Remedy({"only": picture.key}, picture.question) for picture in drawn]
        raise UsageError(f"the file holds one picture, and there are {len(drawn)}", remedies=remedies)
    message = "there is no picture that is drawn"
    if report.pictures:
        message = (
            f"{', '.join(picture.key for picture in report.pictures)}: a table with bars, which is not drawn alone"
        )
    raise UsageError(message, hint=f"{setting('output', 'FILE.html')} writes all of it as a page")
