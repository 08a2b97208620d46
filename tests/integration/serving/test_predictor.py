"""When the predictor looks at the store."""

import shutil

import numpy as np
import pytest

from service.artifact.columns import Columns, RowShape
from service.core.blocks import Batch
from service.errors import ModelNotFound
from service.serving import predictor
from service.serving.predictor import Predictor
from service.store import FolderStore
from service.training.trainer import Request, Trainer

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
    return FolderStore(tmp_path)


@pytest.fixture
def found(store):
    train(store)
    return Predictor(store, 2, REFRESH)


def train(store, model="line"):
    rows = Batch(np.array([[0.0], [1.0]]), np.array([0.0, 1.0]))
    Trainer(store, 10, 10, 0).train(model, Request([rows], Columns.of(None, RowShape.NUMBER, 1)))


def test_nothing_is_known_before_a_look(found, clock):
    assert found.cached_or_elect_refresher("line") is None
    assert found.model("line") is found.cached_or_elect_refresher("line")


def test_when_it_is_time_to_look_again_one_caller_does(found, clock):
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


def test_another_looks_if_the_first_does_not(found, clock):
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


def test_who_looks_is_not_told_what_was_known(found, clock):
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


def test_what_a_look_does_not_find_is_known_no_more(found, store, clock, tmp_path):
    found.model("line")
    shutil.rmtree(tmp_path / "line")
    clock.now += REFRESH
    assert found.cached_or_elect_refresher("line") is None
    with pytest.raises(ModelNotFound):
        found.model("line")
    assert [found.cached_or_elect_refresher("line"), found.cached_or_elect_refresher("line"), found.cached("line")] == [
        None
    ] * 3


def test_a_change_on_this_machine_is_known_at_once(found, store, clock):
    found.model("line")
    clock.now += REFRESH
    assert found.cached_or_elect_refresher("line") is None
    train(store)
    assert [found.cached_or_elect_refresher("line"), found.cached_or_elect_refresher("line")] == [None, None]
    assert found.model("line").version.number == 2


def test_what_made_room_is_looked_for_as_if_new(found, store, clock):
    found.model("line")
    clock.now += REFRESH
    assert found.cached_or_elect_refresher("line") is None
    for name in ("a", "b"):
        train(store, name)
        found.model(name)
    assert [found.cached_or_elect_refresher("line"), found.cached_or_elect_refresher("line")] == [None, None]


def test_without_a_time_between_looks_nothing_is_known(store, clock):
    train(store)
    always = Predictor(store, 2, 0)
    always.model("line")
    assert [always.cached_or_elect_refresher("line"), always.cached_or_elect_refresher("line")] == [None, None]
