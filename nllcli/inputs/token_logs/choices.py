"""Log-likelihoods of the choices of questions, which are logits of the choices, with the answers as their targets."""

from __future__ import annotations

import json
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError, Notice, Remedy, UsageError, counted
from nllcli.inputs.arrays.memory import MemoryArray
from nllcli.inputs.tables.cells import is_number, shown
from nllcli.inputs.token_logs.documents import json_values
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nllcli.data.blocks import Block
    from nllcli.data.layout import Layout
    from nllcli.inputs.bytes.files import ByteStream


@dataclass
class Choices(MemoryArray):
    """Logits (n, C) in memory with the ``answers`` (n,); ``places`` says where each sample is."""

    answers: NDArray[np.int64] = field(kw_only=True)
    places: list[str] = field(kw_only=True)
    opening_notes: tuple[Notice, ...] = field(kw_only=True, default=())

    def __post_init__(self) -> None:
        self.labels = True

    @property
    def notes(self) -> tuple[Notice, ...]:
        return (*super().notes, *self.opening_notes)

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:  # noqa: ARG002 - of a question
        return self.places[sample].partition(", ")[2] or f"row {sample}"

    def _block(self, start: int, slices: NDArray[Any]) -> Block:
        block = super()._block(start, slices)
        return replace(block, targets=self.answers[start : start + len(block.logits)])


def are_choices(value: Any) -> bool:
    """Whether the first value of a file has the log-likelihoods of several choices."""
    resps = value.get("resps") if isinstance(value, dict) else None
    return isinstance(resps, list) and len(resps) > 1 and all(isinstance(one, list) for one in resps)


def without_repeats(values: list[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The values of a file, of documents that every filter repeats only the first; raises where two differ."""
    seen: dict[Any, Any] = {}
    for where, value in values:
        if isinstance(value, dict) and "doc_id" in value and "resps" in value:
            key = json.dumps([value["doc_id"], value.get("doc_hash")])
            if key in seen:
                if seen[key] != value["resps"]:
                    raise DataError(f"document {shown(str(value['doc_id']))} is there twice, and differs", where=where)
                continue
            seen[key] = value["resps"]
        yield where, value


@dataclass(frozen=True)
class _Question:
    """The log-likelihoods of the choices of a question, and the right one, as a ``number`` or by its ``text``."""

    row: list[float]
    value: dict[str, Any]
    where: str

    @property
    def target(self) -> str:
        return str(self.value.get("target")).strip()

    @property
    def number(self) -> int | None:
        is_one = self.target.isdecimal() and int(self.target) < len(self.row)
        return int(self.target) if is_one else None

    @property
    def text(self) -> int | None:
        texts = _texts(self.value.get("arguments"))[: len(self.row)]
        return texts.index(self.target) if texts.count(self.target) == 1 else None

    def contradicts(self, answer: int | None) -> bool:
        """Whether the file itself says otherwise whether the largest log-likelihood is that of the answer."""
        said = self.value.get("acc")
        return said in (0, 1) and bool(said) != (self.row.index(max(self.row)) == answer)


def open_choices(stream: ByteStream, targets_are: str | None = None) -> Choices:
    """The choices of every question; those with fewer choices than others are filled up with a p of 0."""
    questions = [_Question(_row(value, where), value, where) for where, value in without_repeats(json_values(stream))]
    answers = _answers(questions, targets_are, stream.name)
    rows, places = [each.row for each in questions], [each.where for each in questions]
    n_classes = max(map(len, rows))
    logits = np.full((len(rows), n_classes), -np.inf)
    for i, row in enumerate(rows):
        logits[i, : len(row)] = row
    notes = [Notice("choices", f"{stream.name}: the log-likelihoods of the choices are taken as logits of them")]
    fewer = sum(len(row) < n_classes for row in rows)
    if fewer:
        told = f"{counted(fewer, 'question')} of {len(rows)} with fewer than {n_classes} choices: p is 0 for the others"
        notes.append(Notice("fewer-choices", f"{stream.name}: {told}"))
    return Choices(
        stream.name,
        logits.shape,
        logits.dtype,
        values=logits,
        answers=np.array(answers, np.int64),
        places=places,
        opening_notes=tuple(notes),
    )


def _row(value: Any, where: str) -> list[float]:
    """The log-likelihood of each choice; those without the question, for mutual information, are left out."""
    if not are_choices(value):
        raise DataError("has no log-likelihoods of several choices, unlike the first line", where=where)
    resps = value["resps"]
    if "acc_mutual_info" in value and len(resps) % 2 == 0:
        resps = resps[: len(resps) // 2]
    row = []
    for i, one in enumerate(resps):
        number = one
        while isinstance(number, list) and number:
            number = number[0]
        if isinstance(number, bool) or not is_number(str(number)):
            raise DataError(f"{shown(str(number))} is not a log-likelihood", where=f"{where}, choice {i}")
        row.append(float(number))
    return row


def _answers(questions: list[_Question], targets_are: str | None, name: str) -> list[int]:
    """The right choice of every question, all of them numbers or all of them texts; raises where both fit."""
    readings = {"numbers": [each.number for each in questions], "names": [each.text for each in questions]}
    if targets_are is not None:
        readings = {targets_are: readings[targets_are]}
    whole = {kind: [n for n in found if n is not None] for kind, found in readings.items() if None not in found}
    if not whole:
        raise _no_answer(questions, readings, name)
    agreeing = [found for found in whole.values() if not any(map(_Question.contradicts, questions, found))]
    if not agreeing:
        raise _contradiction(questions, next(iter(whole.values())))
    if agreeing[1:] and agreeing[0] != agreeing[1]:
        i = [a == b for a, b in zip(*agreeing, strict=True)].index(False)
        number, text = agreeing[0][i], agreeing[1][i]
        raise UsageError(
            f"target {number} is the text of choice {text}",
            where=questions[i].where,
            remedies=[
                Remedy({"targets_are": "numbers"}, f"target {number} is choice {number} counted from 0"),
                Remedy({"targets_are": "names"}, f"target {number} is the choice with that text"),
            ],
        )
    return agreeing[0]


def _no_answer(questions: list[_Question], readings: dict[str, list[int | None]], name: str) -> DataError:
    """The refusal of the first target that no reading has, or else of one that is not like the others."""
    missing = [all(n is None for n in answers) for answers in zip(*readings.values(), strict=True)]
    if True not in missing:
        return DataError("has targets of which some are numbers of choices, and others texts", where=name)
    odd = questions[missing.index(True)]
    ways = {"numbers": f"a choice from 0 to {len(odd.row) - 1}", "names": "the text of one"}
    told = " nor ".join(ways[kind] for kind in readings)
    return DataError(
        f"target {shown(odd.target)} is {'neither' if len(readings) > 1 else 'not'} {told}", where=odd.where
    )


def _contradiction(questions: list[_Question], answers: list[int]) -> DataError:
    odd = next(each for each, answer in zip(questions, answers, strict=True) if each.contradicts(answer))
    told = "is not" if odd.value["acc"] else "is"
    target = f"the most likely choice {told} target {odd.value['target']}"
    return DataError(f"acc is {odd.value['acc']:g}, but {target}", where=odd.where)


def _texts(arguments: Any) -> list[str]:
    """The texts of the choices, where the file has them: the second argument of each request."""
    requests = arguments.values() if isinstance(arguments, dict) else arguments
    texts = []
    for request in requests or ():
        parts = list(request.values()) if isinstance(request, dict) else request
        texts.append(str(parts[1]).strip() if isinstance(parts, list) and len(parts) > 1 else "")
    return texts
