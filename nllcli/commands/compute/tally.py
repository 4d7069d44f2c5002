"""The tally of a loss as the data of a file: everything that a report of it, or of more samples, needs."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli import __version__
from nllcli.commands.compute.result import report
from nllcli.commands.compute.subject import Input, LossTally, Subject, name_of
from nllcli.data.dataset import LeftOut
from nllcli.data.settings import PRECISIONS, REDUCTIONS, SOURCES
from nllcli.errors import Notice, Remedy, UsageError, setting
from nllcli.inputs.sets import is_member
from nllcli.inputs.shapes import MOST_CLASSES
from nllcli.inputs.tally_files import FORMAT, FORMAT_VERSION, Fields
from nllcli.numerics.exact import UNIT_BITS
from nllcli.numerics.hexadecimal import from_hex, sum_from_data, sum_to_data, sums_from_data, sums_to_data, to_hex
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.spread import Spread
from nllcli.numerics.tally import ClassSums, Tally
from nllcli.scoring.notices import FINDINGS, N_PLACES, Found, Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nllcli.commands.compute.result import LossResult
    from nllcli.data.settings import ScoreRequest
    from nllcli.report import Report

_DIGEST_CHARACTERS = 24
_A_SUM = "a hexadecimal float"
_REDUCED = tuple(name for name in REDUCTIONS if name != "none")


def check_can_be_tallied(request: ScoreRequest, *, per_sample: bool) -> None:
    """Raise UsageError for what no sum can hold, and for settings that differ from part to part."""
    if request.loss.reduction == "none":
        message = f"a tally holds sums, and {setting('reduction', 'none')} asks for the samples"
        raise UsageError(message, remedies=[Remedy({"reduction": None}, "the sums")])
    if per_sample:
        message = f"a tally holds sums, and {setting('per_sample')} asks for the samples"
        raise UsageError(message, remedies=[Remedy({"per_sample": None}, "the sums")])
    if request.weights.counts == "targets":
        message = f"{setting('counts', 'targets')} would weigh every part differently"
        how = f"nll weights --targets FILE -f json -o weights.json, then {setting('weights', 'weights.json')}"
        raise UsageError(message, hint=f"count the targets of all parts once: {how} for every part")


def digested(tally: LossTally, by_input: Sequence[Tally]) -> LossTally:
    """The tally with what tells it from others: the digest of each of its inputs, and the machine."""
    pairs = zip(tally.inputs, by_input, strict=True)
    inputs = tuple(replace(each, digest=_digest_of(sums)) for each, sums in pairs)
    return replace(tally, inputs=inputs, computed_with=(_this_machine(),))


def _digest_of(sums: Tally) -> str | None:
    """What is the same where the samples and their losses are, whatever their order; None where none is counted."""
    if not sums.n_counted:
        return None
    from hashlib import sha256  # loads OpenSSL: only where it is needed

    text = json.dumps(_sums_to_data(sums), sort_keys=True)
    return f"sha256-{sha256(text.encode()).hexdigest()[:_DIGEST_CHARACTERS]}"


def _this_machine() -> Mapping[str, str]:
    """What the last bits of a loss depend on: NumPy, and the instructions that it uses here."""
    import platform

    found: Any = np.show_config(mode="dicts")
    simd = found.get("SIMD Extensions", {})
    used = [*simd.get("baseline", ()), *simd.get("found", ())]
    return {"numpy": np.__version__, "machine": platform.machine(), "simd": used[-1] if used else ""}


def with_tally(result: LossResult) -> Report:
    """The report of a result, and the data of its tally."""
    return replace(report(result), tally=to_data(result))


def to_data(result: LossResult) -> dict[str, Any]:
    """The whole content of a file, in the order of its keys."""
    tally, shown = result.tally, {"loss": result.loss, "standard_error": result.standard_error}
    subject = tally.subject
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
            "notices": [{"code": notice.code, "message": notice.message} for notice in subject.notices],
        },
        "n_classes": subject.n_classes,
        "class_names": None if subject.class_names is None else list(subject.class_names),
        "inputs": [each.named | {"digest": each.digest} for each in tally.inputs],
        "left_out": _left_out_to_data(tally),
        "computed_with": [dict(each) for each in tally.computed_with],
        "tally": {
            **_sums_to_data(tally.sums),
            "findings": {code: _found_to_data(found) for code, found in tally.findings.items()},
            "classes": _classes_to_data(tally.sums.classes, weighted=subject.is_weighted),
        },
        "shown": {key: value if math.isfinite(value) else None for key, value in shown.items()},
    }


def _left_out_to_data(tally: LossTally) -> dict[str, Any] | None:
    """The files left out, but for those that the names of the others tell of."""
    out = tally.left_out
    if out is None or any(is_member(each.logits) for each in tally.inputs):
        return None
    return {"n": out.n, "of": out.of, "why": out.why}


def _sums_to_data(sums: Tally) -> dict[str, Any]:
    spread = sums.spread
    return {
        "n_samples": sums.n_samples,
        "n_counted": sums.n_counted,
        "n_correct": sums.n_correct,
        "loss_sum": sum_to_data(sums.loss_sum),
        "weight_sum": sum_to_data(sums.weight_sum),
        "unweighted_sum": sum_to_data(sums.unweighted_sum),
        "squares": {
            "n": spread.n,
            "loss": to_hex(spread.aa, 2 * UNIT_BITS),
            "loss_weight": None if spread.ab is None else to_hex(spread.ab, 2 * UNIT_BITS),
            "weight": None if spread.bb is None else to_hex(spread.bb, 2 * UNIT_BITS),
        },
    }


def _found_to_data(found: Found) -> dict[str, Any]:
    worst = found.worst if math.isfinite(found.worst) else None
    return {"n": found.n, "worst": worst, "first": [place._asdict() for place in found.places]}


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
        "loss_sum": sums_to_data(sums.loss_sum, groups),
        "weighted_sum": sums_to_data(sums.weighted_sum, groups) if weighted else None,
    }


def from_data(data: Fields) -> LossTally:
    """Read the content of a file; raises DataError for what is not a tally of nll compute."""
    settings, subject, sums = data.texts_by_key("signature"), data.fields("subject"), data.fields("tally")
    inputs = tuple(_input(each) for each in data.each("inputs"))
    if not inputs:
        raise data.wrong("inputs", "names no file")
    n_classes = data.count("n_classes")
    if not 0 < n_classes <= MOST_CLASSES:
        raise data.wrong("n_classes", f"is {n_classes}")
    names = data.texts("class_names") if data.has("class_names") else None
    weights = subject.numbers("class_weights") if subject.has("class_weights") else None
    for key, found in (("class_names", names), ("subject.class_weights", weights)):
        if found is not None and len(found) != n_classes:
            raise data.wrong(key, f"has {len(found)} values for {n_classes} classes")
    notices = tuple(Notice(each.text("code"), each.text("message")) for each in subject.each("notices"))
    return LossTally(
        Subject(
            name=name_of(inputs),
            settings=_checked(data, settings),
            loss=_one_of(subject, "loss", LOSSES),
            source=_one_of(subject, "source", SOURCES),
            reduction=_one_of(subject, "reduction", _REDUCED),
            soft=subject.flag("soft"),
            has_sample_weights=subject.flag("has_sample_weights"),
            class_weights=weights,
            label_smoothing=subject.number("label_smoothing"),
            clip=_clip(subject) if subject.has("clip") else None,
            ignore_index=subject.whole("ignore_index"),
            shift=subject.whole("shift"),
            n_classes=n_classes,
            class_names=names,
            notices=notices,
        ),
        _sums(sums, n_classes),
        {code: _found(sums.fields("findings").fields(code)) for code in FINDINGS if sums.fields("findings").has(code)},
        inputs,
        _left_out(data.fields("left_out")) if data.has("left_out") else None,
        tuple({key: each.text(key) for key in ("numpy", "machine", "simd")} for each in data.each("computed_with")),
    )


def _checked(data: Fields, settings: dict[str, str]) -> dict[str, str]:
    """The settings, among which those have to be that every loss has and something here looks at."""
    signature = data.fields("signature")
    for key, known in (("loss", LOSSES), ("reduction", _REDUCED), ("precision", PRECISIONS)):
        _one_of(signature, key, known)
    for key in ("from", "sample-weights"):
        signature.text(key)
    return settings


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
    return LeftOut(fields.count("n"), fields.count("of"), fields.text("why"))


def _sums(fields: Fields, n_classes: int) -> Tally:
    squares = fields.fields("squares")
    sums = Tally(
        n_samples=fields.count("n_samples"),
        n_counted=fields.count("n_counted"),
        n_correct=fields.count("n_correct") if fields.has("n_correct") else None,
        loss_sum=fields.converted("loss_sum", sum_from_data, _A_SUM),
        weight_sum=fields.converted("weight_sum", sum_from_data, _A_SUM),
        unweighted_sum=fields.converted("unweighted_sum", sum_from_data, _A_SUM),
        spread=Spread(squares.count("n"), _square(squares, "loss"), *_squares_of_weights(squares)),
    )
    if not (sums.n_correct or 0) <= sums.n_counted <= sums.n_samples or squares.count("n") != sums.n_counted:
        raise fields.wrong("n_counted", f"is {sums.n_counted}, and that does not fit the other counts")
    if not _are_possible(sums.spread, sums.loss_sum.units):
        raise squares.wrong("loss", "is less than these losses can have")
    if not fields.has("classes"):
        return sums
    return replace(sums, classes=_classes(fields.fields("classes"), sums, n_classes))


def _are_possible(spread: Spread, total: int) -> bool:
    """Whether second moments can be those of terms with this sum: by the inequality of Cauchy and Schwarz."""
    ab = total << UNIT_BITS if spread.ab is None else spread.ab
    bb = spread.n << 2 * UNIT_BITS if spread.bb is None else spread.bb
    return min(spread.aa, bb) >= 0 and spread.aa * bb >= ab**2


def _square(squares: Fields, key: str) -> int:
    return squares.converted(key, lambda text: from_hex(text, 2 * UNIT_BITS), _A_SUM)


def _squares_of_weights(squares: Fields) -> tuple[int, int] | tuple[None, None]:
    if not squares.has("weight"):
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
