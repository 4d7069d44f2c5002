"""Labels of groups -> their numbers, the same for equal labels of several files."""

from __future__ import annotations

import re
from dataclasses import field, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from nllcli.data.dataset import Dataset, VectorSource, nothing
from nllcli.inputs.shards import JoinedValues
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from nllcli.data.dataset import GroupSource
    from nllcli.data.layout import Layout
    from nllcli.errors import Notice, Remedy

    # The different labels of a file: integers, or text.
    Distinct = NDArray[Any] | Sequence[str]

# A whole number, which the column of a table may write with a point where another cell of it is empty.
_WHOLE = re.compile(r"([+-]?\d{1,19})(?:\.0*)?", re.ASCII)
_INT64 = np.iinfo(np.int64)


class Labels(VectorSource, Protocol):
    """The label of each sample, as its place among those that are ``distinct``, in file order of the logits.

    ``n_runs`` is how many runs of one label there are. ``counts_on`` says that the labels are places in one file, which
    go on in the next one.
    """

    @property
    def distinct(self) -> Distinct: ...
    @property
    def n_runs(self) -> int: ...
    @property
    def counts_on(self) -> bool: ...
    @property
    def notes(self) -> tuple[Notice, ...]: ...


@dataclass(frozen=True)
class Groups:
    """The numbers of the groups of one file: a GroupSource.

    ``numbers`` (n_labels,) are those of its labels, which may be labels of other files too: there are ``n_groups``.
    None: the labels are numbered as they are distinct.
    """

    labels: Labels
    numbers: NDArray[np.int64] | None
    n_groups: int

    @property
    def name(self) -> str:
        return self.labels.name

    @property
    def n(self) -> int:
        return self.labels.n

    @property
    def one_more(self) -> Callable[[], Remedy | None]:
        """What makes the remedy where there is one label too many."""
        return getattr(self.labels, "one_more", nothing)

    @property
    def lie_together(self) -> bool:
        return self.labels.n_runs == len(self.labels.distinct)

    def read(self, start: int, n: int) -> NDArray[np.int64]:
        own = self.labels.read(start, n)
        return own if self.numbers is None else self.numbers[own]

    def place(self, sample: int, layout: Layout) -> str:
        return self.labels.place(sample, layout)


@dataclass
class JoinedGroups(JoinedValues):
    """The groups of several files, one after another: a GroupSource."""

    n_groups: int = field(kw_only=True)
    lie_together: bool = field(kw_only=True)

    @classmethod
    def of(cls, name: str, sources: Sequence[Groups], layouts: Sequence[Layout]) -> Self:
        """Files whose groups are ``numbered`` together."""
        filled = [source for source in sources if source.n]
        n_runs = sum(source.labels.n_runs for source in filled)
        n_runs -= sum(one.read(one.n - 1, 1)[0] == other.read(0, 1)[0] for one, other in pairwise(filled))
        n_groups = sources[0].n_groups
        return cls(name, sources, layouts, n_groups=n_groups, lie_together=bool(n_runs == n_groups))


def numbered(files: Sequence[Labels]) -> list[Groups]:
    """The groups of each of the files: equal labels are one group, in whichever file they are.

    Labels that are integers in all files are compared as such, in ascending order, so that 1 and 01 are one group;
    others as text, in the order in which they first come.
    """
    found = list(_counted_on(files))
    integers = [values for values in map(_integers, found) if values is not None]
    if len(files) == 1 and (isinstance(found[0], np.ndarray) or not integers):  # whose own order is the one
        return [Groups(files[0], None, len(found[0]))]
    numbers, n_groups = numbers_of(found)
    return [Groups(file, own, n_groups) for file, own in zip(files, numbers, strict=True)]


def numbers_of(labels: Sequence[Distinct]) -> tuple[list[NDArray[np.int64]], int]:
    """The numbers that the labels of each file have among those of all, and how many there are in all."""
    integers = [values for values in map(_integers, labels) if values is not None]
    if len(integers) == len(labels):
        merged = np.unique(np.concatenate(integers))
        return [np.searchsorted(merged, own).astype(np.int64, copy=False) for own in integers], len(merged)
    places: dict[str, int] = {}
    return [_places(each, places) for each in labels], len(places)


def are_integers(labels: Distinct) -> bool:
    """Whether labels are numbered as integers, among which 1 and 01 are one."""
    return _integers(labels) is not None


def end_with_files(groups: GroupSource) -> bool:
    """Whether groups are places in a file, and those of the next one go on from them."""
    return any(source.labels.counts_on for source in _sources(groups))


def texts_of(groups: GroupSource) -> tuple[str, ...]:
    """The label of each group, by its number."""
    texts = [""] * groups.n_groups
    for source in reversed(_sources(groups)):  # of labels of one group, the first stays
        numbers = range(groups.n_groups) if source.numbers is None else source.numbers.tolist()
        for number, label in zip(reversed(numbers), reversed(source.labels.distinct), strict=True):
            texts[number] = str(label)
    return tuple(texts)


def _sources(groups: GroupSource) -> Sequence[Any]:
    """The groups of each file."""
    return groups.sources if isinstance(groups, JoinedGroups) else (groups,)


def _counted_on(files: Iterable[Labels]) -> Iterator[Distinct]:
    """The labels of each file, those that are places in it counted on from file to file."""
    n = 0
    for file in files:
        distinct = file.distinct
        if file.counts_on:
            distinct = np.asarray(distinct) + n
            n += len(distinct)
        yield distinct


def _integers(labels: Distinct) -> NDArray[np.int64] | None:
    """Labels that are all integers of 64 bits; else None."""
    if isinstance(labels, np.ndarray):
        return labels.astype(np.int64, copy=False) if not len(labels) or labels.max() <= _INT64.max else None
    values = np.empty(len(labels), np.int64)
    for i, label in enumerate(labels):
        whole = _WHOLE.fullmatch(label)
        if whole is None or not _INT64.min <= int(whole[1]) <= _INT64.max:
            return None
        values[i] = int(whole[1])
    return values


def _places(labels: Distinct, known: dict[str, int]) -> NDArray[np.int64]:
    """The numbers of labels as text, where those that are not ``known`` get the next ones."""
    texts = map(str, labels.tolist() if isinstance(labels, np.ndarray) else labels)
    return np.fromiter((known.setdefault(text, len(known)) for text in texts), np.int64, len(labels))


def numbered_together(shards: Sequence[Dataset], name: str) -> tuple[list[Dataset], JoinedGroups]:
    """The datasets with the groups of all of them, which travel with each to other processes, and these groups."""
    groups = numbered([_groups_of(shard).labels for shard in shards])
    found = [_with_groups(shard, own) for shard, own in zip(shards, groups, strict=True)]
    return found, JoinedGroups.of(name, groups, [shard.layout for shard in shards])


def _groups_of(dataset: Dataset) -> Groups:
    assert isinstance(dataset.groups, Groups)
    return dataset.groups


def _with_groups(dataset: Dataset, groups: Groups) -> Dataset:
    return replace(dataset, groups=groups).pickled_by(partial(_recipe, dataset, groups))


def _recipe(dataset: Dataset, groups: Groups) -> tuple[Any, ...]:
    return _reopened, (dataset.recipe, groups.numbers, groups.n_groups)


def _reopened(
    recipe: tuple[Callable[..., Dataset], tuple[Any, ...]], numbers: NDArray[np.int64], n_groups: int
) -> Dataset:
    """A dataset opened anew, whose labels get the numbers that they have among those of other files."""
    function, arguments = recipe
    dataset = function(*arguments)
    return _with_groups(dataset, Groups(_groups_of(dataset).labels, numbers, n_groups))
