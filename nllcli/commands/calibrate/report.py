"""The result of nll calibrate -> its report."""

from __future__ import annotations

from math import isfinite, isinf
from typing import TYPE_CHECKING

from nllcli.commands.calibrate.listed import json_values, listing
from nllcli.commands.calibrate.notices import WHY
from nllcli.errors import setting
from nllcli.numerics.kernels.chosen import kernel_name
from nllcli.outputs.numbers import texts
from nllcli.report import Column, Columns, Gauge, Metric, Picture, Quantity, Report, Section, Table, Value
from nllcli.scoring.reliability import gauge_of, reliability

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nllcli.commands.calibrate.result import Calibration, Measured, Temperature
    from nllcli.numerics.calibration.bins import Bin

# How a temperature is applied to what a file holds.
_APPLYING = {
    "logits": "divide the logits by it",
    "log-probs": "divide the log-probabilities by it and normalise",
    "probs": "raise the probabilities to 1/T and normalise",
}


def report(result: Calibration, *, listed: str = "numbers", pictured: bool = False) -> Report:
    """The temperature first, then what it does, and where probabilities are not what they claim; perhaps ``pictured``.

    ``listed`` is what a format of one table holds: "numbers", "bins" or "per_class".
    """
    return Report(
        "calibrate",
        result.title,
        result.signature,
        tuple(_metrics(result)),
        (),
        result.warnings,
        result.notes,
        [] if why_none(result) else [result.temperature.value],
        extra=json_values(result),
        sections=tuple(Section("", (table,)) for table in _tables(result)),
        inputs=result.inputs,
        kernel=kernel_name(),
        listing=listing(result, what=listed),
        pictures=tuple(_pictures(result)) if pictured else (),
    )


def _pictures(result: Calibration) -> Iterator[Picture]:
    """The diagrams of reliability, before and after."""
    for measured in (result.before, result.after):
        if measured is None or result.claims != "top" or not measured.bins or measured.ece is None:
            continue
        confidence, accuracy = measured.confidence, measured.weighted_accuracy
        if confidence is None or accuracy is None:
            continue
        is_first = measured is result.before
        yield reliability(
            measured.bins,
            confidence=confidence,
            accuracy=accuracy,
            ece=measured.ece,
            ece_chance=measured.ece_chance,
            binning=result.binning,
            weighted=result.is_weighted,
            key="reliability" if is_first else "reliability_after",
            question="Does it mean the probabilities it gives?"
            if is_first
            else f"And with the temperature, {_at(measured)}?",
        )


def why_none(result: Calibration) -> str | None:
    """Why no temperature is fitted; None where one is."""
    found = result.temperature
    if found.status == "fitted":
        return None
    if found.status not in WHY:
        return f"no temperature is fitted under {setting('temperature' if found.status == 'given' else 'no_fit')}"
    limit = f", to {found.loss_limit:.4f} nats" if _is_limit(found) else ""
    return f"no temperature has the lowest loss: {_why(result)}{limit}"


def _why(result: Calibration) -> str:
    """Why no temperature has the lowest loss; samples that have an infinite one at any temperature do not count."""
    found = result.temperature
    why = WHY[found.status]
    if found.origin is not None:
        return f"of {found.origin}, {why}"
    return f"but for infinite losses, {why}" if isinf(result.before.loss) else why


def _is_limit(found: Temperature) -> bool:
    """Whether there is a loss that is approached, and nowhere reached."""
    return found.status in ("zero", "infinite") and found.loss_limit is not None


def _shown(label: str, value: Value, unit: str = "", note: str = "", *, headline: bool = False) -> Metric:
    """A number for people, which programs find in the JSON by a key of its own."""
    return Metric(label, label, value, unit, note, headline=headline, page_only=True)


def _metrics(result: Calibration) -> Iterator[Metric]:
    yield from _headline(result)
    yield from _of_the_fit(result)
    settled = result.under_settings
    if settled.overconfidence is not None:
        yield _shown("overconfidence", settled.overconfidence, "share", _confidence(settled))
    if settled.spiegelhalter_p is not None:
        yield _shown("p", settled.spiegelhalter_p, "probability", _spiegelhalter(result))
    ignored = f"{result.n_ignored:,} ignored" if result.n_ignored else ""
    yield _shown("samples", result.n_counted, note=ignored)
    yield _shown("classes", result.n_classes)


def _headline(result: Calibration) -> Iterator[Metric]:
    """The temperature; where none is looked for, how far the probabilities are off."""
    found, settled = result.temperature, result.under_settings
    if found.status in ("given", "none"):
        if settled.ece is not None:
            chance = settled.ece_chance
            note = "" if chance is None else f"chance alone makes {chance:.4f}"
            yield _shown("ECE", settled.ece, note=note, headline=True)
        note = "given, not fitted" if found.status == "given" else "as they are: none is fitted"
        yield _shown("temperature", settled.temperature, note=note)
        return
    note = _meaning(result) if found.status == "fitted" else f"none: {_why(result)}"
    yield _shown("temperature", found.value, note=note, headline=True)


def _meaning(result: Calibration) -> str:
    """What the temperature says of the probabilities, and what to do with it."""
    found, applying = result.temperature, _APPLYING[result.source]
    if found.value is None or found.ci_low is None or found.ci_high is None:
        return applying
    if found.ci_low <= 1.0 <= found.ci_high:
        return "no evidence that it is not 1, which the interval holds"
    return f"{'overconfident' if found.value > 1.0 else 'underconfident'}: {applying}"


def _of_the_fit(result: Calibration) -> Iterator[Metric]:
    """How sure the temperature is, and what it takes off the loss."""
    found, held_out, level = result.temperature, result.held_out, f"{100 * result.confidence_level:g} %"
    if found.standard_error is not None:
        origin = "" if found.origin is None else f"fitted to {found.origin}"
        yield _shown("standard error", found.standard_error, note=origin)
    if found.ci_low is not None:
        yield _shown(f"{level} from", found.ci_low)
        yield _shown(f"{level} to", found.ci_high)
    if _is_limit(found) and found.origin is None:
        yield _shown("loss approaches", found.loss_limit, "nats")
    if held_out is not None:
        how = f"{result.n_folds} folds" if result.n_folds else f"at {_at(result.after)}" if result.after else ""
        error = "" if held_out.standard_error is None else f"; standard error {held_out.standard_error:.4f}"
        yield _shown("gain" if found.status == "given" else "gain, held out", held_out.gain, "nats", how + error)
    elif found.status == "fitted" and result.after is not None and isfinite(result.before.loss):
        gain = result.before.loss - result.after.loss
        yield _shown("gain", gain, "nats", "on the samples that it is fitted to")


def _confidence(measured: Measured) -> str:
    accuracy = measured.weighted_accuracy
    if measured.confidence is None or accuracy is None:
        return ""
    return f"mean confidence {100 * measured.confidence:.1f} %, accuracy {100 * accuracy:.1f} %"


def _spiegelhalter(result: Calibration) -> str:
    note = "Spiegelhalter's test"
    after = result.after
    if after is None or after is result.under_settings or after.spiegelhalter_p is None:
        return note
    return f"{note}; {after.spiegelhalter_p:.2g} at {_at(after)}"


def _at(measured: Measured) -> str:
    (written,) = texts("number", [measured.temperature])
    return f"T = {written}"


def _tables(result: Calibration) -> Iterator[Table]:
    yield _compared(result)
    bins = [(each, picture) for each in result.under_settings.bins if (picture := gauge_of(each)) is not None]
    if bins:
        yield _bins(result, bins)
    if result.before.per_class is not None:
        yield _classes(result)


def _compared(result: Calibration) -> Table:
    """Every measure that has a value: a row each, and a column a temperature."""
    every = [each for each in (result.before, result.after) if each is not None]
    rows = [
        (label, *(None if value is None else Quantity(value, kind) for value in values))
        for label, kind, values in _measures(result, every)
        if any(value is not None for value in values)
    ]
    columns = (Column("measure", "", "text"), *(Column(_at(each), _at(each), "quantities") for each in every))
    groups = result.n_groups
    note = "" if groups is None else f"equal mass and CORP from {groups:,} groups of nearly equal confidence"
    return Table("measures", "Before and after" if len(every) > 1 else "As they are", columns, rows, note)


def _measures(result: Calibration, every: list[Measured]) -> Iterator[tuple[str, str, list[Value]]]:
    """What is shown of each temperature: a label, a kind of number, and the values."""
    is_classwise, is_soft = result.claims == "classwise", result.before.accuracy is None
    named = (
        ("loss, nats", "number", "loss"),
        ("confidence", "share", "confidence"),
        ("accuracy", "share", "accuracy"),
        *((("accuracy, weighted", "share", "weighted_accuracy"),) if result.is_weighted or is_soft else ()),
        (f"ECE, {'mean of the classes, ' if is_classwise else ''}{result.binning}", "number", "ece"),
        ("  by chance alone", "number", "ece_chance"),
        ("largest gap", "number", "mce"),
        *(() if result.is_by_mass else (("ECE, equal mass", "number", "ece_equal_mass"),)),
        ("ECE, smooth", "number", "smece"),
        *(() if is_classwise else (("ECE, mean of the classes", "number", "ece_classwise"),)),
        ("Brier", "number", "brier"),
    )
    for label, kind, name in named:
        yield label, kind, [getattr(each, name) for each in every]
    label = "miscalibration, Brier (CORP)"
    yield label, "number", [None if each.corp_brier is None else each.corp_brier.mcb for each in every]


def _bins(result: Calibration, bins: list[tuple[Bin, Gauge]]) -> Table:
    """The bins that hold something, each with its picture."""
    top = result.claims == "top"
    claim, outcome = ("confidence", "accuracy") if top else ("probability", "frequency")
    legend = f"bar: {outcome}; │ mean {claim}; ░ where chance puts 19 of 20 bars; * beyond"
    columns = (
        Column("low", "from"),
        Column("high", "to"),
        Column("count", "count", "count"),
        Column("confidence", claim, "share"),
        Column("accuracy", outcome, "share"),
        Column("gap", "gap", optional=True),
        Column("chance", "chance", optional=True),
        Column("picture", "", "gauge", legend=legend),
    )
    rows = [
        (each.low, each.high, each.count, each.confidence, each.accuracy, each.gap, each.chance, picture)
        for each, picture in bins
    ]
    of = "" if top else f" of {result.claims}"
    title = f"{claim.capitalize()} and {outcome}{of}, {_at(result.under_settings)}"
    return Table("bins", title, columns, rows)


def _classes(result: Calibration) -> Table:
    """A row a class: how often it is, how likely it is said to be, and how far that is off."""
    found, after = result.before.per_class or (), result.after
    columns: Columns = [
        (Column("class", "class", "text"), [each.name for each in found]),
        (Column("count", "count", "count", optional=True), [each.count for each in found]),
        (Column("frequency", "frequency", "share"), [each.frequency for each in found]),
        (Column("confidence", "mean probability", "share"), [each.confidence for each in found]),
        (Column("ece", "ECE"), [each.ece for each in found]),
        (Column("mce", "largest gap", optional=True), [each.mce for each in found]),
    ]
    if after is not None and after.per_class is not None:
        columns.append((Column("after_ece", f"ECE, {_at(after)}"), [each.ece for each in after.per_class]))
    return Table.of("per_class", "Per class", columns, worst="ece")
