"""The result of nll compute as a report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nllcli.report import Column, Metric, Report, Table, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nllcli.commands.compute.result import LossResult, Samples


def report(result: LossResult) -> Report:
    """The number first, then what it means, the classes and the samples."""
    extra: dict[str, Any] = {}
    if result.per_class is None:
        extra["per_class"] = None  # soft targets, or too many classes to list unasked
    if result.n_counted < 2:
        extra["standard_error"] = math.nan  # a dash for people; JSON says in nonfinite why it is null
    if result.losses is not None:
        extra["losses"] = result.losses.tolist()
    quiet: Sequence[Value] = [result.loss]
    if result.reduction == "none" and result.losses is not None:
        quiet = result.losses.ravel().tolist()
    return Report(
        "compute",
        result.title,
        result.signature,
        tuple(_metrics(result)),
        tuple(_tables(result)),
        result.warnings,
        result.notes,
        quiet,
        extra=extra,
    )


def _metrics(result: LossResult) -> Iterator[Metric]:
    reduced = result.reduction != "none"
    how = {"mean": f"mean: sum / {result.denominator}", "sum": "sum over samples", "none": "not reduced"}
    of = "sum" if result.reduction == "sum" else "mean"
    yield Metric("loss_name", "loss", result.loss_name, hidden=True)
    yield Metric("reduction", "reduction", result.reduction, hidden=True)
    yield Metric("unit", "unit", "nats", hidden=True)
    loss = result.loss if reduced else None
    yield Metric("loss", "loss", loss, "nats", how[result.reduction], headline=reduced)
    yield Metric("loss_sum", "sum", result.loss_sum, "nats")
    yield Metric("weight_sum", "denominator", result.weight_sum, note=result.denominator, hidden=not result.is_weighted)
    if result.is_weighted:
        yield Metric("loss_unweighted", "unweighted", result.loss_unweighted, "nats", "mean, every sample alike")
    error = None if result.n_counted < 2 else result.standard_error  # one sample has no spread to tell it from
    yield Metric("standard_error", "standard error", error, "nats", f"of the {of}")
    perplexity = result.perplexity
    yield Metric("perplexity", "perplexity", perplexity, note="exp of the mean", hidden=perplexity is None)
    yield Metric("bits", "bits", result.bits, "bits", "the mean, base 2")
    yield Metric("accuracy", "accuracy", result.accuracy, "share")
    yield from _chance(result)
    every = not result.n_ignored
    yield Metric("n_samples", "samples", result.n_samples)
    yield Metric("n_counted", "counted", result.n_counted, hidden=every)
    yield Metric("n_ignored", "ignored", result.n_ignored, hidden=every)
    yield Metric("n_classes", "classes", result.n_classes)


def _chance(result: LossResult) -> Iterator[Metric]:
    """log C, and the loss of all classes alike where that is another number under these settings."""
    chance, uniform = result.chance_loss, result.uniform_loss
    plain = uniform == chance
    note = f"log {result.n_classes}: all classes alike" if plain else ""
    yield Metric("chance_loss", "chance", chance, "nats", note, hidden=not plain)
    if uniform is not None and not plain:
        yield Metric("uniform_loss", "chance", uniform, "nats", "all classes alike")


def _tables(result: LossResult) -> Iterator[Table]:
    if result.per_class is not None:
        yield _class_table(result)
    if result.samples is not None:
        yield _sample_table(result, result.samples)


def _class_table(result: LossResult) -> Table:
    """Per class: the count, the mean loss, accuracy and the share of the total that the reduction sees."""
    classes = result.per_class or ()
    weighted = any(one.weight is not None for one in classes)
    columns = (
        Column("class", "class", "text"),
        Column("count", "count", "count"),
        *([Column("weight", "weight")] if weighted else []),
        Column("accuracy", "accuracy", "share"),
        Column("mean_loss", "mean loss", "number", "nats"),
        Column("share", "share of loss", "share"),
    )
    rows: list[list[Value]] = [
        [one.name, one.count, *([one.weight] if weighted else []), one.accuracy, one.mean_loss, one.share]
        for one in classes
    ]
    note = "mean loss without weights; share of the weighted sum" if weighted else ""
    worst = "share" if math.isfinite(result.loss_sum) and result.loss_sum else "mean_loss"
    return Table("per_class", "Per class", columns, rows, note, worst=worst)


def _sample_table(result: LossResult, samples: Samples) -> Table:
    """Per sample: its place, target, probabilities (few classes) and loss."""
    probs, targets = samples.probs, samples.targets
    columns = [Column("sample", "sample", "count")]
    if targets is not None:
        columns.append(Column("target", "target", "text"))
    if probs is not None:
        columns += [Column(f"p_{name}", f"p({name})", "probability") for name in result.class_names]
    columns.append(Column("loss", "loss", "number", "nats"))
    rows: list[list[Value]] = []
    for i, loss in enumerate(samples.losses.tolist()):
        target = [] if targets is None else [targets[i]]
        rows.append([i, *target, *([] if probs is None else probs[i].tolist()), loss])
    note = "loss with weights" if result.is_weighted else ""
    return Table("samples", "Per sample", tuple(columns), rows, note, worst="loss")
