"""Tallies of the files that are done, in a folder: a run that was cut off goes on where it was."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nllcli.commands.compute.reading import from_data
from nllcli.commands.compute.result import result_of
from nllcli.commands.compute.subject import subject_of
from nllcli.commands.compute.tally import check_can_be_tallied, head_of, with_tally
from nllcli.errors import Remedy, UsageError, setting
from nllcli.inputs.tally_files import read_tally
from nllcli.outputs.files import faults, replace_file
from nllcli.outputs.tally_json import render

if TYPE_CHECKING:
    from nllcli.commands.compute.subject import LossTally
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest
    from nllcli.scoring.settled import Settled

# The classes of more are tallied where they are asked for alone.
MOST_CLASSES = 1000
_CHARACTERS = 16
_IDENTITY = "reading"


def check_resumable(request: ScoreRequest, *, per_sample: bool, saves: bool) -> None:
    """Raise UsageError for results that need every sample, those of files that were done before too."""
    check_can_be_tallied(request, own_weights=True)
    if per_sample or saves:
        what = setting("per_sample") if per_sample else "an array of all samples"
        message = f"{setting('resume')} does not score the samples of files that are done again, which {what} needs"
        raise UsageError(message, remedies=[Remedy({"resume": None}, "all files are scored")])


@dataclass(frozen=True)
class Resume:
    """The ``folder`` of tallies, each of one file of logits; ``with_classes`` says that those without are of no use."""

    folder: str
    with_classes: bool

    def found(self, settled: Settled) -> dict[int, LossTally]:
        """The tallies of the parts of settled inputs that are there, by part: of the same files and settings.

        A file that is there and is no tally is an error.
        """
        tallies = {}
        for number, part in enumerate(settled.dataset.parts):
            path = self._path(part)
            if not path.exists():
                continue
            fields = read_tally(str(path))
            expected = head_of(subject_of(replace(settled, dataset=part))) | {_IDENTITY: _identity(part)}
            tally = from_data(fields)
            is_same = all(fields.values.get(key) == value for key, value in _as_read(expected).items())
            lacks_classes = self.with_classes and tally.sums.n_samples > 0 and tally.sums.classes is None
            if is_same and not lacks_classes:
                tallies[number] = tally
        return tallies

    def save(self, part: Dataset, tally: LossTally) -> None:
        """Write the tally of a part, whole or not at all."""
        report = with_tally(result_of(tally))
        assert report.tally is not None
        report = replace(report, tally={**report.tally, _IDENTITY: _identity(part)})
        folder, path = Path(self.folder), self._path(part)
        with faults(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with replace_file(path) as file, faults(path):
            file.write(render(report).encode())

    def _path(self, part: Dataset) -> Path:
        """The file of a part: by the name of its logits, for people, and a digest of all names."""
        targets = part.targets or part.soft_targets
        names = (part.logits.name, None if targets is None else targets.name)
        readable = re.sub(r"[^\w.-]", "_", Path(part.logits.name).name)[-64:]
        return Path(self.folder) / f"{readable}-{_digest(names)}.tally.json"


def _identity(part: Dataset) -> str:
    """What changes with the files of a part, and with how they are read; raises UsageError for a pipe."""
    try:
        _, arguments = part.recipe
    except UsageError as error:
        error.message = f"can be read only once, and {setting('resume')} is for files that can be told from others"
        error.hint, error.remedies = None, (Remedy({"resume": None}, "scored once"),)
        raise
    return _digest(arguments)


def _digest(value: object) -> str:
    return sha256(repr(value).encode()).hexdigest()[:_CHARACTERS]


def _as_read(values: dict[str, Any]) -> dict[str, Any]:
    """The values as JSON has them."""
    read: dict[str, Any] = json.loads(json.dumps(values))
    return read
