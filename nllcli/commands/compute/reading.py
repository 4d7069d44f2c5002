"""The tally of a loss out of the data of a file, in which anything may be wrong."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from nllcli.commands.compute.subject import Input, LossTally, Subject, name_of
from nllcli.data.dataset import LeftOut
from nllcli.data.settings import PRECISIONS, REDUCTIONS, SOURCES
from nllcli.errors import Notice
from nllcli.inputs.shapes import MOST_CLASSES
from nllcli.inputs.tally_files import Fields
from nllcli.numerics.exact import UNIT_BITS
from nllcli.numerics.hexadecimal import from_hex, sum_from_data, sums_from_data
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.spread import Spread
from nllcli.numerics.tally import ClassSums, Tally
from nllcli.scoring.notices import FINDINGS, N_PLACES, Found, Place

_A_SUM = "a hexadecimal float"
_REDUCED = tuple(name for name in REDUCTIONS if name != "none")


def from_data(data: Fields) -> LossTally:
    """Read the content of a file; raises DataError for what is not a tally of nll compute."""
    inputs, sums = tuple(_input(each) for each in data.each("inputs")), data.fields("tally")
    if not inputs:
        raise data.wrong("inputs", "names no file")
    subject, findings = _subject(data, name_of(inputs)), sums.fields("findings")
    return LossTally(
        subject,
        _sums(sums, subject),
        {code: _found(findings.fields(code)) for code in FINDINGS if findings.has(code)},
        inputs,
        _left_out(data.fields("left_out")) if data.has("left_out") else None,
        tuple({key: each.text(key) for key in ("numpy", "machine", "simd")} for each in data.each("computed_with")),
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
        loss=_one_of(fields, "loss", LOSSES),
        source=_one_of(fields, "source", SOURCES),
        reduction=_one_of(fields, "reduction", _REDUCED),
        soft=fields.flag("soft"),
        has_sample_weights=fields.flag("has_sample_weights"),
        class_weights=weights,
        label_smoothing=fields.number("label_smoothing"),
        clip=_clip(fields) if fields.has("clip") else None,
        ignore_index=fields.whole("ignore_index"),
        shift=fields.whole("shift"),
        n_classes=n_classes,
        class_names=names,
        notices=tuple(Notice(each.text("code"), each.text("message")) for each in fields.each("notices")),
    )


def _settings(data: Fields) -> dict[str, str]:
    """The settings, among which those have to be that every loss has and something here looks at."""
    signature = data.fields("signature")
    for key, known in (("loss", LOSSES), ("reduction", _REDUCED), ("precision", PRECISIONS)):
        _one_of(signature, key, known)
    for key in ("from", "sample-weights"):
        signature.text(key)
    return data.texts_by_key("signature")


def _one_of(fields: Fields, key: str, known: Any) -> str:
    value = fields.text(key)
    if value not in known:
        raise fields.wrong(key, f"is {value!r}, which this nll does not know")
    return value


def _clip(fields: Fields) -> float:
    clip = fields.number("clip")
    if not 0 < clip < 0.5:
        raise fields.wrong("clip", f"is {clip}, which is not between 0 and 0.5")
    return clip


def _input(fields: Fields) -> Input:
    targets, digest = fields.optional_text("targets"), fields.optional_text("digest")
    return Input(fields.text("logits"), targets, fields.count("n_samples"), digest)


def _left_out(fields: Fields) -> LeftOut:
    names = fields.texts("names") if fields.has("names") else ()
    return LeftOut(fields.count("n"), fields.count("of"), fields.text("why"), names)


def _sums(fields: Fields, subject: Subject) -> Tally:
    squares = fields.fields("squares")
    sums = Tally(
        n_samples=fields.count("n_samples"),
        n_counted=fields.count("n_counted"),
        n_correct=fields.count("n_correct") if fields.has("n_correct") else None,
        loss_sum=fields.converted("loss_sum", sum_from_data, _A_SUM),
        weight_sum=fields.converted("weight_sum", sum_from_data, _A_SUM),
        unweighted_sum=fields.converted("unweighted_sum", sum_from_data, _A_SUM),
        spread=Spread(squares.count("n"), _square(squares, "loss"), *_squares_of_weights(squares, subject)),
    )
    if not (sums.n_correct or 0) <= sums.n_counted <= sums.n_samples or squares.count("n") != sums.n_counted:
        raise fields.wrong("n_counted", f"is {sums.n_counted}, and that does not fit the other counts")
    if not _are_possible(sums.spread, sums.loss_sum.units):
        raise squares.wrong("loss", "is less than these losses can have")
    if not fields.has("classes"):
        return sums
    return replace(sums, classes=_classes(fields.fields("classes"), sums, subject.n_classes))


def _are_possible(spread: Spread, total: int) -> bool:
    """Whether second moments can be those of terms with this sum: by the inequality of Cauchy and Schwarz."""
    ab = total << UNIT_BITS if spread.ab is None else spread.ab
    bb = spread.n << 2 * UNIT_BITS if spread.bb is None else spread.bb
    return min(spread.aa, bb) >= 0 and spread.aa * bb >= ab**2


def _square(squares: Fields, key: str) -> int:
    return squares.converted(key, lambda text: from_hex(text, 2 * UNIT_BITS), _A_SUM)


def _squares_of_weights(squares: Fields, subject: Subject) -> tuple[int, int] | tuple[None, None]:
    """The moments that have to be there where the mean divides by weights, unless nothing is counted."""
    weighs = subject.reduction == "mean" and subject.divides_by_weights
    if not weighs or (squares.count("n") == 0 and not squares.has("weight")):
        return None, None
    return _square(squares, "loss_weight"), _square(squares, "weight")


def _found(fields: Fields) -> Found:
    places = [Place(each.text("file"), each.count("sample"), each.text("text")) for each in fields.each("first")]
    worst = fields.number("worst") if fields.has("worst") else math.inf
    return Found(fields.count("n"), worst, tuple(places[:N_PLACES]))


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
        return fields.converted(key, lambda values: sums_from_data(values, groups, n_classes), "a list of sums")

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
