"""A convention as one line of Python for PyTorch, or scikit-learn where that is its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.commands.reconcile.conventions import SOFTMAX_TWICE, Convention, Term
from nllcli.data.settings import DEFAULT_IGNORE_INDEX
from nllcli.numerics.losses import LOSSES
from nllcli.records import dataclass
from nllcli.report import shortest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nllcli.data.dataset import Dataset

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
# What a file that holds class 1 of two says of class 0, where it does not hold logits.
_OF_CLASS_0 = {"log-probs": "torch.log(-torch.expm1(logits.flatten()).clamp(max=0))", "probs": "1 - logits.flatten()"}
# What the softmax is of, by what x holds.
_LOGITS = {"logits": "x", SOFTMAX_TWICE: "x", "log-probs": "x", "probs": "x.log()"}
_OWN = "{log_p}.gather(1, y[:, None])[:, 0]"
# One loss a sample; ``right`` is what each class's yes or no was given.
_LOSSES = {"nll": f"-{_OWN}", "argmax": "-{log_p}.amax(1)", "one-vs-rest": "-{right}.log().sum(1)"}
_SKLEARN_EPS = 2.0**-52
_MOST_LISTED = 20


def python_line(convention: Convention, dataset: Dataset, weights: NDArray[np.float64] | None, *, others: bool) -> str:
    """The line; ``weights`` (n_classes,) are those of the convention, ``others`` are targets that are not a class.

    Empty where it would be a program: batch means of what no loss of PyTorch gives, say.
    """
    line = _Line(convention, dataset, others)
    if convention.term.loss not in _LOSSES or (convention.batch and not line.is_call):
        return ""
    if (convention.batch or convention.sample_weights) and convention.term.shift:
        return ""
    if line.is_sklearn:
        whole = "" if convention.reduction == "mean" else ", normalize=False"
        return f"sklearn.metrics.log_loss(targets, logits, labels=range({dataset.n_classes}){whole})"
    steps = [line.arranged(), *line.class_weights(weights), *line.prepared()]
    return "; ".join([*steps, _finished(convention, line.reduced())])


@dataclass(frozen=True)
class _Line:
    """The parts of a line."""

    convention: Convention
    dataset: Dataset
    others: bool

    @property
    def term(self) -> Term:
        return self.convention.term

    @property
    def ignores(self) -> bool:
        """Whether any sample may be left out."""
        return self.others or 0 <= self.convention.ignore_index < self.dataset.n_classes

    @property
    def is_call(self) -> bool:
        """Whether one call of cross_entropy or nll_loss gives the loss, not losses that are then worked on."""
        return (
            LOSSES[self.term.loss].is_likelihood
            and not self.convention.sample_weights
            and self.term.loss_rounding is None
            and (not self.term.smoothing or _takes_logits(self.term))
            and not self.convention.own_weight_smoothing
        )

    @property
    def is_sklearn(self) -> bool:
        ignored, reduction = self.convention.ignore_index, self.convention.reduction
        simple = Convention(Term(reading="probs", clip=_SKLEARN_EPS), ignore_index=ignored, reduction=reduction)
        two_axes = len(self.dataset.layout.shape) == 2 and not self.dataset.binary
        return self.convention == simple and reduction in ("mean", "sum") and not self.ignores and two_axes

    def arranged(self) -> str:
        """The statement that makes x (samples, classes) and y (samples,)."""
        x, y = self._squeezed()
        layout, shift = self.dataset.layout, self.term.shift
        n_axes = len(layout.shape)
        if self.dataset.binary:
            class_0 = _OF_CLASS_0.get(self.term.reading, "0 * logits.flatten()")
            x, y = f"torch.stack([{class_0}, logits.flatten()], 1)", "targets.flatten()"
        elif n_axes == 1:
            x, y = f"{x}[None]", "targets.reshape(1)"
        elif layout.class_axis != n_axes - 1:
            x = f"{x}.movedim({layout.class_axis}, -1)"
        if shift > 0:
            x, y = f"{x}[..., :-{shift}, :]", f"{y}[..., {shift}:]"
        elif shift < 0:
            x, y = f"{x}[..., {-shift}:, :]", f"{y}[..., :{shift}]"
        if n_axes > 2:
            x, y = f"{x}.flatten(0, -2)", f"{y}.flatten()"
        if self.term.input_rounding:
            x += f".{_CASTS[self.term.input_rounding]}().double()"
        return f"x, y = {x}, {y}"

    def _squeezed(self) -> tuple[str, str]:
        """Logits and targets in the shapes as which they are taken, where they have axes of length 1 beyond those."""
        layout, taken = self.dataset.layout, {note.code for note in self.dataset.opening_notes}
        x = f"logits.reshape{layout.shape}" if "logits-squeezed" in taken else "logits"
        y = "targets.squeeze()" if "targets-squeezed" in taken else "targets"
        return x, y

    def prepared(self) -> list[str]:
        """The statements that make s, and leave out the samples that do not count."""
        convention, size = self.convention, self.convention.batch
        steps = ["s = sample_weights.flatten()"] if convention.sample_weights else []
        if not self.is_call and self.ignores:
            kept = "x, y, s = x[keep], y[keep], s[keep]" if convention.sample_weights else "x, y = x[keep], y[keep]"
            steps.append(f"keep = y != {convention.ignore_index}; {kept}")
        if convention.reduction == "full-batches":
            steps.append(f"n = len(y) // {size} * {size}; x, y = x[:n], y[:n]")
        return steps

    def class_weights(self, weights: NDArray[np.float64] | None) -> list[str]:
        """The statements that make w: by their scheme from the targets' counts, else written out."""
        weighting = self.convention.weighting
        if weights is None:
            return []
        if weighting.name not in _SCHEMES or weighting.counts == "given" or 0.0 in weights:
            listed = f"[{', '.join(map(shortest, weights.tolist()))}]" if len(weights) <= _MOST_LISTED else "weights"
            return [f"w = torch.tensor({listed}).double()"]
        counted = f"y[y != {self.convention.ignore_index}]" if self.ignores else "y"
        scheme = _SCHEMES[weighting.name].format(beta=shortest(weighting.beta or 0.0))  # only one has a beta
        scaled = [] if weighting.normalize == "none" else [f"w = w / w.{weighting.normalize}()"]
        return [f"n = torch.bincount({counted}, minlength={len(weights)}).double()", f"w = {scheme}", *scaled]

    def reduced(self) -> str:
        if self.convention.batch:
            return self._batch_means()
        mean = self.convention.reduction == "mean"
        if self.is_call:
            return self._call() if mean else self._call("sum") + self._divisor()
        factors = ["s"] if self.convention.sample_weights else []
        factors += ["w[y]"] if self.convention.weighting.name != "none" else []
        losses = self._losses(factors)
        if not mean:
            return f"({losses}).sum(){self._divisor()}"
        return f"({losses}).sum() / ({' * '.join(factors)}).sum()" if factors else f"({losses}).mean()"

    def _call(self, reduction: str = "") -> str:
        """The call of cross_entropy or nll_loss on x and y."""
        term, ignored = self.term, self.convention.ignore_index
        name, x = ("cross_entropy", _logits(term)) if _takes_logits(term) else ("nll_loss", _log_probs(term))
        settings = [
            "weight=w" if self.convention.weighting.name != "none" else "",
            f"ignore_index={ignored}" if ignored != DEFAULT_IGNORE_INDEX else "",
            f"label_smoothing={shortest(term.smoothing)}" if term.smoothing else "",
            f'reduction="{reduction}"' if reduction else "",
        ]
        return f"F.{name}({', '.join([x, 'y', *filter(None, settings)])})"

    def _losses(self, factors: list[str]) -> str:
        """One loss a sample, times its ``factors``, as an expression of x, y, w and s."""
        term, log_p = self.term, _log_probs(self.term)
        own, e, p = _OWN.format(log_p=log_p), shortest(term.smoothing), _unbounded_probs(term)
        if self.convention.smooths_each_class:
            apart = f"-(1 - {e}) * w[y] * {own} - {e} * (w * {log_p}).mean(1)"
            return f"s * ({apart})" if self.convention.sample_weights else apart
        right = _bounded(f"torch.where(F.one_hot(y, {self.dataset.n_classes}).bool(), {p}, 1 - {p})", term)
        losses = _LOSSES[term.loss].format(log_p=log_p, right=right)
        if term.smoothing:
            losses = f"(-(1 - {e}) * {own} - {e} * {log_p}.mean(1))"
        if term.loss_rounding:
            losses = f"({losses}).{_CASTS[term.loss_rounding]}().double()"
        return " * ".join([*factors, losses])

    def _divisor(self) -> str:
        ignored = self.convention.ignore_index
        counted = f"(y != {ignored}).sum()" if self.is_call and self.ignores else "len(y)"
        return {
            "sum": "",
            "counted": f" / {counted}",
            "samples": " / targets.numel()",
            "items": " / len(targets)",
            "elements": f" / ({counted} * {self.dataset.n_classes})",
        }[self.convention.reduction]

    def _batch_means(self) -> str:
        size, call = self.convention.batch, self._call()
        split = f"zip(x.split({size}), y.split({size}))"
        if self.convention.reduction == "full-batches":
            return call
        if self.convention.reduction == "batch-means-by-size":
            # A batch of ignored samples alone has no mean: PyTorch gives NaN.
            return f"sum(len(y) * {call}.nan_to_num() for x, y in {split}) / len(y)"
        whole = f"[:len(y) // {size}]" if self.convention.reduction == "full-batch-means" else ""
        return f"torch.stack([{call} for x, y in {split}]){whole}.nanmean()"


def _is_softmax(term: Term) -> bool:
    """Whether p is a softmax: of logits, or of log p under a temperature."""
    return term.reading in ("logits", SOFTMAX_TWICE) or term.temperature != 1.0


def _takes_logits(term: Term) -> bool:
    return _is_softmax(term) and term.clip is None and term.added is None


def _logits(term: Term) -> str:
    x = _LOGITS[term.reading]
    if term.temperature != 1.0:
        x += f" / {shortest(term.temperature)}"
    return f"{_whole(x)}.softmax(1)" if term.reading == SOFTMAX_TWICE else x


def _unbounded_probs(term: Term) -> str:
    if _is_softmax(term):
        return f"{_whole(_logits(term))}.softmax(1)"
    return {"log-probs": "x.exp()", "probs": "x"}[term.reading]


def _bounded(p: str, term: Term) -> str:
    """Probabilities kept from 0."""
    if term.clip is not None:
        return f"{p}.clamp({shortest(term.clip)}, 1 - {shortest(term.clip)})"
    return p if term.added is None else f"({p} + {shortest(term.added)})"


def _log_probs(term: Term) -> str:
    if _takes_logits(term):
        return f"{_whole(_logits(term))}.log_softmax(1)"
    if term.reading == "log-probs" and term.clip is None and term.added is None:
        return "x"
    return f"{_bounded(_unbounded_probs(term), term)}.log()"


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
