"""Single rows of logits on which losses lose their digits: dtype x gap x mask x number of classes x target."""

from dataclasses import dataclass
from itertools import product

import numpy as np

DTYPES = ("float64", "float32", "float16")
# In float16, whose largest number is 65504, a gap beyond it is cut to what the type can hold.
GAPS = (0.0, 1e-3, 1.0, 12.5, 40.0, 90.0, 333.3, 700.0, 1e5, 6e38)
MASKS = ("none", "one", "most")
SIZES = (2, 3, 10, 71, 72, 200)
TARGETS = ("top", "second", "far")


@dataclass(frozen=True)
class Case:
    """One row and its target; ``group`` and ``name`` say how it was made."""

    group: str
    name: str
    row: np.ndarray
    target: int


def cases():
    """Every combination that makes sense: masks need classes to spare, and a target is never masked."""
    return [
        case
        for combination in product(DTYPES, GAPS, MASKS, SIZES, TARGETS)
        if (case := _case(*combination)) is not None
    ]


def _case(dtype, gap, mask, n_classes, target):
    """The top class lies ``gap`` above the second, the others a little below that; noise keeps the numbers odd."""
    n_masked = {"none": 0, "one": 1, "most": n_classes - 2}[mask]
    if n_masked > n_classes - 2 or (mask != "none" and n_masked == 0) or (target == "far" and n_classes - n_masked < 3):
        return None
    rng = np.random.default_rng([DTYPES.index(dtype), GAPS.index(gap), MASKS.index(mask), n_classes])
    half = min(gap, 2.0 * float(np.finfo(dtype).max) * 0.9) / 2.0
    row = -half - rng.exponential(1.0, n_classes) - 0.01
    row[0] = half
    row[1] = -half
    row = np.concatenate([row[: n_classes - n_masked], np.full(n_masked, -np.inf)])
    order = rng.permutation(n_classes)
    place = {"top": 0, "second": 1, "far": 2}[target]
    with np.errstate(over="ignore"):
        shuffled = row[order].astype(dtype)
    group = f"{dtype}-gap_{gap:g}"
    name = f"{group}-mask_{mask}-C{n_classes}-{target}"
    return Case(group, name, shuffled, int(np.flatnonzero(order == place)[0]))
