"""The findings, in the order in which they are told: causes before symptoms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.tasks.findings import fit, targets, values

if TYPE_CHECKING:
    from collections.abc import Callable

    from nllcli.tasks.findings.case import Case, Finding

FINDINGS: dict[str, Callable[[Case], Finding | None]] = {
    "no-samples": targets.no_samples,
    "everything-ignored": targets.everything_ignored,
    "one-column": values.one_column,
    "softmax-twice": values.softmax_twice,
    "log-softmax-twice": values.log_softmax_twice,
    "not-probabilities": values.not_probabilities,
    "not-normalised": values.not_normalised,
    "soft-targets-invalid": targets.soft_targets_invalid,
    "soft-targets-not-normalised": targets.soft_targets_not_normalised,
    "nan-logits": values.nan_logits,
    "infinite-logits": values.infinite_logits,
    "masked-samples": values.masked_samples,
    "half-precision-saturation": values.half_precision_saturation,
    "identical-maxima": values.identical_maxima,
    "constant-class": values.constant_class,
    "targets-one-based": targets.targets_one_based,
    "targets-out-of-range": targets.targets_out_of_range,
    "padding-scored": targets.padding_scored,
    "classes-reordered": fit.classes_reordered,
    "class-axis-swapped": fit.class_axis_swapped,
    "shifted-targets": fit.shifted_targets,
    "classes-permuted": fit.classes_permuted,
    "absent-classes": targets.absent_classes,
    "duplicated-rows": values.duplicated_rows,
    "infinite-loss": fit.infinite_loss,
    "worse-than-chance": fit.worse_than_chance,
    "worse-than-frequencies": fit.worse_than_frequencies,
}

# What opening the inputs refuses: these codes are carried by the errors themselves.
REFUSALS = ("class-axis-ambiguous", "logits-transposed", "lengths-differ", "one-hot-integers")
