"""Sums and what they are of -> everything that is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.commands.compare.notices import clusters_hint, notes, warnings
from nllcli.commands.compare.result import Comparison, adjusted, model_loss, pair_result
from nllcli.report import shortest
from nllcli.scoring.settled import signature_of
from nllcli.scoring.tally_data import machines_differ

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nllcli.commands.compare.inference import Question
    from nllcli.commands.compare.subject import Compared
    from nllcli.data.dataset import LeftOut
    from nllcli.errors import Notice
    from nllcli.report import Signature

_USUAL = {
    "clusters": "none",
    "confidence": "0.95",
    "margin": "none",
    "permutations": "0",
    "bootstrap": "0",
    "adjust": "holm",
}


def comparison_of(compared: Compared, told: tuple[Notice, ...] = ()) -> Comparison:
    """The result that the sums give; ``told`` are notes on other things than the samples."""
    subject, sums = compared.subject, compared.sums
    question = subject.question
    results = [pair_result(place, compared) for place in range(len(subject.pairs))]
    results = list(adjusted(results, question.adjustment))
    precision = subject.settings["precision"]
    machines = machines_differ(compared.computed_with, precision)
    is_exact = precision == "exact"
    return Comparison(
        title=f"Comparison on {subject.name}" + (f", with {subject.models[0].name}" if len(subject.models) > 2 else ""),
        signature=_signature(subject.settings, compared.left_out),
        baseline=subject.models[0].name,
        reduction=question.reduction,
        confidence=question.confidence,
        seed=question.seed,
        is_weighted=subject.settings["weights"] != "none" or subject.settings["sample-weights"] != "none",
        n_samples=sums.models[0].n_samples,
        n_counted=sums.models[0].n_counted,
        n_clusters=None if subject.groups is None else max(result.n_units for result in results),
        clusters=subject.groups,
        models=tuple(
            model_loss(model, tally, subject) for model, tally in zip(subject.models, sums.models, strict=True)
        ),
        comparisons=tuple(results),
        warnings=(*warnings(compared, results), *(() if is_exact else machines)),
        notes=(*told, *(machines if is_exact else ()), *notes(compared), *clusters_hint(compared)),
        compared=compared,
    )


def settings_of_question(question: Question, groups: str | None) -> dict[str, str]:
    """The settings of a comparison beyond those of the losses."""
    return {
        "clusters": groups or "none",
        "confidence": shortest(question.confidence),
        "margin": "none" if question.margin is None else shortest(question.margin),
        "permutations": str(question.n_permutations),
        "bootstrap": str(question.n_bootstrap),
        "seed": str(question.seed),
        "adjust": question.adjustment,
    }


def _signature(settings: Mapping[str, str], out: LeftOut | None) -> Signature:
    """Every setting that changes a number, the seed of interest only where there are random numbers."""
    usual = dict(_USUAL)
    if settings["permutations"] == settings["bootstrap"] == "0":
        usual["seed"] = settings["seed"]
    return signature_of(settings, out, what="difference", usual=usual)
