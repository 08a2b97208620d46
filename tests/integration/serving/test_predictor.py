"""When the predictor reads the store, and when it answers from its cache."""

import shutil

import numpy as np
import pytest

from service.artifact.columns import Columns, RowShape
from service.core.blocks import Batch
from service.errors import ModelNotFound
from service.serving import predictor
from service.serving.predictor import Predictor
from service.store import Store
from service.training.request import Request
from service.training.trainer import Trainer

REFRESH = 10


class Clock:
    now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(predictor, "time", clock)
    return clock


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture
def found(store):
    train(store)
    return Predictor(store, 2, REFRESH)


def train(store, model="line"):
    rows = Batch(np.array([[0.0], [1.0]]), np.array([0.0, 1.0]))
    Trainer(store, 10, 10, 0).train(model, Request([rows], Columns.of(None, RowShape.NUMBER, 1)))


def test_the_cache_is_empty_before_the_first_lookup(found, clock):
    assert found.cached_or_elect_refresher("line") is None
    assert found.model("line") is found.cached_or_elect_refresher("line")


def test_on_expiry_one_caller_refreshes(found, clock):
    known = found.model("line")
    clock.now += REFRESH
    assert [found.cached_or_elect_refresher("line") for _ in range(3)] == [
        None,
        known,
        known,
    ]
    assert found.model("line") is known
    clock.now += REFRESH - 1
    assert found.cached_or_elect_refresher("line") is known


def test_another_caller_is_elected_if_the_first_does_not_refresh(found, clock):
    known = found.model("line")
    clock.now += REFRESH
    assert [found.cached_or_elect_refresher("line"), found.cached_or_elect_refresher("line")] == [
        None,
        known,
    ]
    clock.now += REFRESH
    assert [found.cached_or_elect_refresher("line"), found.cached_or_elect_refresher("line")] == [
        None,
        known,
    ]


def test_the_refresher_gets_no_stale_version(found, clock):
    known = found.model("line")
    assert found.cached("line") is known
    clock.now += REFRESH
    assert [found.cached_or_elect_refresher("line"), found.cached("line"), found.cached_or_elect_refresher("line")] == [
        None,
        None,
        known,
    ]
    found.model("line")
    assert found.cached("line") is known


def test_a_failed_lookup_leaves_the_cache(found, store, clock, tmp_path):
    found.model("line")
    shutil.rmtree(tmp_path / "line")
    clock.now += REFRESH
    assert found.cached_or_elect_refresher("line") is None
    with pytest.raises(ModelNotFound):
        found.model("line")
    assert [found.cached_or_elect_refresher("line"), found.cached_or_elect_refresher("line"), found.cached("line")] == [
        None
    ] * 3


def test_a_change_on_this_machine_expires_the_cache_at_once(found, store, clock):
    found.model("line")
    clock.now += REFRESH
    assert found.cached_or_elect_refresher("line") is None
    train(store)
    assert [found.cached_or_elect_refresher("line"), found.cached_or_elect_refresher("line")] == [None, None]
    assert found.model("line").version.number == 2


def test_an_evicted_version_is_looked_up_as_if_new(found, store, clock):
    found.model("line")
    clock.now += REFRESH
    assert found.cached_or_elect_refresher("line") is None
    for name in ("a", "b"):
        train(store, name)
        found.model(name)
    assert [found.cached_or_elect_refresher("line"), found.cached_or_elect_refresher("line")] == [None, None]


def test_without_a_refresh_interval_nothing_is_cached(store, clock):
    train(store)
    always = Predictor(store, 2, 0)
    always.model("line")
    assert [always.cached_or_elect_refresher("line"), always.cached_or_elect_refresher("line")] == [None, None]
