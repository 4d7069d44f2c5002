"""How far long work has come, on standard error, for a person at a terminal."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress

_PATIENCE_SECONDS = 1.0  # work that ends sooner needs no bar


class ProgressBar:
    """The share done, the rate and the time left; appears only once the work proves long."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._total: int | None = None
        self._done = 0
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, total: int | None) -> None:
        """Begin a pass over ``total`` bytes (None: not known); a bar already shown starts again from 0."""
        self._total, self._done, self._begun = total, 0, time.monotonic()
        if self._bar is not None:
            self._bar.reset(self._bar.task_ids[0], total=total)

    def advance(self, n_bytes: int) -> None:
        """Count ``n_bytes`` more as done."""
        self._done += n_bytes
        if self._bar is None and time.monotonic() - self._begun > _PATIENCE_SECONDS:
            self._show()
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._done)

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TimeRemainingColumn
        from rich.progress import TransferSpeedColumn as Speed

        columns = (TaskProgressColumn(), BarColumn(), DownloadColumn(), Speed(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=Console(file=sys.stderr), transient=True)
        self._bar.add_task("", total=self._total, completed=self._done)
        self._bar.start()
