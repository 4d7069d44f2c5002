"""What a loss is of, apart from its samples: the settings and classes that a report names; and the sums of samples."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from nllcli.data.names import name_of_files, names_of
from nllcli.data.settings import TOKENS
from nllcli.inputs.bytes.files import natural
from nllcli.numerics.exact import ExactSum, exact_count
from nllcli.numerics.tally import Tally
from nllcli.records import dataclass
from nllcli.scoring.notices import Found
from nllcli.scoring.settled import notices, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nllcli.data.dataset import Dataset, LeftOut
    from nllcli.errors import Notice
    from nllcli.numerics.pictured.hardest import Hard
    from nllcli.scoring.settled import Settled


@dataclass(frozen=True)
class Subject:
    """What a report on a loss says apart from its numbers.

    ``name`` is that of the samples, ``settings`` are those in the signature, ``notices`` what the settings make
    worth saying. ``soft`` says that the targets are class probabilities. ``class_names`` is None where the classes have
    numbers; so is ``class_weights`` where there are none. ``n_classes`` counts 1 where there is one number a token.
    """

    name: str
    settings: Mapping[str, str]
    loss: str
    source: str
    reduction: str
    soft: bool
    has_sample_weights: bool
    class_weights: tuple[float, ...] | None
    label_smoothing: float
    clip: float | None
    ignore_index: int
    shift: int
    n_classes: int
    class_names: tuple[str, ...] | None
    notices: tuple[Notice, ...] = ()

    @property
    def has_classes(self) -> bool:
        """Whether there are numbers for several classes, or only for what occurred."""
        return self.source != TOKENS

    @property
    def is_weighted(self) -> bool:
        """Whether samples count differently, by class or one by one."""
        return self.class_weights is not None or self.has_sample_weights

    @property
    def divides_by_weights(self) -> bool:
        """Whether the mean divides by a sum of weights, not by a number of samples."""
        return self.has_sample_weights or (self.class_weights is not None and not self.soft)

    @property
    def named_classes(self) -> Sequence[str]:
        """The classes' names, or their numbers."""
        return names_of(self.class_names, self.n_classes)

    @property
    def denominator(self) -> str:
        """What the mean divides by."""
        if self.soft:
            return "sum of sample weights" if self.has_sample_weights else "positions"
        if not self.has_classes:
            return "sum of sample weights" if self.is_weighted else "tokens counted"
        return "sum of the targets' weights" if self.is_weighted else "samples counted"


def subject_of(settled: Settled) -> Subject:
    """What the samples of settled inputs are scored as."""
    options, dataset = settled.options, settled.dataset
    weights = options.class_weights
    return Subject(
        name=dataset.title,
        settings=settings_of(settled),
        loss=options.loss,
        source=options.source,
        reduction=options.reduction,
        soft=dataset.soft_targets is not None,
        has_sample_weights=dataset.sample_weights is not None,
        class_weights=None if weights is None else tuple(weights.tolist()),
        label_smoothing=options.label_smoothing,
        clip=options.clip,
        ignore_index=options.ignore_index,
        shift=settled.shift,
        n_classes=dataset.n_classes,
        class_names=dataset.class_names,
        notices=notices(options, dataset),
    )


@dataclass(frozen=True)
class Input:
    """One file of logits: ``targets`` is None where they are among the logits, or there are none.

    Equal digests mean the same samples with the same losses; None where none is counted, or nobody asked.
    """

    logits: str
    targets: str | None
    n_samples: int
    digest: str | None = None

    @property
    def named(self) -> dict[str, str | int | None]:
        """The files and their samples, as a report has them."""
        return {"logits": self.logits, "targets": self.targets, "n_samples": self.n_samples}


@dataclass(frozen=True)
class HardSample:
    """One of the samples that lose the most: its file, its number and place there, and what ``Hard`` says of it."""

    file: str
    number: int
    text: str
    loss: float
    target: int | None = None
    top: int | None = None
    p_target: float | None = None
    p_top: float | None = None
    probabilities: tuple[float, ...] | None = None


@dataclass(frozen=True)
class HardSequence:
    """One of the sequences that lose the most on average: its file, its number there, and what ``SequenceLoss`` says.

    ``n`` of its tokens count, ``loss_sum`` is the sum of their losses without weights, and ``losses`` and ``targets``
    are those of its first tokens, None for those that do not count.
    """

    file: str
    number: int
    n: int
    loss_sum: ExactSum
    losses: tuple[float | None, ...]
    targets: tuple[int | None, ...] | None = None

    @property
    def mean(self) -> float:
        """The mean loss of its tokens."""
        return self.loss_sum.divided_by(exact_count(self.n))


@dataclass(frozen=True)
class LossTally:
    """The sums over some samples, which add up to those over more of the same subject.

    ``findings`` has what ``sums.findings`` knows by number, by place. ``computed_with`` are the kinds of machines at
    work, ``left_out`` are files whose samples belong to the subject and are not there. ``hardest`` and ``sequences``
    are the samples and the sequences that ``sums.pictures`` names by number, by place.
    """

    subject: Subject
    sums: Tally
    findings: Mapping[str, Found] = field(default_factory=dict)
    inputs: tuple[Input, ...] = ()
    left_out: LeftOut | None = None
    computed_with: tuple[Mapping[str, str], ...] = ()
    hardest: tuple[HardSample, ...] = ()
    sequences: tuple[HardSequence, ...] = ()


def input_of(dataset: Dataset, sums: Tally) -> Input:
    """One file of logits, by the names it was opened under."""
    return Input(dataset.logits.name, dataset.targets_name, sums.n_samples)


def add_findings(total: dict[str, Found], more: Mapping[str, Found]) -> None:
    """Add findings to those found so far."""
    for code, found in more.items():
        total[code] = total.get(code, Found()) + found


def hardest_at(sums: Tally, dataset: Dataset, first: int) -> tuple[HardSample, ...]:
    """The hardest samples of a dataset's file of logits, whose samples are numbered from ``first``."""
    if sums.pictures is None or sums.pictures.hardest is None:
        return ()
    items = sums.pictures.hardest.shifted(-first).items
    return tuple(_placed(each, dataset) for each in items)


def _placed(sample: Hard, dataset: Dataset) -> HardSample:
    """A sample by its key, or else by its place in the file."""
    known = dict(vars(sample))
    key = known.pop("key")
    return HardSample(dataset.logits.name, text=dataset.place(sample.number) if key is None else key, **known)


def sequences_at(sums: Tally, dataset: Dataset, first: int) -> tuple[HardSequence, ...]:
    """The hardest sequences of a dataset's file of logits, whose samples are numbered from ``first``."""
    if sums.pictures is None or sums.pictures.sequences is None:
        return ()
    items = sums.pictures.sequences.shifted(-first).items
    return tuple(HardSequence(dataset.logits.name, **vars(each)) for each in items)


def without_numbers(sums: Tally) -> Tally:
    """The sums without the samples and sequences that are the hardest by number."""
    if sums.pictures is None:
        return sums
    hardest, sequences = sums.pictures.hardest, sums.pictures.sequences
    if hardest is not None:
        hardest = replace(hardest, items=())
    if sequences is not None:
        sequences = replace(sequences, items=(), pieces={})
    return replace(sums, pictures=replace(sums.pictures, hardest=hardest, sequences=sequences))


def hardest_of(samples: Iterable[HardSample], sums: Tally) -> tuple[HardSample, ...]:
    """The hardest of the samples of several files, as many as ``sums`` say; of equals those of the first files."""
    most = 0 if sums.pictures is None or sums.pictures.hardest is None else sums.pictures.hardest.most
    return tuple(sorted(samples, key=_hardest_first)[:most])


def hardest_sequences_of(sequences: Iterable[HardSequence], sums: Tally) -> tuple[HardSequence, ...]:
    """The hardest of the sequences of several files, as many as ``sums`` say; of equals those of the first files."""
    most = 0 if sums.pictures is None or sums.pictures.sequences is None else sums.pictures.sequences.most
    order = sorted(sequences, key=lambda each: (-each.mean, natural(each.file), each.file, each.number))
    return tuple(order[:most])


def _hardest_first(sample: HardSample) -> tuple[Any, ...]:
    return -sample.loss, natural(sample.file), sample.file, sample.number


def name_of(inputs: tuple[Input, ...]) -> str:
    """What the samples of these files are called together."""
    return name_of_files([each.logits for each in inputs])


def without_part_of_tokens(tally: LossTally) -> LossTally:
    """The same without what is known along sequences, where that is not known of every token with a number."""
    found = tally.sums.pictures
    if found is None or found.positions is None or found.positions.n is None:
        return tally
    if int(found.positions.n.sum()) == found.losses.n + found.losses.n_infinite:
        return tally
    pictures = replace(found, positions=None, sequences=None)
    return replace(tally, sums=replace(tally.sums, pictures=pictures), sequences=())


def without_pictures(tally: LossTally) -> LossTally:
    """The same without what was collected for pictures."""
    return replace(tally, sums=replace(tally.sums, pictures=None), hardest=(), sequences=())
