"""A change that is visible but not known to be durable is announced to all processes, and answered with an error."""

import errno
import os
from pathlib import Path

import pytest

from service.app import create_app
from service.errors import ModelNotFound, StoreUnavailable
from service.settings import Settings
from service.store import Store

XY = {"x": [1, 2, 3], "y": [2, 4, 7]}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture
def fail_sync(monkeypatch):
    """Return a function that makes the next fsync of a folder fail."""
    fsync = os.fsync

    def fail_once(folder):
        def fail(descriptor):
            if Path(f"/proc/self/fd/{descriptor}").readlink() == folder:
                monkeypatch.setattr(os, "fsync", fsync)
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", fail)

    return fail_once


CHANGES = {
    "publish": (lambda store: store.publish("m", b"3"), "Version 3 of 'm' is published"),
    "pin": (lambda store: store.pin("m", 1), "Version 1 of 'm' is pinned"),
    "unpin": (lambda store: store.pin("m", None), "'m' is unpinned"),
    "describe": (lambda store: store.describe("m", {"description": "text"}), "The description of 'm' is changed"),
    "delete": (lambda store: store.delete_version("m", 1), "Version 1 of 'm' is deleted"),
    "retain": (lambda store: store.retain("m", 1), "Version 1 of 'm' is deleted"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_is_not_durable_is_announced_and_named(store, tmp_path, fail_sync, change):
    make, message = CHANGES[change]
    store.publish("m", b"1")
    store.publish("m", b"2")
    mark = store.change_mark("m")
    fail_sync(tmp_path / "m")
    with pytest.raises(StoreUnavailable) as caught:
        make(store)
    assert caught.value.detail.startswith(f"{message}, but the disk has not confirmed it (Input/output error)")
    assert store.change_mark("m") != mark


def test_a_deleted_model_is_announced_and_gone(store, tmp_path, fail_sync):
    store.publish("m", b"1")
    store.describe("m", {"description": "text"})
    mark = store.change_mark("m")
    fail_sync(tmp_path)
    with pytest.raises(StoreUnavailable, match="Model 'm' is deleted, but the disk has not confirmed it"):
        store.delete_model("m")
    assert store.change_mark("m") != mark
    with pytest.raises(ModelNotFound):
        store.versions("m")
    assert not (tmp_path / "m").exists()


def test_a_deletion_that_fails_part_way_can_be_repeated(store, tmp_path, fail_sync):
    for _ in range(3):
        store.publish("m", b"1")
    fail_sync(tmp_path / "m")
    with pytest.raises(StoreUnavailable, match="Version 1 of 'm' is deleted"):
        store.delete_model("m")
    assert store.versions("m") == [2, 3]
    store.delete_model("m")
    assert not (tmp_path / "m").exists()


def test_a_change_that_is_not_visible_is_not_said_to_be(store, tmp_path, fail_sync, monkeypatch):
    store.publish("m", b"1")
    monkeypatch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, os.strerror(errno.EIO))))
    with pytest.raises(StoreUnavailable, match=r"^The store cannot be used: Input/output error\.$"):
        store.publish("m", b"2")


def test_a_training_that_is_not_durable_is_a_503_that_its_key_replays(settings_with_cache, fail_sync):
    client = create_app(settings_with_cache).test_client()
    other = create_app(settings_with_cache).test_client()
    assert client.post("/models/m/train", json={"x": [1, 2], "y": [1, 2]}).status_code == 201
    assert other.post("/models/m/predict", json={"x": 1}).json["version"] == 1
    fail_sync(Path(settings_with_cache.store) / "m")
    answer = client.post("/models/m/train", json=XY, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 503
    assert "Version 2 of 'm' is published" in answer.json["detail"]
    assert other.post("/models/m/predict", json={"x": 1}).json["version"] == 2
    replayed = client.post("/models/m/train", json=XY, headers={"Idempotency-Key": "k"})
    assert (replayed.headers["Idempotency-Replayed"], replayed.json["version"]) == ("true", 2)
    assert client.get("/models/m").json["versions"] == [1, 2]


@pytest.fixture
def settings_with_cache(tmp_path):
    return Settings(store=str(tmp_path / "models"), store_refresh_seconds=1000, log_min_duration_ms=10_000)
