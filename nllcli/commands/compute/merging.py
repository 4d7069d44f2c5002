"""Tallies of losses added up: refused where they are not of one subject, or where samples would count double."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from nllcli import __version__
from nllcli.commands.compute.reading import from_data
from nllcli.commands.compute.result import report, result_of
from nllcli.commands.compute.subject import LossTally, add_findings, name_of
from nllcli.commands.compute.tally import with_tally
from nllcli.data.dataset import LeftOut
from nllcli.errors import DataError, Notice, Remedy, UsageError, counted, first_few, setting
from nllcli.inputs.bytes.files import natural
from nllcli.inputs.sets import incomplete, member_of
from nllcli.inputs.shards import check_same_classes
from nllcli.inputs.tally_files import without
from nllcli.numerics.tally import Tally
from nllcli.records import dataclass
from nllcli.scoring.multisets import is_digest, sum_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nllcli.commands.compute.subject import Input
    from nllcli.inputs.sets import Incomplete
    from nllcli.inputs.tally_files import Fields
    from nllcli.report import Report
    from nllcli.scoring.notices import Found

_WEIGHTS = "sample-weights"
_MOST_NAMED = 5


def merge(files: Iterable[Fields], paths: Sequence[str], *, allow_duplicates: bool, partial: bool) -> Merged:
    """Add up the tallies of ``files``, at least one, which are at ``paths``.

    ``allow_duplicates`` lets samples count double, ``partial`` lets files of a set be missing.
    """
    merging = _Merging(paths, allow_duplicates=allow_duplicates)
    for file in files:
        merging.add(file)
    return Merged(merging.total(partial=partial), merging.without_classes, _versions(merging.versions))


@dataclass(frozen=True)
class Merged:
    """The sum of tallies; ``without_classes`` is the name of one that has no sums by class, if there is such."""

    tally: LossTally
    without_classes: str | None
    notes: tuple[Notice, ...]

    def report(self, *, per_class: bool = False, classes_up_to: float = 0, tallied: bool = False) -> Report:
        """The report of one loss, with its tally where that is asked for.

        The classes are in it where asked for ``per_class``, or where there are at most ``classes_up_to``.
        """
        tally = shown = self.tally
        if per_class and tally.sums.classes is None:
            raise _no_classes(tally, self.without_classes)
        if not per_class and tally.subject.n_classes > classes_up_to:
            shown = replace(tally, sums=replace(tally.sums, classes=None))
        result = replace(result_of(shown, notes=self.notes), tally=tally)
        return with_tally(result) if tallied else report(result)


class _Merging:
    """The tallies so far: one after another, so that the memory is that of two."""

    def __init__(self, paths: Sequence[str], *, allow_duplicates: bool) -> None:
        self._paths = paths
        self._allow_duplicates = allow_duplicates
        self._first: tuple[str, LossTally] | None = None
        self._counted: tuple[str, Tally] | None = None
        self._sums = Tally()
        self._findings: dict[str, Found] = {}
        self._inputs: list[Input] = []
        self._digests: dict[str, str] = {}
        self._weights: list[str] = []
        self._left_out: list[_LeavesOut] = []
        self._machines: dict[tuple[str, ...], Mapping[str, str]] = {}
        self.without_classes: str | None = None
        self.versions: dict[str, str] = {}

    def add(self, file: Fields) -> None:
        """Add the tally of one file; raises DataError for one that does not belong to the others."""
        version = file.text("version")
        if version.split(".")[:2] != __version__.split(".")[:2]:
            message = f"is of nll {version}, and this is {__version__}: its losses may be other ones"
            raise DataError(message, where=file.name, hint="write it again with this version")
        self.versions.setdefault(version, file.name)
        tally = from_data(file)
        if self._first is None:
            self._first = file.name, tally
        else:
            check_comparable(file.name, tally, *self._first)
        self._check_counted(file.name, tally.sums)
        for each in tally.inputs:
            self._check_new(file.name, each)
        self._sums += tally.sums
        add_findings(self._findings, tally.findings)
        self._inputs += tally.inputs
        self._weights.append(tally.subject.settings[_WEIGHTS])
        self._left_out += [] if tally.left_out is None else [_LeavesOut.of(file.name, tally.left_out, tally.inputs)]
        self._machines |= {tuple(machine.values()): machine for machine in tally.computed_with}

    def _check_counted(self, name: str, sums: Tally) -> None:
        """Look at what sums may lack: a number that some have and others do not is not one of all samples."""
        if not sums.n_counted:
            return
        if sums.classes is None:
            self.without_classes = self.without_classes or name
        first, known = self._counted or (name, sums)
        if (known.n_correct is None) != (sums.n_correct is None):
            have, lack = (first, name) if sums.n_correct is None else (name, first)
            raise DataError(f"was computed without targets, but {have} with: they are not comparable", where=lack)
        self._counted = first, known

    def _check_new(self, name: str, each: Input) -> None:
        """Raise DataError for samples that are there already."""
        if each.digest is None:
            return
        known = self._digests.setdefault(each.digest, name)
        if known != name and not self._allow_duplicates:
            raise DataError(
                f"holds the samples of {each.logits}, which {known} holds too",
                where=name,
                remedies=[
                    *without(self._paths, name),
                    *without(self._paths, known),
                    Remedy({"allow_duplicates": True}, "adds both"),
                ],
            )

    def total(self, *, partial: bool) -> LossTally:
        """All of them as one, the same in whatever order they came; raises DataError where files are missing."""
        assert self._first is not None
        subject = self._first[1].subject
        inputs = tuple(sorted(self._inputs, key=lambda each: (natural(each.logits), each.logits, each.digest or "")))
        weights = self._weights[0] if len(self._weights) == 1 else _sum_of_weights(self._weights)
        sums = self._sums if self.without_classes is None else replace(self._sums, classes=None)
        return LossTally(
            replace(subject, name=name_of(inputs), settings={**subject.settings, _WEIGHTS: weights}),
            sums,
            self._findings,
            inputs,
            _left_out(inputs, self._left_out, partial=partial),
            tuple(self._machines[key] for key in sorted(self._machines)),
        )


def check_comparable(name: str, tally: LossTally, first: str, other: LossTally) -> None:
    """Raise DataError where settings or classes differ; sample weights are of the samples, and differ by part."""
    own, known = tally.subject, other.subject
    for key in dict.fromkeys([*known.settings, *own.settings]):
        mine, theirs = own.settings.get(key), known.settings.get(key)
        are_weights = key == _WEIGHTS and is_digest(mine or "") and is_digest(theirs or "")
        if mine != theirs and not are_weights:
            message = f"has {_setting(key, mine)}, but {first} has {_setting(key, theirs)}: they are not comparable"
            raise DataError(message, where=name)
    check_same_classes(name, own.n_classes, own.class_names, first, known.n_classes, known.class_names)


def _setting(key: str, value: str | None) -> str:
    return f"no {key}" if value is None else f"{key}:{value}"


def _sum_of_weights(weights: list[str]) -> str:
    return sum_of(weights) if is_digest(weights[0]) else weights[0]


@dataclass(frozen=True)
class _LeavesOut:
    """What a tally at ``where`` leaves out: of ``n_unknown`` files neither its names nor those of its inputs tell."""

    where: str
    out: LeftOut
    n_unknown: int

    @classmethod
    def of(cls, where: str, out: LeftOut, inputs: Iterable[Input]) -> _LeavesOut:
        missing = _n_missing(incomplete([*(each.logits for each in inputs), *out.names]))
        return cls(where, out, max(0, out.n - len(out.names) - missing))


def _n_missing(sets: Iterable[Incomplete]) -> int:
    return sum(len(each.missing) for each in sets)


def _same(name: str) -> str:
    """What the names of one file have in common: the folders of a set that is counted may be any."""
    return name if member_of(name) is None else PurePath(name).name


def _left_out(inputs: tuple[Input, ...], known: list[_LeavesOut], *, partial: bool) -> LeftOut | None:
    """The files that are in none of the tallies; raises DataError for them unless ``partial``."""
    there = {_same(each.logits) for each in inputs}
    absent = {_same(name): name for each in known for name in each.out.names if _same(name) not in there}
    known = [each for each in known if each.n_unknown or not absent.keys().isdisjoint(map(_same, each.out.names))]
    sets = incomplete([*(each.logits for each in inputs), *absent])
    remedy = Remedy({"partial": True}, "merges those that are there, and says so")
    if not partial and sets:
        name, of, missing = sets[0]
        are = "is" if len(missing) == 1 else "are"
        message = f"is a set of {of} files, of which {len(missing)} {are} missing: {_numbers(missing)}"
        raise DataError(message, where=name, remedies=[remedy])
    if not partial and known:
        where, out = known[0].where, known[0].out
        raise DataError(f"leaves out {out.n} of {counted(out.of, 'file')}: {out.why}", where=where, remedies=[remedy])
    n = _n_missing(sets) + len(absent) + sum(each.n_unknown for each in known)
    why = [f"{each.name}: {_numbers(each.missing)} missing" for each in sets]
    why += sorted({each.out.why for each in known}, key=natural)
    names = tuple(sorted(absent.values(), key=natural))
    return LeftOut(n, len(inputs) + n, first_few(why, _MOST_NAMED), names) if n else None


def _numbers(missing: tuple[int, ...]) -> str:
    return f"{'number' if len(missing) == 1 else 'numbers'} {first_few([str(i) for i in missing], _MOST_NAMED)}"


def _no_classes(tally: LossTally, name: str | None) -> UsageError:
    """The refusal of a table of classes without sums of classes."""
    what = setting("per_class")
    why = ": its targets are class probabilities" if tally.subject.soft else ""
    message = f"has no sums by class, which {what} needs{why}"
    return UsageError(message, where=name, remedies=[Remedy({"per_class": None}, "without the classes")])


def _versions(found: Mapping[str, str]) -> tuple[Notice, ...]:
    """The note on tallies of another version than this."""
    others = [f"{name} is of nll {version}" for version, name in found.items() if version != __version__]
    return (Notice("versions-differ", f"{others[0]}, and this is {__version__}"),) if others else ()
