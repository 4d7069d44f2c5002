import pytest

from nllcli import __version__
from nllcli.commands.weights import report, weights
from nllcli.errors import DataError, UsageError
from nllcli.numerics.schemes import SCHEMES

COUNTS = [10, 50, 100]


def metrics(shown):
    return {metric.key: metric.value for metric in shown.metrics}


def test_the_result_is_data():
    found = weights(COUNTS)
    assert (found.counts, found.class_names, found.by_scheme) == ((10, 50, 100), None, {"inverse": (1, 0.2, 0.1)})
    assert list(weights(COUNTS, all_schemes=True).by_scheme) == list(SCHEMES)


def test_report():
    shown = report(weights(COUNTS))
    assert metrics(shown) == {"scheme": "inverse", "normalize": "max", "n_classes": 3, "n_samples": 160}
    assert shown.signature == f"scheme:inverse|normalize:max|version:{__version__}"
    (table,) = shown.tables
    assert table.key == "classes"
    assert [column.key for column in table.columns] == ["class", "count", "share", "weight"]
    assert table.rows[2] == (2, 100, 0.625, 0.1)
    assert list(shown.quiet) == [row[-1] for row in table.rows]
    assert shown.quiet_separator == ","


def test_beta_is_named_where_it_matters():
    shown = report(weights(COUNTS, scheme="effective", beta=0.99))
    assert metrics(shown)["beta"] == 0.99
    assert shown.signature == f"scheme:effective|normalize:mean|beta:0.99|version:{__version__}"


def test_class_names():
    shown = report(weights(COUNTS, class_names=["a", "b", "c"], normalize="sum"))
    assert [row[0] for row in shown.tables[0].rows] == ["a", "b", "c"]
    assert sum(shown.quiet) == pytest.approx(1)
    assert metrics(shown)["normalize"] == "sum"


def test_all_schemes():
    shown = report(weights(COUNTS, all_schemes=True))
    (table,) = shown.tables
    assert [column.label for column in table.columns[3:]] == list(SCHEMES)
    for i, scheme in enumerate(SCHEMES, 3):
        assert [row[i] for row in table.rows] == list(report(weights(COUNTS, scheme=scheme)).quiet)
    assert not shown.quiet


def test_absent_class_is_noted():
    shown = report(weights([0, 5, 0], class_names=["a", "b", "c"], zero_count="zero"))
    assert list(shown.quiet) == [0, 1, 0]
    assert "zero-count:zero" in shown.signature
    assert [note.message for note in shown.notes] == ["no samples, so weight 0: class 'a' and 1 more"]
    assert not report(weights(COUNTS)).notes


def test_refusals():
    with pytest.raises(UsageError, match="2 class names for 3 counts"):
        weights(COUNTS, class_names=["a", "b"])
    with pytest.raises(DataError, match=r"class 1 \('b'\)"):
        weights([1, 0], class_names=["a", "b"])
