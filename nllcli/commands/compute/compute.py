"""nll compute: the loss of a file of logits, reduced, per class and per sample."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from nllcli.commands.compute.saving import Saver, Saves
from nllcli.numerics.evaluate import Outcome, Wanted
from nllcli.numerics.exact import exact_count
from nllcli.numerics.losses import LOSSES, uniform_loss
from nllcli.numerics.tally import ClassSums, Tally
from nllcli.report import Column, Metric, Report, Table, Value
from nllcli.scoring.divisor import settle_gradient
from nllcli.scoring.loss import class_names, loss_of
from nllcli.scoring.notices import tally_notices
from nllcli.scoring.passes import outcomes
from nllcli.scoring.request import ScoreRequest
from nllcli.scoring.settled import Settled, settle
from nllcli.scoring.signature import signature

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nllcli.data.dataset import Dataset

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


@dataclass(frozen=True)
class _Samples:
    """Losses (n,), and what a table shows beside them: probabilities (n, C) and class indices (n,)."""

    losses: NDArray[np.float64]
    probs: NDArray[np.float64] | None = None
    targets: NDArray[np.int64] | None = None


@dataclass
class _Kept:
    """The samples of a small input, or all of them where ``everything`` was asked for: just what is shown of them."""

    everything: bool
    tabled: bool
    probs: bool
    n: int = 0
    parts: list[_Samples] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.n += outcome.tally.n_samples
        if not self.everything and self.n > SMALL_SAMPLES:
            self.parts.clear()
        elif outcome.losses is not None:
            targets = outcome.targets if self.tabled else None
            self.parts.append(
                _Samples(
                    outcome.losses,
                    outcome.probs if self.probs else None,
                    None if targets is None or targets.ndim == 2 else targets.copy(),  # the next block is read over it
                )
            )

    def joined(self, dataset: Dataset) -> _Samples | None:
        """All samples in the order of the targets; None where they were not kept."""
        import numpy as np

        if not self.parts:
            return _Samples(np.empty(0)) if self.everything else None
        order = _target_order(dataset, self.n)

        def whole(name: str) -> NDArray[Any] | None:
            parts = [getattr(part, name) for part in self.parts]
            return None if parts[0] is None else np.concatenate(parts)[order]

        losses = whole("losses")
        assert losses is not None
        return _Samples(losses, whole("probs"), whole("targets"))


def _target_order(dataset: Dataset, n: int) -> slice | NDArray[np.intp]:
    """What puts samples in file order into the C order of the targets."""
    import numpy as np

    layout = dataset.layout
    if not layout.fortran or len(layout.sample_shape) < 2:
        return slice(None)
    return np.arange(n).reshape(_sample_shape(dataset, n), order="F").ravel()


def _sample_shape(dataset: Dataset, n: int) -> list[int]:
    return [n if length is None else length for length in dataset.layout.sample_shape]


def compute(request: ScoreRequest, sections: Sections, saves: Saves) -> Report:
    """Compute the loss, write the arrays that were asked for on the way, and report."""
    settled, divisor = (settle(request), None) if saves.gradient is None else settle_gradient(request)
    tally, kept = Tally(), _kept(settled, sections)
    wanted = replace(_wanted(settled, sections, saves, kept), gradient=divisor)
    with ExitStack() as stack:
        saver = stack.enter_context(Saver(saves, settled.dataset))
        for outcome in outcomes(settled, wanted, threads=request.threads, progress=request.progress):
            tally += outcome.tally
            saver.write(outcome)
            kept.add(outcome)
    return _report(settled, sections, tally, kept)


def _kept(settled: Settled, sections: Sections) -> _Kept:
    n_samples = settled.dataset.layout.n_samples
    tabled = sections.per_sample or (sections.small and (n_samples is None or n_samples <= SMALL_SAMPLES))
    return _Kept(
        everything=sections.per_sample or settled.options.reduction == "none",
        tabled=tabled,
        probs=tabled and settled.dataset.n_classes <= SMALL_CLASSES,
    )


def _wanted(settled: Settled, sections: Sections, saves: Saves, kept: _Kept) -> Wanted:
    return Wanted(
        losses=kept.everything or kept.tabled or saves.losses is not None,
        probs=kept.probs or saves.probs is not None,
        log_probs=saves.log_probs is not None,
        classes=sections.per_class or settled.dataset.n_classes <= sections.classes_up_to,
    )


def _report(settled: Settled, sections: Sections, tally: Tally, kept: _Kept) -> Report:
    options = settled.options
    names = class_names(settled)
    tables = []
    extra: dict[str, Any] = {}
    if tally.classes is not None:
        tables.append(_class_table(tally, tally.classes, names, weighted=options.class_weights))
    else:
        extra["per_class"] = None  # soft targets, or too many classes to list unasked
    if _standard_error(tally, options.reduction) is None:
        extra["standard_error"] = math.nan  # a dash for people; JSON says in nonfinite why it is null
    samples = kept.joined(settled.dataset)
    if samples is not None:
        if kept.everything:
            shape = _sample_shape(settled.dataset, len(samples.losses))
            extra["losses"] = samples.losses.reshape(shape).tolist()
        if sections.per_sample or (kept.tabled and kept.parts):
            tables.append(_sample_table(settled, samples, names))
    quiet: list[Value] = [loss_of(tally, options.reduction)]
    if options.reduction == "none" and samples is not None:
        quiet = samples.losses.tolist()
    return Report(
        "compute",
        f"{LOSSES[options.loss].title} of {settled.dataset.logits.name}",
        signature(settled),
        metrics=_metrics(settled, tally),
        tables=tuple(tables),
        warnings=(*settled.notices, *tally_notices(tally, settled)),
        notes=settled.dataset.notes,
        quiet=quiet,
        extra=extra,
    )


def _metrics(settled: Settled, tally: Tally) -> tuple[Metric, ...]:
    options, n_classes = settled.options, settled.dataset.n_classes
    weighted = settled.is_weighted
    mean = tally.mean()
    loss = loss_of(tally, options.reduction)
    denominator = "sum of the targets' weights" if weighted else "samples counted"
    if settled.dataset.soft_targets is not None:
        denominator = "sum of sample weights" if settled.dataset.sample_weights is not None else "positions"
    how = {"mean": f"mean: sum / {denominator}", "sum": "sum over samples", "none": "not reduced"}[options.reduction]
    accuracy = None if tally.n_correct is None or not tally.n_counted else tally.n_correct / tally.n_counted
    is_likelihood = LOSSES[options.loss].is_likelihood  # of which alone the exponential is a perplexity
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
            _standard_error(tally, options.reduction),
            "nats",
            f"of the {'sum' if options.reduction == 'sum' else 'mean'}",
        ),
        Metric(
            "perplexity",
            "perplexity",
            _exp(mean) if is_likelihood else None,
            note="exp of the mean",
            hidden=not is_likelihood,
        ),
        Metric("bits", "bits", mean / math.log(2), "bits", "the mean, base 2"),
        Metric("accuracy", "accuracy", accuracy, "share"),
        *_chance(settled, tally),
        Metric("n_samples", "samples", tally.n_samples),
        Metric("n_counted", "counted", tally.n_counted, hidden=tally.n_counted == tally.n_samples),
        Metric("n_ignored", "ignored", tally.n_samples - tally.n_counted, hidden=tally.n_counted == tally.n_samples),
        Metric("n_classes", "classes", n_classes),
    ]
    return tuple(metrics)


def _standard_error(tally: Tally, reduction: str) -> float | None:
    """That of the sum or of the mean; one sample has no spread to tell it from."""
    if tally.n_counted < 2:
        return None
    return tally.standard_error_of_sum() if reduction == "sum" else tally.standard_error()


def _chance(settled: Settled, tally: Tally) -> list[Metric]:
    """log C, and the loss of all classes alike where that is another number under these settings.

    Where it depends on the targets too, whose classes weigh differently, neither is shown.
    """
    options, n_classes = settled.options, settled.dataset.n_classes
    chance = math.log(n_classes)
    spread = settled.dataset.soft_targets is not None or options.label_smoothing > 0
    if "soft-targets-not-normalised" in tally.findings or (spread and options.class_weights is not None):
        return [Metric("chance_loss", "chance", chance, "nats", hidden=True)]
    uniform = uniform_loss(n_classes, loss=LOSSES[options.loss], clip=options.clip)
    if uniform == chance:
        return [Metric("chance_loss", "chance", chance, "nats", f"log {n_classes}: all classes alike")]
    return [
        Metric("chance_loss", "chance", chance, "nats", hidden=True),
        Metric("uniform_loss", "chance", uniform, "nats", "all classes alike"),
    ]


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


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
    worst = "share" if math.isfinite(total) and total else "mean_loss"
    return Table("per_class", "Per class", tuple(columns), rows, note, worst=worst)


def _sample_table(settled: Settled, samples: _Samples, names: tuple[str, ...]) -> Table:
    """Per sample: its place, target, probabilities (few classes) and loss."""
    probs, targets = samples.probs, samples.targets
    columns = [Column("sample", "sample", "count")]
    if targets is not None:
        columns.append(Column("target", "target", "text"))
    if probs is not None:
        columns += [Column(f"p_{name}", f"p({name})", "probability") for name in names]
    columns.append(Column("loss", "loss", "number", "nats"))
    rows: list[list[Value]] = []
    for i, loss in enumerate(samples.losses.tolist()):
        row: list[Value] = [i]
        if targets is not None:
            row.append(_target_name(int(targets[i]), names, settled.options.ignore_index))
        if probs is not None:
            row += probs[i].tolist()
        rows.append([*row, loss])
    note = "loss with weights" if settled.is_weighted else ""
    return Table("samples", "Per sample", tuple(columns), rows, note, worst="loss")


def _target_name(target: int, names: tuple[str, ...], ignore_index: int) -> str:
    return "ignored" if target == ignore_index else names[target]
