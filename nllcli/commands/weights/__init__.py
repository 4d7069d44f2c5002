"""nll weights: class weights from class counts, under one scheme or all of them side by side."""

from collections.abc import Sequence

from nllcli.commands.weights.picture import picture
from nllcli.data.settings import DEFAULT_BETA, DEFAULT_SCHEME
from nllcli.errors import Notice, UsageError, setting
from nllcli.numerics.schemes import ABOUT, SCHEMES
from nllcli.numerics.weightings import class_weights
from nllcli.records import dataclass
from nllcli.report import Column, Columns, Metric, Report, Signature, Table

_ALPHABETICAL = Notice(
    "alphabetical-order",
    "the classes are in alphabetical order, which need not be that of the logits' columns; "
    f"{setting('classes')} gives the order",
)


@dataclass(frozen=True)
class ClassWeights:
    """The weights (C,) of each scheme, and what they follow from.

    ``normalize`` and ``beta`` are None where each scheme has its own. ``alphabetical`` says that nobody gave the order
    of the classes, on which a list of weights rests.
    """

    counts: tuple[int, ...]
    class_names: tuple[str, ...] | None
    by_scheme: dict[str, tuple[float, ...]]
    normalize: str | None
    beta: float | None
    zero_count: str
    alphabetical: bool


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
) -> ClassWeights:
    """Weigh the classes by ``scheme``, or by ``all_schemes``, of which those that have a beta take ``beta``."""
    if class_names is not None and len(class_names) != len(counts):
        raise UsageError(f"{len(class_names)} class names for {len(counts)} counts")
    by_scheme = {
        name: class_weights(
            counts,
            scheme=name,
            normalize=normalize,
            beta=None if all_schemes and not _has_beta(name) else beta,
            zero_count=zero_count,
            class_names=class_names,
        )
        for name in (SCHEMES if all_schemes else (scheme,))
    }
    return ClassWeights(
        tuple(map(int, counts)),
        None if class_names is None else tuple(class_names),
        {name: tuple(found.tolist()) for name, found in by_scheme.items()},
        normalize,
        beta,
        zero_count,
        alphabetical,
    )


def _has_beta(scheme: str) -> bool:
    return ABOUT[scheme].takes_beta


def report(found: ClassWeights, *, pictured: bool = False) -> Report:
    """The settings, the sizes and a table of the classes, and a picture where it is asked for."""
    settings, single = _settings(found), len(found.by_scheme) == 1
    drawn = picture(found) if pictured else None
    return Report(
        command="weights",
        title="Class weights",
        signature=_signature(found, settings),
        metrics=(
            *settings,
            Metric("n_classes", "classes", len(found.counts)),
            Metric("n_samples", "samples", sum(found.counts)),
        ),
        tables=(_table(found, single=single),),
        warnings=(_ALPHABETICAL,) if found.alphabetical else (),
        notes=_zero_notes(found),
        quiet=next(iter(found.by_scheme.values())) if single else (),
        quiet_separator=",",
        pictures=() if drawn is None else (drawn,),
    )


def _signature(found: ClassWeights, settings: tuple[Metric, ...]) -> Signature:
    parts: dict[str, object] = {metric.key: metric.value for metric in settings}
    if found.zero_count != "error":
        parts["zero-count"] = found.zero_count
    own = {"beta": DEFAULT_BETA, "normalize": "default" if parts["scheme"] == "all" else _own_normalize(found)}
    return Signature.of(parts, title=f"scheme:{parts['scheme']}", titled=("scheme",), usual=own)


def _own_normalize(found: ClassWeights) -> str:
    """What the one scheme scales to 1, unless told otherwise."""
    return ABOUT[next(iter(found.by_scheme))].normalize


def _settings(found: ClassWeights) -> tuple[Metric, ...]:
    scheme, *others = found.by_scheme
    formula, normalize = ABOUT[scheme].formula, ABOUT[scheme].normalize
    if others:
        scheme, formula, normalize = "all", "one column a scheme", "default"
    beta = Metric("beta", "beta", DEFAULT_BETA if found.beta is None else found.beta)
    return (
        Metric("scheme", "scheme", scheme, note=formula),
        Metric("normalize", "normalize", found.normalize or normalize),
        *([beta] if any(map(_has_beta, found.by_scheme)) else []),
    )


def _table(found: ClassWeights, *, single: bool) -> Table:
    n_samples = sum(found.counts)
    columns: Columns = [
        (Column("class", "class", "text"), found.class_names or range(len(found.counts))),
        (Column("count", "count", "count"), found.counts),
        (Column("share", "share", "share", optional=not single), [count / n_samples for count in found.counts]),
    ]
    for name, weights in found.by_scheme.items():
        key, label = ("weight", "weight") if single else (name.replace("-", "_"), name)
        columns.append((Column(key, label), weights))
    return Table.of("classes", "Classes", columns)


def _zero_notes(found: ClassWeights) -> tuple[Notice, ...]:
    empty = [i for i, count in enumerate(found.counts) if count == 0]
    if not empty:
        return ()
    first = repr(found.class_names[empty[0]]) if found.class_names else str(empty[0])
    others = f" and {len(empty) - 1} more" if len(empty) > 1 else ""
    return (Notice("zero-count", f"no samples, so weight 0: class {first}{others}"),)
