import pytest
import typer

from nllcli.cli.options import choice


def test_choice_is_checked():
    check = choice(("table", "json"), "--format", help="").callback
    assert check("json") == "json"
    assert check(None) is None
    with pytest.raises(typer.BadParameter, match="'jsn' is unknown; did you mean 'json'"):
        check("jsn")
    with pytest.raises(typer.BadParameter, match="one of: table, json"):
        check("yaml")


def test_choice_is_completed():
    assert choice(("table", "tsv", "json"), "--format", help="").autocompletion("t") == ["table", "tsv"]
