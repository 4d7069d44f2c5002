"""Whatever bytes a file holds, a result or NllError comes of it. NLL_FUZZ_INPUTS sets how many are tried."""

import csv
import io
import os

import numpy as np
import pytest
from fuzz.mutation import FORMATS, edited, run, seeds, survive
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# What random damage reaches is no measure of what is tested.
pytestmark = pytest.mark.uncounted
INPUTS = int(os.environ.get("NLL_FUZZ_INPUTS", "6000"))
BY_HYPOTHESIS = INPUTS // 5
EDITS = st.lists(st.tuples(st.integers(0, 1 << 12), st.integers(0, 9), st.binary(max_size=5)), max_size=4)


@pytest.mark.parametrize("format_name", FORMATS)
def test_damaged_file(format_name, tmp_path):
    @settings(
        max_examples=BY_HYPOTHESIS // len(FORMATS),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(seeds(format_name)), EDITS)
    def read(seed, edits):
        survive(edited(seed, edits), tmp_path / "x")

    read()


def test_many_damaged_files():
    assert run(INPUTS - BY_HYPOTHESIS) > 0


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(seeds("npy")), EDITS)
def test_what_is_accepted_is_what_numpy_reads(tmp_path, seed, edits):
    data = edited(seed, edits)
    values = survive(data, tmp_path / "x")
    if values is not None and data.startswith(b"\x93NUMPY"):
        expected = np.load(io.BytesIO(data), allow_pickle=False)
        assert sum(map(len, values)) * values[0].shape[1] == expected.size if values else not expected.size


CELLS = st.floats(allow_nan=False).map(repr) | st.sampled_from(
    ["1_0", "", "1e400", "x", "nan", "٣", " 7 ", "+.5", "5."]
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.integers(2, 4))
def test_csv_that_is_accepted_is_what_python_reads(tmp_path, data, n_columns):
    row = st.lists(CELLS, min_size=n_columns, max_size=n_columns)
    rows = [["1.5"] * n_columns, *data.draw(st.lists(row, max_size=5))]
    text = "\n".join(",".join(row) for row in rows)
    values = survive(text.encode(), tmp_path / "x")
    if values is not None:
        expected = [[float(cell) for cell in cells] for cells in csv.reader(io.StringIO(text))]
        np.testing.assert_array_equal(np.concatenate(values), expected)
    else:
        assert any(cell in ("1_0", "", "1e400", "x", "٣") for row in rows for cell in row)
