"""A convention as one line of Python for PyTorch, or scikit-learn where that is its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nllcli.commands.reconcile.conventions import SOFTMAX_TWICE, Convention, Term, Weighting
from nllcli.data.settings import DEFAULT_IGNORE_INDEX
from nllcli.scoring.signature import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

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
_EXPRESSED = ("nll", "one-vs-rest", "argmax")
_SKLEARN_EPS = 2.0**-52
_MOST_LISTED = 20


@dataclass(frozen=True)
class Tensors:
    """What the line has to know of the tensors; ``ignored`` tells whether any target is."""

    n_classes: int
    class_axis: int
    n_axes: int
    binary: bool
    ignored: bool


def python_line(convention: Convention, tensors: Tensors, weights: Sequence[float] | None) -> str:
    """The line; ``weights`` are those of the convention.

    Empty where it would be a program: batch means of what no loss of PyTorch gives, say.
    """
    term = convention.term
    if term.loss not in _EXPRESSED or (convention.batch and not _is_call(convention)):
        return ""
    if (convention.batch or convention.sample_weights) and term.shift:
        return ""
    if _is_sklearn(convention, tensors):
        whole = "" if convention.reduction == "mean" else ", normalize=False"
        return f"sklearn.metrics.log_loss(targets, logits, labels=range({tensors.n_classes}){whole})"
    steps = _arrange(term, tensors)
    if convention.weighting.name != "none":
        steps += _weights(convention, tensors, weights)
    if convention.sample_weights:
        steps.append("s = sample_weights.flatten()")
    if not _is_call(convention) and tensors.ignored:
        kept = "x, y, s = x[keep], y[keep], s[keep]" if convention.sample_weights else "x, y = x[keep], y[keep]"
        steps.append(f"keep = y != {convention.ignore_index}; {kept}")
    if convention.reduction == "full-batches":
        steps.append(f"n = len(y) // {convention.batch} * {convention.batch}; x, y = x[:n], y[:n]")
    return "; ".join([*steps, _finished(convention, _reduced(convention, tensors))])


def _is_call(convention: Convention) -> bool:
    """Whether one call of cross_entropy or nll_loss gives the loss, not losses that are then worked on."""
    term = convention.term
    return (
        term.loss == "nll"
        and not convention.sample_weights
        and term.loss_rounding is None
        and (not term.smoothing or _takes_logits(term))
        and not convention.own_weight_smoothing
    )


def _takes_logits(term: Term) -> bool:
    return term.reading in ("logits", SOFTMAX_TWICE) and term.clip is None and term.added is None


def _is_sklearn(convention: Convention, tensors: Tensors) -> bool:
    simple = Convention(
        Term(reading="probs", clip=_SKLEARN_EPS),
        ignore_index=convention.ignore_index,
        reduction="sum" if convention.reduction == "sum" else "mean",
    )
    return convention == simple and not tensors.ignored and tensors.n_axes == 2 and not tensors.binary


def _arrange(term: Term, tensors: Tensors) -> list[str]:
    """Statements that make x (samples, classes) and y (samples,)."""
    x, y = "logits", "targets"
    if tensors.binary:
        x = _CLASSES_OF_ONE[term.reading]
        y = "targets.flatten()"
    elif tensors.n_axes == 1:
        x, y = "logits[None]", "targets.reshape(1)"
    elif tensors.class_axis != tensors.n_axes - 1:
        x = f"logits.movedim({tensors.class_axis}, -1)"
    if term.shift > 0:
        x, y = f"{x}[..., :-{term.shift}, :]", f"{y}[..., {term.shift}:]"
    elif term.shift < 0:
        x, y = f"{x}[..., {-term.shift}:, :]", f"{y}[..., :{term.shift}]"
    if tensors.n_axes > 2:
        x, y = f"{x}.flatten(0, -2)", f"{y}.flatten()"
    if term.input_rounding:
        x += f".{_CASTS[term.input_rounding]}().double()"
    return [f"x, y = {x}, {y}"]


_P = "logits.flatten()"
_CLASSES_OF_ONE = {
    "logits": f"torch.stack([0 * {_P}, {_P}], 1)",
    SOFTMAX_TWICE: f"torch.stack([0 * {_P}, {_P}], 1)",
    "log-probs": f"torch.stack([torch.log(-torch.expm1({_P}).clamp(max=0)), {_P}], 1)",
    "probs": f"torch.stack([1 - {_P}, {_P}], 1)",
}


def _weights(convention: Convention, tensors: Tensors, weights: Sequence[float] | None) -> list[str]:
    """Statements that make w: by their scheme from the targets' counts, else written out."""
    weighting = convention.weighting
    from_targets = weighting.name in _SCHEMES and weighting.counts == "targets"
    if weights is not None and (not from_targets or 0.0 in weights):
        if len(weights) > _MOST_LISTED:
            return ["w = torch.tensor(weights).double()"]
        return [f"w = torch.tensor([{', '.join(map(plain, weights))}]).double()"]
    counted = f"y[y != {convention.ignore_index}]" if tensors.ignored else "y"
    scheme = _SCHEMES[weighting.name].format(beta=plain(0.999 if weighting.beta is None else weighting.beta))
    steps = [f"n = torch.bincount({counted}, minlength={tensors.n_classes}).double()", f"w = {scheme}"]
    return steps + _scaled(weighting)


def _scaled(weighting: Weighting) -> list[str]:
    return [f"w = w / w.{weighting.normalize}()"] if weighting.normalize not in (None, "none") else []


def _logits(term: Term) -> str:
    x = "x" if term.temperature == 1.0 else f"x / {plain(term.temperature)}"
    if term.reading == SOFTMAX_TWICE:
        return f"({x}).softmax(1)" if x != "x" else "x.softmax(1)"
    return x


def _probs(term: Term) -> str:
    return _bounded(_unbounded_probs(term), term)


def _unbounded_probs(term: Term) -> str:
    if term.reading in ("logits", SOFTMAX_TWICE):
        x = _logits(term)
        return f"({x}).softmax(1)" if " " in x else f"{x}.softmax(1)"
    return {"log-probs": "x.exp()", "probs": "x"}[term.reading]


def _bounded(p: str, term: Term) -> str:
    """Probabilities kept from 0."""
    if term.clip is not None:
        return f"{p}.clamp({plain(term.clip)}, 1 - {plain(term.clip)})"
    return p if term.added is None else f"({p} + {plain(term.added)})"


def _log_probs(term: Term) -> str:
    if term.clip is None and term.added is None:
        if term.reading == "log-probs":
            return "x"
        if term.reading != "probs":
            x = _logits(term)
            return f"({x}).log_softmax(1)" if " " in x else f"{x}.log_softmax(1)"
    return f"{_probs(term)}.log()"


def _call(convention: Convention, reduction: str = "") -> str:
    """The call of cross_entropy or nll_loss on x and y."""
    term = convention.term
    name, x = ("cross_entropy", _logits(term)) if _takes_logits(term) else ("nll_loss", _log_probs(term))
    settings = [
        "weight=w" if convention.weighting.name != "none" else "",
        f"ignore_index={convention.ignore_index}" if convention.ignore_index != DEFAULT_IGNORE_INDEX else "",
        f"label_smoothing={plain(term.smoothing)}" if term.smoothing else "",
        f'reduction="{reduction}"' if reduction else "",
    ]
    return f"F.{name}({', '.join([x, 'y', *filter(None, settings)])})"


def _reduced(convention: Convention, tensors: Tensors) -> str:
    if convention.batch:
        return _batch_means(convention)
    mean = convention.reduction == "mean"
    if _is_call(convention):
        total = _call(convention, "" if mean else "sum")
        return total if mean else total + _divisor(convention, tensors)
    losses, factors = _losses(convention, tensors), _factors(convention)
    if mean:
        return f"({losses}).sum() / ({' * '.join(factors)}).sum()" if factors else f"({losses}).mean()"
    return f"({losses}).sum(){_divisor(convention, tensors)}"


def _factors(convention: Convention) -> list[str]:
    """What the losses of the samples are multiplied by."""
    own = ["s"] if convention.sample_weights else []
    return [*own, "w[y]"] if convention.weighting.name != "none" else own


def _losses(convention: Convention, tensors: Tensors) -> str:
    """One loss a sample, with its weight, as an expression of x, y and w."""
    term = convention.term
    own = f"{_log_probs(term)}.gather(1, y[:, None])[:, 0]"
    if term.loss == "argmax":
        losses = f"-{_log_probs(term)}.amax(1)"
    elif term.loss == "one-vs-rest":
        p = _unbounded_probs(term)
        right = f"torch.where(F.one_hot(y, {tensors.n_classes}).bool(), {p}, 1 - {p})"
        losses = f"-{_bounded(right, term)}.log().sum(1)"
    elif term.smoothing:
        e = plain(term.smoothing)
        if convention.spread_apart:
            apart = f"-(1 - {e}) * w[y] * {own} - {e} * (w * {_log_probs(term)}).mean(1)"
            return f"s * ({apart})" if convention.sample_weights else apart
        losses = f"(-(1 - {e}) * {own} - {e} * {_log_probs(term)}.mean(1))"
    else:
        losses = f"-{own}"
    if term.loss_rounding:
        losses = f"({losses}).{_CASTS[term.loss_rounding]}().double()"
    return " * ".join([*_factors(convention), losses])


def _divisor(convention: Convention, tensors: Tensors) -> str:
    counted = f"(y != {convention.ignore_index}).sum()" if _is_call(convention) and tensors.ignored else "len(y)"
    return {
        "sum": "",
        "counted": f" / {counted}",
        "samples": " / targets.numel()",
        "items": " / len(targets)",
        "elements": f" / ({counted} * {tensors.n_classes})",
    }[convention.reduction]


def _batch_means(convention: Convention) -> str:
    size = convention.batch
    if convention.reduction == "full-batches":
        return _call(convention)
    call = _call(convention)
    split = f"zip(x.split({size}), y.split({size}))"
    if convention.reduction == "batch-means-by-size":
        # A batch of ignored samples alone has no mean: PyTorch gives NaN.
        return f"sum(len(y) * {call}.nan_to_num() for x, y in {split}) / len(y)"
    whole = f"[:len(y) // {size}]" if convention.reduction == "full-batch-means" else ""
    return f"torch.stack([{call} for x, y in {split}]){whole}.nanmean()"


def _finished(convention: Convention, value: str) -> str:
    if convention.unit == "perplexity":
        value = f"({value}).exp()" if " " in value else f"{value}.exp()"
    elif convention.unit != "nats":
        value = f"{value} / math.log({2 if convention.unit == 'bits' else 10})"
    if convention.result_rounding:
        value = f"({value}).{_CASTS[convention.result_rounding]}()"
    return f"-({value})" if convention.negative else value
