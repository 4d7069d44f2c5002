"""nll calibrate: whether probabilities are what they claim, and which temperature makes them so."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from nllcli.commands.calibrate.assembly import d2_log_loss, measured_of
from nllcli.commands.calibrate.fitting import fit
from nllcli.commands.calibrate.notices import fitted_here, of_samples, of_settings, of_temperature, within_chance
from nllcli.commands.calibrate.pass_work import PassWork
from nllcli.commands.calibrate.passes import Passes, check_can_be_read_again
from nllcli.commands.calibrate.plan import DEFAULT_BINS, plan_of
from nllcli.commands.calibrate.result import Calibration, HeldOut, Temperature
from nllcli.data.settings import DEFAULT_IGNORE_INDEX
from nllcli.errors import NllError, Notice, Remedy, UsageError, counted, setting
from nllcli.inputs.shards import check_same_classes
from nllcli.numerics.calibration.claims import USABLE_WEIGHTS, are_usable
from nllcli.records import dataclass
from nllcli.report import Signature, shortest
from nllcli.scoring.notices import all_notes, all_notices
from nllcli.scoring.settled import check_has_classes, partial_part, settings_of, settle
from nllcli.scoring.shares import check_workers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.commands.calibrate.fitting import Fit
    from nllcli.commands.calibrate.pass_work import Gains, Sums
    from nllcli.commands.calibrate.plan import Plan
    from nllcli.commands.calibrate.request import Request
    from nllcli.data.settings import ScoreRequest
    from nllcli.numerics.tally import Tally
    from nllcli.scoring.settled import Settled

DEFAULT_FOLDS = 5
_LARGEST_EXPONENT = 700.0
# The settings of a loss that do not change, or do not belong to, what is measured here.
_NOT_OURS = ("loss", "reduction", "smoothing", "temperature", "clip")
_USUAL = {
    **{"weights": "none", "sample-weights": "none", "ignore": str(DEFAULT_IGNORE_INDEX), "precision": "exact"},
    **{"bins": str(DEFAULT_BINS), "binning": "width", "edges": "right", "of": "top", "like": "none"},
    **{"threshold": "none", "confidence": "0.95", "fit": "here", "folds": str(DEFAULT_FOLDS)},
}


@dataclass(frozen=True)
class _Found:
    """A temperature, and how it was found: ``gains`` are those held out of ``n_folds`` folds, or of samples apart."""

    temperature: Temperature
    gains: Gains | None = None
    n_folds: int = 0
    warnings: tuple[Notice, ...] = ()
    notes: tuple[Notice, ...] = ()


def calibrate(request: Request) -> Calibration:
    """Measure what the probabilities claim, and fit the temperature that makes it true."""
    check_workers(request.score.workers)
    if request.fits and request.fit is None:
        return _fitted_here(request)
    passes = _open(request.score)
    plan = plan_of(request, passes.settled)
    found = _found_elsewhere(request, passes.settled)
    value = found.temperature.value
    temperatures = (1.0,) if value is None else (1.0, value)
    sums = passes.run(PassWork(passes.options, temperatures, tuple(map(plan.at, temperatures))))
    own = of_samples(None, sums.tallies[0].accuracy(), sums.n_counted, passes.options.source)
    found = replace(found, gains=sums.gains, warnings=(*own, *found.warnings))
    return _result(request, passes, plan, (sums,), found)


def _open(request: ScoreRequest) -> Passes:
    """The inputs of a request, whose samples may be passed over."""
    settled = settle(request)
    check_has_classes(settled.options, "nll calibrate")
    weights = settled.options.class_weights
    if weights is not None and not are_usable(weights).all():
        raise UsageError(f"calibration needs class weights {USABLE_WEIGHTS}")
    return Passes(request, settled)


def _open_to_fit(request: ScoreRequest) -> Passes:
    """Other samples; no way out is another setting, by which the samples that are measured would be read as well."""
    try:
        return _open(request)
    except NllError as error:
        ways = tuple(each for each in error.remedies if not each.settings)
        if len(ways) < len(error.remedies):
            same = f"{setting('fit')} is read with the same settings as {setting('logits')}"
            error.remedies, error.hint = ways, error.hint or f"{same}: give both files one form"
        raise


def _fitted_here(request: Request) -> Calibration:
    """A temperature is fitted to the samples themselves, and measured on them."""
    check_can_be_read_again(request.score.inputs)
    passes = _open(request.score)
    plan = plan_of(request, passes.settled)
    n_folds = DEFAULT_FOLDS if request.n_folds is None else request.n_folds
    n_samples = passes.dataset.layout.n_samples
    if request.n_folds is not None and n_samples is not None and n_samples < n_folds:
        raise _too_many_folds(n_folds, n_samples)
    fitted = fit(passes, plan.at_1, plan.elsewhere, n_folds)
    n_counted = fitted.first.n_counted
    notes: tuple[Notice, ...] = ()
    if n_counted < n_folds:
        if request.n_folds is not None:
            raise _too_many_folds(n_folds, n_counted)
        n_folds, fitted = 0, replace(fitted, of_folds=(), gains=None)
        message = f"{counted(n_counted, 'counted sample')} cannot be cut into {DEFAULT_FOLDS} folds"
        notes = (Notice("no-folds", f"{message}: no gain is held out"),)
    temperature = _temperature(fitted, request.confidence)
    warnings = _warnings(fitted, passes.options.source, temperature, n_folds)
    sums = (fitted.first,) if fitted.last is None else (fitted.first, fitted.last)
    return _result(request, passes, plan, sums, _Found(temperature, fitted.gains, n_folds, warnings, notes))


def _too_many_folds(n_folds: int, n: int) -> UsageError:
    message = f"{setting('folds', n_folds)} needs as many samples that count, and here {'is' if n == 1 else 'are'} {n}"
    remedies = [Remedy({"folds": None}, f"{DEFAULT_FOLDS} folds"), Remedy({"folds": 0}, "none")]
    return UsageError(message, remedies=remedies if n >= DEFAULT_FOLDS else remedies[1:])


def _found_elsewhere(request: Request, settled: Settled) -> _Found:
    """The temperature that is given, or fitted to other samples; none where none is asked for."""
    if request.temperature is not None:
        if not 0.0 < request.temperature < math.inf:
            raise UsageError(f"temperature {request.temperature:g} is not a finite number above 0")
        return _Found(Temperature("given", request.temperature))
    if request.fit is None:
        return _Found(Temperature("none", None))
    check_can_be_read_again(request.fit)
    others = _open_to_fit(replace(request.score, inputs=replace(request.fit, partial=False)))
    own, theirs = settled.dataset, others.dataset
    check_same_classes(
        theirs.logits.name, theirs.n_classes, theirs.class_names, own.logits.name, own.n_classes, own.class_names
    )
    fitted = fit(others, None, None, 0)
    temperature = replace(_temperature(fitted, request.confidence), origin=theirs.title)
    told = all_notices(fitted.first.tallies[0], others.settled, clips=False)
    if request.fit.logits == request.score.inputs.logits:
        told = (fitted_here(), *told)
    told = (*told, *_warnings(fitted, others.options.source, temperature, 0))
    return _Found(
        temperature, warnings=tuple(replace(each, message=f"{theirs.title}: {each.message}") for each in told)
    )


def _warnings(fitted: Fit, source: str, temperature: Temperature, n_folds: int) -> tuple[Notice, ...]:
    """What is suspicious about a fit, and about the samples that it was made to."""
    tally, limits = fitted.first.tallies[0], fitted.first.limits
    infinite = tally.findings.get("infinite-loss")
    return (
        *of_temperature(temperature, n_folds=n_folds, n_excluded=0 if infinite is None else infinite.n),
        *of_samples(None if limits is None else limits.without(), tally.accuracy(), tally.n_counted, source),
    )


def _temperature(fitted: Fit, confidence: float) -> Temperature:
    """A temperature with its error, and the interval around it, which is symmetric in the logarithm."""
    value, error = fitted.temperature, fitted.relative_error
    if value is None:
        return Temperature(fitted.limit.status, None, loss_limit=fitted.limit.loss)
    if not math.isfinite(error):
        return Temperature("fitted", value, of_folds=fitted.of_folds)
    from statistics import NormalDist

    distance = NormalDist().inv_cdf(0.5 + confidence / 2.0) * error
    away = math.exp(distance) if distance < _LARGEST_EXPONENT else math.inf
    return Temperature("fitted", value, value * error, value / away, value * away, of_folds=fitted.of_folds)


def _result(request: Request, passes: Passes, plan: Plan, sums: Sequence[Sums], found: _Found) -> Calibration:
    """What the ``sums`` at T = 1 and, if there is one, at the temperature say."""
    tallies = [tally for each in sums for tally in each.tallies]
    measures = [measured for each in sums for measured in each.measures]
    temperature, dataset, options = found.temperature, passes.dataset, passes.options
    temperatures = (1.0,) if temperature.value is None else (1.0, temperature.value)
    before, *after = (
        measured_of(each, tally, own, plan.at(each), plan.shown)
        for each, tally, own in zip(temperatures, tallies, measures, strict=True)
    )
    gains = found.gains if tallies[0].loss_sum.is_finite else None
    is_weighted = passes.settled.weighs_samples
    of_inputs = of_settings(
        has_class_weights=options.class_weights is not None,
        soft=dataset.soft_targets is not None,
        is_weighted=is_weighted,
    )
    return Calibration(
        title=f"Calibration of {dataset.title}",
        signature=_signature(passes.settled, plan, temperature, found.n_folds),
        temperature=temperature,
        before=before,
        after=after[0] if after else None,
        held_out=None if gains is None else _held_out(gains, tallies[0]),
        d2_log_loss=d2_log_loss(tallies[0], measures[0]),
        n_samples=tallies[0].n_samples,
        n_counted=tallies[0].n_counted,
        n_classes=dataset.n_classes,
        n_folds=found.n_folds,
        n_groups=measures[0].n_groups,
        confidence_level=request.confidence,
        binning=plan.binning,
        claims=plan.claims,
        is_weighted=is_weighted,
        inputs=passes.inputs,
        warnings=(*all_notices(tallies[0], passes.settled, clips=False), *of_inputs[0], *found.warnings),
        notes=(*found.notes, *all_notes(tallies[0], dataset), *passes.notes, *of_inputs[1], *within_chance(before)),
        source=options.source,
        is_by_mass=plan.shown.mass,
    )


def _held_out(gains: Gains, tally: Tally) -> HeldOut:
    error = gains.spread.error_of_ratio(gains.gain, tally.weight_sum)
    return HeldOut(
        gains.loss.divided_by(tally.weight_sum),
        gains.gain.divided_by(tally.weight_sum),
        error if math.isfinite(error) else None,
    )


def _signature(settled: Settled, plan: Plan, found: Temperature, n_folds: int) -> Signature:
    """One line that names every setting that changes a number."""
    own = {name: value for name, value in settings_of(settled).items() if name not in _NOT_OURS}
    origin = {"given": shortest(found.value), "none": "none"}.get(found.status, found.origin or "here")
    parts = {
        "calibration": "",
        **own,
        **plan.settings,
        "fit": origin,
        "folds": str(n_folds),
        **partial_part(settled.dataset.left_out),
    }
    title = f"calibration of {own['from']}"
    return Signature.of(parts, title=title, titled=("calibration", "from"), usual=_USUAL)
