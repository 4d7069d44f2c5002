"""The conventions that can be tried on the inputs, each with its number, from one pass over the samples."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from nllcli.commands.reconcile.convention import Convention, Pairing, Term, Weighting
from nllcli.commands.reconcile.conventions import departures, makes_sense
from nllcli.commands.reconcile.conventions.readings import made_of_whole, reading_of
from nllcli.commands.reconcile.departure import MOST_RARITY, RARITIES, Departure, Known
from nllcli.commands.reconcile.opened import ignore_outside, opened
from nllcli.commands.reconcile.plan import Plan
from nllcli.commands.reconcile.solving import of_parts, probes
from nllcli.commands.reconcile.sums import ConventionSums
from nllcli.commands.reconcile.survey import Survey, WeightTable, survey
from nllcli.commands.reconcile.values import Values
from nllcli.data.settings import DEFAULT_SCHEME
from nllcli.engine import map_blocks
from nllcli.errors import DataError, Notice
from nllcli.inputs.opening import open_dataset
from nllcli.numerics.kernels import to_float
from nllcli.numerics.schemes import ABOUT, beta_of
from nllcli.records import dataclass
from nllcli.scoring.class_weights import given_counts
from nllcli.scoring.notices import all_notices
from nllcli.scoring.passes import chunks, fold_dataset
from nllcli.scoring.settled import Settled, settle

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from numpy.typing import NDArray

    from nllcli.commands.reconcile.suspects import Suspects
    from nllcli.data.settings import ScoreRequest


@dataclass(frozen=True)
class Candidate:
    """A convention and how it departs from the user's own settings."""

    convention: Convention
    departures: tuple[Departure, ...] = ()

    @property
    def description(self) -> str:
        return "; ".join(departure.text for departure in self.departures) or "your own settings"

    @property
    def rarity(self) -> int:
        """How seldom people meet all of its departures: 0 for none of them."""
        return sum(departure.rarity for departure in self.departures)


@dataclass(frozen=True)
class Search:
    """The conventions tried with the (finite) number of each, and what these follow from.

    ``others`` says that some targets are not a class, which every convention ignores; ``one_hot`` that their file has
    a 1 for each, ``probabilities`` that it has floats. ``tries`` are all departures from ``base``, the user's own
    convention.
    """

    request: ScoreRequest
    settled: Settled
    tried: list[tuple[Candidate, float]]
    values: Values
    notices: tuple[Notice, ...]
    others: bool
    one_hot: bool
    probabilities: bool
    base: Convention
    tries: tuple[Departure, ...]


def search(request: ScoreRequest, suspects: Suspects) -> Search:
    """Try every convention on the inputs."""
    inputs = opened(request)
    dataset, pairs = inputs.dataset, inputs.pairs
    found = survey(request, dataset, pairs, suspects.batch_sizes)
    if not found.n_samples:
        raise DataError("has no samples, so no convention gives any number", where=dataset.logits.name)
    request, notices = ignore_outside(request, dataset, found)
    own_targets = None if pairs.soft else pairs.under(pairs.tried[0], request.loss.ignore_index)
    settled = settle(request, replace(dataset, targets=own_targets))

    base = _own_convention(request, settled, pairs.tried[0])
    if inputs.one_hot and base.weighting.name != "none" and base.reduction == "mean":
        base = replace(base, reduction="counted")  # what nll compute divides by where targets are probabilities
    counts = request.weights.counts
    given = None if counts in (None, "targets") else given_counts(counts, dataset)
    weights = WeightTable.among(found.counts, given, settled.options.class_weights, base.weighting)
    known = Known(base, dataset, found, given is not None, suspects.batch_sizes)
    every = [*suspects.departures(known), *departures(known)]
    tried = [candidate for candidate in _candidates(base, every) if weights.exist(candidate.convention)]
    conventions = [candidate.convention for candidate in tried] + _probes(base)
    made = _made_of_whole(request, {c.term.reading for c in conventions if reading_of(c.term.reading).whole})
    plan = Plan(conventions, weights, pairs, found.items, settled.options, made)
    sums = fold_dataset(
        plan.collect, ConventionSums(), settled.dataset, threads=request.threads, progress=request.progress
    )
    values = Values(sums, weights, dataset, found)
    # The user's own number is the one that nll compute prints, to the last bit.
    own = sums.own.loss(settled.options.reduction) if base.reduction == settled.options.reduction else None
    numbers = ((c, values.of(c.convention) if c.departures or own is None else own) for c in tried)
    return Search(
        request,
        settled,
        [(candidate, value) for candidate, value in numbers if isfinite(value)],
        values,
        (
            *inputs.notices,
            *notices,
            *_untried(found, suspects, in_order=dataset.layout.in_target_order),
            *all_notices(sums.own, settled),
        ),
        others=bool(found.outside),
        one_hot=inputs.one_hot or any(note.code == "one-hot-targets" for note in dataset.notes),
        probabilities=inputs.one_hot or pairs.soft,
        base=base,
        tries=tuple(every),
    )


def _untried(found: Survey, suspects: Suspects, *, in_order: bool) -> Iterator[Notice]:
    """Sizes of batches that are suspected, and cannot be tried."""
    n, step, what = found.items.n, found.items.step, "rows" if found.items.length > 1 else "samples"
    for size in suspects.batch_sizes:
        why = ""
        if not in_order:
            why = "the file has the samples in another order than the targets"
        elif size >= n:
            why = f"there are only {n} {what}"
        elif size % step:
            why = f"with this many {what} only multiples of {step} can be"
        if why:
            yield Notice("batch-size-untried", f"batches of {size} are not tried: {why}")


def _candidates(base: Convention, every: Collection[Departure]) -> Iterator[Candidate]:
    """Every convention to try, each once: the user's own, then those of one departure, then those of two."""
    seen = {base}
    yield Candidate(base)
    one = [(departure, departure.apply(base)) for departure in every]
    one = [(departure, convention) for departure, convention in one if convention != base]
    partners = {
        rarity: [(i, each) for i, (each, _) in enumerate(one) if each.rarity <= MOST_RARITY - rarity]
        for rarity in RARITIES
    }
    two = (
        ((first, second), second.apply(convention))
        for i, (first, convention) in enumerate(one)
        for j, second in partners[first.rarity]
        if i < j and first.combines_with(second)
    )
    for chosen, convention in (*(((departure,), convention) for departure, convention in one), *two):
        if convention not in seen and makes_sense(convention, base):
            seen.add(convention)
            yield Candidate(convention, chosen)


def _probes(base: Convention) -> list[Convention]:
    """What the unknowns that a number is linear in are solved from, and batches of any size."""
    return [replace(base, reduction="sum"), *(one for pair in probes(base).values() for one in pair), of_parts(base)]


def _made_of_whole(request: ScoreRequest, readings: Collection[str]) -> dict[str, NDArray[np.float64]]:
    """What the readings of whole files make of this one, (n_samples, C) each."""
    if not readings:
        return {}
    dataset = open_dataset(replace(request.inputs, shift=0))
    blocks = map_blocks(lambda block, scratch: to_float(block.logits, scratch).astype(np.float64), chunks(dataset))
    x = np.concatenate(list(blocks))
    layout = dataset.layout
    x = x.reshape(*(len(x) if n is None else n for n in layout.sample_shape), layout.n_classes)
    with np.errstate(all="ignore"):
        return {name: made_of_whole(name, x, layout.class_axis) for name in readings}


def _own_convention(request: ScoreRequest, settled: Settled, pairing: Pairing) -> Convention:
    options = settled.options
    return Convention(
        Term(
            reading=options.source,
            temperature=options.temperature,
            loss=options.loss,
            clip=options.clip,
            smoothing=options.label_smoothing,
            pairing=pairing,
        ),
        weighting=_own_weighting(request),
        sample_weights=settled.dataset.sample_weights is not None,
        ignore_index=options.ignore_index,
        reduction=options.reduction,
    )


def _own_weighting(request: ScoreRequest) -> Weighting:
    wanted = request.weights
    if wanted.counts is None:
        return Weighting("none" if wanted.weights is None else "given")
    scheme = wanted.scheme or DEFAULT_SCHEME
    source = "targets" if wanted.counts == "targets" else "given"
    return Weighting(scheme, wanted.normalize or ABOUT[scheme].normalize, beta_of(scheme, wanted.beta), source)
