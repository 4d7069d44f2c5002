"""Sums of samples that are cut into blocks, each way of which must come to the same."""

from functools import reduce
from operator import add


def every_way(of, n, sizes=(1, 7, 64)):
    """The sums of n samples by ``of``, which takes a slice: at once, and in blocks, from the left and as a tree."""
    yield of(slice(0, n))
    for size in sizes:
        parts = [of(slice(start, start + size)) for start in range(0, n, size)] or [of(slice(0, 0))]
        yield reduce(add, parts)
        yield as_tree(parts)


def as_tree(parts):
    while len(parts) > 1:
        parts = [reduce(add, parts[i : i + 2]) for i in range(0, len(parts), 2)]
    return parts[0]
