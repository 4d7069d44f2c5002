"""The Python interface: the numbers of the command line for arrays in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nllcli.data.settings import DEFAULT_IGNORE_INDEX, LossOptions
from nllcli.errors import Notice, UsageError
from nllcli.inputs.arrays.memory import dataset_of
from nllcli.numerics.evaluate import Wanted
from nllcli.numerics.tally import Tally
from nllcli.scoring.checks import check_options, clip_of
from nllcli.scoring.loss import loss_of
from nllcli.scoring.notices import tally_notices
from nllcli.scoring.passes import outcomes
from nllcli.scoring.settled import Settled, notices
from nllcli.scoring.signature import listed, signature

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class LossResult:
    """The loss of a set of samples; ``float(result)`` is ``loss``.

    ``loss`` is the reduced number in nats (NaN under "none"), ``losses`` the samples' own (only under "none", in the
    shape of the targets), ``weight_sum`` what the mean divides by, ``accuracy`` None for soft targets. ``warnings``
    are what the command line prints, ``signature`` names every setting.
    """

    loss: float
    losses: NDArray[np.float64] | None
    loss_sum: float
    weight_sum: float
    loss_unweighted: float
    standard_error: float
    accuracy: float | None
    n_samples: int
    n_counted: int
    n_classes: int
    warnings: tuple[Notice, ...]
    signature: str

    def __float__(self) -> float:
        return self.loss


def compute(
    logits: ArrayLike,
    targets: ArrayLike | None = None,
    *,
    source: str = "logits",
    loss: str = "nll",
    reduction: str = "mean",
    class_weights: ArrayLike | None = None,
    sample_weights: ArrayLike | None = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    temperature: float = 1.0,
    clip: float | str | None = None,
    class_axis: int | None = None,
    binary: bool = False,
    on_nonfinite: str = "error",
    precision: str = "exact",
    threads: int | None = None,
) -> LossResult:
    """The negative log-likelihood of arrays, as ``nll compute`` gives it for files.

    Parameters
    ----------
    logits : array_like, (C,), (N, C), (N, C, d1, ...) or (N, d1, ..., C)
        Floats of any width, or integers; what they are is said by ``source``.
    targets : array_like
        Class indices of the logits' shape without the class axis, or floating point of the logits' own shape: class
        probabilities. Only ``loss="argmax"`` does without.
    source : {"logits", "log-probs", "probs"}
    loss : {"nll", "one-vs-rest", "argmax"}
    reduction : {"mean", "sum", "none"}
        The mean divides by the sum of the counted targets' weights, as PyTorch's does.
    class_weights : array_like, (C,)
    sample_weights : array_like, the shape of the targets
    ignore_index : int, default -100
    label_smoothing : float, 0 to 1
    temperature : float, above 0
    clip : float, between 0 and 0.5, or "auto"
        p is clipped to [clip, 1 - clip]; "auto" is the machine epsilon of the logits' dtype.
    class_axis : int
        Needed where the shapes leave it open.
    binary : bool
        The logits, (N,) or (N, 1), belong to class 1 of two.
    on_nonfinite : {"error", "nan"}
    precision : {"exact", "fast"}
        "fast" takes the exponentials of logits up to float32 in float32, which leaves about 1e-7.
    threads : int
        Default: the processors the process may use. The result has the same bits for any number.

    Returns
    -------
    LossResult
        In nats.

    Raises
    ------
    UsageError, DataError
        Settings that do not fit, or data that allows no number; both are NllError.

    Notes
    -----
    The standard error of the mean R is that of a ratio of sums (Cochran, Sampling Techniques, 1977, chapter 6), the
    samples taken as independent: ``sqrt(n / (n-1) * sum (a - R b)**2) / |sum b|`` with a the weighted losses of the n
    counted samples and b their weights. With equal weights that is the sample standard deviation (n - 1) over sqrt(n).
    Under "sum" it is that of the sum, sqrt(n) times the standard deviation of a; NaN for fewer than two samples.

    Examples
    --------
    >>> import nllcli
    >>> round(float(nllcli.compute([[5, 4, 2], [4, 2, 8], [4, 4, 1]], [0, 2, 1])), 4)
    0.3624
    """
    if threads is not None and threads < 1:
        raise UsageError(f"threads is {threads}; at least one does the work")
    dataset = dataset_of(logits, targets, sample_weights=sample_weights, class_axis=class_axis, binary=binary)
    weights = None if class_weights is None else np.asarray(class_weights, np.float64)
    n_classes = dataset.n_classes
    if weights is not None and weights.shape != (n_classes,):
        raise UsageError(f"class_weights has shape {weights.shape} for {n_classes} classes")
    options = LossOptions(
        source=source,
        loss=loss,
        reduction=reduction,
        class_weights=weights,
        ignore_index=DEFAULT_IGNORE_INDEX if ignore_index is None else ignore_index,
        label_smoothing=label_smoothing,
        temperature=temperature,
        clip=clip_of(clip, dataset),
        binary=binary,
        precision=precision,
        on_nonfinite=on_nonfinite,
    )
    check_options(
        options,
        soft=dataset.soft_targets is not None,
        ignoring=ignore_index is not None,
        unlabelled=targets is None,
    )
    settled = Settled(dataset, options, "none" if weights is None else listed(weights), notices(options, dataset))
    tally, parts = Tally(), []
    for outcome in outcomes(settled, Wanted(losses=reduction == "none"), threads=threads):
        tally += outcome.tally
        parts.append(outcome.losses)
    losses = None
    if reduction == "none":
        flat = np.concatenate([part for part in parts if part is not None]) if parts else np.empty(0)
        shape = [n or 0 for n in dataset.layout.sample_shape]
        losses = flat.reshape(shape, order="F" if dataset.layout.fortran else "C")
    reduced = loss_of(tally, reduction)
    return LossResult(
        loss=float("nan") if reduced is None else reduced,
        losses=losses,
        loss_sum=float(tally.loss_sum),
        weight_sum=float(tally.weight_sum),
        loss_unweighted=tally.unweighted_mean(),
        standard_error=tally.standard_error_of_sum() if reduction == "sum" else tally.standard_error(),
        accuracy=None if tally.n_correct is None or not tally.n_counted else tally.n_correct / tally.n_counted,
        n_samples=tally.n_samples,
        n_counted=tally.n_counted,
        n_classes=n_classes,
        warnings=(*settled.notices, *tally_notices(tally, settled), *dataset.notes),
        signature=signature(settled),
    )
