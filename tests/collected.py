"""What pictures are made of, collected of arrays; and sums of any kind as plain numbers, which compare."""

from dataclasses import fields, is_dataclass
from itertools import pairwise

import numpy as np

from nllcli.data.blocks import Block, Scratch
from nllcli.data.settings import LossOptions
from nllcli.numerics.evaluate import Wanted, evaluate
from nllcli.numerics.exact import ExactSum, ExactSums
from nllcli.numerics.pictured import PicturesWanted
from nllcli.numerics.tally import Tally


def tally_of(rows, targets=None, *, start=0, sample_weights=None, temperatures=(), hardest=10, classes=True, **options):
    """The tally of one block; ``length`` is that of the sequences that samples are tokens of."""
    along = {key: options.pop(key) for key in ("length", "sequences", "n_shown") if key in options}
    if options.get("class_weights") is not None:
        options["class_weights"] = np.asarray(options["class_weights"], np.float64)
    weights = None if sample_weights is None else np.asarray(sample_weights, np.float64)
    block = Block(start, np.asarray(rows), None if targets is None else np.asarray(targets), weights)
    wanted = Wanted(classes=classes, pictures=PicturesWanted(tuple(temperatures), hardest, **along))
    return evaluate(block, LossOptions(**options), wanted, Scratch()).tally


def collect(rows, targets=None, **settings):
    """What is collected of one block."""
    return tally_of(rows, targets, **settings).pictures


def added(parts):
    """The sum of parts of one kind, at least one."""
    total, *others = parts
    for part in others:
        total = total + part
    return total


def of_blocks(cuts, rows, targets, *, sample_weights=None, **settings):
    """The tallies of the blocks between ``cuts``, added up."""
    total = Tally()
    for start, stop in pairwise([0, *cuts, len(rows)]):
        w = None if sample_weights is None else sample_weights[start:stop]
        total += tally_of(rows[start:stop], targets[start:stop], start=start, sample_weights=w, **settings)
    return total


def plain(value):
    """A record of sums as numbers, lists and dicts: those of nothing are the same whether they are written or not."""
    if isinstance(value, ExactSums):
        n = 0 if value.units is None else len(value.units)
        return without_zeros([value[i] for i in range(n)])
    if isinstance(value, np.ndarray):
        return value.tolist()
    if is_dataclass(value) and not isinstance(value, ExactSum):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    return value


def without_zeros(sums):
    return {i: each for i, each in enumerate(sums) if each != ExactSum()}
