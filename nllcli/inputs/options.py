"""How one input is to be read, as far as its reader needs to know."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadOptions:
    """What the options say about one input; each format uses what it needs.

    ``member`` is the array of an archive or the column of a table, ``target_column`` the column that holds the targets,
    ``header`` says whether the first line of text names the columns. ``of_targets`` says that the file holds targets:
    one value a sample in it is a class, not a logit; ``of_weights``, that it holds the samples' weights;
    ``of_classes``, that it holds one number a class.
    """

    member: str | None = None
    input_dtype: str | None = None
    target_column: str | None = None
    classes: tuple[str, ...] | None = None
    header: str = "auto"
    of_targets: bool = False
    of_weights: bool = False
    of_classes: bool = False

    @property
    def of_logits(self) -> bool:
        """Whether the file holds logits, which ``input_dtype`` is about."""
        return not (self.of_targets or self.of_weights or self.of_classes)
