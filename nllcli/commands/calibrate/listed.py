"""What programs are told of a calibration: every number, by its key in the JSON."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from nllcli.report import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nllcli.commands.calibrate.result import Calibration, Decomposition, Measured
    from nllcli.numerics.calibration.bins import Bin

# Of a temperature, before and after what is told of the rule of bins.
_MEASURES = (
    *("temperature", "loss", "accuracy", "weighted_accuracy", "confidence", "overconfidence", "brier", "brier_half"),
    *("ece", "mce", "rmsce", "ace", "ece_debiased", "ece_chance", "ece_equal_mass", "ece_sweep", "ece_sweep_bins"),
    *("ece_classwise", "ece_classwise_equal_mass", "smece", "spiegelhalter_z", "spiegelhalter_p"),
)
_PARTS = ("mcb", "dsc", "unc", "score")
_OF_BINS = ("low", "high", "count", "weight", "confidence", "accuracy", "gap", "chance")
_OF_CLASSES = ("confidence", "ece", "mce", "ece_equal_mass")
# Of tables, which have a head where they have no rows.
_BIN_COLUMNS = ("probabilities", "temperature", *_OF_BINS)
_CLASS_COLUMNS = ("class", "count", "frequency", *_OF_CLASSES, *(f"after_{key}" for key in _OF_CLASSES))


def json_values(result: Calibration) -> dict[str, Any]:
    """Everything that the JSON has of a result, in its order."""
    found, held_out = result.temperature, result.held_out
    return {
        "temperature": found.value,
        "temperature_status": found.status,
        "temperature_standard_error": found.standard_error,
        "temperature_ci_low": found.ci_low,
        "temperature_ci_high": found.ci_high,
        "confidence_level": result.confidence_level,
        "loss_limit": found.loss_limit,
        "temperatures_of_folds": list(found.of_folds),
        "loss_held_out": held_out and held_out.loss,
        "gain_held_out": held_out and held_out.gain,
        "gain_held_out_standard_error": held_out and held_out.standard_error,
        "d2_log_loss": result.d2_log_loss,
        "n_samples": result.n_samples,
        "n_counted": result.n_counted,
        "n_ignored": result.n_ignored,
        "n_classes": result.n_classes,
        "n_groups": result.n_groups,
        **{key: getattr(result.under_settings, key) for key in ("loss", "accuracy", "ece")},
        "before": _measured(result.before),
        "after": None if result.after is None else _measured(result.after),
        "per_class": None if result.before.per_class is None else list(_classes(result)),
        # In a tuple their settings are written as flags, in a list they would not be.
        "notes": tuple({"code": notice.code, "message": notice.message} for notice in result.notes),
    }


def _measured(measured: Measured) -> dict[str, Any]:
    return {
        **{key: getattr(measured, key) for key in _MEASURES},
        **_parts("corp_brier", measured.corp_brier),
        **_parts("corp_log", measured.corp_log),
        "bins": [_bin(each) for each in measured.bins],
    }


def _parts(name: str, score: Decomposition | None) -> dict[str, float | None]:
    return {f"{name}_{part}": None if score is None else getattr(score, part) for part in _PARTS}


def _bin(found: Bin) -> dict[str, Any]:
    return {key: getattr(found, key) for key in _OF_BINS}


def _classes(result: Calibration) -> Iterator[dict[str, Any]]:
    """A row a class: its errors before, and after a temperature where there is one."""
    after = () if result.after is None else result.after.per_class or ()
    for old, new in zip_longest(result.before.per_class or (), after):
        errors = {key: getattr(old, key) for key in _OF_CLASSES}
        changed = {f"after_{key}": new and getattr(new, key) for key in _OF_CLASSES}
        yield {"class": old.name, "count": old.count, "frequency": old.frequency, **errors, **changed}


def listing(result: Calibration, *, what: str) -> Table:
    """What a format of one table holds: the "numbers", the "bins" or the classes ("per_class")."""
    if what == "per_class":
        return _table(_CLASS_COLUMNS, (row.values() for row in _classes(result)))
    if what == "bins":
        return _table(_BIN_COLUMNS, _all_bins(result))
    return _table(("metric", "value"), _numbers(json_values(result)))


def _table(names: Iterable[str], rows: Iterable[Iterable[Any]]) -> Table:
    return Table("listing", "", tuple(Column(name, name) for name in names), [tuple(row) for row in rows])


def _all_bins(result: Calibration) -> Iterator[tuple[Any, ...]]:
    both = {"before": result.before, "after": result.after}
    for name, measured in both.items():
        if measured is None:
            continue
        for each in measured.bins:
            yield (name, measured.temperature, *_bin(each).values())


def _numbers(values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The single values by their paths."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{name}", each) for name, each in value.items() if not isinstance(each, list))
        elif not isinstance(value, list | tuple) and key not in ("after", "per_class"):
            yield key, value
