"""A comparison as the data of a file: everything that a report of it, or of more samples, needs."""

from __future__ import annotations

import math
from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli import __version__
from nllcli.commands.compare.jobs import LabelledSums
from nllcli.commands.compare.report import report
from nllcli.commands.compare.sketch import in_bins
from nllcli.commands.compare.units import Bins
from nllcli.errors import UsageError, setting
from nllcli.inputs.tally_files import FORMAT, FORMAT_VERSION
from nllcli.numerics.exact import UNIT_BITS
from nllcli.numerics.hexadecimal import sum_to_data, sums_to_data, to_hex
from nllcli.report import shortest
from nllcli.scoring.tally_data import findings_to_data, left_out_to_data, notices_to_data, spread_to_data
from nllcli.scoring.tally_data import sums_to_data as tally_to_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.commands.compare.extremes import Item
    from nllcli.commands.compare.jobs import Job
    from nllcli.commands.compare.result import Comparison
    from nllcli.commands.compare.sketch import Sketch
    from nllcli.commands.compare.subject import Input, Model
    from nllcli.commands.compare.sums import ClassSums, DivergenceSums, PairSums
    from nllcli.commands.compare.units import Units
    from nllcli.numerics.tally import Rows
    from nllcli.report import Report

MOST_LABELS = 100_000


def check_labels(n: int) -> None:
    """Raise UsageError for more labels of groups than a tally holds."""
    if n > MOST_LABELS:
        message = f"a tally holds at most {MOST_LABELS:,} labels of groups, and here are {n:,}"
        how = f"compare all files in one run, which {setting('processes')} or {setting('scheduler')} share out"
        raise UsageError(message, hint=how)


def with_tally(result: Comparison) -> Report:
    """The report of a result, and the data of its tally."""
    if any(job.labels is not None for job in result.compared.jobs):
        check_labels(result.compared.n_units)
    return replace(report(result), tally=to_data(result))


def to_data(result: Comparison) -> dict[str, Any]:
    """The whole content of a file, in the order of its keys."""
    compared = result.compared
    subject, sums = compared.subject, compared.sums
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "command": "compare",
        "version": __version__,
        "signature": dict(subject.settings),
        "subject": {
            "groups": subject.groups,
            "ignore_index": subject.ignore_index,
            "shift": subject.shift,
            "clip": subject.clip,
            "largest": subject.n_largest,
            "named": subject.are_named,
            "pairs": [list(pair) for pair in subject.pairs],
        },
        "models": list(map(_model, subject.models)),
        "inputs": list(map(_input, compared.inputs)),
        "left_out": left_out_to_data(compared.left_out),
        "computed_with": [dict(each) for each in compared.computed_with],
        "samples": [
            {"number": number, "text": sample.text, "name": sample.name}
            for number, sample in sorted(compared.samples.items())
        ],
        "tallies": [
            {**tally_to_data(tally), "findings": findings_to_data(findings)}
            for tally, findings in zip(sums.models, compared.findings, strict=True)
        ],
        "pairs": list(map(_pair, sums.pairs)),
        "jobs": [_job(job) for job in compared.jobs],
        "shown": {"loss_differences": [number_to_data(pair.loss_difference) for pair in result.comparisons]},
    }


def number_to_data(value: float) -> float | str:
    """A number as JSON has it, as text where it is not finite."""
    return value if math.isfinite(value) else shortest(value)


def _model(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "from": model.source,
        "temperature": model.temperature,
        "n_classes": model.n_classes,
        "class_names": None if model.class_names is None else list(model.class_names),
        "names_classes": model.names_classes,
        "notices": notices_to_data(model.notices),
    }


def _input(each: Input) -> dict[str, Any]:
    return {
        "models": list(each.models),
        "targets": each.targets,
        "n_samples": each.n_samples,
        "n_sequences": each.n_sequences,
        "digest": each.digest,
    }


def _pair(sums: PairSums) -> dict[str, Any]:
    counts = sums.counts
    return {
        "difference": sum_to_data(sums.difference),
        "squares": spread_to_data(sums.spread),
        "counts": {name: getattr(counts, name) for name in counts.__dataclass_fields__},
        "smallest": [_sample(item) for item in sums.largest.smallest],
        "largest": [_sample(item) for item in sums.largest.largest],
        "lightest": _items(sums.heaviest.smallest),
        "heaviest": _items(sums.heaviest.largest),
        "divergence": None if sums.divergence is None else _divergence(sums.divergence),
        "classes": None if sums.classes is None else _classes(sums.classes),
    }


def _sample(item: Item) -> dict[str, Any]:
    """A sample of a large difference, which follows from both losses."""
    weight, baseline, model, target, key = item.beside
    return {
        "sample": item.number,
        "weight": number_to_data(float(weight)),
        "baseline": number_to_data(float(baseline)),
        "model": number_to_data(float(model)),
        "target": int(target),
        "key": key if isinstance(key, str) else None,
    }


def _divergence(sums: DivergenceSums) -> dict[str, Any]:
    return {
        "total": sum_to_data(sums.total),
        "squares": spread_to_data(sums.spread),
        "infinite": _rows(sums.infinite),
        "n_same_top": sums.n_same_top,
        "p_difference": None if sums.p_difference is None else sum_to_data(sums.p_difference),
        "p_squares": None if sums.p_squares is None else to_hex(sums.p_squares, 2 * UNIT_BITS),
        **_quantiles(sums.quantiles),
    }


def _rows(rows: Rows) -> dict[str, Any]:
    return {"n": rows.n, "first": list(rows.first), "worst": number_to_data(rows.worst)}


def _quantiles(sketch: Sketch) -> dict[str, Any]:
    """The values in ascending order, as base64 of float64 of 8 bytes, the lowest first; or how many a bin has."""
    if sketch.counts is not None:
        counts = in_bins(sketch)
        there = np.flatnonzero(counts)
        return {"values": None, "bins": there.tolist(), "counts": counts[there].tolist()}
    values = np.sort(np.concatenate([np.empty(0), *sketch.values])).astype("<f8", copy=False)
    return {"values": b64encode(values.tobytes()).decode()}


def _classes(sums: ClassSums) -> dict[str, Any]:
    """The sums in columns, of the classes that have samples."""
    there = np.flatnonzero(sums.n).tolist()
    return {
        "class": there,
        "n": sums.n[there].tolist(),
        "baseline": sums_to_data(sums.baseline, there),
        "model": sums_to_data(sums.model, there),
        "differences": sums_to_data(sums.differences, there),
        "squares": sums_to_data(sums.squares, there),
    }


def _job(job: Job) -> dict[str, Any]:
    return {
        "n_inputs": job.n_inputs,
        "n_units": job.n_units,
        "labels": None if job.labels is None else list(job.labels),
        "units": list(map(_units, job.units)),
    }


def _units(units: Bins | Units | LabelledSums) -> dict[str, Any]:
    if isinstance(units, Bins):
        return _bins(units)
    if isinstance(units, LabelledSums):
        return {
            "numbers": units.numbers.tolist(),
            "n": units.n.tolist(),
            "answers": None if units.answers is None else units.answers.tolist(),
            "differences": list(map(to_hex, units.differences)),
            "weights": None if units.weights is None else list(map(to_hex, units.weights)),
        }
    return {
        "total": sum_to_data(units.total),
        "weight_sum": sum_to_data(units.weight_sum),
        "squares": spread_to_data(units.spread),
        "answers": None if units.answers is None else spread_to_data(units.answers),
        "smallest": _items(units.extremes.smallest),
        "largest": _items(units.extremes.largest),
        "lightest": _items(units.heaviest.smallest),
        "heaviest": _items(units.heaviest.largest),
        **_bins(units.bins),
    }


def _bins(bins: Bins) -> dict[str, Any]:
    return {
        "level": bins.level,
        "first": bins.first,
        "differences": list(map(to_hex, bins.differences)),
        "weights": list(map(to_hex, bins.weights)),
        "n": list(bins.n_units),
    }


def _items(items: Sequence[Item]) -> list[list[Any]]:
    """The number of each, its difference or its weight, and the other one."""
    return [[item.number, number_to_data(item.value), number_to_data(float(item.beside[0]))] for item in items]
