"""The passes over the inputs, each of which opens them anew but the first."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from nllcli.commands.calibrate.looking import Sums
from nllcli.scoring.passes import open_again
from nllcli.scoring.shares import fold_parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nllcli.commands.calibrate.looking import Look
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import ScoreRequest
    from nllcli.errors import NllError, Notice
    from nllcli.scoring.settled import Settled

WHY = "a temperature is fitted in several passes"


class Passes:
    """Passes over the samples of settled inputs; ``dataset`` is that of the files that could be read."""

    def __init__(self, request: ScoreRequest, settled: Settled) -> None:
        self.options = settled.options
        self.dataset = settled.dataset
        self.notes: tuple[Notice, ...] = ()
        self.parts: Mapping[int, Sums] = {}
        self._request = request
        self._opened: Dataset | None = settled.dataset
        self._firsts: Sequence[int] | None = None

    def run(self, look: Look) -> Sums:
        """What one pass adds up."""
        request, dataset = self._request, self._opened or open_again(self._request.inputs, WHY)
        found: dict[int, Sums] = {}
        failed, told = fold_parts(
            *(request.workers, look, Sums(), dataset),
            prepare=_itself,
            take=_itself,
            finish=found.__setitem__,
            progress=request.progress,
            firsts=self._firsts,
        )
        if self._opened is not None:
            self._opened, self.notes, self.parts = None, told, found
            self._firsts = [dataset.first_of(part) for part in range(len(dataset.parts))]
            self.dataset = _without(dataset, found, failed) if failed else dataset
        return reduce(add, (found[part] for part in sorted(found)), Sums())


def _itself(found: Any) -> Any:
    return found


def _without(dataset: Dataset, found: Mapping[int, Sums], failed: Mapping[int, NllError]) -> Dataset:
    """The dataset of the parts that could be read; raises what is wrong with the others unless these may fail."""
    from nllcli.inputs.several import all_of, without_failed

    if not (dataset.may_be_partial and found):
        raise all_of([failed[number] for number in sorted(failed)], len(dataset.parts))
    return without_failed(dataset, sorted(found), failed)
