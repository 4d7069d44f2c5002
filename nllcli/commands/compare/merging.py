"""Comparisons of parts added up: refused where they are not of the same models, or where samples would count double."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from nllcli.commands.compare.comparison import comparison_of
from nllcli.commands.compare.extremes import Extremes
from nllcli.commands.compare.jobs import n_units_of, starts_of, with_units
from nllcli.commands.compare.names import starred
from nllcli.commands.compare.reading import from_data, together
from nllcli.commands.compare.report import report
from nllcli.commands.compare.subject import Compared, Sample
from nllcli.commands.compare.sums import Sums
from nllcli.commands.compare.tally import with_tally
from nllcli.commands.compare.units import MOST_BINS, level_for
from nllcli.data.blocks import Part
from nllcli.errors import DataError, Notice, Remedy, UsageError, setting
from nllcli.inputs.bytes.files import natural
from nllcli.inputs.groups.numbering import are_integers
from nllcli.inputs.shards import check_same_classes
from nllcli.inputs.words import axis_of
from nllcli.numerics.tally import N_FIRST
from nllcli.records import dataclass
from nllcli.scoring.merging import Merging, check_same_settings
from nllcli.scoring.notices import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from nllcli.commands.compare.jobs import Job
    from nllcli.commands.compare.result import Comparison
    from nllcli.commands.compare.subject import Input, Subject
    from nllcli.commands.compare.sums import PairSums
    from nllcli.inputs.tally_files import Fields
    from nllcli.report import Report

# So many runs of units are kept before their tallies are all read, and then only as many as there are to be.
_MOST_KEPT = 16 * MOST_BINS
_CLUSTERS = "clusters"


def merge(files: Iterable[Fields], paths: Sequence[str], *, allow_duplicates: bool, partial: bool) -> Merged:
    """Add up the tallies of ``files``, at least one, which are at ``paths``.

    ``allow_duplicates`` lets samples count double, ``partial`` lets files of a set be missing.
    """
    merging = _Merging(paths, allow_duplicates=allow_duplicates)
    for file in files:
        merging.add(file)
    return Merged(merging.total(partial=partial), merging.without_any_classes, merging.of_any.notes)


@dataclass(frozen=True)
class Merged:
    """The sum of tallies; ``without_classes`` is the name of one for which there are no sums by class, if there is."""

    compared: Compared
    without_classes: str | None
    notes: tuple[Notice, ...]

    def report(
        self,
        *,
        per_class: bool = False,
        classes_up_to: float = 0,
        tallied: bool = False,
        pictured: bool = False,
    ) -> Report:
        """The report of one comparison, with its tally where that is asked for.

        The classes are in it where asked for ``per_class``, or where there are at most ``classes_up_to``. It is
        ``pictured`` by what tallies have: no picture that is made of samples.
        """
        compared = shown = self.compared
        if per_class and self.without_classes is not None:
            message = f"has no sums by class, which {setting('per_class')} needs"
            remedies = [Remedy({"per_class": None}, "without the classes")]
            raise UsageError(message, where=self.without_classes, remedies=remedies)
        if not per_class:
            models = compared.subject.models
            many = [i for i, (a, _) in enumerate(compared.subject.pairs) if models[a].n_classes > classes_up_to]
            shown = replace(compared, sums=_without_classes(compared.sums, many))
        result = comparison_of(shown, self.notes)
        result = replace(result, notes=(*result.notes, *_cut_by_part(result)), compared=compared)
        made = with_tally(result) if tallied else report(result, pictured=pictured)
        return replace(made, inputs=[each.named for each in compared.inputs])


def _without_classes(sums: Sums, places: Collection[int]) -> Sums:
    """The sums without those by class of the pairs at some places."""
    pairs = (replace(pair, classes=None) if i in places else pair for i, pair in enumerate(sums.pairs))
    return replace(sums, pairs=tuple(pairs))


def _cut_by_part(result: Comparison) -> tuple[Notice, ...]:
    """The note on runs of units that are shorter, as parts do not begin with one."""
    resampled = [
        pair.unit_size
        for pair in result.comparisons
        if pair.p_value_permutation is not None or pair.n_bootstrap is not None
    ]
    jobs = result.compared.jobs
    if not resampled or jobs[0].labels is not None or all(start % resampled[0] == 0 for start in starts_of(jobs)[:-1]):
        return ()
    what = f"runs of {resampled[0]:,} {result.compared.unit}s"
    message = f"parts do not begin where {what} do, so that those at their ends are shorter: the flips and draws are"
    return (Notice("runs-by-part", f"{message} as valid as, but other ones than, those of one run over all files"),)


@dataclass(frozen=True)
class _Numbered(Part):
    """What has numbers in the sums of a pair: large differences, heavy samples, infinite divergences."""

    largest: Extremes = Extremes()
    heaviest: Extremes = Extremes()
    infinite: tuple[int, ...] = ()

    def moved(self, number_of: Callable[[int], int]) -> _Numbered:
        """The same of samples that have the numbers that ``number_of`` gives."""
        infinite = tuple(map(number_of, self.infinite))
        return _Numbered(self.largest.moved(number_of), self.heaviest.moved(number_of), infinite)

    def put_into(self, pair: PairSums) -> PairSums:
        """The sums of a pair with these instead of their own."""
        divergence = pair.divergence
        if divergence is not None:
            first = tuple(sorted(self.infinite)[:N_FIRST])
            divergence = replace(divergence, infinite=replace(divergence.infinite, first=first))
        return replace(pair, largest=self.largest, heaviest=self.heaviest, divergence=divergence)


def _numbered(pair: PairSums) -> _Numbered:
    infinite = () if pair.divergence is None else pair.divergence.infinite.first
    return _Numbered(pair.largest, pair.heaviest, infinite)


@dataclass(frozen=True)
class _Part:
    """What of a tally waits until all are known: what is numbered by sample, or depends on the order of the parts."""

    name: str
    names: tuple[str, ...]
    groups: str | None
    inputs: tuple[Input, ...]
    jobs: tuple[Job, ...]
    samples: Mapping[int, Sample]
    pairs: tuple[_Numbered, ...]


class _Merging:
    """The tallies so far; of each are kept its runs of units and the few samples that it names."""

    def __init__(self, paths: Sequence[str], *, allow_duplicates: bool) -> None:
        self.of_any = Merging(paths, allow_duplicates=allow_duplicates)
        self._without_classes: dict[int, str] = {}  # by the place of the pair, the first tally that has none
        self._first: tuple[str, Subject] | None = None
        self._counted: tuple[str, Sums] | None = None
        self._sums = Sums()
        self._findings: tuple[dict[str, Found], ...] = ()
        self._parts: list[_Part] = []
        self._n_bins = 0

    def add(self, file: Fields) -> None:
        """Add the tally of one file; raises DataError for one that does not belong to the others."""
        self.of_any.check_version(file)
        found = from_data(file)
        if self._first is None:
            self._first = file.name, found.subject
            self._findings = tuple({} for _ in found.findings)
        else:
            _check_comparable(file.name, found.subject, *self._first)
        self._check_counted(file.name, found.sums)
        inputs = [(each.models[0], each.digest) for each in found.inputs]
        self.of_any.add(file.name, inputs, found.subject.settings, found.left_out, found.computed_with)
        self._sums += _unnumbered(found.sums)
        for known, own in zip(self._findings, found.findings, strict=True):
            for code, more in own.items():
                known[code] = known.get(code, Found()) + more
        names = tuple(model.name for model in found.subject.models)
        numbered = tuple(map(_numbered, found.sums.pairs))
        self._parts.append(
            _Part(file.name, names, found.subject.groups, found.inputs, found.jobs, found.samples, numbered)
        )
        self._shorten()

    def _shorten(self) -> None:
        """Lengthen the runs of units where they are too many: as many samples as there are by now need no shorter."""
        self._n_bins += sum(job.n_bins for job in self._parts[-1].jobs)
        if self._n_bins > _MOST_KEPT:
            level = level_for(sum(job.n_units for part in self._parts for job in part.jobs))
            self._parts = [replace(part, jobs=tuple(job.coarser(level) for job in part.jobs)) for part in self._parts]
            self._n_bins = sum(job.n_bins for part in self._parts for job in part.jobs)

    def _check_counted(self, name: str, sums: Sums) -> None:
        """Look at what sums may lack: a number that some have and others do not is not one of all samples."""
        if not sums.models[0].n_counted:
            return
        for place, pair in enumerate(sums.pairs):
            if pair.classes is None:
                self._without_classes.setdefault(place, name)
        first, known = self._counted or (name, sums)
        for own, other in zip(sums.models, known.models, strict=True):
            if (own.n_correct is None) != (other.n_correct is None):
                have, lack = (first, name) if own.n_correct is None else (name, first)
                raise DataError(f"was compared without targets, but {have} with: they are not comparable", where=lack)
        for pair, of_first in zip(sums.pairs, known.pairs, strict=True):
            if (pair.divergence is None) != (of_first.divergence is None):
                have, lack = (first, name) if pair.divergence is None else (name, first)
                raise DataError(f"has no divergence, but {have} has: they are not comparable", where=lack)
        self._counted = first, known

    @property
    def without_any_classes(self) -> str | None:
        """The name of a tally for which no pair has sums by class; None where one has."""
        lacking = self._without_classes
        return lacking[0] if len(lacking) == len(self._sums.pairs) else None

    def total(self, *, partial: bool) -> Compared:
        """All of them as one, the same in whatever order they came; raises DataError where files are missing."""
        assert self._first is not None
        names = _names_together(self._parts, are_named=self._first[1].are_named)
        jobs, samples, pairs = _in_order(self._parts)
        inputs = tuple(each for job in jobs for each in job.inputs)
        _check_labels(self._parts, jobs)
        level = level_for(sum(job.job.n_units for job in jobs))
        own = tuple(job.job.coarser(level) for job in jobs)
        sums = self._sums
        sums = replace(sums, pairs=tuple(own.put_into(pair) for pair, own in zip(sums.pairs, pairs, strict=True)))
        sums = _without_classes(sums, self._without_classes)
        subject = self._first[1]
        models = [
            replace(model, name=name, path=together([each.models[i] for each in inputs]))
            for i, (model, name) in enumerate(zip(subject.models, names, strict=True))
        ]
        groups = _groups_together(self._parts)
        subject = replace(
            subject,
            name=together([each.targets or each.models[0] for each in inputs]),
            models=tuple(models),
            settings={**self.of_any.settings(subject.settings), _CLUSTERS: groups or "none"},
            groups=groups,
        )
        return Compared(
            subject,
            with_units(sums, subject.pairs, own),
            n_units_of(own),
            inputs,
            samples,
            self._findings,
            len(inputs) > 1,
            self.of_any.left_out(partial=partial),
            self.of_any.machines,
            own,
        )


def _unnumbered(sums: Sums) -> Sums:
    """The sums without what is numbered by sample."""
    return replace(sums, pairs=tuple(_Numbered().put_into(pair) for pair in sums.pairs))


@dataclass(frozen=True, eq=False)
class _Placed:
    """A job of a tally, with its inputs, and how much higher its samples are numbered among all."""

    part: int
    inputs: tuple[Input, ...]
    job: Job
    start: int

    @property
    def order(self) -> Any:
        """That of the names of the first files, by the numbers in them."""
        first = self.inputs[0]
        return natural(first.models[0]), first.models[0], first.digest or ""

    @property
    def n_samples(self) -> int:
        return sum(each.n_samples for each in self.inputs)


def _in_order(
    parts: Sequence[_Part],
) -> tuple[list[_Placed], dict[int, Sample], list[_Numbered]]:
    """The jobs of all tallies in order, and what is numbered, by numbers among all samples."""
    jobs = sorted((placed for i, part in enumerate(parts) for placed in _placed(i, part)), key=lambda job: job.order)
    begins = accumulate((job.n_samples for job in jobs), initial=0)
    moves: list[list[tuple[int, int, int]]] = [[] for _ in parts]  # of each part: from, to before, and by how much
    for job, begin in zip(jobs, begins, strict=False):
        moves[job.part].append((job.start, job.start + job.n_samples, begin - job.start))
    samples: dict[int, Sample] = {}
    pairs = [_Numbered() for _ in parts[0].pairs]
    for part, own in zip(parts, moves, strict=True):
        samples |= {_moved(own, number): sample for number, sample in part.samples.items()}
        pairs = [known + more.moved(partial(_moved, own)) for known, more in zip(pairs, part.pairs, strict=True)]
    return jobs, samples, pairs


def _placed(number: int, part: _Part) -> list[_Placed]:
    """The jobs of a tally, whose samples begin where those of the ones before end."""
    ends = list(accumulate((job.n_inputs for job in part.jobs), initial=0))
    found, start = [], 0
    for job, (first, stop) in zip(part.jobs, pairwise(ends), strict=True):
        found.append(_Placed(number, part.inputs[first:stop], job, start))
        start += found[-1].n_samples
    return found


def _moved(moves: Sequence[tuple[int, int, int]], number: int) -> int:
    return next(number + by for first, stop, by in moves if first <= number < stop)


def _check_labels(parts: Sequence[_Part], jobs: Sequence[_Placed]) -> None:
    """Raise DataError where clusters are integers in some tallies alone: are 1 and 01 one?."""
    kinds = {are_integers(each.job.labels): parts[each.part].name for each in jobs if each.job.labels}
    if len(kinds) > 1:
        message = f"has clusters that are all integers, but {kinds[False]} has others: they do not add up"
        raise DataError(message, where=kinds[True], hint="compare all files in one run")


def _check_comparable(name: str, own: Subject, first: str, known: Subject) -> None:
    """Raise DataError where settings or classes differ, or the numbers of models."""
    check_same_settings(name, {**own.settings, **_asked(own)}, first, {**known.settings, **_asked(known)})
    for mine, theirs in zip(own.models, known.models, strict=True):
        check_same_classes(name, mine.n_classes, mine.class_names, first, theirs.n_classes, theirs.class_names)


def _asked(subject: Subject) -> Mapping[str, str]:
    """What was asked for beyond the settings that change a number."""
    names = ",".join(model.name for model in subject.models) if subject.are_named else "of the files"
    every = len(subject.models) > 2 and len(subject.pairs) >= len(subject.models)
    groups = subject.groups
    return {
        # Labels are in a file of each part.
        _CLUSTERS: "none" if groups is None else groups if axis_of(groups) is not None else "labels of a file",
        "models": str(len(subject.models)),
        "names": names,
        "pairs": "all" if every else "baseline",
        "largest": str(subject.n_largest),
    }


def _names_together(parts: Sequence[_Part], *, are_named: bool) -> tuple[str, ...]:
    """The names of the models: what differs from part to part is a number, the same in the names of all models.

    Raises DataError for other names: they do not say which models are the same ones.
    """
    first = parts[0]
    if are_named or len({part.names for part in parts}) == 1:
        return first.names
    found = [starred(names) for names in zip(*(part.names for part in parts), strict=True)]
    every = [each for each in found if each is not None]
    names = tuple(pattern for pattern, _ in every)
    numbers = [{own[i] for _, own in every} for i in range(len(parts))]
    if len(every) == len(found) and len(set(names)) == len(names) and all(len(each) == 1 for each in numbers):
        return names
    other = next(part for part in parts if part.names != first.names)
    message = f"compares {' and '.join(other.names)}, but {first.name} {' and '.join(first.names)}"
    hint = f"where they are the same models, compare every part with {setting('names')} NAME,NAME"
    raise DataError(f"{message}: they are not comparable", where=other.name, hint=hint)


def _groups_together(parts: Sequence[_Part]) -> str | None:
    """Where the groups of all parts come from."""
    files = sorted({part.groups for part in parts if part.groups is not None}, key=natural)
    return together(files) if files else None
