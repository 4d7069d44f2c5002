"""Whether the first bytes of a file could be of log-probabilities of tokens: cheap, as every text is asked."""

from __future__ import annotations

import re

_MARKS = re.compile(
    rb"log_?prob|logps|\"resps\"|completion_probabilities|\"perplexities\"|likelihood"  # keys
    rb"|\A\s*\[[\s\[]*null\b"  # a list that begins with the first token
    rb"|^P-\d+\t|^\S+=\d+ \d+ \S+\t|^\s*p\( |^Perplexity |^Total: |zeroprobs, logprob=",  # logs
    re.IGNORECASE | re.MULTILINE,
)
_PERPLEXITY = re.compile(
    rb"Final estimate: PPL = |^\[1\]\d+\.\d+,|^perplexity: |Loss \(base 2\): |Mean PPL\(Q\)"
    rb"|(?:erplexity|PPL|ppl)\s*[:=]\s*\d",
    re.MULTILINE,
)


def may_hold_tokens(head: bytes) -> bool:
    """Whether something in ``head`` looks like it; what the file is shows only when it is parsed."""
    return _MARKS.search(head) is not None or _PERPLEXITY.search(head) is not None
