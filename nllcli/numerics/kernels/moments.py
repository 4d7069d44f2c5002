"""Sums over the classes that say how the probabilities of a sample change with the temperature.

With M the largest logit, T the temperature and t_j = (x_j - M) / T, they are made of the terms exp(t_j) of every class
but the top one, the first that holds M: those of which ``normaliser.py`` gives the sum, ``rest``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nllcli.numerics.kernels import multiples, sum_classes, tiles, to_float
from nllcli.numerics.kernels.chosen import bits_of, native_for
from nllcli.numerics.kernels.normaliser import normalise, powers_below
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from nllcli.data.blocks import Scratch

# How many powers of t_j have a sum: native.c has the same number.
N_POWERS = 8

_N_SURVEYED = 5


@dataclass(frozen=True)
class Survey:
    """Of each sample, (n,), float64 but for ``top``, int64.

    ``maximum`` and ``rest`` are the normaliser's, ``top`` is the first class of the maximum, and ``squares`` the sum of
    the squares of the terms. Over the classes of which x_j is not -inf, ``gap_sum`` is the sum of x_j - M, and
    ``n_alive`` says how many they are; ``n_tied`` of them, the top one too, hold M.
    """

    maximum: NDArray[np.float64]
    rest: NDArray[np.float64]
    top: NDArray[np.int64]
    squares: NDArray[np.float64]
    gap_sum: NDArray[np.float64]
    n_alive: NDArray[np.float64]
    n_tied: NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Of each sample, (n,), as in a ``Survey``, and ``powers`` (N_POWERS, n), float64.

    Row k - 1 of these is the sum of exp(t_j) t_j**k; a term that underflows, or of a class whose x_j is -inf, is 0.
    """

    maximum: NDArray[np.float64]
    rest: NDArray[np.float64]
    top: NDArray[np.int64]
    squares: NDArray[np.float64]
    powers: NDArray[np.float64]


def survey(x: NDArray[Any], *, temperature: float = 1.0, scratch: Scratch) -> Survey:
    """Reduce logits ``x`` (n, C), as ``normalise`` does; samples whose maximum is not finite have any other values."""
    module = native_for(x.dtype)
    if module is not None:
        maximum, sums, top = _natively(module.survey, x, temperature, _N_SURVEYED)
    else:
        maximum, sums, top = _by_tile(_survey_terms, x, temperature, _N_SURVEYED, scratch)
    rest, squares, gap_sum, n_alive, n_tied = sums
    return Survey(maximum, rest, top, squares, gap_sum, n_alive + 1, n_tied + 1)


def moments(x: NDArray[Any], *, temperature: float = 1.0, scratch: Scratch) -> Moments:
    """Reduce logits ``x`` (n, C), as ``survey`` does."""
    module = native_for(x.dtype)
    if module is not None:
        maximum, sums, top = _natively(module.moments, x, temperature, 2 + N_POWERS)
    else:
        maximum, sums, top = _by_tile(_moment_terms, x, temperature, 2 + N_POWERS, scratch)
    return Moments(maximum, sums[0], top, sums[1], sums[2:])


# The maximum (n,), the sums over the classes but the top one, (n_sums, n), of which the first is the rest, and the top.
_Reduced = tuple["NDArray[np.float64]", "NDArray[np.float64]", "NDArray[np.int64]"]


def _natively(reduce: Callable[..., None], x: NDArray[Any], temperature: float, n_sums: int) -> _Reduced:
    maximum, sums, top = np.empty(len(x)), np.empty((n_sums, len(x))), np.empty(len(x), np.int64)
    reduce(*bits_of(x), temperature, maximum, sums, top)
    return maximum, sums, top


def _by_tile(
    terms: Callable[[_Tile], Iterator[NDArray[np.float64]]],
    x: NDArray[Any],
    temperature: float,
    n_sums: int,
    scratch: Scratch,
) -> _Reduced:
    """The sums of some ``terms`` (n, C) each after the first two sums."""
    found = normalise(x, temperature=temperature, scratch=scratch)
    x = to_float(x, scratch)
    n, n_classes = x.shape
    sums, top = np.empty((n_sums, n)), np.empty(n, np.int64)
    sums[0] = found.rest
    with np.errstate(all="ignore"):
        for part in tiles(n, n_classes, np.float64):
            maximum = found.maximum[part]
            top[part] = x[part].argmax(axis=1)
            others = x[part].astype(np.float64)
            others[multiples(len(others), 1), top[part]] = -np.inf
            powers = powers_below(others, maximum, temperature, np.ones(len(others)), scratch)
            sums[1, part] = sum_classes(powers * powers)
            for s, values in enumerate(terms(_Tile(others, maximum[:, None], powers, temperature)), start=2):
                sums[s, part] = sum_classes(values)
    return found.maximum, sums, top


class _Tile(NamedTuple):
    """The logits (n, C) of some samples but for the top, which has -inf, their maxima (n, 1) and the powers of both."""

    others: NDArray[np.float64]
    maximum: NDArray[np.float64]
    powers: NDArray[np.float64]
    temperature: float


def _survey_terms(tile: _Tile) -> Iterator[NDArray[np.float64]]:
    alive = tile.others > -np.inf
    yield np.where(alive, tile.others - tile.maximum, 0.0)
    yield alive.astype(np.float64)
    yield (tile.others == tile.maximum).astype(np.float64)


def _moment_terms(tile: _Tile) -> Iterator[NDArray[np.float64]]:
    terms = tile.powers.copy()
    scaled = np.where(terms > 0.0, (tile.others - tile.maximum) / tile.temperature, 0.0)
    for _ in range(N_POWERS):
        np.multiply(terms, scaled, out=terms)
        yield terms
