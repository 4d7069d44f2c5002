"""What a comparison is of, apart from its numbers: models, settings and files; and with the sums over the samples."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

from nllcli.data.names import names_of
from nllcli.data.settings import LOSSES_GIVEN, TOKENS
from nllcli.records import dataclass
from nllcli.scoring.notices import Found, all_found
from nllcli.scoring.settled import notices, settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nllcli.commands.compare.inference import Question
    from nllcli.commands.compare.jobs import Job
    from nllcli.commands.compare.sums import Sums
    from nllcli.data.dataset import Dataset, LeftOut
    from nllcli.errors import Notice
    from nllcli.scoring.settled import Settled


@dataclass(frozen=True)
class Model:
    """A model: its files are called ``path`` together; ``notices`` are what its settings make worth saying.

    ``names_classes`` says that they name the classes themselves.
    """

    name: str
    path: str
    source: str
    temperature: float
    n_classes: int
    class_names: tuple[str, ...] | None
    names_classes: bool
    notices: tuple[Notice, ...] = ()

    @property
    def has_classes(self) -> bool:
        """Whether there are numbers for several classes, or only for what occurred."""
        return self.source not in (TOKENS, LOSSES_GIVEN)

    @property
    def named_classes(self) -> Sequence[str]:
        """The classes' names, or their numbers."""
        return names_of(self.class_names, self.n_classes)


@dataclass(frozen=True)
class Subject:
    """The models, the baseline first, and the places of the two of each pair; ``name`` is that of the samples.

    ``settings`` are those in the signature, ``groups`` is where the groups of samples come from, and ``n_largest`` how
    many samples are listed. ``are_named`` says that the models have the names that a user gave.
    """

    name: str
    models: tuple[Model, ...]
    pairs: tuple[tuple[int, int], ...]
    settings: Mapping[str, str]
    question: Question
    n_largest: int
    groups: str | None
    loss: str
    ignore_index: int
    shift: int
    clip: float | None
    are_named: bool = False


@dataclass(frozen=True)
class Input:
    """The files of all ``models`` that have the same samples; ``n_sequences`` is None where there are no sequences.

    Equal digests mean the same samples with the same losses; None where none is counted, or nobody asked.
    """

    models: tuple[str, ...]
    targets: str | None
    n_samples: int
    n_sequences: int | None
    digest: str | None = None

    @property
    def named(self) -> dict[str, Any]:
        """The files and their samples, as a report has them."""
        return {"models": list(self.models), "targets": self.targets, "n_samples": self.n_samples}


class Sample(NamedTuple):
    """A sample: the baseline's file, its number there, its place in the words of the file, and what a list calls it."""

    file: str
    sample: int
    text: str
    name: int | str


@dataclass(frozen=True)
class Compared:
    """The sums over samples, which have ``n_units`` units in all, counted or not, and what they are of.

    ``samples`` has those that the sums name, ``findings`` has for each model what its sums know by number, by place.
    ``names_files`` says that places name their file. ``jobs`` are what more samples add up with, where that is wanted.
    """

    subject: Subject
    sums: Sums
    n_units: int
    inputs: tuple[Input, ...]
    samples: Mapping[int, Sample]
    findings: tuple[Mapping[str, Found], ...]
    names_files: bool
    left_out: LeftOut | None = None
    computed_with: tuple[Mapping[str, str], ...] = ()
    jobs: tuple[Job, ...] = ()

    def place(self, number: int) -> str:
        """Where a sample is, in words."""
        sample = self.samples[number]
        return f"{sample.file}, {sample.text}" if self.names_files else sample.text

    def name_of(self, number: int) -> int | str:
        """The number of a sample in the order of the targets, or where these have several axes or files its place."""
        return self.place(number) if self.names_files else self.samples[number].name

    @property
    def unit(self) -> str:
        """What is taken to be independent."""
        if self.subject.groups is not None:
            return "cluster"
        return "token" if self.subject.models[0].source == TOKENS else "sample"


def model_of(settled: Settled, name: str) -> Model:
    """A model by its settled inputs."""
    options, dataset = settled.options, settled.dataset
    return Model(
        name=name,
        path=dataset.logits.name,
        source=options.source,
        temperature=options.temperature,
        n_classes=dataset.n_classes,
        class_names=dataset.class_names,
        names_classes=dataset.logits.class_names is not None,
        notices=notices(options, dataset),
    )


def settings_together(settled: Sequence[Settled]) -> dict[str, str]:
    """Every setting that changes a loss, what differs between models in their order; sample weights are the first's."""
    first, *_ = each = [settings_of(one) for one in settled]
    return {
        name: value
        if name == "sample-weights" or len({one.get(name) for one in each}) == 1
        else ",".join(one.get(name, "") for one in each)
        for name, value in first.items()
    }


def input_of(part: Dataset, n_samples: int, digest: str | None = None) -> Input:
    """The files of a part, by the names they were opened under."""
    shape = part.layout.sample_shape
    return Input(
        tuple(model.logits.name for model in part.models),
        part.targets_name,
        n_samples,
        shape[0] if len(shape) > 1 else None,
        digest,
    )


def samples_of(dataset: Dataset, numbers: Sequence[int]) -> dict[int, Sample]:
    """The samples of some numbers, once all blocks have been read."""
    parts = dataset.parts
    firsts = [dataset.first_of(i) for i in range(len(parts))]
    found = {}
    for number in numbers:
        i = bisect_right(firsts, number) - 1
        part, sample = parts[i], number - firsts[i]
        baseline = part.models[0]
        file, text, position = baseline.logits.name, part.place(sample), baseline.layout.position(sample)
        name: int | str = baseline.layout.number(sample) if position is None else str(position)
        found[number] = Sample(file, sample, text, text if len(baseline.parts) > 1 else name)
    return found


def findings_of(dataset: Dataset, found: Mapping[int, Sums]) -> tuple[Mapping[str, Found], ...]:
    """What the sums of each part have found about each model."""
    every: tuple[dict[str, Found], ...] = tuple({} for _ in dataset.models)
    for number in sorted(found):
        first, part = dataset.first_of(number), dataset.parts[number]
        for known, tally, model in zip(every, found[number].models, part.models, strict=False):  # none of no samples
            for code, more in all_found(tally, model, first).items():
                known[code] = known.get(code, Found()) + more
    return every
