"""Logs of language-model tools: log-probabilities to base 2 or 10, word by word, or one rounded perplexity."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from nllcli.errors import DataError, Notice, Remedy, UsageError, counted
from nllcli.inputs.tables.cells import is_number, shown
from nllcli.inputs.token_logs.runs import COMPLETION, Found, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_LN2, _LN10 = math.log(2.0), math.log(10.0)
# With a point or an exponent, and whole: not the first digits of a version, of a percentage or of a word.
_NUMBER = r"(\d+(?:\.\d+(?:[eE][-+]?\d+)?|[eE][-+]?\d+))(?!\.?\w|%)"
_ERROR = rf"(?:\s*(?:±|\+/-)\s*{_NUMBER})?"
_RUNNING = re.compile(r"\[(\d+)\](\d+\.\d+),")
_POSITIONAL = re.compile(r"P-(\d+)\t(.*)")
_OLD = re.compile(r"^\| ", re.MULTILINE)
_WORD = re.compile(r"(\S+)=(\d+) \d+ (\S+)(?=\s|$)")
_BRACKETS = re.compile(r"[ \t]*p\( .*\[ (\S+) \][ \t]*")
_TOTALS = re.compile(
    r"(\d+) sentences, (\d+) words, (\d+) OOVs\s+(\d+) zeroprobs, logprob= ?(\S+) ppl= ?(\S+)(?: ppl1= ?(\S+))?"
)


class Log(NamedTuple):
    """What tells a log by its first bytes, what a message calls it, and the function that reads its text."""

    mark: re.Pattern[bytes]
    what: str
    read: Callable[[str, str], Found]


class _Perplexity(NamedTuple):
    """A number that a log has in place of log-probabilities: how it is written, and what its loss is in nats."""

    pattern: re.Pattern[str]
    loss: Callable[[float], float]
    is_perplexity: bool = True


_PERPLEXITIES = (
    _Perplexity(re.compile(r"Final estimate: PPL = (\S+)(?: \+/- (\S+))?"), math.log),
    _Perplexity(re.compile(rf"Mean PPL\(Q\)\s*:\s*{_NUMBER}{_ERROR}"), math.log),
    _Perplexity(re.compile(rf"^[ \t*]*(?:eval|test)_loss\s*[=:]\s*{_NUMBER}()", re.M), float, is_perplexity=False),
    _Perplexity(re.compile(rf"Loss \(base 2\): {_NUMBER}()"), lambda bits: bits * _LN2, is_perplexity=False),
)
_ANY = _Perplexity(re.compile(rf"\b(?:perplexity|ppl)\s*[:=]\s*{_NUMBER}{_ERROR}", re.IGNORECASE), math.log)


def log_of(head: bytes) -> Log | None:
    """The log that the first bytes of a file show; None where they are of none."""
    return next((log for log in LOGS if log.mark.search(head)), None)


def _perplexity(text: str, name: str) -> Found:
    """The one perplexity of a run; of several, or of a run that did not end, the user says which."""
    found = [(each, match) for each in _PERPLEXITIES for match in each.pattern.finditer(text)]
    if not found and not _RUNNING.search(text):
        found = [(_ANY, match) for match in _ANY.pattern.finditer(text)]
    if not found:
        raise _unfinished(text, name)
    if len(found) > 1:
        remedies = [
            Remedy(feed=("echo", match[0]), files={name: "-"}, meaning=f"the {_ordinal(i, len(found))}")
            for i, (_, match) in enumerate(found)
        ]
        raise UsageError(f"holds the perplexities of {len(found)} runs", where=name, remedies=remedies)
    each, match = found[0]
    number = float(match[1]) if is_number(match[1]) else math.nan
    if not 0 < number < math.inf or (each.is_perplexity and number < 1):
        raise DataError(f"{shown(match[1])} is not a perplexity", where=name)
    loss, half = each.loss(number), 0.5 * 10.0 ** _exponent(match[1])
    off = half / number if each.is_perplexity else each.loss(half)
    unit = " bits" if "base 2" in match[0] else ""
    what = f"the perplexity {match[1]}" if each.is_perplexity else f"a loss of {match[1]}{unit}"
    error = f", with a standard error of {float(match[2]) / number:.4g}" if match[2] else ""
    note = f"{name}: holds {what}, rounded, not log-probabilities: its loss is known to {off:.1g} nats{error}"
    return Found([Run([0.0 - loss], name)], (Notice("perplexity-alone", note),))


def _exponent(number: str) -> int:
    """The power of ten of the last digit of a number."""
    digits, _, exponent = number.lower().partition("e")
    return int(exponent or 0) - len(digits.partition(".")[2])


def _unfinished(text: str, name: str) -> DataError:
    """The refusal of a log without a final perplexity, which may have one of the part that was done."""
    running = _RUNNING.findall(text)
    if not running:
        return DataError("holds neither a perplexity nor log-probabilities", where=name)
    chunks, last = running[-1]
    meaning = f"the perplexity of the {counted(int(chunks), 'chunk')} that were done"
    feed = ("echo", f"Final estimate: PPL = {last}")
    return DataError(
        "has no final perplexity: the run did not end",
        where=name,
        remedies=[Remedy(feed=feed, files={name: "-"}, meaning=meaning)],
    )


def _ordinal(i: int, n: int) -> str:
    return "last" if i == n - 1 else f"number {i + 1}"


def _positional(text: str, name: str) -> Found:
    """Lines P-N of the scores of the words of a hypothesis, to base 2."""
    if _OLD.search(text) and "base 2" not in text:
        raise DataError(
            "is of a version that may have written natural logarithms: newer ones say that scores are to base 2",
            where=name,
            remedies=[
                Remedy(feed=("grep", "^P-", name), files={name: "-"}, meaning="scores are to base 2"),
                Remedy(feed=_numbers_of(name), files={name: "-"}, meaning="scores are natural logarithms"),
            ],
        )
    runs, seen = [], set()
    for line, place in _lines(text, name):
        match = _POSITIONAL.match(line)
        if match is None:
            continue
        if match[1] in seen:
            raise _several_hypotheses(match[1], name, place)
        seen.add(match[1])
        runs.append(Run([_to_nats(word, _LN2, place) for word in match[2].split()], place, COMPLETION))
    return Found(runs, (Notice("base", f"{name}: scores are to base 2"),))


def _numbers_of(name: str) -> tuple[str, ...]:
    return ("sed", "-n", r"s/^P-[0-9]*[[:space:]]//p", name)


def _several_hypotheses(sentence: str, name: str, place: str) -> UsageError:
    return UsageError(
        f"has a second hypothesis of sentence {sentence}",
        where=place,
        remedies=[
            Remedy(feed=("awk", "/^P-/ && !seen[$1]++", name), files={name: "-"}, meaning="the first of each sentence"),
            Remedy(
                feed=("awk", '/^P-/ {sub(/^P-[0-9]+/, "P-" NR); print}', name), files={name: "-"}, meaning="all of them"
            ),
        ],
    )


def _words(text: str, name: str) -> Found:
    """Lines of word=id, a length and a logarithm to base 10; a word of id 0 is outside the vocabulary."""
    runs = []
    for line, place in _lines(text, name):
        words = _WORD.findall(line)
        if words:
            outside = frozenset(i for i, (_, number, _) in enumerate(words) if number == "0")
            runs.append(Run([_to_nats(value, _LN10, place) for _, _, value in words], place, outside=outside))
    return Found(runs, (Notice("base", f"{name}: logarithms are to base 10; the end of a sentence counts as a word"),))


def _brackets(text: str, name: str) -> Found:
    """Lines of p( word | context ) = p [ logarithm to base 10 ]; a word outside the vocabulary has -inf."""
    values: list[float] = []
    outside: list[int] = []
    for line, place in _lines(text, name):
        match = _BRACKETS.fullmatch(line)
        if match is not None:
            if match[1] == "-inf":
                outside.append(len(values))
            values.append(_to_nats(match[1], _LN10, place))
    note = Notice("base", f"{name}: logarithms are to base 10; the end of a sentence counts as a word")
    return Found([Run(values, name, outside=frozenset(outside))], (note,))


def _totals(text: str, name: str) -> Found:
    """The total of a text alone: its logarithm to base 10, and how many words it has."""
    found = list(_TOTALS.finditer(text))
    sentences, words, outside, zeros = (int(found[-1][i]) for i in range(1, 5))
    n = sentences + words - outside - zeros
    total = _to_nats(found[-1][5], _LN10, name)
    if n < 1:
        raise DataError("has no words that count", where=name)
    note = f"{name}: holds a sum over {n} words and ends of sentences, not the log-probability of each"
    if outside + zeros:
        note += f"; {outside + zeros} words outside the vocabulary are not among them"
    return Found([Run([total / n], name)], (Notice("perplexity-alone", note),))


def _sentences(text: str, name: str) -> Found:
    """The total of each sentence, whose words are not counted, unless a summary follows."""
    if "Perplexity including OOVs:" in text:
        return _both_perplexities(text, name)
    hint = "query -v word writes the log-probability of each word, and query -v summary the perplexity"
    raise DataError("holds sums over sentences, not how many words they have", where=name, hint=hint)


def _both_perplexities(text: str, name: str) -> Found:
    """Perplexities with the words outside the vocabulary and without them, which differ where there are any."""
    lines = dict(re.findall(r"^(Perplexity \w+ OOVs|OOVs):\t(\S+)$", text, re.MULTILINE))
    including, excluding = (lines.get(f"Perplexity {which} OOVs", "") for which in ("including", "excluding"))
    if not (is_number(including) and is_number(excluding)):
        raise DataError("is cut short: it has no perplexity", where=name)
    if lines.get("OOVs") == "0":
        return _perplexity(f"Final estimate: PPL = {including}", name)
    raise UsageError(
        f"has a perplexity with the {lines.get('OOVs', '')} words outside the vocabulary and one without them",
        where=name,
        remedies=[
            Remedy(feed=("echo", f"Final estimate: PPL = {value}"), files={name: "-"}, meaning=f"{which} them")
            for value, which in ((including, "with"), (excluding, "without"))
        ],
    )


def _lines(text: str, name: str) -> Iterator[tuple[str, str]]:
    """The lines of a text, each with its place."""
    return ((line.rstrip("\r"), f"{name}, line {i}") for i, line in enumerate(text.split("\n"), 1))


def _to_nats(word: str, base: float, where: str) -> float:
    if not is_number(word):
        raise DataError(f"{shown(word)} is not a number", where=where)
    return float(word) * base


def _log(mark: bytes, what: str, read: Callable[[str, str], Found]) -> Log:
    return Log(re.compile(mark, re.MULTILINE), what, read)


# Those of words come before those of totals, which end them.
LOGS: Sequence[Log] = (
    _log(rb"^P-\d+\t(?:-[\d.einf-]+|0(?:\.0+)?|nan)(?: |\r?$)", "scores of hypotheses, word by word", _positional),
    _log(rb"^\S+=\d+ \d+ -?[\d.einf-]+[\t ]", "log-probabilities of words", _words),
    _log(rb"^[ \t]*p\( \S+ \|.*\)[ \t]*=[ \t]*\[", "log-probabilities of words", _brackets),
    _log(rb"^Total: -?[\d.]+ OOV: \d+$", "the log-probabilities of sentences", _sentences),
    _log(rb"^Perplexity including OOVs:\t", "the perplexity of a text", _both_perplexities),
    _log(rb"^\d+ zeroprobs, logprob=", "the log-probability of a text", _totals),
    _log(
        rb"Final estimate: PPL = |^\[1\]\d+\.\d+,|^perplexity: |Loss \(base 2\): |Mean PPL\(Q\)[ \t]*:"
        rb"|^[ \t*#-]*(?:\w+ )?(?:[Pp]erplexity|PPL|ppl)[ \t]*[:=][ \t]*\d+\.\d+",
        "the log of a perplexity",
        _perplexity,
    ),
)
