"""Publication: races between publishers, and the versions that are kept."""

import dataclasses
import os
from pathlib import Path

from calls import XY, train

from service.app import create_app
from service.errors import StoreUnavailable
from service.store import Store
from service.training import trainer


def test_a_lost_race_is_retried_a_limited_number_of_times(client, monkeypatch):
    train(client, **XY)
    publish, lost = Store.publish, []

    def lose(self, model, artifact, after=None):
        if len(lost) < losses:
            lost.append(1)
            publish(self, model, artifact)
        return publish(self, model, artifact, after)

    monkeypatch.setattr(Store, "publish", lose)
    losses = 3
    merged = train(client, x=[5], y=[11], append=True).json
    assert merged["version"] == 5
    lost.clear()
    losses = trainer.TRIES
    busy = train(client, x=[5], y=[11], append=True, status=503)
    assert busy.headers["Retry-After"] == "1"


def test_a_publication_lists_its_model_twice(client, monkeypatch):
    train(client, **XY)
    listed, scandir = [], os.scandir
    monkeypatch.setattr("os.scandir", lambda folder: listed.append(Path(str(folder)).name) or scandir(folder))
    train(client, x=[5], y=[11], append=True, headers={"Idempotency-Key": "k"})
    assert listed.count("m") == 2, "once to see what it continues, and once to see that this is still the newest"


def test_the_newest_versions_and_the_pinned_one_are_kept(settings):
    client = create_app(dataclasses.replace(settings, keep_versions=2)).test_client()
    train(client, **XY)
    client.put("/models/m/serving", json={"version": 1})
    for _ in range(4):
        train(client, **XY)
    assert client.get("/models/m").json["versions"] == [1, 4, 5]


def test_a_version_is_published_even_if_older_ones_cannot_be_deleted(settings, monkeypatch, caplog):
    client = create_app(dataclasses.replace(settings, keep_versions=1)).test_client()
    train(client, **XY)
    monkeypatch.setattr(Store, "_delete", lambda *_, **__: (_ for _ in ()).throw(StoreUnavailable("No.")))
    assert train(client, **XY).json["version"] == 2
    assert "old versions of model m cannot be deleted" in caplog.text
    monkeypatch.undo()
    train(client, **XY)
    assert client.get("/models/m").json["versions"] == [3]
