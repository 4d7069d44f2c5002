"""The command line that is being run, as it was typed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

_WORDS: ContextVar[Sequence[str]] = ContextVar("words", default=())


@contextmanager
def typed(words: Sequence[str]) -> Iterator[None]:
    """Know the words after ``nll`` while they are carried out."""
    token = _WORDS.set(words)
    try:
        yield
    finally:
        _WORDS.reset(token)


def typed_line() -> str:
    """The whole command, as a shell takes it; empty where none is run."""
    from shlex import join

    words = _WORDS.get()
    return join(["nll", *words]) if words else ""
