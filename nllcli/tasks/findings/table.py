"""The findings, in the order in which they are told: causes before symptoms."""

from nllcli.registry import Registry

# Each stands for a function that takes a Case and gives a Finding, or None.
FINDINGS = Registry(
    "finding",
    {
        "no-samples": "nllcli.tasks.findings.targets:no_samples",
        "everything-ignored": "nllcli.tasks.findings.targets:everything_ignored",
        "one-column": "nllcli.tasks.findings.values:one_column",
        "softmax-twice": "nllcli.tasks.findings.values:softmax_twice",
        "log-softmax-twice": "nllcli.tasks.findings.values:log_softmax_twice",
        "not-probabilities": "nllcli.tasks.findings.values:not_probabilities",
        "not-normalised": "nllcli.tasks.findings.values:not_normalised",
        "soft-targets-invalid": "nllcli.tasks.findings.targets:soft_targets_invalid",
        "soft-targets-not-normalised": "nllcli.tasks.findings.targets:soft_targets_not_normalised",
        "nan-logits": "nllcli.tasks.findings.values:nan_logits",
        "infinite-logits": "nllcli.tasks.findings.values:infinite_logits",
        "masked-samples": "nllcli.tasks.findings.values:masked_samples",
        "half-precision-saturation": "nllcli.tasks.findings.values:half_precision_saturation",
        "identical-maxima": "nllcli.tasks.findings.values:identical_maxima",
        "constant-class": "nllcli.tasks.findings.values:constant_class",
        "targets-one-based": "nllcli.tasks.findings.targets:targets_one_based",
        "targets-out-of-range": "nllcli.tasks.findings.targets:targets_out_of_range",
        "padding-scored": "nllcli.tasks.findings.targets:padding_scored",
        "classes-reordered": "nllcli.tasks.findings.fit:classes_reordered",
        "class-axis-swapped": "nllcli.tasks.findings.fit:class_axis_swapped",
        "shifted-targets": "nllcli.tasks.findings.fit:shifted_targets",
        "classes-permuted": "nllcli.tasks.findings.fit:classes_permuted",
        "absent-classes": "nllcli.tasks.findings.targets:absent_classes",
        "duplicated-rows": "nllcli.tasks.findings.values:duplicated_rows",
        "infinite-loss": "nllcli.tasks.findings.fit:infinite_loss",
        "worse-than-chance": "nllcli.tasks.findings.fit:worse_than_chance",
        "worse-than-frequencies": "nllcli.tasks.findings.fit:worse_than_frequencies",
    },
)

# What opening the inputs refuses: these codes are carried by the errors themselves.
REFUSALS = ("class-axis-ambiguous", "logits-transposed", "lengths-differ", "one-hot-integers")
