"""Long work runs at a low priority, with every thread that it starts, in the context of its caller."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import numpy as np
import pytest

from service.core.blocks import BLOCK_ROWS, Batch
from service.core.statistics import gather
from service.server.worker.cpu_priority import NICE, NiceExecutor, lower_priority

variable = ContextVar("variable")


def schedule():
    """The calling thread's policy and nice value."""
    return os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def nice(value):
    """The `schedule` of a thread at a nice value, which is no lower than that of the thread that starts it."""
    return os.SCHED_BATCH, max(value, schedule()[1])


def test_threads_inherit_a_lower_priority():
    def both():
        lower_priority()
        lower_priority()  # no further
        with ThreadPoolExecutor(1) as inner:
            return schedule(), inner.submit(schedule).result()

    before = schedule()
    expected = nice(NICE)
    with ThreadPoolExecutor(1) as outer:
        assert outer.submit(both).result() == (expected, expected)
    assert schedule() == before


def test_an_executor_has_the_nice_value():
    with NiceExecutor(2) as executor:
        assert executor.submit(schedule).result() == nice(NICE)


@pytest.mark.parametrize("name", ["sched_setscheduler", "setpriority"])
def test_work_is_done_where_priorities_are_forbidden(name, monkeypatch):
    def forbid(*_):
        raise PermissionError

    monkeypatch.setattr(os, name, forbid)
    with NiceExecutor(1) as executor:
        assert executor.submit(divmod, 7, 2).result() == (3, 1)
    with ThreadPoolExecutor(1) as executor:
        executor.submit(lower_priority).result()


def test_exceptions_of_work_are_raised():
    with NiceExecutor(1) as executor, pytest.raises(ZeroDivisionError):
        executor.submit(lambda: 1 // 0).result()


def test_work_runs_in_the_context_of_its_caller():
    variable.set("value")
    with NiceExecutor(1) as executor:
        assert executor.submit(variable.get).result() == "value"


def test_threads_end_with_their_executor():
    before = threading.active_count()
    with NiceExecutor(2) as executor:
        executor.submit(int).result()
    assert threading.active_count() == before


@pytest.mark.parametrize(("d", "threads"), [(1, 2), (4, 1), (4, 2)])
def test_rows_are_read_and_factored_by_a_pool_to_the_same_bits(d, threads):
    rows = 5 * BLOCK_ROWS + 17
    x = np.random.default_rng(d).uniform(size=(rows, d))
    y = np.cos(x.sum(axis=1))
    schedules = []

    def batches():
        for part in np.array_split(np.arange(rows), 40):
            schedules.append(schedule())
            yield Batch(x[part], y[part])

    found = gather(batches(), d, threads, NiceExecutor)
    np.testing.assert_array_equal(found.triangle, gather([Batch(x, y)], d).triangle)
    assert found.n == rows
    assert schedules[-1] == nice(NICE)


@pytest.mark.parametrize("d", [1, 4])
def test_exceptions_of_the_rows_are_raised(d):
    def batches():
        yield Batch(np.zeros((BLOCK_ROWS, d)), np.zeros(BLOCK_ROWS))
        raise LookupError

    with pytest.raises(LookupError):
        gather(batches(), d, 2, NiceExecutor)
