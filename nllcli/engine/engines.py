"""The ways to work on pieces in other processes, behind one interface; and the table of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from nllcli.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from contextlib import AbstractContextManager

    from nllcli.errors import Notice

# Items under way or waiting for their turn, for each worker: enough that none waits for the slowest.
WINDOW = 4
# A piece is given up once this many workers have died on it.
MOST_DEATHS = 3


class Named(Protocol):
    """An item of work, which pickles; ``name`` is that of its file."""

    @property
    def name(self) -> str: ...


Item = TypeVar("Item", bound=Named)


class Engine(Protocol):
    """Workers that are ready; ``notes`` are worth knowing about them."""

    @property
    def n_workers(self) -> int: ...
    @property
    def notes(self) -> tuple[Notice, ...]: ...

    def map(
        self, task: Callable[[Any], Any], items: Iterable[Item], done: Callable[[Item], None]
    ) -> Generator[tuple[Item, Any], None, None]:
        """Yield each item with what ``task`` makes of it, in order; the first exception in order is raised.

        ``done`` is told of each item as soon as it is done, in any order. Closing the iterator ends all work on it.
        """
        ...


# By the field of data.settings.Workers that asks for it: what opens the engine for its value.
ENGINES = Registry(
    "engine",
    {"processes": "nllcli.engine.processes:open_processes", "scheduler": "nllcli.engine.cluster:open_cluster"},
)


@contextmanager
def open_engine(name: str, value: Any) -> Iterator[Engine]:
    """The engine of a row of the table, closed in the end, however that comes."""
    opened: AbstractContextManager[Engine] = ENGINES.load(name)(value)
    with opened as engine:
        yield engine
