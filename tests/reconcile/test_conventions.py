import math
from fractions import Fraction

import numpy as np
import pytest

from nllcli.commands.reconcile.convention import Convention, Pairing, Weighting
from nllcli.commands.reconcile.conventions.units import finished
from nllcli.commands.reconcile.rounding import round_to
from nllcli.commands.reconcile.survey import WeightTable


def nearest_bfloat16(value):
    """By exact fractions: the multiple of 2**(e - 7) next to the value, ties to the even one."""
    if value == 0:
        return 0.0
    _, exponent = math.frexp(value)
    unit = Fraction(2) ** (exponent - 8)
    return float(round(Fraction(value) / unit) * unit)


@pytest.mark.parametrize("value", [1.0, -1.0, 1.00390625, 1.01171875, 3.14159274, 0.1, -7.5e8, 1e-30, 0.0])
def test_bfloat16_is_rounded_to_nearest_even(value):
    single = float(np.float32(value))
    assert round_to(np.array([single]), "bfloat16").tolist() == [nearest_bfloat16(single)]


def test_rounding_keeps_what_is_not_finite():
    out = round_to(np.array([math.nan, math.inf, -math.inf]), "bfloat16")
    assert math.isnan(out[0])
    assert out[1:].tolist() == [math.inf, -math.inf]


@pytest.mark.parametrize("name", ["float32", "float16"])
def test_other_roundings_are_those_of_the_type(name):
    values = np.array([0.1, 1 / 3, 2049.0, -65519.0])
    assert round_to(values, name).tolist() == [float(np.dtype(name).type(v)) for v in values]


def test_units():
    assert finished(Convention(unit="nats"), 1.0) == 1.0
    assert finished(Convention(unit="bits"), math.log(8)) == pytest.approx(3)
    assert finished(Convention(unit="base-10"), math.log(1000)) == pytest.approx(3)
    assert finished(Convention(unit="perplexity"), math.log(5)) == pytest.approx(5)
    assert finished(Convention(unit="perplexity"), 1e6) == math.inf


@pytest.mark.parametrize("counts_of", ["targets", "given"])
def test_counts_that_are_all_0_give_no_weights(counts_of):
    weighted = Convention(weighting=Weighting("inverse", counts=counts_of))
    empty, some = np.zeros(3, np.int64), np.array([2, 1, 0])
    for counts in (empty, some):
        table = WeightTable({Pairing(): counts}, counts)
        assert table.exist(weighted) == bool(counts.any())
        assert table.exist(Convention())
    assert WeightTable({Pairing(): some}, some).of(weighted)[2] == 0
