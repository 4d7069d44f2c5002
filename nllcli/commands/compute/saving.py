"""Arrays written while the samples are scored."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

from nllcli.scoring.matrix import array_like_logits

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import TracebackType

    from nllcli.data.dataset import Dataset
    from nllcli.numerics.evaluate import Outcome
    from nllcli.scoring.matrix import ArrayWriter


@dataclass(frozen=True)
class Saves:
    """The files that arrays of ``dtype`` go to, None where not wanted, and ``open_array``, which opens one."""

    open_array: Callable[..., AbstractContextManager[ArrayWriter]]
    dtype: str
    losses: str | None = None
    probs: str | None = None
    log_probs: str | None = None
    gradient: str | None = None


class Saver:
    """Opens the files of ``Saves`` as a context and hands each outcome to them; all or none of a file appears."""

    def __init__(self, saves: Saves, dataset: Dataset) -> None:
        self._saves = saves
        self._dataset = dataset
        self._stack = ExitStack()
        self._writers: dict[str, ArrayWriter] = {}

    def __enter__(self) -> Self:
        with self._stack:
            for field in fields(self._saves):
                path = getattr(self._saves, field.name)
                if field.name not in ("open_array", "dtype") and path is not None:
                    self._writers[field.name] = self._stack.enter_context(self._open(field.name, path))
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    @property
    def names(self) -> frozenset[str]:
        """The arrays that are written."""
        return frozenset(self._writers)

    def write(self, outcome: Outcome) -> None:
        for name, writer in self._writers.items():
            writer.write(outcome.start, getattr(outcome, name))

    def _open(self, name: str, path: str) -> AbstractContextManager[ArrayWriter]:
        dataset = self._dataset
        if name == "losses":
            layout = dataset.layout
            plan = {"shape": layout.sample_shape, "fortran": layout.fortran, "columns": ("loss",)}
        else:
            plan = array_like_logits(dataset, dataset.layout.n_classes if name == "gradient" else dataset.n_classes)
        return self._saves.open_array(path, dtype=self._saves.dtype, **plan)
