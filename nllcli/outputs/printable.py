"""Text from outside, made safe to show."""


def printable(text: str) -> str:
    """Return ``text`` with every character that moves a cursor or hides itself written as its escape."""
    return text if text.isprintable() else "".join(map(_character, text))


def _character(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
