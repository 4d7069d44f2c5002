"""What nll compute finds: the loss, and everything that is said of it; and how that is shown."""

from __future__ import annotations

import math
from dataclasses import field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nllcli.commands.compute.classes import ClassLosses, class_losses
from nllcli.numerics.kernels.chosen import kernel_name
from nllcli.numerics.losses import LOSSES, uniform_loss
from nllcli.records import dataclass
from nllcli.report import Column, Columns, Metric, Report, Table, Value
from nllcli.scoring.notices import clipped, notes_of, warnings_of, why_empty
from nllcli.scoring.settled import left_out, signature_of
from nllcli.scoring.tally_data import machines_differ

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from nllcli.commands.compute.samples import Losses, Samples
    from nllcli.commands.compute.subject import LossTally
    from nllcli.errors import Notice


@dataclass(frozen=True, eq=False)  # arrays are neither equal nor hashable as a whole
class LossResult:
    """The loss of a set of samples; ``float(result)`` is ``loss``.

    ``loss`` is the reduced number in nats (NaN under "none"), ``losses`` the samples' own, in the shape of the targets
    (under "none", or where asked for). ``weight_sum`` is what the mean divides by, the ``denominator`` in words.
    ``standard_error`` is NaN for fewer than two counted samples, and where it was left out.
    ``accuracy`` is None for soft targets, ``perplexity`` the exponential of the mean (None where the loss is not a
    likelihood), ``bits`` the mean to base 2. ``chance_loss`` is log C (None, like ``n_classes``,
    where there is one number a token), ``uniform_loss`` the loss of all classes alike
    under these settings (None where it depends on the targets). ``per_class`` and ``samples`` are None where they were
    not asked for. ``warnings`` and ``notes`` are what the command line prints, ``signature`` names every setting.
    ``tally`` has the sums that all of this follows from, and the files they are of.
    """

    title: str
    loss_name: str
    reduction: str
    loss: float
    loss_sum: float
    weight_sum: float
    denominator: str
    is_weighted: bool
    loss_unweighted: float
    standard_error: float
    perplexity: float | None
    bits: float
    accuracy: float | None
    chance_loss: float | None
    uniform_loss: float | None
    n_samples: int
    n_counted: int
    n_classes: int | None
    per_class: ClassLosses | None
    samples: Samples | None
    warnings: tuple[Notice, ...]
    notes: tuple[Notice, ...]
    signature: str
    tally: LossTally = field(repr=False)
    kept_losses: Losses | None = field(default=None, repr=False)

    def __float__(self) -> float:
        return self.loss

    def _repr_html_(self) -> str:
        """What a notebook shows: the loss on its line, the other numbers, and the first picture if there is one."""
        from nllcli.outputs.page.fragment import fragment

        return fragment(report(self, only=()))

    @cached_property
    def losses(self) -> NDArray[np.float64] | None:
        """The losses of all samples in memory."""
        return None if self.kept_losses is None else self.kept_losses.array()

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, or their numbers; none where there is one number a token."""
        return () if self.n_classes is None else tuple(self.tally.subject.named_classes)

    @property
    def n_ignored(self) -> int:
        return self.n_samples - self.n_counted


def result_of(
    tally: LossTally,
    losses: Losses | None = None,
    samples: Samples | None = None,
    *,
    notes: tuple[Notice, ...] = (),
) -> LossResult:
    """The result that a ``tally`` of samples gives; ``notes`` are of other things than the samples."""
    subject, sums, loss = tally.subject, tally.sums, tally.sums.loss(tally.subject.reduction)
    several, precision = len(tally.inputs) > 1, subject.settings["precision"]
    machines = machines_differ(tally.computed_with, precision)
    if precision == "exact":
        notes, machines = (*notes, *machines), ()
    return LossResult(
        title=f"{LOSSES[subject.loss].title} of {subject.name}",
        loss_name=subject.loss,
        reduction=subject.reduction,
        loss=math.nan if loss is None else loss,
        loss_sum=float(sums.loss_sum),
        weight_sum=float(sums.weight_sum),
        denominator=subject.denominator,
        is_weighted=subject.is_weighted,
        loss_unweighted=sums.unweighted_mean(),
        standard_error=sums.standard_error_of_sum() if subject.reduction == "sum" else sums.standard_error(),
        perplexity=sums.perplexity() if LOSSES[subject.loss].is_likelihood else None,
        bits=sums.bits(),
        accuracy=sums.accuracy(),
        chance_loss=math.log(subject.n_classes) if subject.has_classes else None,
        uniform_loss=_uniform_loss(tally) if subject.has_classes else None,
        n_samples=sums.n_samples,
        n_counted=sums.n_counted,
        n_classes=subject.n_classes if subject.has_classes else None,
        per_class=None if sums.classes is None else class_losses(subject, sums, sums.classes),
        samples=samples,
        warnings=(*_warnings(tally, several=several), *machines),
        notes=(*notes, *notes_of(tally.findings, sums.n_samples, several=several)),
        signature=signature_of(subject.settings, tally.left_out),
        tally=tally,
        kept_losses=losses,
    )


def _warnings(tally: LossTally, *, several: bool) -> tuple[Notice, ...]:
    """What the settings make worth saying, and what the samples themselves made suspicious."""
    subject, sums = tally.subject, tally.sums
    empty = why_empty(sums, source=subject.source, ignore_index=subject.ignore_index, shift=subject.shift)
    tempered = subject.settings["temperature"] != "1"
    found = warnings_of(tally.findings, sums.n_samples, several=several, tempered=tempered)
    return (*subject.notices, *left_out(tally.left_out), *empty, *found, *clipped(subject.clip))


def _uniform_loss(tally: LossTally) -> float | None:
    """The loss of all classes alike; None where it depends on the targets too, whose classes weigh differently."""
    subject = tally.subject
    spread = subject.soft or subject.label_smoothing > 0
    if "soft-targets-not-normalised" in tally.findings or (spread and subject.class_weights is not None):
        return None
    return uniform_loss(subject.n_classes, loss=LOSSES[subject.loss], clip=subject.clip)


def report(result: LossResult, *, command: str = "compute", only: Collection[str] | None = None) -> Report:
    """The number first, then what it means, the classes and the samples.

    With pictures, all of them or ``only`` some, these say what is worth saying of classes and samples.
    """
    extra: dict[str, Any] = {}
    if result.per_class is None and result.n_classes is not None:
        extra["per_class"] = None  # soft targets, or too many classes to list unasked
    if result.n_counted < 2:
        extra["standard_error"] = math.nan  # a dash for people; JSON says in nonfinite why it is null
    quiet: Sequence[Value] = [result.loss]
    if result.kept_losses is not None:
        extra["losses"] = result.kept_losses.listed()
        if result.reduction == "none":
            quiet = result.kept_losses.numbers.cells()
    found = Report(
        command,
        result.title,
        result.signature,
        tuple(_metrics(result)),
        tuple(_tables(result)),
        result.warnings,
        result.notes,
        quiet,
        extra=extra,
        inputs=[each.named for each in result.tally.inputs],
        kernel=kernel_name(),
    )
    return found if only is None else _with_pictures(found, result, only)


def _with_pictures(found: Report, result: LossResult, only: Collection[str]) -> Report:
    """The same with pictures, in place of the table of classes and of the samples of which nobody asked."""
    from nllcli.commands.compute.pictures import pictures_of, strip_of

    pictures, asked = pictures_of(result, only), result.kept_losses is not None
    tables = [replace(table, hidden=True) if table.key == "per_class" else table for table in found.tables]
    return replace(
        found,
        tables=tuple(table for table in tables if asked or table.key != "samples"),
        listing=pictures[0].table.of_numbers if len(pictures) == 1 else None,
        pictures=pictures,
        strip=strip_of(result),
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
    if result.n_classes is not None:
        yield Metric("accuracy", "accuracy", result.accuracy, "share")
    if result.chance_loss is not None:
        yield from _chance(result, result.chance_loss)
    every = not result.n_ignored
    yield Metric("n_samples", "samples" if result.n_classes is not None else "tokens", result.n_samples)
    yield Metric("n_counted", "counted", result.n_counted, hidden=every)
    yield Metric("n_ignored", "ignored", result.n_ignored, hidden=every)
    if result.n_classes is not None:
        yield Metric("n_classes", "classes", result.n_classes)


def _chance(result: LossResult, chance: float) -> Iterator[Metric]:
    """log C, and the loss of all classes alike where that is another number under these settings."""
    uniform = result.uniform_loss
    plain = uniform == chance
    note = f"log {result.n_classes}: all classes alike" if plain else ""
    yield Metric("chance_loss", "chance", chance, "nats", note, hidden=not plain)
    if uniform is not None and not plain:
        yield Metric("uniform_loss", "chance", uniform, "nats", "all classes alike")


def _tables(result: LossResult) -> Iterator[Table]:
    if result.per_class is not None:
        yield _class_table(result, result.per_class)
    if result.samples is not None:
        yield _sample_table(result, result.samples)


def _class_table(result: LossResult, classes: ClassLosses) -> Table:
    """Per class: the count, the mean loss, accuracy and the share of the total that the reduction sees."""
    columns: Columns = [
        (Column("class", "class", "text"), classes.names),
        (Column("count", "count", "count"), classes.counts),
        *([] if classes.weights is None else [(Column("weight", "weight"), classes.weights)]),
        (Column("accuracy", "accuracy", "share"), classes.accuracies),
        (Column("mean_loss", "mean loss", "number", "nats"), classes.mean_losses),
        (Column("share", "share of loss", "share"), classes.shares),
    ]
    note = "" if classes.weights is None else "mean loss without weights; share of the weighted sum"
    worst = "share" if math.isfinite(result.loss_sum) and result.loss_sum else "mean_loss"
    return Table.of("per_class", "Per class", columns, note, worst=worst)


def _sample_table(result: LossResult, samples: Samples) -> Table:
    """Per sample: its place, target, probabilities (few classes) and loss."""
    columns: Columns = [(Column("sample", "sample", "count"), range(len(samples.losses)))]
    if samples.keys is not None:
        columns = [(Column("sample", "sample", "text"), samples.keys)]
    if samples.targets is not None:
        columns.append((Column("target", "target", "text"), samples.targets))
    if samples.probs is not None:
        for name, probs in zip(result.class_names, samples.probs, strict=True):
            columns.append((Column(f"p_{name}", f"p({name})", "probability"), probs))
    columns.append((Column("loss", "loss", "number", "nats"), samples.losses))
    note = "loss with weights" if result.is_weighted else ""
    return Table.of("samples", "Per sample", columns, note, worst="loss")
