"""What a notebook shows of a result."""

from xml.etree import ElementTree

import numpy as np

import nllcli
from nllcli.commands.compute import Sections, score
from nllcli.commands.compute.pictures import PictureChoice
from nllcli.data.settings import LossOptions
from nllcli.inputs.arrays.memory import dataset_of
from nllcli.scoring.settled import settle_options

LOGITS, TARGETS = [[5, 4, 2], [4, 2, 8], [4, 4, 1]], [0, 2, 1]


def shown(result):
    """The piece of a page as a tree: it has to be well formed, whatever it stands in."""
    return ElementTree.fromstring(result._repr_html_())


def numbers(tree):
    return {each.get("value"): each.text for each in tree.iter("data")}


def test_the_loss_stands_first_with_all_its_digits():
    result = nllcli.compute(LOGITS, TARGETS)
    tree = shown(result)
    assert numbers(tree)[repr(result.loss)] == "0.3624"
    assert [each.text for each in tree.iter("th")][:3] == ["sum", "standard error", "perplexity"]
    assert len(list(tree.iter("{http://www.w3.org/2000/svg}svg"))) == 1  # the loss on its line


def test_a_result_of_no_mean_has_no_line():
    assert not list(shown(nllcli.compute(LOGITS, TARGETS, reduction="sum")).iter("{http://www.w3.org/2000/svg}svg"))


def test_warnings_are_told():
    result = nllcli.compute([[0.0, -np.inf], [1.0, 2.0]], [1, 0])
    assert "the loss is infinite for 1 of 2 samples" in "".join(shown(result).itertext())


def test_a_picture_that_was_collected_is_drawn():
    logits = np.random.default_rng(0).normal(size=(60, 4))
    settled = settle_options(LossOptions(), dataset_of(logits, np.arange(60) % 4), "none")
    tree = shown(score(settled, Sections(pictures=PictureChoice()), in_memory=True))
    assert "How are the losses spread?" in "".join(tree.itertext())
    assert len(list(tree.iter("{http://www.w3.org/2000/svg}svg"))) == 2
