"""What a finding is, what the functions that look for one are given, and the kinds of findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nllcli.errors import setting
from nllcli.records import dataclass
from nllcli.registry import resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from nllcli.commands.check.evidence import Evidence
    from nllcli.commands.check.evidence.order import Orders
    from nllcli.commands.check.evidence.targets import Padding
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest
    from nllcli.numerics.tally import Rows

ERROR, WARNING, NOTE = "error", "warning", "note"
_N_NAMES = 5
# How sure the findings are that statistics decide, for the help.
LEVEL = (
    "What statistics decide would be so by chance in fewer than one of a million files: a mean has to differ by five "
    "standard errors, and a loss by one per cent as well. worse-than-chance compares the mean loss of 30 samples or "
    "more with log C, worse-than-frequencies that of 20 a class with the entropy of the targets; the report shows both."
)


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

    ``padding`` is by candidate; ``other_axes`` holds the evidence along other axes that fit the targets as well. Where
    the samples are in doubt, ``orders`` are those in which the targets were tried, and ``reshaped`` is the evidence if
    an array (C, N) was reshaped to (N, C).
    """

    evidence: Evidence
    dataset: Dataset
    request: ScoreRequest
    padding: dict[int, Padding]
    other_axes: dict[int, Evidence]
    orders: Orders | None = None
    reshaped: Evidence | None = None

    @property
    def n_classes(self) -> int:
        return self.dataset.n_classes

    @property
    def is_flat(self) -> bool:
        """Whether the samples form one list, and not sequences."""
        return len(self.dataset.layout.sample_shape) < 2

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

    def listed(self, classes: Sequence[int] | NDArray[np.int64]) -> str:
        """The first few of some classes."""
        more = f", and {len(classes) - _N_NAMES} more" if len(classes) > _N_NAMES else ""
        return ", ".join(self.name(int(c)) for c in classes[:_N_NAMES]) + more


@dataclass(frozen=True)
class Kind:
    """A kind of findings: its stable code, how bad it is at worst, and what it means.

    ``function`` ("module:attribute", the module in this folder) takes a Case and returns what it has Seen, or None.
    What opening or scoring the inputs refuses has no function.
    """

    code: str
    severity: str
    meaning: str
    function: str = ""

    def look(self, case: Case) -> Finding | None:
        """The finding of this kind, if there is one."""
        seen = resolve(f"{__name__}.{self.function}")(case) if self.function else None
        return None if seen is None else self.finding(seen)

    def finding(self, seen: Seen) -> Finding:
        return Finding(self.code, seen.severity or self.severity, seen.message, seen.evidence, seen.fix)


# In the order in which they are reported: causes before symptoms.
_KINDS = (
    Kind("no-samples", ERROR, "the file holds no samples", "targets:no_samples"),
    Kind("everything-ignored", ERROR, "every target is the ignored index", "targets:everything_ignored"),
    Kind("one-column", ERROR, f"a single class, without {setting('binary')}"),
    Kind("bfloat16-bits", ERROR, "integers that are the bits of bfloat16", "values:bfloat16_bits"),
    Kind("decimal-commas", ERROR, "numbers cut in two at their decimal commas", "values:decimal_commas"),
    Kind("column-is-target", ERROR, "a column that holds the targets", "columns:column_is_target"),
    Kind("column-is-prediction", ERROR, "a column of predicted classes", "columns:column_is_prediction"),
    Kind("column-is-confidence", ERROR, "a column with the largest of the others", "columns:column_is_confidence"),
    Kind("column-is-key", ERROR, "a column of row numbers or keys", "columns:column_is_key"),
    Kind("column-is-whole", WARNING, "a column of whole numbers beside fractions", "columns:column_is_whole"),
    Kind("axes-reshaped", ERROR, "(C, N) reshaped to (N, C), not transposed", "order:axes_reshaped"),
    Kind("softmax-twice", ERROR, "the logits are probabilities", "values:softmax_twice"),
    Kind("log-softmax-twice", WARNING, "the logits are log-probabilities", "values:log_softmax_twice"),
    Kind("not-probabilities", ERROR, f"numbers that are not what {setting('source')} says", "values:not_probabilities"),
    Kind("not-normalised", WARNING, "probabilities that do not sum to 1", "values:not_normalised"),
    Kind("soft-targets-invalid", ERROR, "soft targets that are not probabilities", "targets:soft_invalid"),
    Kind("soft-targets-not-normalised", WARNING, "soft targets that do not sum to 1", "targets:soft_not_normalised"),
    Kind("sample-weights-invalid", ERROR, "sample weights that are not finite", "targets:sample_weights_invalid"),
    Kind("nan-logits", ERROR, "NaN among the logits", "values:nan_logits"),
    Kind("infinite-logits", ERROR, "+inf among the logits", "values:infinite_logits"),
    Kind("masked-samples", ERROR, "samples whose every class is -inf", "values:masked_samples"),
    Kind("half-precision-saturation", WARNING, "logits at half precision's limit, 65504", "values:saturation"),
    Kind("identical-maxima", WARNING, "the largest logits tie, or end at one ceiling", "repeats:identical_maxima"),
    Kind("constant-class", WARNING, "a class of one value (first or last 0: a note)", "repeats:constant_class"),
    Kind("targets-one-based", ERROR, "targets that count from 1", "targets:targets_one_based"),
    Kind("targets-not-renumbered", ERROR, "labels of their own, as many as classes", "targets:targets_not_renumbered"),
    Kind("targets-out-of-range", ERROR, "targets that are not a class", "targets:targets_out_of_range"),
    Kind("padding-scored", ERROR, "padding that is scored as if it were text", "targets:padding_scored"),
    Kind("classes-reordered", ERROR, f"{setting('classes')} in another order than the header"),
    Kind("class-axis-swapped", ERROR, "predictions hit along another axis alone", "fit:class_axis_swapped"),
    Kind("shifted-targets", ERROR, "a neighbour's target fits better", "fit:shifted_targets"),
    Kind("order-differs", ERROR, "targets that fit in another order", "order:order_differs"),
    Kind("targets-sorted", WARNING, "sorted targets that fit no better than chance", "order:targets_sorted"),
    Kind("classes-permuted", ERROR, "columns in another order than the targets", "fit:classes_permuted"),
    Kind("constant-predictions", WARNING, "binary predictions of one class alone", "fit:constant_predictions"),
    Kind("absent-classes", WARNING, "classes that never occur among the targets", "targets:absent_classes"),
    Kind("duplicated-rows", WARNING, "samples that occur twice (below 1 %: a note)", "repeats:duplicated_rows"),
    Kind("infinite-loss", ERROR, "targets whose probability is 0", "fit:infinite_loss"),
    Kind("worse-than-chance", WARNING, "a loss above that of all classes alike", "fit:worse_than_chance"),
    Kind("worse-than-frequencies", WARNING, "a loss above that of the class frequencies", "fit:worse_than_frequencies"),
    # Errors of opening the inputs carry these codes themselves.
    Kind("class-axis-ambiguous", ERROR, "shapes that fit with the classes on two axes"),
    Kind("logits-transposed", ERROR, "shapes that fit with two axes exchanged"),
    Kind("lengths-differ", ERROR, "more samples in one file than in the other"),
    Kind("doubtful-column", ERROR, "a column of a table that may not be a class"),
    Kind("keys-differ", ERROR, "rows of two tables with different keys"),
    Kind("repeated-key", ERROR, "a key that two rows have"),
    Kind("one-hot-integers", ERROR, "targets that are integers in the logits' shape"),
    Kind("loss-refused", ERROR, "what nll compute refuses under these settings"),
)
FINDINGS = {kind.code: kind for kind in _KINDS}
