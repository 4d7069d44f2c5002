"""What models are called."""

import pytest

from nllcli.commands.compare.names import names_of
from nllcli.errors import UsageError

pytestmark = pytest.mark.uncounted


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["old.npy", "new.npy"], ["old", "new"]),
        (["runs/old.npy", "other/new.csv.gz"], ["old", "new"]),
        (["a/logits.npy", "b/logits.npy"], ["a", "b"]),
        (["gpt-3.5.npy", "gpt-4.safetensors"], ["gpt-3.5", "gpt-4"]),
        (["a/test/logits.npy", "b/test/logits.npy"], ["a", "b"]),
        (
            ["a/x/logits.npy", "b/x/logits.npy", "b/y/logits.npy"],
            ["a/x/logits.npy", "b/x/logits.npy", "b/y/logits.npy"],
        ),
        (["logits.npy", "b/logits.npy"], ["logits.npy", "b/logits.npy"]),
        (["old.npy", "old.csv"], ["old.npy", "old.csv"]),
        (["old.npy", "old.npy"], ["old.npy (1)", "old.npy (2)"]),
        (["old.npy", "old.npy", "new.npy"], ["old.npy (1)", "old.npy (2)", "new.npy"]),
        ([".hidden", "new.npy"], [".hidden", "new"]),
        (["-", "new.npy"], ["standard input", "new"]),
        (["one.npy"], ["one"]),
    ],
    ids=str,
)
def test_files_are_told_apart(paths, names):
    assert names_of(paths, None) == tuple(names)


def test_members_of_one_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models.npz").touch()
    assert names_of(["models.npz:old", "models.npz:new"], None) == ("old", "new")


def test_names_that_are_given():
    assert names_of(["a.npy", "b.npy"], ["old", "new"]) == ("old", "new")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["old"], "gives 1 name for 2 models"),
        (["a", "b", "c"], "gives 3 names for 2 models"),
        (["old", "old"], "gives two models the name 'old'"),
        (["old", ""], "a name is empty"),
        (["", ""], "a name is empty"),
    ],
    ids=str,
)
def test_names_that_do_not_fit(names, message):
    with pytest.raises(UsageError, match=message):
        names_of(["a.npy", "b.npy"], names)
