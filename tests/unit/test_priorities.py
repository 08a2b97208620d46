"""Long work gives way, with every thread that it starts, and insists on a share once it was kept waiting."""

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import numpy as np
import pytest

from service import priorities
from service.core.statistics import BLOCK_ROWS, Batch, gather
from service.priorities import NICENESS, Yielding, give_way

linux = pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux")
said = ContextVar("said")


def schedule():
    """The calling thread's policy and niceness."""
    return os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.fixture
def pool():
    with Yielding(2) as made:
        yield made


@linux
def test_a_thread_that_gives_way_hands_that_on_to_those_that_it_starts():
    def both():
        give_way()
        give_way()  # no further
        with ThreadPoolExecutor(1) as inner:
            return schedule(), inner.submit(schedule).result()

    before = schedule()
    expected = (os.SCHED_BATCH, max(NICENESS, before[1]))
    with ThreadPoolExecutor(1) as outer:
        assert outer.submit(both).result() == (expected, expected)
    assert schedule() == before


@linux
def test_work_uses_what_is_left(pool):
    assert pool.submit(schedule).result()[0] == os.SCHED_IDLE


@linux
def test_work_that_was_kept_waiting_insists_on_a_share_for_a_while(pool, monkeypatch):
    monkeypatch.setattr(priorities, "HURRY_SECONDS", 0.5)
    monkeypatch.setattr(priorities, "LONG_SECONDS", 0.01)
    pool.submit(time.sleep, 0.02).result()
    assert pool.submit(schedule).result()[0] == os.SCHED_BATCH
    deadline = time.monotonic() + 10
    while pool.submit(schedule).result()[0] != os.SCHED_IDLE:
        assert time.monotonic() < deadline


@linux
@pytest.mark.parametrize("what", ["sched_setscheduler", "setpriority"])
def test_work_is_done_where_priorities_are_forbidden(what, monkeypatch):
    def forbid(*_):
        raise PermissionError

    monkeypatch.setattr(os, what, forbid)
    with Yielding(1) as pool:
        assert pool.submit(divmod, 7, 2).result() == (3, 1)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(give_way).result()


def test_what_the_work_raises_is_raised(pool):
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 // 0).result()


def test_work_knows_the_context_of_its_caller(pool):
    said.set("so")
    assert pool.submit(said.get).result() == "so"


def test_its_threads_end_with_it():
    before = threading.active_count()
    with Yielding(2) as pool:
        pool.submit(int).result()
    assert threading.active_count() == before


@linux
@pytest.mark.parametrize(("d", "threads"), [(1, 2), (4, 1), (4, 2)])
def test_rows_are_read_and_factored_by_the_threads_of_a_pool_to_the_same_bits(d, threads):
    rows = 5 * BLOCK_ROWS + 17
    x = np.random.default_rng(d).uniform(size=(rows, d))
    y = np.cos(x.sum(axis=1))
    policies = []

    def batches():
        for part in np.array_split(np.arange(rows), 40):
            policies.append(os.sched_getscheduler(0))
            yield Batch(x[part], y[part])

    found = gather(batches(), d, threads, Yielding)
    np.testing.assert_array_equal(found.triangle, gather([Batch(x, y)], d).triangle)
    assert found.n == rows
    assert policies[-1] in (os.SCHED_IDLE, os.SCHED_BATCH)


@pytest.mark.parametrize("d", [1, 4])
def test_a_fault_in_the_rows_comes_out_of_a_pool(d):
    def batches():
        yield Batch(np.zeros((BLOCK_ROWS, d)), np.zeros(BLOCK_ROWS))
        raise LookupError

    with pytest.raises(LookupError):
        gather(batches(), d, 2, Yielding)
