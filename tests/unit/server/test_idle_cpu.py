"""Long work runs at nice 19 while CPU time is idle, and at nice 10 after it was starved."""

import hashlib
import os
import sys
import threading
import time

import pytest

from service.server.worker import idle_cpu
from service.server.worker.cpu_priority import NICE
from service.server.worker.idle_cpu import IDLE_NICE, MAX_WAIT_RATIO, SAMPLE_SECONDS, IdleCpuEstimator

linux = pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux")


def schedule():
    """The calling thread's policy and nice value."""
    return os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def nice(value):
    """The `schedule` of a thread at a nice value, which is no lower than that of the thread that starts it."""
    return os.SCHED_BATCH, max(value, schedule()[1])


@pytest.fixture
def estimator():
    return IdleCpuEstimator()


@pytest.fixture
def executor(estimator):
    with estimator.executor(2) as made:
        yield made


@linux
def test_work_runs_at_nice_10_until_idle_time_is_seen(estimator, executor, monkeypatch):
    monkeypatch.setattr(idle_cpu, "STARVED_SECONDS", 60)
    assert executor.submit(schedule).result() == nice(NICE)
    estimator.record(SAMPLE_SECONDS, 0.0)
    assert executor.submit(schedule).result() == nice(IDLE_NICE)
    with estimator.executor(1) as another:
        assert another.submit(schedule).result() == nice(IDLE_NICE)


@linux
def test_work_runs_at_nice_10_again_after_it_was_starved(estimator, executor, monkeypatch):
    estimator.record(SAMPLE_SECONDS, 0.0)
    monkeypatch.setattr(idle_cpu, "STARVED_SECONDS", 60)
    executor.submit(int).result()
    assert estimator.is_idle
    monkeypatch.setattr(idle_cpu, "STARVED_SECONDS", 0.01)
    executor.submit(time.sleep, 0.02).result()
    assert not estimator.is_idle
    assert executor.submit(schedule).result() == nice(NICE)


def test_the_estimate_needs_a_sample(estimator):
    for _ in range(3):
        estimator.record(SAMPLE_SECONDS / 4, 0.0)
        assert not estimator.is_idle
    estimator.record(SAMPLE_SECONDS / 4, 0.0)
    assert estimator.is_idle


def test_samples_before_a_starvation_do_not_count(estimator):
    estimator.record(SAMPLE_SECONDS / 2, 0.0)
    estimator.record_starvation()
    estimator.record(SAMPLE_SECONDS / 2, 0.0)
    assert not estimator.is_idle


@pytest.mark.parametrize(("ratio", "is_idle"), [(MAX_WAIT_RATIO - 0.1, True), (MAX_WAIT_RATIO + 0.1, False)])
def test_the_ratio_of_waiting_to_running_decides(estimator, ratio, is_idle):
    estimator.record(SAMPLE_SECONDS, ratio * SAMPLE_SECONDS)
    assert estimator.is_idle is is_idle
    estimator.record(SAMPLE_SECONDS, MAX_WAIT_RATIO * 2 * SAMPLE_SECONDS)
    assert not estimator.is_idle


@linux
def test_steps_record_how_long_they_ran(estimator, executor, monkeypatch):
    recorded = []
    monkeypatch.setattr(estimator, "record", lambda ran, waited: recorded.append((ran, waited)))
    executor.submit(hashlib.pbkdf2_hmac, "sha256", b"", b"", 100_000).result()
    executor.submit(time.sleep, 0.05).result()
    (busy, _), (asleep, _) = recorded
    assert busy > 0.005 > asleep >= 0


def test_steps_record_the_statistics_of_the_scheduler(estimator, executor, monkeypatch, tmp_path):
    recorded, schedstat = [], tmp_path / "schedstat"
    monkeypatch.setattr(idle_cpu, "SCHEDSTAT", schedstat)
    monkeypatch.setattr(estimator, "record", lambda ran, waited: recorded.append((ran, waited)))
    schedstat.write_text("1000000 2000000 3\n")
    executor.submit(schedstat.write_text, "21000000 252000000 9\n").result()
    assert recorded == [(pytest.approx(0.02), pytest.approx(0.25))]


def test_work_stays_at_nice_10_without_statistics(estimator, executor, monkeypatch, tmp_path):
    monkeypatch.setattr(idle_cpu, "SCHEDSTAT", tmp_path / "missing")
    for _ in range(3):
        executor.submit(hashlib.pbkdf2_hmac, "sha256", b"", b"", 100_000).result()
    assert not estimator.is_idle
