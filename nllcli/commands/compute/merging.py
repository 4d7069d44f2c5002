"""Tallies of losses added up: refused where they are not of one subject, or where samples would count double."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nllcli.commands.compute.reading import from_data
from nllcli.commands.compute.result import report, result_of
from nllcli.commands.compute.subject import (
    LossTally,
    add_findings,
    hardest_of,
    hardest_sequences_of,
    name_of,
    without_part_of_tokens,
)
from nllcli.commands.compute.tally import with_tally
from nllcli.errors import DataError, Notice, Remedy, UsageError, setting
from nllcli.inputs.bytes.files import natural
from nllcli.inputs.shards import check_same_classes
from nllcli.numerics.tally import Tally
from nllcli.records import dataclass
from nllcli.scoring.merging import Merging, check_same_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nllcli.commands.compute.subject import HardSample, HardSequence, Input
    from nllcli.inputs.tally_files import Fields
    from nllcli.report import Report
    from nllcli.scoring.notices import Found


def merge(files: Iterable[Fields], paths: Sequence[str], *, allow_duplicates: bool, partial: bool) -> Merged:
    """Add up the tallies of ``files``, at least one, which are at ``paths``.

    ``allow_duplicates`` lets samples count double, ``partial`` lets files of a set be missing.
    """
    merging = _Merging(paths, allow_duplicates=allow_duplicates)
    for file in files:
        merging.add(file)
    return Merged(
        merging.total(partial=partial), merging.without_classes, merging.of_any.notes, merging.without_pictures
    )


@dataclass(frozen=True)
class Merged:
    """The sum of tallies; ``without_classes`` is the name of one that has no sums by class, if there is such.

    ``without_pictures`` is that of the first one for which nothing was collected for pictures: then the sum has none.
    """

    tally: LossTally
    without_classes: str | None
    notes: tuple[Notice, ...]
    without_pictures: str | None = None

    def report(
        self, *, per_class: bool = False, classes_up_to: float = 0, tallied: bool = False, pictured: bool = False
    ) -> Report:
        """The report of one loss, with its tally where that is asked for, and with pictures.

        The classes are in it where asked for ``per_class``, or where there are at most ``classes_up_to``.
        """
        tally = shown = self.tally
        if per_class and tally.sums.classes is None:
            raise _no_classes(tally, self.without_classes)
        if not per_class and tally.subject.n_classes > classes_up_to:
            shown = replace(tally, sums=replace(tally.sums, classes=None))
        result = replace(result_of(shown, notes=self.notes), tally=tally)
        if pictured and self.without_pictures is not None:
            message = f"{self.without_pictures} holds no sums for pictures: nll report writes tallies that do"
            result = replace(result, warnings=(*result.warnings, Notice("no-pictures", message)))
        return with_tally(result) if tallied else report(result, only=() if pictured else None)


class _Merging:
    """The tallies so far: one after another, so that the memory is that of two."""

    def __init__(self, paths: Sequence[str], *, allow_duplicates: bool) -> None:
        self.of_any = Merging(paths, allow_duplicates=allow_duplicates)
        self._first: tuple[str, LossTally] | None = None
        self._counted: tuple[str, Tally] | None = None
        self._sums = Tally()
        self._findings: dict[str, Found] = {}
        self._inputs: list[Input] = []
        self._hardest: tuple[HardSample, ...] = ()
        self._sequences: tuple[HardSequence, ...] = ()
        self.without_classes: str | None = None
        self.without_pictures: str | None = None

    def add(self, file: Fields) -> None:
        """Add the tally of one file; raises DataError for one that does not belong to the others."""
        self.of_any.check_version(file)
        tally = from_data(file)
        if self._first is None:
            self._first = file.name, tally
        else:
            check_comparable(file.name, tally, *self._first)
        self._check_counted(file.name, tally.sums)
        inputs = [(each.logits, each.digest) for each in tally.inputs]
        self.of_any.add(file.name, inputs, tally.subject.settings, tally.left_out, tally.computed_with)
        self._sums += tally.sums
        self._hardest = hardest_of((*self._hardest, *tally.hardest), self._sums)
        self._sequences = hardest_sequences_of((*self._sequences, *tally.sequences), self._sums)
        add_findings(self._findings, tally.findings)
        self._inputs += tally.inputs

    def _check_counted(self, name: str, sums: Tally) -> None:
        """Look at what sums may lack: a number that some have and others do not is not one of all samples."""
        if not sums.n_counted:
            return
        if sums.classes is None:
            self.without_classes = self.without_classes or name
        if sums.pictures is None:
            self.without_pictures = self.without_pictures or name
        first, known = self._counted or (name, sums)
        if (known.n_correct is None) != (sums.n_correct is None):
            have, lack = (first, name) if sums.n_correct is None else (name, first)
            raise DataError(f"was computed without targets, but {have} with: they are not comparable", where=lack)
        self._counted = first, known

    def total(self, *, partial: bool) -> LossTally:
        """All of them as one, the same in whatever order they came; raises DataError where files are missing."""
        assert self._first is not None
        subject = self._first[1].subject
        inputs = tuple(sorted(self._inputs, key=lambda each: (natural(each.logits), each.logits, each.digest or "")))
        sums = self._sums if self.without_classes is None else replace(self._sums, classes=None)
        if self.without_pictures is not None:
            sums = replace(sums, pictures=None)
        found = LossTally(
            replace(subject, name=name_of(inputs), settings=self.of_any.settings(subject.settings)),
            sums,
            self._findings,
            inputs,
            self.of_any.left_out(partial=partial),
            self.of_any.machines,
            hardest_of(self._hardest, sums),
            hardest_sequences_of(self._sequences, sums),
        )
        return without_part_of_tokens(found)


def check_comparable(name: str, tally: LossTally, first: str, other: LossTally) -> None:
    """Raise DataError where settings or classes differ."""
    own, known = tally.subject, other.subject
    check_same_settings(name, own.settings, first, known.settings)
    check_same_classes(name, own.n_classes, own.class_names, first, known.n_classes, known.class_names)


def _no_classes(tally: LossTally, name: str | None) -> UsageError:
    """The refusal of a table of classes without sums of classes."""
    what = setting("per_class")
    why = ": its targets are class probabilities" if tally.subject.soft else ""
    message = f"has no sums by class, which {what} needs{why}"
    return UsageError(message, where=name, remedies=[Remedy({"per_class": None}, "without the classes")])
