"""How explained samples are shown: a record of each for programs, a page for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.commands.explain.page import note, section
from nllcli.commands.explain.record import GLANCE, RECORD
from nllcli.report import Metric, Report, Section, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nllcli.commands.explain.explain import Explained


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
    records = [[cell(explanation) for cell in RECORD.values()] for explanation in explanations]
    return Report(
        "explain",
        explained.title,
        explained.signature,
        tuple(Metric(key, key, value, hidden=True) for key, value in metrics.items()),
        (Table("explanations", "", tuple(RECORD), records, hidden=True),),
        explained.notices,
        explained.notes,
        quiet=[explanation.worked.weighted_loss for explanation in explanations],
        sections=tuple(_sections(explained)),
    )


def _sections(explained: Explained) -> Iterator[Section]:
    explanations = explained.explanations
    if len(explanations) > 1:
        shared = explanations[0].share_of_loss is not None
        cells = {column: cell for column, cell in GLANCE.items() if shared or column.key != "share"}
        rows = [[cell(explanation) for cell in cells.values()] for explanation in explanations]
        title = f"{len(rows):,} of {explained.n_samples:,} samples"
        yield Section("", (Table("overview", title, tuple(cells), rows),))
    yield from map(section, explanations)
    if explanations:
        yield Section("", (), note(explanations))
