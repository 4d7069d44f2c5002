"""nll check: what is wrong or suspicious about logits and targets, found in one pass."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from nllcli.commands.check.evidence.gather import Evidence, Reading, gather
from nllcli.commands.check.evidence.labels import Runs, Streaks, read_runs, read_streaks
from nllcli.commands.check.findings.case import ERROR, NOTE, WARNING, Case, Finding, Padding
from nllcli.commands.check.findings.table import FINDINGS
from nllcli.commands.check.own_loss import Scored, own_loss
from nllcli.engine import blocks
from nllcli.errors import NllError
from nllcli.inputs.bytes.files import name_of
from nllcli.inputs.dataset import open_dataset
from nllcli.inputs.targets import Shifted
from nllcli.report import Calculation, Column, Metric, Report, Section, Step, Table
from nllcli.scoring.passes import map_dataset, naming_places
from nllcli.words import counted

if TYPE_CHECKING:
    from nllcli.commands.check.own_loss import OwnLoss
    from nllcli.data.blocks import Block, Scratch
    from nllcli.data.dataset import Dataset
    from nllcli.data.layout import Layout
    from nllcli.data.settings import ScoreRequest

# Values that tokenizers and data sets pad with and that may be classes; the last class is added to them.
_PADDING = (0, 1, 255)
_WHOLE_FILE = 1 << 62


@dataclass(frozen=True)
class Checked:
    """The report, and whether nothing worse than a note was found."""

    report: Report
    clean: bool


def check(request: ScoreRequest) -> Checked:
    """Gather the evidence of one pass and tell what it shows; a refusal to open the inputs may be a finding itself."""
    dataset = None
    try:
        dataset = open_dataset(request.inputs)
        case, own = _case(request, dataset, own_loss(request, dataset))
    except NllError as error:
        if error.finding is None:
            raise
        return _checked(request, [_refusal(error, request, dataset)], None)
    findings = [finding for code in FINDINGS if (finding := FINDINGS.load(code)(case)) is not None]
    if own is None:
        return _checked(request, findings, case)
    findings += [finding for finding in [own.finding(findings)] if finding is not None]
    checked = _checked(request, findings, case)
    return replace(checked, report=own.shown(checked.report, findings))


def _case(request: ScoreRequest, dataset: Dataset, own: OwnLoss | None) -> tuple[Case, OwnLoss | None]:
    """What the findings rest on, and the loss under settings of one's own."""
    evidence, scored = _gather(request, dataset, own)
    case = Case(
        evidence,
        dataset,
        request.loss,
        request.inputs,
        _sequence(dataset.layout),
        _padding(request, dataset),
        _other_axes(request, dataset),
        clipped=request.clip is not None,
    )
    return case, None if own is None else own.of(scored, dataset)


def _gather(request: ScoreRequest, dataset: Dataset, own: OwnLoss | None = None) -> tuple[Evidence, Scored]:
    options = request.loss
    reading = Reading(options.source, options.binary, options.ignore_index, _sequence(dataset.layout))
    work = partial(_work, reading, own)
    evidence, scored = Evidence(), Scored()
    with naming_places(dataset):
        for part, block in map_dataset(work, dataset, threads=request.threads, progress=request.progress):
            evidence += part
            scored += block
    return evidence, scored


def _work(reading: Reading, own: OwnLoss | None, block: Block, scratch: Scratch) -> tuple[Evidence, Scored]:
    return gather(block, reading, scratch), Scored() if own is None else own.score(block, scratch.sub("own"))


def _sequence(layout: Layout) -> int:
    """The length of the sequences the samples form in file order: the whole file, or the last axis of two; else 0."""
    dims = layout.sample_shape
    if len(dims) < 2:
        return _WHOLE_FILE
    length = dims[-1]
    return length if len(dims) == 2 and length is not None and not layout.fortran else 0


def _padding(request: ScoreRequest, dataset: Dataset) -> tuple[Padding, ...]:
    """Look for runs of the usual padding values, in a pass over the targets alone."""
    targets, sequence = dataset.targets, _sequence(dataset.layout)
    if targets is None or not sequence:
        return ()
    n_classes = dataset.layout.n_classes
    flat = sequence == _WHOLE_FILE
    values = [v for v in dict.fromkeys((*_PADDING, n_classes - 1)) if v < n_classes and v != request.loss.ignore_index]
    if flat:
        values = values[:1]
    found = {value: Padding(value, Streaks(), Runs()) for value in values}
    step = blocks.BLOCK_ELEMENTS if flat else max(1, blocks.BLOCK_ELEMENTS // sequence) * sequence
    # Where a shift finds no target, at one end of every sequence, there is no padding either.
    scored = targets.scored if isinstance(targets, Shifted) and not flat else slice(None)
    for start in range(0, targets.n, step):
        part = targets.read(start, min(step, targets.n - start))
        rows = (part[None] if flat else part.reshape(-1, sequence))[:, scored]
        for value, seen in found.items():
            runs = Runs() if flat else read_runs(rows, value)
            found[value] = Padding(value, seen.streaks + read_streaks(rows.ravel(), value), seen.runs + runs)
    return tuple(found.values())


def _other_axes(request: ScoreRequest, dataset: Dataset) -> dict[int, Evidence]:
    """The evidence along every other axis that fits the targets just as well: axes of one length."""
    layout = dataset.layout
    if dataset.targets is None or request.loss.binary or "-" in (request.inputs.logits, request.inputs.targets):
        return {}
    alike = [axis for axis, n in enumerate(layout.shape) if n == layout.n_classes and axis != layout.class_axis]
    return _readings(request, alike)


def _readings(request: ScoreRequest, axes: list[int]) -> dict[int, Evidence]:
    """The evidence with the classes along each of some axes, as far as the targets fit."""
    found = {}
    for axis in axes:
        with suppress(NllError):
            dataset = open_dataset(replace(request.inputs, class_axis=axis))
            found[axis], _ = _gather(replace(request, progress=None), dataset)
    return found


def _refusal(error: NllError, request: ScoreRequest, dataset: Dataset | None) -> Finding:
    """What opening the inputs refused, as a finding; with the loss under each reading where there are several."""
    code, hint = error.finding or "", error.hint
    if request.inputs.sample_weights is not None and error.where == request.inputs.sample_weights:
        return Finding(code, ERROR, str(error), {}, "give one sample weight for each sample of the logits")
    if dataset is not None and dataset.targets is not None and dataset.targets.n == dataset.layout.n_classes:
        code = "logits-transposed"
        hint = "--class-axis 0, or save one row a sample"
    seen: dict[str, Any] = {}
    if code in ("class-axis-ambiguous", "logits-transposed") and "-" not in (
        request.inputs.logits,
        request.inputs.targets,
    ):
        readings = _readings(request, [0, 1, -1])
        seen = {f"loss_along_axis_{axis}": reading.fit.loss.mean for axis, reading in readings.items()}
    return Finding(code, ERROR, str(error), seen, hint or "give logits and targets of the same samples")


# --- the report ---------------------------------------------------------------------------------------------------


def _checked(request: ScoreRequest, findings: list[Finding], case: Case | None) -> Checked:
    counts = {severity: sum(f.severity == severity for f in findings) for severity in (ERROR, WARNING, NOTE)}
    report = Report(
        "check",
        f"Check of {name_of(request.inputs.logits)}",
        _signature(request),
        metrics=(
            Metric("n_findings", "findings", len(findings), headline=True, note=_summary(counts)),
            *(Metric(f"n_{severity}s", f"{severity}s", n, hidden=True) for severity, n in counts.items()),
            *_facts(case),
        ),
        tables=(_table(findings),),
        notes=() if case is None else case.dataset.notes,
        quiet=[finding.code for finding in findings],
        extra={"findings": [_object(finding) for finding in findings]},
        sections=tuple(_section(finding) for finding in findings),
    )
    return Checked(report, not (counts[ERROR] or counts[WARNING]))


def _summary(counts: dict[str, int]) -> str:
    return ", ".join(counted(n, severity) for severity, n in counts.items() if n) or "nothing suspicious"


def _facts(case: Case | None) -> tuple[Metric, ...]:
    """The plain numbers beside the findings; none where the inputs could not be opened."""
    loss, n_samples, n_counted, n_classes = None, None, None, None
    if case is not None:
        moments = case.evidence.fit.loss
        loss = moments.mean if moments.n else None
        n_samples, n_counted, n_classes = case.evidence.n_samples, case.evidence.n_counted, case.n_classes
    return (
        Metric("loss", "loss", loss, "nats", "of the samples that have one", hidden=loss is None),
        Metric("n_samples", "samples", n_samples, hidden=case is None),
        Metric("n_counted", "counted", n_counted, hidden=n_counted == n_samples),
        Metric("n_classes", "classes", n_classes, hidden=case is None),
    )


def _table(findings: list[Finding]) -> Table:
    columns = ("code", "severity", "message", "evidence", "fix")
    return Table(
        "findings",
        "Findings",
        tuple(Column(key, key, "text") for key in columns),
        [[f.code, f.severity, f.message, _seen(f), f.fix] for f in findings],
        hidden=True,
    )


def _object(finding: Finding) -> dict[str, Any]:
    """A finding as JSON has it: its evidence by name."""
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "evidence": finding.evidence,
        "fix": finding.fix,
    }


def _seen(finding: Finding) -> str:
    """The evidence as one line of text."""
    return "; ".join(f"{key.replace('_', ' ')} {_short(value)}" for key, value in finding.evidence.items())


def _short(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _section(finding: Finding) -> Section:
    """A finding as people read it."""
    steps = [Step("what", (finding.message,)), Step("seen", (_seen(finding),)), Step("fix", (finding.fix,))]
    if not finding.evidence:
        del steps[1]
    return Section("", (Calculation(f"{finding.severity}: {finding.code}", tuple(steps)),))


def _signature(request: ScoreRequest) -> str:
    from nllcli.version import __version__

    inputs, options = request.inputs, request.loss
    parts = {
        "from": options.source + ("-binary" if options.binary else ""),
        "ignore": options.ignore_index,
        "shift": inputs.shift,
        "class-axis": "shapes" if inputs.class_axis is None else inputs.class_axis,
        "version": __version__,
    }
    return "|".join(f"{key}:{value}" for key, value in parts.items())
