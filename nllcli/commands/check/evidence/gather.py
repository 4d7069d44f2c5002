"""One block -> the evidence in it, which adds up over blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.check.evidence.fit import Fit, read_as_probs, read_fit, read_soft_fit
from nllcli.commands.check.evidence.labels import Labels, SoftLabels, read_labels, read_soft_labels
from nllcli.commands.check.evidence.repeats import Repeats, read_repeats
from nllcli.commands.check.evidence.values import Tops, Values, read_values
from nllcli.data.part import Part
from nllcli.numerics.kernels.convert import to_float
from nllcli.numerics.kernels.layout import contiguous
from nllcli.numerics.surprisal import surprisal
from nllcli.numerics.tally import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.blocks import Block, Scratch


@dataclass(frozen=True)
class Evidence(Part):
    """What the samples show; ``Evidence()`` is the identity of ``+``.

    ``bad_weights`` are counted samples whose own weight is not finite.
    """

    n_samples: int = 0
    n_counted: int = 0
    labels: Labels = Labels()
    soft: SoftLabels = SoftLabels()
    values: Values = Values()
    fit: Fit = Fit()
    repeats: Repeats = Repeats()
    bad_weights: Rows = Rows()


@dataclass(frozen=True)
class Reading:
    """How the samples are to be read: ``source``, ``binary`` and ``ignore_index`` as in LossOptions.

    ``sequence`` is the length of the sequences that the samples form in file order, 0 where they form none.
    """

    source: str = "logits"
    binary: bool = False
    ignore_index: int = -100
    sequence: int = 0


def gather(block: Block, reading: Reading, scratch: Scratch) -> Evidence:
    """The evidence in one block; bad data is evidence, and raises nothing."""
    with np.errstate(all="ignore"):
        x = contiguous(to_float(block.logits, scratch), scratch)
        if block.targets is None:
            return _without_targets(block, x, reading)
        if block.targets.ndim == 2:
            return _with_soft_targets(block, block.targets, x, reading, scratch)
        return _with_classes(block, block.targets, x, reading, scratch)


def _bad_weights(block: Block, counted: NDArray[np.bool_] | None) -> Rows:
    if block.sample_weights is None:
        return Rows()
    bad = ~np.isfinite(block.sample_weights)
    return Rows.where(bad if counted is None else bad & counted, block.start)


def _without_targets(block: Block, x: NDArray[Any], reading: Reading) -> Evidence:
    values, tops = read_values(x, block.logits.dtype, reading.source, None, block.start)
    return Evidence(
        len(x),
        len(x),
        values=values,
        repeats=_repeats(block, x, tops.finite, tops),
        bad_weights=_bad_weights(block, None),
    )


def _with_classes(
    block: Block, given: NDArray[np.int64], x: NDArray[Any], reading: Reading, scratch: Scratch
) -> Evidence:
    n_classes = 2 if reading.binary else x.shape[1]
    labels, counted = read_labels(given, reading.ignore_index, n_classes, block.start)
    every = bool(counted.all())
    targets = given if every else np.where(counted, given, 0)
    values, tops = read_values(x, block.logits.dtype, reading.source, None if every else counted, block.start)
    scores = surprisal(x, source=reading.source, binary=reading.binary, scratch=scratch)
    fit = read_fit(
        scores,
        targets,
        counted,
        tops.finite,
        n_classes=n_classes,
        start=block.start,
        sequence=reading.sequence,
    )
    used = counted & tops.finite
    if values.n_probs:
        fit += read_as_probs(x, targets, used)
    return Evidence(
        len(x),
        int(np.count_nonzero(counted)),
        labels,
        SoftLabels(),
        values,
        fit,
        _repeats(block, x, used, tops),
        _bad_weights(block, counted),
    )


def _with_soft_targets(
    block: Block, targets: NDArray[Any], x: NDArray[Any], reading: Reading, scratch: Scratch
) -> Evidence:
    soft, valid = read_soft_labels(targets, block.start)
    values, tops = read_values(x, block.logits.dtype, reading.source, None, block.start)
    scores = surprisal(x, source=reading.source, binary=reading.binary, scratch=scratch)
    fit = read_soft_fit(scores, targets, valid & tops.finite, block.start)
    repeats = _repeats(block, x, tops.finite, tops)
    return Evidence(len(x), len(x), Labels(), soft, values, fit, repeats, _bad_weights(block, None))


def _repeats(block: Block, x: NDArray[Any], used: NDArray[np.bool_], tops: Tops) -> Repeats:
    return read_repeats(x, block.targets, block.start, used, tops.value, tops.tied)
