"""The sums of a loss, and what was found on the way, as the data of a file; read from it, anything may be wrong."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.dataset import LeftOut
from nllcli.errors import Notice, Remedy, UsageError, first_few, setting
from nllcli.numerics.exact import UNIT_BITS
from nllcli.numerics.hexadecimal import from_hex, sum_from_data, sum_to_data, to_hex
from nllcli.numerics.spread import Spread
from nllcli.numerics.tally import Tally
from nllcli.scoring.notices import FINDINGS, N_PLACES, Found, Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nllcli.data.settings import ScoreRequest
    from nllcli.inputs.tally_files import Fields

A_SUM = "a hexadecimal float"
_MACHINE = ("numpy", "machine", "simd")
_MOST_NAMED = 5
_DIGEST_CHARACTERS = 24


def check_can_be_tallied(request: ScoreRequest, *, own_weights: bool = False) -> None:
    """Raise UsageError for what no sum can hold, and, unless ``own_weights``, for settings that differ by part."""
    if request.loss.reduction == "none":
        message = f"a tally holds sums, and {setting('reduction', 'none')} asks for the samples"
        raise UsageError(message, remedies=[Remedy({"reduction": None}, "the sums")])
    if request.weights.counts == "targets" and not own_weights:
        message = f"{setting('counts', 'targets')} would weigh every part differently"
        how = f"nll weights --targets FILE -f json -o weights.json, then {setting('weights', 'weights.json')}"
        raise UsageError(message, hint=f"count the targets of all parts once: {how} for every part")


def sums_to_data(sums: Tally) -> dict[str, Any]:
    """The sums over all samples, those by class left out."""
    return {
        "n_samples": sums.n_samples,
        "n_counted": sums.n_counted,
        "n_correct": sums.n_correct,
        "loss_sum": sum_to_data(sums.loss_sum),
        "weight_sum": sum_to_data(sums.weight_sum),
        "unweighted_sum": sum_to_data(sums.unweighted_sum),
        "squares": spread_to_data(sums.spread),
    }


def sums_from_data(fields: Fields, *, weighs: bool) -> Tally:
    """Read what ``sums_to_data`` gives; ``weighs`` says that the mean divides by weights."""
    squares = fields.fields("squares")
    sums = Tally(
        n_samples=fields.count("n_samples"),
        n_counted=fields.count("n_counted"),
        n_correct=fields.count("n_correct") if fields.has("n_correct") else None,
        loss_sum=fields.converted("loss_sum", sum_from_data, A_SUM),
        weight_sum=fields.converted("weight_sum", sum_from_data, A_SUM),
        unweighted_sum=fields.converted("unweighted_sum", sum_from_data, A_SUM),
        spread=spread_from_data(squares, weighs=weighs),
    )
    if not (sums.n_correct or 0) <= sums.n_counted <= sums.n_samples or sums.spread.n != sums.n_counted:
        raise fields.wrong("n_counted", f"is {sums.n_counted}, and that does not fit the other counts")
    if not are_possible(sums.spread, sums.loss_sum.units):
        raise squares.wrong("loss", "is less than these losses can have")
    return sums


def spread_to_data(spread: Spread) -> dict[str, Any]:
    """Second moments, None those that follow where every weight is 1."""
    return {
        "n": spread.n,
        "loss": to_hex(spread.aa, 2 * UNIT_BITS),
        "loss_weight": None if spread.ab is None else to_hex(spread.ab, 2 * UNIT_BITS),
        "weight": None if spread.bb is None else to_hex(spread.bb, 2 * UNIT_BITS),
    }


def spread_from_data(squares: Fields, *, weighs: bool) -> Spread:
    """Read what ``spread_to_data`` gives: the moments of weights have to be there unless nothing is counted."""
    n = squares.count("n")
    if not weighs or (n == 0 and not squares.has("weight")):
        return Spread(n, square(squares, "loss"))
    return Spread(n, square(squares, "loss"), square(squares, "loss_weight"), square(squares, "weight"))


def square(fields: Fields, key: str) -> int:
    """A sum of products, as a count of 2**-2148."""
    return fields.converted(key, lambda text: from_hex(text, 2 * UNIT_BITS), A_SUM)


def are_possible(spread: Spread, total: int) -> bool:
    """Whether second moments can be those of terms with this sum: by the inequality of Cauchy and Schwarz."""
    ab = total << UNIT_BITS if spread.ab is None else spread.ab
    bb = spread.n << 2 * UNIT_BITS if spread.bb is None else spread.bb
    return min(spread.aa, bb) >= 0 and spread.aa * bb >= ab**2


def findings_to_data(findings: Mapping[str, Found]) -> dict[str, Any]:
    """What was found, by code."""
    return {code: _found_to_data(found) for code, found in findings.items()}


def _found_to_data(found: Found) -> dict[str, Any]:
    worst = found.worst if math.isfinite(found.worst) else None
    return {"n": found.n, "worst": worst, "first": [place._asdict() for place in found.places]}


def findings_from_data(fields: Fields) -> dict[str, Found]:
    """Read what ``findings_to_data`` gives."""
    return {code: _found_from_data(fields.fields(code)) for code in FINDINGS if fields.has(code)}


def _found_from_data(fields: Fields) -> Found:
    places = [Place(each.text("file"), each.count("sample"), each.text("text")) for each in fields.each("first")]
    worst = fields.number("worst") if fields.has("worst") else math.inf
    return Found(fields.count("n"), worst, tuple(places[:N_PLACES]))


def notices_to_data(notices: Sequence[Notice]) -> list[dict[str, str]]:
    """What the settings make worth saying."""
    return [{"code": notice.code, "message": notice.message} for notice in notices]


def notices_from_data(fields: Fields) -> tuple[Notice, ...]:
    """Read what ``notices_to_data`` gives, under ``notices``."""
    return tuple(Notice(each.text("code"), each.text("message")) for each in fields.each("notices"))


def clip_from_data(fields: Fields) -> float | None:
    """How far probabilities are kept from 0 and 1, which is not told where they are taken as they are."""
    if not fields.has("clip"):
        return None
    clip = fields.number("clip")
    if not 0 < clip < 0.5:
        raise fields.wrong("clip", f"is {clip}, which is not between 0 and 0.5")
    return clip


def left_out_to_data(out: LeftOut | None) -> dict[str, Any] | None:
    """The files whose samples are not there."""
    return None if out is None else asdict(out)


def left_out_from_data(data: Fields) -> LeftOut | None:
    """Those of a tally."""
    if not data.has("left_out"):
        return None
    fields = data.fields("left_out")
    names = fields.texts("names") if fields.has("names") else ()
    return LeftOut(fields.count("n"), fields.count("of"), fields.text("why"), names)


def digest_of(tallies: Sequence[Tally]) -> str | None:
    """What is the same where the samples and their losses are, whatever their order; None where none is counted.

    The ``tallies``, of one model or several of the same samples, have a fingerprint of them.
    """
    if not any(each.n_counted for each in tallies):
        return None
    import json
    from hashlib import sha256  # loads OpenSSL: only where it is needed

    told: list[Any] = []
    for each in tallies:
        assert each.fingerprint is not None
        told += [sums_to_data(each), each.fingerprint.value]
    return f"sha256-{sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:_DIGEST_CHARACTERS]}"


def this_machine() -> Mapping[str, str]:
    """What the last bits of a loss depend on: NumPy, and the instructions that it uses here."""
    import platform

    found: Any = np.show_config(mode="dicts")
    simd = found.get("SIMD Extensions", {})
    used = [*simd.get("baseline", ()), *simd.get("found", ())]
    return {"numpy": np.__version__, "machine": platform.machine(), "simd": used[-1] if used else ""}


def machines_from_data(data: Fields) -> tuple[Mapping[str, str], ...]:
    """The kinds of machines that computed a tally."""
    return tuple({key: each.text(key) for key in _MACHINE} for each in data.each("computed_with"))


def machines_differ(machines: Sequence[Mapping[str, str]], precision: str) -> tuple[Notice, ...]:
    """What to say of parts that were computed by different machines."""
    kinds = [f"numpy {each['numpy']} ({each['machine']} {each['simd']})" for each in machines]
    if len(kinds) < 2:
        return ()
    digit = "last" if precision == "exact" else "seventh"
    message = f"one machine may give another {digit} digit: computed with {first_few(kinds, _MOST_NAMED)}"
    return (Notice("machines-differ", message),)
