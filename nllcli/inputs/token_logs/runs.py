"""Runs of tokens, and the log-probability in each of the forms that one token's entry has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nllcli.errors import DataError
from nllcli.inputs.tables.cells import is_number, shown
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nllcli.errors import Notice

PROMPT, COMPLETION, UNSPLIT = "prompt", "completion", "prompt and completion"
NAMES = ("logprob", "log_prob", "logProbability", "log_probability", "logprobability", "likelihood")
_PROBABILITIES = ("prob", "probs", "top_probs", "probability")


@dataclass(frozen=True)
class Run:
    """The log-probabilities of tokens that follow each other; None where the file has null for one.

    ``part`` is what they are of, None where there are no parts; ``outside`` are the tokens that are not in the
    vocabulary, by their number here.
    """

    values: Sequence[float | None]
    where: str
    part: str | None = None
    outside: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Found:
    """The runs of a file, and what is worth knowing about how they were read."""

    runs: Sequence[Run]
    notes: tuple[Notice, ...] = ()


def runs_in(entries: Any, where: str, part: str | None = None, ids: Any = None) -> Iterator[Run]:
    """The run that a list of entries is, or one run for each list in it: a batch of texts."""
    one_a_token = isinstance(ids, list) and isinstance(entries, list) and len(ids) == len(entries)
    one_a_token = one_a_token and not any(isinstance(token, list) for token in ids)
    if one_a_token or not (isinstance(entries, list) and entries and all(map(_is_text, entries))):
        yield run_of(entries, where, part, ids)
        return
    texts = ids if isinstance(ids, list) and len(ids) == len(entries) else [None] * len(entries)
    for i, (text, tokens) in enumerate(zip(entries, texts, strict=True)):
        yield run_of(text, f"{where}, text {i}", part, tokens)


def _is_text(value: Any) -> bool:
    """Whether a value is a list of log-probabilities, and not the entry of one token."""
    return isinstance(value, list) and len(value) > 0 and not is_token(value)


def is_token(value: Any) -> bool:
    """Whether a list is one token: its log-probability, its number, and perhaps its text."""
    if not (isinstance(value, list) and 2 <= len(value) <= 3):
        return False
    log_prob, number, *text = value
    return (
        isinstance(log_prob, int | float | None)
        and isinstance(number, int)
        and number >= 0
        and all(isinstance(each, str | None) for each in text)
    )


def run_of(entries: Any, where: str, part: str | None = None, ids: Any = None) -> Run:
    """The run that a list of entries is; ``ids`` are those of its tokens, where the file has them."""
    if not isinstance(entries, list):
        raise DataError(f"{shown(json.dumps(entries))} is not a list of log-probabilities", where=where)
    known = ids if isinstance(ids, list) and len(ids) == len(entries) else [None] * len(entries)
    values = [
        entry if type(entry) is float else _log_prob(entry, token, f"{where}, token {i}")
        for i, (entry, token) in enumerate(zip(entries, known, strict=True))
    ]
    return Run(values, where, part)


def _log_prob(entry: Any, token: Any, where: str) -> float | None:
    """The log-probability in one entry: a number, an object that names it, that of a token, or one by its token."""
    if entry is None:
        return None
    if isinstance(entry, dict):
        name = next((name for name in NAMES if name in entry), None)
        if name is not None:
            return _log_prob(entry[name], token, where)
        if any(name in entry for name in _PROBABILITIES):
            raise DataError(
                "holds a probability after sampling, not a log-probability",
                where=where,
                hint="llama-server has log-probabilities without post_sampling_probs",
            )
        return None if "id" in entry or "text" in entry else _by_token(entry, token, where)
    if is_token(entry):
        return _log_prob(entry[0], token, where)
    if isinstance(entry, int | float) and not isinstance(entry, bool):
        return float(entry)
    if isinstance(entry, str) and is_number(entry):
        return float(entry)
    raise DataError(f"{shown(json.dumps(entry))} is not a log-probability", where=where)


def _by_token(entry: dict[str, Any], token: Any, where: str) -> float | None:
    """That of the token that occurred, among those of several tokens by their ids."""
    if len(entry) == 1:
        return _log_prob(next(iter(entry.values())), None, where)
    if str(token) in entry:
        return _log_prob(entry[str(token)], None, where)
    if token is not None:
        raise DataError(f"has no log-probability of token {token}, which occurred", where=where)
    raise DataError(
        f"lists {len(entry)} tokens and does not say which of them occurred",
        where=where,
        hint="prompt_token_ids says it, which vLLM returns with return_token_ids; prompt_logprobs=0 lists one alone",
    )
