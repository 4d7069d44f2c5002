"""The result of nll compare -> its report."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nllcli.commands.compare.result import LargeDifference, values_of
from nllcli.data.settings import VERDICT_WORDS
from nllcli.numerics.kernels.chosen import kernel_name
from nllcli.report import Column, Metric, Report, Section, Table, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nllcli.commands.compare.result import Comparison, Divergence, PairResult

_DIVERGENCE_KEYS = (
    *("same_top", "kl_divergence", "kl_standard_error", "kl_p50", "kl_p90", "kl_p95", "kl_p99", "kl_p99_9", "kl_max"),
    *("target_p_difference_mean", "target_p_difference_rms"),
)
# Of a pair, what only the page and the warnings need.
_NOT_WRITTEN = frozenset(("shares_of_squares", "farthest", "has_spread", "is_rounding", "divergence"))


def report(result: Comparison, *, pictured: bool = False) -> Report:
    """Two models on a page of their own; of more a row each; everything for programs.

    With pictures, these say what is worth saying of classes and samples.
    """
    pairs = result.comparisons
    two = len(pairs) == 1
    found = Report(
        "compare",
        result.title,
        result.signature,
        (*_hidden(result), *(_metrics(result, pairs[0]) if two else _units(result))),
        (_comparisons(pairs),),
        result.warnings,
        result.notes,
        [pair.loss_difference for pair in pairs],
        extra={
            "models": [values_of(model) for model in result.models],
            "notes": [{"code": notice.code, "message": notice.message} for notice in result.notes],
        },
        sections=tuple(_of_two(result, pairs[0]) if two else _of_many(result)),
        kernel=kernel_name(),
        words={word: _failing(word, result) for word in VERDICT_WORDS},
    )
    return _with_pictures(found, result) if pictured else found


def _with_pictures(found: Report, result: Comparison) -> Report:
    """The same with pictures, in place of tables of the same numbers."""
    from nllcli.commands.compare.pictures import pictures_of
    from nllcli.commands.compare.pictures.strip import strip_of

    pictures = pictures_of(result)
    shown = {{"classes": "per_class", "widest": "largest"}.get(picture.key) for picture in pictures}
    sections = (each for each in found.sections if not any(part.key in shown for part in _tables(each)))
    return replace(found, pictures=pictures, strip=strip_of(result), sections=tuple(sections))


def _tables(section: Section) -> Iterator[Table]:
    return (part for part in section.parts if isinstance(part, Table))


def _failing(word: str, result: Comparison) -> str | None:
    """Why what a word asks for does not hold; None where it does."""
    for pair in result.comparisons:
        reason = _reason(word, pair)
        if reason is not None:
            return reason
    return None


def _reason(word: str, pair: PairResult) -> str | None:
    if word == "better":
        return None if pair.verdict == "lower" else f"{pair.model} minus {pair.baseline} is {pair.verdict}, not lower"
    if word == "equivalent":
        if pair.margin is None:
            return "nothing is equivalent without a margin"
        if pair.verdict in ("within-margin", "same"):
            return None
        return f"{pair.model} minus {pair.baseline} is {pair.verdict}, not within the margin of {pair.margin:g} nats"
    bound = pair.margin or 0.0
    if pair.verdict == "same" or (pair.ci_high is not None and pair.ci_high <= bound):
        return None
    if pair.ci_high is None:
        return f"{pair.model} minus {pair.baseline} has no interval"
    return f"{pair.model} may be worse than {pair.baseline} by {pair.ci_high:.4g} nats, which is above {bound:g}"


def _hidden(result: Comparison) -> Iterator[Metric]:
    """What only programs are told of all pairs."""
    for key, value in (
        ("baseline", result.baseline),
        ("reduction", result.reduction),
        ("unit", "nats"),
        ("confidence", result.confidence),
        ("seed", result.seed),
        ("n_samples", result.n_samples),
        ("n_counted", result.n_counted),
        ("n_ignored", result.n_ignored),
        ("n_clusters", result.n_clusters),
    ):
        yield Metric(key, key, value, hidden=True)


def _comparisons(pairs: Sequence[PairResult]) -> Table:
    """Every number of every pair, for programs."""
    rows = [_values(pair) for pair in pairs]
    kinds = {"largest": "objects", "per_class": "objects"}
    columns = tuple(Column(key, key, kinds.get(key, "number")) for key in rows[0])
    return Table("comparisons", "Comparisons", columns, [tuple(row.values()) for row in rows], hidden=True)


def _values(pair: PairResult) -> dict[str, Any]:
    """The values of a pair in the order of the JSON, the divergence in its place."""
    found: dict[str, Any] = {}
    for key, value in values_of(pair).items():
        if key == "divergence":
            found |= dict.fromkeys(_DIVERGENCE_KEYS) if value is None else values_of(value)
        elif key == "largest":
            found[key] = [values_of(each) for each in value]
        elif key == "per_class":
            found[key] = None if value is None else [_class_row(each) for each in value]
        elif key not in _NOT_WRITTEN:
            found[key] = value
    return found


def _class_row(each: Any) -> dict[str, Any]:
    values = values_of(each)
    return {"class": values.pop("name"), **values}


def _shown(label: str, value: Value, unit: str = "", note: str = "", *, headline: bool = False) -> Metric:
    """A number for people, which programs find under ``comparisons``."""
    return Metric(label, label, value, unit, note, headline=headline, page_only=True)


def _units(result: Comparison) -> Iterator[Metric]:
    counted = f"{result.n_counted:,} samples"
    if result.n_clusters is not None:
        yield _shown("units", result.n_clusters, note=f"clusters ({result.clusters}) of {counted}")
    else:
        yield _shown("samples", result.n_counted)


def _metrics(result: Comparison, pair: PairResult) -> Iterator[Metric]:
    """The difference, its error, and what chance would do."""
    both = f"{pair.model} minus {pair.baseline}: {pair.verdict}"
    level = f"{100 * result.confidence:g} %"
    yield _shown("difference", pair.loss_difference, "nats", both, headline=True)
    units = "samples" if result.n_clusters is None else f"{result.n_clusters:,} clusters"
    test = "paired t" if result.n_clusters is None else f"paired t of {units}"
    degrees = "" if pair.df is None else f"{test}, {pair.df:,} degree{'s' if pair.df != 1 else ''} of freedom"
    yield _shown(f"{level} from", pair.ci_low, "nats", degrees)
    yield _shown(f"{level} to", pair.ci_high, "nats")
    if pair.bootstrap_low is not None:
        drawn = f"percentiles of {pair.n_bootstrap:,} draws of {_resampled(result, pair)}, seed {result.seed}"
        yield _shown("bootstrap from", pair.bootstrap_low, "nats", drawn)
        yield _shown("bootstrap to", pair.bootstrap_high, "nats")
    yield _shown("p", pair.p_value, note="how often chance alone makes a difference this large")
    if pair.p_value_permutation is not None:
        yield _shown("p, permutation", pair.p_value_permutation, note=_flips(result, pair))
    yield _shown("standard error", pair.standard_error, "nats", _errors(result, pair))
    if pair.design_effect is not None:
        yield _shown("design effect", pair.design_effect, note="of the clusters: their variance over that of samples")
    if pair.perplexity_ratio is not None:
        yield _shown("perplexity ratio", pair.perplexity_ratio, note=_between(pair))
    if pair.verdict == "undecided" and (pair.units_needed or 0) > pair.n_units:
        needed = f"{'samples' if result.n_clusters is None else 'clusters'} like these show it in 8 of 10 comparisons"
        yield _shown("to decide", pair.units_needed, note=needed)
    if pair.p_better is not None:
        margin = f"{pair.margin:g} nats"
        yield _shown("better", pair.p_better, "share", f"how likely by more than {margin}")
        yield _shown("equivalent", pair.p_equivalent, "share", f"how likely within {margin}")
        yield _shown("worse", pair.p_worse, "share", f"how likely by more than {margin}")
    if result.n_clusters is not None or result.n_ignored:
        ignored = f"{result.n_ignored:,} ignored" if result.n_ignored else ""
        yield _shown("samples", result.n_counted, note=ignored)


def _flips(result: Comparison, pair: PairResult) -> str:
    if pair.permutation == "all":
        return f"all {pair.n_permutations:,} sign flips"
    return f"{pair.n_permutations:,} sign flips of {_resampled(result, pair)}, seed {result.seed}"


def _resampled(result: Comparison, pair: PairResult) -> str:
    """What is flipped or drawn."""
    units = "samples" if result.n_clusters is None else "clusters"
    return units if pair.unit_size == 1 else f"runs of {pair.unit_size:,} {units}"


def _errors(result: Comparison, pair: PairResult) -> str:
    if result.n_clusters is not None:
        own = pair.standard_error_independent
        return "of clusters" + ("" if own is None else f"; {own:.4f} as if samples were independent")
    own = pair.standard_error_unpaired
    return "paired" + ("" if own is None else f"; {own:.4f} if each model had its own samples")


def _between(pair: PairResult) -> str:
    low, high = pair.perplexity_ratio_low, pair.perplexity_ratio_high
    return "" if low is None or high is None else f"{low:.4f} to {high:.4f}"


def _of_two(result: Comparison, pair: PairResult) -> Iterator[Section]:
    yield Section("", (_models(result),))
    yield Section("", (_samples(result, pair),))
    if pair.divergence is not None:
        yield Section("", (_divergence(pair, pair.divergence, result),))
    if pair.per_class is not None:
        yield Section("", (_classes(pair, result),))
    if pair.largest:
        yield Section("", (_largest(pair),))


def _models(result: Comparison) -> Table:
    accuracy = any(model.accuracy is not None for model in result.models)
    perplexity = any(model.perplexity is not None for model in result.models)
    columns = [
        Column("model", "model", "text"),
        Column("loss", "loss", unit="nats"),
        Column("standard_error", "standard error", unit="nats"),
        *([Column("perplexity", "perplexity", optional=True)] if perplexity else []),
        *([Column("accuracy", "accuracy", "share")] if accuracy else []),
    ]
    rows = [
        (
            model.name,
            model.loss,
            model.standard_error,
            *([model.perplexity] if perplexity else []),
            *([model.accuracy] if accuracy else []),
        )
        for model in result.models
    ]
    note = _as_if_independent(result, "standard errors")
    return Table("models", "Models", tuple(columns), rows, note)


def _samples(result: Comparison, pair: PairResult) -> Table:
    """On how many samples either is better, or right, with the p of as uneven a split."""
    model, baseline, better = pair.model, pair.baseline, pair.n_better >= pair.n_worse
    sign = (pair.p_value_sign, "sign test")

    def share(count: int) -> float | None:
        return count / result.n_counted if result.n_counted else None

    rows: list[tuple[Value, ...]] = [
        (f"{model} is better", pair.n_better, share(pair.n_better), *(sign if better else (None, ""))),
        (f"{model} is worse", pair.n_worse, share(pair.n_worse), *((None, "") if better else sign)),
    ]
    if pair.n_equal:
        rows.append(("both are the same", pair.n_equal, share(pair.n_equal), None, ""))
    old, new = pair.n_only_baseline_correct, pair.n_only_model_correct
    if old is not None and new is not None:
        rows.append((f"only {baseline} is right", old, share(old), None, ""))
        rows.append((f"only {model} is right", new, share(new), pair.p_value_mcnemar, "McNemar, exact"))
    if pair.divergence is not None:
        same = pair.divergence.same_top
        rows.append(("the answers are the same", round(same * result.n_counted), same, None, ""))
    columns = (
        Column("what", "samples on which", "text"),
        Column("count", "count", "count"),
        Column("share", "share", "share"),
        Column("p", "p", optional=True),
        Column("test", "test", "text", optional=True),
    )
    return Table("samples", "Samples", columns, rows, _as_if_independent(result, "p"))


def _as_if_independent(result: Comparison, what: str) -> str:
    """The note under numbers that do not know of clusters."""
    return "" if result.n_clusters is None else f"{what} as if samples were independent"


def _divergence(pair: PairResult, found: Divergence, result: Comparison) -> Table:
    columns = (
        Column("kl_divergence", "mean", unit="nats"),
        Column("kl_standard_error", "standard error", unit="nats", optional=True),
        Column("kl_p50", "median", unit="nats"),
        Column("kl_p90", "90 %", unit="nats"),
        Column("kl_p99", "99 %", unit="nats"),
        Column("kl_max", "max", unit="nats"),
    )
    row = tuple(getattr(found, column.key) for column in columns)
    notes = [_as_if_independent(result, "standard error")]
    if found.target_p_difference_mean is not None:
        notes.insert(0, f"the probability of the target changes by {found.target_p_difference_mean:+.4f} on average")
    note = "; ".join(filter(None, notes))
    return Table("divergence", f"Divergence of {pair.model} from {pair.baseline}", columns, [row], note)


def _classes(pair: PairResult, result: Comparison) -> Table:
    columns = (
        Column("class", "class", "text"),
        Column("count", "count", "count", optional=True),
        Column("baseline_loss", pair.baseline, unit="nats"),
        Column("model_loss", pair.model, unit="nats"),
        Column("loss_difference", "difference", unit="nats"),
        Column("standard_error", "standard error", unit="nats", optional=True),
        Column("p_value_adjusted", "p, Holm" if pair.adjustment == "holm" else "p"),
    )
    rows = [
        (
            *(each.name, each.count, each.baseline_loss, each.model_loss, each.loss_difference),
            *(each.standard_error, each.p_value_adjusted),
        )
        for each in pair.per_class or ()
    ]
    notes = [
        "mean losses without weights" if result.is_weighted else "",
        _as_if_independent(result, "standard errors and p"),
    ]
    return Table("per_class", "Per class", columns, rows, "; ".join(filter(None, notes)))


def _largest(pair: PairResult) -> Table:
    targets = any(each.target is not None for each in pair.largest)
    columns = (
        Column("sample", "sample", "text"),
        *([Column("target", "target", "text")] if targets else []),
        Column("baseline_loss", pair.baseline, unit="nats"),
        Column("model_loss", pair.model, unit="nats"),
        Column("difference", "difference", unit="nats"),
    )
    rows = [_large_row(each, targets=targets) for each in pair.largest]
    return Table("largest", "Largest differences", columns, rows)


def _large_row(each: LargeDifference, *, targets: bool) -> tuple[Value, ...]:
    named = [each.target] if targets else []
    difference = each.model_loss - each.baseline_loss
    return (str(each.sample), *named, each.baseline_loss, each.model_loss, difference)


def _of_many(result: Comparison) -> Iterator[Section]:
    by_model = {pair.model: pair for pair in result.comparisons}
    note = f"{100 * result.confidence:g} % intervals, each by itself; the difference is the model minus "
    if len(result.comparisons) == len(result.models) - 1:
        rows = [
            _row(model.name, model.loss, by_model.get(model.name), accuracy=model.accuracy) for model in result.models
        ]
        table = Table("models", "Models", _columns(result, "model"), rows, f"{note}{result.baseline}")
        yield Section("", (_without_empty(table),))
        return
    yield Section("", (_models(result),))
    rows = [_row(f"{pair.model} minus {pair.baseline}", None, pair) for pair in result.comparisons]
    table = Table("pairs", "Pairs", _columns(result, "pair"), rows, f"{note}the other")
    yield Section("", (_without_empty(table),))


def _columns(result: Comparison, first: str) -> tuple[Column, ...]:
    adjusted = any(pair.adjustment == "holm" for pair in result.comparisons)
    return (
        Column("name", first, "text"),
        Column("loss", "loss", unit="nats", optional=True),
        Column("difference", "difference", unit="nats"),
        Column("ci_low", "from", unit="nats"),
        Column("ci_high", "to", unit="nats"),
        Column("p", "p, Holm" if adjusted else "p"),
        Column("verdict", "verdict", "text"),
        Column("accuracy", "accuracy", "share", optional=True),
        Column("same_top", "same answer", "share", optional=True),
        Column("divergence", "divergence", unit="nats", optional=True),
    )


def _row(name: str, loss: float | None, pair: PairResult | None, *, accuracy: float | None = None) -> tuple[Value, ...]:
    if pair is None:
        return (name, loss, None, None, None, None, "baseline", accuracy, None, None)
    found = pair.divergence
    return (
        *(name, loss, pair.loss_difference, pair.ci_low, pair.ci_high, pair.p_value_adjusted, pair.verdict, accuracy),
        *((None, None) if found is None else (found.same_top, found.kl_divergence)),
    )


def _without_empty(table: Table) -> Table:
    """The table without columns in which nothing stands."""
    kept = [i for i in range(len(table.columns)) if any(row[i] is not None for row in table.rows)]
    columns = tuple(table.columns[i] for i in kept)
    return Table(table.key, table.title, columns, [tuple(row[i] for i in kept) for row in table.rows], table.note)
