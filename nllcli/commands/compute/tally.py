"""The tally of a loss as the data of a file: everything that a report of it, or of more samples, needs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli import __version__
from nllcli.commands.compute.result import report
from nllcli.inputs.tally_files import FORMAT, FORMAT_VERSION
from nllcli.numerics.hexadecimal import sums_to_data as columns_to_data
from nllcli.scoring.tally_data import findings_to_data, left_out_to_data, notices_to_data, sums_to_data

if TYPE_CHECKING:
    from nllcli.commands.compute.result import LossResult
    from nllcli.commands.compute.subject import LossTally, Subject
    from nllcli.numerics.tally import ClassSums
    from nllcli.report import Report


def with_tally(result: LossResult) -> Report:
    """The report of a result, and the data of its tally."""
    return replace(report(result), tally=to_data(result))


def to_data(result: LossResult) -> dict[str, Any]:
    """The whole content of a file, in the order of its keys."""
    tally, shown = result.tally, {"loss": result.loss, "standard_error": result.standard_error}
    return {
        **head_of(tally.subject),
        "inputs": [each.named | {"digest": each.digest} for each in tally.inputs],
        "left_out": left_out_to_data(tally.left_out),
        "computed_with": [dict(each) for each in tally.computed_with],
        "tally": {
            **sums_to_data(tally.sums),
            "findings": findings_to_data(tally.findings),
            "classes": _classes_to_data(tally.sums.classes, weighted=tally.subject.is_weighted),
            **_pictures_to_data(tally),
        },
        "shown": {key: value if math.isfinite(value) else None for key, value in shown.items()},
    }


def head_of(subject: Subject) -> dict[str, Any]:
    """What the tallies of one subject have in common."""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "command": "compute",
        "version": __version__,
        "signature": dict(subject.settings),
        "subject": {
            "loss": subject.loss,
            "source": subject.source,
            "reduction": subject.reduction,
            "soft": subject.soft,
            "has_sample_weights": subject.has_sample_weights,
            "class_weights": None if subject.class_weights is None else list(subject.class_weights),
            "label_smoothing": subject.label_smoothing,
            "clip": subject.clip,
            "ignore_index": subject.ignore_index,
            "shift": subject.shift,
            "notices": notices_to_data(subject.notices),
        },
        "n_classes": subject.n_classes,
        "class_names": None if subject.class_names is None else list(subject.class_names),
    }


def _pictures_to_data(tally: LossTally) -> dict[str, Any]:
    """What was collected for pictures, if it was."""
    if tally.sums.pictures is None:
        return {}
    from nllcli.commands.compute.collected_data import collected_to_data

    return {"pictures": collected_to_data(tally.sums.pictures, tally.hardest, tally.sequences)}


def _classes_to_data(sums: ClassSums | None, *, weighted: bool) -> dict[str, Any] | None:
    """The sums in columns; where most classes are empty, of the others, whose indices are the column ``class``."""
    if sums is None:
        return None
    present = np.flatnonzero(sums.n)
    is_sparse = 2 * len(present) < len(sums.n)
    groups = present.tolist() if is_sparse else list(range(len(sums.n)))
    return {
        **({"class": groups} if is_sparse else {}),
        "n": sums.n[groups].tolist(),
        "n_correct": sums.n_correct[groups].tolist(),
        "loss_sum": columns_to_data(sums.loss_sum, groups),
        "weighted_sum": columns_to_data(sums.weighted_sum, groups) if weighted else None,
    }
