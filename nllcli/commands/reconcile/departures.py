"""The conventions that people mix up, as departures from the user's own settings, taken one or two at a time."""

from __future__ import annotations

from dataclasses import field, replace
from decimal import Decimal
from itertools import combinations
from typing import TYPE_CHECKING, Any

from nllcli.commands.reconcile.conventions import ROUNDINGS, SOFTMAX_TWICE, Convention, Weighting
from nllcli.data.settings import DEFAULT_IGNORE_INDEX
from nllcli.errors import setting
from nllcli.numerics.kernels import is_bfloat16
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.schemes import ABOUT, NORMALIZATIONS
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np

    from nllcli.commands.reconcile.survey import Survey
    from nllcli.data.dataset import Dataset
    from nllcli.data.layout import Layout

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
_BATCH_SIZES = sorted({*(2**k for k in range(11)), 10, 20, 50, 100, 200, 500, 1000})
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
# What a temperature other than 1 is tried with: of logits it is as common as a second softmax of them.
_WITH_TEMPERATURE = {"logits": ("logits", SOFTMAX_TWICE)}
# Reductions in which a common factor of the weights cancels.
_SCALE_FREE = ("mean", *_BATCHES)
# What the departures of these dimensions combine with; those of others combine with all ...
_COMBINED_WITH = dict.fromkeys(("input rounding", "loss rounding", "result rounding"), ("reduction", "unit", "sign"))
# ... but for these pairs: both set the same thing, or the second changes nothing under the first, or costs passes
# over all classes.
_NOT_COMBINED_WITH = {
    "batches": ("clip", "reduction"),
    "clip": ("smoothing", "temperature", "shift"),
    "loss": ("smoothing", "clip", "shift"),
    "shift": ("smoothing",),
}


@dataclass(frozen=True)
class Departure:
    """One thing done differently: ``changes`` of the fields of a Convention, or of its term."""

    dimension: str
    text: str
    changes: Mapping[str, Any] = field(hash=False)

    def apply(self, convention: Convention) -> Convention:
        own = {name: value for name, value in self.changes.items() if hasattr(convention, name)}
        term = {name: value for name, value in self.changes.items() if name not in own}
        return replace(convention, **own, term=replace(convention.term, **term) if term else convention.term)


@dataclass(frozen=True)
class Candidate:
    """A convention and how it departs from the user's own settings."""

    convention: Convention
    departures: tuple[Departure, ...] = ()

    @property
    def description(self) -> str:
        return "; ".join(departure.text for departure in self.departures) or "your own settings"


def candidates(base: Convention, dataset: Dataset, found: Survey, *, has_counts: bool) -> Iterator[Candidate]:
    """Every convention to try, each once: the user's own, then those of one departure, then those of two."""
    seen = {base}
    yield Candidate(base)
    every = _departures(base, dataset, found, has_counts=has_counts)
    departures = [departure for departure in every if departure.apply(base) != base]
    one = [(departure,) for departure in departures]
    two = [pair for pair in combinations(departures, 2) if _may_combine(*pair)]
    for chosen in (*one, *two):
        convention = base
        for departure in chosen:
            convention = departure.apply(convention)
        if convention not in seen and _makes_sense(convention, base):
            seen.add(convention)
            yield Candidate(convention, chosen)


def _departures(base: Convention, dataset: Dataset, found: Survey, *, has_counts: bool) -> Iterator[Departure]:
    """All departures, also some that change nothing of the user's own settings."""
    yield from _readings(base)
    yield from _losses(base)
    for shift in found.counts:
        text = f"position t against the target of t{shift:+d}" if shift else "each position against its own target"
        yield Departure("shift", text, {"shift": shift})
    for name in _input_roundings(dataset.logits.dtype):
        yield Departure("input rounding", f"the inputs rounded to {name}", {"input_rounding": name})
    for name in ROUNDINGS:
        yield Departure("loss rounding", f"each sample's loss rounded to {name}", {"loss_rounding": name})
    yield from _smoothings(base, dataset.n_classes)
    yield from _weightings("targets", "given") if has_counts else _weightings("targets")
    yield Departure("sample weights", "without the sample weights", {"sample_weights": False})
    yield from _ignored(base, found)
    yield from _reductions(dataset.layout, found)
    for unit, text in (("bits", "bits"), ("base-10", "base-10 logarithms"), ("perplexity", "perplexity: exp of it")):
        yield Departure("unit", text, {"unit": unit})
    yield Departure("sign", "the log-likelihood: its negative", {"negative": True})
    for name in ROUNDINGS:
        yield Departure("result rounding", f"the result rounded to {name}", {"result_rounding": name})


def _readings(base: Convention) -> Iterator[Departure]:
    for reading, text in _READINGS.items():
        if reading == base.term.reading or (reading == SOFTMAX_TWICE and base.term.reading != "logits"):
            continue
        without_temperature = {} if reading == SOFTMAX_TWICE else {"temperature": 1.0}
        yield Departure("reading", text, {"reading": reading, **without_temperature})
    own = base.term.temperature
    yield Departure("temperature", "temperature 1", {"temperature": 1.0})
    of = "logits" if base.term.reading == "logits" else "log p"
    yield Departure("temperature", f"{of} times {own:g} instead of divided", {"temperature": 1.0 / own})


def _losses(base: Convention) -> Iterator[Departure]:
    for loss, about in LOSSES.items():
        if loss != base.term.loss:
            text = about.about if about.scores else f"{loss}: {about.about}"
            yield Departure("loss", text, {"loss": loss, "smoothing": 0.0})
    yield Departure("clip", "p not clipped", {"clip": None})
    for eps, who in _CLIPS.items():
        yield Departure("clip", f"p clipped to [{eps:.4g}, 1 - {eps:.4g}]{who}", {"clip": eps})
    for eps in _ADDED:
        yield Departure("clip", f"-log(p + {eps:g})", {"clip": None, "added": eps})


def _input_roundings(dtype: np.dtype[Any]) -> list[str]:
    """The types that change what a file of ``dtype`` holds."""
    if is_bfloat16(dtype):
        return ["float16"]
    size = dtype.itemsize if dtype.kind == "f" else 8
    return [name for name, least in zip(ROUNDINGS, (8, 4, 2), strict=True) if size >= least]


def _smoothings(base: Convention, n_classes: int) -> Iterator[Departure]:
    if not LOSSES[base.term.loss].smooths:
        return
    yield Departure("smoothing", "no label smoothing", {"smoothing": 0.0})
    for e in dict.fromkeys((base.term.smoothing or _SMOOTHING, _SMOOTHING)):
        yield Departure("smoothing", f"label smoothing {e:g}", {"smoothing": e})
        # In decimals, as a person works it out: 0.1 over two classes of three is 0.15, not 0.15000000000000002.
        over_all = float(Decimal(repr(e)) * n_classes / (n_classes - 1)) if n_classes > 1 else e
        if over_all <= 1.0:
            text = f"label smoothing {e:g} spread over the other classes only"
            yield Departure("smoothing", text, {"smoothing": over_all})
        text = f"label smoothing {e:g}, every class's term with the target's weight"
        yield Departure("smoothing", text, {"smoothing": e, "own_weight_smoothing": True})


def _weightings(*count_sources: str) -> Iterator[Departure]:
    yield Departure("weights", "no class weights", {"weighting": Weighting()})
    for source in count_sources:
        origin = "the targets' counts" if source == "targets" else setting("counts")
        for scheme in sorted(ABOUT, key=lambda name: name != "balanced"):  # what most people mean comes first
            about = ABOUT[scheme]
            for beta in _BETAS if about.takes_beta else (None,):
                for normalize in NORMALIZATIONS:
                    text = f"weights {scheme}{'' if beta is None else f' (beta {beta:g})'} of {origin}"
                    if normalize != about.normalize:
                        text += f", normalised to {normalize}" if normalize != "none" else ", not normalised"
                    yield Departure("weights", text, {"weighting": Weighting(scheme, normalize, beta, source)})


def _ignored(base: Convention, found: Survey) -> Iterator[Departure]:
    """Classes that others may take for padding: the first, the most frequent, and 255; and none of them."""
    if found.outside:  # the one index to ignore is taken
        return
    counts = found.counts[base.term.shift]
    if 0 <= base.ignore_index < counts.n_classes:
        yield Departure("ignore", "no target ignored", {"ignore_index": DEFAULT_IGNORE_INDEX})
    most = int(counts.classes[counts.sums.argmax()])
    for index in dict.fromkeys((0, most, 255)):
        if counts[index]:
            why = " (the most frequent)" if index == most != 0 else ""
            yield Departure("ignore", f"target {index} ignored{why}", {"ignore_index": index})


def _reductions(layout: Layout, found: Survey) -> Iterator[Departure]:
    for reduction, text in _REDUCTIONS.items():
        if reduction != "items" or len(layout.sample_shape) > 1:
            yield Departure("reduction", text, {"reduction": reduction})
    for size in _BATCH_SIZES:
        if size < found.n_items and layout.in_target_order:
            n_samples = size * (found.n_samples // found.n_items)
            for reduction, text in _BATCHES.items():
                yield Departure("batches", text.format(n=size), {"reduction": reduction, "batch": n_samples})


def _may_combine(a: Departure, b: Departure) -> bool:
    if a.dimension == b.dimension:
        return False
    return all(
        other in _COMBINED_WITH.get(one, (other,)) and other not in _NOT_COMBINED_WITH.get(one, ())
        for one, other in ((a.dimension, b.dimension), (b.dimension, a.dimension))
    )


def _makes_sense(convention: Convention, base: Convention) -> bool:
    """Whether the convention has a meaning, and one of its own."""
    term, weighting = convention.term, convention.weighting
    own = base.term.reading
    if term.temperature != 1.0 and term.reading not in _WITH_TEMPERATURE.get(own, (own,)):
        return False
    if convention.own_weight_smoothing and (weighting.name == "none" or not term.smoothing):
        return False
    if convention.reduction == "counted" and weighting.name == "none" and not convention.sample_weights:
        return False
    if weighting.name in ABOUT and weighting != base.weighting and convention.reduction in _SCALE_FREE:
        return weighting.normalize == ABOUT[weighting.name].normalize
    return True
