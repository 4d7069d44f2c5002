"""One line that names every setting that changes the number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nllcli.report import Signature

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from nllcli.data.dataset import VectorSource
    from nllcli.data.layout import Layout
    from nllcli.data.settings import LossOptions
    from nllcli.scoring.settled import Settled


_DIGESTED_AT_ONCE = 1 << 19


def signature(settled: Settled) -> str:
    """One line that names every setting that changes the number."""
    options, layout = settled.options, settled.dataset.layout
    parts = {
        "loss": options.loss,
        "from": source_part(options),
        "reduction": options.reduction,
        "weights": settled.weighting,
        "sample-weights": _digest_of(settled.dataset.sample_weights),
        "ignore": "none" if settled.dataset.soft_targets is not None else str(options.ignore_index),
        "smoothing": plain(options.label_smoothing),
        "temperature": plain(options.temperature),
        "clip": "off" if options.clip is None else plain(options.clip),
        # Named where they are not what almost every file needs.
        **class_axis_part(layout),
        **({"shift": str(settled.shift)} if settled.shift else {}),
        "precision": options.precision,
    }
    return str(Signature(parts))


def source_part(options: LossOptions) -> str:
    """What the file holds, in a signature."""
    return options.source + ("-binary" if options.binary else "")


def class_axis_part(layout: Layout) -> dict[str, str]:
    """The class axis in a signature: named where it is not the last of at most two."""
    n_dims = len(layout.shape)
    return {} if n_dims <= 2 and layout.class_axis == n_dims - 1 else {"class-axis": str(layout.class_axis)}


def _digest_of(vector: VectorSource | None) -> str:
    """A digest of one float64 a sample, in file order."""
    if vector is None:
        return "none"
    starts = range(0, vector.n, _DIGESTED_AT_ONCE)
    return _sha256(vector.read(start, min(_DIGESTED_AT_ONCE, vector.n - start)) for start in starts)


def _sha256(pieces: Iterable[NDArray[Any]]) -> str:
    """A digest of numbers as float64."""
    from hashlib import sha256  # loads OpenSSL: only where it is needed

    digest = sha256()
    for values in pieces:
        digest.update(values.astype("<f8", copy=False).tobytes())
    return f"sha256-{digest.hexdigest()[:12]}"


def plain(value: float) -> str:
    """The shortest text of a number, without a trailing ".0"."""
    return repr(value).removesuffix(".0")


def listed(values: NDArray[np.float64]) -> str:
    """One number a class, or a digest where that would be long."""
    listed = ",".join(plain(float(value)) for value in values)
    return listed if len(listed) <= 60 else _sha256([values])
