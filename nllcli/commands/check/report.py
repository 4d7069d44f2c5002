"""How the result of nll check is shown."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from nllcli.commands.check.findings import ERROR, NOTE, WARNING
from nllcli.errors import counted
from nllcli.report import Calculation, Column, Metric, Report, Section, Step, Table

if TYPE_CHECKING:
    from nllcli.commands.check.check import Checked
    from nllcli.commands.check.findings import Finding

_COLUMNS = ("code", "severity", "message", "evidence", "fix")


def report(checked: Checked) -> Report:
    """The findings and the numbers next to them."""
    findings = checked.findings
    counts = {severity: sum(f.severity == severity for f in findings) for severity in (ERROR, WARNING, NOTE)}
    summary = ", ".join(counted(n, severity) for severity, n in counts.items() if n) or "nothing suspicious"
    n_samples, n_counted, reduction = checked.n_samples, checked.n_counted, checked.reduction
    note = "of the samples that have one" if reduction is None else f"{reduction}, under these settings"
    return Report(
        "check",
        f"Check of {checked.name}",
        checked.signature,
        metrics=(
            Metric("n_findings", "findings", len(findings), headline=True, note=summary),
            *(Metric(f"n_{severity}s", f"{severity}s", n, hidden=True) for severity, n in counts.items()),
            Metric("loss", "loss", checked.loss, "nats", note, hidden=checked.loss is None),
            Metric("n_samples", "samples", n_samples, hidden=n_samples is None),
            Metric("n_counted", "counted", n_counted, hidden=n_counted == n_samples),
            Metric("n_classes", "classes", checked.n_classes, hidden=checked.n_classes is None),
        ),
        tables=(_table(findings),),
        warnings=checked.warnings,
        notes=checked.notes,
        quiet=tuple(finding.code for finding in findings),
        extra={"findings": tuple(asdict(finding) for finding in findings)},
        sections=tuple(_section(finding) for finding in findings),
    )


def _table(findings: tuple[Finding, ...]) -> Table:
    return Table(
        "findings",
        "Findings",
        tuple(Column(key, key, "text") for key in _COLUMNS),
        tuple((f.code, f.severity, f.message, _evidence(f), f.fix) for f in findings),
        hidden=True,
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
