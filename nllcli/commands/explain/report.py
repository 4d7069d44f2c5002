"""How explained samples are shown: a record of each for programs, a page for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.commands.explain.page import note, section
from nllcli.commands.explain.record import RECORD_COLUMNS, record
from nllcli.report import Column, Metric, Report, Section, Table, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nllcli.commands.explain.explain import Explained
    from nllcli.commands.explain.sample import Explanation


def report(explained: Explained) -> Report:
    """The explanations and the numbers of the whole input."""
    setting, explanations = explained.setting, explained.explanations
    metrics = {
        "loss_name": setting.options.loss,
        "reduction": setting.options.reduction,
        "unit": "nats",
        "loss": explained.loss,
        "loss_sum": setting.loss_sum,
        "denominator": setting.denominator,
        "n_samples": explained.n_samples,
        "n_classes": len(setting.names),
    }
    return Report(
        "explain",
        explained.title,
        explained.signature,
        tuple(Metric(key, key, value, hidden=True) for key, value in metrics.items()),
        (Table("explanations", "", RECORD_COLUMNS, list(map(record, explanations)), hidden=True),),
        explained.notices,
        explained.notes,
        quiet=[explanation.worked.weighted_loss for explanation in explanations],
        sections=tuple(_sections(explained)),
    )


def _sections(explained: Explained) -> Iterator[Section]:
    if len(explained.explanations) > 1:
        yield Section("", (_overview(explained),))
    yield from map(section, explained.explanations)
    if explained.explanations:
        yield Section("", (), note(explained.explanations))


def _overview(explained: Explained) -> Table:
    """The explained samples at a glance."""
    columns: tuple[Column, ...] = (
        Column("place", "row", "text"),
        Column("target", "target", "text"),
        Column("predicted", "predicted", "text"),
        Column("probability", "p(target)", "probability", optional=True),
        Column("loss", "loss", "number", "nats"),
        Column("margin", "margin", optional=True),
        Column("share", "share of loss", "share", optional=True),
    )
    rows = list(map(_glance, explained.explanations))
    if rows[0][-1] is None:
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return Table("overview", f"{len(rows):,} of {explained.n_samples:,} samples", columns, rows)


def _glance(explanation: Explanation) -> list[Value]:
    worked, target = explanation.worked, explanation.worked.target
    return [
        explanation.row,
        None if target is None else explanation.name(target),
        explanation.name(worked.top) if worked.usable else None,
        None if target is None else float(worked.probs[target]),
        worked.weighted_loss,
        explanation.margin,
        explanation.share_of_loss,
    ]
