"""What a command that scores logits is asked to do, and the settings that follow from it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import isfinite
from typing import TYPE_CHECKING

from nllcli.errors import UsageError
from nllcli.inputs.dataset import JSON_TARGET, InputOptions, open_dataset
from nllcli.inputs.files import can_be_read_again, name_of
from nllcli.inputs.jsonl import JsonLines
from nllcli.model import PRECISIONS, REDUCTIONS, SOURCES, LossOptions, Notice
from nllcli.numerics.evaluate import LOSSES
from nllcli.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from nllcli.model import Dataset, Layout, Progress, VectorSource


_DIGESTED_AT_ONCE = 1 << 19


@dataclass(frozen=True)
class WeightOptions:
    """Where class weights come from: given as ``weights``, or derived from ``counts`` by a scheme."""

    weights: str | None = None
    counts: str | None = None
    scheme: str | None = None
    normalize: str | None = None
    beta: float | None = None
    zero_count: str = "error"


@dataclass(frozen=True)
class ScoreRequest:
    """The inputs, the loss and the weights of a command, as the command line gives them.

    ``clip`` is eps, or "auto" for the machine epsilon of the logits' dtype.
    """

    inputs: InputOptions
    loss: LossOptions = field(default_factory=LossOptions)
    weights: WeightOptions = field(default_factory=WeightOptions)
    clip: str | None = None
    threads: int | None = None
    progress: Progress | None = None


@dataclass(frozen=True)
class Settled:
    """A request whose files are open and whose weights are numbers; ``weighting`` names them in the signature."""

    dataset: Dataset
    options: LossOptions
    weighting: str
    notices: tuple[Notice, ...] = ()
    shift: int = 0

    @property
    def is_weighted(self) -> bool:
        """Whether samples count differently, by class or one by one."""
        return self.options.class_weights is not None or self.dataset.sample_weights is not None


def settle(request: ScoreRequest, dataset: Dataset | None = None) -> Settled:
    """Check the settings, open the inputs (unless they are: ``dataset``) and work out the class weights."""
    check_weight_options(request.weights)
    if dataset is None:
        dataset = open_dataset(request.inputs)
    if not dataset.has_targets and request.loss.loss != "argmax":
        among = JSON_TARGET if isinstance(dataset.logits, JsonLines) else "--target-column for a column of LOGITS"
        raise UsageError("there are no targets", hint=f"name a second file, or {among}")
    weights, weighting = class_weights_of(request, dataset)
    options = replace(request.loss, class_weights=weights, clip=clip_of(request.clip, dataset))
    check_options(
        options,
        soft=dataset.soft_targets is not None,
        ignoring=request.inputs.ignore_index is not None,
        unlabelled=not dataset.has_targets,
    )
    return Settled(dataset, options, weighting, notices(options, dataset), request.inputs.shift)


def signature(settled: Settled) -> str:
    """One line that names every setting that changes the number."""
    from nllcli.version import __version__

    options, layout = settled.options, settled.dataset.layout
    parts = {
        "loss": options.loss,
        "from": options.source + ("-binary" if options.binary else ""),
        "reduction": options.reduction,
        "weights": settled.weighting,
        "sample-weights": _digest_of(settled.dataset.sample_weights),
        "ignore": "none" if settled.dataset.soft_targets is not None else str(options.ignore_index),
        "smoothing": plain(options.label_smoothing),
        "temperature": plain(options.temperature),
        "clip": "off" if options.clip is None else plain(options.clip),
        # Named where they are not what almost every file needs.
        **class_axis_part(layout),
        **({"shift": str(settled.shift)} if settled.shift else {}),
        "precision": options.precision,
        "version": __version__,
    }
    return "|".join(f"{key}:{value}" for key, value in parts.items())


def class_axis_part(layout: Layout) -> dict[str, str]:
    """The class axis in a signature: named where it is not the last of at most two."""
    n_dims = len(layout.shape)
    return {} if n_dims <= 2 and layout.class_axis == n_dims - 1 else {"class-axis": str(layout.class_axis)}


def _digest_of(vector: VectorSource | None) -> str:
    """A digest of one float64 a sample, in file order."""
    if vector is None:
        return "none"
    from hashlib import sha256  # loads OpenSSL: only where it is needed

    digest = sha256()
    for start in range(0, vector.n, _DIGESTED_AT_ONCE):
        values = vector.read(start, min(_DIGESTED_AT_ONCE, vector.n - start))
        digest.update(values.astype("<f8", copy=False).tobytes())
    return f"sha256-{digest.hexdigest()[:12]}"


def plain(value: float) -> str:
    """The shortest text of a number, without a trailing ".0"."""
    return repr(value).removesuffix(".0")


def check_weight_options(weights: WeightOptions) -> None:
    """Raise UsageError for options of class weights that do not fit together."""
    if weights.weights is not None and weights.counts is not None:
        raise UsageError("--weights and --counts both give class weights", hint="give one of them")
    deriving = (weights.scheme, weights.normalize, weights.beta) != (None, None, None) or weights.zero_count != "error"
    if weights.counts is None and deriving:
        raise UsageError(
            "--scheme, --normalize, --beta and --zero-count derive weights from counts, and there are none",
            hint="--counts targets counts the targets themselves",
        )


def check_options(loss: LossOptions, *, soft: bool, ignoring: bool, unlabelled: bool = False) -> None:
    """Raise UsageError for settings that have no meaning, alone or with ``soft`` targets or none (``unlabelled``).

    ``ignoring`` says that an index to ignore was asked for.
    """
    choices = {
        "source": SOURCES,
        "loss": tuple(LOSSES),
        "reduction": REDUCTIONS,
        "precision": PRECISIONS,
        "on_nonfinite": ("error", "nan"),
    }
    for name, known in choices.items():
        if getattr(loss, name) not in known:
            raise UsageError(f"unknown {name} {getattr(loss, name)!r}", hint=f"one of: {', '.join(known)}")
    if loss.class_weights is not None and not all(map(isfinite, loss.class_weights)):
        raise UsageError("class weights must be finite numbers")
    if unlabelled and loss.loss != "argmax":
        raise UsageError(f"the loss {loss.loss} needs targets")
    if unlabelled and loss.class_weights is not None:
        raise UsageError("a class weight goes by the sample's target, and there are no targets")
    if not 0.0 <= loss.label_smoothing <= 1.0:
        raise UsageError(f"label smoothing {loss.label_smoothing} is outside 0..1")
    if loss.label_smoothing and loss.loss != "nll":
        raise UsageError(f"label smoothing is defined for the loss nll, not for {loss.loss}")
    check_temperature(loss)
    if loss.clip is not None and not 0.0 < loss.clip < 0.5:
        raise UsageError(f"clip {loss.clip} is not between 0 and 0.5")
    if soft and loss.loss != "nll":
        raise UsageError(f"the loss {loss.loss} needs class indices; the targets are class probabilities")
    if soft and ignoring:
        raise UsageError(
            "an index to ignore is a class index; the targets are class probabilities", hint="leave it out"
        )


def check_temperature(loss: LossOptions) -> None:
    """Raise UsageError for a temperature that cannot divide, or that has no logits to divide."""
    if not 0.0 < loss.temperature < float("inf"):
        raise UsageError(f"temperature {loss.temperature} is not a finite number above 0")
    if loss.temperature != 1.0 and loss.source != "logits":
        raise UsageError(f"a temperature divides logits; these are {loss.source}")


def clip_of(clip: str | float | None, dataset: Dataset) -> float | None:
    """The eps that p is clipped with; "auto" is the machine epsilon of the logits' dtype."""
    if clip is None:
        return None
    if clip == "auto":
        from nllcli.numerics.evaluate import machine_epsilon

        return machine_epsilon(dataset.logits.dtype)
    try:
        return float(clip)
    except ValueError:
        raise UsageError(f"--clip {clip!r} is neither a number nor auto") from None


def class_weights_of(request: ScoreRequest, dataset: Dataset) -> tuple[NDArray[np.float64] | None, str]:
    """The weights (n_classes,) and their name in the signature."""
    import numpy as np

    from nllcli.inputs.vectors import read_vector

    wanted = request.weights
    n_classes = dataset.n_classes
    if wanted.weights is not None:
        vector = read_vector(wanted.weights, what="--weights")
        weights = vector.in_order_of(dataset.class_names, what="--weights")
        _check_length(len(weights), n_classes, "--weights", "weights")
        return np.asarray(weights, np.float64), listed(weights)
    if wanted.counts is None:
        return None, "none"

    from nllcli.numerics.schemes import beta_of
    from nllcli.numerics.weightings import class_weights

    scheme = wanted.scheme or "balanced"
    names = dataset.class_names
    counts = _count(request, dataset) if wanted.counts == "targets" else given_counts(wanted.counts, dataset, n_classes)
    weights = class_weights(
        counts,
        scheme=scheme,
        normalize=wanted.normalize,
        beta=wanted.beta,
        zero_count=wanted.zero_count,
        class_names=names,
    )
    beta = beta_of(scheme, wanted.beta)
    parts = [
        scheme,
        *([] if beta is None else [plain(beta)]),
        *([wanted.normalize] if wanted.normalize else []),
    ]
    of = "targets" if wanted.counts == "targets" else listed(np.asarray(counts, np.float64))
    return weights, f"{'-'.join(parts)}-of-{of}"


def given_counts(counts: str, dataset: Dataset, n_classes: int) -> Sequence[int]:
    """The numbers of --counts, one a class, in the order of the classes."""
    from nllcli.inputs.vectors import read_vector

    vector = read_vector(counts, what="--counts", integers=True)
    values: Sequence[int] = vector.in_order_of(dataset.class_names, what="--counts").tolist()
    _check_length(len(values), n_classes, "--counts", "counts")
    return values


def _check_length(n: int, n_classes: int, what: str, noun: str) -> None:
    if n != n_classes:
        raise UsageError(f"{what} gives {n} {noun} for {n_classes} classes")


def listed(values: NDArray[np.float64]) -> str:
    """One number a class, or a digest where that would be long."""
    listed = ",".join(plain(float(value)) for value in values)
    if len(listed) <= 60:
        return listed
    from hashlib import sha256

    return f"sha256-{sha256(values.astype('<f8').tobytes()).hexdigest()[:12]}"


def _count(request: ScoreRequest, dataset: Dataset) -> Sequence[int]:
    """Count the classes among the targets; where they come with the logits, in a pass over inputs opened anew."""
    import numpy as np

    from nllcli.tasks.scoring import targets_of

    if dataset.soft_targets is not None:
        raise UsageError("--counts targets needs class indices; the targets are class probabilities")
    if dataset.logits.labels:
        dataset = open_again(request.inputs, "--counts targets reads the targets among the logits first")
    elif dataset.targets is None:
        raise UsageError("--counts targets counts the targets, and there are none")
    counts = np.zeros(dataset.n_classes, np.int64)
    for indices in targets_of(dataset, request.loss.ignore_index, dataset.n_classes):
        counts += np.bincount(indices, minlength=dataset.n_classes)
    result: Sequence[int] = counts.tolist()
    return result


def open_again(inputs: InputOptions, why: str) -> Dataset:
    """Open the inputs for a second pass; raises UsageError, which ``why`` begins, where one can be read only once."""
    for path in (inputs.logits, inputs.targets, inputs.sample_weights):
        if path is not None and not can_be_read_again(path):
            raise UsageError(f"{why}, and {name_of(path)} cannot be read twice", hint="save it to a file")
    return open_dataset(inputs)


def notices(options: LossOptions, dataset: Dataset) -> tuple[Notice, ...]:
    """What the settings themselves make worth saying."""
    found = []
    weights = options.class_weights
    if weights is not None and (weights < 0).any():
        n = int((weights < 0).sum())
        found.append(Notice("negative-weights", f"{counted(n, 'class weight')} {'is' if n == 1 else 'are'} negative"))
    if weights is not None and options.label_smoothing:
        convention = (
            "soft targets: y becomes (1-e) y + e/C, and the mean divides by the number of positions"
            if dataset.soft_targets is not None
            else "class indices: every class's term has its own weight, and the mean divides by the targets' weights"
        )
        found.append(
            Notice(
                "smoothing-with-weights",
                f"label smoothing with class weights follows PyTorch's rule for {convention}",
            )
        )
    return tuple(found)
