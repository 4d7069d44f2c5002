"""The losses by name, each one record: what the options' help and every command need of it, without numpy."""

import math
from collections.abc import Callable
from importlib import import_module
from typing import Any

from nllcli.records import dataclass


@dataclass(frozen=True)
class Loss:
    """A loss; ``module`` has its formulas.

    - ``value(surprisal, targets, class_weights, label_smoothing)``: one number a sample (n,), in nats;
    - ``masses(surprisal, targets, class_weights, label_smoothing)``, if the loss is a sum over the classes of
      v_c (-log p_c): the factors v (n, C);
    - ``gradient(surprisal, targets, class_weights, label_smoothing)``, if it is not: by the logits, before any
      temperature, (n, C);
    - ``uniform(yes, no, n_classes)``, if it is not ``yes``: the loss where every p is 1/C, with ``yes`` = -log p and
      ``no`` = -log(1 - p).

    ``targets`` are class indices (n,) or, where ``takes_soft``, class probabilities (n, C); ``class_weights`` is (C,)
    or None. ``scores`` names the one class whose -log p the loss is, "target" or "prediction"; empty if it is not one
    class's. ``asks_every_class`` says that it needs 1 - p of each class, ``is_likelihood`` that its exponential is a
    perplexity.
    """

    title: str
    about: str
    module: str
    scores: str = ""
    needs_targets: bool = True
    takes_soft: bool = False
    smooths: bool = False
    asks_every_class: bool = False
    is_likelihood: bool = False

    @property
    def value(self) -> Callable[..., Any]:
        return import_module(self.module).value

    @property
    def masses(self) -> Callable[..., Any] | None:
        return getattr(import_module(self.module), "masses", None)

    @property
    def gradient(self) -> Callable[..., Any]:
        masses = self.masses
        if masses is None:
            return import_module(self.module).gradient
        return lambda surprisal, *settings: surprisal.gradient(masses(surprisal, *settings))

    @property
    def uniform(self) -> Callable[..., float]:
        return getattr(import_module(self.module), "uniform", lambda yes, *_: yes)


LOSSES = {
    "nll": Loss(
        "Negative log-likelihood",
        "the target's -log p alone",
        "nllcli.numerics.losses.nll",
        scores="target",
        takes_soft=True,
        smooths=True,
        is_likelihood=True,
    ),
    "one-vs-rest": Loss(
        "One-vs-rest loss",
        "each class a yes-or-no question",
        "nllcli.numerics.losses.one_vs_rest",
        asks_every_class=True,
    ),
    "argmax": Loss(
        "Surprisal of the prediction",
        "-log of the largest p, whatever the target",
        "nllcli.numerics.losses.argmax",
        scores="prediction",
        needs_targets=False,
    ),
}


def uniform_loss(n_classes: int, *, loss: Loss, clip: float | None) -> float:
    """The mean loss where every p is 1/C, for class indices, or for class probabilities that sum to 1.

    The weights of samples and of their targets cancel in the mean.

    Parameters
    ----------
    n_classes : int
        C, at least 1.
    loss : Loss
    clip : float or None
        eps: p is then what is nearest to 1/C in [eps, 1-eps].

    Returns
    -------
    float
        In nats.
    """
    low, high = (0.0, math.inf) if clip is None else (-math.log1p(-clip), -math.log(clip))
    yes, no = math.log(n_classes), math.inf if n_classes == 1 else -math.log1p(-1.0 / n_classes)
    return loss.uniform(*(min(max(value, low), high) for value in (yes, no)), n_classes)
