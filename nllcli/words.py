"""How messages word what several rooms tell of."""


def counted(n: int, noun: str) -> str:
    """A number of things, as messages name it."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
