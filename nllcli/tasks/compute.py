"""nll compute: the loss of a file of logits, reduced, per class and per sample."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from nllcli.model import Column, Metric, Notice, Report, Table, Value
from nllcli.numerics.evaluate import Outcome, Wanted
from nllcli.numerics.exact import exact_count
from nllcli.numerics.tally import ClassSums, Tally
from nllcli.tasks.divisor import gradient_divisor
from nllcli.tasks.request import ScoreRequest, Settled, settle, signature
from nllcli.tasks.saving import Saver, Saves
from nllcli.tasks.scoring import outcomes, places

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nllcli.model import Dataset

SMALL_SAMPLES = 20
SMALL_CLASSES = 10


@dataclass(frozen=True)
class Sections:
    """The sections asked for by name, and those added unasked: the samples of a ``small`` input, and the classes
    where there are at most ``classes_up_to``.
    """

    per_class: bool = False
    per_sample: bool = False
    small: bool = False
    classes_up_to: int = 0


@dataclass
class _Kept:
    """The samples of a small input, or all of them where each was asked for."""

    everything: bool
    n: int = 0
    outcomes: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.n += outcome.tally.n_samples
        if self.everything or self.n <= SMALL_SAMPLES:
            self.outcomes.append(outcome)
        else:
            self.outcomes.clear()

    def joined(self, name: str) -> NDArray[Any] | None:
        import numpy as np

        parts = [getattr(outcome, name) for outcome in self.outcomes]
        return np.concatenate(parts) if parts and parts[0] is not None else None


def compute(request: ScoreRequest, sections: Sections, saves: Saves) -> Report:
    """Compute the loss, write the arrays that were asked for on the way, and report."""
    divisor = None if saves.gradient is None else gradient_divisor(request)
    settled = settle(request)
    each_asked = sections.per_sample or settled.options.reduction == "none"
    wanted = replace(_wanted(settled, sections, saves, each_asked), gradient=divisor)
    tally, kept = Tally(), _Kept(each_asked)
    with ExitStack() as stack:
        saver = stack.enter_context(Saver(saves, settled.dataset, request.inputs))
        for outcome in outcomes(settled, wanted, threads=request.threads, progress=request.progress):
            tally += outcome.tally
            saver.write(outcome)
            kept.add(outcome)
    return _report(settled, sections, tally, kept)


def _wanted(settled: Settled, sections: Sections, saves: Saves, each_asked: bool) -> Wanted:
    layout = settled.dataset.layout
    n_classes = _n_classes(settled)
    small = sections.small and (layout.n_samples is None or layout.n_samples <= SMALL_SAMPLES)
    tabled = (sections.per_sample or small) and n_classes <= SMALL_CLASSES
    return Wanted(
        losses=each_asked or small or saves.losses is not None,
        probs=tabled or saves.probs is not None,
        log_probs=saves.log_probs is not None,
        classes=sections.per_class or n_classes <= sections.classes_up_to,
    )


def _n_classes(settled: Settled) -> int:
    return 2 if settled.options.binary else settled.dataset.layout.n_classes


def _report(settled: Settled, sections: Sections, tally: Tally, kept: _Kept) -> Report:
    options = settled.options
    names = class_names(settled)
    tables = []
    extra: dict[str, Any] = {}
    if tally.classes is not None:
        tables.append(_class_table(tally, tally.classes, names, weighted=options.class_weights))
    else:
        extra["per_class"] = None  # soft targets, or too many classes to list unasked
    losses = kept.joined("losses")
    if losses is not None and kept.outcomes:
        if sections.per_sample or options.reduction == "none":
            extra["losses"] = _nested(losses, settled.dataset)
        if sections.per_sample or sections.small:
            tables.append(_sample_table(settled, kept, losses, names))
    quiet: list[Value] = [loss_of(tally, options.reduction)]
    if options.reduction == "none" and losses is not None:
        quiet = losses.tolist()
    return Report(
        "compute",
        f"{LOSS_TITLES[options.loss]} of {settled.dataset.logits.name}",
        signature(settled),
        metrics=_metrics(settled, tally),
        tables=tuple(tables),
        warnings=(*settled.notices, *tally_notices(tally, settled)),
        notes=settled.dataset.notes,
        quiet=quiet,
        extra=extra,
    )


LOSS_TITLES = {
    "nll": "Negative log-likelihood",
    "argmax": "Surprisal of the prediction",
    "one-vs-rest": "One-vs-rest loss",
}


def loss_of(tally: Tally, reduction: str) -> float | None:
    """The reduced number; None under "none"."""
    if reduction == "mean":
        return tally.mean()
    return float(tally.loss_sum) if reduction == "sum" else None


def _metrics(settled: Settled, tally: Tally) -> tuple[Metric, ...]:
    options, n_classes = settled.options, _n_classes(settled)
    weighted = settled.is_weighted
    mean = tally.mean()
    loss = loss_of(tally, options.reduction)
    denominator = "sum of the targets' weights" if weighted else "samples counted"
    if settled.dataset.soft_targets is not None:
        denominator = "sum of sample weights" if settled.dataset.sample_weights is not None else "positions"
    how = {"mean": f"mean: sum / {denominator}", "sum": "sum over samples", "none": "not reduced"}[options.reduction]
    error = tally.standard_error_of_sum() if options.reduction == "sum" else tally.standard_error()
    accuracy = None if tally.n_correct is None or not tally.n_counted else tally.n_correct / tally.n_counted
    metrics = [
        Metric("loss_name", "loss", options.loss, hidden=True),
        Metric("reduction", "reduction", options.reduction, hidden=True),
        Metric("unit", "unit", "nats", hidden=True),
        Metric("loss", "loss", loss, "nats", how, headline=loss is not None),
        Metric("loss_sum", "sum", float(tally.loss_sum), "nats"),
        Metric("weight_sum", "denominator", float(tally.weight_sum), note=denominator, hidden=not weighted),
    ]
    if weighted:
        metrics.append(
            Metric("loss_unweighted", "unweighted", tally.unweighted_mean(), "nats", "mean, every sample alike")
        )
    metrics += [
        Metric(
            "standard_error",
            "standard error",
            error,
            "nats",
            f"of the {'sum' if options.reduction == 'sum' else 'mean'}",
        ),
        Metric("perplexity", "perplexity", _exp(mean), note="exp of the mean"),
        Metric("bits", "bits", mean / math.log(2), "bits", "the mean, base 2"),
        Metric("accuracy", "accuracy", accuracy, "share"),
        Metric("chance_loss", "chance", math.log(n_classes), "nats", f"log {n_classes}: all classes alike"),
        Metric("n_samples", "samples", tally.n_samples),
        Metric("n_counted", "counted", tally.n_counted, hidden=tally.n_counted == tally.n_samples),
        Metric("n_ignored", "ignored", tally.n_samples - tally.n_counted, hidden=tally.n_counted == tally.n_samples),
        Metric("n_classes", "classes", n_classes),
    ]
    return tuple(metrics)


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def class_names(settled: Settled) -> tuple[str, ...]:
    """The classes' names, or their numbers."""
    return settled.dataset.class_names or tuple(str(c) for c in range(_n_classes(settled)))


def _class_table(
    tally: Tally, sums: ClassSums, names: tuple[str, ...], *, weighted: NDArray[np.float64] | None
) -> Table:
    """Per class: the count, the mean loss, accuracy and the share of the total that the reduction sees."""
    total = float(tally.loss_sum)
    columns = [
        Column("class", "class", "text"),
        Column("count", "count", "count"),
        Column("accuracy", "accuracy", "share"),
        Column("mean_loss", "mean loss", "number", "nats"),
        Column("share", "share of loss", "share"),
    ]
    rows: list[list[Value]] = []
    for c, name in enumerate(names):
        n = int(sums.n[c])
        share = sums.weighted_sum[c].divided_by(tally.loss_sum) if math.isfinite(total) and total else None
        row: list[Value] = [
            name,
            n,
            int(sums.n_correct[c]) / n if n else None,
            sums.loss_sum[c].divided_by(exact_count(n)) if n else None,
            share,
        ]
        if weighted is not None:
            row.insert(2, float(weighted[c]))
        rows.append(row)
    if weighted is not None:
        columns.insert(2, Column("weight", "weight"))
    note = "mean loss without weights; share of the weighted sum" if weighted is not None else ""
    return Table("per_class", "Per class", tuple(columns), rows, note)


def _sample_table(settled: Settled, kept: _Kept, losses: NDArray[Any], names: tuple[str, ...]) -> Table:
    """Per sample: its place, target, probabilities (few classes) and loss."""
    probs, targets = kept.joined("probs"), kept.joined("targets")
    columns = [Column("sample", "sample", "count")]
    indexed = targets is not None and targets.ndim == 1
    if indexed:
        columns.append(Column("target", "target", "text"))
    if probs is not None:
        columns += [Column(f"p_{name}", f"p({name})", "probability") for name in names]
    columns.append(Column("loss", "loss", "number", "nats"))
    rows: list[list[Value]] = []
    for i, loss in enumerate(losses.tolist()):
        row: list[Value] = [i]
        if indexed and targets is not None:
            row.append(_target_name(int(targets[i]), names, settled.options.ignore_index))
        if probs is not None:
            row += probs[i].tolist()
        rows.append([*row, loss])
    return Table("samples", "Per sample", tuple(columns), rows, "loss with weights" if settled.is_weighted else "")


def _target_name(target: int, names: tuple[str, ...], ignore_index: int) -> str:
    return "ignored" if target == ignore_index else names[target]


def _nested(losses: NDArray[Any], dataset: Dataset) -> Any:
    """The losses as nested lists in the shape of the targets."""
    shape = tuple(len(losses) if n is None else n for n in dataset.layout.sample_shape)
    return losses.reshape(shape, order="F" if dataset.layout.fortran else "C").tolist()


def tally_notices(tally: Tally, settled: Settled) -> list[Notice]:
    """What the samples themselves made suspicious."""
    options, dataset = settled.options, settled.dataset
    found = []
    if not tally.n_samples:
        found.append(Notice("no-samples", "there are no samples: the mean is NaN, the sum 0"))
    elif not tally.n_counted:
        found.append(
            Notice("nothing-counted", f"every target is {options.ignore_index}, the ignored index: the mean is NaN")
        )
    elif tally.weight_sum.units == 0:
        found.append(
            Notice("zero-weight-sum", "the weights of the counted samples add up to 0: the mean is not defined")
        )
    for code, rows in tally.findings.items():
        found.append(
            Notice(
                code,
                FINDINGS[code].format(n=rows.n, total=tally.n_samples, worst=rows.worst, places=places(rows, dataset)),
            )
        )
    if options.clip is not None:
        found.append(
            Notice(
                "clipped",
                f"p is clipped to [{options.clip:g}, 1 - {options.clip:g}]: "
                f"no surprisal exceeds {-math.log(options.clip):.4f} nats",
            )
        )
    return found


FINDINGS = {
    "infinite-loss": "infinite loss in {n} of {total} samples, a class that the loss asks for having probability 0: "
    "{places}",
    "negative-sample-weights": "negative sample weights in {n} of {total} samples: {places}",
    "nonfinite-logits": "NaN, +inf or only -inf in {n} of {total} samples, which count as NaN: {places}",
    "not-normalised": "probabilities that do not sum to 1 (off by up to {worst:.3g}), used as they are, "
    "in {n} of {total} samples: {places}",
    "soft-targets-not-normalised": "soft targets that do not sum to 1 (off by up to {worst:.3g}), used as they are, "
    "in {n} of {total} samples: {places}",
}
