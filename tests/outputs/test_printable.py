import pytest

from nllcli.outputs.formats import printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("größe 猫 [bold]", "größe 猫 [bold]"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[31m\x00", "\\x1b[31m\\x00"),
        ("gpj\u202e.exe", "gpj\\u202e.exe"),
        ("\udcff", "\\udcff"),
    ],
)
def test_printable(text, expected):
    assert printable(text) == expected
    assert printable(expected) == expected
