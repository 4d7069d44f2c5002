"""An option holds one value; what it was given is never dropped without a word."""

import re

import pytest
from in_process import nll

from nllcli.cli.app import COMMANDS

ORDER = ["What the files hold", "What the numbers mean", "How they are computed", "What to show", "Where to write"]
PETS = ("samples/pets/logits.csv", "samples/pets/targets.txt")


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("--ignore-index", "0", "--ignore-index", "1"), "--ignore-index"),
        (("--ignore-index", "0", "--ignore-index=0"), "--ignore-index"),
        (("-f", "csv", "--format", "json"), "--format"),
        (("-fcsv", "-fjson"), "--format"),
    ],
)
def test_a_second_value_is_refused(words, option):
    done = nll("compute", *PETS, *words)
    assert done.code == 2
    assert not done.out
    assert done.err == f"nll: error: {option} is given 2 times, and takes one value\n"


@pytest.mark.parametrize("words", [("compute", *PETS, "-q", "-q"), ("explain", *PETS, "--row", "0", "--row", "1")])
def test_flags_and_lists_may_be_given_again(words):
    assert nll(*words).code == 0


def test_every_command_refuses_a_second_value():
    for command in set(COMMANDS) - {"merge"}:  # which has no such option
        done = nll(command, "x", "y", "--classes", "a,b", "--classes", "a,b")
        assert (done.code, "--classes is given 2 times" in done.err) == (2, True)


@pytest.mark.parametrize("command", list(COMMANDS))
def test_the_groups_come_in_one_order(command):
    titles = re.findall(r"^(\S.*):$", nll(command, "--help").out, re.MULTILINE)
    assert titles[0] == "Examples"
    assert titles[-3:] == ["What to show", "Where to write", "Exit codes"]
    assert [title for title in ORDER if title in titles] == [title for title in titles if title in ORDER]


@pytest.mark.parametrize("command", ["compute", "softmax", "grad", "weights"])
def test_options_are_listed_in_groups(command):
    done = nll(command, "--help")
    groups = dict(part.split(":\n", 1) for part in done.out.split("\n\n") if ":\n" in part)
    assert groups["Options"].split() == ["-h,", "--help", "Show", "this", "message", "and", "exit."]
    assert {"What to show", "Where to write"} <= groups.keys()
    assert "{" not in done.out.partition("\nUsage: ")[2].splitlines()[0]
