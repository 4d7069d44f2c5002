"""The passes over the inputs, each of which opens them anew but the first."""

from __future__ import annotations

from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nllcli.commands.calibrate.pass_work import Sums
from nllcli.errors import FaultError, Remedy, UsageError
from nllcli.inputs.bytes.files import can_be_read_again, name_of
from nllcli.inputs.words import input_words
from nllcli.scoring.parts import readable
from nllcli.scoring.passes import open_again
from nllcli.scoring.settled import settle_options
from nllcli.scoring.shares import fold_parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nllcli.commands.calibrate.pass_work import PassWork
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import InputOptions, ScoreRequest
    from nllcli.errors import NllError, Notice
    from nllcli.scoring.settled import Settled

_WHY = "a temperature is fitted in several passes"
_SAVED = "saved-input"


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
        self._n_samples: Mapping[int, int] = {}

    def run(self, work: PassWork) -> Sums:
        """What one pass adds up."""
        request, dataset = self._request, self._opened or open_again(self._request.inputs, _WHY)
        found: dict[int, Sums] = {}
        failed, told = fold_parts(
            *(request.workers, work, Sums(), dataset),
            prepare=_itself,
            take=_itself,
            finish=found.__setitem__,
            progress=request.progress,
            firsts=self._firsts,
        )
        sums = reduce(add, (found[part] for part in sorted(found)), work.nothing)
        n_samples = {part: each.tallies[0].n_samples if each.tallies else 0 for part, each in found.items()}
        if self._opened is None:
            self._check_same(dataset, n_samples, failed)
        else:
            self._opened, self.notes, self._n_samples = None, told, n_samples
            self._firsts = [dataset.first_of(part) for part in range(len(dataset.parts))]
            self.inputs = [_input(dataset.parts[part], found[part]) for part in sorted(found)]
            self.dataset = readable(dataset, found, failed)
            own = self.settled
            self.settled = settle_options(self.options, self.dataset, own.weighting, shift=own.shift)
        return sums

    def _check_same(self, dataset: Dataset, n_samples: Mapping[int, int], failed: Mapping[int, NllError]) -> None:
        """Raise what is wrong with files that were right in the first pass."""
        for part, n in self._n_samples.items():
            if part in failed:
                raise failed[part]
            if n_samples.get(part) != n:
                raise FaultError("has changed while it was read", where=dataset.parts[part].logits.name)


def check_can_be_read_again(inputs: InputOptions) -> None:
    """Raise UsageError for inputs that the passes of a fit cannot read more than once."""
    for path in input_words(inputs):
        if not (can_be_read_again(path) or Path(path).is_dir()):  # of which opening it says more
            message = f"{_WHY}, and {name_of(path)} cannot be read twice"
            saved = Remedy({}, "saved first", files={"-": _SAVED}, shell=f"cat > {_SAVED}")
            raise UsageError(message, hint="save it to a file", remedies=[saved] if path == "-" else [])


def _input(part: Dataset, sums: Sums) -> Mapping[str, str | int | None]:
    """The files of a part, as a report has them."""
    n_samples = sums.tallies[0].n_samples if sums.tallies else 0
    return {"logits": part.logits.name, "targets": part.targets_name, "n_samples": n_samples}


def _itself(found: Any) -> Any:
    return found
