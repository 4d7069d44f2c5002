"""What a finding is, and what the functions that look for one are given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nllcli.commands.check.evidence.gather import Evidence
    from nllcli.commands.check.evidence.padding import Padding
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import InputOptions, LossOptions
    from nllcli.numerics.tally import Rows

ERROR, WARNING, NOTE = "error", "warning", "note"
_N_NAMES = 5


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: a stable code, a sentence, what was seen, and what fixes it.

    An error makes the number wrong or impossible; a warning makes it doubtful; a note is worth knowing.
    """

    code: str
    severity: str
    message: str
    evidence: dict[str, Any]
    fix: str


@dataclass(frozen=True)
class Seen:
    """What a finding says about one file; its code is that of its kind, as is its severity unless one is given."""

    message: str
    evidence: dict[str, Any]
    fix: str
    severity: str | None = None


@dataclass(frozen=True)
class Case:
    """The evidence with what it was gathered from.

    ``sequence`` is the length of the sequences that the samples form (0: none); ``padding`` is by candidate;
    ``other_axes`` holds the evidence along other axes that fit the targets as well; ``clipped`` says that p is kept
    away from 0.
    """

    evidence: Evidence
    dataset: Dataset
    options: LossOptions
    inputs: InputOptions
    sequence: int = 0
    padding: dict[int, Padding] = field(default_factory=dict)
    other_axes: dict[int, Evidence] = field(default_factory=dict)
    clipped: bool = False

    @property
    def n_classes(self) -> int:
        return self.dataset.n_classes

    @property
    def has_targets(self) -> bool:
        return self.dataset.has_targets

    def rows(self, rows: Rows) -> dict[str, Any]:
        """Count and first places of samples, as evidence."""
        return {"samples": rows.n, "first": [self.place(sample) for sample in rows.first]}

    def vector_rows(self, rows: Rows) -> dict[str, Any]:
        """As ``rows``, with the places counted in a file of one value a sample."""
        return {"samples": rows.n, "first": [self.dataset.layout.place(sample) for sample in rows.first]}

    def target_rows(self, rows: Rows) -> dict[str, Any]:
        """As ``rows``, with the places in the file of the targets."""
        return self.rows(rows) if self.dataset.logits.labels else self.vector_rows(rows)

    def place(self, sample: int) -> str:
        """Where a sample is, in the words of the logits' file."""
        return self.dataset.logits.place(sample, self.dataset.layout)

    def name(self, c: int) -> str:
        """A class's name, or its number."""
        names = self.dataset.class_names
        return names[c] if names is not None else str(c)

    def listed(self, classes: list[int]) -> str:
        """The first few of some classes."""
        more = f", and {len(classes) - _N_NAMES} more" if len(classes) > _N_NAMES else ""
        return ", ".join(self.name(c) for c in classes[:_N_NAMES]) + more
