"""The native kernels, where they could be built: `native.c`, which `chosen.py` loads.

Logits (n, C) are arrays of unsigned integers that hold the bits of the numbers, as rows (C order) or as columns one
item apart; ``kind`` is 0, 1, 2, 3 for float64, float32, float16, bfloat16, and ``swapped`` says that their bytes are
in the other order than the processor's. All other arrays are C-contiguous, (n,) float64 unless said.
"""

from typing import Any

from numpy.typing import NDArray

def levels() -> tuple[str, ...]:
    """The levels of instructions that the processor has, from the slowest to the fastest."""

def best() -> str | None:
    """The fastest level; None where every fused multiply-add would be the call of a function."""

def level() -> str:
    """The level that computes."""

def use(level: str) -> None:
    """Compute at a level from now on; raises ValueError for one that the processor lacks."""

def odds(
    logits: NDArray[Any], kind: int, swapped: bool, targets: NDArray[Any], against: NDArray[Any], found: NDArray[Any]
) -> int:
    """Fill the odds ``against`` the ``targets`` (n,) int64, and how many samples are outside the range of the powers.

    ``found`` (n,) uint8 becomes 1 where the target is the first class of the largest logit, 0 where it is not, and 2
    for the samples outside, whose odds are wrong.
    """

def read_odds(
    descriptor: int,
    offset: int,
    n: int,
    n_classes: int,
    kind: int,
    swapped: bool,
    room: NDArray[Any],
    targets: NDArray[Any],
    against: NDArray[Any],
    found: NDArray[Any],
) -> int | None:
    """``odds`` of the rows of a file from byte ``offset`` on, read into ``room``, uint8, as many at once as it holds.

    None where they cannot all be read.
    """

def normalise(
    logits: NDArray[Any],
    kind: int,
    swapped: bool,
    temperature: float,
    maximum: NDArray[Any],
    rest: NDArray[Any],
    top: NDArray[Any],
) -> None:
    """Fill the ``maximum``, NaN where a logit is, the ``rest`` and the first class of the maximum, ``top`` int64."""

def survey(
    logits: NDArray[Any],
    kind: int,
    swapped: bool,
    temperature: float,
    maximum: NDArray[Any],
    sums: NDArray[Any],
    top: NDArray[Any],
) -> None:
    """``normalise``, with sums (5, n) over the classes but the top one.

    They are the rest, the squares of its terms, the gaps x - maximum where x is not -inf, how many of these there are,
    and how many of them are 0.
    """

def moments(
    logits: NDArray[Any],
    kind: int,
    swapped: bool,
    temperature: float,
    maximum: NDArray[Any],
    sums: NDArray[Any],
    top: NDArray[Any],
) -> None:
    """``normalise``, with sums (10, n) over the classes but the top one.

    They are the rest, the squares of its terms, and these terms times the powers 1 to 8 of (x - maximum) / temperature.
    """

def divergence(
    logits_a: NDArray[Any],
    kind_a: int,
    swapped_a: bool,
    temperature_a: float,
    log_sums_a: NDArray[Any],
    logits_b: NDArray[Any],
    kind_b: int,
    swapped_b: bool,
    temperature_b: float,
    log_sums_b: NDArray[Any],
    kl: NDArray[Any],
    same_top: NDArray[Any],
) -> None:
    """Fill the divergence ``kl`` of model a from model b, and ``same_top`` (n,) uint8: whether their first largest
    logits are of one class.

    ``log_sums`` are the logarithms of the sums of ``exp(x / temperature)``, below 1e300 in size; one of NaN gives NaN.
    The logits of 80 classes or more are rows of both models, or columns of both.
    """

def powers(
    logits: NDArray[Any],
    kind: int,
    swapped: bool,
    temperature: float,
    shift: NDArray[Any],
    divisor: NDArray[Any],
    out: NDArray[Any],
) -> None:
    """Fill ``out`` (n, C), in the order of the logits, with ``exp((x - shift) / temperature) / divisor``."""

def exact_dot(x: NDArray[Any], y: NDArray[Any] | None) -> tuple[bytes, bytes] | None:
    """The sums of the positive and of the negative products, as integers of which the first byte is the least.

    They count 2**-2148; without ``y`` it is the sums of ``x``, which count 2**-1074. At most 2**22 values; None where
    not all of them are finite.
    """

def group_sums(values: NDArray[Any], groups: NDArray[Any], n_groups: int) -> tuple[int, int, bytes] | None:
    """The sums of the values by their ``groups`` (n,) int64, below ``n_groups``.

    They are digits (n_groups, n_digits) int64, of which each counts 2**32 of the one before; the first digit's number
    and ``n_digits`` come before them, and digit j counts 2**(32 j - 1074). At most 2**22 values; None where not all of
    them are finite, and where the digits would take very much memory.
    """
