"""The names of classes that have numbers alone are made as they are asked for."""

import pytest

from nllcli.data.names import names_of


def test_classes_without_names_have_their_numbers():
    names = names_of(None, 1 << 24)
    assert (len(names), names[0], names[-1], names[1 << 20]) == (1 << 24, "0", str((1 << 24) - 1), str(1 << 20))
    assert list(names[-2:]) == [str((1 << 24) - 2), str((1 << 24) - 1)]
    assert list(names[1:7][::2]) == ["1", "3", "5"]
    assert ("3" in names[:5], "5" in names[:5]) == (True, False)
    with pytest.raises(IndexError):
        names[1 << 24]


def test_names_are_those_given():
    assert names_of(("cat", "dog"), 2) == ("cat", "dog")


def test_equal_numbers_are_equal_names():
    assert names_of(None, 3) == names_of(None, 3)
    assert len({names_of(None, 3), names_of(None, 3), names_of(None, 4)}) == 2
    assert names_of(None, 3) != ("0", "1", "2")
