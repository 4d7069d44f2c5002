"""The file of a tally: strict JSON, one line a key, two levels deep."""

import json

import pytest
from rendered import tally as render

from nllcli.report import Report

TALLY = {
    "format": "nll-tally",
    "settings": {"a": 1, "deep": {"b": [1, 2]}, "none": {}},
    "inputs": [{"n": 1}, {"n": 2}],
    "names": ["é", "b"],
    "nothing": None,
    "empty": [],
}


def report(tally):
    return Report(command="compute", title="Title", signature="s", tally=tally)


def test_what_is_written():
    assert render(report(TALLY)) == (
        "{\n"
        '  "format": "nll-tally",\n'
        '  "settings": {\n'
        '    "a": 1,\n'
        '    "deep": {"b": [1, 2]},\n'
        '    "none": {}\n'
        "  },\n"
        '  "inputs": [\n'
        '    {"n": 1},\n'
        '    {"n": 2}\n'
        "  ],\n"
        '  "names": ["\\u00e9", "b"],\n'
        '  "nothing": null,\n'
        '  "empty": []\n'
        "}\n"
    )
    assert json.loads(render(report(TALLY))) == TALLY


def test_numbers_that_json_lacks_are_not_written():
    with pytest.raises(ValueError, match="JSON compliant"):
        render(report({"x": float("nan")}))
