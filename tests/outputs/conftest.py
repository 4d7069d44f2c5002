import pytest

from nllcli.errors import Notice
from nllcli.report import Column, Metric, Report, Table

PER_CLASS = Table(
    key="per_class",
    title="Per class",
    columns=(
        Column("class", "class", "text"),
        Column("n_samples", "samples", "count"),
        Column("mean_loss", "mean loss", "number", "nats"),
        Column("accuracy", "accuracy", "share"),
    ),
    rows=[["cat", 1, 0.41703002, 1.0], ["dog", 1200, 0.2519, 0.25], ["horse", 0, None, None]],
    note="A class without samples has no mean.",
)
SAMPLES = Table(
    key="samples",
    title="Per sample",
    columns=(
        Column("sample", "sample", "count"),
        Column("target", "target", "text"),
        Column("loss", "loss", "number", "nats"),
        Column("p", "p", "probability"),
    ),
    rows=[[0, "cat", 0.41703002, 0.659], [1, "dog", 40.01, 4.2e-18], [2, "horse", float("inf"), 0.0]],
)


@pytest.fixture
def report():
    return Report(
        command="compute",
        title="Cross-entropy of logits.csv",
        signature="nll|loss:nll|reduction:mean",
        metrics=(
            Metric("loss_name", "loss", "nll", hidden=True),
            Metric("loss", "loss", 0.36231287, "nats", "mean of 3 samples", headline=True),
            Metric("perplexity", "perplexity", 1.4366481),
            Metric("accuracy", "accuracy", 2 / 3, "share", "2 of 3"),
            Metric("n_samples", "samples", 1201),
            Metric("standard_error", "standard error", None, "nats"),
        ),
        tables=(PER_CLASS, SAMPLES),
        warnings=(Notice("odd", "looks odd"),),
        notes=(Notice("squeezed", "was squeezed"),),
        quiet=(0.36231287,),
        extra={"losses": [0.41703002, 40.01]},
    )
