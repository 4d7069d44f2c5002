"""Sign flips and the bootstrap over units, in integer arithmetic: the same bits for any threads, BLAS or machine."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# All flips are tried of so few units; the p is then exact.
MOST_FLIPPED_UNITS = 13
# Statistics that differ by less than this share of all losses are equal: their digits beyond are rounding.
_TIE = 2.0**-48
_BITS = 52  # of sums of whole numbers, which float64 adds up without rounding in any order
_FLIPS, _BOOTSTRAP = 1, 2  # the purposes of random words
_WORD_BITS, _WORDS_A_STEP = 64, 4
_AT_ONCE = 1 << 20  # flips or draws in memory


@dataclass(frozen=True)
class Flips:
    """The p of a sum among those of flipped signs: of ``n`` flips, which are ``all`` that there are, or random ones."""

    p: float
    n: int
    all: bool


def flips(differences: NDArray[np.float64], n: int, seed: int, scale: float) -> Flips:
    """The two-sided p of the sum of ``differences`` (G,) where either sign is as likely: paired randomisation.

    Of at most 13 units all flips are taken: p = #{T* >= T} / 2**G. Of more, ``n`` random ones: (1 + #) / (n + 1)
    (Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 4.2; Phipson and Smyth, "Permutation
    p-values should never be zero", Stat. Appl. Genet. Mol. Biol. 9, 2010). Sums that are equal but for rounding are as
    extreme; ``scale`` is the sum of the sizes of the losses, from which rounding comes.
    """
    exponent = _exponent(differences)
    whole = _whole(differences, exponent)
    with np.errstate(over="ignore"):  # of differences that are nothing against the losses
        tie = float(np.ldexp(_TIE * scale, exponent)) + len(whole)  # which are rounded
    observed = abs(float(whole.sum())) - tie
    if len(whole) <= MOST_FLIPPED_UNITS:
        every = np.arange(1 << len(whole), dtype=np.int64)[:, None] >> np.arange(len(whole)) & 1
        hits = int(np.count_nonzero(np.abs((2.0 * every - 1.0) @ whole) >= observed))
        return Flips(hits / len(every), len(every), all=True)
    total, hits = float(whole.sum()), 0
    for words in _random_words(seed, _FLIPS, n, len(whole), _WORD_BITS):
        signs = np.unpackbits(
            words.astype("<u8", copy=False).view(np.uint8), axis=1, count=len(whole), bitorder="little"
        )
        # Each sum is that of the kept signs less that of the others: twice the former less the total.
        sums = 2.0 * (signs.astype(np.float64) @ whole) - total
        hits += int(np.count_nonzero(np.abs(sums) >= observed))
    return Flips((1 + hits) / (n + 1), n, all=False)


def bootstrap(
    differences: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    n: int,
    seed: int,
    confidence: float,
) -> tuple[float, float]:
    """The percentile interval of the ratio of the sums of ``differences`` and ``weights`` (G,) of units drawn again.

    Without weights it is that of the sum. Quantiles lie between neighbours in proportion (NumPy's "linear"); they are
    NaN where a draw has weights that add up to 0.
    """
    e, f = _exponent(differences), 0 if weights is None else _exponent(weights)
    tops, bottoms = _whole(differences, e), None if weights is None else _whole(weights, f)
    found = []
    for words in _random_words(seed, _BOOTSTRAP, n, len(tops), 1):
        # The first 53 bits of a word as a share of 1, times G: no draw is out of range.
        drawn = ((words[:, : len(tops)] >> np.uint64(11)).astype(np.float64) * (2.0**-53 * len(tops))).astype(np.int64)
        sums = tops[drawn].sum(axis=1)
        with np.errstate(all="ignore"):
            if bottoms is not None:
                below = bottoms[drawn].sum(axis=1)
                sums /= np.where(below == 0.0, np.nan, below)
            found.append(np.ldexp(sums, f - e))
    tail = (1.0 - confidence) / 2.0
    with np.errstate(all="ignore"):  # of ratios that overflow
        low, high = np.quantile(np.concatenate(found), [tail, 1.0 - tail]).tolist()
    return low, high


def _exponent(values: NDArray[np.float64]) -> int:
    """The e for which ``values * 2**e``, as whole numbers, add up to less than 2**52 in size."""
    sizes = np.abs(values)
    top = math.frexp(float(sizes.max(initial=0.0)))[1]
    return _BITS - 1 - top - math.frexp(float(np.ldexp(sizes, -top).sum()))[1]  # a sum that cannot overflow


def _whole(values: NDArray[np.float64], exponent: int) -> NDArray[np.float64]:
    return np.rint(np.ldexp(values, exponent))


def _random_words(seed: int, purpose: int, n: int, n_units: int, a_word: int) -> Iterator[NDArray[np.uint64]]:
    """Random words (m, n_words) of 64 bits for ``n`` replicates, some at a time, ``a_word`` units of each in a word.

    They are those of Philox4x64-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
    SC 2011), keyed by the seed and the purpose: each replicate has its own place in the counter.
    """
    n_words = _WORDS_A_STEP * -(-n_units // (_WORDS_A_STEP * a_word))  # whole steps of the generator
    key = np.array([seed, purpose], np.uint64)
    at_once = max(1, _AT_ONCE // n_units)
    for first in range(0, n, at_once):
        counter = first * n_words // _WORDS_A_STEP
        words = np.random.Philox(key=key, counter=[counter, 0, 0, 0])
        m = min(at_once, n - first)
        yield words.random_raw(m * n_words).reshape(m, n_words)
