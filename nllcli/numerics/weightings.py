"""Class weights from class counts: rare classes weigh more."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nllcli.data.settings import DEFAULT_SCHEME
from nllcli.errors import DataError, UsageError, setting
from nllcli.numerics.schemes import ABOUT, NORMALIZATIONS, SCHEMES, ZERO_COUNTS, beta_of

Floats = NDArray[np.float64]

_COUNT_LIMIT = 2.0**63


class Ratio(NamedTuple):
    """Weights in the form ``scale / size``: what a scheme makes of counts n (C,) float64, all above 0.

    Normalising forgets the scale, so kept apart from it a normalised weight is rounded once: counts of 10 and 100 give
    a largest and a smallest weight of 1 and 0.1, not 0.09999999999999999.
    """

    scale: float
    size: Floats


def inverse(counts: Floats) -> Ratio:
    """``w = 1 / n``: weigh a class by the inverse of its count."""
    return Ratio(1.0, counts)


def balanced(counts: Floats) -> Ratio:
    """``w = N / (C n)``, N the sum of the C counts: each class contributes the same, and samples weigh 1 on average.

    scikit-learn, ``class_weight="balanced"``; King & Zeng, Logistic Regression in Rare Events Data, 2001.
    """
    return Ratio(float(counts.sum()), counts.size * counts)


def sqrt_inverse(counts: Floats) -> Ratio:
    """``w = 1 / sqrt(n)``: weigh a class by the inverse square root of its count, milder than `inverse`."""
    return Ratio(1.0, np.sqrt(counts))


def effective(counts: Floats, *, beta: float) -> Ratio:
    """``w = (1 - beta) / (1 - beta^n)``: weigh a class by the inverse of its effective number of samples.

    ``beta`` is at least 0, where every class weighs 1, and below 1, towards which w goes to 1/n. In the paper it is
    (N-1)/N, for N the size of the space the samples cover.

    Cui et al., Class-Balanced Loss Based on Effective Number of Samples, CVPR 2019, arXiv:1901.05555.
    """
    log_beta = np.log(beta) if beta > 0 else -np.inf
    # 1 - beta^n loses every digit when beta is close to 1 and n is small; expm1 keeps them.
    return Ratio(1.0 - beta, -np.expm1(counts * log_beta))


def median_frequency(counts: Floats) -> Ratio:
    """``w = median(f) / f`` with f = n / N: classes rarer than the median weigh more than 1.

    The paper counts, for each class, only the images in which it occurs; here N is the same for every class, and
    cancels.

    Eigen & Fergus, Predicting Depth, Surface Normals and Semantic Labels with a Common Multi-Scale Convolutional
    Architecture, ICCV 2015, arXiv:1411.4734.
    """
    return Ratio(float(np.median(counts)), counts)


def log(counts: Floats) -> Ratio:
    """``w = 1 / ln(1.02 + f)`` with f = n / N: weigh a class by its inverse log frequency, between 1.42 and 50.5.

    Paszke et al., ENet: A Deep Neural Network Architecture for Real-Time Semantic Segmentation, 2016,
    arXiv:1606.02147.
    """
    return Ratio(1.0, np.log1p(0.02 + counts / counts.sum()))


def scale_none(ratio: Ratio) -> Floats:
    """Leave the weights as the scheme defines them."""
    weights: Floats = ratio.scale / ratio.size
    return weights


def scale_max(ratio: Ratio) -> Floats:
    """Scale the weights so that the largest is 1."""
    weights: Floats = ratio.size.min() / ratio.size
    return weights


def scale_sum(ratio: Ratio) -> Floats:
    """Scale the weights so that they add up to 1."""
    weights = scale_max(ratio)
    weights /= weights.sum()
    return weights


def scale_mean(ratio: Ratio) -> Floats:
    """Scale the weights so that their mean over the classes is 1."""
    weights = scale_max(ratio)
    weights /= weights.mean()
    return weights


def class_weights(
    counts: ArrayLike,
    *,
    scheme: str = DEFAULT_SCHEME,
    normalize: str | None = None,
    beta: float | None = None,
    zero_count: str = "error",
    class_names: Sequence[str] | None = None,
) -> Floats:
    """Compute class weights from class counts.

    Parameters
    ----------
    counts : (C,) array_like
        Samples of each class: whole numbers, not negative.
    scheme : str
        A name in `nllcli.numerics.schemes.SCHEMES`; each is a function of this module.
    normalize : {"max", "sum", "mean", "none"}, optional
        What is made 1; by default "max" for inverse and sqrt-inverse, "mean" for effective, "none" for the others.
    beta : float, optional
        Of the scheme effective alone, at least 0 and below 1; 0.999 where not given.
    zero_count : {"error", "zero"}
        What a class without samples does: stop with an error, or weigh 0. Under "zero" it takes no part in anything
        else, whatever the scheme: C is the number of classes present (as in scikit-learn), the median is over the
        classes present, and so are the maximum, the sum and the mean that normalize refers to.
    class_names : sequence of str, optional
        Names for error messages.

    Returns
    -------
    (C,) float64
        One weight a class.

    Raises
    ------
    DataError
        A count is negative, not a whole number, or 0 under "error"; or no class has any samples.
    UsageError
        An unknown name, beta outside [0, 1), or beta for a scheme that has none.
    """
    if zero_count not in ZERO_COUNTS:
        raise UsageError(f"unknown zero-count {zero_count!r}", hint=f"one of: {', '.join(ZERO_COUNTS)}")
    function, about = SCHEMES.load(scheme), ABOUT[scheme]
    beta = beta_of(scheme, beta)
    n = np.asarray(counts, dtype=np.float64)
    _check_counts(n, zero_count == "zero", class_names)
    normalized = NORMALIZATIONS.load(about.normalize if normalize is None else normalize)
    present = n > 0
    weights = np.zeros_like(n)
    weights[present] = normalized(function(n[present]) if beta is None else function(n[present], beta=beta))
    return weights


def _check_counts(n: Floats, zero_allowed: bool, class_names: Sequence[str] | None) -> None:
    """Refuse what cannot be a count, naming the first such class."""
    if n.ndim != 1:
        raise DataError(f"class counts have one dimension, not the shape {n.shape}")
    wrong = ~((n >= 0) & (n < _COUNT_LIMIT) & (n == np.floor(n)))
    if wrong.any():
        first = int(wrong.argmax())
        raise DataError(
            f"{_name(first, class_names)} has a count of {_number(n[first])}",
            hint="a count is a whole number of samples, at least 0 and below 2^63",
        )
    if not zero_allowed and (n == 0).any():
        raise DataError(
            f"{_name(int((n == 0).argmax()), class_names)} has a count of 0, so its weight would be infinite",
            hint=f"{setting('zero_count', 'zero')} gives a class without samples the weight 0",
        )
    if not n.any():
        raise DataError("no class has any samples", hint="at least one class count must be above 0")


def _name(index: int, class_names: Sequence[str] | None) -> str:
    return f"class {index}" if class_names is None else f"class {index} ({class_names[index]!r})"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
