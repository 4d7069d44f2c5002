"""Whether the first bytes of a file could be of log-probabilities of tokens: cheap, as every text is asked.

A shape of JSON in ``shapes`` or a kind of lines in ``logs`` is found only where one of its marks is here.
"""

from __future__ import annotations

_KEYS = ("logprob", "log_prob", "logProb", "LogProb", "Logprob", "logps", '"resps"', "completion_probabilities")
_OTHERS = (
    '"perplexities"',
    "ikelihood",
    "\nP-",
    "OOV",
    "zeroprobs",
    "PPL",
    "ppl",
    "erplexity",
    "(base 2)",
    "[1]",
    "\tp( ",
)
_MARKS = tuple(mark.encode() for mark in _KEYS + _OTHERS)


def may_hold_tokens(head: bytes) -> bool:
    """Whether something in ``head`` looks like it; what the file is shows only when it is parsed."""
    begins = head[:64].lstrip(b" \t\r\n[\xef\xbb\xbf")
    return begins.startswith((b"null", b"P-")) or any(mark in head for mark in _MARKS)
