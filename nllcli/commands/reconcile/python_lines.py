"""A convention as one line of Python for PyTorch, or scikit-learn where that is its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.commands.reconcile.convention import Convention, Term
from nllcli.commands.reconcile.conventions import units
from nllcli.commands.reconcile.conventions.batches import PARTS
from nllcli.commands.reconcile.conventions.pairings import CHANGES, names_of
from nllcli.commands.reconcile.conventions.readings import reading_of
from nllcli.commands.reconcile.conventions.reductions import PAIRS
from nllcli.commands.reconcile.conventions.samples import EACH, LEAST_LOG, smoothed_entropy
from nllcli.commands.reconcile.conventions.weights import SCHEMES_IN_PYTHON
from nllcli.commands.reconcile.facts import MOST_LISTED, Facts
from nllcli.commands.reconcile.rounding import TORCH_CASTS
from nllcli.data.settings import DEFAULT_IGNORE_INDEX
from nllcli.numerics.losses import LOSSES
from nllcli.records import dataclass
from nllcli.report import shortest

if TYPE_CHECKING:
    from nllcli.data.dataset import Dataset

NOTE = (
    "In the lines of Python, logits (float64), targets (int64, or floats where they are probabilities) and "
    "sample_weights are tensors of what was read; import math, torch, torch.nn.functional as F."
)
# What a file that holds class 1 of two says of class 0, where it does not hold logits.
_OF_CLASS_0 = {"log-probs": "torch.log(-torch.expm1(logits.flatten()).clamp(max=0))", "probs": "1 - logits.flatten()"}
_OWN = "{log_p}.gather(1, y[:, None])[:, 0]"
# One loss a sample; ``right`` is what each class's yes or no was given.
_LOSSES = {"nll": f"-{_OWN}", "argmax": "-{log_p}.amax(1)", "one-vs-rest": "-{right}.log().sum(1)"}
_SKLEARN_EPS = 2.0**-52


def python_line(convention: Convention, facts: Facts) -> str:
    """The line; empty where it would be a program: of targets in an order of names too many to list, say."""
    line = _Line(convention, facts)
    if convention.term.loss not in _LOSSES or not line.has_one:
        return ""
    if line.is_sklearn:
        whole = "" if convention.reduction == "mean" else ", normalize=False"
        return f"sklearn.metrics.log_loss(targets, logits, labels=range({facts.dataset.n_classes}){whole})"
    steps = [*line.arranged(), *line.class_weights(), *line.prepared()]
    return "; ".join([*steps, units.python(convention, line.reduced())])


@dataclass(frozen=True)
class _Line:
    """The parts of a line."""

    convention: Convention
    facts: Facts

    @property
    def term(self) -> Term:
        return self.convention.term

    @property
    def dataset(self) -> Dataset:
        return self.facts.dataset

    @property
    def is_soft(self) -> bool:
        return self.term.pairing.change == "soft"

    @property
    def has_one(self) -> bool:
        """Whether a line can say it."""
        pairing, reading, n_axes = self.term.pairing, reading_of(self.term.reading), len(self.dataset.layout.shape)
        moves = bool(pairing.shift) or pairing.change in ("second-half", "first-alone")
        if pairing.shift and (pairing.change or (self.convention.reduction in PARTS and not self.facts.n_items)):
            return False
        if moves and (self.convention.sample_weights or (self.dataset.binary and n_axes > 2)):
            return False
        if reading.whole and ":" not in self.term.reading and (moves or pairing.flat):
            return False
        by_name = self.dataset.class_names is not None and "text-order" in pairing.change
        return self.dataset.n_classes <= MOST_LISTED or not by_name

    @property
    def ignores(self) -> bool:
        """Whether any sample may be left out."""
        return self.facts.others or 0 <= self.convention.ignore_index < self.dataset.n_classes or self._leaves_out

    @property
    def _leaves_out(self) -> bool:
        return self.term.pairing.change == "first-alone"

    @property
    def is_call(self) -> bool:
        """Whether one call of cross_entropy or nll_loss gives the loss, not losses that are then worked on."""
        return (
            self.convention.reduction not in (*PARTS, PAIRS)
            and self._is_plain
            and not self.convention.sample_weights
            and not self.term.each
            and not self.term.z_loss
            and not self.term.less_entropy
            and self.term.loss_rounding is None
        )

    @property
    def _is_plain(self) -> bool:
        """Whether a call gives the loss of a sample."""
        return (
            LOSSES[self.term.loss].is_likelihood
            and (not self.term.smoothing or _takes_logits(self.term))
            and (not self.is_soft or _takes_logits(self.term))
            and not self.convention.own_weight_smoothing
        )

    @property
    def is_sklearn(self) -> bool:
        ignored, reduction = self.convention.ignore_index, self.convention.reduction
        simple = Convention(Term(reading="probs", clip=_SKLEARN_EPS), ignore_index=ignored, reduction=reduction)
        two_axes = len(self.dataset.layout.shape) == 2 and not self.dataset.binary and not self.facts.one_hot
        return self.convention == simple and reduction in ("mean", "sum") and not self.ignores and two_axes

    def arranged(self) -> list[str]:
        """The statements that make x (samples, classes) and y (samples,), or (samples, classes) where it is soft."""
        x, y = self._squeezed()
        layout, pairing = self.dataset.layout, self.term.pairing
        n_axes = len(layout.shape)
        if self.facts.one_hot or self.is_soft:
            y = self._of_probabilities(y)
        elif pairing.change == "largest":
            y = f"({y} > 0.5).long()" if self.dataset.binary else f"{y}.argmax({layout.class_axis})"
        if self._leaves_out:
            y = f"{y}.where(({y} != {pairing.index}) | (({y} == {pairing.index}).cumsum(-1) == 1), -100)"
        if self.dataset.binary:
            class_0 = _OF_CLASS_0.get(self.term.reading, "0 * logits.flatten()")
            x, y = f"torch.stack([{class_0}, logits.flatten()], 1)", y if self.is_soft else f"{y}.flatten()"
            n_axes = 2
        elif n_axes == 1:
            x, y = f"{x}[None]", f"{y}.reshape(1, -1)" if self.is_soft else f"{y}.reshape(1)"
        else:
            x = self._read(x)
            if layout.class_axis != n_axes - 1 and not reading_of(self.term.reading).whole:
                x = f"{x}.movedim({layout.class_axis}, -1)"
        if n_axes > 2 and reading_of(self.term.reading).whole and "reshape(" in x:
            return [f"x, y = {x}, {y}.flatten(0, -2)" if self.is_soft else f"x, y = {x}, {y}.flatten()"]
        if pairing.flat:
            x, y, n_axes = f"{x}.flatten(0, -2)", f"{y}.flatten()", 2
        x, y = self._shifted(x, y)
        if n_axes > 2:
            x, y = f"{x}.flatten(0, -2)", f"{y}.flatten(0, -2)" if self.is_soft else f"{y}.flatten()"
        if self.term.input_rounding:
            x += f".{TORCH_CASTS[self.term.input_rounding]}().double()"
        return [f"x, y = {x}, {y}", *self._relabelled()]

    def _of_probabilities(self, y: str) -> str:
        """Class probabilities (..., C), or the class of each where they are one-hot."""
        if self.dataset.binary:
            return f"torch.stack([1 - {y}.flatten(), {y}.flatten()], 1)" if self.is_soft else f"{y}.long()"
        axis, n_axes = self.dataset.layout.class_axis, len(self.dataset.layout.shape)
        if not self.is_soft:
            return f"{y}.argmax({axis})"
        return f"{y}.movedim({axis}, -1)" if axis != n_axes - 1 else y

    def _read(self, x: str) -> str:
        """What a reading of the whole array makes of it, its classes last."""
        reading = reading_of(self.term.reading)
        if reading.whole is None:
            return x
        layout = self.dataset.layout
        _, _, axis = self.term.reading.partition(":")
        if not axis:
            return reading.python.format(n_classes=self.dataset.n_classes)
        x = reading.python.format(x=x, axis=axis)
        return x if layout.class_axis == len(layout.shape) - 1 else f"{x}.movedim({layout.class_axis}, -1)"

    def _shifted(self, x: str, y: str) -> tuple[str, str]:
        shift = self.term.pairing.shift
        if shift > 0:
            return f"{x}[..., :-{shift}, :]", f"{y}[..., {shift}:]"
        if shift < 0:
            return f"{x}[..., {-shift}:, :]", f"{y}[..., :{shift}]"
        if self.term.pairing.change == "second-half":
            half = (self.dataset.layout.sample_shape[-1] or 0) // 2
            return f"{x}[..., {half}:, :]", f"{y}[..., {half}:]"
        return x, y

    def _relabelled(self) -> list[str]:
        """The statement that makes other classes of the targets."""
        change, n_classes = CHANGES.get(self.term.pairing.change), self.dataset.n_classes
        if change is None or not change.python:
            return []
        names = names_of(self.dataset)
        order = f"sorted(range({n_classes}), key=str)"
        if self.dataset.class_names is not None:
            order = str(sorted(range(n_classes), key=names.__getitem__))
        new = change.python.format(last=n_classes - 1, order=order)
        return [f"y = y.where((y < 0) | (y >= {n_classes}), {new})"]

    def _squeezed(self) -> tuple[str, str]:
        """Logits and targets in the shapes as which they are taken, where they have axes of length 1 beyond those."""
        layout, taken = self.dataset.layout, {note.code for note in self.dataset.opening_notes}
        x = f"logits.reshape{layout.shape}" if "logits-squeezed" in taken else "logits"
        y = "targets.squeeze()" if "targets-squeezed" in taken else "targets"
        return x, y

    def prepared(self) -> list[str]:
        """The statements that make s, and leave out the samples that do not count; of parts l and v."""
        convention = self.convention
        steps = ["s = sample_weights.flatten()"] if convention.sample_weights else []
        if convention.reduction in PARTS:
            return [*steps, *self._of_items()]
        if not self.is_call and self.ignores:
            kept = "x, y, s = x[keep], y[keep], s[keep]" if convention.sample_weights else "x, y = x[keep], y[keep]"
            steps.append(f"keep = y != {convention.ignore_index}; {kept}")
        return steps

    def _of_items(self) -> list[str]:
        """The losses l times their weights v, both (items, ...), 0 where a sample does not count."""
        counts = f"y != {self.convention.ignore_index}"
        steps = [f"keep = {counts}; y = y * keep"] if self.ignores else []
        weights = " * ".join(["keep"] * self.ignores + self._factors()) or "torch.ones(len(x))"
        losses = self._weighed_losses()
        if self.ignores:
            losses = f"({losses}).where(keep, 0)"
        shape = f".reshape({self.facts.n_items}, -1)" if self.facts.n_items else ""
        if shape:
            losses, weights = f"({losses})", f"({weights})"
        return [*steps, f"l, v = {losses}{shape}, {weights}{shape}"]

    def _factors(self) -> list[str]:
        """What each sample's weight is a product of."""
        factors = ["s"] if self.convention.sample_weights else []
        return factors + (["w[y]"] if self.convention.weighting.name != "none" else [])

    def _weighed_losses(self) -> str:
        """The losses times the samples' weights, but for class weights that are in them."""
        factors = self._factors()
        if self.convention.smooths_each_class:
            factors.remove("w[y]")
        losses = self._losses_of_samples()
        return " * ".join([f"({losses})", *factors]) if factors else losses

    def class_weights(self) -> list[str]:
        """The statements that make w: by their scheme from the targets' counts, else written out."""
        weighting, weights = self.convention.weighting, self.facts.weights
        if weights is None:
            return []
        if weighting.name not in SCHEMES_IN_PYTHON or weighting.counts == "given" or 0.0 in weights:
            listed = f"[{', '.join(map(shortest, weights.tolist()))}]" if len(weights) <= MOST_LISTED else "weights"
            return [f"w = torch.tensor({listed}, dtype=torch.float64)"]
        counted = f"y[y != {self.convention.ignore_index}]" if self.ignores else "y"
        scheme = SCHEMES_IN_PYTHON[weighting.name].format(beta=shortest(weighting.beta or 0.0))  # only one has a beta
        scaled = [] if weighting.normalize == "none" else [f"w = w / w.{weighting.normalize}()"]
        return [f"n = torch.bincount({counted}, minlength={len(weights)}).double()", f"w = {scheme}", *scaled]

    def reduced(self) -> str:
        convention = self.convention
        if convention.reduction in PARTS:
            return PARTS[convention.reduction].python.format(n=convention.n, at=convention.at)
        if convention.reduction == PAIRS:
            return f"-({_log_probs(self.term)} @ F.one_hot(y, 2).double().T).mean()"
        mean = convention.reduction == "mean"
        if self.is_call:
            return self._call() if mean else self._call("sum") + self._divisor()
        factors, losses = self._factors(), self._weighed_losses()
        if not mean:
            return f"({losses}).sum(){self._divisor()}"
        return f"({losses}).sum() / ({' * '.join(factors)}).sum()" if factors else f"({losses}).mean()"

    def _divisor(self) -> str:
        if self.convention.reduction == "sum":
            return ""
        return f" / {shortest(self.facts.divisor)}"

    def _call(self, reduction: str = "", *, ignores: bool = True) -> str:
        """The call of cross_entropy or nll_loss on x and y."""
        term, ignored = self.term, self.convention.ignore_index
        name, x = ("cross_entropy", _logits(term)) if _takes_logits(term) else ("nll_loss", _log_probs(term))
        weighted = self.convention.weighting.name != "none" and (
            reduction != "none" or self.convention.smooths_each_class
        )
        settings = [
            "weight=w" if weighted else "",
            f"ignore_index={ignored}" if ignores and ignored != DEFAULT_IGNORE_INDEX else "",
            f"label_smoothing={shortest(term.smoothing)}" if term.smoothing else "",
            f'reduction="{reduction}"' if reduction else "",
        ]
        return f"F.{name}({', '.join([x, 'y', *filter(None, settings)])})"

    def _losses_of_samples(self) -> str:
        """One loss a sample, as an expression of x, y and w."""
        term = self.term
        log_p, e, p = _log_probs(term), shortest(term.smoothing), _unbounded_probs(term)
        if self._is_plain:
            losses = self._call("none", ignores=False)
        elif (term.reading, term.loss, term.clip) == ("sigmoid", "one-vs-rest", None):
            right = f"F.one_hot(y, {self.dataset.n_classes}).double()"
            losses = f'F.binary_cross_entropy_with_logits(x, {right}, reduction="none").sum(1)'
        elif self.is_soft:
            y = f"((1 - {e}) * y + {e} / {self.dataset.n_classes})" if term.smoothing else "y"
            losses = f"-({y} * {log_p}).sum(1)" if term.loss == "nll" else f"-{log_p}.amax(1)"
        elif self.convention.smooths_each_class:
            losses = f"-(1 - {e}) * w[y] * {_OWN.format(log_p=log_p)} - {e} * (w * {log_p}).mean(1)"
        else:
            right = _bounded(f"torch.where(F.one_hot(y, {self.dataset.n_classes}).bool(), {p}, 1 - {p})", term)
            losses = _LOSSES[term.loss].format(log_p=log_p, right=right)
            if term.smoothing:
                losses = f"(-(1 - {e}) * {_OWN.format(log_p=log_p)} - {e} * {log_p}.mean(1))"
        return self._finished(losses)

    def _finished(self, losses: str) -> str:
        """The same after all that is done to a sample's loss."""
        term = self.term
        if term.less_entropy and self.is_soft:
            y = f"((1 - {shortest(term.smoothing)}) * y + {shortest(term.smoothing / self.dataset.n_classes)})"
            y = y if term.smoothing else "y"
            losses += f" + torch.xlogy({y}, {y}).sum(1)"
        elif term.less_entropy:
            losses += f" - {shortest(smoothed_entropy(term.smoothing, self.dataset.n_classes))}"
        if term.z_loss:
            losses += f" + {shortest(term.z_loss)} * {_whole(_logits(term))}.logsumexp(1)**2"
        if term.each:
            losses = EACH[term.each].python.format(l=losses)
        return f"({losses}).{TORCH_CASTS[term.loss_rounding]}().double()" if term.loss_rounding else losses


def _is_softmax(term: Term) -> bool:
    """Whether p is a softmax: of logits, or of log p under a temperature."""
    return reading_of(term.reading).source == "logits" or term.temperature != 1.0


def _takes_logits(term: Term) -> bool:
    return _is_softmax(term) and term.clip is None and term.added is None


def _logits(term: Term) -> str:
    """What the softmax is of."""
    x = "x.log()" if term.reading == "probs" else "x"
    if term.temperature != 1.0:
        x += f" / {shortest(term.temperature)}"
    reading = reading_of(term.reading)
    return reading.python.format(x=_whole(x)) if reading.made and reading.source == "logits" else x


def _log_probs_read(term: Term) -> str:
    """Log-probabilities as the reading has them."""
    reading = reading_of(term.reading)
    return reading.python.format(x="x") if reading.made else "x"


def _unbounded_probs(term: Term) -> str:
    if _is_softmax(term):
        return f"{_whole(_logits(term))}.softmax(1)"
    return "x" if term.reading == "probs" else f"{_log_probs_read(term)}.exp()"


def _bounded(p: str, term: Term) -> str:
    """Probabilities kept from 0."""
    if term.clip == LEAST_LOG:
        return f"{p}.clamp(math.exp(-100), 1)"
    if term.clip is not None:
        return f"{p}.clamp({shortest(term.clip)}, 1 - {shortest(term.clip)})"
    return p if term.added is None else f"({p} + {shortest(term.added)})"


def _log_probs(term: Term) -> str:
    if _takes_logits(term):
        return f"{_whole(_logits(term))}.log_softmax(1)"
    if reading_of(term.reading).source == "log-probs" and term.clip is None and term.added is None:
        return _log_probs_read(term)
    return f"{_bounded(_unbounded_probs(term), term)}.log()"


def _whole(expression: str) -> str:
    """The expression as one operand."""
    return f"({expression})" if " " in expression else expression
