"""What every caller of map_blocks may count on, whatever its threads do."""

import gc
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest

from nllcli import engine as stream
from nllcli.data.blocks import Block, Chunk
from nllcli.errors import DataError

WAIT = 30.0  # seconds, for what should come at once


class Watch:
    """Chunks that tell when they are cut, and how many are under way."""

    def __init__(self):
        self.n_cut = 0
        self.n_taken = 0
        self.most = 0

    def chunks(self, n, *, failing=(), cutting_fails_at=None):
        for i in range(n):
            if i == cutting_fails_at:
                raise DataError(f"cut {i}")
            self.n_cut += 1
            self.most = max(self.most, self.n_cut - self.n_taken)
            yield Chunk(i, 1, self._load(i, failing), n_bytes=10 + i)

    def _load(self, i, failing):
        def load(_):
            if i in failing:
                raise DataError(f"block {i}")
            return Block(i, np.array([[float(i)]]))

        return load


def start_of(block, _):
    return block.start


def workers():
    """The threads that a pool of map_blocks left running."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("nll")]


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
@pytest.mark.parametrize("n", [0, 1, 2, 5, 40])
def test_results_come_in_block_order(n, threads):
    assert list(stream.map_blocks(start_of, Watch().chunks(n), threads=threads)) == list(range(n))
    assert not workers()


@pytest.mark.parametrize(
    ("n_classes", "threads", "parts", "expected"),
    [
        (10, None, 1, 1 << 17),
        (10, 8, 1, 1 << 17),
        (1000, 8, 1, 2097),
        (1000, 64, 1, 262),
        (1000, 64, 8, 32),
        (1000, None, 8, 262),
        (1 << 24, 64, 8, 1),
        (0, 1, 1, 1 << 17),
    ],
)
def test_blocks_are_smaller_where_many_are_in_memory(n_classes, threads, parts, expected):
    assert stream.block_samples(n_classes, threads=threads, parts=parts) == expected


def test_a_block_that_ends_late_holds_back_those_behind_it():
    """The first block waits until the second is done: the two end out of order, and come in order."""
    second_is_done = threading.Event()
    ended = []

    def work(block, _):
        if block.start == 0:
            assert second_is_done.wait(WAIT)
        ended.append(block.start)
        if block.start == 1:
            second_is_done.set()
        return block.start

    assert list(stream.map_blocks(work, Watch().chunks(6), threads=2)) == [0, 1, 2, 3, 4, 5]
    assert ended.index(1) < ended.index(0)


@pytest.mark.parametrize("threads", [2, 3])
def test_no_more_than_two_chunks_a_thread_are_under_way(threads):
    watch = Watch()
    for _ in stream.map_blocks(start_of, watch.chunks(50), threads=threads):
        watch.n_taken += 1
    assert watch.n_taken == 50
    assert watch.most <= 2 * threads


@pytest.mark.parametrize(
    ("n_samples", "most_bytes", "threads"),
    [(1, 5, 1), (1, 19, 1), (1, 20, 2), (1, 39, 3), (1, 400, 4), (2, 5, 4)],
)
def test_no_more_long_rows_are_under_way_than_fit(n_samples, most_bytes, threads, monkeypatch):
    """Two chunks a thread are cut before the first result; chunks from a network take as many threads anywhere."""
    monkeypatch.setattr(stream, "MOST_LONG_ROWS_BYTES", most_bytes)
    cut = []

    def chunks():
        for i in range(20):
            cut.append(i)
            yield Chunk(i, n_samples, lambda _, i=i: Block(i, np.zeros((n_samples, 1))), n_bytes=10, remote=True)

    results = stream.map_blocks(start_of, chunks(), threads=4)
    assert next(results) == 0
    assert len(cut) == 2 * threads
    results.close()


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize(
    ("failing", "cutting_fails_at", "message"),
    [
        ({3, 5}, None, "block 3"),
        ({0}, None, "block 0"),
        ({3}, 4, "block 3"),
        ({9}, 4, "cut 4"),
        ((), 4, "cut 4"),
        ((), 1, "cut 1"),
        ((), 0, "cut 0"),
        ({0}, 1, "block 0"),
    ],
)
def test_the_first_error_in_block_order_wins(failing, cutting_fails_at, message, threads):
    results = stream.map_blocks(
        start_of, Watch().chunks(12, failing=failing, cutting_fails_at=cutting_fails_at), threads=threads
    )
    with pytest.raises(DataError, match=message):
        list(results)
    assert not workers()


def test_an_early_error_wins_though_a_later_block_fails_first():
    later_failed = threading.Event()

    def work(block, _):
        if block.start == 0:
            assert later_failed.wait(WAIT)
            raise DataError("block 0")
        later_failed.set()
        raise DataError(f"block {block.start}")

    with pytest.raises(DataError, match="block 0"):
        list(stream.map_blocks(work, Watch().chunks(4), threads=2))


@pytest.mark.parametrize("stop", [lambda results: results.close(), lambda results: results.throw(KeyboardInterrupt)])
def test_stopping_early_leaves_no_thread_and_cuts_no_more(stop):
    watch = Watch()
    results = stream.map_blocks(start_of, watch.chunks(1000), threads=2)
    assert next(results) == 0
    cut = watch.n_cut
    with suppress(KeyboardInterrupt):
        stop(results)
    assert not workers()
    assert watch.n_cut == cut < 10


def test_an_interrupt_in_a_block_gets_through():
    def work(block, _):
        if block.start == 2:
            raise KeyboardInterrupt
        return block.start

    with pytest.raises(KeyboardInterrupt):
        list(stream.map_blocks(work, Watch().chunks(10), threads=2))
    assert not workers()


def test_a_single_chunk_is_worked_on_in_place():
    (used,) = stream.map_blocks(lambda *_: (threading.get_ident(), workers()), Watch().chunks(1), threads=4)
    assert used == (threading.get_ident(), [])


def test_an_interrupt_while_waiting_waits_for_no_turn():
    """Only the blocks under way are waited for, and none is begun."""
    begun = []
    main = threading.main_thread()

    def work(block, _):
        begun.append(block.start)
        if block.start == 0:
            while sys._current_frames()[main.ident].f_code.co_name != "finish":
                time.sleep(0.001)
            signal.raise_signal(signal.SIGINT)  # which the main thread raises
        return block.start

    with pytest.raises(KeyboardInterrupt):
        for _ in stream.map_blocks(work, Watch().chunks(1000), threads=2):
            pass
    assert not workers()
    assert len(begun) < 1000


def test_blocks_not_begun_are_left_when_the_iterator_is_closed(monkeypatch):
    """The first result comes while both threads are held in a block; what is still queued is nobody's to do."""
    closing = threading.Event()
    begun = []

    def work(block, _):
        begun.append(block.start)
        assert block.start == 0 or closing.wait(WAIT)
        return block.start

    def shutdown(pool, **options):
        leave(pool, **(options | {"wait": False}))
        closing.set()
        leave(pool)

    leave = ThreadPoolExecutor.shutdown
    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", shutdown)
    results = stream.map_blocks(work, Watch().chunks(1000), threads=2)
    next(results)
    results.close()
    assert not workers()
    assert len(begun) <= 3


def test_an_interpreter_ends_though_an_iterator_was_never_closed():
    code = """
import numpy as np
from nllcli import engine as stream
from nllcli.data.blocks import Block, Chunk
chunks = (Chunk(i, 1, lambda _, i=i: Block(i, np.zeros((1, 1)))) for i in range(100))
results = stream.map_blocks(lambda block, _: block.start, chunks, threads=2)
print(next(results))
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=WAIT)
    assert (done.stdout, done.returncode) == ("0\n", 0)


def test_a_failed_block_leaves_nothing_behind():
    kept = []

    def work(block, _):
        array = np.zeros(8)
        kept.append(weakref.ref(array))
        raise DataError(f"block {block.start}")

    gc.disable()
    try:
        with pytest.raises(DataError):
            list(stream.map_blocks(work, Watch().chunks(2), threads=2))
        assert kept
        assert kept[0]() is None
    finally:
        gc.enable()


def test_one_thread_at_most_works_with_one_scratch():
    """Two blocks under way never share work arrays."""
    busy, seen = Counter(), []
    lock = threading.Lock()

    def work(block, scratch):
        with lock:
            busy[id(scratch)] += 1
            seen.append(busy[id(scratch)])
        array = scratch.array("x", (1000,), np.float64)
        array[:] = block.start
        alone = bool((array == block.start).all())
        with lock:
            busy[id(scratch)] -= 1
        return alone

    assert all(stream.map_blocks(work, Watch().chunks(100), threads=4))
    assert set(seen) == {1}


class Told:
    def __init__(self):
        self.n_bytes = 0

    def begin(self, _):
        raise AssertionError("only the caller knows the total")

    def advance(self, n_bytes):
        self.n_bytes += n_bytes


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("n", [1, 2, 30])
def test_progress_is_told_every_byte(n, threads):
    told = Told()
    for _ in stream.map_blocks(start_of, Watch().chunks(n), threads=threads, progress=told):
        pass
    assert told.n_bytes == sum(10 + i for i in range(n))


def test_an_interrupt_does_not_wait_for_a_network():
    gate = threading.Event()

    def chunks():
        yield Chunk(0, 1, lambda _: gate.wait(30), remote=True)
        yield Chunk(1, 1, lambda _: gate.wait(30), remote=True)
        raise KeyboardInterrupt

    try:
        with pytest.raises(KeyboardInterrupt):
            list(stream.map_blocks(lambda block, _: block, chunks(), threads=4))
        assert workers()  # still waiting
    finally:
        gate.set()
    for thread in workers():
        thread.join()
