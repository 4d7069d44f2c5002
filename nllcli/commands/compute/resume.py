"""Tallies of the files that are done, in a folder: a run that was cut off goes on where it was."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nllcli.commands.compute.reading import from_data
from nllcli.commands.compute.result import result_of
from nllcli.commands.compute.subject import subject_of, without_pictures
from nllcli.commands.compute.tally import head_of, with_tally
from nllcli.data.dataset import Seen
from nllcli.errors import Notice, Remedy, UsageError, setting
from nllcli.inputs.bytes.files import name_of
from nllcli.inputs.tally_files import read_tally
from nllcli.outputs.files import faults, replace_file
from nllcli.outputs.tally_json import render
from nllcli.records import dataclass
from nllcli.scoring.tally_data import check_can_be_tallied

if TYPE_CHECKING:
    from nllcli.commands.compute.subject import LossTally
    from nllcli.data.settings import LossOptions, ScoreRequest
    from nllcli.inputs.tally_files import Fields
    from nllcli.numerics.pictured import PicturesWanted
    from nllcli.numerics.tally import Tally
    from nllcli.scoring.settled import Settled

_CHARACTERS = 16
_IDENTITY, _NOTES = "reading", "notes"


def check_resumable(request: ScoreRequest, *, per_sample: bool, saves: bool) -> None:
    """Raise UsageError for results that need every sample, those of files that were done before too."""
    check_can_be_tallied(request, own_weights=True)
    if per_sample or saves:
        what = setting("per_sample") if per_sample else "an array of all samples"
        message = f"{setting('resume')} does not score the samples of files that are done again, which {what} needs"
        raise UsageError(message, remedies=[Remedy({"resume": None}, "all files are scored")])


@dataclass(frozen=True)
class Resume:
    """The ``folder`` of tallies, each of one file of logits; ``with_classes`` says that those without are of no use.

    So are those for which other ``pictures`` were collected, where some are wanted.
    """

    folder: str
    with_classes: bool
    pictures: PicturesWanted | None = None

    def found(self, settled: Settled) -> dict[int, LossTally]:
        """The tallies of the parts of settled inputs that are there, by part: of the same files and settings.

        The parts are told what was worth knowing about them. A file that is there and is not a tally is an error.
        """
        tallies = {}
        for number, part in enumerate(settled.dataset.parts):
            own = replace(settled, dataset=part)
            path = self._path(own)
            identity = _identity(own)
            if not path.exists():
                continue
            fields = read_tally(str(path))
            expected = head_of(subject_of(own)) | {_IDENTITY: identity}
            tally = from_data(fields)
            is_same = all(fields.values.get(key) == value for key, value in _as_read(expected).items())
            if is_same and self._is_enough(tally.sums):
                part.add_seen(0, Seen(tally.sums.n_samples, _notes(fields), {}, {}))
                tallies[number] = tally if self.pictures is not None else without_pictures(tally)
        return tallies

    def _is_enough(self, sums: Tally) -> bool:
        """Whether there is all that is wanted."""
        if self.with_classes and _lacks_classes(sums):
            return False
        return self.pictures is None or (sums.pictures is not None and sums.pictures.is_of(self.pictures))

    def save(self, settled: Settled, tally: LossTally) -> None:
        """Write the tally of settled inputs that are one part, whole or not at all."""
        report = with_tally(result_of(replace(tally, subject=subject_of(settled))))
        assert report.tally is not None
        own = {_IDENTITY: _identity(settled), _NOTES: [asdict(note) for note in settled.dataset.notes]}
        report = replace(report, tally={**report.tally, **own})
        folder, path = Path(self.folder), self._path(settled)
        with faults(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with replace_file(path) as file, faults(path):
            file.writelines(piece.encode() for piece in render(report))

    def _path(self, settled: Settled) -> Path:
        """The file of a part: by the name of its logits, for people, and a digest of all names and of the options."""
        part = settled.dataset
        names = (part.logits.name, part.targets_name)
        readable = re.sub(r"[^\w.-]", "_", Path(part.logits.name).name)[-64:]
        return Path(self.folder) / f"{readable}-{_digest((names, _options(settled)))}.tally.json"


def _lacks_classes(sums: Tally) -> bool:
    """Whether the sums by class are missing: samples with one class to predict may have them."""
    return sums.classes is None and sums.n_correct is not None


def _notes(fields: Fields) -> tuple[Notice, ...]:
    """What was worth knowing about the inputs."""
    return tuple(Notice(each.text("code"), each.text("message")) for each in fields.each(_NOTES))


def _identity(settled: Settled) -> str:
    """What changes with the files of a part, with how they are read, and with any option.

    Raises UsageError for files that cannot be told from others: a pipe, or those of a server without versions.
    """
    why = f"and {setting('resume')} is for files that can be told from others"
    remedy = Remedy({"resume": None}, "scored once")
    try:
        _, (inputs, versions, number) = settled.dataset.recipe
    except UsageError as error:
        error.message, error.hint, error.remedies = f"can be read only once, {why}", None, (remedy,)
        raise
    for path, version in versions.items():
        if version[-1] == "":
            message = f"is on a server that says nothing of its version, {why}"
            raise UsageError(message, where=name_of(path), remedies=[remedy])
    return _digest((inputs, versions, number, _options(settled)))


def _options(settled: Settled) -> LossOptions:
    """The options but for the class weights, which are compared one by one."""
    return replace(settled.options, class_weights=None)


def _digest(value: object) -> str:
    return sha256(repr(value).encode()).hexdigest()[:_CHARACTERS]


def _as_read(values: dict[str, Any]) -> dict[str, Any]:
    """The values as JSON has them."""
    read: dict[str, Any] = json.loads(json.dumps(values))
    return read
