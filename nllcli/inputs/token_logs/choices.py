"""Log-likelihoods of the choices of questions, which are logits of the choices, with the answers as their targets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.errors import DataError, Notice, counted
from nllcli.inputs.arrays.memory import MemoryArray
from nllcli.inputs.tables.cells import is_number, shown
from nllcli.inputs.token_logs.documents import json_values

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


def open_choices(stream: ByteStream) -> Choices:
    """The choices of every question; those with fewer choices than others are filled up with a p of 0."""
    rows, answers, places = [], [], []
    for where, value in without_repeats(json_values(stream)):
        row = _row(value, where)
        rows.append(row)
        answers.append(_answer(value, len(row), where))
        _check_accuracy(value, row.index(max(row)) == answers[-1], where)
        places.append(where)
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


def _answer(value: dict[str, Any], n: int, where: str) -> int:
    """The index of the right choice: written as one, or as the text of a choice."""
    target = value.get("target")
    text = str(target).strip()
    if not isinstance(target, bool) and text.isdecimal() and int(text) < n:
        return int(text)
    texts = _texts(value.get("arguments"))[:n]
    if texts.count(text) == 1:
        return texts.index(text)
    raise DataError(
        f"target {shown(str(target))} is neither a choice from 0 to {n - 1} nor the text of one", where=where
    )


def _check_accuracy(value: dict[str, Any], right: bool, where: str) -> None:
    """Raise DataError where the file itself says otherwise whether the largest log-likelihood is that of the target."""
    said = value.get("acc")
    if said in (0, 1) and bool(said) != right:
        told = "is" if right else "is not"
        raise DataError(f"acc is {said:g}, but the most likely choice {told} target {value['target']}", where=where)


def _texts(arguments: Any) -> list[str]:
    """The texts of the choices, where the file has them: the second argument of each request."""
    requests = arguments.values() if isinstance(arguments, dict) else arguments
    texts = []
    for request in requests or ():
        parts = list(request.values()) if isinstance(request, dict) else request
        texts.append(str(parts[1]).strip() if isinstance(parts, list) and len(parts) > 1 else "")
    return texts
