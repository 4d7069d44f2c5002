"""The pass over a dataset whose pieces are worked on by other processes: who takes which, and how they come back."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from nllcli.data.dataset import Piece
from nllcli.data.settings import Workers
from nllcli.engine import map_blocks
from nllcli.engine.engines import open_engine
from nllcli.engine.policy import available_processors, usual_threads, usual_workers
from nllcli.engine.travel import kept, packed, unpacked
from nllcli.errors import NllError, NoRows, Remedy, UsageError, setting
from nllcli.scoring.passes import chunks, fold_dataset, naming_places, samples_a_block

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from nllcli.data.blocks import Block, Chunk, Part, Progress, Scratch
    from nllcli.data.dataset import Dataset, Seen
    from nllcli.engine.engines import Engine
    from nllcli.errors import Notice

    Sum = TypeVar("Sum", bound=Part)

# A piece is long against what it costs to hand it over; where there are few, each worker still has several.
_PIECE_BYTES = 128 << 20
_LEAST_A_WORKER = 4
# Of pieces whose arrays come back, several are in memory at a time.
_PIECE_BYTES_WITH_ARRAYS = 16 << 20


class Result(Protocol):
    """What comes of a block, or of several."""

    @property
    def named_samples(self) -> Iterable[int]:
        """The samples that it names."""
        ...

    def shifted(self, by: int) -> Self:
        """The same of samples whose numbers are so much higher."""
        ...


class Work(Protocol):
    """What is done to blocks, in this process or another; it pickles.

    ``keeps_all`` says that the results of all blocks are wanted, with their arrays.
    """

    @property
    def keeps_all(self) -> bool: ...

    def __call__(self, block: Block, scratch: Scratch) -> Any:
        """The result of a block."""
        ...

    def gather(self, results: Iterable[Any]) -> list[Any]:
        """What is wanted of the results of several blocks, in order."""
        ...


@dataclass(frozen=True)
class _Share:
    """The blocks ``first`` to before ``stop`` of a part of a dataset, which ``recipe`` opens anew.

    ``samples`` is how many samples a block has: whoever cuts them, it is at the same places.
    """

    name: str
    recipe: bytes
    samples: int
    first: int
    stop: int | None
    n_bytes: int

    @property
    def is_whole(self) -> bool:
        return self.first == 0 and self.stop is None


@dataclass(frozen=True)
class _Done:
    """What came of a share: its results, and what its files have shown."""

    results: list[Any]
    seen: Seen


@dataclass(frozen=True)
class _Task:
    """The work on a share, with errors that name file and place; those ``allowed`` say that there is nothing in it."""

    work: Work
    threads: int
    allowed: tuple[type[NllError], ...]

    def __call__(self, share: _Share) -> _Done:
        # What can be read only once is not kept open for another.
        dataset: Dataset = unpacked(share.recipe) if share.is_whole else kept(share.recipe)
        sizes: dict[int, int] = {}
        chunks = _measured(Piece(dataset, share.first, share.stop).chunks(share.samples), sizes)
        results: list[Any] = []
        with naming_places(dataset), suppress(*self.allowed):
            results = self.work.gather(map_blocks(self.work, chunks, threads=self.threads))
        if share.stop is None:
            dataset.completed()
        named = [sample for result in results for sample in result.named_samples]
        return _Done(results, dataset.seen(sizes, named))


def _measured(chunks: Iterable[Chunk], sizes: dict[int, int]) -> Iterator[Chunk]:
    """The chunks; ``sizes`` is told how many samples each has, by where it starts."""
    for chunk in chunks:
        sizes[chunk.start] = chunk.n
        yield chunk


def check_workers(workers: Workers) -> None:
    """Raise UsageError where two engines are asked for."""
    if workers.processes is not None and workers.scheduler is not None:
        remedies = [
            Remedy({"scheduler": None}, "processes of this machine"),
            Remedy({"processes": None}, "the workers of the scheduler"),
        ]
        message = f"{setting('processes')} and {setting('scheduler')} both say who does the work"
        raise UsageError(message, remedies=remedies)


def fold_by(
    workers: Workers,
    work: Work,
    zero: Sum,
    dataset: Dataset,
    *,
    take: Callable[[Any], Sum],
    progress: Progress | None = None,
) -> tuple[Sum, tuple[Notice, ...]]:
    """``fold_dataset`` by the workers that are asked for, and what is worth knowing about them.

    ``take`` is given the results of ``work.gather``, in order, numbered by the samples of the whole dataset.
    """
    workers = _usual(work, dataset) if workers == Workers() else workers
    asked = {"processes": workers.processes, "scheduler": workers.scheduler}
    name, value = next(((name, value) for name, value in asked.items() if value is not None), ("", None))
    if not name:
        return fold_dataset(work, zero, dataset, take=take, threads=workers.threads, progress=progress), ()
    recipes = [_recipe(part, name) for part in dataset.parts]
    with open_engine(name, value) as engine:
        plan = list(_plan(work, dataset, recipes, engine.n_workers))
        if name == "processes" and sum(len(shares) for _, shares in plan) <= 1:
            return fold_dataset(work, zero, dataset, take=take, threads=workers.threads, progress=progress), ()
        if progress is not None:
            progress.begin(dataset.logits.n_bytes)
        total = zero
        with closing(_results(work, dataset, plan, engine, workers.threads, progress)) as results:
            for result in results:
                total += take(result)
    return total, engine.notes


def _usual(work: Work, dataset: Dataset) -> Workers:
    """Who works where nobody says it: this process alone on inputs that cannot travel, and for arrays to be written."""
    n_texts = sum(not part.is_seekable for part in dataset.parts)
    chosen = usual_workers(dataset.logits.n_bytes or 0, n_texts, available_processors())
    if chosen.processes is not None and not work.keeps_all:
        with suppress(UsageError):
            for part in dataset.parts:
                packed(part)
            return chosen
    return Workers(usual_threads())


def _recipe(part: Dataset, name: str) -> bytes:
    try:
        return packed(part)
    except UsageError as error:
        error.hint, error.remedies = None, (Remedy({name: None}, "this process alone"),)
        raise


def _plan(work: Work, dataset: Dataset, recipes: list[bytes], n_workers: int) -> Iterator[tuple[Dataset, list[_Share]]]:
    """The parts with their shares; none where all of the arrays of a part would come back at once: it stays here."""
    total = sum(part.logits.n_bytes or 0 for part in dataset.parts)
    most = _PIECE_BYTES_WITH_ARRAYS if work.keeps_all else _PIECE_BYTES
    step = max(1, min(most, total // (_LEAST_A_WORKER * n_workers)))
    for part, recipe in zip(dataset.parts, recipes, strict=True):
        stays = work.keeps_all and not part.is_seekable
        yield part, [] if stays else list(_shares(part, recipe, step))


def _shares(part: Dataset, recipe: bytes, step: int) -> Iterator[_Share]:
    """Runs of whole blocks of about ``step`` bytes; all that cannot be read at any place is one."""
    n_bytes, n_blocks, samples = part.logits.n_bytes or 0, 1, samples_a_block(part)
    if part.is_seekable:
        n_blocks = max(1, sum(1 for _ in part.layout.runs(samples)))
    a_share = max(1, n_blocks * step // max(1, n_bytes))
    for first in range(0, n_blocks, a_share):
        stop = min(first + a_share, n_blocks)
        size = n_bytes * stop // n_blocks - n_bytes * first // n_blocks
        yield _Share(part.logits.name, recipe, samples, first, None if stop == n_blocks else stop, size)


def _results(
    work: Work,
    dataset: Dataset,
    plan: list[tuple[Dataset, list[_Share]]],
    engine: Engine,
    threads: int | None,
    progress: Progress | None,
) -> Generator[Any, None, None]:
    """What comes of all parts, in order, numbered by the samples of the whole."""

    def advance(share: _Share) -> None:
        if progress is not None:
            progress.advance(share.n_bytes)

    shares = [share for _, shares in plan for share in shares]
    allowed = (NoRows,) if len(plan) > 1 else ()  # one of several files may be empty
    with closing(engine.map(_Task(work, threads or 1, allowed), shares, advance)) as mapped:
        before = 0
        for i, (part, own) in enumerate(plan):
            n = 0
            for _, done in islice(mapped, len(own)):
                dataset.add_seen(i, done.seen)
                yield from (result.shifted(before) for result in done.results)
                n += done.seen.n
            if not own:
                sizes: dict[int, int] = {}
                with naming_places(part), suppress(*allowed):
                    found = map_blocks(work, _measured(chunks(part), sizes), threads=threads, progress=progress)
                    yield from (result.shifted(before) for result in found)
                part.completed()
                dataset.add_seen(i, part.seen(sizes, ()))
                n = sum(sizes.values())
            before += n
