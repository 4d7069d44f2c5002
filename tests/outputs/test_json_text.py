import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rendered import json as render

from nllcli import __version__
from nllcli.errors import UsageError
from nllcli.outputs import json_text
from nllcli.report import Cells, Column, Metric, Nested, Report, Table, runs

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


ROWS = st.sampled_from([0.5, 1.0, -2.5e-300, 7, "a%", "\udcff", NAN, INF, None, True])


@settings(deadline=None, max_examples=60)
@given(data=st.data(), n=st.integers(0, 30), run=st.sampled_from([1, 4, 100]))
def test_tables_are_as_json_has_their_rows_as_objects(data, n, run):
    """A run of rows at a time, columns of one kind as a whole; what is not finite is named row by row."""
    names = ("p_%s", "kind", "n")
    rows = [[data.draw(ROWS) for _ in names] for _ in range(n)]
    table = Table("t", "", tuple(Column(name, "") for name in names), rows)
    cells = [[row[i] for row in rows] for i in range(len(names))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "runs", lambda n: runs(n, run))
        of_columns = Table.of("t", "", list(zip(table.columns, cells, strict=True)))
        found = [render(Report("c", "", "s", tables=(one,))) for one in (table, of_columns)]
    objects = [dict(zip(names, row, strict=True)) for row in rows]
    named = {f"t[{i}].{key}": str(x) for i, row in enumerate(objects) for key, x in row.items() if _is_lost(x)}
    finite = [{key: None if _is_lost(x) else x for key, x in row.items()} for row in objects]
    expected = json.loads(found[0])
    assert expected["t"] == finite
    assert list(expected.get("nonfinite", {}).items()) == list(named.items())
    assert found[0] == found[1]
    lines = found[0].splitlines()
    assert not n or lines[lines.index('  "t": [') + 1].removesuffix(",") == f"    {json.dumps(finite[0])}"


def _is_lost(x):
    return isinstance(x, float) and not math.isfinite(x)


@pytest.mark.parametrize("shape", [(0,), (5,), (10_000,), (3, 0), (4, 3), (3, 2, 2500), (2, 5000), (5000, 2)], ids=str)
@pytest.mark.parametrize("spoilt", [(), (1,)], ids=["finite", "nonfinite"])
def test_lists_in_lists_are_written_a_run_at_a_time(shape, spoilt):
    size = math.prod(shape)
    numbers = [i / 7 for i in range(size)]
    for i in spoilt:
        numbers[i : i + 1] = [NAN] * bool(numbers[i:])
    nested = Nested(Cells(size, lambda start, stop: numbers[start:stop]), shape)
    report = Report("c", "", "s", extra={"losses": nested})
    assert max(map(len, json_text.render(report))) < 130_000
    whole = Report("c", "", "s", extra={"losses": np.reshape(numbers, shape).tolist()})
    assert render(report) == render(whole)


def test_many_rows_of_every_kind():
    """Columns of one kind are written as a whole, those of several row by row."""
    n = 5000
    kinds = {"x": [i / 3 for i in range(n)], "n": list(range(n)), "name": ["é%s" if i % 2 else "b" for i in range(n)]}
    mixed = {**kinds, "gap": [None if i % 2 else 0.5 for i in range(n)]}
    for cells in (kinds, mixed):
        table = Table.of("t", "", [(Column(key, ""), column) for key, column in cells.items()])
        report = Report("c", "", "s", tables=(table,))
        assert max(map(len, json_text.render(report))) < 500_000
        rows = [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]
        lines = ",\n".join(f"    {json.dumps(row)}" for row in rows)
        assert f'  "t": [\n{lines}\n  ],\n' in render(report)


def test_rows_are_values_by_their_path():
    table = Table.of("t", "", [(Column("name", ""), ["a", "b"]), (Column("x", ""), [0.5, 0.25])])
    report = Report("c", "", "s", tables=(table,), extra={"losses": Nested([0.5, 0.25, 1.0, 2.0], (2, 2))})
    paths = ("t[1].x", "t[a].x", "losses[1][0]")
    assert json_text.named_values(report, paths) == [0.25, 0.5, 1.0]
    with pytest.raises(UsageError, match=r"no 't\[c\]\.x'"):
        json_text.named_values(report, ("t[c].x",))
