"""Idempotency keys: a repeated training returns the first response and counts once."""

import gzip
from pathlib import Path

import pytest
import table_bodies
from calls import PLANE, XY, part, train

from service.training import idempotency


def append_with_key(client, key, status=201):
    return train(client, x=[5], y=[11], append=True, headers={"Idempotency-Key": key}, status=status).json


def test_a_repeated_key_returns_the_first_response_and_counts_once(client):
    train(client, **XY)
    first = train(client, x=[5], y=[11], append=True, headers={"Idempotency-Key": "k1"})
    again = train(client, x=[5], y=[11], append=True, headers={"Idempotency-Key": "k1"})
    assert again.json == first.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    train(client, **XY)
    assert train(client, x=[5], y=[11], append=True, headers={"Idempotency-Key": "k1"}).json["version"] == 2
    other = train(client, x=[6], y=[11], append=True, headers={"Idempotency-Key": "k1"}, status=422)
    assert other.json["type"].endswith("idempotency-key-reused")
    assert client.get("/models/m").json["versions"] == [1, 2, 3]


def test_a_key_can_publish_the_first_version_of_a_model(client):
    assert [train(client, **XY, headers={"Idempotency-Key": "k"}).json["version"] for _ in range(3)] == [1, 1, 1]


def test_a_key_of_a_deleted_version_is_a_conflict(client):
    train(client, **XY, headers={"Idempotency-Key": "k"})
    train(client, **XY)
    assert client.delete("/models/m/versions/1").status_code == 204
    train(client, **XY, headers={"Idempotency-Key": "k"}, status=409)


def test_a_key_of_a_deleted_newest_version_is_a_conflict_too(client):
    train(client, **XY)
    first, second = append_with_key(client, "first"), append_with_key(client, "second")
    for version in (second["version"], first["version"]):
        assert client.delete(f"/models/m/versions/{version}").status_code == 204
    for key in ("first", "second"):
        assert "has been deleted" in append_with_key(client, key, status=409)["detail"]
    third = append_with_key(client, "third")
    assert (third["version"], third["n"]) == (4, 5)
    for key in ("first", "second"):
        append_with_key(client, key, status=409)
    assert append_with_key(client, "third") == third


def test_a_new_model_does_not_inherit_the_keys_of_a_deleted_one(client):
    train(client, **XY)
    append_with_key(client, "k")
    client.delete("/models/m/versions/2")
    client.delete("/models/m")
    train(client, **XY)
    assert append_with_key(client, "k")["version"] == 2


def test_a_damaged_newest_version_can_be_deleted(client, settings):
    train(client, **XY)
    append_with_key(client, "k")
    train(client, **XY)
    (Path(settings.store) / "m/3/model.pt").write_bytes(b"damaged")
    assert client.delete("/models/m/versions/3").status_code == 204
    assert append_with_key(client, "k")["version"] == 2


def test_a_deletion_without_kept_keys_is_read(client, settings):
    train(client, **XY)
    append_with_key(client, "k")
    (Path(settings.store) / "m/newest").write_text("7")
    assert append_with_key(client, "k")["version"] == 2
    assert train(client, **XY).json["version"] == 8


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_an_empty_or_long_key_is_rejected(client, key):
    train(client, **XY, headers={"Idempotency-Key": key}, status=422)


def test_the_last_thousand_keys_are_kept():
    keys = idempotency.Keys()
    tokens = [idempotency.Token.of(str(i), b"body") for i in range(1005)]
    for version, token in enumerate(tokens, 1):
        keys = keys.with_token(token, version)
    assert keys.version_of(tokens[4]) is None
    assert keys.version_of(tokens[5]) == 6
    assert keys.version_of(tokens[-1]) == 1005


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_key_identifies_a_table_by_its_bytes(client, encoding):
    def send(columns):
        body = table_bodies.as_csv(columns)
        body = gzip.compress(body, mtime=0) if encoding == "gzip" else body
        headers = {"Idempotency-Key": "one", "Content-Encoding": encoding}
        return client.post("/models/a/train", data=body, content_type=table_bodies.CSV, headers=headers)

    first, again, other = send(PLANE), send(PLANE), send(part(slice(0, 4)))
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert (again.json["version"], again.headers["Idempotency-Replayed"]) == (1, "true")
    assert other.json["type"] == "urn:descent:problem:idempotency-key-reused"
