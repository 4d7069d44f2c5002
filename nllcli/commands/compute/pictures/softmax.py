"""What a model believes of a few samples, class by class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.report import Column, Columns, Fact, Picture, Strong, Table

if TYPE_CHECKING:
    from nllcli.commands.compute.result import LossResult
    from nllcli.report import Sentence

_MOST_SAMPLES = 6


def picture(result: LossResult) -> Picture | None:
    """The probabilities of every class as bars, of so few samples that each can be looked at."""
    found = result.samples
    if found is None or found.probs is None or found.targets is None or not 0 < len(found.losses) <= _MOST_SAMPLES:
        return None
    names, targets = result.class_names, found.targets[:]
    probs = list(zip(*(column[:] for column in found.probs), strict=True))
    tops = [row.index(max(row)) for row in probs]
    rows = [
        (f"row {i}", target, name, p, max(0.0, p), "is" if name == target else "taken for" if c == top else "")
        for i, (target, row, top) in enumerate(zip(targets, probs, tops, strict=True))
        for c, (name, p) in enumerate(zip(names, row, strict=True))
    ]
    counted = [(target, names[top]) for target, top in zip(targets, tops, strict=True) if target != "ignored"]
    n_wrong = sum(target != top for target, top in counted)
    cells = list(zip(*rows, strict=True))
    columns: Columns = [
        (Column("sample", "sample", "text"), cells[0]),
        (Column("target", "is", "text"), cells[1]),
        (Column("class", "class", "text"), cells[2]),
        (Column("p", "p", "probability"), cells[3]),
        (Column("bar", "", "bar", tone="samples"), cells[4]),
        (Column("part", "", "text"), cells[5]),
    ]
    return Picture(
        "softmax",
        "What does the model believe?",
        _answer(result, len(counted), n_wrong),
        Table.of("softmax", "", columns),
    )


def _answer(result: LossResult, n: int, n_wrong: int) -> Sentence:
    makes = "The softmax makes probabilities of the logits; those of a sample add up to 1. "
    makes = makes if result.tally.subject.source == "logits" else "The probabilities of a sample add up to 1. "
    if not n_wrong:
        return makes, "Every sample is taken for what it is." if n else "None of them counts."
    taken = Strong((Fact("n_wrong", n_wrong, "count"), " is" if n_wrong == 1 else " are"))
    return makes, f"Of {n} sample{'' if n == 1 else 's'}, ", taken, " taken for another class."
