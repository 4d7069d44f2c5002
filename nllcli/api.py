"""The Python interface: the numbers of the command line for arrays in memory."""

from __future__ import annotations

from dataclasses import fields
from functools import wraps
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from nllcli.commands.compute import Sections, score
from nllcli.commands.compute.result import LossResult
from nllcli.data.settings import DEFAULT_IGNORE_INDEX, LOSSES_GIVEN, TOKENS, LossOptions, Workers
from nllcli.errors import NllError, UsageError
from nllcli.inputs.arrays.frames import one_a_class
from nllcli.inputs.arrays.memory import dataset_of
from nllcli.inputs.token_logs.source import no_such_part, tokens_of
from nllcli.numerics import softmax as numerics
from nllcli.numerics import weightings
from nllcli.scoring.settled import check_token_options, clip_of, listed, needs_classes, settle_options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike

Given = ParamSpec("Given")
Result = TypeVar("Result")


def _in_python(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Let errors name settings as keywords, with the remedies, or else the hint, as notes."""

    @wraps(function)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except NllError as error:
            error.word(_say)
            known = signature(function).parameters.keys()
            calls = [r for r in error.remedies if r.settings and not r.files and r.settings.keys() <= known]
            for remedy in calls:
                keywords = ", ".join(f"{name}={value!r}" for name, value in remedy.settings.items())
                error.add_note(f"try: {keywords}" + (f"  # {remedy.meaning}" if remedy.meaning else ""))
            if error.hint and not calls:
                error.add_note(error.hint)
            raise

    return run


def _say(name: str, value: str | None) -> str:
    """A keyword, and its value as Python has it."""
    if value is None:
        return name
    if value and not value.lstrip("-").replace(".", "", 1).isdecimal():
        value = repr(value)
    return f"{name}={value or True}"


def _with_options(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Show the options of the loss in the signature."""
    given = signature(function)
    own = [parameter for parameter in given.parameters.values() if parameter.kind != Parameter.VAR_KEYWORD]
    shared = [
        Parameter(field.name, Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
        for field in fields(LossOptions)
        if field.name not in given.parameters
    ]
    function.__signature__ = given.replace(parameters=[*own, *shared])  # type: ignore[attr-defined]  # for help()
    return function


softmax = _in_python(numerics.softmax)
log_softmax = _in_python(numerics.log_softmax)
class_weights = _in_python(weightings.class_weights)


@_in_python
@_with_options
def compute(
    logits: ArrayLike,
    targets: ArrayLike | None = None,
    *,
    class_weights: ArrayLike | Mapping[Any, float] | None = None,
    sample_weights: ArrayLike | None = None,
    clip: float | str | None = None,
    class_axis: int | None = None,
    targets_are: str | None = None,
    threads: int | None = None,
    **options: Any,
) -> LossResult:
    """The negative log-likelihood of arrays, as ``nll compute`` gives it for files.

    Parameters
    ----------
    logits : array_like, (C,), (N, C), (N, C, d1, ...) or (N, d1, ..., C)
        Floats of any width, or integers; what they are is said by ``source``. Of "token-log-probs" any shape: one
        number a token, the log-probability of what occurred.
    targets : array_like
        Class indices of the logits' shape without the class axis, or floating point of the logits' own shape: class
        probabilities. Axes of length 1 may be missing in either. Booleans are classes 0 and 1 of two. Only
        ``loss="argmax"`` and "token-log-probs" do without.
    source : {"logits", "log-probs", "probs", "token-log-probs"}
    unknown : {"error", "drop"}
        What a token does that has NaN, or -9999, for its log-probability; ``part`` is about files, but
        for "all", which takes zeros at the ends of rows for log-probabilities, not for padding.
    loss : {"nll", "one-vs-rest", "argmax"}
    reduction : {"mean", "sum", "none"}
        The mean divides by the sum of the counted targets' weights, as PyTorch's does.
    class_weights : array_like, (C,), or a mapping or series of them by the classes' names or numbers
    sample_weights : array_like, the shape of the targets
    ignore_index : int, default -100
    label_smoothing : float, 0 to 1
    temperature : float, above 0
        Divides the logits; of probabilities and log-probabilities, log p, which is then normalised. 1 changes nothing.
    clip : float, between 0 and 0.5, or "auto"
        p is clipped to [clip, 1 - clip]; "auto" is the machine epsilon of the logits' dtype.
    class_axis : int
        Needed where the shapes leave it open.
    targets_are : {"names", "numbers"}
        What integer targets are where the columns of a data frame are numbered otherwise than from 0.
    binary : bool
        One logit a sample, (N,), (N, 1), (N, 1, d1, ...) or (N, d1, ...): that of class 1 of two. Floating-point
        targets between 0 and 1 are its probabilities.
    on_nonfinite : {"error", "nan"}
    precision : {"exact", "fast"}
        "fast" takes the exponentials of logits up to float32 in float32, which leaves about 1e-7.
    threads : int
        Default: the processors the process may use, up to 8. The result has the same bits for any number.

    Returns
    -------
    LossResult
        In nats; with what is worth a warning or a note.

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
    unknown = options.keys() - {field.name for field in fields(LossOptions)}
    if unknown:
        raise TypeError(f"compute() got an unexpected keyword argument {min(unknown)!r}")
    if options.get("ignore_index", 0) is None:
        del options["ignore_index"]  # the default, as it has always been
    if threads is not None and threads < 1:
        raise UsageError(f"threads is {threads}; at least 1 is needed")
    binary = options.get("binary", False)
    if options.get("source") == LOSSES_GIVEN:
        raise UsageError("losses are given: there is nothing to compute")
    if options.get("source") == TOKENS:
        given = {"targets": targets, "class_weights": class_weights, "clip": clip, "class_axis": class_axis}
        given["binary"] = binary or None
        return _compute_tokens(logits, sample_weights, given, threads, LossOptions(**options))
    dataset = dataset_of(
        logits,
        targets,
        sample_weights=sample_weights,
        class_axis=class_axis,
        binary=binary,
        targets_are=targets_are,
        ignore_index=options.get("ignore_index", DEFAULT_IGNORE_INDEX),
    )
    weights = None if class_weights is None else one_a_class(class_weights, dataset.class_names)
    if weights is not None and weights.shape != (dataset.n_classes,):
        raise UsageError(f"class_weights has shape {weights.shape} for {dataset.n_classes} classes")
    settings = LossOptions(**options, class_weights=weights, clip=clip_of(clip, dataset))
    settled = settle_options(settings, dataset, "none" if weights is None else listed(weights))
    return score(settled, Sections(), workers=Workers(threads), in_memory=True)


def _compute_tokens(
    log_probs: ArrayLike,
    sample_weights: ArrayLike | None,
    given: Mapping[str, Any],
    threads: int | None,
    options: LossOptions,
) -> LossResult:
    """The loss of log-probabilities of what occurred; raises UsageError for anything ``given`` that needs classes."""
    for name, value in given.items():
        if value is not None:
            raise needs_classes(name)
    check_token_options(options)
    if options.part in ("prompt", "completion"):
        raise no_such_part("logits", options.part, ())
    dataset = tokens_of(log_probs, sample_weights, part=options.part, unknown=options.unknown)
    return score(settle_options(options, dataset, "none"), Sections(), workers=Workers(threads), in_memory=True)
