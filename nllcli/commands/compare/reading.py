"""A comparison out of the data of a file, in which anything may be wrong."""

from __future__ import annotations

import math
import re
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from nllcli.commands.compare.comparison import settings_of_question
from nllcli.commands.compare.groups import N_EXTREMES
from nllcli.commands.compare.inference import Question
from nllcli.commands.compare.jobs import n_units_of
from nllcli.commands.compare.names import starred
from nllcli.commands.compare.reading_sums import jobs_from_data, pair_from_data
from nllcli.commands.compare.subject import Compared, Input, Model, Sample, Subject
from nllcli.commands.compare.sums import Sums
from nllcli.data.names import name_of_files
from nllcli.data.settings import ADJUSTMENTS, LOSSES_GIVEN, PRECISIONS, REDUCTIONS, SOURCES
from nllcli.inputs.shapes import MOST_CLASSES
from nllcli.numerics.losses import LOSSES
from nllcli.scoring.tally_data import (
    clip_from_data,
    findings_from_data,
    left_out_from_data,
    machines_from_data,
    notices_from_data,
    sums_from_data,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.inputs.tally_files import Fields
    from nllcli.numerics.tally import Tally

_COUNT = re.compile(r"[0-9]{1,20}")


def from_data(data: Fields) -> Compared:
    """Read the content of a file; raises DataError for what is not a tally of nll compare."""
    inputs = tuple(_input(each) for each in data.each("inputs"))
    if not inputs:
        raise data.wrong("inputs", "names no file")
    subject = _subject(data, inputs)
    found = data.each("tallies")
    if len(found) != len(subject.models):
        raise data.wrong("tallies", f"are of {len(found)} models, and there are {len(subject.models)}")
    weighs = subject.question.reduction == "mean" and _divides_by_weights(subject)
    tallies = tuple(sums_from_data(each, weighs=weighs) for each in found)
    _check_counts(data, tallies, inputs)
    pairs = data.each("pairs")
    if len(pairs) != len(subject.pairs):
        raise data.wrong("pairs", f"are {len(pairs)}, and {len(subject.pairs)} in subject.pairs")
    most = max(subject.n_largest, N_EXTREMES)
    sums = Sums(
        tallies,
        tuple(
            pair_from_data(each, (tallies[a], tallies[b]), subject.models[a].n_classes, most, weighs=weighs)
            for each, (a, b) in zip(pairs, subject.pairs, strict=True)
        ),
    )
    jobs = jobs_from_data(data, sums, subject, weighted=_divides_by_weights(subject))
    if sum(job.n_inputs for job in jobs) != len(inputs):
        raise data.wrong("jobs", "are not of as many files as inputs names")
    return Compared(
        subject,
        sums,
        n_units_of(jobs),
        inputs,
        _samples(data, sums, inputs),
        tuple(findings_from_data(each.fields("findings")) for each in found),
        len(inputs) > 1,
        left_out_from_data(data),
        machines_from_data(data),
        jobs,
    )


def _divides_by_weights(subject: Subject) -> bool:
    """Whether the means divide by sums of weights, not by numbers of samples."""
    settings = subject.settings
    by_class = settings["weights"] != "none" and settings["ignore"] != "none"
    return by_class or settings["sample-weights"] != "none"


def _check_counts(data: Fields, tallies: Sequence[Tally], inputs: Sequence[Input]) -> None:
    """Raise DataError where the models have not the same samples, or not those of the inputs."""
    for key in ("n_samples", "n_counted"):
        if len({getattr(each, key) for each in tallies}) > 1:
            raise data.wrong("tallies", f"have different {key}")
    if len({each.weight_sum for each in tallies}) > 1:
        raise data.wrong("tallies", "have different weights")
    if sum(each.n_samples for each in inputs) != tallies[0].n_samples:
        raise data.wrong("inputs", f"have not the {tallies[0].n_samples} samples of the tallies")


def _subject(data: Fields, inputs: tuple[Input, ...]) -> Subject:
    settings, fields = data.texts_by_key("signature"), data.fields("subject")
    signature = data.fields("signature")
    for key in ("from", "sample-weights", "weights", "ignore"):
        signature.text(key)
    groups = fields.optional_text("groups")
    question = _question(signature)
    own = settings_of_question(question, groups)
    for key, value in own.items():
        if signature.text(key) != value:
            raise signature.wrong(key, f"is {signature.text(key)!r}, which this nll does not write")
    signature.one_of("precision", PRECISIONS)
    every = data.each("models")
    if len(every) < 2 or any(len(one.models) != len(every) for one in inputs):
        raise data.wrong("models", f"are {len(every)}, which the inputs do not have")
    models = tuple(_model(each, [one.models[i] for one in inputs]) for i, each in enumerate(every))
    targets = [one.targets or one.models[0] for one in inputs]
    return Subject(
        name=together(targets),
        models=models,
        pairs=_pairs(fields, len(models)),
        settings=settings,
        question=question,
        n_largest=fields.count("largest"),
        groups=groups,
        loss=signature.one_of("loss", LOSSES),
        ignore_index=fields.whole("ignore_index"),
        shift=fields.whole("shift"),
        clip=clip_from_data(fields),
        are_named=fields.flag("named"),
    )


def together(files: Sequence[str]) -> str:
    """What files are called together: by the pattern of their names where these differ in numbers alone."""
    pattern = starred(files)
    return name_of_files(files) if pattern is None else pattern[0]


def _question(signature: Fields) -> Question:
    confidence = _number(signature, "confidence")
    margin = None if signature.text("margin") == "none" else _number(signature, "margin")
    if not 0.0 < confidence < 1.0:
        raise signature.wrong("confidence", f"is {confidence:g}, which is not between 0 and 1")
    if margin is not None and not 0.0 <= margin < math.inf:
        raise signature.wrong("margin", f"is {margin:g}")
    return Question(
        confidence,
        margin,
        _count(signature, "permutations"),
        _count(signature, "bootstrap"),
        _count(signature, "seed"),
        signature.one_of("reduction", [name for name in REDUCTIONS if name != "none"]),
        signature.one_of("adjust", ADJUSTMENTS),
    )


def _number(fields: Fields, key: str) -> float:
    fields.text(key)
    return fields.converted(key, float, "a number as text")


def _count(fields: Fields, key: str) -> int:
    text = fields.text(key)
    if not _COUNT.fullmatch(text) or int(text) >= 1 << 64:
        raise fields.wrong(key, f"is {text!r}, not a count as text")
    return int(text)


def _pairs(fields: Fields, n_models: int) -> tuple[tuple[int, int], ...]:
    """The models of each pair, the baseline or every other one first."""
    asked = fields.values.get("pairs")
    every = [(a, b) for a in range(n_models) for b in range(a + 1, n_models)]
    for known in (every, [pair for pair in every if pair[0] == 0]):
        if asked == [list(pair) for pair in known]:
            return tuple(known)
    raise fields.wrong("pairs", f"are not pairs of {n_models} models")


def _model(fields: Fields, files: Sequence[str]) -> Model:
    n_classes = fields.count("n_classes")
    if not 0 < n_classes <= MOST_CLASSES:
        raise fields.wrong("n_classes", f"is {n_classes}")
    names = fields.texts("class_names") if fields.has("class_names") else None
    if names is not None and len(names) != n_classes:
        raise fields.wrong("class_names", f"has {len(names)} values for {n_classes} classes")
    return Model(
        name=fields.text("name"),
        path=together(files),
        source=fields.one_of("from", (*SOURCES, LOSSES_GIVEN)),
        temperature=fields.number("temperature"),
        n_classes=n_classes,
        class_names=names,
        names_classes=fields.flag("names_classes"),
        notices=notices_from_data(fields),
    )


def _input(fields: Fields) -> Input:
    models = fields.texts("models")
    if not models:
        raise fields.wrong("models", "names no file")
    n_sequences = fields.count("n_sequences") if fields.has("n_sequences") else None
    digest, targets = fields.optional_text("digest"), fields.optional_text("targets")
    return Input(models, targets, fields.count("n_samples"), n_sequences, digest)


def _samples(data: Fields, sums: Sums, inputs: Sequence[Input]) -> dict[int, Sample]:
    """The samples that the sums name; raises DataError where one of them is missing."""
    starts = [0, *accumulate(each.n_samples for each in inputs)]
    found: dict[int, Sample] = {}
    for fields in data.each("samples"):
        number = fields.count("number")
        if number >= starts[-1]:
            raise fields.wrong("number", f"is {number}, and there are {starts[-1]} samples")
        i = next(i for i in range(len(inputs)) if number < starts[i + 1])
        name: Any = fields.values.get("name")
        name = fields.text("name") if isinstance(name, str) else fields.count("name")
        found[number] = Sample(inputs[i].models[0], number - starts[i], fields.text("text"), name)
    missing = [number for number in sums.named_samples if number not in found]
    if missing:
        raise data.wrong("samples", f"lack number {missing[0]}")
    return found
