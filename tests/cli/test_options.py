import pytest
import typer

from nllcli.cli.options import choice


def test_choice_is_checked():
    check = choice(("table", "json"), "--format", group="", help="").callback
    assert check("json") == "json"
    assert check(None) is None
    with pytest.raises(typer.BadParameter, match="'jsn' is unknown; did you mean 'json'"):
        check("jsn")
    with pytest.raises(typer.BadParameter, match="one of: table, json"):
        check("yaml")


def test_choice_is_completed():
    assert choice(("table", "tsv", "json"), "--format", group="", help="").autocompletion("t") == ["table", "tsv"]
