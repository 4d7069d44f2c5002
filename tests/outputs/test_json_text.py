import json
import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from nllcli import __version__
from nllcli.outputs.json_text import render
from nllcli.report import Column, Metric, Report, Table

NAN, INF = math.nan, math.inf


def test_keys_and_values_in_order(report):
    found = json.loads(render(report))
    assert list(found) == [
        "schema_version", "command", "version", "signature",
        "loss_name", "loss", "perplexity", "accuracy", "n_samples", "standard_error",
        "per_class", "samples", "losses", "warnings", "nonfinite",
    ]  # fmt: skip
    assert found["schema_version"] == 1
    assert found["version"] == __version__
    assert found["loss"] == 0.36231287
    assert found["standard_error"] is None
    assert found["per_class"][2] == {"class": "horse", "n_samples": 0, "mean_loss": None, "accuracy": None}
    assert found["losses"] == [0.41703002, 40.01]
    assert found["warnings"] == [{"code": "odd", "message": "looks odd"}]
    assert found["nonfinite"] == {"samples[2].loss": "inf"}


def test_one_line_a_key_and_a_row(report):
    lines = render(replace(report, metrics=report.metrics[:2], tables=report.tables[1:])).splitlines()
    assert lines[0] == "{"
    assert '  "loss": 0.36231287,' in lines
    assert '    {"sample": 0, "target": "cat", "loss": 0.41703002, "p": 0.659},' in lines
    assert '  "losses": [0.41703002, 40.01],' in lines


def test_nonfinite_is_null_and_named_wherever_it_is():
    table = Table("per_class", "", (Column("mean_loss", ""),), [[1.0], [NAN]])
    report = Report(
        command="compute",
        title="",
        signature="",
        metrics=(Metric("loss", "", NAN), Metric("perplexity", "", -INF)),
        tables=(table,),
        extra={"losses": [[0.5, INF], [NAN, 1]]},
    )
    found = json.loads(render(report))
    assert found["loss"] is None
    assert found["losses"] == [[0.5, None], [None, 1]]
    assert found["nonfinite"] == {
        "loss": "nan",
        "perplexity": "-inf",
        "per_class[1].mean_loss": "nan",
        "losses[0][1]": "inf",
        "losses[1][0]": "nan",
    }


def test_nonfinite_only_where_there_is_any(report):
    assert "nonfinite" not in json.loads(render(replace(report, tables=())))


def test_text_is_ascii_whatever_the_names():
    names = '猫 "\n\udcff'
    text = render(Report(command="compute", title="", signature=names))
    assert text.isascii()
    assert json.loads(text)["signature"] == names


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_round_trip(x):
    report = Report(command="compute", title="", signature="", metrics=(Metric("loss", "", x),))
    assert json.loads(render(report))["loss"] == x
