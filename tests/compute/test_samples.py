"""Samples that are kept, in memory or not."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import nll

from nllcli import engine
from nllcli.commands.compute import samples
from nllcli.commands.compute.samples import KeptNumbers
from nllcli.errors import FaultError


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(0, 7), max_size=6),
    row=st.sampled_from([(), (3,)]),
    most=st.sampled_from([0, 40, 1e9]),
    data=st.data(),
)
def test_numbers_are_those_that_came(sizes, row, most, data):
    kept, blocks, n = KeptNumbers("x", most), [], 0
    for size in sizes:
        blocks.append(np.arange(n, n + size * max(1, *row, 1), dtype=float).reshape(size, *row))
        n += blocks[-1].size
        kept.append(blocks[-1])
        if data.draw(st.booleans()):
            kept.all()  # numbers may be read on the way
    whole = np.concatenate([np.empty((0, *(row if blocks else ()))), *blocks])
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))
    assert len(kept) == len(whole)
    assert np.array_equal(kept.all(), whole)
    assert np.array_equal(kept.read(start, stop), whole[start:stop])
    assert kept.cells()[start:stop] == whole[start:stop].tolist()
    assert list(kept.cells()) == whole.tolist()
    if row and blocks:
        assert list(kept.column(1)) == whole[:, 1].tolist()


@given(sizes=st.lists(st.integers(0, 7), max_size=6), most=st.sampled_from([0, 40, 1e9]), data=st.data())
def test_some_numbers_in_any_order(sizes, most, data):
    kept, whole = KeptNumbers("x", most), np.arange(2.0 * sum(sizes)).reshape(-1, 2)
    for block in np.split(whole, np.cumsum(sizes)[:-1]) if sizes else []:
        kept.append(block)
    if len(whole):
        places = data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=9))
        assert np.array_equal(kept.take(np.array(places, int)), whole[places])


@pytest.mark.uncounted
@pytest.mark.parametrize("window", [1, 200, 1 << 23])
@pytest.mark.parametrize("form", ["csv", "tsv", "json", "markdown", "table"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("wanted", [["--per-sample"], ["--reduction", "none"]], ids=["per-sample", "none"])
def test_what_is_kept_out_of_memory_is_shown_alike(wanted, order, form, window, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(3)
    np.save("x.npy", np.asarray(rng.normal(size=(5, 3, 7)), order=order))
    np.save("y.npy", rng.integers(0, 3, (5, 7)))
    words = ["compute", "x.npy", "y.npy", "--class-axis", "1", *wanted, "-f", form]
    in_memory = nll(*words)
    monkeypatch.setattr(samples, "_MOST_BYTES", 0)
    monkeypatch.setattr(samples, "_WINDOW_BYTES", window)
    monkeypatch.setattr(samples, "RUN", 3)
    assert nll(*words) == in_memory
    assert in_memory.code == 0
    assert in_memory.out.count("\n") > 5


def test_no_room_for_what_is_kept(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", np.zeros((100, 2)))
    np.save(tmp_path / "y.npy", np.zeros(100, int))
    monkeypatch.setattr(samples, "_MOST_BYTES", 0)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(FaultError, match="No space left on device") as caught:
            KeptNumbers("the samples of x", 0).append(np.zeros(3))
    assert caught.value.where == "the samples of x"
    assert "TMPDIR" in caught.value.hint


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("n_files", [1, 2])
def test_a_disk_that_fills_up_while_threads_write_ends_the_work_on_all_files(n_files, threads, tmp_path, monkeypatch):
    resource = pytest.importorskip("resource")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(engine, "_MOST_SAMPLES", 1 << 10)
    for i in range(n_files):
        np.save(f"x{i}.npy", np.full((4000, 5), i, "f4"))
        np.save(f"y{i}.npy", np.zeros(4000, int))
    words = [str(tmp_path / "x*.npy"), str(tmp_path / "y*.npy")]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, limits[1]))
    try:
        done = nll("compute", *words, "--save-probs", "p.npy", "--threads", threads)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (done.code, done.out) == (4, "")
    assert done.err == f"nll: error: p.npy: {os.strerror(errno.EFBIG)}\n"
    assert not Path("p.npy").exists()
