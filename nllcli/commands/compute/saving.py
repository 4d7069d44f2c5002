"""Arrays written while the samples are scored."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from nllcli.outputs.arrays import open_array
from nllcli.scoring.matrix import array_like_logits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nllcli.data.dataset import Dataset
    from nllcli.scoring.matrix import ArrayWriter


@dataclass(frozen=True)
class Saves:
    """The ``dtype`` of the arrays, and the files that they go to, None where not wanted."""

    dtype: str
    losses: str | None = None
    probs: str | None = None
    log_probs: str | None = None
    gradient: str | None = None


@contextmanager
def open_writers(saves: Saves, dataset: Dataset) -> Iterator[dict[str, ArrayWriter]]:
    """The writers of the arrays wanted, by the names of ``Saves``; a file appears whole or not at all."""
    paths = asdict(saves)
    dtype = paths.pop("dtype")
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(open_array(path, dtype=dtype, **_plan(name, dataset)))
            for name, path in paths.items()
            if path is not None
        }


def _plan(name: str, dataset: Dataset) -> dict[str, Any]:
    """How ``open_array`` is to hold the array of this name."""
    layout = dataset.layout
    if name == "losses":
        return {"shape": layout.sample_shape, "fortran": layout.fortran, "columns": ("loss",)}
    return array_like_logits(dataset, layout.n_classes if name == "gradient" else dataset.n_classes)
