"""The shapes of JSON that hold log-probabilities of tokens, told by their keys: one function a shape, one table."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from nllcli.errors import DataError, Remedy, UsageError
from nllcli.inputs.tables.cells import is_number, shown
from nllcli.inputs.token_logs.runs import COMPLETION, NAMES, PROMPT, UNSPLIT, Run, is_token, run_of, runs_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_LISTS = re.compile(
    r"(?:(prompt|input|prefill)|(completion|output|response|generated|rollout))?_?(?:per_)?(?:tokens?_?)?"
    r"(?:log_?prob(?:abilitie)?s?|logps)",
    re.IGNORECASE,
)
_NAMES_OF_LISTS = ("content", "refusal", "token_logprobs", "chosenCandidates", "chosen_candidates")
_PLACE = re.compile(r", (?:line|index) \d+")  # of a value in a file
# What the items under a key have some of, where others use that key for something else.
_ITEMS = {
    "choices": {"logprobs", "prompt_logprobs", "message", "delta", "text"},
    "candidates": {"logprobsResult", "logprobs_result", "content"},
    "request_states": {"request", "result"},
}
_ENVELOPES = ("response", "result", "body", "completion", "answer", "raw_response", "api_response")
_ASK = "ask the server for them: logprobs in the request"
_DONE = "print(*[l for l in open({name!r}, encoding='utf-8-sig') if ((json.loads(l).get('response') or {{}}).get('body') or {{}}).get('choices')], sep='', end='')"  # noqa: E501 - one line of Python


class Shape(NamedTuple):
    """What a message calls a file of the shape, and the function that reads one value of it, at a place."""

    what: str
    read: Callable[[dict[str, Any], str], Iterator[Run]]


def shape_of(value: Any) -> str | None:
    """The key of ``SHAPES`` that tells what a file is by its first value; None where that holds none of them."""
    while isinstance(value, list) and value and isinstance(value[0], dict | list):
        value = value[0]
    if isinstance(value, list):
        return "list" if value[:1] == [None] and len(value) > 1 else None
    if not isinstance(value, dict) or "logits" in value:
        return None
    return _own_shape(value) or ("in an envelope" if _inside(value) is not None else None)


def tells_tokens(value: Any) -> bool:
    """Whether the first value of a file of some shape leaves no doubt; lists of numbers may be one number a class."""
    if shape_of(value) != "list":
        return True
    while isinstance(value, list) and value and isinstance(value[0], dict | list):
        value = value[0]
    if isinstance(value, list):
        return True
    lists = {name: content for name, content in value.items() if _LISTS.fullmatch(name)}
    words = value.get("tokens", value.get("token_ids"))
    if isinstance(words, list) and any(isinstance(x, list) and len(x) == len(words) for x in lists.values()):
        return True
    return any(
        "token" in name.lower()
        or name.lower().startswith(("prompt", "completion", "output", "response"))
        or isinstance(content, dict)
        or (
            isinstance(content, list)
            and (content[:1] == [None] or isinstance(content[0] if content else 0, dict | list))
        )
        for name, content in lists.items()
    )


def _own_shape(value: dict[str, Any]) -> str | None:
    return next((key for key in SHAPES if key in value and _is_of(key, value)), None) or _own_key(value)


def _is_of(key: str, value: dict[str, Any]) -> bool:
    """Whether ``key`` is what its shape has there: some are words that other files use too."""
    content = value[key]
    if key == "custom_id":
        return "response" in value or "error" in value
    if key == "details":
        return isinstance(content, dict) and "tokens" in content
    if key == "meta_info":
        return isinstance(content, dict) and any(_LISTS.fullmatch(name) for name in content)
    if key in ("output", "outputs"):
        return isinstance(content, list) and '"logprobs"' in json.dumps(content)
    if key == "resps":
        return "doc" in value or "doc_id" in value
    names = _ITEMS.get(key)
    if names is None:
        return isinstance(content, list)
    return isinstance(content, list) and all(isinstance(one, dict) and not names.isdisjoint(one) for one in content)


def _inside(value: dict[str, Any]) -> Any:
    """What is in an envelope, under one of the names that people give an answer; None where there is none."""
    inside = [value[name] for name in _ENVELOPES if isinstance(value.get(name), dict | list)]
    return next((one for one in inside if shape_of(one) not in (None, "list", "token")), None)


def _own_key(value: dict[str, Any]) -> str | None:
    if any(_LISTS.fullmatch(name) and isinstance(content, list | dict) for name, content in value.items()):
        return "list"
    return "token" if _names_a_token(value) else None


def _names_a_token(value: dict[str, Any]) -> bool:
    named = any(name in value for name in ("token", "token_id", "decoded_token", "token_str"))
    return any(name in value for name in NAMES) and (named or {"id", "text"} <= value.keys())


def runs_of(value: Any, where: str) -> Iterator[Run]:
    """The runs of one value of a file."""
    if isinstance(value, dict):
        key = shape_of(value)
        if key == "token":
            yield run_of([value], where)
        elif key is not None:
            yield from SHAPES[key].read(value, where)
        else:
            raise DataError(
                f"has none of the keys that log-probabilities of tokens stand under: {shown(', '.join(value))}",
                where=where,
                hint='{"token_logprobs": [null, -2.3, -0.5]} is read, one text a line',
            )
    elif isinstance(value, list) and not _are_entries(value):
        for i, one in enumerate(value):
            yield from runs_of(one, f"{where}, index {i}")
    else:
        yield run_of(value if isinstance(value, list) else [value], where)


def _are_entries(value: list[Any]) -> bool:
    """Whether a list is one text, an entry a token, and not a list of texts."""
    return all(
        item is None
        or isinstance(item, int | float)
        or (isinstance(item, str) and is_number(item))
        or (isinstance(item, dict) and _names_a_token(item))
        or is_token(item)
        for item in value
    )


# --- one function a shape ---------------------------------------------------------------------------------------------


def _batch_line(value: dict[str, Any], where: str) -> Iterator[Run]:
    """A line of a batch: the answer in an envelope, or an error."""
    response = value.get("response") or {}
    body = response.get("body") if isinstance(response, dict) else None
    error = value.get("error") or (body.get("error") if isinstance(body, dict) else None)
    if error or not isinstance(body, dict) or response.get("status_code", 200) != 200:
        told = error.get("message") if isinstance(error, dict) else error
        name = where.partition(", line ")[0]
        leave_out = "import json; " + _DONE.format(name=name)
        raise DataError(
            f"request {shown(str(value['custom_id']))} failed: {shown(str(told or 'it has no answer'))}",
            where=where,
            remedies=[
                Remedy(feed=("python", "-c", leave_out), files={name: "-"}, meaning="the requests that succeeded")
            ],
        )
    yield from runs_of(body, where)


def _answer(value: dict[str, Any], where: str) -> Iterator[Run]:
    """An answer with choices: completions or chat, with the prompt echoed or beside it."""
    choices = value["choices"]
    split = _echoed(choices, value.get("usage") or {})
    top = value.get("prompt_logprobs")
    if top is not None:
        yield run_of(top, f"{where}, prompt", PROMPT, value.get("prompt_token_ids"))
    for i, choice in enumerate(choices):
        place = f"{where}, choice {i}" if len(choices) > 1 else where
        beside = choice.get("prompt_logprobs")
        if beside is not None:
            yield run_of(beside, f"{place}, prompt", PROMPT, choice.get("prompt_token_ids"))
        logprobs = choice.get("logprobs")
        if logprobs is None and beside is None and top is None and "delta" not in choice:
            raise DataError("has no log-probabilities", where=place, hint=_ASK)
        for run in _logprobs(logprobs, place, COMPLETION, choice.get("token_ids")):
            yield from split(run)


def _logprobs(value: Any, where: str, part: str | None, ids: Any = None) -> Iterator[Run]:
    """What servers have under "logprobs": a list, or an object with one."""
    if isinstance(value, dict):
        found = [name for name in _NAMES_OF_LISTS if value.get(name) is not None]
        if len(found) > 1 and found != ["content", "refusal"]:
            raise DataError(f"has the log-probabilities under several keys: {', '.join(found)}", where=where)
        for name in found:
            yield from runs_in(value[name], where, part, ids)
    elif value is not None:
        yield from runs_in(value, where, part, ids)


def _echoed(choices: list[dict[str, Any]], usage: dict[str, Any]) -> Callable[[Run], Iterator[Run]]:
    """What splits the run of a choice where it echoes the prompt: how long that is follows from what was counted."""
    n = len(choices)
    prompt: int | None = usage.get("prompt_tokens")
    completion: int | None = usage.get("completion_tokens")
    lists = [(choice.get("logprobs") or {}).get("token_logprobs") or () for choice in choices if n > 1]
    total = sum(map(len, lists))

    def end_of_prompt(values: Sequence[float | None]) -> int | None:
        """How many of the values are of the prompt, whose first token has null; None where that is open."""
        length = len(values)
        adds_up = n == 1 and prompt is not None and completion is not None and length == prompt + completion
        if values[:1] != [None] and not adds_up:
            return 0
        if completion == 0:
            return length
        if adds_up or (n == 1 and completion is None and prompt is not None and prompt <= length):
            return prompt
        if n > 1 and completion == n and total - n in (prompt, n * (prompt or 0)):
            return length - 1  # one token each, as max_tokens=1 has it
        return None

    def split(run: Run) -> Iterator[Run]:
        at = end_of_prompt(run.values)
        if at is None:
            yield Run(run.values, run.where, UNSPLIT)
            return
        if at:
            yield Run(run.values[:at], run.where, PROMPT)
        if at < len(run.values):
            yield Run(run.values[at:], f"{run.where}, after the prompt" if at else run.where, COMPLETION)

    return split


def _response(value: dict[str, Any], where: str) -> Iterator[Run]:
    """An answer of items with content, or of sampled outputs."""
    if value.get("prompt_logprobs") is not None:
        yield run_of(value["prompt_logprobs"], f"{where}, prompt", PROMPT, value.get("prompt_token_ids"))
    for item in value.get("output") or value.get("outputs") or ():
        content = item.get("content") if isinstance(item.get("content"), list) else [item]
        for one in content:
            yield from _logprobs(one.get("logprobs"), where, COMPLETION, one.get("token_ids"))


def _candidates(value: dict[str, Any], where: str) -> Iterator[Run]:
    """An answer with candidates."""
    for candidate in value["candidates"]:
        yield from _logprobs(candidate.get("logprobsResult") or candidate.get("logprobs_result"), where, COMPLETION)


def _meta_info(value: dict[str, Any], where: str) -> Iterator[Run]:
    """An answer whose meta_info has lists of (log-probability, id, text)."""
    yield from _lists(value["meta_info"], where)


def _probabilities(value: dict[str, Any], where: str) -> Iterator[Run]:
    """An answer with completion_probabilities, in older servers of probabilities after sampling."""
    yield run_of(value["completion_probabilities"], where, COMPLETION)


def _details(value: dict[str, Any], where: str) -> Iterator[Run]:
    """An answer with details: the prefill and the tokens."""
    details = value["details"]
    yield run_of(details.get("prefill") or [], f"{where}, prefill", PROMPT)
    yield run_of(details["tokens"], where, COMPLETION)


def _states(value: dict[str, Any], where: str) -> Iterator[Run]:
    """Requests with their results; an echoed prompt begins with tokens that nothing predicts, as 0 or null."""
    for i, state in enumerate(value["request_states"]):
        echoes = (state.get("request") or {}).get("echo_prompt", False)
        generates = (state.get("request") or {}).get("max_tokens", 0) > 0
        for completion in (state.get("result") or {}).get("completions") or ():
            run = run_of(completion.get("tokens"), f"{where}, request {i}", COMPLETION)
            if not echoes:
                yield run
                continue
            given = max(1 if list(run.values[:1]) in ([0.0], [None]) else 0, state.get("num_conditioning_tokens") or 0)
            values = [None] * given + list(run.values[given:])
            yield Run(values, run.where, UNSPLIT if generates else PROMPT)


def _envelope(value: dict[str, Any], where: str) -> Iterator[Run]:
    """An answer that somebody keeps under a name, perhaps beside the question."""
    yield from runs_of(_inside(value), where)


def _perplexities(value: dict[str, Any], where: str) -> Iterator[Run]:
    """Perplexities of whole texts, whose lengths are gone."""
    name = where.partition(", line ")[0]
    loaded = f"json.load(open({name!r}, encoding='utf-8-sig'))"
    logs = f"import json, math; print(*[-math.log(p) for p in {loaded}['perplexities']], sep='\\n')"
    raise DataError(
        f"holds the perplexities of {len(value['perplexities'])} texts: how many tokens each has is not in it, "
        "and mean_perplexity is a mean of exponentials",
        where=where,
        remedies=[Remedy(feed=("python", "-c", logs), files={name: "-"}, meaning="the mean over texts, not tokens")],
    )
    yield  # pragma: no cover - a function of the table is a generator


def _documents(value: dict[str, Any], where: str) -> Iterator[Run]:
    """The log-likelihood of a document, or of one answer to it."""
    found = value["resps"]
    while isinstance(found, list) and len(found) and isinstance(found[0], list):
        if len(found) > 1:
            raise DataError(
                "has log-likelihoods of several choices, which are logits of them",
                where=where,
                remedies=[Remedy({"source": None, "part": None, "unknown": None})],
            )
        found = found[0]
    number = found[0] if isinstance(found, list) and found else found
    if isinstance(number, bool) or not is_number(str(number)):
        raise DataError(f"{shown(str(number))} is generated text, without a log-likelihood", where=where)
    yield Run([float(number)], where)


def _lists(value: dict[str, Any], where: str) -> Iterator[Run]:
    """Lists under keys that say what they hold, such as prompt_logprobs."""
    parts = {}
    for name, content in value.items():
        found = _LISTS.fullmatch(name)
        if found is not None and isinstance(content, list | dict):
            parts[name] = PROMPT if found[1] else COMPLETION if found[2] else None
    if len(parts) > 1 and sorted(map(str, parts.values())) != sorted((PROMPT, COMPLETION)):
        raise _which(list(parts), where)
    for name, part in parts.items():
        place = where if part is None else f"{where}, {name}"
        ids = value.get("prompt_token_ids") if part == PROMPT else value.get("token_ids", value.get("tokens"))
        yield from _logprobs(value[name], place, part, ids)


def _which(names: list[str], where: str) -> UsageError:
    file = _PLACE.split(where)[0]
    remedies = [Remedy(files={file: f"{file}:{name}"}, meaning=f"those of {name}") for name in names]
    return UsageError(f"has several lists of log-probabilities: {', '.join(names)}", where=where, remedies=remedies)


def only(value: Any, key: str, where: str) -> Any:
    """A value of a file with the one list of log-probabilities that is named; raises UsageError where there is none."""
    if isinstance(value, list):
        return [only(one, key, where) for one in value]
    if not isinstance(value, dict) or key not in value:
        raise UsageError(f"has no key {key!r}", where=where, hint="FILE:KEY names a list of log-probabilities")
    return {name: content for name, content in value.items() if name == key or not _LISTS.fullmatch(name)}


SHAPES = {
    "custom_id": Shape("a batch of answers of a language-model server", _batch_line),
    "choices": Shape("an answer of a language-model server", _answer),
    "candidates": Shape("an answer of a language-model server", _candidates),
    "meta_info": Shape("an answer of a language-model server", _meta_info),
    "completion_probabilities": Shape("an answer of a language-model server", _probabilities),
    "details": Shape("an answer of a language-model server", _details),
    "output": Shape("an answer of a language-model server", _response),
    "outputs": Shape("outputs of a language model", _response),
    "request_states": Shape("requests to a language model with their results", _states),
    "perplexities": Shape("perplexities of texts", _perplexities),
    "resps": Shape("samples of an evaluation of a language model", _documents),
    "in an envelope": Shape("answers of a language-model server", _envelope),
    "list": Shape("log-probabilities of tokens", _lists),
    "token": Shape("log-probabilities of tokens", _lists),
}
