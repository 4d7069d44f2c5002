"""The passes over the inputs, each of which opens them anew but the first."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from nllcli.commands.calibrate.looking import Sums
from nllcli.errors import DataError, Remedy, UsageError
from nllcli.inputs.bytes.files import can_be_read_again, name_of
from nllcli.inputs.words import input_words
from nllcli.numerics.tally import Tally
from nllcli.scoring.parts import readable
from nllcli.scoring.passes import open_again
from nllcli.scoring.settled import settle_options
from nllcli.scoring.shares import fold_parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nllcli.commands.calibrate.looking import Look
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import InputOptions, ScoreRequest
    from nllcli.errors import Notice
    from nllcli.scoring.settled import Settled

_WHY = "a temperature is fitted in several passes"


class Passes:
    """Passes over the samples of ``settled`` inputs; ``dataset`` is theirs.

    Once there was a pass, both are of the files that could be read, ``inputs`` names these, and ``notes`` are on the
    workers.
    """

    def __init__(self, request: ScoreRequest, settled: Settled) -> None:
        self.settled = settled
        self.options = settled.options
        self.dataset = settled.dataset
        self.notes: tuple[Notice, ...] = ()
        self.inputs: list[Mapping[str, str | int | None]] = []
        self._request = request
        self._opened: Dataset | None = settled.dataset
        self._firsts: Sequence[int] | None = None

    def run(self, look: Look) -> Sums:
        """What one pass adds up; raises DataError for weights below 0."""
        request, dataset = self._request, self._opened or open_again(self._request.inputs, _WHY)
        found: dict[int, Sums] = {}
        failed, told = fold_parts(
            *(request.workers, look, Sums(), dataset),
            prepare=_itself,
            take=_itself,
            finish=found.__setitem__,
            progress=request.progress,
            firsts=self._firsts,
        )
        sums = reduce(add, (found[part] for part in sorted(found)), look.nothing)
        if self._opened is not None:
            self._opened, self.notes = None, told
            self._firsts = [dataset.first_of(part) for part in range(len(dataset.parts))]
            self.inputs = [_input(dataset.parts[part], found[part]) for part in sorted(found)]
            self.dataset = readable(dataset, found, failed)
            own = self.settled
            self.settled = settle_options(self.options, self.dataset, own.weighting, shift=own.shift)
            _check_weights(sums.tallies[0], self.dataset)
        return sums


def check_can_be_read_again(inputs: InputOptions) -> None:
    """Raise UsageError for inputs that the passes of a fit cannot read more than once."""
    for path in input_words(inputs):
        if not can_be_read_again(path):
            message = f"{_WHY}, and {name_of(path)} cannot be read twice"
            remedies = [Remedy({"no_fit": True, "quiet": None}, "the probabilities as they are, and no temperature")]
            raise UsageError(message, hint="save it to a file", remedies=remedies)


def _input(part: Dataset, sums: Sums) -> Mapping[str, str | int | None]:
    """The files of a part, as a report has them."""
    targets = part.targets or part.soft_targets
    n_samples = sums.tallies[0].n_samples if sums.tallies else 0
    return {"logits": part.logits.name, "targets": None if targets is None else targets.name, "n_samples": n_samples}


def _check_weights(tally: Tally, dataset: Dataset) -> None:
    rows = tally.findings.get("negative-sample-weights")
    if rows is not None:
        where = f"{dataset.logits.name}, {dataset.place(rows.first[0])}"
        raise DataError("its sample weight is below 0: calibration needs weights from 0 on", where=where)


def _itself(found: Any) -> Any:
    return found
