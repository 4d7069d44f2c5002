import csv
import errno
import itertools
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nllcli.cli.options import as_flag
from nllcli.errors import FaultError, UsageError
from nllcli.outputs import array_text, npy, windows
from nllcli.outputs.arrays import open_array


def samples_in_file_order(array, class_axis, fortran):
    """Return the samples of an array, (n, n_classes), by walking through its file element by element."""
    if class_axis is None:
        return array.ravel(order="F" if fortran else "C")
    moved = np.moveaxis(array, class_axis, -1)
    shape = (np.prod(moved.shape[:-1], dtype=int), moved.shape[-1])
    return moved.reshape(shape, order="F" if fortran else "C")


def write(
    path, array, block, *, class_axis=None, fortran=False, dtype="f8", unknown=False, interrupted_at=None, **keywords
):
    shape = (None, *array.shape[1:]) if unknown else array.shape
    values = samples_in_file_order(array, class_axis, fortran)
    with open_array(path, shape=shape, class_axis=class_axis, fortran=fortran, dtype=dtype, **keywords) as out:
        for start in range(0, len(values), block):
            if start == interrupted_at:
                raise KeyboardInterrupt
            put(out, start, values[start : start + block])


def put(out, start, values):
    """Prepare samples and add them at once."""
    out.add(out.prepare(start, values))


def numbered(*shape):
    return np.arange(np.prod(shape, dtype=int), dtype=float).reshape(shape)


# How samples wait until a run of them can be written: in memory, where that makes runs of one or a few samples too, or
# in files, whose runs and tiles are short here.
WAITING = {
    "one by one": {"_MEMORY_BYTES": 0, "_LONG_RUN": 0},
    "in small windows": {"_MEMORY_BYTES": 100, "_LONG_RUN": 0},
    "in large windows": {},
    "in files": {"_MEMORY_BYTES": 0},
    "in files of a few": {"_MEMORY_BYTES": 0, "_FILE_RUN": 24, "_TILE_BYTES": 50},
}


def waiting(patch, how):
    """Let samples wait that way."""
    for name, value in WAITING[how].items():
        patch.setattr(windows, name, value)


SHAPES = st.lists(st.integers(0, 4), min_size=1, max_size=4).map(tuple)


@settings(max_examples=150, deadline=None)
@given(shape=SHAPES, data=st.data())
def test_npy_holds_the_array_in_the_order_of_the_input(tmp_path_factory, shape, data):
    class_axis = data.draw(st.sampled_from([None, *range(len(shape))]))
    fortran, how = data.draw(st.booleans()), data.draw(st.sampled_from(list(WAITING)))
    dtype = data.draw(st.sampled_from(["f2", "f4", "f8"]))
    block = data.draw(st.integers(1, 20))
    can_be_counted = not fortran and class_axis != 0 and 0 not in shape[1:]
    unknown = can_be_counted and data.draw(st.booleans())
    array = numbered(*shape)
    path = tmp_path_factory.mktemp("npy") / "array.npy"
    with pytest.MonkeyPatch.context() as patch:
        waiting(patch, how)
        write(path, array, block, class_axis=class_axis, fortran=fortran, dtype=dtype, unknown=unknown)
    found = np.load(path)
    assert found.dtype == dtype
    assert np.array_equal(found, array)
    assert found.flags.f_contiguous if fortran else found.flags.c_contiguous


@pytest.mark.parametrize("how", WAITING)
def test_samples_are_prepared_in_any_order_by_any_thread(how, tmp_path, monkeypatch):
    waiting(monkeypatch, how)
    array = numbered(5, 3, 31)
    np.save(tmp_path / "theirs.npy", array)
    values, starts = samples_in_file_order(array, 1, False), list(range(0, 155, 4))
    shuffled = random.Random(5).sample(starts, len(starts))
    with (
        ThreadPoolExecutor(4) as pool,
        open_array(tmp_path / "ours.npy", shape=array.shape, class_axis=1) as out,
    ):
        prepared = dict(zip(shuffled, pool.map(lambda at: out.prepare(at, values[at : at + 4]), shuffled), strict=True))
        for start in starts:
            out.add(prepared[start])
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "theirs.npy").read_bytes()


def test_a_write_that_is_cut_short_goes_on(tmp_path, monkeypatch):
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real(fd, data[:7], at))
    array = numbered(2, 3, 4)
    write(tmp_path / "ours.npy", array, 3, class_axis=1)
    assert np.array_equal(np.load(tmp_path / "ours.npy"), array)


def test_a_disk_too_full_for_the_samples_that_wait(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    waiting(monkeypatch, "in files")
    monkeypatch.setattr(windows, "write_at", full)
    path = tmp_path / "ours.npy"
    with pytest.raises(FaultError) as refused:
        write(path, numbered(2, 3, 4), 3, class_axis=1)
    assert str(refused.value) == f"{path}: needs up to 1 GiB more while it is written: No space left on device"
    assert not list(tmp_path.iterdir())


def test_the_header_says_what_numpy_would_say(tmp_path):
    for fortran in (False, True):
        array = np.asarray(numbered(2, 3, 4), order="F" if fortran else "C")
        np.save(tmp_path / "theirs.npy", array)
        write(tmp_path / "ours.npy", array, 3, class_axis=1, fortran=fortran)
        assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "theirs.npy").read_bytes()


@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("block", [1, 5, 100])
def test_one_value_a_sample_in_the_order_of_the_columns(shape, block, tmp_path):
    """Losses of logits in Fortran order come in that order."""
    array = np.asfortranarray(numbered(*shape))
    np.save(tmp_path / "theirs.npy", array)
    write(tmp_path / "ours.npy", array, block, fortran=True)
    np.testing.assert_array_equal(np.load(tmp_path / "ours.npy"), array)
    assert np.load(tmp_path / "ours.npy").flags.f_contiguous


def test_a_counted_array_is_the_same_file(tmp_path):
    write(tmp_path / "counted.npy", numbered(1000, 3), 7, class_axis=1, unknown=True)
    np.save(tmp_path / "theirs.npy", numbered(1000, 3))
    assert (tmp_path / "counted.npy").read_bytes() == (tmp_path / "theirs.npy").read_bytes()


def test_a_single_sample(tmp_path):
    with open_array(tmp_path / "a.npy", shape=()) as out:
        put(out, 0, np.array([0.5]))
    assert np.load(tmp_path / "a.npy") == 0.5


def test_work_arrays_may_be_used_again(tmp_path):
    array = numbered(2, 3, 5)
    work = np.empty((2, 3))
    with open_array(tmp_path / "a.npy", shape=array.shape, class_axis=1) as out:
        for start in range(0, 10, 2):
            work[:] = samples_in_file_order(array, 1, False)[start : start + 2]
            put(out, start, work)
            work[:] = -1
    assert np.array_equal(np.load(tmp_path / "a.npy"), array)


def test_what_the_type_cannot_hold_becomes_infinite_without_noise(tmp_path, recwarn):
    write(tmp_path / "a.npy", np.array([1e5, -1e300, 0.1, np.nan]), 4, dtype="f2")
    assert np.array_equal(np.load(tmp_path / "a.npy"), np.float16([np.inf, -np.inf, 0.1, np.nan]), equal_nan=True)
    assert not recwarn.list


# --- csv -----------------------------------------------------------------------------------------------------------


def test_csv_of_values_a_class(tmp_path):
    array = np.array([[1.0, 0.1], [4.2e-18, np.inf], [np.nan, -0.0]])
    write(tmp_path / "a.csv", array, 2, class_axis=1, columns=["a,b", "c"])
    assert (tmp_path / "a.csv").read_text() == '"a,b",c\n1,0.1\n4.2e-18,inf\nnan,-0\n'


def test_csv_of_losses(tmp_path):
    write(tmp_path / "a.csv", np.array([0.5, 2.0]), 1, columns=("loss",), unknown=True)
    assert (tmp_path / "a.csv").read_text() == "loss\n0.5\n2\n"


def test_csv_of_one_sample_is_one_line(tmp_path):
    write(tmp_path / "a.csv", np.array([0.25, 0.75]), 1, class_axis=0)
    assert (tmp_path / "a.csv").read_text() == "0.25,0.75\n"


def test_csv_rows_are_samples_whatever_the_memory_order(tmp_path):
    write(tmp_path / "a.csv", numbered(2, 3), 1, class_axis=1, fortran=True)
    assert (tmp_path / "a.csv").read_text() == "0,1,2\n3,4,5\n"


@pytest.mark.parametrize("long_row", [0, 1 << 18])
@pytest.mark.parametrize("piece", [1, 2, 3, 4, 100])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_csv_is_the_same_text_in_any_pieces(dtype, piece, long_row, tmp_path, monkeypatch):
    monkeypatch.setattr(array_text, "_PIECE", piece)
    monkeypatch.setattr(array_text, "_LONG_ROW", long_row)
    write(tmp_path / "a.csv", np.array([[1.0, 2.5, 3.0], [4.0, 5.0, 6.5]]), 2, class_axis=1, dtype=dtype)
    assert (tmp_path / "a.csv").read_text() == "1,2.5,3\n4,5,6.5\n"


@settings(deadline=None)
@given(values=st.lists(st.floats(), min_size=1), dtype=st.sampled_from(["f4", "f8"]))
def test_csv_reads_back_to_the_same_values(tmp_path_factory, values, dtype):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with np.errstate(over="ignore"):
        expected = np.array(values).astype(dtype)
    write(path, np.array(values), 3, dtype=dtype)
    found = np.array([float(row[0]) for row in csv.reader(path.open())]).astype(dtype)
    assert np.array_equal(found, expected, equal_nan=True)


def test_csv_writes_a_short_type_shortly(tmp_path):
    write(tmp_path / "a.csv", np.array([0.1, 1e-10]), 2, dtype="f4")
    assert (tmp_path / "a.csv").read_text() == "0.1\n1e-10\n"


@pytest.mark.parametrize(("shape", "class_axis"), [((2, 3, 4), 1), ((2, 3), None), ((2, 3), 0)])
def test_csv_refuses_what_is_not_one_sample_a_line(tmp_path, shape, class_axis):
    with pytest.raises(UsageError, match="csv holds one sample a line") as caught:
        write(tmp_path / "a.csv", numbered(*shape), 1, class_axis=class_axis)
    assert "npy" in caught.value.hint
    assert not list(tmp_path.iterdir())


# --- what goes wrong -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.txt", "a", "a.npz"])
def test_other_extensions_are_refused(tmp_path, name):
    with pytest.raises(UsageError, match=r"arrays are written as \.npy or \.csv"):
        write(tmp_path / name, numbered(2), 1)


def test_extensions_in_capitals_will_do(tmp_path):
    write(tmp_path / "A.NPY", numbered(2), 1)
    assert np.array_equal(np.load(tmp_path / "A.NPY"), [0, 1])


@pytest.mark.parametrize(("shape", "n"), [((3,), 2), ((3,), 4), ((None, 2), 3)])
def test_an_array_that_is_not_whole_never_appears(tmp_path, shape, n):
    with pytest.raises(ValueError, match="do not fill"), open_array(tmp_path / "a.npy", shape=shape) as out:
        put(out, 0, np.zeros(n))
    assert not list(tmp_path.iterdir())


def test_samples_out_of_order_are_refused(tmp_path):
    with open_array(tmp_path / "a.npy", shape=(1,)) as out:
        put(out, 0, np.zeros(1))
        with pytest.raises(ValueError, match="in order: 2 after 1"):
            put(out, 2, np.zeros(1))


@pytest.mark.parametrize("suffix", [".npy", ".csv"])
def test_an_interruption_leaves_the_old_file_and_no_other(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write(path, np.zeros(3), 1, interrupted_at=2)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("how", WAITING)
def test_a_disk_that_fills_up_on_the_way(tmp_path, monkeypatch, how):
    resource = pytest.importorskip("resource")
    waiting(monkeypatch, how)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, limits[1]))
    try:
        with pytest.raises(FaultError, match=os.strerror(errno.EFBIG)) as caught:
            write(tmp_path / "a.npy", numbered(8, 4, 1024), 512, class_axis=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.where == str(tmp_path / "a.npy")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_device():
    with pytest.raises(FaultError, match="/dev/full: No space left on device"):
        write("/dev/full", numbered(100), 10)


def test_npy_into_a_pipe(tmp_path):
    code = """
import numpy as np
from nllcli.outputs.arrays import open_array
with open_array("-", shape=(2, 3, 4), class_axis=1) as out:
    array = np.arange(24.0).reshape(2, 3, 4)
    out.add(out.prepare(0, np.moveaxis(array, 1, -1).reshape(-1, 3)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    np.save(tmp_path / "theirs.npy", numbered(2, 3, 4))
    assert done.stdout == (tmp_path / "theirs.npy").read_bytes()


@pytest.mark.parametrize(("shape", "gathered"), [((None, 3), 1 << 24), ((2, 3, 4), 0)])
def test_a_pipe_cannot_be_gone_back_in(monkeypatch, shape, gathered):
    monkeypatch.setattr(npy, "_GATHERED_BYTES", gathered)
    with (
        pytest.raises(UsageError, match="not written from front to back, as a pipe needs it") as caught,
        open_array("-", shape=shape, class_axis=1),
    ):
        pass
    caught.value.word(as_flag)
    assert "leave -o out" in caught.value.hint


def test_every_cutting_gives_the_same_file(tmp_path):
    array = numbered(3, 2, 4)
    for block, how in itertools.product((1, 3, 4, 8, 12), WAITING):
        with pytest.MonkeyPatch.context() as patch:
            waiting(patch, how)
            write(tmp_path / "a.npy", array, block, class_axis=1)
        assert np.array_equal(np.load(tmp_path / "a.npy"), array)


def test_csv_without_samples_is_its_header(tmp_path):
    write(tmp_path / "a.csv", numbered(0, 2), 1, class_axis=1, columns=["a", "b"])
    assert (tmp_path / "a.csv").read_text() == "a,b\n"


def test_csv_into_a_pipe_says_nothing_before_the_first_samples(capfd):
    with pytest.raises(KeyboardInterrupt):
        write("-", numbered(1, 2), 1, class_axis=1, columns=["a", "b"], format="csv", interrupted_at=0)
    assert capfd.readouterr().out == ""
