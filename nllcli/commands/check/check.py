"""nll check: what is wrong or suspicious about logits and targets, found in one pass; and how that is shown."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from nllcli.commands.check.evidence import Evidence, gather
from nllcli.commands.check.evidence.chance import entropy
from nllcli.commands.check.evidence.targets import WHOLE_FILE, read_padding
from nllcli.commands.check.findings import ERROR, FINDINGS, NOTE, WARNING, Case, Finding, Seen
from nllcli.commands.check.findings.fit import may_be_shifted
from nllcli.commands.check.own_loss import OwnLoss, Scored, own_loss, own_settings, score
from nllcli.commands.check.second_pass import can_look_again, look_again
from nllcli.data.blocks import Part
from nllcli.data.settings import DEFAULT_IGNORE_INDEX
from nllcli.errors import NllError, Notice, counted, setting
from nllcli.inputs.bytes.files import name_of
from nllcli.inputs.opening import open_dataset
from nllcli.numerics.kernels.chosen import kernel_name
from nllcli.records import dataclass
from nllcli.report import Calculation, Column, Metric, Report, Section, Signature, Step, Table
from nllcli.scoring.passes import fold_dataset, open_again
from nllcli.scoring.settled import Settled, check_has_classes, source_part

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from nllcli.data.blocks import Block, Scratch
    from nllcli.data.dataset import Dataset
    from nllcli.data.layout import Layout
    from nllcli.data.settings import ScoreRequest

# Warnings of nll compute that nll check reports as a finding with another code.
_REPORTED_AS = {"nothing-counted": "everything-ignored", "nonfinite-logits": "nan-logits", "no-loss": "loss-refused"}
# What helps where an error of opening the inputs offers no setting.
_FIXES = {"repeated-key": "keep one row of each key"}
_SAME_SAMPLES = "give logits and targets of the same samples"


@dataclass(frozen=True)
class Checked:
    """What was found in a file, and its numbers, which are None where the inputs could not be opened.

    ``loss`` is that under the settings that the user chose or else, with a ``reduction`` of None, the plain mean of the
    samples that have one, in nats. ``chance_loss`` is log C, ``frequencies_loss`` that of always giving each class the
    share of the targets that it has. ``ignored`` are the codes of findings that were left out.
    """

    name: str
    findings: tuple[Finding, ...]
    signature: str
    loss: float | None = None
    reduction: str | None = None
    n_samples: int | None = None
    n_counted: int | None = None
    n_classes: int | None = None
    chance_loss: float | None = None
    frequencies_loss: float | None = None
    warnings: tuple[Notice, ...] = ()
    notes: tuple[Notice, ...] = ()
    ignored: tuple[str, ...] = ()

    def fails(self, least: str = WARNING) -> bool:
        """Whether an error was found, or, where ``least`` is a warning, a warning."""
        return any(finding.severity in (ERROR, least) for finding in self.findings)

    def ignoring(self, codes: Collection[str]) -> Checked:
        """The same without the findings of these codes, which the caller knows of and accepts."""
        kept = tuple(finding for finding in self.findings if finding.code not in codes)
        ignored = tuple(finding.code for finding in self.findings if finding.code in codes)
        return replace(self, findings=kept, ignored=ignored)


@dataclass(frozen=True)
class _Sums(Part):
    """The evidence, and the samples as ``nll compute`` scores them under the settings that the user chose."""

    evidence: Evidence = Evidence()
    scored: Scored = Scored()


def check(request: ScoreRequest) -> Checked:
    """Gather the evidence of one pass and see what it shows; a refusal to open the inputs may be a finding itself."""
    check_has_classes(request.loss, "nll check")
    name, dataset = name_of(request.inputs.logits), None
    try:
        dataset = open_dataset(request.inputs)
        settings = own_settings(request, dataset)
        gains = not can_look_again(request.inputs)
        sums = _add_up(request, dataset, settings if isinstance(settings, Settled) else None, gains=gains)
        padding = read_padding(dataset, request.loss.ignore_index, _sequence(dataset.layout))
        case = Case(sums.evidence, dataset, request, padding, _other_axes(request, dataset))
        if may_be_shifted(case) and not gains:
            again = open_again(request.inputs, "neighbours are compared in a second pass")
            case = replace(case, evidence=_add_up(replace(request, progress=None), again, gains=True).evidence)
        case = look_again(case)
    except NllError as error:
        if error.finding is None:
            raise
        return Checked(name, (_refusal(error, request, dataset),), _signature(request))
    findings = [found for kind in FINDINGS.values() if (found := kind.look(case)) is not None]
    plain = case.evidence.fit.loss
    own = OwnLoss(plain.mean if plain.n else None) if settings is None else own_loss(settings, sums.scored)
    if own.refused is not None and not any(finding.severity == ERROR for finding in findings):
        findings.append(FINDINGS["loss-refused"].finding(own.refused))
    codes = {finding.code for finding in findings}
    return Checked(
        name,
        tuple(findings),
        own.signature or _signature(request),
        own.loss,
        None if settings is None else request.loss.reduction,
        case.evidence.n_samples,
        case.evidence.n_counted,
        case.n_classes,
        math.log(case.n_classes) if case.n_classes else None,
        entropy(case.evidence.labels.counts),
        tuple(notice for notice in own.warnings if _REPORTED_AS.get(notice.code, notice.code) not in codes),
        dataset.notes,
    )


def _add_up(request: ScoreRequest, dataset: Dataset, own: Settled | None = None, *, gains: bool = False) -> _Sums:
    """The sums of one pass; ``gains`` as in ``gather``."""
    sequence = _sequence(dataset.layout)

    def work(block: Block, scratch: Scratch) -> _Sums:
        scored = Scored() if own is None else score(own, block, scratch.sub("own"))
        return _Sums(gather(block, request.loss, sequence, scratch, gains=gains), scored)

    return fold_dataset(work, _Sums(), dataset, threads=request.threads, progress=request.progress)


def _sequence(layout: Layout) -> int:
    """The length of the sequences the samples form in file order: the whole file, or the last axis of two; else 0."""
    dims = layout.sample_shape
    if len(dims) < 2:
        return WHOLE_FILE
    return (dims[-1] or 0) if len(dims) == 2 and not layout.fortran else 0


def _other_axes(request: ScoreRequest, dataset: Dataset) -> dict[int, Evidence]:
    """The evidence along every other axis that fits the targets just as well: axes of one length."""
    layout = dataset.layout
    if dataset.targets is None or request.loss.binary:
        return {}
    shape = dataset.logits.shape
    alike = [axis for axis, n in enumerate(shape) if n == layout.n_classes and axis != layout.array_axis]
    return _along(request, alike)


def _along(request: ScoreRequest, axes: list[int]) -> dict[int, Evidence]:
    """The evidence with the classes along each of some axes, as far as the targets fit and can be read again."""
    found: dict[int, Evidence] = {}
    if "-" in (request.inputs.logits, request.inputs.targets):
        return found
    for axis in axes:
        with suppress(NllError):
            dataset = open_dataset(replace(request.inputs, class_axis=axis))
            found[axis] = _add_up(replace(request, progress=None), dataset).evidence
    return found


def _refusal(error: NllError, request: ScoreRequest, dataset: Dataset | None) -> Finding:
    """What opening the inputs refused, as a finding; with the loss under each reading where there are several."""
    code, fix = error.finding or "", error.hint or _settings(error) or _FIXES.get(error.finding or "", _SAME_SAMPLES)
    seen: dict[str, float] = {}
    if request.inputs.sample_weights is not None and error.where == name_of(request.inputs.sample_weights):
        fix = "give one sample weight for each sample of the logits"
    elif dataset is not None and dataset.targets is not None and dataset.targets.n == dataset.layout.n_classes:
        code, fix = "logits-transposed", f"{setting('class_axis', 0)}, or save one row a sample"
    if code in ("class-axis-ambiguous", "logits-transposed"):
        readings = _along(request, [0, 1, -1])
        seen = {f"loss_along_axis_{axis}": evidence.fit.loss.mean for axis, evidence in readings.items()}
    return FINDINGS[code].finding(Seen(str(error), seen, fix))


def _settings(error: NllError) -> str:
    """The settings that the remedies of an error change."""
    return " or ".join(way for remedy in error.remedies if (way := _way(remedy.settings)))


def _way(settings: Mapping[str, object]) -> str:
    """Settings to give and to leave out, in words."""
    given = " ".join(
        setting(name, ",".join(value) if isinstance(value, tuple) else value)
        for name, value in settings.items()
        if value is not None
    )
    left_out = " and ".join(setting(name) for name, value in settings.items() if value is None)
    if given and left_out:
        return f"{given} without {left_out}"
    return given or (left_out and f"leave {left_out} out")


_USUAL = {"ignore": DEFAULT_IGNORE_INDEX, "shift": 0, "class-axis": "shapes"}


def _signature(request: ScoreRequest) -> Signature:
    inputs, options = request.inputs, request.loss
    parts = {
        "from": source_part(options),
        "ignore": options.ignore_index,
        "shift": inputs.shift,
        "class-axis": "shapes" if inputs.class_axis is None else inputs.class_axis,
    }
    return Signature.of(parts, title=f"check of {parts['from']}", titled=("from",), usual=_USUAL)


def report(checked: Checked) -> Report:
    """The findings and the numbers next to them."""
    findings = checked.findings
    counts = {severity: sum(f.severity == severity for f in findings) for severity in (ERROR, WARNING, NOTE)}
    summary = ", ".join(counted(n, severity) for severity, n in counts.items() if n) or "nothing suspicious"
    summary += f"; ignored: {', '.join(checked.ignored)}" if checked.ignored else ""
    n_samples, n_counted, reduction = checked.n_samples, checked.n_counted, checked.reduction
    columns = tuple(Column(key, key, "text") for key in ("code", "severity", "message", "evidence", "fix"))
    rows = [(f.code, f.severity, f.message, _evidence(f), f.fix) for f in findings]
    note = "of the samples that have one" if reduction is None else f"{reduction}, under these settings"
    return Report(
        "check",
        f"Check of {checked.name}",
        checked.signature,
        kernel=kernel_name(),
        metrics=(
            Metric("n_findings", "findings", len(findings), headline=True, note=summary),
            *(Metric(f"n_{severity}s", f"{severity}s", n, hidden=True) for severity, n in counts.items()),
            Metric("loss", "loss", checked.loss, "nats", note, hidden=checked.loss is None),
            *_chance(checked),
            Metric("n_samples", "samples", n_samples, hidden=n_samples is None),
            Metric("n_counted", "counted", n_counted, hidden=n_counted == n_samples),
            Metric("n_classes", "classes", checked.n_classes, hidden=checked.n_classes is None),
        ),
        tables=(Table("findings", "Findings", columns, rows, hidden=True),),
        warnings=checked.warnings,
        notes=checked.notes,
        quiet=tuple(finding.code for finding in findings),
        extra={"findings": tuple(asdict(finding) for finding in findings), "ignored_findings": checked.ignored},
        sections=tuple(_section(finding) for finding in findings),
    )


def _chance(checked: Checked) -> Iterator[Metric]:
    """What knowing nothing loses, beside a loss that is a plain mean."""
    chance, frequencies = checked.chance_loss, checked.frequencies_loss
    hidden = checked.reduction is not None or checked.loss is None
    note, their_note = f"log {checked.n_classes}: all classes alike", "each class its share of the targets"
    yield Metric("chance_loss", "chance", chance, "nats", note, hidden=hidden)
    yield Metric(
        "frequencies_loss", "frequencies", frequencies, "nats", their_note, hidden=hidden or frequencies is None
    )


def _section(finding: Finding) -> Section:
    """A finding as people read it."""
    lines = {"what": finding.message, "seen": _evidence(finding), "fix": finding.fix}
    steps = tuple(Step(label, (text,)) for label, text in lines.items() if text)
    return Section("", (Calculation(f"{finding.severity}: {finding.code}", steps),))


def _evidence(finding: Finding) -> str:
    """The evidence as one line of text."""
    return "; ".join(f"{key.replace('_', ' ')} {_short(value)}" for key, value in finding.evidence.items())


def _short(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)
