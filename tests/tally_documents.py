"""The content of tallies, changed at one place; and what is said where they are not merged."""

import copy

from in_process import nll

# What a value may be instead of what it should be.
WRONG = (None, -1, 3, "x", "0x1p+0", [], {}, 1.5, True, 10**30, ["x"], [{}], {"finite": "0x1p+0", "inf": 1})


def paths_in(value, most=None, path=()):
    """The way to every value in a document, of each list to at most the first ``most``."""
    if path:
        yield path
    for key in value if isinstance(value, dict) else range(len(value))[:most] if isinstance(value, list) else ():
        yield from paths_in(value[key], most, (*path, key))


def changed(data, path, value):
    """A copy of the document with another value at one place."""
    again, at = copied(data, path)
    at[path[-1]] = value
    return again


def without_each_key(data, most=None):
    """The way to every key in a document, and a copy that lacks it."""
    for path in paths_in(data, most):
        again, at = copied(data, path)
        if isinstance(at, dict):
            del at[path[-1]]
            yield path, again


def copied(data, path):
    """A copy of the document, and what in it has the last key of ``path``."""
    again = copy.deepcopy(data)
    at = again
    for key in path[:-1]:
        at = at[key]
    return again, at


def refused(*words, code=3):
    """The first line of the error of a merge, and the run."""
    done = nll("merge", *words)
    assert (done.code, done.out) == (code, "")
    first, *_ = done.err.splitlines()
    return first.removeprefix("nll: error: "), done
