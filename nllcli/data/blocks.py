"""Runs of samples, and the work arrays they are read into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from math import prod
from typing import TYPE_CHECKING, Any, Protocol, Self

from nllcli.records import dataclass

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Scratch:
    """Named work arrays of one worker, kept from block to block: fresh pages cost more than the arithmetic."""

    def __init__(self) -> None:
        self._buffers: dict[str, NDArray[np.uint8]] = {}
        self._subs: dict[str, Scratch] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """An uninitialised array, valid until the next request under the same name."""
        import numpy as np

        n_bytes = prod(shape) * np.dtype(dtype).itemsize
        buffer = self._buffers.get(name)
        if buffer is None or buffer.nbytes < n_bytes:
            buffer = self._buffers[name] = np.empty(n_bytes, np.uint8)
        array: NDArray[Any] = buffer[:n_bytes].view(dtype).reshape(shape)
        return array

    def sub(self, name: str) -> Scratch:
        """A second set of arrays, for a second file that is read with the first."""
        return self._subs.setdefault(name, Scratch())


class Unread:
    """Rows of logits, one a sample, that are still in an open file: as whole bytes from ``offset`` on, in C order.

    ``check`` raises an error once the file has changed, which whoever reads it by the ``descriptor`` calls afterwards.
    """

    def __init__(
        self,
        descriptor: int,
        offset: int,
        shape: tuple[int, int],
        dtype: np.dtype[Any],
        *,
        read: Callable[[], NDArray[Any]],
        check: Callable[[], None],
    ) -> None:
        self.descriptor, self.offset, self.shape, self.dtype = descriptor, offset, shape, dtype
        self.check = check
        self._read = read
        self._array: NDArray[Any] | None = None

    @property
    def is_read(self) -> bool:
        """Whether the logits are in memory."""
        return self._array is not None

    @property
    def array(self) -> NDArray[Any]:
        """The logits, read when they are first asked for."""
        if self._array is None:
            self._array = self._read()
        return self._array


def array_of(held: NDArray[Any] | Unread) -> NDArray[Any]:
    """The logits themselves."""
    return held.array if isinstance(held, Unread) else held


@dataclass(frozen=True)
class Block:
    """One run of samples in file order.

    ``logits`` is (n, n_classes) in the file's dtype, with strides that follow the file, and ``held`` the same or what
    reads it; ``targets`` is (n,) int64, or (n, n_classes) floating point for soft targets, or None; ``sample_weights``
    is (n,) float64 or None. ``keys`` are the samples' own, where rows are matched by key, and ``left_out`` (n,) says
    which samples have no logits. ``groups`` (n,) int64 are the numbers of the samples' groups, where they have some,
    ``others`` the same samples of other models, and ``before`` the samples of the files before this one, from which
    ``start`` does not count.
    """

    start: int
    held: NDArray[Any] | Unread
    targets: NDArray[Any] | None = None
    sample_weights: NDArray[np.float64] | None = None
    keys: Sequence[str] | None = None
    left_out: NDArray[np.bool_] | None = None
    groups: NDArray[np.int64] | None = None
    others: tuple[Block, ...] = ()
    before: int = 0

    @property
    def logits(self) -> NDArray[Any]:
        return array_of(self.held)


@dataclass(frozen=True)
class Chunk:
    """A block that is not read yet: cut in order by one thread, loaded by any.

    ``n_bytes`` is its share of the file, and ``remote`` says that loading it waits for a network.
    """

    start: int
    n: int
    load: Callable[[Scratch], Block]
    n_bytes: int = 0
    remote: bool = False


class Progress(Protocol):
    """Shows how far a pass over a file has come."""

    def begin(self, total: int | None) -> None:
        """A pass over ``total`` bytes begins (None: not known)."""
        ...

    def advance(self, n_bytes: int) -> None:
        """This many more bytes are done."""
        ...


@dataclass(frozen=True)
class Part:
    """A record of sums whose ``+`` adds its fields, one by one.

    None is the zero of a field, and a subclass without arguments the zero of the whole; dicts add key by key.
    """

    def __add__(self, other: Self) -> Self:
        return type(self)(*(_sum(getattr(self, field.name), getattr(other, field.name)) for field in fields(self)))


def _sum(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    if isinstance(a, dict):
        return a | {key: _sum(a.get(key), value) for key, value in b.items()}
    return a + b
