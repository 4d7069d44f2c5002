"""A page shows of a signature what a reader has to know; JSON shows it whole. Equal are both, or neither."""

import copy
import pickle

import numpy as np
import pytest
from in_process import nll

from nllcli import __version__
from nllcli.report import Signature, shown_signature

PETS = ("samples/pets/logits.csv", "samples/pets/targets.txt")
END = f"; version:{__version__}\n"
SETTINGS = {
    (): "mean nll of logits",
    ("--reduction", "sum"): "summed nll of logits",
    ("--reduction", "none"): "unreduced nll of logits",
    ("--loss", "argmax"): "mean argmax of logits",
    ("--from", "log-probs"): "mean nll of log-probs",
    ("--weights", "1,2,3"): "mean nll of logits; weights:1,2,3",
    ("--weights", "1,1,1"): "mean nll of logits; weights:1,1,1",
    ("--counts", "targets"): "mean nll of logits; weights:inverse-of-targets",
    ("--ignore-index", "7"): "mean nll of logits; ignore:7",
    ("--ignore-index", "-100"): "mean nll of logits",
    ("--label-smoothing", "0.1", "--reduction", "sum"): "summed nll of logits; smoothing:0.1",
    ("--temperature", "2", "--clip", "0.01"): "mean nll of logits; temperature:2; clip:0.01",
    ("--precision", "fast"): "mean nll of logits; precision:fast",
}


def last_line(*words):
    return nll(*words).out.splitlines(keepends=True)[-1]


@pytest.mark.uncounted
@pytest.mark.parametrize("words", SETTINGS, ids=" ".join)
def test_what_is_usual_is_not_shown(words):
    assert last_line("compute", *PETS, *words) == f"  signature  {SETTINGS[words]}{END}"
    assert nll("compute", *PETS, *words, "-f", "markdown").out.endswith(f"\n`{SETTINGS[words]}{END.rstrip()}`\n")


def test_what_is_shown_is_equal_where_the_signatures_are():
    whole = [nll("compute", *PETS, *words, "--print", "signature").out for words in SETTINGS]
    shown = list(SETTINGS.values())
    for i in range(len(whole)):
        assert [whole[i] == other for other in whole] == [shown[i] == other for other in shown]


def test_the_shape_shows_where_it_matters(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 3, 4)))
    np.save(tmp_path / "y.npy", np.zeros((2, 4), int))
    line = last_line("compute", tmp_path / "x.npy", tmp_path / "y.npy", "--shift", "1")
    assert line == f"  signature  mean nll of logits; class-axis:1; shift:1{END}"


@pytest.mark.uncounted
@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("softmax", PETS[0], "-f", "table"), "softmax of logits"),
        (("softmax", PETS[0], "-f", "table", "--log", "--temperature", "2"), "log-softmax of logits; temperature:2"),
        (("grad", *PETS, "-f", "table"), "mean nll of logits"),
        (("check", *PETS), "check of logits"),
        (("check", *PETS, "--ignore-index", "7"), "check of logits; ignore:7"),
        (("explain", *PETS, "--row", "0"), "mean nll of logits"),
        (("reconcile", *PETS, "--expect", "0.3624"), "mean nll of logits"),
        (("weights", "--counts", "1,2"), "scheme:inverse"),
        (("weights", "--counts", "1,2", "--scheme", "effective"), "scheme:effective"),
        (("weights", "--counts", "1,2", "--scheme", "effective", "--beta", "0.9"), "scheme:effective; beta:0.9"),
        (("weights", "--counts", "1,2", "--normalize", "sum"), "scheme:inverse; normalize:sum"),
        (("weights", "--counts", "1,2", "--all"), "scheme:all"),
        (("weights", "--counts", "1,2", "--all", "--normalize", "sum"), "scheme:all; normalize:sum"),
        (("weights", "--counts", "0,2", "--zero-count", "zero"), "scheme:inverse; zero-count:zero"),
    ],
    ids=" ".join,
)
def test_every_command(words, shown):
    assert last_line(*words) == f"  signature  {shown}{END}"
    whole = nll(*words[: words.index("-f")] if "-f" in words else words, "-f", "json").json["signature"]
    assert "|" in whole


def test_it_is_text_that_keeps_what_it_shows():
    line = Signature.of({"a": 1, "b": 2, "c": ""}, title="one", titled=("a",), usual={"b": 2})
    assert line == f"a:1|b:2|c|version:{__version__}"
    for same in (line, pickle.loads(pickle.dumps(line)), copy.deepcopy(line)):
        assert shown_signature(same) == f"one; c; version:{__version__}"
    assert shown_signature("any text") == "any text"
