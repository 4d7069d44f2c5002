"""The sums of a loss part by part, as its inputs come one after another; and those of earlier runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nllcli.commands.compute.subject import (
    LossTally,
    add_findings,
    hardest_at,
    hardest_of,
    hardest_sequences_of,
    input_of,
    sequences_at,
    subject_of,
    without_numbers,
    without_part_of_tokens,
)
from nllcli.errors import Notice, counted
from nllcli.numerics.tally import Tally
from nllcli.scoring.notices import all_found
from nllcli.scoring.parts import readable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nllcli.commands.compute.resume import Resume
    from nllcli.commands.compute.subject import HardSample, HardSequence
    from nllcli.errors import NllError
    from nllcli.scoring.notices import Found
    from nllcli.scoring.settled import Settled


class ByPart:
    """The tallies of the parts of settled inputs; memory holds the class sums of all parts together alone.

    ``digests`` asks for what tells parts apart. Parts that a ``resume`` has are not worked on again.
    """

    def __init__(self, settled: Settled, *, digests: bool, resume: Resume | None = None) -> None:
        self._settled = settled
        self._digests = digests
        self._resume = resume
        self._subject = subject_of(settled)
        self._sums = Tally()
        self._hardest: tuple[HardSample, ...] = ()
        self._sequences: tuple[HardSequence, ...] = ()
        self._found: dict[int, LossTally] = {}
        self._folder = None if resume is None else resume.folder
        for part, tally in ({} if resume is None else resume.found(settled)).items():
            self._add(part, tally)
        everything = range(len(settled.dataset.parts))
        self._todo = [part for part in everything if part not in self._found]
        self.dataset = settled.dataset.only(self._todo) if self._found and self._todo else settled.dataset
        self._n_before = len(self._found)

    @property
    def is_done(self) -> bool:
        """Whether earlier runs have all parts."""
        return not self._todo

    def finish(self, number: int, sums: Tally) -> None:
        """Take the sums of a part of ``dataset``, all blocks of which have been worked on."""
        part = self.dataset.parts[number]
        named = input_of(part, sums)
        machines: tuple[Mapping[str, str], ...] = ()
        if self._digests:
            from nllcli.scoring.tally_data import digest_of, this_machine

            named, machines = replace(named, digest=digest_of([sums])), (this_machine(),)
        first = self.dataset.first_of(number)
        tally = LossTally(
            self._subject,
            without_numbers(sums),
            all_found(sums, part, first),
            (named,),
            computed_with=machines,
            hardest=hardest_at(sums, part, first),
            sequences=sequences_at(sums, part, first),
        )
        if self._resume is not None:
            self._resume.save(replace(self._settled, dataset=part), tally)
        self._add(self._todo[number], tally)

    @property
    def notes(self) -> tuple[Notice, ...]:
        """What is worth knowing about the inputs, and about the parts that were done before."""
        n_files = counted(len(self._settled.dataset.parts), "file")
        told = f"{self._folder}: {self._n_before} of {n_files} done before"
        return (*self._settled.dataset.notes, *(Notice("resumed", told),) * bool(self._n_before))

    def total(self, failed: Mapping[int, NllError], *, whole: bool) -> LossTally:
        """The tally of all parts, or under the setting that allows it of those that have not ``failed``.

        Raises what is wrong with these where the ``whole`` is needed.
        """
        dataset = readable(self._settled.dataset, self._found, failed, whole=whole)
        findings: dict[str, Found] = {}
        for part in sorted(self._found):
            add_findings(findings, self._found[part].findings)
        inputs = tuple(each for part in sorted(self._found) for each in self._found[part].inputs)
        subject = subject_of(replace(self._settled, dataset=dataset)) if failed else self._subject
        machines = {tuple(each.values()): each for found in self._found.values() for each in found.computed_with}
        computed_with = tuple(machines[key] for key in sorted(machines))
        named = (self._hardest, self._sequences)
        found = LossTally(subject, self._sums, findings, inputs, dataset.left_out, computed_with, *named)
        return without_part_of_tokens(found)

    def _add(self, part: int, tally: LossTally) -> None:
        self._sums += tally.sums
        self._hardest = hardest_of((*self._hardest, *tally.hardest), self._sums)
        self._sequences = hardest_sequences_of((*self._sequences, *tally.sequences), self._sums)
        self._found[part] = replace(tally, sums=Tally(), hardest=(), sequences=())
