"""A request whose files are open and whose weights are numbers, and the one line that names its settings."""

from __future__ import annotations

from dataclasses import fields, replace
from math import isfinite
from typing import TYPE_CHECKING

from nllcli.data.names import names_of
from nllcli.data.settings import (
    DEFAULT_IGNORE_INDEX,
    LOSSES_GIVEN,
    ON_NONFINITE,
    PARTS,
    PRECISIONS,
    REDUCTIONS,
    SOURCES,
    TOKENS,
    UNKNOWN,
    LossOptions,
)
from nllcli.errors import Notice, Remedy, UsageError, counted, setting
from nllcli.inputs.dataset import no_targets
from nllcli.inputs.opening import open_dataset
from nllcli.numerics.losses import LOSSES
from nllcli.records import dataclass
from nllcli.report import Signature, shortest
from nllcli.scoring.multisets import digest_of
from nllcli.scoring.passes import pieces

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from nllcli.data.dataset import Dataset, LeftOut
    from nllcli.data.layout import Layout
    from nllcli.data.settings import InputOptions, ScoreRequest, WeightOptions

_DIGESTED_AT_ONCE = 1 << 19


@dataclass(frozen=True)
class Settled:
    """A request whose files are open and whose weights are numbers; ``weighting`` names them in the signature."""

    dataset: Dataset
    options: LossOptions
    weighting: str
    notices: tuple[Notice, ...] = ()
    shift: int = 0

    @property
    def has_classes(self) -> bool:
        """Whether there are numbers for several classes, or only for what occurred."""
        return self.options.source not in (TOKENS, LOSSES_GIVEN)

    @property
    def weighs_samples(self) -> bool:
        """Whether samples weigh differently; where targets are shares, class weights weigh parts of each instead."""
        by_class = self.options.class_weights is not None and self.dataset.soft_targets is None
        return by_class or self.dataset.sample_weights is not None

    @property
    def class_names(self) -> Sequence[str]:
        """The classes' names, or their numbers."""
        return names_of(self.dataset.class_names, self.dataset.n_classes)


def settle(request: ScoreRequest, dataset: Dataset | None = None) -> Settled:
    """Check the settings, open the inputs (unless they are: ``dataset``) and work out the class weights."""
    check_weight_options(request.weights)
    tokens = request.loss.source == TOKENS
    if tokens:
        check_token_request(request)
    if request.loss.source == LOSSES_GIVEN:
        check_loss_request(request)
    check_part(request.loss)
    if dataset is None:
        dataset = open_dataset(request.inputs)
    if not tokens and not dataset.has_targets and LOSSES[request.loss.loss].needs_targets:
        raise no_targets(dataset)
    weights, weighting = None, "none"
    if (request.weights.weights, request.weights.counts) != (None, None):
        from nllcli.scoring.class_weights import class_weights_of

        weights, weighting = class_weights_of(request, dataset)
    options = replace(request.loss, class_weights=weights, clip=clip_of(request.clip, dataset))
    return settle_options(options, dataset, weighting, shift=request.inputs.shift)


def settle_options(options: LossOptions, dataset: Dataset, weighting: str, *, shift: int = 0) -> Settled:
    """Settings for an open dataset; raises UsageError for those that have no meaning for it."""
    check_options(options, soft=dataset.soft_targets is not None, unlabelled=not dataset.has_targets)
    return Settled(dataset, options, weighting, (*notices(options, dataset), *left_out(dataset.left_out)), shift)


def notices(options: LossOptions, dataset: Dataset) -> tuple[Notice, ...]:
    """What the settings themselves make worth saying."""
    weights = options.class_weights
    if weights is None:
        return ()
    found = {}
    n = int((weights < 0).sum())
    if n:
        found["negative-weights"] = f"{counted(n, 'class weight')} {'is' if n == 1 else 'are'} negative"
    if options.label_smoothing:
        convention = (
            "soft targets: y becomes (1-e) y + e/C, and the mean divides by the number of positions"
            if dataset.soft_targets is not None
            else "class indices: every class's term has its own weight, and the mean divides by the targets' weights"
        )
        found["smoothing-with-weights"] = f"label smoothing with class weights follows PyTorch's rule for {convention}"
    return tuple(Notice(code, message) for code, message in found.items())


def left_out(out: LeftOut | None) -> tuple[Notice, ...]:
    """The warning of files that are not scored."""
    if out is None:
        return ()
    are = "is" if out.n == 1 else "are"
    return (Notice("partial", f"{out.n} of {counted(out.of, 'file')} {are} not scored: {out.why}"),)


def check_weight_options(weights: WeightOptions) -> None:
    """Raise UsageError for options of class weights that do not fit together."""
    if weights.weights is not None and weights.counts is not None:
        raise UsageError(
            f"{setting('weights')} and {setting('counts')} both give class weights", hint="give one of them"
        )
    deriving = (weights.scheme, weights.normalize, weights.beta) != (None, None, None) or weights.zero_count != "error"
    if weights.counts is None and deriving:
        raise UsageError(
            f"{setting('scheme')}, {setting('normalize')}, {setting('beta')} and {setting('zero_count')} "
            "derive weights from counts, and there are none",
            hint=f"{setting('counts', 'targets')} counts the targets themselves",
        )


def check_token_request(request: ScoreRequest) -> None:
    """Raise UsageError for what has no meaning where there is only the log-probability of what occurred."""
    for record in (request.inputs, request.loss, request.weights, request):
        check_token_options(record)


def check_token_options(record: InputOptions | LossOptions | WeightOptions | ScoreRequest) -> None:
    """Raise UsageError for the options of a record that need classes."""
    for name in _given_beyond(record, _OF_TOKENS):
        raise needs_classes(name)


def check_loss_request(request: ScoreRequest) -> None:
    """Raise UsageError for what has no meaning where the losses themselves are given."""
    for record in (request.inputs, request.loss, request.weights, request):
        for name in _given_beyond(record, _OF_LOSSES):
            message = f"{setting(name)} has no meaning for losses, which are what it would change"
            raise UsageError(message, remedies=[Remedy({name: None}, "the losses as they are")])


def _given_beyond(
    record: InputOptions | LossOptions | WeightOptions | ScoreRequest, known: Collection[str]
) -> Iterator[str]:
    """The options of a record that are not as usual, but for those that are ``known``."""
    for each in fields(record):
        if "option" in each.metadata and each.name not in known and getattr(record, each.name) != each.default:
            yield each.name


# The options that have a meaning for token-log-probs.
_OF_TOKENS = frozenset(
    [
        *("logits", "source", "part", "unknown", "sample_weights", "groups", "input_format", "input_dtype", "header"),
        *("reduction", "precision", "on_nonfinite", "threads", "processes", "scheduler"),
    ]
)
# Those that have one for losses: targets, of any classes, only say which samples count.
_OF_LOSSES = _OF_TOKENS | {
    *("targets", "target_column", "targets_are", "columns", "drop", "id", "missing", "ignore_index", "shift"),
    *("classes", "decimal", "encoding", "partial"),
}


def needs_classes(name: str) -> UsageError:
    """The refusal of the setting ``name``, which needs classes, for log-probabilities of tokens."""
    remedies = [Remedy({name: None}, "without it: each number is the log-probability of the token that occurred")]
    if name in ("targets", "target_column"):
        remedies.append(Remedy({"source": "log-probs"}, "each row has the log-probabilities of all classes"))
    message = f"{setting(name)} has no meaning for {TOKENS}, which say nothing of other classes"
    return UsageError(message, remedies=remedies)


def check_part(loss: LossOptions) -> None:
    """Raise UsageError for a choice of tokens where there are none."""
    given = {"part": loss.part, "unknown": None if loss.unknown == "error" else loss.unknown}
    for name, value in given.items():
        if value is not None and loss.source != TOKENS:
            raise UsageError(
                f"{setting(name)} is about {TOKENS}; these are {loss.source}",
                remedies=[
                    Remedy({"source": TOKENS}, "each number is the log-probability of the token that occurred"),
                    Remedy({name: None}, f"they are {loss.source}"),
                ],
            )


def check_has_classes(options: LossOptions, what: str) -> None:
    """Raise UsageError from ``what`` needs numbers for every class, where there is one number a token."""
    if options.source == TOKENS:
        hint = f"nll compute takes {setting('source', TOKENS)}"
        raise UsageError(f"{what} needs numbers for every class; {TOKENS} have one a token", hint=hint)


def check_options(loss: LossOptions, *, soft: bool, unlabelled: bool = False) -> None:
    """Raise UsageError for settings that have no meaning, alone or with ``soft`` targets or none (``unlabelled``)."""
    choices = {
        "source": (*SOURCES, LOSSES_GIVEN),
        "loss": tuple(LOSSES),
        "reduction": REDUCTIONS,
        "precision": PRECISIONS,
        "on_nonfinite": ON_NONFINITE,
        "part": (None, *PARTS),
        "unknown": UNKNOWN,
    }
    for name, known in choices.items():
        if getattr(loss, name) not in known:
            raise UsageError(
                f"unknown {name} {getattr(loss, name)!r}", hint=f"one of: {', '.join(filter(None, known))}"
            )
    check_part(loss)
    if loss.class_weights is not None and not all(map(isfinite, loss.class_weights)):
        raise UsageError("class weights must be finite numbers")
    record = LOSSES[loss.loss]
    if unlabelled and record.needs_targets and loss.source != TOKENS:
        raise UsageError(f"the loss {loss.loss} needs targets")
    if unlabelled and loss.class_weights is not None:
        raise UsageError("class weights are selected by target, and there are no targets")
    if not 0.0 <= loss.label_smoothing <= 1.0:
        raise UsageError(f"label smoothing {loss.label_smoothing} is outside 0..1")
    if loss.label_smoothing and not record.smooths:
        raise UsageError(f"label smoothing is defined for the loss nll, not for {loss.loss}")
    check_temperature(loss)
    if loss.clip is not None and not 0.0 < loss.clip < 0.5:
        raise UsageError(f"clip {loss.clip} is not between 0 and 0.5")
    if soft and not record.takes_soft:
        raise UsageError(f"the loss {loss.loss} needs class indices; the targets are class probabilities")
    if soft and loss.ignore_index != DEFAULT_IGNORE_INDEX:
        raise UsageError(
            "an index to ignore is a class index; the targets are class probabilities", hint="leave it out"
        )


def check_temperature(loss: LossOptions) -> None:
    """Raise UsageError for a temperature that cannot divide."""
    if not 0.0 < loss.temperature < float("inf"):
        raise UsageError(f"temperature {loss.temperature} is not a finite number above 0")


def clip_of(clip: str | float | None, dataset: Dataset) -> float | None:
    """The eps that p is clipped with; "auto" is the machine epsilon of the logits' dtype."""
    if clip is None:
        return None
    if clip == "auto":
        from nllcli.numerics.kernels import machine_epsilon

        return machine_epsilon(dataset.logits.dtype)
    try:
        return float(clip)
    except ValueError:
        raise UsageError(f"{setting('clip')} {clip!r} is neither a number nor auto") from None


_REDUCED = {"mean": "mean", "sum": "summed", "none": "unreduced"}
_USUAL = {
    "weights": "none",
    "sample-weights": "none",
    "ignore": str(DEFAULT_IGNORE_INDEX),
    "smoothing": "0",
    "temperature": "1",
    "clip": "off",
    "precision": "exact",
}


def signature(settled: Settled) -> Signature:
    """One line that names every setting that changes the number."""
    return signature_of(settings_of(settled), settled.dataset.left_out)


def signature_of(
    settings: Mapping[str, str], out: LeftOut | None, *, what: str = "", usual: Mapping[str, str] | None = None
) -> Signature:
    """The line of these settings, and of the files that are left out: of the loss, or of ``what`` is made of losses.

    What is shown leaves out the settings that have their ``usual`` values.
    """
    parts = {**({what: ""} if what else {}), **settings, **partial_part(out)}
    title = f"{what and f'{what} of '}{_REDUCED[parts['reduction']]} {parts['loss']} of {parts['from']}"
    titled = ("loss", "from", "reduction", what)
    return Signature.of(parts, title=title, titled=titled, usual={**_USUAL, **(usual or {})})


def settings_of(settled: Settled) -> dict[str, str]:
    """Every setting that changes the number, by name."""
    options, layout, own = settled.options, settled.dataset.layout, settled.dataset.sample_weights
    return {
        "loss": options.loss,
        "from": source_part(options),
        **({} if options.part is None else {"part": options.part}),
        **({} if options.unknown == "error" else {"unknown": options.unknown}),
        "reduction": options.reduction,
        "weights": settled.weighting,
        "sample-weights": "none" if own is None else digest_of(values for _, values in pieces(own, _DIGESTED_AT_ONCE)),
        "ignore": "none" if settled.dataset.soft_targets is not None else str(options.ignore_index),
        "smoothing": shortest(options.label_smoothing),
        "temperature": shortest(options.temperature),
        "clip": "off" if options.clip is None else shortest(options.clip),
        # Named where they are not what almost every file needs.
        **class_axis_part(layout),
        **({"shift": str(settled.shift)} if settled.shift else {}),
        "precision": options.precision,
    }


def source_part(options: LossOptions) -> str:
    """What the file holds, in a signature."""
    return options.source + ("-binary" if options.binary else "")


def partial_part(out: LeftOut | None) -> dict[str, str]:
    """How many files are scored, in a signature: named where some are not."""
    return {} if out is None else {"partial": f"{out.of - out.n}-of-{out.of}"}


def class_axis_part(layout: Layout) -> dict[str, str]:
    """The class axis in a signature: named where there are classes and it is not the last of at most two."""
    n_dims = len(layout.shape)
    plain = layout.n_classes == 1 or (n_dims <= 2 and layout.class_axis == n_dims - 1)
    return {} if plain else {"class-axis": str(layout.array_axis)}


def listed(values: NDArray[np.float64]) -> str:
    """One number a class, or a digest where that would be long."""
    text = ",".join(shortest(float(value)) for value in values)
    if len(text) <= 60:
        return text
    from hashlib import sha256  # loads OpenSSL: only where it is needed

    return f"sha256-{sha256(values.astype('<f8', copy=False).tobytes()).hexdigest()[:12]}"
