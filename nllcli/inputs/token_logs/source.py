"""Log-probabilities of what occurred as a BlockSource of one class, and as a Dataset."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import field, replace
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np

from nllcli.data.dataset import Dataset
from nllcli.data.layout import Layout
from nllcli.data.settings import DEFAULT_IGNORE_INDEX, UNLISTED
from nllcli.errors import DataError, Notice, Remedy, UsageError, counted, setting
from nllcli.inputs.arrays.memory import MemoryArray, memory_array
from nllcli.inputs.arrays.raw import NumberArray, RawArray, Values, widened
from nllcli.inputs.bytes.files import not_there_yet
from nllcli.inputs.mismatch import Misfit, check_shape
from nllcli.inputs.token_logs.runs import COMPLETION, PROMPT, UNSPLIT, Found, Run
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from nllcli.data.blocks import Block, Chunk, Scratch
    from nllcli.data.dataset import BlockSource

_CHECKED_AT_MOST = 1 << 20
_DROP = setting("unknown", "drop")
_WITHOUT_ENDS = (
    "import numpy; a = numpy.load({name!r}); n = a != 0; "
    "k = n.cumsum(-1).astype(bool) & numpy.flip(numpy.flip(n, -1).cumsum(-1), -1).astype(bool); "
    "numpy.save({to!r}, a[k])"
)


@dataclass
class Tokens:
    """A BlockSource of one class, in which tokens without a log-probability are ignored where ``drop`` says so."""

    inner: BlockSource
    drop: bool
    fortran: bool = field(init=False)
    class_names: None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.fortran = self.inner.fortran

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def shape(self) -> tuple[int | None, ...]:
        return self.inner.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.inner.dtype

    @property
    def labels(self) -> bool:
        return self.drop

    @property
    def n_bytes(self) -> int | None:
        return self.inner.n_bytes

    @property
    def notes(self) -> tuple[Notice, ...]:
        return self.inner.notes

    def chunks(self, layout: Layout, block_samples: int, first: int = 0) -> Iterator[Chunk]:
        for chunk in self.inner.chunks(layout, block_samples, first):
            yield replace(chunk, load=partial(self._load, chunk)) if self.drop else chunk

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:  # noqa: ARG002 - of a token
        return self.inner.place(sample, layout)

    def _load(self, chunk: Chunk, scratch: Scratch) -> Block:
        block = chunk.load(scratch)
        values = widened(block.logits)[:, 0]
        unknown = np.isnan(values) | is_unlisted(values)
        return replace(block, targets=np.where(unknown, DEFAULT_IGNORE_INDEX, 0))


@dataclass
class TokenArray(MemoryArray):
    """Log-probabilities in memory, run after run; ``firsts`` are the first tokens of the runs at ``places``."""

    firsts: list[int] = field(kw_only=True)
    places: list[str] = field(kw_only=True)
    opening_notes: tuple[Notice, ...] = field(kw_only=True, default=())

    @property
    def notes(self) -> tuple[Notice, ...]:
        return self.opening_notes

    def place(self, sample: int, layout: Layout, class_index: int | None = None) -> str:  # noqa: ARG002 - of a token
        run = bisect_right(self.firsts, sample) - 1
        place = self.places[run].removeprefix(self.name).removeprefix(", ")
        return (f"{place}, " if place else "") + f"token {sample - self.firsts[run]}"


def is_unlisted(log_probs: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether numbers stand for a token that is not among those that a server lists."""
    low, high = UNLISTED
    found: NDArray[np.bool_] = (log_probs >= low) & (log_probs <= high)
    return found


# --- runs of tokens in memory -----------------------------------------------------------------------------------------


def in_memory(name: str, found: Found, part: str | None = None, unknown: str = "error") -> TokenArray:
    """The tokens of ``part`` of the runs in a file, one after another; raises where it is open which of them count."""
    runs = [run for run in _of_part(found.runs, part, name) if run.values]
    first = [sum(1 for _ in takewhile(lambda value: value is None, run.values)) for run in runs]
    arrays = [_values(run, n, unknown) for run, n in zip(runs, first, strict=True)]
    if part != "all" and len(arrays) > 1 and len({len(array) for array in arrays}) == 1 and len(arrays[0]) > 1:
        _check_rows(np.stack(arrays), name)
    values = np.concatenate([np.empty(0), *arrays])
    if np.isnan(values).all():
        hint = "ask the server for them: logprobs in the request"
        raise DataError("holds no log-probabilities", where=name, hint=hint)
    firsts = np.cumsum([0, *map(len, arrays)])[:-1].tolist()
    return TokenArray(
        name,
        values.shape,
        values.dtype,
        values=values,
        firsts=firsts,
        places=[run.where for run in runs],
        opening_notes=(*found.notes, *_notes(name, runs, sum(first))),
    )


def _notes(name: str, runs: Sequence[Run], n_first: int) -> Iterator[Notice]:
    if n_first:
        told = f"{counted(n_first, 'token')} at the beginning of a text, which nothing predicts, not counted"
        yield Notice("first-tokens", f"{name}: {told}")
    if any(run.part == COMPLETION for run in runs):
        told = "the tokens are what a model generated: their mean is not its loss on given text"
        yield Notice("generated-tokens", f"{name}: {told}")


def _of_part(runs: Sequence[Run], part: str | None, name: str) -> Sequence[Run]:
    """The runs of a part, where there are several parts; raises UsageError that asks for it."""
    numbers = dict.fromkeys((PROMPT, COMPLETION, UNSPLIT), 0)
    for run in runs:
        if run.part is not None:
            numbers[run.part] += sum(value is not None for value in run.values)
    present = [which for which, n in numbers.items() if n]
    if part == "all":
        return runs
    if part is not None:
        if part in present:
            return [run for run in runs if run.part == part]
        raise no_such_part(name, part, present)
    if UNSPLIT in present:
        raise UsageError(
            "holds a prompt and perhaps what was generated after it, and does not say where that begins",
            where=name,
            remedies=[Remedy({"part": "all"}, "all of both")],
        )
    if len(present) > 1:
        told = " and ".join(f"the {which} ({counted(numbers[which], 'token')})" for which in present)
        meanings = {"prompt": "the prompt alone", "completion": "what was generated alone", "all": "both"}
        raise UsageError(
            f"holds the log-probabilities of {told}",
            where=name,
            remedies=[Remedy({"part": which}, meaning) for which, meaning in meanings.items()],
        )
    return runs


def no_such_part(name: str, part: str | None, present: Sequence[str]) -> UsageError:
    """The refusal of a part that the file does not have, or does not tell from the rest."""
    what = f"holds the {' and the '.join(present)}" if present else "does not tell a prompt from a completion"
    remedies = [Remedy({"part": None}, f"the {present[0]}" if present[:1] in ([PROMPT], [COMPLETION]) else "all of it")]
    return UsageError(f"{what}; {setting('part', part)} has nothing to take", where=name, remedies=remedies)


def _values(run: Run, n_first: int, unknown: str) -> NDArray[np.float64]:
    """The values of a run, NaN for what does not count; raises where a later token has no log-probability."""
    values = np.array([np.nan if value is None else value for value in run.values], np.float64)
    without = np.isnan(values)
    without[:n_first] = False
    unlisted = is_unlisted(values)
    outside = np.zeros(len(values), bool)
    outside[list(run.outside)] = True
    if unknown != "drop" and (without | unlisted).any():
        raise _unknown(run, int((without | unlisted).argmax()))
    if unknown == "error" and outside.any():
        raise UsageError(
            "is not in the vocabulary",
            where=f"{run.where}, token {outside.argmax()}",
            remedies=[
                Remedy({"unknown": "drop"}, "words outside the vocabulary do not count"),
                Remedy({"unknown": "keep"}, "they count, with what the model gives them"),
            ],
        )
    if unknown == "drop":
        values[outside] = np.nan
    return values


def _unknown(run: Run, i: int) -> DataError:
    """The refusal of a token without a log-probability."""
    value = run.values[i]
    what = "has no log-probability" if value is None else f"has the log-probability {value!r}"
    if value is not None and not math.isnan(value):
        what += ", which servers write for a token that they do not list"
    remedies = [Remedy({"unknown": "drop"}, "such tokens do not count")]
    return DataError(what, where=f"{run.where}, token {i}", remedies=remedies)


# --- Datasets ---------------------------------------------------------------------------------------------------------


def token_layout(tokens: Tokens, part: str | None) -> Layout:
    """The layout of tokens: an array has one in each of its places, a table one a row.

    Raises UsageError for rows in doubt, unless all tokens are said to count (``part``).
    """
    if isinstance(tokens.inner, NumberArray):
        if part != "all":
            _check_rows(_first_rows(tokens.inner), tokens.name)
        return Layout((*tokens.shape, 1), len(tokens.shape), tokens.fortran)
    if tokens.shape[1] != 1:
        raise UsageError(f"has {tokens.shape[1]} columns; log-probabilities of tokens have one", where=tokens.name)
    return Layout(tokens.shape, 1)


def tokens_of(
    given: ArrayLike, sample_weights: ArrayLike | None = None, *, part: str | None = None, unknown: str = "error"
) -> Dataset:
    """A Dataset of an array of log-probabilities, one a token."""
    tokens = Tokens(memory_array("logits", given), drop=unknown == "drop")
    layout, weights = token_layout(tokens, part), None
    if sample_weights is not None:
        values = np.asarray(sample_weights, np.float64)
        check_shape(Misfit(layout, values.shape), "sample_weights", "logits", tokens.shape, "sample weights")
        weights = Values("sample_weights", layout.to_file_order(values))
    return Dataset(tokens, layout, sample_weights=weights)


def _check_rows(rows: NDArray[Any] | None, name: str) -> None:
    """Raise UsageError for rows that are log-probabilities of all classes, or that seem to be filled up with zeros."""
    if rows is None:
        return
    with np.errstate(all="ignore"):
        sums = np.exp(rows.astype(np.float64)).sum(axis=-1)
    as_they_are = Remedy({"part": "all"}, "each number is of the token that occurred")
    if len(rows) > 1 and (np.abs(sums - 1.0) < 1e-2).all():
        classes = Remedy({"source": "log-probs", "part": None, "unknown": None}, "each row is of all classes")
        message = "has rows of probabilities that add up to 1: are they those of all classes?"
        raise UsageError(message, where=name, remedies=[classes, as_they_are])
    if (rows[:, [0, -1]] == 0).any():
        remedies = []
        if name.endswith(".npy"):
            to = not_there_yet(f"{name.removesuffix('.npy')}.tokens.npy")
            source = _WITHOUT_ENDS.format(name=name, to=to)
            padding = Remedy(python=source, files={name: to}, meaning="zeros at the ends of rows are padding")
            remedies = [padding, as_they_are]
        raise UsageError(
            "has rows that begin or end with 0: padding, or tokens of probability 1?",
            where=name,
            remedies=remedies,
            hint=f"{setting('part', 'all')} counts them; write NaN for padding, which {_DROP} leaves out",
        )


def _first_rows(array: NumberArray) -> NDArray[Any] | None:
    """The first rows of an array of several dimensions; None of one that has none, or of a large one by columns."""
    shape = [n or 0 for n in array.shape]
    if len(shape) < 2 or shape[-1] < 2 or not array.n or (array.fortran and array.n > _CHECKED_AT_MOST):
        return None
    n = array.n if array.fortran else shape[-1] * min(array.n // shape[-1], max(1, _CHECKED_AT_MOST // shape[-1]))
    assert isinstance(array, MemoryArray | RawArray)
    values = array.values.reshape(-1)[:n] if isinstance(array, MemoryArray) else widened(array.read(0, n))
    rows = values.reshape(shape, order="F") if array.fortran else values
    return rows.reshape(-1, shape[-1])
