"""Whether both models find the same samples hard: the loss under the one against that under the other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nllcli.commands.compare.pictured.loss_map import EDGES, INFINITE
from nllcli.commands.compare.pictures.wording import counted, noun_of, paired_of
from nllcli.drawing import Cell, Heat
from nllcli.outputs.numbers import edge_text
from nllcli.report import Column, Columns, Fact, Name, Picture, Strong, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nllcli.commands.compare.result import Comparison
    from nllcli.report import Sentence

_FEWEST = 10
_A_DECADE = 2  # bins
_MOST_ROWS = 10
# The losses from which on a sample may be called hard: the first that so many samples have under either model, those
# of infinite losses not among them.
_HARD = tuple(float(f"1e{decade}") for decade in range(4, -21, -1))
_FEWEST_HARD, _SHARE_OF_HARD = 5, 0.01


class _Span(NamedTuple):
    """The bins from ``start`` to before ``stop``, which are losses from ``low`` to below ``high``."""

    start: int
    stop: int
    low: float
    high: float

    @property
    def name(self) -> str:
        return "infinite" if math.isinf(self.low) else edge_text(self.low)

    @property
    def told(self) -> str:
        if math.isinf(self.low):
            return "infinitely many"
        rest = f"to {edge_text(self.high)}" if math.isfinite(self.high) else "and more"
        return f"{edge_text(self.low)} {rest}"


class _Hard(NamedTuple):
    """How many samples lose ``loss`` nats or more under both models, and under one alone."""

    loss: float
    both: int
    baseline: int
    model: int

    @property
    def either(self) -> int:
        return self.both + self.baseline + self.model


def picture(result: Comparison) -> Picture | None:
    """A map by decades of the loss."""
    paired = paired_of(result)
    counts = None if paired is None else paired.losses.counts
    if counts is None or counts.sum() < _FEWEST:
        return None
    hard = _hard(counts)
    if hard is None:
        return None
    spans = _spans(counts)
    cells = _united(counts, spans)
    pair = result.comparisons[0]
    names = tuple(span.name for span in spans)
    return Picture(
        "losses",
        f"Do they stumble over the same {noun_of(result)}?",
        _answer(result, hard, int(counts.sum())),
        _table(result, spans, cells),
        (
            Heat(
                f"{pair.baseline}, nats from",
                f"{pair.model}, nats from",
                names,
                names,
                _cells(result, spans, cells),
            ),
        ),
        reading=f"Above the diagonal {pair.baseline} loses less, below it {pair.model}.",
    )


def _hard(counts: NDArray[np.int64]) -> _Hard | None:
    n, n_infinite = int(counts.sum()), int(counts.sum() - counts[:INFINITE, :INFINITE].sum())
    for loss in _HARD:
        first = EDGES.tolist().index(loss) + 1
        both = int(counts[first:, first:].sum())
        found = _Hard(loss, both, int(counts[first:].sum()) - both, int(counts[:, first:].sum()) - both)
        if found.either - n_infinite >= max(_FEWEST_HARD, _SHARE_OF_HARD * n):
            return found
    return None


def _answer(result: Comparison, hard: _Hard, n: int) -> Sentence:
    pair = result.comparisons[0]
    chance = (hard.both + hard.baseline) * (hard.both + hard.model) / n
    return (
        "Of ",
        *counted(result, "n_hard", hard.either),
        f" that {'loses' if hard.either == 1 else 'lose'} ",
        Fact("hard_from", hard.loss, "round", "nats"),
        " or more under either, ",
        Strong((Fact("n_both", hard.both, "count"), f" {'does' if hard.both == 1 else 'do'} so under both")),
        "; ",
        Fact("n_baseline_alone", hard.baseline, "count"),
        " under ",
        Name(pair.baseline),
        " alone, ",
        Fact("n_model_alone", hard.model, "count"),
        " under ",
        Name(pair.model),
        " alone. Were the two unrelated, it would be ",
        Fact("n_by_chance", chance, "round"),
        " under both by chance.",
    )


def _spans(counts: NDArray[np.int64]) -> list[_Span]:
    """The bins as rows: decades, or halves of them where these are few, and all that is lower as one."""
    present = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1)).tolist()
    finite = [place for place in present if place < INFINITE] or [0]
    step = 1 if finite[-1] - finite[0] < _MOST_ROWS else _A_DECADE
    last = min(-(-finite[-1] // step) * step, len(EDGES) - 1)
    first = max((finite[0] - 1) // step * step, last - (_MOST_ROWS - 1) * step, 0)
    spans = [_span(start + 1, start + 1 + step) for start in range(first, last, step)]
    if finite[0] <= first:
        spans.insert(0, _span(0, first + 1))
    if finite[-1] > last:
        spans.append(_span(last + 1, INFINITE))
    if present[-1] == INFINITE:
        spans.append(_Span(INFINITE, INFINITE + 1, math.inf, math.inf))
    return spans


def _span(start: int, stop: int) -> _Span:
    low = float(EDGES[start - 1]) if start else 0.0
    return _Span(start, stop, low, float(EDGES[stop - 1]) if stop <= len(EDGES) else math.inf)


def _united(counts: NDArray[np.int64], spans: Sequence[_Span]) -> NDArray[np.int64]:
    """The samples of each row and column."""
    found = np.array([[counts[a.start : a.stop, b.start : b.stop].sum() for b in spans] for a in spans], np.int64)
    return found.reshape(len(spans), len(spans))


def _cells(result: Comparison, spans: Sequence[_Span], cells: NDArray[np.int64]) -> tuple[Cell, ...]:
    """As strong as the logarithm of what they count: the hard samples are few."""
    pair, noun, most = result.comparisons[0], noun_of(result), math.log1p(int(cells.max()))
    return tuple(
        Cell(
            i,
            j,
            math.log1p(n) / most,
            f"{n:,}",
            f"{pair.baseline} {spans[i].told}, {pair.model} {spans[j].told} nats: {n:,} {noun}",
        )
        for (i, j), n in zip(np.argwhere(cells).tolist(), cells[cells > 0].tolist(), strict=True)
    )


def _table(result: Comparison, spans: Sequence[_Span], cells: NDArray[np.int64]) -> Table:
    pair, places = result.comparisons[0], np.argwhere(cells).tolist()
    rows, columns = [spans[i] for i, _ in places], [spans[j] for _, j in places]
    found: Columns = [
        (Column("baseline_low", f"{pair.baseline} from", "number", "nats"), [span.low for span in rows]),
        (Column("baseline_high", "to below", "number", "nats"), [span.high for span in rows]),
        (Column("model_low", f"{pair.model} from", "number", "nats"), [span.low for span in columns]),
        (Column("model_high", "to below", "number", "nats"), [span.high for span in columns]),
        (Column("count", noun_of(result), "count"), cells[cells > 0].tolist()),
    ]
    return Table.of("losses", "", found)
