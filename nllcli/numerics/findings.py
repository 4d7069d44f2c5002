"""What is wrong with samples: the errors that refuse them, and the findings that warn of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.blocks import Scratch
from nllcli.data.settings import LOSSES_GIVEN, TOKENS, UNLISTED
from nllcli.errors import Remedy, SampleError, setting
from nllcli.numerics.kernels import machine_epsilon, sum_classes, to_float
from nllcli.numerics.losses import LOSSES
from nllcli.numerics.surprisal import sum_of_parts
from nllcli.numerics.tally import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.numerics.evaluate import Scoring

# How far above 0 rounding may put a log-probability.
MOST_ROUNDED = 1e-3
_NOT_LOG_PROBS = "losses, -log p, have the other sign; probabilities need their logarithm: numpy.log"


# Below 0 by more than this, a value is not the 0 of a probability, however it was rounded.
_ROUNDED_ZERO = 0.01


def no_number(scoring: Scoring, unusable: NDArray[np.bool_]) -> SampleError:
    """The error for ``unusable`` samples (n,), whose logits allow no number."""
    if scoring.options.source == TOKENS:
        return _no_log_prob(scoring, unusable)
    if scoring.options.source == LOSSES_GIVEN:
        return _no_loss(scoring, unusable)
    first = unusable.argmax()
    row = to_float(scoring.x[first : first + 1], Scratch())[0]
    bad = np.isnan(row) | np.isposinf(row)
    nothing = "0" if scoring.options.source == "probs" else "-inf"
    c, message = None, f"every class is {nothing}, which leaves nothing to normalise"
    if bad.any():
        column = int(bad.argmax())
        c = 1 if scoring.options.binary else column
        message = f"class {c} is {'NaN' if np.isnan(row[column]) else '+inf'}"
    return SampleError(
        message,
        culprit="logits",
        samples=Rows.where(unusable, scoring.block.start).first,
        class_index=c,
        remedies=_without_logits(scoring, row),
    )


def _without_logits(scoring: Scoring, row: NDArray[np.float64]) -> list[Remedy]:
    """What may be done about a sample whose logits allow no number: all NaN, it may be a gap."""
    targets, remedies = scoring.block.targets, [Remedy({"on_nonfinite": "nan"}, "such samples count as NaN")]
    if np.isnan(row).all() and targets is not None and targets.ndim == 1:
        remedies.insert(0, Remedy({"missing": "ignore"}, "samples without logits are left out"))
    return remedies


def check_given(scoring: Scoring, unusable: NDArray[np.bool_] | None) -> None:
    """Raise SampleError for numbers that are not the (log-)probabilities they are given as, ``unusable`` (n,) aside."""
    options, x = scoring.options, scoring.x
    if options.source == TOKENS:
        _check_tokens(scoring)
        return
    if options.source == LOSSES_GIVEN:
        return
    if options.source == "probs":
        if not x.size or (x.min() >= 0.0 and x.max() <= 1.0):
            return
        _refuse(scoring, unusable, np.less(x, 0) | np.greater(x, 1), "not a probability")
    elif options.clip is None and (options.binary or LOSSES[options.loss].asks_every_class):
        check_complements(scoring, unusable)


def check_complements(scoring: Scoring, unusable: NDArray[np.bool_] | None) -> None:
    """Raise SampleError for log-probabilities above 0, which leave no probability to other classes."""
    if scoring.options.source == "log-probs" and scoring.x.max(initial=0.0) > 0.0:
        _refuse(scoring, unusable, np.greater(scoring.x, 0), "not a log-probability: 1 - p would be negative")


def _refuse(scoring: Scoring, unusable: NDArray[np.bool_] | None, outside: NDArray[np.bool_], what: str) -> None:
    """Raise SampleError where the sample of a number that is ``outside`` (n, C) its range counts."""
    options, x = scoring.options, scoring.x
    rows = scoring.targets.masked(np.logical_or.reduce(outside, axis=1))
    if unusable is not None:
        rows &= ~unusable
    if rows.any():
        first = rows.argmax()
        column = int(outside[first].argmax())
        c = 1 if options.binary else column
        raise SampleError(
            f"class {c} is {float(x[first, column])!r}, {what}",
            culprit="logits",
            samples=Rows.where(rows, scoring.block.start).first,
            class_index=c,
            hint=f"{setting('source')} says what the file holds: logits, log-probs or probs",
            remedies=_other_sources(x[~unusable] if unusable is not None else x),
        )


def _other_sources(x: NDArray[Any]) -> list[Remedy]:
    """The sources that the values ``x`` (n, C) fit; none where they could be something else.

    That is percentages above 1, or probabilities whose rounding went below 0.
    """
    logits = Remedy({"source": "logits"}, "logits, which the softmax makes probabilities of")
    if x.max() <= 0.0:
        return [Remedy({"source": "log-probs"}, "log-probabilities, to base e"), logits]
    if x.min() < -_ROUNDED_ZERO:
        return [logits]
    if x.min() >= 0.0 and x.max() <= 1.0:
        return [Remedy({"source": "probs"}, "probabilities"), logits]
    return []


def _no_log_prob(scoring: Scoring, unusable: NDArray[np.bool_]) -> SampleError:
    """The error for tokens whose log-probability is NaN or +inf."""
    value = "NaN" if np.isnan(scoring.x[unusable.argmax(), 0]) else "+inf"
    return SampleError(
        f"the log-probability is {value}",
        culprit="logits",
        samples=Rows.where(unusable, scoring.block.start).first,
        remedies=[
            Remedy({"unknown": "drop"}, f"tokens of {value} are padding, or predicted by nothing: they do not count"),
            Remedy({"on_nonfinite": "nan"}, "they count, as NaN"),
        ],
    )


def _no_loss(scoring: Scoring, unusable: NDArray[np.bool_]) -> SampleError:
    """The error for losses that are NaN."""
    return SampleError(
        "the loss is NaN",
        culprit="logits",
        samples=Rows.where(unusable, scoring.block.start).first,
        remedies=[
            Remedy({"missing": "ignore"}, "samples without a loss are left out"),
            Remedy({"on_nonfinite": "nan"}, "such samples count as NaN"),
        ],
    )


def _check_tokens(scoring: Scoring) -> None:
    """Raise SampleError for numbers that are not the log-probability of one token."""
    x = scoring.x[:, 0]
    unlisted = scoring.targets.masked((x >= UNLISTED[0]) & (x <= UNLISTED[1]))
    if unlisted.any():
        raise SampleError(
            f"{float(x[unlisted][0])!r} is not a log-probability: servers write it for a token that they do not list",
            culprit="logits",
            samples=Rows.where(unlisted, scoring.block.start).first,
            remedies=[Remedy({"unknown": "drop"}, "such tokens do not count")],
        )
    above = scoring.targets.masked((x > MOST_ROUNDED) & ~np.isposinf(x))
    if above.any():
        value = float(x[above][0])
        raise SampleError(
            f"{value!r} is not a log-probability, which is at most 0",
            culprit="logits",
            samples=Rows.where(above, scoring.block.start).first,
            hint=_NOT_LOG_PROBS,
        )


def findings(scoring: Scoring, infinite: NDArray[np.bool_] | None) -> dict[str, Rows]:
    """What deserves a warning, by code; ``infinite`` (n,) are losses that are not finite numbers."""
    block, options, targets, unusable = scoring.block, scoring.options, scoring.targets, scoring.unusable
    found: dict[str, Rows] = {}

    def note(code: str, mask: NDArray[np.bool_], size: NDArray[np.float64] | None = None) -> None:
        mask = targets.masked(mask)
        if mask.any():
            found[code] = Rows.where(mask, block.start, size)

    if unusable is not None:
        note("nonfinite-logits", unusable)
    if scoring.rounded is not None:
        note("probs-rounded", scoring.rounded)
    if infinite is not None:
        note("infinite-loss", infinite if unusable is None else infinite & ~unusable)
    if block.sample_weights is not None:
        note("negative-sample-weights", block.sample_weights < 0)
    if options.source == TOKENS:
        x = scoring.x[:, 0]
        note("above-zero", (x > 0) & np.isfinite(x), x)
    elif options.source not in ("logits", LOSSES_GIVEN) and not options.binary:
        off = distance_from_1(scoring.x, log=options.source == "log-probs")
        wrong = ~(off <= sum_tolerance(block.logits.dtype))
        note("not-normalised", wrong if unusable is None else wrong & ~unusable, off)
    if block.targets is not None and not targets.are_classes:
        off = distance_from_1(targets.values)
        note("soft-targets-not-normalised", ~(off <= sum_tolerance(block.targets.dtype)), off)
    return found


def distance_from_1(x: NDArray[Any], *, log: bool = False) -> NDArray[np.float64]:
    """How far the sum of each row of probabilities ``x`` (n, C), or of those it is the ``log`` of, is from 1, (n,)."""

    def of(part: slice) -> NDArray[np.float64]:
        values = x[:, part].astype(np.float64, copy=False)
        return sum_classes(np.exp(values) if log else values)

    return np.abs(sum_of_parts(of, x.shape[1]) - 1.0)


def sum_tolerance(dtype: np.dtype[Any]) -> float:
    """How far a row of probabilities may be from a sum of 1: the square root of the dtype's machine epsilon."""
    return math.sqrt(machine_epsilon(dtype))
