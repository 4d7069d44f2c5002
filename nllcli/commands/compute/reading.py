"""The tally of a loss out of the data of a file, in which anything may be wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from nllcli.commands.compute.subject import HardSample, HardSequence, Input, LossTally, Subject, name_of
from nllcli.data.settings import PRECISIONS, REDUCTIONS, SOURCES
from nllcli.inputs.shapes import MOST_CLASSES
from nllcli.inputs.tally_files import Fields
from nllcli.numerics.hexadecimal import sums_from_data as columns_from_data
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.tally import ClassSums, Tally
from nllcli.scoring.tally_data import (
    clip_from_data,
    findings_from_data,
    left_out_from_data,
    machines_from_data,
    notices_from_data,
    sums_from_data,
)

_REDUCED = tuple(name for name in REDUCTIONS if name != "none")


def from_data(data: Fields) -> LossTally:
    """Read the content of a file; raises DataError for what is not a tally of nll compute."""
    inputs, sums = tuple(_input(each) for each in data.each("inputs")), data.fields("tally")
    if not inputs:
        raise data.wrong("inputs", "names no file")
    subject = _subject(data, name_of(inputs))
    found = _sums(sums, subject)
    hardest: tuple[HardSample, ...] = ()
    sequences: tuple[HardSequence, ...] = ()
    if sums.has("pictures"):
        from nllcli.commands.compute.collected_data import collected_from_data

        pictures, hardest, sequences = collected_from_data(sums.fields("pictures"), found, subject.n_classes)
        found = replace(found, pictures=pictures)
    return LossTally(
        subject,
        found,
        findings_from_data(sums.fields("findings")),
        inputs,
        left_out_from_data(data),
        machines_from_data(data),
        hardest,
        sequences,
    )


def _subject(data: Fields, name: str) -> Subject:
    n_classes, fields = data.count("n_classes"), data.fields("subject")
    if not 0 < n_classes <= MOST_CLASSES:
        raise data.wrong("n_classes", f"is {n_classes}")
    names = data.texts("class_names") if data.has("class_names") else None
    weights = fields.numbers("class_weights") if fields.has("class_weights") else None
    for key, found in (("class_names", names), ("subject.class_weights", weights)):
        if found is not None and len(found) != n_classes:
            raise data.wrong(key, f"has {len(found)} values for {n_classes} classes")
    return Subject(
        name=name,
        settings=_settings(data),
        loss=fields.one_of("loss", LOSSES),
        source=fields.one_of("source", SOURCES),
        reduction=fields.one_of("reduction", _REDUCED),
        soft=fields.flag("soft"),
        has_sample_weights=fields.flag("has_sample_weights"),
        class_weights=weights,
        label_smoothing=fields.number("label_smoothing"),
        clip=clip_from_data(fields),
        ignore_index=fields.whole("ignore_index"),
        shift=fields.whole("shift"),
        n_classes=n_classes,
        class_names=names,
        notices=notices_from_data(fields),
    )


def _settings(data: Fields) -> dict[str, str]:
    """The settings, among which those have to be that every loss has and something here looks at."""
    signature = data.fields("signature")
    for key, known in (("loss", LOSSES), ("reduction", _REDUCED), ("precision", PRECISIONS)):
        signature.one_of(key, known)
    for key in ("from", "sample-weights", "temperature"):
        signature.text(key)
    return data.texts_by_key("signature")


def _input(fields: Fields) -> Input:
    targets, digest = fields.optional_text("targets"), fields.optional_text("digest")
    return Input(fields.text("logits"), targets, fields.count("n_samples"), digest)


def _sums(fields: Fields, subject: Subject) -> Tally:
    sums = sums_from_data(fields, weighs=subject.reduction == "mean" and subject.divides_by_weights)
    if not fields.has("classes"):
        return sums
    return replace(sums, classes=_classes(fields.fields("classes"), sums, subject.n_classes))


def _classes(fields: Fields, sums: Tally, n_classes: int) -> ClassSums:
    """The sums of the classes; raises DataError where they do not add up to those of all samples."""
    groups = np.arange(n_classes)
    if fields.has("class"):
        groups = fields.counts("class", len(fields.values["n"]) if isinstance(fields.values.get("n"), list) else 0)
        if len(groups) and (groups[-1] >= n_classes or (np.diff(groups) <= 0).any()):
            raise fields.wrong("class", f"are not indices of {n_classes} classes, in order")
    n, n_correct = np.zeros(n_classes, np.int64), np.zeros(n_classes, np.int64)
    n[groups], n_correct[groups] = fields.counts("n", len(groups)), fields.counts("n_correct", len(groups))

    def column(key: str) -> Any:
        fields.column(key, len(groups), "sums")
        return fields.converted(key, lambda values: columns_from_data(values, groups, n_classes), "a list of sums")

    loss_sum = column("loss_sum")
    weighted_sum = column("weighted_sum") if fields.has("weighted_sum") else loss_sum
    whole = {
        "n": (int(n.sum(dtype=object)), sums.n_counted),
        "n_correct": (int(n_correct.sum(dtype=object)), sums.n_correct),
        "loss_sum": (loss_sum.total(), sums.unweighted_sum),
        "weighted_sum": (weighted_sum.total(), sums.loss_sum),
    }
    for key, (found, expected) in whole.items():
        if found != expected:
            raise fields.wrong(key, "does not add up to the sum of all samples")
    return ClassSums(n, n_correct, loss_sum, weighted_sum)
