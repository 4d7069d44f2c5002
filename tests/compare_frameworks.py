"""Compare with PyTorch, SciPy and scikit-learn, where they are installed: ``python tests/compare_frameworks.py``.

First how many digits each gets right against 50-digit arithmetic, over the rows of ``edge_cases``; then whether
``nll`` means the same by every setting: the differences from PyTorch and scikit-learn on ordinary numbers. Last the
temperatures that each of them fits to random logits, and what is measured there, against long double.
"""

import sys
import tempfile
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import numpy as np
import oracle
from edge_cases import cases
from in_process import nll
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


N_PROBLEMS = 200
# A fit has converged where Newton's step to the least loss is a smaller share of the temperature.
CONVERGED = 1e-6


@dataclass(frozen=True, eq=False)
class Problem:
    """Logits (n, C), their targets (n,), and weights (n,) or None."""

    logits: np.ndarray
    targets: np.ndarray
    weights: np.ndarray | None

    def at(self, temperature):
        """The mean loss in long double, its derivative by log(1/T), and Newton's step there."""
        x = self.logits.astype(np.longdouble) / np.longdouble(temperature)
        x -= x.max(axis=1, keepdims=True)
        powers = np.exp(x)
        totals = powers.sum(axis=1)
        own, mean, square = x[np.arange(len(x)), self.targets], *((powers * x**k).sum(axis=1) / totals for k in (1, 2))
        terms = (np.log(totals) - own, mean - own, square - mean**2)
        loss, slope, curvature = (np.average(term, weights=self.weights) for term in terms)
        return loss, slope, -slope / curvature

    def probs(self, temperature):
        """The probabilities (n, C) at a temperature, in float64."""
        from scipy.special import softmax

        return softmax(self.logits.astype(np.float64) / temperature, axis=1)

    def calibrated(self):
        """The JSON of nll calibrate."""
        with tempfile.TemporaryDirectory() as folder:
            arrays = {"logits": self.logits, "targets": self.targets, "weights": self.weights}
            paths = {name: Path(folder, f"{name}.npy") for name, array in arrays.items() if array is not None}
            for name, path in paths.items():
                np.save(path, arrays[name])
            weights = ["--sample-weights", paths["weights"]] if "weights" in paths else []
            return nll("calibrate", paths["logits"], paths["targets"], *weights, "--format", "json").json


def problems():
    """Logits of many sizes and widths, of which two in three have no weights and half are float32."""
    rng = np.random.default_rng(3)

    def between(low, high):
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    for i in range(N_PROBLEMS):
        x = rng.normal(0, between(0.5, 4), (int(between(50, 2001)), int(between(2, 51))))
        targets = (x + rng.gumbel(size=x.shape)).argmax(axis=1)  # drawn from the softmax of x
        weights = rng.exponential(size=len(x)) if i % 3 == 2 else None
        yield Problem((x * between(0.1, 40)).astype("f4" if i % 2 else "f8"), targets, weights)


def fitted_by_torch(problem):
    """To convergence, over log(1/T) in float64."""
    import torch

    log_beta = torch.zeros((), dtype=torch.float64, requires_grad=True)
    options = {"max_iter": 200, "tolerance_grad": 1e-13, "tolerance_change": 0.0, "line_search_fn": "strong_wolfe"}
    _minimise(problem, torch.float64, log_beta, lambda: torch.exp(log_beta), **options)
    return float(torch.exp(-log_beta.detach()))


def fitted_in_50_steps(problem):
    """As https://github.com/gpleiss/temperature_scaling does: 50 small steps over T from 1.5, in float32."""
    import torch

    temperature = torch.full((), 1.5, requires_grad=True)
    _minimise(problem, torch.float32, temperature, lambda: 1 / temperature, lr=0.01, max_iter=50)
    return float(temperature.detach())


def _minimise(problem, dtype, parameter, beta, **options):
    import torch

    x, y = torch.from_numpy(problem.logits).to(dtype), torch.from_numpy(problem.targets)
    w = torch.ones(len(x), dtype=dtype) if problem.weights is None else torch.from_numpy(problem.weights).to(dtype)
    optimizer = torch.optim.LBFGS([parameter], **options)

    def closure():
        optimizer.zero_grad()
        loss = (w * torch.nn.functional.cross_entropy(x * beta(), y, reduction="none")).sum() / w.sum()
        loss.backward()
        return loss

    optimizer.step(closure)


def fitted_by_sklearn(problem):
    """The estimator behind CalibratedClassifierCV(method="temperature"), in float64."""
    from sklearn.calibration import _TemperatureScaling

    found = _TemperatureScaling().fit(problem.logits.astype(np.float64), problem.targets, problem.weights)
    return float(1 / found.beta_)


FITS = {
    "PyTorch LBFGS, float64": ("torch", fitted_by_torch),
    "PyTorch LBFGS, 50 steps": ("torch", fitted_in_50_steps),
    "scikit-learn": ("sklearn", fitted_by_sklearn),
}


def compare_temperatures(found):
    """Print how far each is from the least loss, and return whether no loss of theirs is below ours.

    ``found`` are pairs of a problem and the JSON of its calibration.
    """
    fitted = [(each, mine["temperature"]) for each, mine in found if mine["temperature_status"] == "fitted"]
    columns = "".join(f"{name:>22}" for name in ("from the least loss", "from ours", "slope by log T"))
    print(f"Temperatures of {len(fitted)} of {len(found)} random problems: medians and worst; the others have none")
    print(f"{'':24}{'converged':>10}{columns}{'our loss - theirs':>20}")
    good = show_fits("nll", fitted, [mine for _, mine in fitted])
    for name, (package, fit) in FITS.items():
        if find_spec(package):
            good &= show_fits(name, fitted, [fit(problem) for problem, _ in fitted])
    return good


def show_fits(name, fitted, theirs):
    """Print one line of the table, and return whether none of their losses is below ours but for rounding.

    Distances are shares of the temperature, of those that have converged if any has.
    """
    rows = []
    for (problem, mine), temperature in zip(fitted, theirs, strict=True):
        ours, (loss, slope, step) = problem.at(mine)[0], problem.at(temperature)
        rows.append((abs(step), abs(mine / temperature - 1), abs(slope), ours - loss))
    converged = [row for row in rows if row[0] < CONVERGED]
    shown = np.array(converged or rows, np.float64).T[:3]
    columns = "".join(f"{f'{np.median(each):.1e}{each.max():10.1e}':>22}" for each in shown)
    worst = max(row[3] for row in rows)
    print(f"{name:24}{len(converged):10}{columns}{worst:20.1e}", flush=True)
    return worst <= 100 * np.finfo(np.longdouble).eps


def measure_differences(found):
    """(case, relative difference) of what scikit-learn measures, too, at T = 1 and at the temperature."""
    from sklearn.metrics import brier_score_loss, d2_log_loss_score, log_loss

    for i, (problem, mine) in enumerate(found):
        options = {"sample_weight": problem.weights, "labels": range(problem.logits.shape[1])}
        for when in ("before", "after") if mine["after"] else ("before",):
            name = f"of problem {i} {when}"
            p, measured = problem.probs(mine[when]["temperature"]), mine[when]
            theirs = brier_score_loss(problem.targets, p, scale_by_half=False, **options)
            yield f"brier_score_loss {name}", abs(measured["brier"] / theirs - 1)
            if p[np.arange(len(p)), problem.targets].min() < np.finfo(np.float64).eps:
                continue  # which is clipped there
            yield f"log_loss {name}", abs(measured["loss"] / log_loss(problem.targets, p, **options) - 1)
            if when == "before":
                theirs = d2_log_loss_score(problem.targets, p, **options)
                # It is 1 less a ratio of losses, and near 0 has the digits of that.
                yield f"d2_log_loss_score {name}", abs(mine["d2_log_loss"] - theirs) / max(1, abs(theirs))


def compare_calibrations():
    """Print how calibrations differ, and return whether they are close."""
    found = [(problem, problem.calibrated()) for problem in problems()]
    good = compare_temperatures(found)
    if not find_spec("sklearn"):
        return good
    differences = list(measure_differences(found))
    for name in ("brier_score_loss", "log_loss", "d2_log_loss_score"):
        values = [value for case, value in differences if case.startswith(f"{name} ")]
        print(f"{name}: {len(values)} compared, largest relative difference {max(values):.1e}")
    for case, value in differences:
        if not value <= SAME:
            good = False
            print(f"  differs by {value:.1e}: {case}")
    return good


if __name__ == "__main__":
    compare_digits()
    print()
    are_alike = compare_meanings()
    print()
    sys.exit(0 if compare_calibrations() and are_alike else 1)
