"""What one pass over the samples shows: the evidence in each block, which adds up over blocks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.commands.check.evidence.columns import Columns, read_columns
from nllcli.commands.check.evidence.fit import Fit, read_as_probs, read_fit, read_pairs, read_soft_fit
from nllcli.commands.check.evidence.repeats import Repeats, read_repeats
from nllcli.commands.check.evidence.targets import Labels, SoftLabels, read_labels, read_soft_labels
from nllcli.commands.check.evidence.values import Tops, Values, read_values
from nllcli.data.blocks import Part
from nllcli.numerics.evaluate import numbers
from nllcli.numerics.kernels import contiguous, to_float
from nllcli.numerics.surprisal import surprisal
from nllcli.numerics.tally import Rows
from nllcli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nllcli.data.blocks import Block, Scratch
    from nllcli.data.settings import LossOptions
    from nllcli.numerics.surprisal import Surprisal


@dataclass(frozen=True)
class Evidence(Part):
    """What the samples show; ``bad_weights`` are counted samples whose own weight is not finite."""

    n_samples: int = 0
    n_counted: int = 0
    labels: Labels = Labels()
    soft: SoftLabels = SoftLabels()
    values: Values = Values()
    fit: Fit = Fit()
    repeats: Repeats = Repeats()
    bad_weights: Rows = Rows()
    columns: Columns = Columns()


def gather(block: Block, options: LossOptions, sequence: int, scratch: Scratch, *, gains: bool = True) -> Evidence:
    """The evidence in one block; bad data is evidence, and raises nothing.

    ``sequence`` is the length of the sequences that the samples form in file order, 0 where they form none. ``gains``
    says whether to score logits against the targets of neighbours too, which takes as long as all the rest.
    """
    targets, source, start = block.targets, options.source, block.start
    with np.errstate(all="ignore"):
        raw, _ = numbers(block, source, scratch)
        x = contiguous(to_float(raw, scratch), scratch)
        n_classes = 2 if options.binary else x.shape[1]
        labels, counted = Labels(), np.ones(len(x), np.bool_)
        if targets is not None and targets.ndim == 1:
            labels, counted = read_labels(targets, options.ignore_index, n_classes, start)
        values, tops = read_values(x, block.logits.dtype, source, counted, start)
        columns = read_columns(x, targets, tops.value, block.logits.dtype)
        used = counted & tops.finite
        soft, fit = SoftLabels(), Fit()
        if targets is not None:
            scores = surprisal(x, source=source, binary=options.binary, scratch=scratch)
            if targets.ndim == 2:
                soft, valid = read_soft_labels(targets, start)
                fit = read_soft_fit(scores, targets, valid & used, start)
            else:
                classes = np.where(counted, targets, 0)
                predicted = _predicted(x, tops, scores, options)
                fit, scored = read_fit(scores, classes, counted, used, predicted, n_classes=n_classes, start=start)
                known = None if gains or source != "logits" else partial(tops.leaves_finite, x)
                fit += read_pairs(scored, known, start=start, sequence=sequence)
                if values.n_probs:
                    fit += read_as_probs(x, classes, used)
        repeats = read_repeats(x, targets, start, used, tops.value, tops.tied)
    n_counted, weights = int(np.count_nonzero(counted)), block.sample_weights
    bad_weights = Rows() if weights is None else Rows.where(~np.isfinite(weights) & counted, start)
    return Evidence(len(x), n_counted, labels, soft, values, fit, repeats, bad_weights, columns)


def _predicted(x: NDArray[Any], tops: Tops, scores: Surprisal, options: LossOptions) -> NDArray[np.int64]:
    """The predictions (n,) of rows of ``x`` with a finite maximum; of one column for two classes, by its threshold."""
    if not options.binary:
        return tops.place
    return (x[:, 0] > 0.0).astype(np.int64) if options.source == "logits" else scores.top()
