"""What shows how models differ: questions, each answered by a sentence, a drawing and a table of its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.registry import Registry

if TYPE_CHECKING:
    from nllcli.commands.compare.result import Comparison
    from nllcli.report import Picture

# In the order in which they are shown. Each makes a picture of a comparison, or nothing where it has no answer: of two
# models what a pass has collected of them, of more of them how far each is from the other.
PICTURES = Registry(
    "picture",
    {
        "models": "nllcli.commands.compare.pictures.models:picture",
        "differences": "nllcli.commands.compare.pictures.differences:picture",
        "classes": "nllcli.commands.compare.pictures.classes:picture",
        "losses": "nllcli.commands.compare.pictures.losses:picture",
        "temperatures": "nllcli.commands.compare.pictures.temperatures:picture",
        "sure": "nllcli.commands.compare.pictures.sure:picture",
        "widest": "nllcli.commands.compare.pictures.widest:picture",
    },
)


# Those that tell of parts of the loss, which say nothing where weights below 0 take from it.
_OF_PARTS = ("differences", "classes", "temperatures")
_NEGATIVE = ("negative-weights", "negative-sample-weights")


def pictures_of(result: Comparison) -> tuple[Picture, ...]:
    """The pictures of a comparison."""
    if not result.n_counted:
        return ()
    told = {notice.code for notice in result.warnings}
    keys = [key for key in PICTURES if key not in _OF_PARTS or told.isdisjoint(_NEGATIVE)]
    found = (PICTURES.load(key)(result) for key in keys)
    return tuple(picture for picture in found if picture is not None)
