"""A request and open inputs -> what is measured, by which bins."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from nllcli.commands.calibrate.assembly import Shown
from nllcli.commands.calibrate.like import PEERS, like
from nllcli.commands.calibrate.measures import MeasureOptions
from nllcli.errors import FaultError, Remedy, UsageError, setting
from nllcli.numerics.calibration.bins import Rule, most_bytes
from nllcli.records import dataclass
from nllcli.registry import nearest, unknown
from nllcli.report import shortest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.commands.calibrate.request import Request
    from nllcli.numerics.calibration.bins import Side
    from nllcli.scoring.settled import Settled

DEFAULT_BINS = 15
# Each class has bins unasked where classes are few, or samples and classes are; and asked, so many bins in all.
_FEW_CLASSES, _FEW_NUMBERS = 20, 1 << 20
_MOST_CLASS_BINS = 4096 * DEFAULT_BINS
_CLASS, _WORDS = "class:", ("top", "classwise")


@dataclass(frozen=True)
class Plan:
    """What a request asks of settled inputs: ``claims`` and ``binning`` are what reports call them."""

    at_1: MeasureOptions
    elsewhere: MeasureOptions
    shown: Shown
    claims: str
    binning: str
    settings: dict[str, str]

    def at(self, temperature: float) -> MeasureOptions:
        """What is measured at a temperature: files of probabilities may have another type than what becomes of them."""
        return self.at_1 if temperature == 1.0 else self.elsewhere


def plan_of(request: Request, settled: Settled) -> Plan:
    """What the request asks; raises UsageError for what has no meaning for the inputs."""
    if request.like is not None:
        _check_like(request.like, request, settled)
    if request.binning == "mass" and settled.weighs_samples:
        message = f"{setting('binning', 'mass')} has no meaning for samples that weigh differently"
        raise UsageError(message, remedies=[Remedy({"binning": None}, "bins of equal width")])
    at_1, elsewhere = (_options_for(request, settled, dtype) for dtype in (_dtype_of(settled), "float64"))
    is_classwise = request.of == "classwise"
    names = tuple(settled.class_names) if request.per_class or is_classwise else ()
    claims = "classwise" if is_classwise else "top"
    if at_1.of_class is not None:
        claims = f"class {settled.class_names[at_1.of_class]}"
    shown = Shown(request.binning == "mass", is_classwise, names)
    return Plan(at_1, elsewhere, shown, claims, _binning(request, at_1.rule), _settings(request, at_1.rule, claims))


def _options_for(request: Request, settled: Settled, dtype: str) -> MeasureOptions:
    """What is measured of probabilities of a type."""
    n_classes, peer_rule, of_class = settled.dataset.n_classes, None, _class_of(request, settled)
    rule = Rule(request.n_bins or DEFAULT_BINS, cast("Side", request.edges), dtype=dtype)
    if request.like is not None:
        peer_rule = like(
            request.like, request.n_bins, n_classes=n_classes, one_column=settled.options.binary, dtype=dtype
        )
        rule, of_class = peer_rule.rule, 1 if peer_rule.of == "class 1" else None
    by_class = _has_class_bins(request, settled, rule)
    ranks = by_class and (n_classes <= _FEW_CLASSES or _are_few(settled))
    return MeasureOptions(rule, of_class, peer_rule, by_class, ranks, request.threshold, request.smooth)


def _dtype_of(settled: Settled) -> str:
    """The type of the probabilities that a file holds; float64 of those that are computed."""
    dtype = settled.dataset.logits.dtype
    is_known = dtype.kind == "f" and dtype.itemsize <= 8
    return dtype.newbyteorder("=").name if settled.options.source == "probs" and is_known else "float64"


def _class_of(request: Request, settled: Settled) -> int | None:
    """The class whose probabilities are measured, None for none in particular."""
    if request.of in _WORDS:
        return None
    name, names = request.of.removeprefix(_CLASS), list(settled.class_names)
    if name in (request.of, ""):
        raise _no_claims(request.of, names)
    if name not in names:
        near = unknown("of", name, names, f"there is no class {name!r}")
        raise UsageError(near.message, hint=near.hint, remedies=[_class_named(each) for each in near.remedies])
    return names.index(name)


def _no_claims(of: str, names: Sequence[str]) -> UsageError:
    """The refusal of what is neither a word nor ``class:`` and the name of one of the classes."""
    meant = {name: f"{_CLASS}{name}" for name in names} | {word: word for word in _WORDS}
    near = of if of in names else nearest(of, meant)
    remedies = [] if near is None else [Remedy({"of": meant[near]})]
    return UsageError(f"{setting('of', of)} is not top, classwise or class:NAME", remedies=remedies)


def _class_named(remedy: Remedy) -> Remedy:
    return Remedy({"of": f"{_CLASS}{remedy.settings['of']}"})


def _check_like(name: str, request: Request, settled: Settled) -> None:
    """Raise UsageError for inputs that a library does not measure, and for fewer bins than it makes."""
    peer, n_classes = PEERS[name], settled.dataset.n_classes
    if peer.class_1_of == "all" and n_classes != 2:
        message = f"{name} measures two classes, and here are {n_classes}"
        raise UsageError(message, remedies=[Remedy({"like": None}, "the top label of all classes")])
    if request.n_bins is not None and request.n_bins < peer.fewest_bins:
        raise UsageError(f"{setting('bins', request.n_bins)} of {name} are edges, of which it needs {peer.fewest_bins}")


def _are_few(settled: Settled) -> bool:
    n_samples = settled.dataset.layout.n_samples
    return n_samples is not None and n_samples * settled.dataset.n_classes <= _FEW_NUMBERS


def _has_class_bins(request: Request, settled: Settled, rule: Rule) -> bool:
    """Whether each class has bins of its own; raises FaultError where those asked for would take too much memory."""
    n_classes = settled.dataset.n_classes
    n_bins = n_classes * rule.n_places
    is_asked = request.of == "classwise" or request.per_class or request.threshold is not None
    if is_asked and n_bins > _MOST_CLASS_BINS:
        n_bytes = most_bytes(n_bins, weighted=settled.weighs_samples)
        message = f"{rule.n_places} bins of each of {n_classes:,} classes would take {n_bytes:,} bytes"
        fewer = _MOST_CLASS_BINS // n_classes
        remedies = [Remedy({"bins": fewer}, f"{fewer} bins of each")] if fewer >= 2 else []
        raise FaultError(message, remedies=remedies, hint=f"{setting('bins')} is how many there are of each")
    return is_asked or (n_bins <= _MOST_CLASS_BINS and (n_classes <= _FEW_CLASSES or _are_few(settled)))


def _binning(request: Request, rule: Rule) -> str:
    """The bins in words."""
    told = f"{rule.n_bins} bins of equal mass" if request.binning == "mass" else f"{rule.n_bins} bins"
    return told if request.like is None else f"{told} as of {request.like}"


def _settings(request: Request, rule: Rule, claims: str) -> dict[str, str]:
    """What of the request changes numbers, by name."""
    return {
        "bins": str(rule.n_bins),
        "binning": request.binning,
        "edges": rule.side,
        "of": claims,
        "like": request.like or "none",
        "threshold": "none" if request.threshold is None else shortest(request.threshold),
        "confidence": shortest(request.confidence),
    }
