"""Places for workers: the lowest free one, whose counts go on."""

import os

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, values
from prometheus_client.multiprocess import MultiProcessCollector

from service import slots


@pytest.fixture(autouse=True)
def _restored(monkeypatch, tmp_path):
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    monkeypatch.setattr(slots, "_held", {})
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))


def release():
    os.close(slots._held["descriptor"])


def test_a_worker_takes_the_lowest_place_that_nobody_holds(tmp_path):
    assert slots.take(tmp_path) == 0
    first = slots._held["descriptor"]
    assert slots.take(tmp_path) == 1
    os.close(first)
    assert slots.take(tmp_path) == 0


def test_counts_go_on_in_the_place_of_a_worker_that_died(tmp_path):
    for _ in range(3):
        slots.take(tmp_path)
        Counter("tries", "Tries.", registry=CollectorRegistry()).inc()
        release()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    assert registry.get_sample_value("tries_total") == 3
    assert [path.name for path in tmp_path.glob("*.db")] == ["counter_0.db"]


def test_what_a_killed_worker_had_in_progress_is_in_progress_no_more(tmp_path):
    slots.take(tmp_path)
    Gauge("busy", "Busy.", registry=CollectorRegistry(), multiprocess_mode="livesum").inc()
    release()
    slots.take(tmp_path)
    assert not list(tmp_path.glob("gauge_*.db"))
