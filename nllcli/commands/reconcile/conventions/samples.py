"""What becomes of each sample's loss: which loss it is, p clipped, targets smoothed, terms added, roundings."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.reconcile.departure import RARELY, SOMETIMES, Departure
from nllcli.commands.reconcile.rounding import ROUNDINGS, round_to
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.surprisal.given import Clipped, clip
from nllcli.records import dataclass
from nllcli.report import shortest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from nllcli.commands.reconcile.convention import Convention, Term
    from nllcli.commands.reconcile.departure import Known
    from nllcli.numerics.surprisal import Surprisal

    Floats = NDArray[np.float64]

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
# What PyTorch's BCELoss keeps logarithms above, as the p that has it.
LEAST_LOG = math.exp(-100.0)
_ADDED = (1e-6, 1e-7, 1e-8, 1e-10, 1e-12)
_SMOOTHING = 0.1
_Z_LOSSES = {1e-4: SOMETIMES, 1e-3: RARELY, 1e-5: RARELY}


@dataclass(frozen=True)
class Each:
    """What is done to each sample's loss l before the samples are reduced: in words, as a function, and in Python."""

    text: str
    value: Callable[[Floats], Floats]
    python: str


EACH = {
    "perplexity": Each("the mean of each sample's perplexity: exp before the reduction", np.exp, "({l}).exp()"),
    "minus-p": Each(
        "softmax in place of log-softmax before NLLLoss: minus the target's p",
        lambda losses: -np.exp(-losses),
        "-(-({l})).exp()",
    ),
}


def departures(known: Known) -> Iterator[Departure]:
    base = known.base
    for loss, about in LOSSES.items():
        if loss != base.term.loss:
            text = about.about if about.scores else f"{loss}: {about.about}"
            yield Departure("loss", text, {"loss": loss, "smoothing": 0.0})
    yield Departure("clip", "p not clipped", {"clip": None})
    for eps, who in _CLIPS.items():
        yield clipped(eps, who)
    text = "logarithms kept at -100 or above (PyTorch's BCELoss)"
    yield Departure("clip", text, {"clip": LEAST_LOG, "added": None})
    yield from map(with_epsilon, _ADDED)
    yield from _smoothings(base, known.dataset.n_classes)
    if LOSSES[base.term.loss].is_likelihood:
        for name, each in EACH.items():
            yield Departure("each", each.text, {"each": name})
        if base.term.reading == "logits":
            for z, rarity in _Z_LOSSES.items():
                yield with_z_loss(z, rarity)
    for name in ROUNDINGS:
        yield Departure("loss rounding", f"each sample's loss rounded to {name}", {"loss_rounding": name}, RARELY)


def clipped(eps: float, who: str = "") -> Departure:
    return Departure("clip", f"p clipped to [{eps:.4g}, 1 - {eps:.4g}]{who}", {"clip": eps})


def with_epsilon(eps: float) -> Departure:
    return Departure("clip", f"-log(p + {eps:g})", {"clip": None, "added": eps})


def with_z_loss(z: float, rarity: int = SOMETIMES) -> Departure:
    text = f"z-loss added: {shortest(z)} times the squared logsumexp (PaLM, OLMo)"
    return Departure("z-loss", text, {"z_loss": z}, rarity)


def with_smoothing(e: float) -> Departure:
    return Departure("smoothing", f"label smoothing {e:g}", {"smoothing": e})


def _smoothings(base: Convention, n_classes: int) -> Iterator[Departure]:
    if not LOSSES[base.term.loss].smooths:
        return
    yield Departure("smoothing", "no label smoothing", {"smoothing": 0.0})
    if base.term.smoothing or is_soft(base):
        of = "smoothed targets" if base.term.smoothing else "targets"
        yield Departure("smoothing", f"KL divergence: the entropy of the {of} subtracted", {"less_entropy": True})
    for e in dict.fromkeys((base.term.smoothing or _SMOOTHING, _SMOOTHING)):
        yield from smoothed(e, n_classes)


def is_soft(convention: Convention) -> bool:
    """Whether the targets are class probabilities."""
    return convention.term.pairing.change == "soft"


def smoothed(e: float, n_classes: int) -> Iterator[Departure]:
    """Label smoothing as it is done by one or the other."""
    yield with_smoothing(e)
    text = f"label smoothing {e:g} as a KL divergence: the entropy of the smoothed targets subtracted"
    yield Departure("smoothing", text, {"smoothing": e, "less_entropy": True})
    # In decimals, as a person works it out: 0.1 over two classes of three is 0.15, not 0.15000000000000002.
    over_all = float(Decimal(repr(e)) * n_classes / (n_classes - 1)) if n_classes > 1 else e
    if over_all <= 1.0:
        text = f"label smoothing {e:g} spread over the other classes only"
        yield Departure("smoothing", text, {"smoothing": over_all})
        text += ", as a KL divergence (fairseq, ESPnet)"
        yield Departure("smoothing", text, {"smoothing": over_all, "less_entropy": True})
    text = f"label smoothing {e:g}, every class's term with the target's weight"
    yield Departure("smoothing", text, {"smoothing": e, "own_weight_smoothing": True})


def makes_sense(convention: Convention) -> bool:
    """Whether the loss, smoothing and entropies mean anything under the other settings."""
    term, weighted = convention.term, convention.weighting.name != "none"
    if term.z_loss and term.reading != "logits":
        return False
    if convention.smooths_each_class and (term.z_loss or term.each or term.loss_rounding):
        return False  # the sums of what each class adds know nothing of these
    if not LOSSES[term.loss].smooths and term.smoothing:
        return False
    if term.each and (term.smoothing or term.z_loss or term.less_entropy or not LOSSES[term.loss].is_likelihood):
        return False
    if is_soft(convention) and not LOSSES[term.loss].takes_soft:
        return False
    if convention.own_weight_smoothing and not (weighted and term.smoothing):
        return False
    return not term.less_entropy or (not weighted and bool(term.smoothing or is_soft(convention)))


# What a pass does.


def values_under(term: Term, surprisals: Floats) -> Floats:
    """``surprisals`` of any shape as the term clips p, or adds to it."""
    if term.clip is not None:
        return clip(surprisals, term.clip)
    return surprisals if term.added is None else _add(surprisals, term.added)


def under(term: Term, scores: Surprisal) -> Surprisal:
    """The surprisals as the term clips p, or adds to it."""
    if term.clip is not None:
        return Clipped(scores, term.clip)
    return scores if term.added is None else _EpsilonAdded(scores, term.added)


def _add(surprisals: Floats, eps: float) -> Floats:
    """``-log(p + eps)``, as people write it to keep the logarithm finite, from -log p."""
    added: Floats = 0.0 - np.log(np.exp(-surprisals) + eps)
    return added


class _EpsilonAdded(Clipped):
    """Surprisals ``-log(p + eps)``."""

    def _clip(self, values: Floats) -> Floats:
        return _add(values, self._eps)


def finished(term: Term, losses: Floats, entropies: Floats | float, log_normalisers: Floats | None) -> Floats:
    """The losses (n,) after all that is done to them."""
    if term.less_entropy:
        losses = losses - entropies
    if term.z_loss:
        assert log_normalisers is not None
        losses = losses + term.z_loss * log_normalisers**2
    if term.each:
        losses = EACH[term.each].value(losses)
    return losses if term.loss_rounding is None else round_to(losses, term.loss_rounding)


def entropy(probs: Any) -> Any:
    """The entropy (n,) of distributions (n, C) in nats, 0 log 0 being 0."""
    with np.errstate(all="ignore"):
        return -np.where(probs > 0.0, probs * np.log(probs), 0.0).sum(axis=-1)


def smoothed_entropy(e: float, n_classes: int) -> float:
    """The entropy of a one-hot target smoothed by ``e``."""
    probs = np.full(n_classes, e / n_classes)
    probs[0] += 1.0 - e
    return float(entropy(probs))
