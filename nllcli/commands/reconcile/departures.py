"""The conventions that people mix up, as departures from the user's own settings, taken one or two at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from nllcli.commands.reconcile.conventions import (
    BATCH_REDUCTIONS,
    ROUNDINGS,
    SCALE_FREE,
    SOFTMAX_TWICE,
    Convention,
    Weighting,
)
from nllcli.errors import setting
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.schemes import ABOUT, NORMALIZATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_CLIPS = {
    1e-6: "",
    1e-7: " (Keras)",
    2.0**-23: " (float32's epsilon)",
    2.0**-10: " (float16's epsilon)",
    1e-8: "",
    1e-10: "",
    1e-12: "",
    1e-15: " (older scikit-learn)",
    2.0**-52: " (float64's epsilon: scikit-learn)",
    1e-16: "",
}
_ADDED = (1e-6, 1e-7, 1e-8, 1e-10, 1e-12)
_SMOOTHING = 0.1
_BETAS = (0.9, 0.99, 0.999, 0.9999)
_READINGS = {
    "logits": f"{setting('logits')} read as logits",
    SOFTMAX_TWICE: "softmax applied twice",
    "log-probs": f"{setting('logits')} read as log-probabilities",
    "probs": f"{setting('logits')} read as probabilities",
}
_REDUCTIONS = {
    "mean": "mean over the sum of the targets' weights",
    "sum": "sum",
    "counted": "sum / number of counted samples",
    "samples": "sum / number of all samples, ignored ones too",
    "items": "sum / length of the first axis (the batch size)",
    "elements": "sum / (samples x classes)",
}
_BATCHES = {
    "batch-means": "mean of the means of batches of {n}",
    "full-batch-means": "mean of the means of batches of {n}, the last short one left out",
    "batch-means-by-size": "means of batches of {n}, each times its number of samples, over all samples",
    "full-batches": "mean over whole batches of {n}: the samples of the last short one left out",
}
# What the departures of these dimensions combine with; those of others combine with all.
_COMBINED_WITH = {
    "batches": frozenset(
        {"reading", "temperature", "loss", "smoothing", "shift", "weights", "sample weights", "ignore", "unit", "sign"}
    ),
    **dict.fromkeys(("input rounding", "loss rounding", "result rounding"), frozenset({"reduction", "unit", "sign"})),
}
# Each of these pairs costs passes over all classes, or its second changes nothing under its first.
_EXCLUDED_PAIRS = frozenset(
    frozenset(pair)
    for pair in (
        ("clip", "smoothing"),
        ("clip", "temperature"),
        ("clip", "shift"),
        ("loss", "smoothing"),
        ("loss", "clip"),
        ("loss", "shift"),
        ("shift", "smoothing"),
    )
)


@dataclass(frozen=True)
class Departure:
    """One thing done differently: ``changes`` of the fields of a Convention, or of its term."""

    dimension: str
    text: str
    changes: tuple[tuple[str, Any], ...]

    def apply(self, convention: Convention) -> Convention:
        own = {name: value for name, value in self.changes if hasattr(convention, name)}
        term = {name: value for name, value in self.changes if name not in own}
        return replace(convention, **own, term=replace(convention.term, **term) if term else convention.term)


@dataclass(frozen=True)
class Candidate:
    """A convention and how it departs from the user's own settings."""

    convention: Convention
    departures: tuple[Departure, ...] = ()

    @property
    def description(self) -> str:
        return "; ".join(departure.text for departure in self.departures) or "your own settings"


@dataclass(frozen=True)
class Data:
    """What can be tried on the data; ``batch_sizes`` count items of ``item_samples`` samples each."""

    n_classes: int
    batch_sizes: Sequence[int]
    item_samples: int
    shifts: Sequence[int]
    ignore: Mapping[int, str]
    input_roundings: Sequence[str]
    count_sources: Sequence[str]
    several_axes: bool


def candidates(base: Convention, data: Data) -> Iterator[Candidate]:
    """Every convention to try, each once: the user's own, then those of one departure, then those of two."""
    seen = {base}
    yield Candidate(base)
    departures = [departure for departure in _departures(base, data) if departure.apply(base) != base]
    one = [(departure,) for departure in departures]
    two = [pair for pair in combinations(departures, 2) if _may_combine(*pair)]
    for chosen in (*one, *two):
        convention = base
        for departure in chosen:
            convention = departure.apply(convention)
        if convention not in seen and _makes_sense(convention, base):
            seen.add(convention)
            yield Candidate(convention, chosen)


def _departures(base: Convention, data: Data) -> Iterator[Departure]:
    """All departures, also some that change nothing of the user's own settings."""
    yield from _readings(base)
    yield from _term_departures(base, data)
    yield from _smoothings(base, data.n_classes)
    yield from _weightings(data.count_sources)
    yield Departure("sample weights", "without the sample weights", (("sample_weights", False),))
    for index, text in data.ignore.items():
        yield Departure("ignore", text, (("ignore_index", index),))
    yield from _reductions(data)
    for unit, text in (("bits", "bits"), ("base-10", "base-10 logarithms"), ("perplexity", "perplexity: exp of it")):
        yield Departure("unit", text, (("unit", unit),))
    yield Departure("sign", "the log-likelihood: its negative", (("negative", True),))
    for name in ROUNDINGS:
        yield Departure("result rounding", f"the result rounded to {name}", (("result_rounding", name),))


def _readings(base: Convention) -> Iterator[Departure]:
    for reading, text in _READINGS.items():
        if reading == base.term.reading or (reading == SOFTMAX_TWICE and base.term.reading != "logits"):
            continue
        without_temperature = () if reading == SOFTMAX_TWICE else (("temperature", 1.0),)
        yield Departure("reading", text, (("reading", reading), *without_temperature))
    own = base.term.temperature
    yield Departure("temperature", "temperature 1", (("temperature", 1.0),))
    yield Departure("temperature", f"logits times {own:g} instead of divided", (("temperature", 1.0 / own),))


def _term_departures(base: Convention, data: Data) -> Iterator[Departure]:
    for loss, about in LOSSES.items():
        if loss != base.term.loss:
            text = about.about if about.scores else f"{loss}: {about.about}"
            yield Departure("loss", text, (("loss", loss), ("smoothing", 0.0)))
    yield Departure("clip", "p not clipped", (("clip", None),))
    for eps, who in _CLIPS.items():
        yield Departure("clip", f"p clipped to [{eps:.4g}, 1 - {eps:.4g}]{who}", (("clip", eps),))
    for eps in _ADDED:
        yield Departure("clip", f"-log(p + {eps:g})", (("clip", None), ("added", eps)))
    for shift in data.shifts:
        text = f"position t against the target of t{shift:+d}" if shift else "each position against its own target"
        yield Departure("shift", text, (("shift", shift),))
    for name in data.input_roundings:
        yield Departure("input rounding", f"the inputs rounded to {name}", (("input_rounding", name),))
    for name in ROUNDINGS:
        yield Departure("loss rounding", f"each sample's loss rounded to {name}", (("loss_rounding", name),))


def _smoothings(base: Convention, n_classes: int) -> Iterator[Departure]:
    if not LOSSES[base.term.loss].smooths:
        return
    yield Departure("smoothing", "no label smoothing", (("smoothing", 0.0),))
    for e in dict.fromkeys((base.term.smoothing or _SMOOTHING, _SMOOTHING)):
        yield Departure("smoothing", f"label smoothing {e:g}", (("smoothing", e),))
        over_all = e * n_classes / (n_classes - 1) if n_classes > 1 else e
        if over_all <= 1.0:
            text = f"label smoothing {e:g} spread over the other classes only"
            yield Departure("smoothing", text, (("smoothing", over_all),))
        text = f"label smoothing {e:g}, every class's term with the target's weight"
        yield Departure("smoothing", text, (("smoothing", e), ("own_weight_smoothing", True)))


def _weightings(count_sources: Sequence[str]) -> Iterator[Departure]:
    yield Departure("weights", "no class weights", (("weighting", Weighting()),))
    for source in count_sources:
        origin = "the targets' counts" if source == "targets" else setting("counts")
        for scheme in sorted(ABOUT, key=lambda name: name != "balanced"):  # what most people mean comes first
            about = ABOUT[scheme]
            for beta in _BETAS if "beta" in about.parameters else (None,):
                for normalize in NORMALIZATIONS:
                    text = f"weights {scheme}{'' if beta is None else f' (beta {beta:g})'} of {origin}"
                    if normalize != about.normalize:
                        text += f", normalised to {normalize}" if normalize != "none" else ", not normalised"
                    yield Departure("weights", text, (("weighting", Weighting(scheme, normalize, beta, source)),))


def _reductions(data: Data) -> Iterator[Departure]:
    for reduction, text in _REDUCTIONS.items():
        if reduction != "items" or data.several_axes:
            yield Departure("reduction", text, (("reduction", reduction),))
    for size in data.batch_sizes:
        for reduction in BATCH_REDUCTIONS:
            changes = (("reduction", reduction), ("batch", size * data.item_samples))
            yield Departure("batches", _BATCHES[reduction].format(n=size), changes)


def _may_combine(a: Departure, b: Departure) -> bool:
    pair = frozenset((a.dimension, b.dimension))
    if len(pair) == 1 or pair in _EXCLUDED_PAIRS:
        return False
    return all(pair - {one} <= _COMBINED_WITH.get(one, pair) for one in pair)


def _makes_sense(convention: Convention, base: Convention) -> bool:
    """Whether the convention has a meaning, and one of its own."""
    term, weighting = convention.term, convention.weighting
    if term.temperature != 1.0 and term.reading not in ("logits", SOFTMAX_TWICE):
        return False
    if convention.own_weight_smoothing and (weighting.name == "none" or not term.smoothing):
        return False
    if convention.reduction == "counted" and weighting.name == "none" and not convention.sample_weights:
        return False
    if weighting.name in ABOUT and weighting != base.weighting and convention.reduction in SCALE_FREE:
        return weighting.normalize == ABOUT[weighting.name].normalize
    return True
