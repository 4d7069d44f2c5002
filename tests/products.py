"""Work on the blocks of two models, for other processes, which find it by its name."""

from functools import reduce
from operator import add

import numpy as np

from nllcli.data.blocks import Part
from nllcli.records import dataclass


@dataclass(frozen=True)
class Product(Part):
    """The sum of the products of two models' first logits, as whole numbers."""

    total: int = 0
    start: int = 0

    def shifted(self, by):  # noqa: ARG002 - nothing is numbered
        return self

    @property
    def named_samples(self):
        return (self.start,)


@dataclass(frozen=True)
class Multiplying:
    keeps_all: bool = False
    makes_arrays: bool = False

    def __call__(self, block, _):
        a, b = (np.rint(each.logits[:, 0] * 1000).astype(np.int64) for each in (block, *block.others))
        return Product(int((a * b).sum()))

    def gather(self, results):
        return [reduce(add, results, Product())]
