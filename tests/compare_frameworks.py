"""Compare with PyTorch, SciPy and scikit-learn, where they are installed: ``python tests/compare_frameworks.py``.

First how many digits each gets right against 50-digit arithmetic, over the rows of ``edge_cases``; then whether
``nll`` means the same by every setting: the differences from PyTorch and scikit-learn on ordinary numbers.
"""

import sys
import warnings
from importlib.util import find_spec
from itertools import product

import numpy as np
import oracle
from edge_cases import cases
from one_block import relative_error

import nllcli

SAME = 1e-9


def by_nll(row, target):
    return nllcli.compute(row[None], [target]).loss


def by_torch(dtype):
    import torch

    def loss(row, target):
        x = torch.from_numpy(row.astype(np.float64)).to(dtype)
        return float(torch.nn.functional.cross_entropy(x[None], torch.tensor([target])))

    return loss


def by_scipy(row, target):
    from scipy.special import log_softmax

    return -log_softmax(row.astype(np.float64))[target]


def by_sklearn(row, target):
    """Its log_loss wants probabilities: scipy's softmax in float64."""
    from scipy.special import softmax
    from sklearn.metrics import log_loss

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return log_loss([target], [softmax(row.astype(np.float64))], labels=range(len(row)))


def contestants():
    """Name -> function (row, target) -> loss, of what is installed."""
    found = {"nll": by_nll}
    if find_spec("torch"):
        import torch

        for dtype in (torch.float16, torch.float32, torch.float64):
            found[f"PyTorch {str(dtype).removeprefix('torch.')}"] = by_torch(dtype)
    if find_spec("scipy"):
        found["SciPy log_softmax float64"] = by_scipy
    if find_spec("sklearn"):
        found["scikit-learn log_loss"] = by_sklearn
    return found


def compare_digits():
    """Print the errors of everyone over the edge cases."""
    rows = cases()
    truth = [oracle.losses([case.row], [case.target])[0] for case in rows]
    print(f"Relative error against mpmath over {len(rows)} edge cases")
    print(f"{'':28}{'worst':>10}{'median':>10}{'> 1e-14':>10}{'> 1e-6':>10}{'all wrong':>11}")
    for name, loss in contestants().items():
        errors = np.array([relative_error(loss(c.row, c.target), t) for c, t in zip(rows, truth, strict=True)])
        counts = [int((errors > limit).sum()) for limit in (1e-14, 1e-6)]
        print(
            f"{name:28}{errors.max():10.1e}{np.median(errors):10.1e}{counts[0]:10}{counts[1]:10}"
            f"{int((errors >= 1).sum()):11}"
        )


RNG = np.random.default_rng(1)
N, C = 40, 5
LOGITS = RNG.normal(0, 3, (N, C))
IMAGE = RNG.normal(0, 3, (4, C, 3, 2))
WEIGHTS = np.array([1.0, 0.2, 3.0, 0.0, 2.0])


def torch_differences():
    """(case, relative difference) for every setting that PyTorch has too."""
    import torch
    from torch.nn.functional import cross_entropy, log_softmax, nll_loss

    weighted, smoothing, reductions = (None, WEIGHTS), (0.0, 0.1, 1.0), ("mean", "sum", "none")
    shapes, ignored = ("NC", "NCd1d2"), (-100, 2, 255)
    for shape, ignore, weights, e, reduction in product(shapes, ignored, weighted, smoothing, reductions):
        x = LOGITS if shape == "NC" else IMAGE
        y = RNG.integers(0, C, x.shape[:1] + x.shape[2:])
        y.flat[:3] = ignore
        w = None if weights is None else torch.from_numpy(weights)
        options = {"weight": w, "ignore_index": ignore, "reduction": reduction}
        settings = {"class_weights": weights, "ignore_index": ignore, "reduction": reduction, "class_axis": 1}
        name = f"{shape} ignore={ignore} weights={weights is not None} smoothing={e} {reduction}"
        theirs = cross_entropy(torch.from_numpy(x), torch.from_numpy(y), label_smoothing=e, **options)
        yield f"cross_entropy {name}", difference(nllcli.compute(x, y, label_smoothing=e, **settings), theirs)
        if e == 0.0:
            logs = log_softmax(torch.from_numpy(x), 1)
            theirs = nll_loss(logs, torch.from_numpy(y), **options)
            mine = nllcli.compute(logs.numpy(), y, source="log-probs", **settings)
            yield f"nll_loss {name}", difference(mine, theirs)
    for shape, weights, e, reduction in product(shapes, weighted, smoothing, reductions):
        x = LOGITS if shape == "NC" else IMAGE
        q = np.moveaxis(RNG.dirichlet(np.ones(C), x.shape[:1] + x.shape[2:]), -1, 1).copy()
        w = None if weights is None else torch.from_numpy(weights)
        theirs = cross_entropy(
            torch.from_numpy(x), torch.from_numpy(q), weight=w, label_smoothing=e, reduction=reduction
        )
        mine = nllcli.compute(x, q, class_weights=weights, label_smoothing=e, reduction=reduction)
        name = f"{shape} weights={weights is not None} smoothing={e} {reduction}"
        yield f"cross_entropy soft {name}", difference(mine, theirs)


def sklearn_differences():
    """(case, relative difference) for every setting that log_loss has too."""
    from sklearn.metrics import log_loss

    p, y, w = RNG.dirichlet(np.ones(C), N), RNG.integers(0, C, N), RNG.exponential(1.0, N)
    p[0] = np.eye(C)[(y[0] + 1) % C]  # an impossible target, which the clipping makes finite
    for dtype, weights, normalize in product((np.float64, np.float32), (None, w), (True, False)):
        given = p.astype(dtype)
        given /= given.sum(axis=1, keepdims=True)
        theirs = log_loss(y, given, sample_weight=weights, normalize=normalize, labels=range(C))
        mine = nllcli.compute(
            given,
            y,
            source="probs",
            sample_weights=weights,
            clip=float(np.finfo(dtype).eps),
            reduction="mean" if normalize else "sum",
        )
        name = f"log_loss {np.dtype(dtype).name} weights={weights is not None} normalize={normalize}"
        yield name, difference(mine, theirs)


def difference(mine, theirs):
    """The largest relative difference of two results; equal NaN and infinities are none."""
    a = np.asarray(mine.loss if mine.losses is None else mine.losses, np.float64).reshape(-1)
    b = np.asarray(theirs, np.float64).reshape(-1)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return float(np.where(same, 0.0, np.abs(a - b) / np.maximum(np.abs(b), 1e-12)).max(initial=0.0))


def compare_meanings():
    """Print how far the results are from the frameworks' own, and return whether all are close."""
    good = True
    for package, differences in {"torch": torch_differences, "sklearn": sklearn_differences}.items():
        if not find_spec(package):
            print(f"{package} is not installed")
            continue
        found = list(differences())
        worst = max(value for _, value in found)
        print(f"{package}: {len(found)} settings compared, largest relative difference {worst:.1e}")
        for name, value in found:
            if not value <= (1e-6 if "float32" in name else SAME):
                good = False
                print(f"  differs by {value:.1e}: {name}")
    return good


if __name__ == "__main__":
    compare_digits()
    print()
    sys.exit(0 if compare_meanings() else 1)
