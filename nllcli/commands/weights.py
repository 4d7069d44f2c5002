"""Class weights from class counts, under one scheme or all of them side by side."""

from collections.abc import Sequence
from dataclasses import replace

from nllcli.data.settings import DEFAULT_BETA, DEFAULT_SCHEME
from nllcli.errors import Notice, UsageError
from nllcli.numerics.schemes import ABOUT, SCHEMES
from nllcli.numerics.weightings import class_weights
from nllcli.report import Column, Metric, Report, Table
from nllcli.version import __version__

_CLASS_COLUMNS = (
    Column("class", "class", "text"),
    Column("count", "count", "count"),
    Column("share", "share", "share"),
)

_ALPHABETICAL = Notice(
    "alphabetical-order",
    "the classes are in alphabetical order, which need not be that of the logits' columns; --classes gives the order",
)


def weights(
    counts: Sequence[int],
    *,
    class_names: Sequence[str] | None = None,
    scheme: str = DEFAULT_SCHEME,
    normalize: str | None = None,
    beta: float | None = None,
    zero_count: str = "error",
    all_schemes: bool = False,
    alphabetical: bool = False,
) -> Report:
    """Weigh the classes; ``all_schemes`` gives one column a scheme, each in its own normalisation unless one is set,
    and ``beta`` to those that have one.

    ``alphabetical`` says that nobody gave the order of the classes, which a list of weights rests on.
    """
    if class_names is not None and len(class_names) != len(counts):
        raise UsageError(f"{len(class_names)} class names for {len(counts)} counts")
    names = tuple(SCHEMES) if all_schemes else (scheme,)
    columns = [
        class_weights(
            counts,
            scheme=name,
            normalize=normalize,
            beta=None if all_schemes and not _has_beta(name) else beta,
            zero_count=zero_count,
            class_names=class_names,
        ).tolist()
        for name in names
    ]
    whole = [int(count) for count in counts]
    settings = _settings("all" if all_schemes else scheme, normalize, beta)
    return Report(
        command="weights",
        title="Class weights",
        signature=_signature(settings, zero_count),
        metrics=(*settings, *_sizes(whole)),
        tables=(_table(whole, class_names, names, columns),),
        warnings=(_ALPHABETICAL,) if alphabetical else (),
        notes=_zero_notes(whole, class_names),
        quiet=() if all_schemes else columns[0],
        quiet_separator=",",
    )


def _has_beta(scheme: str) -> bool:
    return "beta" in ABOUT[scheme].parameters


def _settings(scheme: str, normalize: str | None, beta: float | None) -> tuple[Metric, ...]:
    about = ABOUT.get(scheme)
    formula = about.formula if about else "one column a scheme"
    normalize = normalize or (about.normalize if about else "default")
    settings = [Metric("scheme", "scheme", scheme, note=formula), Metric("normalize", "normalize", normalize)]
    if about is None or _has_beta(scheme):
        settings.append(Metric("beta", "beta", DEFAULT_BETA if beta is None else beta))
    return tuple(settings)


def _signature(settings: Sequence[Metric], zero_count: str) -> str:
    parts = [f"{metric.key}:{metric.value}" for metric in settings]
    if zero_count != "error":
        parts.append(f"zero-count:{zero_count}")
    return "|".join([*parts, f"version:{__version__}"])


def _sizes(counts: Sequence[int]) -> tuple[Metric, ...]:
    return Metric("n_classes", "classes", len(counts)), Metric("n_samples", "samples", sum(counts))


def _table(
    counts: Sequence[int],
    class_names: Sequence[str] | None,
    schemes: Sequence[str],
    weight_columns: Sequence[Sequence[float]],
) -> Table:
    if len(schemes) == 1:
        headings = [Column("weight", "weight")]
    else:
        headings = [Column(name.replace("-", "_"), name) for name in schemes]
    n_samples = sum(counts)
    about = _CLASS_COLUMNS if len(schemes) == 1 else (*_CLASS_COLUMNS[:-1], replace(_CLASS_COLUMNS[-1], optional=True))
    return Table(
        key="classes",
        title="Classes",
        columns=(*about, *headings),
        rows=[
            (class_names[i] if class_names else i, count, count / n_samples, *row)
            for i, (count, row) in enumerate(zip(counts, zip(*weight_columns, strict=True), strict=True))
        ],
    )


def _zero_notes(counts: Sequence[int], class_names: Sequence[str] | None) -> tuple[Notice, ...]:
    empty = [i for i, count in enumerate(counts) if count == 0]
    if not empty:
        return ()
    first = repr(class_names[empty[0]]) if class_names else str(empty[0])
    others = f" and {len(empty) - 1} more" if len(empty) > 1 else ""
    return (Notice("zero-count", f"no samples, so weight 0: class {first}{others}"),)
