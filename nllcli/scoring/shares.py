"""The pass over a dataset whose pieces are worked on by other processes: who takes which, and how they come back."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from nllcli.data.dataset import Piece
from nllcli.data.settings import Workers
from nllcli.engine import map_blocks
from nllcli.engine.engines import open_engine
from nllcli.engine.policy import available_processors, usual_threads, usual_workers
from nllcli.engine.travel import kept, packed, unpacked
from nllcli.errors import NllError, Remedy, UsageError, setting
from nllcli.records import dataclass
from nllcli.scoring.parts import END, here, told_of
from nllcli.scoring.passes import chunks, samples_a_block

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from nllcli.data.blocks import Block, Chunk, Part, Progress, Scratch
    from nllcli.data.dataset import Dataset, Seen
    from nllcli.engine.engines import Engine
    from nllcli.errors import Notice

    Sum = TypeVar("Sum", bound=Part)

# A piece is long against what it costs to hand it over, 1 to 4 ms; where there are few, each worker still has several,
# and where there are very many (100 TB on 1,000 workers are 800,000), they are longer, as all of them pass one parent.
_PIECE_BYTES = 128 << 20
_LEAST_A_WORKER, _MOST_A_WORKER = 4, 64
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

    ``keeps_all`` says that the results of all blocks are wanted, with their arrays, and ``makes_arrays`` that there are
    some of numbers of every class.
    """

    @property
    def keeps_all(self) -> bool: ...
    @property
    def makes_arrays(self) -> bool: ...

    def __call__(self, block: Block, scratch: Scratch) -> Any:
        """The result of a block."""
        ...

    def gather(self, results: Iterable[Any]) -> list[Any]:
        """What is wanted of the results of several blocks, in order."""
        ...


@dataclass(frozen=True)
class _Share:
    """The blocks ``first`` to before ``stop`` of a part of a dataset, which ``recipe`` opens anew.

    ``samples`` is how many samples a block has: whoever cuts them, it is at the same places. ``before`` is how many
    there are in the parts before, 0 where that is not known yet.
    """

    name: str
    recipe: bytes
    samples: int
    first: int
    stop: int | None
    n_bytes: int
    before: int

    @property
    def is_whole(self) -> bool:
        return self.first == 0 and self.stop is None


@dataclass(frozen=True)
class _Done:
    """What came of a share: its results, and what its files have shown."""

    results: list[Any]
    seen: Seen
    error: NllError | None = None


@dataclass(frozen=True)
class _Task:
    """The work on a share; what is wrong with ``one_of_several`` parts is a part of what comes of it."""

    work: Work
    threads: int
    one_of_several: bool

    def __call__(self, share: _Share) -> _Done:
        # What can be read only once is not kept open for another.
        dataset: Dataset = unpacked(share.recipe) if share.is_whole else kept(share.recipe)
        sizes: dict[int, int] = {}
        chunks = _measured(Piece(dataset, share.first, share.stop).chunks(share.samples), sizes)
        results: list[Any] = []
        with told_of(0, dataset, several=self.one_of_several) as wrong:
            results = self.work.gather(map_blocks(partial(self._on, share.before), chunks, threads=self.threads))
            if share.stop is None:
                dataset.completed()
        named = [sample for result in results for sample in result.named_samples]
        return _Done(results, dataset.seen(sizes, named), next((error for _, error in wrong), None))

    def _on(self, before: int, block: Block, scratch: Scratch) -> Any:
        return self.work(replace(block, before=before), scratch)


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


def fold_parts(
    workers: Workers,
    work: Work,
    zero: Sum,
    dataset: Dataset,
    *,
    prepare: Callable[[Any], Any],
    take: Callable[[Any], Sum],
    finish: Callable[[int, Sum], None],
    progress: Progress | None = None,
    firsts: Sequence[int] | None = None,
) -> tuple[dict[int, NllError], tuple[Notice, ...]]:
    """Work on all parts of a dataset, by the workers that are asked for.

    ``prepare`` is given the results of ``work``, or those of ``work.gather``, numbered by the samples of the whole
    dataset, by any thread and in any order, ``take`` what it makes of them, in order, and ``finish`` the sum of what
    that makes of those of each part. Of several parts, what is wrong with one does not end the work on the others: it
    is returned by part, and then what is worth knowing about the workers. Where ``work`` keeps all results, none is
    taken after such a part. ``firsts`` are the numbers of the first sample of each part, where an earlier pass has
    shown them.
    """
    failed: dict[int, NllError] = {}
    notes: list[Notice] = []
    total = zero
    with closing(_results(workers, work, dataset, notes, progress, prepare, firsts)) as results:
        for part, found in results:
            if isinstance(found, NllError):
                failed.setdefault(part, found)
            elif found is not END:
                total += zero if failed and work.keeps_all else take(found)
            else:
                if part not in failed:
                    finish(part, total)
                total = zero
    return failed, tuple(notes)


def _results(
    workers: Workers,
    work: Work,
    dataset: Dataset,
    notes: list[Notice],
    progress: Progress | None,
    prepare: Callable[[Any], Any],
    firsts: Sequence[int] | None,
) -> Generator[tuple[int, Any], None, None]:
    """What comes of all parts, in order: of each its results, or what is wrong with it, and then the end."""
    workers = _usual(work, dataset) if workers == Workers() else workers
    asked = {"processes": workers.processes, "scheduler": workers.scheduler}
    name, value = next(((name, value) for name, value in asked.items() if value is not None), ("", None))
    if progress is not None:
        progress.begin(dataset.n_bytes)
    if name:
        recipes = [_recipe(part, name) for part in dataset.parts]
        with open_engine(name, value) as engine:
            plan = list(_plan(work, dataset, recipes, engine.n_workers, firsts))
            if name == "scheduler" or sum(len(shares) for _, shares in plan) > 1:
                yield from _elsewhere(work, dataset, plan, engine, workers.threads, progress, prepare)
                notes += engine.notes
                return
    yield from here(work, dataset, workers.threads, progress, prepare=prepare, arrays=work.makes_arrays)


def _usual(work: Work, dataset: Dataset) -> Workers:
    """Who works where nobody says it: this process alone on inputs that cannot travel, and for arrays to be written."""
    n_texts = sum(not part.is_seekable for part in dataset.parts)
    chosen = usual_workers(dataset.n_bytes or 0, n_texts, available_processors())
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


def _plan(
    work: Work, dataset: Dataset, recipes: list[bytes], n_workers: int, firsts: Sequence[int] | None
) -> Iterator[tuple[Dataset, list[_Share]]]:
    """The parts with their shares; none where all of the arrays of a part would come back at once: it stays here."""
    total = sum(part.n_bytes or 0 for part in dataset.parts)
    long_enough = max(_PIECE_BYTES, total // (_MOST_A_WORKER * n_workers))
    most = _PIECE_BYTES_WITH_ARRAYS if work.keeps_all else long_enough
    step = max(1, min(most, total // (_LEAST_A_WORKER * n_workers)))
    for i, (part, recipe) in enumerate(zip(dataset.parts, recipes, strict=True)):
        stays = work.keeps_all and not part.is_seekable
        before = _before(dataset, i) if firsts is None else firsts[i]
        yield part, [] if stays else list(_shares(part, recipe, step, before, arrays=work.makes_arrays))


def _before(dataset: Dataset, part: int) -> int:
    """How many samples there are in the parts before; 0 where that is not known yet."""
    return 0 if dataset.layout.n_samples is None else dataset.first_of(part)


def _shares(part: Dataset, recipe: bytes, step: int, before: int, *, arrays: bool) -> Iterator[_Share]:
    """Runs of whole blocks of about ``step`` bytes; all that cannot be read at any place is one."""
    n_bytes, samples = part.n_bytes or 0, samples_a_block(part, arrays=arrays)
    n_blocks = part.n_blocks(samples) or 1
    a_share = max(1, n_blocks * step // max(1, n_bytes))
    for first in range(0, n_blocks, a_share):
        stop = min(first + a_share, n_blocks)
        size = n_bytes * stop // n_blocks - n_bytes * first // n_blocks
        yield _Share(part.logits.name, recipe, samples, first, None if stop == n_blocks else stop, size, before)


def _elsewhere(
    work: Work,
    dataset: Dataset,
    plan: list[tuple[Dataset, list[_Share]]],
    engine: Engine,
    threads: int | None,
    progress: Progress | None,
    prepare: Callable[[Any], Any],
) -> Generator[tuple[int, Any], None, None]:
    """``_results`` of the shares that the workers of an engine take."""

    def advance(share: _Share) -> None:
        if progress is not None:
            progress.advance(share.n_bytes)

    shares = [share for _, shares in plan for share in shares]
    task = _Task(work, threads or 1, len(plan) > 1)
    with closing(engine.map(task, shares, advance)) as mapped:
        for i, (part, own) in enumerate(plan):
            before = dataset.first_of(i)
            for _, done in islice(mapped, len(own)):
                dataset.add_seen(i, done.seen)
                yield from ((i, prepare(result.shifted(before))) for result in done.results)
                if done.error is not None:
                    yield i, done.error
            if not own:
                sizes: dict[int, int] = {}
                with told_of(i, part, several=len(plan) > 1) as wrong:
                    blocks = _measured(chunks(part, arrays=work.makes_arrays), sizes)
                    for result in map_blocks(work, blocks, threads=threads, progress=progress):
                        yield i, prepare(result.shifted(before))
                    part.completed()
                yield from wrong
                dataset.add_seen(i, part.seen(sizes, ()))
            yield i, END
