"""Names that say of how many files theirs is one."""

import pytest

from nllcli.inputs.sets import Incomplete, incomplete, member_of


def names(numbers, of=4, stem="x-{:05d}-of-{:05d}.npy"):
    return [stem.format(i, of) for i in numbers]


@pytest.mark.parametrize(
    "files",
    [
        [],
        ["a.npy", "b.npy"],
        names(range(4)),
        names([3, 1, 0, 2]),
        names([1, 2, 3, 4]),
        [*names(range(4)), "other.npy"],
        [*names(range(4)), *names(range(4), stem="y-{}-of-{}")],
        [f"{i}/{name}" for i, name in enumerate(names(range(4)))],
        names([0], of=1),
        names([1], of=1),
        [*names([0, 1], of=2), *names(range(4))],
    ],
    ids=str,
)
def test_nothing_is_missing(files):
    assert incomplete(files) == []


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([0, 1, 3], (2,)),
        ([1, 3, 4], (2,)),  # counted from 1
        ([1, 2, 3], (0,)),  # perhaps from 1: then 4 would be missing, and as many
        ([4], (1, 2, 3)),
        ([0], (1, 2, 3)),
    ],
)
def test_what_is_missing(numbers, missing):
    assert incomplete(names(numbers)) == [Incomplete("x-*-of-00004.npy", 4, missing)]


def test_sets_are_told_apart_by_their_names():
    files = [*names([0]), *names([1], stem="y-{}-of-{}"), *names(range(2), of=2)]
    assert [each.name for each in incomplete(files)] == ["x-*-of-00004.npy", "y-*-of-4"]


def test_one_set_in_each_of_several_folders():
    files = [f"{folder}/{name}" for folder in ("de", "en") for name in names(range(4))]
    assert incomplete(files) == []
    files.remove("en/x-00002-of-00004.npy")
    assert incomplete(files) == [Incomplete("x-*-of-00004.npy", 4, (2,))]


def test_a_number_beyond_reason_is_not_that_of_a_set():
    assert incomplete(["x-0-of-999999999.npy"]) == []


def test_members():
    assert member_of("a/x-1-of-2.npy") == ("x-*-of-2.npy", 1, 2)
    assert member_of("1-of-2/x.npy") is None
