"""A fingerprint of samples adds up over any cut of them, in any order, and changes with any of them."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nllcli.data.blocks import Block, Scratch
from nllcli.data.settings import LossOptions
from nllcli.numerics.evaluate import Wanted, evaluate
from nllcli.numerics.fingerprint import Fingerprint

MASK = (1 << 64) - 1
RNG = np.random.default_rng(31)
N, C = 200, 5
LOGITS, TARGETS = RNG.normal(size=(N, C)), RNG.integers(0, C, N)
SOFT = RNG.dirichlet(np.ones(C), N)
BFLOAT16 = (LOGITS.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).view("V2")


def bits(value):
    """The word of a number."""
    packed = struct.pack("<q", value) if isinstance(value, int) else struct.pack("<d", value)
    return int.from_bytes(packed, "little")


def slow(samples):
    """The same by definition, one sample after another, in Python's integers."""
    total = 0
    for loss, target in samples:
        z = (bits(target) * 0xBF58476D1CE4E5B9 + bits(loss)) & MASK
        z = ((z ^ z >> 32) * 0x94D049BB133111EB) & MASK
        total += z ^ z >> 29
    return Fingerprint(total & MASK)


def of_block(logits, targets, **options):
    block = Block(0, logits, targets)
    return evaluate(block, LossOptions(**options), Wanted(fingerprint=True), Scratch()).tally.fingerprint


@pytest.mark.parametrize(("kind", "target"), [("i8", st.integers(0, 1 << 40)), ("f8", st.floats(0, 1))], ids=str)
@given(st.data())
def test_it_is_the_sum_of_the_hashes(kind, target, data):
    samples = data.draw(st.lists(st.tuples(st.floats(allow_nan=False), target)))
    losses, targets = (np.array([sample[i] for sample in samples], dtype) for i, dtype in enumerate(("f8", kind)))
    assert Fingerprint.of(losses, targets, Scratch()) == slow(samples)


@pytest.mark.parametrize("targets", [TARGETS, SOFT], ids=["classes", "soft"])
@pytest.mark.parametrize("logits", [LOGITS, LOGITS.astype("f4"), LOGITS.astype(">f2"), BFLOAT16], ids=str)
def test_neither_order_nor_cuts_nor_memory_change_it(logits, targets):
    whole = of_block(logits, targets)
    order = RNG.permutation(N)
    assert of_block(logits[order], targets[order]) == whole
    assert of_block(np.asfortranarray(logits), np.asfortranarray(targets)) == whole
    assert of_block(logits[:70], targets[:70]) + of_block(logits[70:], targets[70:]) == whole


@pytest.mark.parametrize("targets", [TARGETS, SOFT], ids=["classes", "soft"])
def test_any_sample_changes_it(targets):
    whole = of_block(LOGITS, targets)
    for i in range(0, N, 10):
        rows = np.arange(N)
        rows[i] = (i + 1) % N
        assert of_block(LOGITS[rows], targets[rows]) != whole
    alike = np.zeros((N, C))  # whose losses are
    assert of_block(alike, targets) != of_block(alike, np.roll(targets, 1, axis=-1) if targets is SOFT else 0 * targets)


def test_only_what_counts_is_in_it():
    targets = np.where(np.arange(N) % 3 == 0, -100, TARGETS)
    counted = targets != -100
    other = np.where(counted[:, None], LOGITS, 7.0)
    assert of_block(other, targets) == of_block(LOGITS[counted], TARGETS[counted])


def test_what_nobody_asks_for_is_not_there():
    assert evaluate(Block(0, LOGITS, TARGETS), LossOptions(), Wanted(), Scratch()).tally.fingerprint is None
