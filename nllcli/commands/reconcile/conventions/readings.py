"""What LOGITS is taken for: its numbers read as another kind, or made into one; a reading is one record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.reconcile.departure import OFTEN, RARELY, SOMETIMES, Departure
from nllcli.commands.reconcile.rounding import ROUNDINGS
from nllcli.errors import setting
from nllcli.numerics.kernels import is_bfloat16
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from nllcli.commands.reconcile.convention import Convention
    from nllcli.commands.reconcile.departure import Known
    from nllcli.commands.reconcile.scores import Logits

    Numbers = NDArray[np.float64]

SOFTMAX_TWICE = "softmax-twice"


@dataclass(frozen=True)
class Reading:
    """What the numbers are taken for, "logits", "log-probs" or "probs", once they are ``made`` into it.

    ``made`` gets the numbers as logits, under the temperature, or, where ``whole`` is set, all numbers of a small file
    (..., C) in the shape of its targets, and returns as many. ``python`` makes the same of a tensor x (n, C); ``of``
    are what the user may say that LOGITS holds. ``binary``: of one column or of several (None: of either).
    """

    text: str
    source: str
    python: str = "{x}"
    made: Callable[[Logits], Numbers] | None = None
    whole: Callable[[Numbers, int, int], Numbers] | None = None
    of: tuple[str, ...] = ("logits",)
    binary: bool | None = None
    rarity: int = SOMETIMES


def _probs(first: Logits) -> Numbers:
    return first.probs()


def _sigmoid(first: Logits) -> Numbers:
    return 1.0 / (1.0 + np.exp(-first.tempered))


def _sigmoid_of_two(first: Logits) -> Numbers:
    probs = first.probs()
    probs[:, 0] = 0.0
    return probs


def _log_sigmoid(first: Logits) -> Numbers:
    x = first.tempered
    log: Numbers = np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))
    return log


def _logs(first: Logits) -> Numbers:
    return np.log(first.tempered)


def _along(x: Numbers, axis: int, _: int) -> Numbers:
    """Log-probabilities along another axis."""
    top = x.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    out: Numbers = x - top - np.log(np.exp(x - top).sum(axis=axis, keepdims=True))
    return out


def _probs_along(x: Numbers, axis: int, class_axis: int) -> Numbers:
    return np.exp(_along(x, axis, class_axis))


def _as_in_memory(x: Numbers, _: int, class_axis: int) -> Numbers:
    """Runs of C numbers as they follow each other in the file, whose classes have another axis."""
    return np.moveaxis(x, -1, class_axis).reshape(x.shape)


def _as_class_first(x: Numbers, *_: int) -> Numbers:
    """The file, whose last axis are the classes, taken as if they were axis 1."""
    return np.moveaxis(x.reshape(x.shape[0], x.shape[-1], *x.shape[1:-1]), 1, -1)


_AXIS = "softmax along axis {axis} in place of the classes"
_BOTH = ("logits", "probs")
READINGS = {
    "logits": Reading(f"{setting('logits')} read as logits", "logits", of=("log-probs", "probs")),
    SOFTMAX_TWICE: Reading("softmax applied twice", "logits", "{x}.softmax(1)", _probs),
    "log-probs": Reading(f"{setting('logits')} read as log-probabilities", "log-probs", of=_BOTH),
    "probs": Reading(f"{setting('logits')} read as probabilities", "probs", of=("logits", "log-probs")),
    "row-sums": Reading(
        "each row divided by its sum, as probabilities (Keras, older scikit-learn, Kaggle)",
        "logits",
        "{x}.log()",
        _logs,
        of=_BOTH,
        binary=False,
    ),
    "sigmoid-logits": Reading(
        "a sigmoid of each class, then the softmax of these",
        "logits",
        "{x}.sigmoid()",
        _sigmoid,
        binary=False,
        rarity=RARELY,
    ),
    "sigmoid-twice": Reading(
        "sigmoid applied twice",
        "logits",
        "{x}.softmax(1) * torch.tensor([0, 1])",
        _sigmoid_of_two,
        binary=True,
    ),
    "sigmoid": Reading(
        "a sigmoid of each class as its p",
        "log-probs",
        "F.logsigmoid({x})",
        _log_sigmoid,
        binary=False,
        rarity=RARELY,
    ),
    "sigmoid-shares": Reading(
        "a sigmoid of each class, divided by their sum (Keras)",
        "logits",
        "F.logsigmoid({x})",
        _log_sigmoid,
        binary=False,
        rarity=RARELY,
    ),
    "axis": Reading(
        f"{_AXIS}: its -log at the target",
        "log-probs",
        "{x}.log_softmax({axis})",
        whole=_along,
    ),
    "axis-probs": Reading(
        f"{_AXIS}, then cross-entropy",
        "logits",
        "{x}.softmax({axis})",
        whole=_probs_along,
    ),
    "axis-log-probs": Reading(
        f"log-{_AXIS}, then cross-entropy",
        "logits",
        "{x}.log_softmax({axis})",
        whole=_along,
    ),
    "in-memory": Reading(
        "the array viewed as (-1, C), without moving the axis of the classes to the end",
        "logits",
        "logits.reshape(-1, {n_classes})",
        whole=_as_in_memory,
    ),
    "class-first": Reading(
        "the array viewed as (N, C, ...), without moving its last axis to place 1",
        "logits",
        "logits.reshape(logits.shape[0], {n_classes}, -1).movedim(1, -1).flatten(0, -2)",
        whole=_as_class_first,
    ),
}
# What a temperature other than 1 is tried with: of logits it is as common as a second softmax of them.
_WITH_TEMPERATURE = {"logits": ("logits", SOFTMAX_TWICE)}


def departures(known: Known) -> Iterator[Departure]:
    base, dataset = known.base, known.dataset
    own = base.term.reading
    for name, reading in READINGS.items():
        if own in reading.of and reading.binary in (None, dataset.binary) and reading.whole is None:
            without_temperature = {} if reading.made else {"temperature": 1.0}
            yield Departure("reading", reading.text, {"reading": name, **without_temperature}, reading.rarity)
    if own == "logits":
        yield from _sigmoid_losses(known)
        yield from _of_whole_files(known)
    t = base.term.temperature
    yield tempered(1.0, OFTEN)
    of = "logits" if own == "logits" else "log p"
    yield Departure("temperature", f"{of} times {t:g} instead of divided", {"temperature": 1.0 / t})
    for name in _input_roundings(dataset.logits.dtype):
        yield Departure("input rounding", f"the inputs rounded to {name}", {"input_rounding": name}, RARELY)


def tempered(t: float, rarity: int = SOMETIMES) -> Departure:
    return Departure("temperature", f"temperature {t:g}", {"temperature": t}, rarity)


def _sigmoid_losses(known: Known) -> Iterator[Departure]:
    """Binary cross-entropy of every class, as of one-hot targets."""
    if known.dataset.binary:
        return
    changes = {"reading": "sigmoid", "loss": "one-vs-rest", "smoothing": 0.0}
    text = "a sigmoid of each class: binary cross-entropy on one-hot targets"
    over_classes = {**changes, "over": known.dataset.n_classes}
    yield Departure("loss", f"{text}, the mean over the classes", over_classes)
    yield Departure("loss", f"{text}, summed over the classes", changes)


def _of_whole_files(known: Known) -> Iterator[Departure]:
    layout = known.dataset.layout
    if not known.found.fits or known.dataset.binary:
        return
    n_axes = len(layout.sample_shape)
    for axis in range(n_axes):
        array_axis = axis + (axis >= layout.class_axis)
        batch = f"{array_axis} (the batch)" if not array_axis else str(array_axis)
        for name in ("axis", "axis-probs", "axis-log-probs"):
            changes = {"reading": f"{name}:{array_axis}"}
            yield Departure("layout", READINGS[name].text.format(axis=batch), changes, RARELY)
            if name == "axis":
                text = f"{_AXIS.format(axis=batch)}: minus its value at the target, as NLLLoss takes it"
                yield Departure("layout", text, {**changes, "each": "minus-p"}, RARELY)
    if n_axes > 1:
        name = "in-memory" if layout.class_axis < n_axes else "class-first"
        yield Departure("layout", READINGS[name].text, {"reading": name}, RARELY)


def reading_of(name: str) -> Reading:
    return READINGS[name.partition(":")[0]]


def made_of_whole(name: str, x: Numbers, class_axis: int) -> Numbers:
    """What a reading of a whole file (..., C) makes of it, (n, C)."""
    axis = int(name.partition(":")[2] or 0)
    whole = reading_of(name).whole
    assert whole is not None
    return whole(x, axis - (axis > class_axis), class_axis).reshape(-1, x.shape[-1])


def makes_sense(convention: Convention, base: Convention) -> bool:
    """Whether the reading goes with the temperature."""
    term, own = convention.term, base.term.reading
    return term.temperature == 1.0 or term.reading in _WITH_TEMPERATURE.get(own, (own,))


def _input_roundings(dtype: np.dtype[Any]) -> list[str]:
    """The types that change what a file of ``dtype`` holds."""
    if is_bfloat16(dtype):
        return ["float16"]
    size = dtype.itemsize if dtype.kind == "f" else 8
    return [name for name, least in zip(ROUNDINGS, (8, 4, 2), strict=True) if size >= least]
