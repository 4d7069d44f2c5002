"""A value of the JSON by its path."""

import pytest

from nllcli.errors import UsageError
from nllcli.outputs.json_lookup import top_key, value_at
from nllcli.report import Cells, Nested

CLASSES = [{"class": "cat", "share": 0.5}, {"class": "dog", "share": 0.25}, {"class": "a]b.c", "share": 0.125}]
ITEMS = {
    "loss": 0.5,
    "loss_name": "nll",
    "per_class": CLASSES,
    "digits": [{"class": name, "n": n} for name, n in (("1", 10), ("2", 20), ("03", 30))],
    "twins": [{"class": "0", "n": 1}, {"class": "x", "n": 2}, {"class": "x", "n": 3}, {"class": "0", "n": 4}],
    "rows": [{"row": 7, "p_a": 0.1, "p_a.b": 0.2, "p_a[0]": 0.3, "parts": [{"name": "x", "n": 4}]}],
    "losses": [[1.0, 2.0], [3.0, 4.0]],
    "best": {"value": 6.0},
    "nothing": None,
    "empty": (),
    "blank": [{}],
}


def at(path):
    return value_at(ITEMS, path, lambda meant: {"print": meant})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("loss", 0.5),
        ("nothing", None),
        ("per_class", CLASSES),
        ("per_class[1]", CLASSES[1]),
        ("per_class[1].share", 0.25),
        ("per_class[dog].share", 0.25),
        ("per_class[class=dog].share", 0.25),
        ("per_class[a]b.c].share", 0.125),
        ("digits[0].n", 10),
        ("digits[03].n", 30),
        ("digits[class=2].n", 20),
        ("rows[row=7].p_a", 0.1),
        ("rows[0].p_a.b", 0.2),
        ("rows[0].p_a[0]", 0.3),
        ("rows[0].parts[x].n", 4),
        ("losses[1][0]", 3.0),
        ("best.value", 6.0),
    ],
)
def test_a_path_leads_to_its_value(path, value):
    assert at(path) == value


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("los", "loss"),
        ("per_clas[cat].share", "per_class[cat].share"),
        ("per_class[ct].share", "per_class[cat].share"),
        ("per_class.cat.share", "per_class[cat].share"),
        ("per_class[cat].shar", "per_class[cat].share"),
        ("best[value]", "best.value"),
        ("nothin[0]", "nothing[0]"),
    ],
)
def test_a_slip_is_put_right(path, meant):
    with pytest.raises(UsageError, match="the JSON has no ") as refused:
        at(path)
    assert refused.value.message.endswith(repr(path))
    assert [(remedy.settings, remedy.meaning) for remedy in refused.value.remedies] == [({"print": meant}, "")]


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("speed", "one of: loss, loss_name"),
        ("", "one of: loss, loss_name"),
        ("per_class[7].share", "one of: per_class[cat], per_class[dog], per_class[a]b.c]"),
        ("per_class[cat][0]", "one of: per_class[cat].class, per_class[cat].share"),
        ("losses[2]", "losses has 2 rows"),
        ("losses[99999999999999999999]", "losses has 2 rows"),
        ("losses[-1]", "losses has 2 rows"),
        ("losses[0", "losses has 2 rows"),
        ("rows[1].p_a", "rows has 1 row"),
        ("blank[x]", "blank has 1 row"),
        ("empty[0]", "empty has 0 rows"),
        ("loss[0]", "loss is a single value"),
        ("loss.", "loss is a single value"),
        ("nothing[0].share", "nothing has no value here"),
    ],
)
def test_what_there_is_instead(path, hint):
    with pytest.raises(UsageError, match="the JSON has no ") as refused:
        at(path)
    assert (refused.value.remedies, refused.value.hint) == ((), hint)


@pytest.mark.parametrize(
    ("path", "meanings"),
    [
        ("digits[1].n", {"digits[class=1].n": "row 0: class 1", "digits[class=2].n": "row 1: class 2"}),
        ("twins[x].n", {"twins[1].n": "row 1: class x", "twins[2].n": "row 2: class x"}),
        ("twins[0].n", {"twins[3].n": "row 3: class 0"}),
        ("twins[class=0].n", {"twins[3].n": "row 3: class 0"}),
    ],
)
def test_a_name_of_several_rows_is_asked_about(path, meanings):
    with pytest.raises(UsageError, match="in the JSON is more than one row") as refused:
        at(path)
    assert {remedy.settings["print"]: remedy.meaning for remedy in refused.value.remedies} == meanings
    for meant, meaning in meanings.items():
        value, row = at(meant), int(meaning.split()[1].rstrip(":"))
        assert value == ITEMS[path.partition("[")[0]][row]["n"]


@pytest.mark.parametrize("path", ["loss", "loss.x", "loss[0]", "loss[a.b].c"])
def test_the_key_at_which_a_path_begins(path):
    assert top_key(path) == "loss"


def test_lists_that_are_made_as_they_are_asked_for():
    numbers = [float(i) for i in range(24)]
    items = {"losses": Nested(Cells(24, lambda start, stop: numbers[start:stop]), (2, 3, 4))}
    assert value_at(items, "losses[1][2][3]", dict) == 23.0
    assert value_at(items, "losses[0][1][0]", dict) == 4.0
    with pytest.raises(UsageError, match=r"the JSON has no 'losses\[1\]\[3\]'") as caught:
        value_at(items, "losses[1][3]", dict)
    assert caught.value.hint == "losses[1] has 3 rows"
