"""Long work gives way, with every thread that it starts, and insists on a share once it was kept waiting."""

import hashlib
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import numpy as np
import pytest

from service.core.blocks import BLOCK_ROWS, Batch
from service.core.statistics import gather
from service.server.worker import cpu_priority
from service.server.worker.cpu_priority import (
    ENOUGH_SECONDS,
    INSISTING,
    MOST_WAITING,
    YIELDING,
    IdleCpuEstimator,
    lower_priority,
)

linux = pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux")
said = ContextVar("said")


def schedule():
    """The calling thread's policy and niceness."""
    return os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def nice(niceness):
    """What `schedule` tells of a thread so nice: none is less nice than those that start it."""
    return os.SCHED_BATCH, max(niceness, schedule()[1])


@pytest.fixture
def cores():
    return IdleCpuEstimator()


@pytest.fixture
def pool(cores):
    with cores.executor(2) as made:
        yield made


@linux
def test_a_thread_that_gives_way_hands_that_on_to_those_that_it_starts():
    def both():
        lower_priority()
        lower_priority()  # no further
        with ThreadPoolExecutor(1) as inner:
            return schedule(), inner.submit(schedule).result()

    before = schedule()
    expected = nice(INSISTING)
    with ThreadPoolExecutor(1) as outer:
        assert outer.submit(both).result() == (expected, expected)
    assert schedule() == before


@linux
def test_work_insists_on_a_share_until_something_is_seen_to_be_left(cores, pool, monkeypatch):
    monkeypatch.setattr(cpu_priority, "LONG_SECONDS", 60)
    assert pool.submit(schedule).result() == nice(INSISTING)
    cores.insisted(ENOUGH_SECONDS, 0.0)
    assert pool.submit(schedule).result() == nice(YIELDING)
    with cores.executor(1) as another:
        assert another.submit(schedule).result() == nice(YIELDING)


@linux
def test_work_that_was_kept_waiting_insists_again(cores, pool, monkeypatch):
    cores.insisted(ENOUGH_SECONDS, 0.0)
    monkeypatch.setattr(cpu_priority, "LONG_SECONDS", 60)
    pool.submit(int).result()
    assert cores.are_left
    monkeypatch.setattr(cpu_priority, "LONG_SECONDS", 0.01)
    pool.submit(time.sleep, 0.02).result()
    assert not cores.are_left
    assert pool.submit(schedule).result() == nice(INSISTING)


def test_enough_has_to_be_seen(cores):
    for _ in range(3):
        cores.insisted(ENOUGH_SECONDS / 4, 0.0)
        assert not cores.are_left
    cores.insisted(ENOUGH_SECONDS / 4, 0.0)
    assert cores.are_left


def test_what_was_seen_before_it_was_kept_waiting_does_not_count(cores):
    cores.insisted(ENOUGH_SECONDS / 2, 0.0)
    cores.kept_waiting()
    cores.insisted(ENOUGH_SECONDS / 2, 0.0)
    assert not cores.are_left


@pytest.mark.parametrize(("waited", "are_left"), [(MOST_WAITING - 0.1, True), (MOST_WAITING + 0.1, False)])
def test_waiting_tells_whether_something_is_left(cores, waited, are_left):
    cores.insisted(ENOUGH_SECONDS, waited * ENOUGH_SECONDS)
    assert cores.are_left is are_left
    cores.insisted(ENOUGH_SECONDS, MOST_WAITING * 2 * ENOUGH_SECONDS)
    assert not cores.are_left


@linux
def test_steps_tell_how_long_they_ran_and_waited(cores, pool, monkeypatch):
    told = []
    monkeypatch.setattr(cores, "insisted", lambda ran, waited: told.append((ran, waited)))
    pool.submit(hashlib.pbkdf2_hmac, "sha256", b"", b"", 100_000).result()
    pool.submit(time.sleep, 0.05).result()
    (busy, _), (asleep, _) = told
    assert busy > 0.005 > asleep >= 0


def test_how_long_they_ran_and_waited_is_what_linux_says(cores, pool, monkeypatch, tmp_path):
    told, says = [], tmp_path / "schedstat"
    monkeypatch.setattr(cpu_priority, "SCHEDULED", says)
    monkeypatch.setattr(cores, "insisted", lambda ran, waited: told.append((ran, waited)))
    says.write_text("1000000 2000000 3\n")
    pool.submit(says.write_text, "21000000 252000000 9\n").result()
    assert told == [(pytest.approx(0.02), pytest.approx(0.25))]


def test_work_insists_where_nobody_tells_how_long_it_waited(cores, pool, monkeypatch, tmp_path):
    monkeypatch.setattr(cpu_priority, "SCHEDULED", tmp_path / "nowhere")
    for _ in range(3):
        pool.submit(hashlib.pbkdf2_hmac, "sha256", b"", b"", 100_000).result()
    assert not cores.are_left


@linux
@pytest.mark.parametrize("what", ["sched_setscheduler", "setpriority"])
def test_work_is_done_where_priorities_are_forbidden(what, monkeypatch):
    def forbid(*_):
        raise PermissionError

    monkeypatch.setattr(os, what, forbid)
    with IdleCpuEstimator().executor(1) as pool:
        assert pool.submit(divmod, 7, 2).result() == (3, 1)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lower_priority).result()


@pytest.mark.parametrize(("seconds", "drawn"), [(0, [1] * 10), (60, [10])])
def test_a_thread_hands_over_what_it_has_drawn_after_a_while(cores, monkeypatch, seconds, drawn):
    monkeypatch.setattr(cpu_priority, "STEP_SECONDS", seconds)
    steps, some = [], cpu_priority._some
    monkeypatch.setattr(cpu_priority, "_some", lambda items: steps.append(some(items)) or steps[-1])
    assert list(cores.prefetch(iter(range(10)))) == list(range(10))
    assert [len(step) for step in steps] == [*drawn, 0]


def test_what_the_work_raises_is_raised(pool):
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 // 0).result()


def test_work_knows_the_context_of_its_caller(pool):
    said.set("so")
    assert pool.submit(said.get).result() == "so"


def test_its_threads_end_with_it():
    before = threading.active_count()
    with IdleCpuEstimator().executor(2) as pool:
        pool.submit(int).result()
    assert threading.active_count() == before


@linux
@pytest.mark.parametrize(("d", "threads"), [(1, 2), (4, 1), (4, 2)])
def test_rows_are_read_and_factored_by_the_threads_of_a_pool_to_the_same_bits(d, threads):
    rows = 5 * BLOCK_ROWS + 17
    x = np.random.default_rng(d).uniform(size=(rows, d))
    y = np.cos(x.sum(axis=1))
    schedules = []

    def batches():
        for part in np.array_split(np.arange(rows), 40):
            schedules.append(schedule())
            yield Batch(x[part], y[part])

    found = gather(batches(), d, threads, IdleCpuEstimator())
    np.testing.assert_array_equal(found.triangle, gather([Batch(x, y)], d).triangle)
    assert found.n == rows
    assert schedules[-1] in (nice(INSISTING), nice(YIELDING))


@pytest.mark.parametrize("d", [1, 4])
def test_a_fault_in_the_rows_comes_out_of_a_pool(d):
    def batches():
        yield Batch(np.zeros((BLOCK_ROWS, d)), np.zeros(BLOCK_ROWS))
        raise LookupError

    with pytest.raises(LookupError):
        gather(batches(), d, 2, IdleCpuEstimator())
