import pytest

from nllcli.commands.weights import weights
from nllcli.errors import DataError, UsageError
from nllcli.numerics.schemes import SCHEMES
from nllcli.version import __version__

COUNTS = [10, 50, 100]


def metrics(report):
    return {metric.key: metric.value for metric in report.metrics}


def test_report():
    report = weights(COUNTS)
    assert metrics(report) == {"scheme": "inverse", "normalize": "max", "n_classes": 3, "n_samples": 160}
    assert report.signature == f"scheme:inverse|normalize:max|version:{__version__}"
    (table,) = report.tables
    assert table.key == "classes"
    assert [column.key for column in table.columns] == ["class", "count", "share", "weight"]
    assert table.rows[2] == (2, 100, 0.625, 0.1)
    assert list(report.quiet) == [row[-1] for row in table.rows]
    assert report.quiet_separator == ","


def test_beta_is_named_where_it_matters():
    report = weights(COUNTS, scheme="effective", beta=0.99)
    assert metrics(report)["beta"] == 0.99
    assert report.signature == f"scheme:effective|normalize:mean|beta:0.99|version:{__version__}"


def test_class_names():
    report = weights(COUNTS, class_names=["a", "b", "c"], normalize="sum")
    assert [row[0] for row in report.tables[0].rows] == ["a", "b", "c"]
    assert sum(report.quiet) == pytest.approx(1)
    assert metrics(report)["normalize"] == "sum"


def test_all_schemes():
    report = weights(COUNTS, all_schemes=True)
    (table,) = report.tables
    assert [column.label for column in table.columns[3:]] == list(SCHEMES)
    for i, scheme in enumerate(SCHEMES, 3):
        assert [row[i] for row in table.rows] == list(weights(COUNTS, scheme=scheme).quiet)
    assert not report.quiet


def test_absent_class_is_noted():
    report = weights([0, 5, 0], class_names=["a", "b", "c"], zero_count="zero")
    assert list(report.quiet) == [0, 1, 0]
    assert "zero-count:zero" in report.signature
    assert [note.message for note in report.notes] == ["no samples, so weight 0: class 'a' and 1 more"]
    assert not weights(COUNTS).notes


def test_refusals():
    with pytest.raises(UsageError, match="2 class names for 3 counts"):
        weights(COUNTS, class_names=["a", "b"])
    with pytest.raises(DataError, match=r"class 1 \('b'\)"):
        weights([1, 0], class_names=["a", "b"])
