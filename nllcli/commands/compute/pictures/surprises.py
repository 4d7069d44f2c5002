"""The sequences that lose most, token by token."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from nllcli.drawing import Passage, Piece
from nllcli.numerics.pictured import PicturesWanted
from nllcli.report import Column, Columns, Fact, Name, Picture, Strong, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.commands.compute.result import LossResult
    from nllcli.commands.compute.subject import HardSequence
    from nllcli.report import Sentence

_MOST_BITS = 8.0  # from here on, the colour is the strongest
_KEY = tuple(
    (f"{bits:g}{' bits and more' if bits == _MOST_BITS else ''}", bits / _MOST_BITS) for bits in (0.5, 1, 2, 4, 8)
)
_MOST_ROWS = 20
_N_BEFORE = 3
_MOST_SHOWN = PicturesWanted.n_shown


class _Token(NamedTuple):
    """A token that counts: its sequence, the position that it has there, its loss in bits, and what came before."""

    sequence: int
    position: int
    name: str
    bits: float
    before: str


def picture(result: LossResult) -> Picture | None:
    """The tokens as text, each on a colour that is the stronger, the more bits it cost."""
    found = [each for each in result.tally.sequences if each.targets is not None]
    if not found:
        return None
    tokens = sorted((token for each in found for token in _tokens(result, each)), key=lambda token: -token.bits)
    if not tokens or not math.isfinite(found[0].mean):
        return None
    named = result.tally.subject.class_names is not None
    reading = "The stronger the colour, the more bits a token cost."
    if len(found[0].losses) >= _MOST_SHOWN:
        reading += f" The first {_MOST_SHOWN} tokens of a sequence are shown."
    return Picture(
        "surprises",
        "What surprised it?",
        _answer(result, found[0], tokens),
        _table(tokens[:_MOST_ROWS], several=len(found) > 1),
        tuple(_passage(result, each, with_key=each is found[0]) for each in found),
        reading=reading if named else f"{reading} Their texts are the names of the classes.",
        wide=True,
    )


def _tokens(result: LossResult, sequence: HardSequence) -> list[_Token]:
    names, shift = result.class_names, result.tally.subject.shift
    texts = [None if c is None else names[c] for c in sequence.targets or ()]
    between = "" if result.tally.subject.class_names is not None else " "
    return [
        _Token(
            sequence.number,
            t + shift,
            text,
            loss / math.log(2),
            between.join(filter(None, texts[max(0, t - _N_BEFORE) : t])),
        )
        for t, (text, loss) in enumerate(zip(texts, sequence.losses, strict=True))
        if text is not None and loss is not None
    ]


def _answer(result: LossResult, first: HardSequence, tokens: Sequence[_Token]) -> Sentence:
    several = len(result.tally.inputs) > 1
    where: Sentence = (f"Sequence {first.number:,}", *((" of ", Name(first.file)) if several else ()))
    worst = next(token for token in tokens if token.sequence == first.number)
    return (
        *where,
        ", the hardest, loses ",
        Fact("mean_loss", first.mean, unit="nats"),
        " a token, ",
        Strong((Fact("bits", first.mean / math.log(2), unit="bits"),)),
        '. Most surprising: "',
        Name(worst.name),
        *(('" after "', Name(worst.before)) if worst.before else ()),
        '", ',
        Fact("most_bits", worst.bits, unit="bits"),
        ".",
    )


def _passage(result: LossResult, sequence: HardSequence, *, with_key: bool) -> Passage:
    between = "" if result.tally.subject.class_names is not None else " "
    pieces = tuple(
        Piece(f"{token.name}{between}", min(1.0, token.bits / _MOST_BITS), f"{token.bits:.3g} bits")
        for token in _tokens(result, sequence)
    )
    label = f"Sequence {sequence.number:,}, {sequence.mean / math.log(2):.4g} bits a token"
    return Passage(pieces, _KEY if with_key else (), label)


def _table(tokens: Sequence[_Token], *, several: bool) -> Table:
    columns: Columns = [
        *([(Column("sequence", "sequence", "count"), [token.sequence for token in tokens])] if several else []),
        (Column("position", "place of the token", "count"), [token.position for token in tokens]),
        (Column("before", "after", "text"), [token.before for token in tokens]),
        (Column("token", "token", "text"), [token.name for token in tokens]),
        (Column("bits", "loss", "number", "bits"), [token.bits for token in tokens]),
        (
            Column("bar", "", "bar", tone="loss"),
            [min(1.0, token.bits / tokens[0].bits) if tokens[0].bits else 0.0 for token in tokens],
        ),
    ]
    return Table.of("surprises", "", columns)
