from types import SimpleNamespace

import pytest
import typer

from nllcli.cli.options import choice
from nllcli.errors import Remedy, UsageError


def test_choice_is_checked():
    check = choice(("table", "json"), "--format", group="", help="").callback
    param = SimpleNamespace(name="format", opts=["--format", "-f"])
    assert check(None, param, "json") == "json"
    assert check(None, param, None) is None
    with pytest.raises(UsageError, match="--format jsn is unknown; did you mean json") as refused:
        check(None, param, "jsn")
    assert refused.value.remedies == (Remedy({"format": "json"}),)
    with pytest.raises(typer.BadParameter, match="one of: table, json"):
        check(None, param, "yaml")


def test_choice_is_completed():
    assert choice(("table", "tsv", "json"), "--format", group="", help="").autocompletion("t") == ["table", "tsv"]
