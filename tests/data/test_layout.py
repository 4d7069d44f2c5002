"""Where samples are: in file order, in the order of the targets, and in the targets' shape."""

import itertools

import numpy as np
import pytest

from nllcli.data.layout import Layout

SHAPES = [(3,), (5, 3), (4, 3, 2), (2, 3, 4, 5), (1, 3, 2, 1), (0, 3, 2)]
LAYOUTS = [Layout(shape, axis, fortran) for shape in SHAPES for axis in range(len(shape)) for fortran in (False, True)]


def positions(layout):
    """The samples' indices in the targets' shape, in file order: the slowest axis of the file in the outermost loop."""
    dims = layout.sample_shape
    if layout.fortran:
        return [index[::-1] for index in itertools.product(*map(range, dims[::-1]))]
    return list(itertools.product(*map(range, dims)))


def numbers(layout):
    """The number of each sample in file order, the last axis of the targets the fastest."""
    in_order = list(itertools.product(*map(range, layout.sample_shape)))
    return [in_order.index(position) for position in positions(layout)]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_samples_in_both_orders(layout):
    expected = numbers(layout)
    n = len(expected)
    assert layout.n_samples == n
    assert [layout.number(sample) for sample in range(n)] == expected
    assert [layout.file_number(number) for number in expected] == list(range(n))
    assert layout.number(np.arange(n)).tolist() == expected
    assert layout.file_number(np.array(expected, np.int64)).tolist() == list(range(n))
    assert not layout.in_target_order or expected == list(range(n))


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_values_in_both_orders(layout):
    in_file = np.random.default_rng(1).permutation(layout.n_samples)
    targets = np.zeros(layout.sample_shape, np.int64)
    for position, value in zip(positions(layout), in_file, strict=True):
        targets[position] = value
    assert np.array_equal(layout.to_target_shape(in_file), targets)
    assert np.array_equal(layout.to_file_order(targets), in_file)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_place_of_a_sample(layout):
    for sample, position in enumerate(positions(layout)):
        several = len(layout.sample_shape) > 1
        assert layout.position(sample) == (position if several else None)
        assert layout.place(sample) == (f"position {position}" if several else f"row {sample}")


def test_samples_of_a_stream_whose_length_is_not_known():
    layout = Layout((None, 3), 1)
    assert layout.in_target_order
    assert layout.number(7) == layout.file_number(7) == 7
    assert layout.to_target_shape(np.arange(4)).tolist() == [0, 1, 2, 3]
    assert layout.place(7) == "row 7"
