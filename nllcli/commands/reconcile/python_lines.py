"""A convention as one line of Python for PyTorch, or scikit-learn where that is its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nllcli.commands.reconcile.conventions import SOFTMAX_TWICE, Convention, Term
from nllcli.data.settings import DEFAULT_IGNORE_INDEX
from nllcli.numerics.losses import LOSSES
from nllcli.scoring.signature import plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NOTE = (
    "In the lines of Python, logits (float64), targets (int64) and sample_weights are tensors as the files hold them; "
    "import math, torch, torch.nn.functional as F."
)
_CASTS = {"float32": "float", "float16": "half", "bfloat16": "bfloat16"}
_SCHEMES = {
    "inverse": "1 / n",
    "balanced": "n.sum() / (len(n) * n)",
    "sqrt-inverse": "n**-0.5",
    "effective": "(1 - {beta}) / (1 - {beta}**n)",
    "median-frequency": "n.quantile(0.5) / n",
    "log": "1 / (1.02 + n / n.sum()).log()",
}
_P = "logits.flatten()"
_CLASSES_OF_ONE = {
    "logits": f"torch.stack([0 * {_P}, {_P}], 1)",
    SOFTMAX_TWICE: f"torch.stack([0 * {_P}, {_P}], 1)",
    "log-probs": f"torch.stack([torch.log(-torch.expm1({_P}).clamp(max=0)), {_P}], 1)",
    "probs": f"torch.stack([1 - {_P}, {_P}], 1)",
}
_SKLEARN_EPS = 2.0**-52
_MOST_LISTED = 20


@dataclass(frozen=True)
class Tensors:
    """What the line has to know of the tensors; ``others`` tells whether any target is not a class."""

    n_classes: int
    class_axis: int
    n_axes: int
    binary: bool
    others: bool


def python_line(convention: Convention, tensors: Tensors, weights: NDArray[np.float64] | None) -> str:
    """The line; ``weights`` (n_classes,) are those of the convention.

    Empty where it would be a program: batch means of what no loss of PyTorch gives, say.
    """
    line = _Line(convention, tensors)
    if convention.term.loss not in line.expressions or (convention.batch and not line.is_call):
        return ""
    if (convention.batch or convention.sample_weights) and convention.term.shift:
        return ""
    if line.is_sklearn:
        whole = "" if convention.reduction == "mean" else ", normalize=False"
        return f"sklearn.metrics.log_loss(targets, logits, labels=range({tensors.n_classes}){whole})"
    return "; ".join([line.arranged(), *line.prepared(weights), _finished(convention, line.reduced())])


class _Line:
    """The parts of the line of one convention."""

    def __init__(self, convention: Convention, tensors: Tensors) -> None:
        self._convention, self._term, self._tensors = convention, convention.term, tensors
        self._ignores = tensors.others or 0 <= convention.ignore_index < tensors.n_classes
        self.expressions = {"nll": self._nll, "one-vs-rest": self._one_vs_rest, "argmax": self._argmax}

    @property
    def is_call(self) -> bool:
        """Whether one call of cross_entropy or nll_loss gives the loss, not losses that are then worked on."""
        return (
            LOSSES[self._term.loss].is_likelihood
            and not self._convention.sample_weights
            and self._term.loss_rounding is None
            and (not self._term.smoothing or _takes_logits(self._term))
            and not self._convention.own_weight_smoothing
        )

    @property
    def is_sklearn(self) -> bool:
        simple = Convention(
            Term(reading="probs", clip=_SKLEARN_EPS),
            ignore_index=self._convention.ignore_index,
            reduction="sum" if self._convention.reduction == "sum" else "mean",
        )
        tensors = self._tensors
        return self._convention == simple and not self._ignores and tensors.n_axes == 2 and not tensors.binary

    def arranged(self) -> str:
        """The statement that makes x (samples, classes) and y (samples,)."""
        x, y = "logits", "targets"
        n_axes, shift = self._tensors.n_axes, self._term.shift
        if self._tensors.binary:
            x, y = _CLASSES_OF_ONE[self._term.reading], "targets.flatten()"
        elif n_axes == 1:
            x, y = "logits[None]", "targets.reshape(1)"
        elif self._tensors.class_axis != n_axes - 1:
            x = f"logits.movedim({self._tensors.class_axis}, -1)"
        if shift > 0:
            x, y = f"{x}[..., :-{shift}, :]", f"{y}[..., {shift}:]"
        elif shift < 0:
            x, y = f"{x}[..., {-shift}:, :]", f"{y}[..., :{shift}]"
        if n_axes > 2:
            x, y = f"{x}.flatten(0, -2)", f"{y}.flatten()"
        if self._term.input_rounding:
            x += f".{_CASTS[self._term.input_rounding]}().double()"
        return f"x, y = {x}, {y}"

    def prepared(self, weights: NDArray[np.float64] | None) -> list[str]:
        """The statements that make w and s, and leave out the samples that do not count."""
        steps = self._class_weights(weights)
        sample_weights, size = self._convention.sample_weights, self._convention.batch
        if sample_weights:
            steps.append("s = sample_weights.flatten()")
        if not self.is_call and self._ignores:
            kept = "x, y, s = x[keep], y[keep], s[keep]" if sample_weights else "x, y = x[keep], y[keep]"
            steps.append(f"keep = y != {self._convention.ignore_index}; {kept}")
        if self._convention.reduction == "full-batches":
            steps.append(f"n = len(y) // {size} * {size}; x, y = x[:n], y[:n]")
        return steps

    def _class_weights(self, weights: NDArray[np.float64] | None) -> list[str]:
        """The statements that make w: by their scheme from the targets' counts, else written out."""
        weighting = self._convention.weighting
        if weights is None:
            return []
        if weighting.name not in _SCHEMES or weighting.counts == "given" or 0.0 in weights:
            listed = f"[{', '.join(map(plain, weights.tolist()))}]" if len(weights) <= _MOST_LISTED else "weights"
            return [f"w = torch.tensor({listed}).double()"]
        counted = f"y[y != {self._convention.ignore_index}]" if self._ignores else "y"
        scheme = _SCHEMES[weighting.name].format(beta=plain(0.999 if weighting.beta is None else weighting.beta))
        scaled = [] if weighting.normalize in (None, "none") else [f"w = w / w.{weighting.normalize}()"]
        counts = f"n = torch.bincount({counted}, minlength={self._tensors.n_classes}).double()"
        return [counts, f"w = {scheme}", *scaled]

    def reduced(self) -> str:
        if self._convention.batch:
            return self._batch_means()
        mean = self._convention.reduction == "mean"
        if self.is_call:
            return self._call() if mean else self._call("sum") + self._divisor()
        losses, factors = self._losses(), self._factors()
        if not mean:
            return f"({losses}).sum(){self._divisor()}"
        return f"({losses}).sum() / ({' * '.join(factors)}).sum()" if factors else f"({losses}).mean()"

    def _call(self, reduction: str = "") -> str:
        """The call of cross_entropy or nll_loss on x and y."""
        term, ignored = self._term, self._convention.ignore_index
        name, x = ("cross_entropy", _logits(term)) if _takes_logits(term) else ("nll_loss", _log_probs(term))
        settings = [
            "weight=w" if self._convention.weighting.name != "none" else "",
            f"ignore_index={ignored}" if ignored != DEFAULT_IGNORE_INDEX else "",
            f"label_smoothing={plain(term.smoothing)}" if term.smoothing else "",
            f'reduction="{reduction}"' if reduction else "",
        ]
        return f"F.{name}({', '.join([x, 'y', *filter(None, settings)])})"

    def _factors(self) -> list[str]:
        """What the losses of the samples are multiplied by."""
        own = ["s"] if self._convention.sample_weights else []
        return [*own, "w[y]"] if self._convention.weighting.name != "none" else own

    def _losses(self) -> str:
        """One loss a sample, with its weight, as an expression of x, y, w and s."""
        term = self._term
        if self._convention.smooths_each_class:
            e, log_p = plain(term.smoothing), _log_probs(term)
            apart = f"-(1 - {e}) * w[y] * {_of_target(log_p)} - {e} * (w * {log_p}).mean(1)"
            return f"s * ({apart})" if self._convention.sample_weights else apart
        losses = self.expressions[term.loss]()
        if term.loss_rounding:
            losses = f"({losses}).{_CASTS[term.loss_rounding]}().double()"
        return " * ".join([*self._factors(), losses])

    def _nll(self) -> str:
        log_p = _log_probs(self._term)
        if not self._term.smoothing:
            return f"-{_of_target(log_p)}"
        e = plain(self._term.smoothing)
        return f"(-(1 - {e}) * {_of_target(log_p)} - {e} * {log_p}.mean(1))"

    def _one_vs_rest(self) -> str:
        p = _unbounded_probs(self._term)
        right = f"torch.where(F.one_hot(y, {self._tensors.n_classes}).bool(), {p}, 1 - {p})"
        return f"-{_bounded(right, self._term)}.log().sum(1)"

    def _argmax(self) -> str:
        return f"-{_log_probs(self._term)}.amax(1)"

    def _divisor(self) -> str:
        ignored = self._convention.ignore_index
        counted = f"(y != {ignored}).sum()" if self.is_call and self._ignores else "len(y)"
        return {
            "sum": "",
            "counted": f" / {counted}",
            "samples": " / targets.numel()",
            "items": " / len(targets)",
            "elements": f" / ({counted} * {self._tensors.n_classes})",
        }[self._convention.reduction]

    def _batch_means(self) -> str:
        size, call = self._convention.batch, self._call()
        split = f"zip(x.split({size}), y.split({size}))"
        if self._convention.reduction == "full-batches":
            return call
        if self._convention.reduction == "batch-means-by-size":
            # A batch of ignored samples alone has no mean: PyTorch gives NaN.
            return f"sum(len(y) * {call}.nan_to_num() for x, y in {split}) / len(y)"
        whole = f"[:len(y) // {size}]" if self._convention.reduction == "full-batch-means" else ""
        return f"torch.stack([{call} for x, y in {split}]){whole}.nanmean()"


def _takes_logits(term: Term) -> bool:
    return term.reading in ("logits", SOFTMAX_TWICE) and term.clip is None and term.added is None


def _logits(term: Term) -> str:
    x = "x" if term.temperature == 1.0 else f"x / {plain(term.temperature)}"
    return f"{_whole(x)}.softmax(1)" if term.reading == SOFTMAX_TWICE else x


def _unbounded_probs(term: Term) -> str:
    if term.reading in ("logits", SOFTMAX_TWICE):
        return f"{_whole(_logits(term))}.softmax(1)"
    return {"log-probs": "x.exp()", "probs": "x"}[term.reading]


def _bounded(p: str, term: Term) -> str:
    """Probabilities kept from 0."""
    if term.clip is not None:
        return f"{p}.clamp({plain(term.clip)}, 1 - {plain(term.clip)})"
    return p if term.added is None else f"({p} + {plain(term.added)})"


def _log_probs(term: Term) -> str:
    if _takes_logits(term):
        return f"{_whole(_logits(term))}.log_softmax(1)"
    if term.reading == "log-probs" and term.clip is None and term.added is None:
        return "x"
    return f"{_bounded(_unbounded_probs(term), term)}.log()"


def _of_target(log_p: str) -> str:
    return f"{log_p}.gather(1, y[:, None])[:, 0]"


def _whole(expression: str) -> str:
    """The expression as one operand."""
    return f"({expression})" if " " in expression else expression


def _finished(convention: Convention, value: str) -> str:
    if convention.unit == "perplexity":
        value = f"{_whole(value)}.exp()"
    elif convention.unit != "nats":
        value = f"{value} / math.log({2 if convention.unit == 'bits' else 10})"
    if convention.result_rounding:
        value = f"({value}).{_CASTS[convention.result_rounding]}()"
    return f"-({value})" if convention.negative else value
