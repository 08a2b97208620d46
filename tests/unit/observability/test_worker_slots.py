"""Worker slots: a worker takes the lowest free one and continues its counts."""

import errno
import os

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, values
from prometheus_client.multiprocess import MultiProcessCollector

from service.observability import worker_slots


@pytest.fixture(autouse=True)
def _restored(monkeypatch, tmp_path):
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    monkeypatch.setattr(values, "MmapedDict", values.MmapedDict)
    monkeypatch.setattr(worker_slots, "_held", [])
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))


def release():
    os.close(worker_slots._held[-1])


def test_a_worker_takes_the_lowest_free_slot(tmp_path):
    assert worker_slots.take(tmp_path) == 0
    [first] = worker_slots._held
    assert worker_slots.take(tmp_path) == 1
    os.close(first)
    assert worker_slots.take(tmp_path) == 0


def test_counts_continue_in_the_slot_of_a_worker_that_died(tmp_path):
    for _ in range(3):
        worker_slots.take(tmp_path)
        Counter("tries", "Tries.", registry=CollectorRegistry()).inc()
        release()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    assert registry.get_sample_value("tries_total") == 3
    assert [path.name for path in tmp_path.glob("*.db")] == ["counter_0.db"]


def test_requests_in_progress_of_a_killed_worker_are_removed(tmp_path):
    worker_slots.take(tmp_path)
    Gauge("busy", "Busy.", registry=CollectorRegistry(), multiprocess_mode="livesum").inc()
    release()
    worker_slots.take(tmp_path)
    assert not list(tmp_path.glob("gauge_*.db"))


def counted():
    """Return the values in a scrape by label."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return {sample.labels.get("of"): sample.value for each in registry.collect() for sample in each.samples}


@pytest.fixture
def full_disk(monkeypatch):
    """Return a function that fills the disk."""

    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return lambda: monkeypatch.setattr(os, "posix_fallocate", refuse)


def test_all_bytes_of_a_file_are_allocated(tmp_path):
    worker_slots.take(tmp_path)
    counter = Counter("tries", "Tries.", ["of"], registry=CollectorRegistry())
    for number in range(1000):
        counter.labels(f"{number:0500}").inc(number)
        status = (tmp_path / "counter_0.db").stat()
        assert status.st_blocks * 512 >= status.st_size
    assert status.st_size > worker_slots.FIRST_BYTES
    assert counted() == {f"{number:0500}": number for number in range(1000)}


def test_on_a_full_disk_a_worker_counts_in_memory(tmp_path, full_disk, caplog):
    full_disk()
    worker_slots.take(tmp_path)
    counter = Counter("tries", "Tries.", registry=CollectorRegistry())
    level = Gauge("level", "Level.", registry=CollectorRegistry(), multiprocess_mode="mostrecent")
    counter.inc(2)
    level.set(3)
    assert (counter._value.get(), level._value.get()) == (2, 3)
    assert counted() == {}
    assert [path.name for path in tmp_path.iterdir()] == ["0.slot"]
    assert caplog.messages == [f"some metrics of this worker are not scraped: {os.strerror(errno.ENOSPC)}"]


def test_counters_allocated_before_the_disk_was_full_continue(tmp_path, full_disk):
    worker_slots.take(tmp_path)
    counter = Counter("tries", "Tries.", ["of"], registry=CollectorRegistry())
    counter.labels("first").inc()
    full_disk()
    for number in range(1000):
        counter.labels(f"{number:0500}").inc()
    counter.labels("first").inc()
    found = counted()
    assert found["first"] == 2
    assert 0 < len(found) < 1000
    assert set(found.values()) == {1, 2}


def test_scrapes_never_find_an_empty_file(tmp_path, monkeypatch):
    found = []
    fallocate = os.posix_fallocate

    def scrape(*args):
        found.append(counted())
        fallocate(*args)
        found.append(counted())

    monkeypatch.setattr(os, "posix_fallocate", scrape)
    worker_slots.take(tmp_path)
    Counter("tries", "Tries.", registry=CollectorRegistry()).inc()
    assert found == [{}, {}]
    assert counted() == {None: 1}
