"""The findings, in the order in which they are told: causes before symptoms."""

from nllcli.commands.check.findings.case import ERROR, WARNING
from nllcli.registry import Registry

# Each stands for a function that takes a Case and gives a Finding, or None.
FINDINGS = Registry(
    "finding",
    {
        "no-samples": "nllcli.commands.check.findings.targets:no_samples",
        "everything-ignored": "nllcli.commands.check.findings.targets:everything_ignored",
        "one-column": "nllcli.commands.check.findings.values:one_column",
        "bfloat16-bits": "nllcli.commands.check.findings.integers:bfloat16_bits",
        "decimal-commas": "nllcli.commands.check.findings.integers:decimal_commas",
        "softmax-twice": "nllcli.commands.check.findings.values:softmax_twice",
        "log-softmax-twice": "nllcli.commands.check.findings.values:log_softmax_twice",
        "not-probabilities": "nllcli.commands.check.findings.values:not_probabilities",
        "not-normalised": "nllcli.commands.check.findings.values:not_normalised",
        "soft-targets-invalid": "nllcli.commands.check.findings.targets:soft_targets_invalid",
        "soft-targets-not-normalised": "nllcli.commands.check.findings.targets:soft_targets_not_normalised",
        "sample-weights-invalid": "nllcli.commands.check.findings.targets:sample_weights_invalid",
        "nan-logits": "nllcli.commands.check.findings.values:nan_logits",
        "infinite-logits": "nllcli.commands.check.findings.values:infinite_logits",
        "masked-samples": "nllcli.commands.check.findings.values:masked_samples",
        "half-precision-saturation": "nllcli.commands.check.findings.values:half_precision_saturation",
        "identical-maxima": "nllcli.commands.check.findings.values:identical_maxima",
        "constant-class": "nllcli.commands.check.findings.values:constant_class",
        "targets-one-based": "nllcli.commands.check.findings.targets:targets_one_based",
        "targets-out-of-range": "nllcli.commands.check.findings.targets:targets_out_of_range",
        "padding-scored": "nllcli.commands.check.findings.targets:padding_scored",
        "classes-reordered": "nllcli.commands.check.findings.fit:classes_reordered",
        "class-axis-swapped": "nllcli.commands.check.findings.fit:class_axis_swapped",
        "shifted-targets": "nllcli.commands.check.findings.fit:shifted_targets",
        "classes-permuted": "nllcli.commands.check.findings.fit:classes_permuted",
        "absent-classes": "nllcli.commands.check.findings.targets:absent_classes",
        "duplicated-rows": "nllcli.commands.check.findings.values:duplicated_rows",
        "infinite-loss": "nllcli.commands.check.findings.fit:infinite_loss",
        "worse-than-chance": "nllcli.commands.check.findings.fit:worse_than_chance",
        "worse-than-frequencies": "nllcli.commands.check.findings.fit:worse_than_frequencies",
    },
)

# What opening the inputs refuses: these codes are carried by the errors themselves; and what scoring them does.
REFUSALS = ("class-axis-ambiguous", "logits-transposed", "lengths-differ", "one-hot-integers", "loss-refused")

# What each means, by the worst it can be.
MEANINGS = {
    ERROR: {
        "no-samples": "the file holds no samples",
        "everything-ignored": "every target is the ignored index",
        "one-column": "a single class, without --binary",
        "bfloat16-bits": "integers that are the bits of bfloat16",
        "decimal-commas": "numbers cut in two at their decimal commas",
        "softmax-twice": "the logits are probabilities",
        "not-probabilities": "numbers that are not what --from says",
        "soft-targets-invalid": "soft targets that are no probabilities",
        "sample-weights-invalid": "sample weights that are not finite",
        "nan-logits": "NaN among the logits",
        "infinite-logits": "+inf among the logits",
        "masked-samples": "samples whose every class is -inf",
        "targets-one-based": "targets that count from 1",
        "targets-out-of-range": "targets that are no class",
        "padding-scored": "padding that is scored as if it were text",
        "classes-reordered": "--classes in another order than the header",
        "class-axis-swapped": "predictions hit along another axis alone",
        "shifted-targets": "a neighbour's target fits better",
        "classes-permuted": "columns in another order than the targets",
        "infinite-loss": "targets whose probability is 0",
        "class-axis-ambiguous": "shapes that fit with the classes on two axes",
        "logits-transposed": "shapes that fit with two axes exchanged",
        "lengths-differ": "more samples in one file than in the other",
        "one-hot-integers": "targets that are integers in the logits' shape",
        "loss-refused": "what nll compute refuses under these settings",
    },
    WARNING: {
        "log-softmax-twice": "the logits are log-probabilities",
        "not-normalised": "probabilities that do not sum to 1",
        "soft-targets-not-normalised": "soft targets that do not sum to 1",
        "half-precision-saturation": "logits at half precision's limit, 65504",
        "identical-maxima": "the largest logits tie, or end at one ceiling",
        "constant-class": "a class of one value (first or last 0: a note)",
        "absent-classes": "classes that never occur among the targets",
        "duplicated-rows": "samples that occur twice (below 1 %: a note)",
        "worse-than-chance": "a loss above that of all classes alike",
        "worse-than-frequencies": "a loss above that of the class frequencies",
    },
}
