"""The life of a model: appends, keys, conditions, pins, deletions, dry runs."""

import dataclasses
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from google.protobuf import text_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.datasets import load_diabetes
from tritonclient.grpc.model_config_pb2 import ModelConfig

from service.app import create_app
from service.errors import StoreUnavailable
from service.store import FolderStore
from service.training import idempotency, trainer

XY = {"x": [1, 2, 3, 4], "y": [2, 4, 7, 8]}


def train(client, model="m", headers=None, status=201, **body):
    answer = client.post(f"/models/{model}/train", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer


def assert_same_line(found, expected):
    largest = max(np.abs(np.ravel(expected["w"])).max(), abs(expected["b"]))
    for name in ("w", "b"):
        np.testing.assert_allclose(found[name], expected[name], atol=1e-11 * largest)
    assert found["optimum"]["rss"] == pytest.approx(expected["optimum"]["rss"], rel=1e-11)
    for name in ("w", "b"):
        np.testing.assert_allclose(
            found["optimum"]["std_errors"][name], expected["optimum"]["std_errors"][name], rtol=1e-11
        )


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32 - 1), st.integers(1, 50), st.integers(1, 5), st.booleans())
def test_appends_of_random_parts_equal_one_training_on_the_whole(client, seed, parts, d, weighted):
    generator = np.random.default_rng(seed)
    n = parts + 20
    x, weight = generator.normal(2, 1, (n, d)), generator.uniform(0.5, 2, n)
    y = x @ generator.normal(size=d) + generator.normal(size=n)
    cuts = np.sort(generator.choice(np.arange(1, n), parts - 1, replace=False))
    name = f"parts{seed}-{parts}-{d}-{weighted}"
    for i, rows in enumerate(np.split(np.arange(n), cuts)):
        weights = {"sample_weight": weight[rows].tolist()} if weighted else {}
        merged = train(client, name, x=x[rows].tolist(), y=y[rows].tolist(), append=i > 0, **weights).json
    weights = {"sample_weight": weight.tolist()} if weighted else {}
    whole = train(client, f"{name}-whole", x=x.tolist(), y=y.tolist(), **weights).json
    assert merged["n"] == whole["n"] == n
    assert_same_line(merged, whole)


def test_an_append_inherits_what_is_not_given(client):
    train(client, **XY, l2=0.5, fit_intercept=False, learning_rate=0.01)
    merged = train(client, x=[5], y=[11], append=True).json
    whole = train(
        client, "whole", x=[*XY["x"], 5], y=[*XY["y"], 11], l2=0.5, fit_intercept=False, learning_rate=0.01
    ).json
    assert merged["options"] == whole["options"]
    assert merged["w"] == pytest.approx(whole["w"], rel=1e-12)
    changed = train(client, x=[6], y=[12], append=True, l2=0, epochs=3).json
    assert (changed["options"]["l2"], changed["options"]["epochs"]) == (0, 3)
    assert changed["options"]["fit_intercept"] is False


def test_an_append_under_auto_takes_the_rate_of_all_rows(client):
    train(client, **XY, standardize=False)
    merged = train(client, x=[50], y=[90], append=True).json
    whole = train(client, "whole", x=[*XY["x"], 50], y=[*XY["y"], 90], standardize=False).json
    assert merged["options"]["learning_rate"] == pytest.approx(whole["options"]["learning_rate"], rel=1e-12)


def test_an_inherited_seed_gives_way_to_a_start_and_the_other_way_round(client):
    train(client, **XY, seed=3, epochs=0)
    started = train(client, x=[5], y=[11], append=True, initial={"w": 1, "b": 2}).json
    assert (started["w"], started["b"], started["options"]["seed"]) == (1, 2, None)
    again = train(client, x=[5], y=[11], append=True).json
    assert (again["w"], again["b"]) == (1, 2)
    assert train(client, x=[5], y=[11], append=True, seed=3).json["options"]["initial"] is None


def test_an_append_continues_the_newest_or_the_version_that_it_names(client):
    train(client, **XY)
    train(client, x=[5], y=[11], append=True)
    from_first = train(client, x=[9], y=[18], append=1).json
    assert (from_first["version"], from_first["n"]) == (3, 5)
    client.put("/models/m/serving", json={"version": 1})
    assert train(client, x=[9], y=[18], append=True).json["n"] == 6
    assert train(client, x=[9], y=[18], append=9, status=404).json["type"].endswith("version-not-found")
    assert train(client, "none", x=[9], y=[18], append=True, status=404).json["type"].endswith("model-not-found")
    assert client.get("/models/none").status_code == 404


def test_appended_columns_match_by_name(client):
    rows = [{"a": a, "b": a * a} for a in range(6)]
    train(client, x=rows, y=[row["a"] - row["b"] for row in rows])
    merged = train(client, x={"b": [49], "a": [7]}, y=[-42], append=True).json
    assert merged["w"] == {"a": pytest.approx(1), "b": pytest.approx(-1)}
    problem = train(client, x={"a": [1], "c": [1]}, y=[1], append=True, status=422).json
    assert "'b' is missing" in problem["detail"]


def test_autograd_takes_no_append(client):
    train(client, **XY, method="autograd", epochs=5)
    assert train(client, x=[5], y=[11], append=True, status=422).json["errors"][0]["pointer"] == "/method"
    assert train(client, x=[5], y=[11], append=True, method="spectral").json["n"] == 5


def test_decay_forgets_by_weight(client):
    train(client, **XY)
    decayed = train(client, x=[5, 6], y=[20, 10], append=True, decay=0.25).json
    weighted = train(client, "w", x=[*XY["x"], 5, 6], y=[*XY["y"], 20, 10], sample_weight=[0.25] * 4 + [1, 1]).json
    assert (decayed["w"], decayed["b"]) == pytest.approx((weighted["w"], weighted["b"]), rel=1e-12)
    assert decayed["n"] == 3
    assert decayed["optimum"]["aic"] is None
    assert train(client, **XY, decay=0.5, status=422).json["errors"][0]["pointer"] == "/decay"


def test_a_repeated_key_is_answered_as_the_first_time_and_counts_once(client):
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


def test_a_key_for_the_first_version_of_a_model_works_too(client):
    assert [train(client, **XY, headers={"Idempotency-Key": "k"}).json["version"] for _ in range(3)] == [1, 1, 1]


def test_a_key_of_a_deleted_version_is_a_conflict(client):
    train(client, **XY, headers={"Idempotency-Key": "k"})
    train(client, **XY)
    assert client.delete("/models/m/versions/1").status_code == 204
    train(client, **XY, headers={"Idempotency-Key": "k"}, status=409)


def append_with_key(client, key, status=201):
    return train(client, x=[5], y=[11], append=True, headers={"Idempotency-Key": key}, status=status).json


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


def test_a_new_model_of_an_old_name_knows_no_keys_of_it(client):
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


def test_a_deletion_by_an_earlier_release_is_read(client, settings):
    train(client, **XY)
    append_with_key(client, "k")
    (Path(settings.store) / "m/newest").write_text("7")
    assert append_with_key(client, "k")["version"] == 2
    assert train(client, **XY).json["version"] == 8


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_that_cannot_be_kept_is_refused(client, key):
    train(client, **XY, headers={"Idempotency-Key": key}, status=422)


def test_the_last_thousand_keys_are_kept():
    keys = idempotency.Keys()
    tokens = [idempotency.Token.of(str(i), b"body") for i in range(1005)]
    for version, token in enumerate(tokens, 1):
        keys = keys.having(token, version)
    assert keys.version_of(tokens[4]) is None
    assert keys.version_of(tokens[5]) == 6
    assert keys.version_of(tokens[-1]) == 1005


def test_a_training_goes_ahead_only_on_the_version_that_it_knows(client):
    tag = train(client, **XY, headers={"If-None-Match": "*"}).headers["ETag"]
    assert train(client, **XY, headers={"If-None-Match": "*"}, status=412).json["type"].endswith("precondition-failed")
    second = train(client, **XY, headers={"If-Match": tag})
    assert train(client, **XY, headers={"If-Match": tag}, status=412)
    assert client.get("/models/m/versions/2").headers["ETag"] == second.headers["ETag"]
    train(client, **XY, headers={"If-Match": f'"other", {second.headers["ETag"]}'})
    train(client, **XY, headers={"If-Match": "*"})
    train(client, "new", **XY, headers={"If-Match": "*"}, status=412)
    assert client.get("/models/new").status_code == 404


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_compressed_answer_has_a_weak_tag_which_names_the_version_as_well(client, encoding):
    tag, url, compressed = train(client, **XY).headers["ETag"], "/models/m/versions/1", {"Accept-Encoding": encoding}
    plain, answer = client.get(url), client.get(url, headers=compressed)
    assert answer.headers["Content-Encoding"] == encoding
    assert (plain.headers["ETag"], answer.headers["ETag"]) == (tag, f"W/{tag}")
    for known in (tag, f"W/{tag}"):
        for headers in ({}, compressed):
            again = client.get(url, headers={"If-None-Match": known, **headers})
            assert (again.status_code, again.headers["Vary"]) == (304, "Accept-Encoding")
    assert train(client, **XY, headers=compressed).headers["ETag"].startswith('"')
    train(client, **XY, headers={"If-Match": f"W/{tag}"}, status=412)
    train(client, **XY, headers={"If-Match": client.get(f"{url[:-1]}2", headers=compressed).headers["ETag"]})


def test_answers_tell_what_they_depend_on(client):
    train(client, **XY)
    for headers in ({}, {"Accept-Encoding": "gzip"}):
        for path in ("/models", "/models/m", "/models/m/versions/1", "/models/m/versions/1/history"):
            assert client.get(path, headers=headers).headers["Vary"] == "Accept-Encoding"
        for accept in ("application/json", "text/csv"):
            for body in ({"json": {"x": [1, 2]}}, {"data": "x\n1\n", "content_type": "text/csv"}):
                answer = client.post("/models/m/predict", headers={"Accept": accept, **headers}, **body)
                assert answer.headers["Vary"] == "Accept, Accept-Encoding"
        assert train(client, **XY, headers=headers).headers["Vary"] == "Accept-Encoding"
        assert client.get("/metrics", headers=headers).headers["Vary"] == "Accept"
        assert "Vary" not in client.get("/models/m/versions/1/artifact", headers=headers).headers


@pytest.mark.parametrize(
    "path", ["", "/versions", "/versions/1", "/versions/1/history", "/versions/1/artifact", "/serving"]
)
def test_a_read_that_has_not_changed_is_a_304(client, path):
    train(client, **XY)
    first = client.get(f"/models/m{path}")
    again = client.get(f"/models/m{path}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    train(client, **XY)
    changed = client.get(f"/models/m{path}", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == (304 if "/1" in path else 200)


def test_lost_races_are_tried_again_and_then_given_up(client, monkeypatch):
    train(client, **XY)
    publish, lost = FolderStore.publish, []

    def lose(self, model, artifact, after=None):
        if len(lost) < losses:
            lost.append(1)
            publish(self, model, artifact)
        return publish(self, model, artifact, after)

    monkeypatch.setattr(FolderStore, "publish", lose)
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


def test_pins_hold_until_they_are_lifted(client, settings):
    for slope in (1, 2, 3):
        train(client, x=[0, 1, 2], y=[0, slope, 2 * slope])
    assert client.get("/models/m/serving").json == {"model": "m", "version": 3, "pinned": False}
    assert client.put("/models/m/serving", json={"version": 1}).json == {"model": "m", "version": 1, "pinned": True}
    assert train(client, x=[0, 1, 2], y=[0, 4, 8]).json["serving"] == 1
    assert client.post("/models/m/predict", json={"x": 1}).json["y"] == pytest.approx(1)
    config = (Path(settings.store) / "m/config.pbtxt").read_text()
    assert "specific { versions: [ 1 ] }" in config
    assert config.count("version_policy") == 1
    assert client.delete("/models/m/versions/1").status_code == 409
    assert client.put("/models/m/serving", json={"version": 9}).status_code == 404
    assert client.delete("/models/m/serving").json == {"model": "m", "version": 4, "pinned": False}
    assert client.post("/models/m/predict", json={"x": 1}).json["y"] == pytest.approx(4)


@pytest.mark.parametrize(
    ("policy", "version"),
    [
        ("version_policy: { specific: { versions: 1 } }", 1),
        ("version_policy { specific { versions: [1] } } # version_policy { latest { } }", 1),
        ("# version_policy { specific { versions: [1] } }", 2),
        ("version_policy { all { } }", 2),
        ("", 2),
    ],
)
def test_a_policy_is_followed_as_triton_reads_it(client, settings, policy, version):
    train(client, **XY)
    train(client, **XY)
    (Path(settings.store) / "m/config.pbtxt").write_text(f'platform: "pytorch_libtorch"\n{policy}\n')
    assert client.post("/models/m/predict", json={"x": 1}).json["version"] == version


@pytest.mark.parametrize(
    "config",
    [
        b"version_policy { specific { versions: [ 9 ] } }",
        b"version_policy { specific { versions: [ 1, 2 ] } }",
        b"version_policy < specific < versions: 1 > >",
        b"\xff\xfe",
    ],
)
def test_a_policy_that_cannot_be_followed_is_told_and_harms_no_other_model(client, settings, config):
    train(client, **XY)
    train(client, "other", **XY)
    (Path(settings.store) / "m/config.pbtxt").write_bytes(config)
    for answer in (client.post("/models/m/predict", json={"x": 1}), train(client, **XY, status=503)):
        assert answer.status_code == 503
        assert answer.json["type"].endswith("invalid-model-config")
    assert [(model["model"], model["serving"]) for model in client.get("/models").json["models"]] == [
        ("m", None),
        ("other", 1),
    ]
    assert client.get("/models/m").json["versions"] == [1]
    metrics = client.get("/metrics").text
    assert 'descent_model_version{model="other"} 1.0' in metrics
    assert "descent_store_up 1.0" in metrics


@pytest.mark.parametrize(
    "config",
    [
        "# version_policy { latest { } }",
        "version_policy { all { } } # version_policy { latest { } }",
        'name: "#" version_policy { latest { } }',
        "parameters { key: 'version_policy { latest { } }' }",
        "version_policy { specific { versions: [ 1, 2 ] } }",
        "",
    ],
)
def test_a_pin_is_written_where_it_is_read(client, settings, config):
    for _ in range(3):
        train(client, **XY)
    path = Path(settings.store) / "m/config.pbtxt"
    path.write_text(config)
    assert client.put("/models/m/serving", json={"version": 2}).json == {"model": "m", "version": 2, "pinned": True}
    assert list(text_format.Parse(path.read_text(), ModelConfig()).version_policy.specific.versions) == [2]
    assert client.delete("/models/m/serving").json == {"model": "m", "version": 3, "pinned": False}


@pytest.mark.parametrize(
    "config", [b"version_policy < latest < > >", b"version_policy { all { } } version_policy { all { } }", b"\xff"]
)
def test_a_pin_that_cannot_be_written_is_told(client, settings, config):
    train(client, **XY)
    path = Path(settings.store) / "m/config.pbtxt"
    path.write_bytes(config)
    answer = client.put("/models/m/serving", json={"version": 1})
    assert (answer.status_code, answer.json["type"]) == (503, "urn:descent:problem:invalid-model-config")
    assert path.read_bytes() == config


def test_a_model_whose_pin_cannot_be_followed_can_be_deleted(client, settings):
    for _ in range(3):
        train(client, **XY)
    (Path(settings.store) / "m/config.pbtxt").write_text("version_policy { specific { versions: [ 1, 2 ] } }")
    assert client.delete("/models/m/versions/3").status_code == 204
    assert client.get("/models/m").json["versions"] == [1, 2]
    assert client.delete("/models/m").status_code == 204
    assert client.get("/models").json == {"models": []}


def test_a_pin_written_by_hand_is_in_the_metrics_too(client, settings):
    train(client, **XY)
    train(client, **XY)
    client.get("/metrics")
    path = Path(settings.store) / "m/config.pbtxt"
    path.write_text(path.read_text().replace("latest { num_versions: 1 }", "specific { versions: [ 1 ] }"))
    assert 'descent_model_version{model="m"} 1.0' in client.get("/metrics").text


def test_a_deleted_number_is_never_given_again(client):
    for _ in range(3):
        train(client, **XY)
    assert client.delete("/models/m/versions/3").status_code == 204
    assert client.get("/models/m").json["serving"] == 2
    assert client.get("/models/m/versions/3").status_code == 404
    assert train(client, **XY).json["version"] == 4
    assert client.delete("/models/m/versions/2").status_code == 204
    assert client.get("/models/m").json["versions"] == [1, 4]


def test_a_number_without_an_artifact_is_passed_over(client, settings):
    train(client, **XY)
    for name in ("3", "999999999999999999"):
        (Path(settings.store) / "m" / name).mkdir()
    assert [train(client, **XY).json["version"] for _ in range(2)] == [2, 4]
    assert client.get("/models/m").json["versions"] == [1, 2, 4]
    assert train(client, x=[5], y=[11], append=True).json["n"] == 5
    assert client.delete("/models/m/versions/5").status_code == 204
    assert train(client, **XY).json["version"] == 6


def test_a_model_may_begin_in_a_folder_with_an_empty_number(client, settings):
    (Path(settings.store) / "m/1").mkdir(parents=True)
    assert train(client, x=[5], y=[11], append=True, status=404).json["type"].endswith("model-not-found")
    assert train(client, **XY).json["version"] == 2
    assert client.get("/models/m").json["versions"] == [2]


def test_the_only_version_goes_with_its_model(client, settings):
    train(client, **XY)
    assert client.delete("/models/m/versions/1").status_code == 409
    gone = client.delete("/models/m")
    assert (gone.status_code, gone.data) == (204, b"")
    assert "Content-Type" not in gone.headers
    assert client.post("/models/m/predict", json={"x": 1}).status_code == 404
    assert client.get("/models").json == {"models": []}
    assert not (Path(settings.store) / "m").exists()
    assert client.delete("/models/m").status_code == 404
    assert train(client, **XY).json["version"] == 1


def test_a_new_model_of_an_old_name_is_not_answered_from_memory(client):
    train(client, x=[0, 1, 2], y=[0, 1, 2])
    assert client.post("/models/m/predict", json={"x": 1}).json["y"] == pytest.approx(1)
    client.delete("/models/m")
    train(client, x=[0, 1, 2], y=[0, 5, 10])
    assert client.post("/models/m/predict", json={"x": 1}).json["y"] == pytest.approx(5)


def test_the_newest_versions_and_the_pinned_one_are_kept(settings):
    client = create_app(dataclasses.replace(settings, keep_versions=2)).test_client()
    train(client, **XY)
    client.put("/models/m/serving", json={"version": 1})
    for _ in range(4):
        train(client, **XY)
    assert client.get("/models/m").json["versions"] == [1, 4, 5]


def test_a_version_is_published_though_older_ones_cannot_be_deleted(settings, monkeypatch, caplog):
    client = create_app(dataclasses.replace(settings, keep_versions=1)).test_client()
    train(client, **XY)
    monkeypatch.setattr(FolderStore, "_delete", lambda *_, **__: (_ for _ in ()).throw(StoreUnavailable("No.")))
    assert train(client, **XY).json["version"] == 2
    assert "old versions of model m cannot be deleted" in caplog.text
    monkeypatch.undo()
    train(client, **XY)
    assert client.get("/models/m").json["versions"] == [3]


def test_a_description_and_labels_are_kept_and_changed_by_part(client):
    train(client, **XY)
    assert client.get("/models/m").json["labels"] == {}
    client.patch("/models/m", json={"description": "a sensor", "labels": {"site": "north", "kind": "old"}})
    about = client.patch("/models/m", json={"labels": {"kind": None}}).json
    assert (about["description"], about["labels"]) == ("a sensor", {"site": "north"})
    assert client.patch("/models/none", json={"description": "x"}).status_code == 404
    assert client.patch("/models/m", json={"labels": {"a": 1}}).status_code == 422


def test_changes_of_labels_at_the_same_time_are_all_kept(client):
    train(client, **XY)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda i: client.patch("/models/m", json={"labels": {f"l{i}": "x"}}), range(40)))
    assert len(client.get("/models/m").json["labels"]) == 40


def test_a_model_has_at_most_a_hundred_labels(client):
    train(client, **XY)
    hundred = {str(i): "x" for i in range(100)}
    assert len(client.patch("/models/m", json={"labels": hundred}).json["labels"]) == 100
    refused = client.patch("/models/m", json={"labels": {"more": "x"}})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/labels")
    assert "more" in client.patch("/models/m", json={"labels": {"0": None, "more": "x"}}).json["labels"]


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", '{"description": 1, "labels": {}}', '{"labels": null}'])
def test_damaged_labels_are_as_good_as_none(client, settings, text):
    train(client, **XY)
    (Path(settings.store) / "m/about.json").write_text(text)
    [model] = client.get("/models").json["models"]
    assert (model["description"], model["labels"]) == (None, {})
    assert client.patch("/models/m", json={"labels": {"site": "north"}}).json["labels"] == {"site": "north"}


@pytest.mark.parametrize(
    ("change", "pointer", "detail"),
    [
        ({"labels": {"a/b": 1}}, "/labels/a~1b", "is 1; give a string"),
        ({"labels": {"": "x"}}, "/labels/", "is not a label name; give 1 to 100 characters"),
        ({"labels": {"l" * 200: "x"}}, f"/labels/{'l' * 100}", "is not a label name; give 1 to 100 characters"),
        ({"labels": []}, "/labels", 'is not an object; give one such as {"site": "north"}'),
        ({"description": 1}, "/description", "is 1; give a string"),
    ],
)
def test_a_label_that_cannot_be_kept_is_pointed_at(client, change, pointer, detail):
    train(client, **XY)
    answer = client.patch("/models/m", json=change)
    assert (answer.status_code, answer.json["errors"]) == (422, [{"pointer": pointer, "detail": detail}])


def test_ten_faults_are_told_however_many_one_field_has(client):
    train(client, **XY)
    answer = client.patch("/models/m", json={"labels": {str(i): i for i in range(100)}})
    assert len(answer.json["errors"]) == 10


def test_a_dry_run_saves_nothing(client):
    fit = train(client, **XY, dry_run=True, status=200).json
    assert (fit["version"], fit["serving"]) == (None, None)
    assert fit["history"]["epoch"]
    assert client.get("/models").json == {"models": []}
    train(client, **XY)
    assert train(client, x=[5], y=[11], append=True, dry_run=True, status=200).json["n"] == 5
    assert client.get("/models/m").json["versions"] == [1]


@pytest.mark.parametrize("method", ["spectral", "autograd"])
@pytest.mark.parametrize("epochs", [None, 5, 500])
def test_a_dry_run_shows_a_divergence_in_finite_numbers(client, method, epochs):
    fit = train(client, **XY, dry_run=True, learning_rate=10, epochs=epochs, method=method, status=200).json
    losses = fit["history"]["loss"]
    assert np.isfinite(losses).all()
    assert (np.diff(losses) > 0).all()
    assert fit["loss"] == pytest.approx(losses[-1])
    assert fit["converged"] is False
    assert "diverging" in [notice["type"] for notice in fit["warnings"]]
    assert fit["epochs"] == fit["history"]["epoch"][-1] <= (epochs or 500)


@pytest.fixture(scope="module")
def diabetes():
    x, y = load_diabetes(return_X_y=True)
    return x, y, sm.OLS(y, sm.add_constant(x)).fit()


def test_predictions_come_with_the_intervals_of_statsmodels(client, diabetes):
    x, y, oracle = diabetes
    train(client, x=x.tolist(), y=y.tolist())
    frame = oracle.get_prediction(sm.add_constant(x)[:5]).summary_frame(0.1)
    for kind, prefix in (("prediction", "obs"), ("confidence", "mean")):
        answer = client.post(
            "/models/m/predict", json={"x": x[:5].tolist(), "interval": 0.9, "interval_kind": kind}
        ).json
        np.testing.assert_allclose(answer["lower"], frame[f"{prefix}_ci_lower"], rtol=1e-8)
        np.testing.assert_allclose(answer["upper"], frame[f"{prefix}_ci_upper"], rtol=1e-8)


def test_a_bare_row_has_bare_bounds_and_contributions(client):
    train(client, **XY)
    answer = client.post("/models/m/predict", json={"x": 2.5, "interval": 0.95, "explain": True}).json
    assert answer["lower"] < answer["y"] < answer["upper"]
    assert answer["contributions"] == pytest.approx(0)
    assert answer["mean_prediction"] == pytest.approx(answer["y"])


@pytest.mark.parametrize(
    ("options", "says"),
    [({"epochs": 1, "learning_rate": 0.01}, "converged"), ({"l2": 1}, "l2"), ({"x": [[1, 2]] * 4}, "determine")],
)
def test_an_interval_that_means_nothing_is_refused(client, options, says):
    train(client, **(XY | options))
    x = [[1, 2]] if "x" in options else [1]
    answer = client.post("/models/m/predict", json={"x": x, "interval": 0.95})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/interval"
    assert says in answer.json["detail"]


@pytest.mark.parametrize("kind", ["prediction", "confidence"])
def test_a_kind_of_interval_without_an_interval_is_refused(client, kind):
    train(client, **XY)
    path, fault = (
        "/models/m/predict",
        {"pointer": "/interval_kind", "detail": "needs interval; give interval too, such as 0.95"},
    )
    for more in ({}, {"interval": None}, {"explain": True}):
        answer = client.post(path, json={"x": 1, "interval_kind": kind} | more)
        assert (answer.status_code, answer.json["errors"]) == (422, [fault])
    answer = client.post(f"{path}?interval_kind={kind}", data="x\n1\n", content_type="text/csv")
    assert (answer.status_code, answer.json["errors"]) == (422, [fault])


@pytest.mark.parametrize("kind", ["prediction", "confidence"])
def test_an_interval_that_no_float64_holds_is_refused_at_its_row(client, kind):
    train(client, x=[1e-30, 2e-30, 3e-30, 4e-30], y=[1e-30, 2.5e-30, 2.5e-30, 4e-30])
    options = {"interval": 0.9, "interval_kind": kind}
    for x, pointer in (
        ([0, 1e149], "/x/1"),
        ({"x": [0, 1e149]}, "/x"),
        (1e149, "/x"),
        ([0] * 9999 + [1e149], "/x/9999"),
    ):
        answer = client.post("/models/m/predict", json={"x": x, **options})
        assert (answer.status_code, answer.json["errors"]) == (
            422,
            [{"pointer": pointer, "detail": "has an interval that no float64 holds"}],
        )
    table = {"data": "x\n0\n1e149\n", "content_type": "text/csv", "headers": {"Accept": "text/csv"}}
    answer = client.post("/models/m/predict", query_string=options, **table)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/x/1")


@pytest.mark.parametrize("form", ["rows", "columns", "flat"])
def test_contributions_add_up_to_the_prediction(client, form):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(30, 1 if form == "flat" else 3))
    y = x @ np.arange(1, x.shape[1] + 1) + generator.normal(size=30)
    sent = {"rows": x.tolist(), "flat": x[:, 0].tolist(), "columns": dict(zip("abc", x.T.tolist(), strict=False))}[form]
    fit = train(client, x=sent, y=y.tolist()).json
    answer = client.post("/models/m/predict", json={"x": sent, "explain": True}).json
    contributions = answer["contributions"]
    added = (
        np.sum(list(contributions.values()), axis=0) if form == "columns" else np.reshape(contributions, x.shape).sum(1)
    )
    np.testing.assert_allclose(added + answer["mean_prediction"], answer["y"], rtol=1e-12)
    assert answer["mean_prediction"] == pytest.approx(y.mean())
    w = np.ravel(list(fit["w"].values()) if form == "columns" else fit["w"])
    expected = w * (x - x.mean(axis=0))
    found = np.column_stack(list(contributions.values())) if form == "columns" else np.reshape(contributions, x.shape)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_inputs_outside_the_training_range_are_told(client):
    train(client, **XY)
    inside = client.post("/models/m/predict", json={"x": [1, 4]})
    outside = client.post("/models/m/predict", json={"x": [0.5, 2, 5, 6]})
    assert "Descent-Extrapolated" not in inside.headers
    assert outside.headers["Descent-Extrapolated"] == "3"
    assert 'descent_out_of_range_rows_total{model="m"} 3.0' in client.get("/metrics").text


@pytest.mark.parametrize("weighted", [False, True])
def test_an_evaluation_gives_scikit_learns_metrics(client, weighted):
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=50), generator.normal(size=50)
    weight = generator.uniform(0, 2, 50) if weighted else None
    train(client, **XY)
    body = {"x": x.tolist(), "y": y.tolist(), **({"sample_weight": weight.tolist()} if weighted else {})}
    found = client.post("/models/m/evaluate", json=body).json
    predicted = client.post("/models/m/predict", json={"x": x.tolist()}).json["y"]
    assert found["n"] == 50
    assert found["mse"] == pytest.approx(metrics.mean_squared_error(y, predicted, sample_weight=weight))
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(y, predicted, sample_weight=weight))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(y, predicted, sample_weight=weight))
    assert found["r2"] == pytest.approx(metrics.r2_score(y, predicted, sample_weight=weight))
    assert found["bias"] == pytest.approx(np.average(np.array(predicted) - y, weights=weight))
    assert f'descent_evaluation_loss{{model="m"}} {found["mse"]!r}' in client.get("/metrics").text


def test_an_evaluation_on_a_y_that_does_not_vary_has_no_r2(client):
    train(client, **XY)
    assert client.post("/models/m/versions/1/evaluate", json={"x": [1, 2], "y": [3, 3]}).json["r2"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"x": [1], "y": [1, 2]},
        {"x": [1], "y": [1], "sample_weight": [0]},
        {"x": [1], "y": [1], "sample_weight": [1, 2]},
    ],
)
def test_an_evaluation_that_cannot_be_made_is_refused(client, body):
    train(client, **XY)
    assert client.post("/models/m/evaluate", json=body).status_code == 422


ROWS = [
    {"sensor": "a", "t": 0}, {"sensor": "b", "t": 0}, {"sensor": "a", "t": 1},
    {"sensor": "b", "t": 1}, {"sensor": "bad name", "t": 3}, {"sensor": 7, "t": 3},
]  # fmt: skip
Y = [1, 10, 2, 8, 0, 5]


@pytest.mark.parametrize("form", ["column of records", "column", "list"])
def test_groups_get_a_model_and_a_result_each_and_none_is_lost(client, form):
    columns = {"sensor": [row["sensor"] for row in ROWS], "t": [row["t"] for row in ROWS]}
    x = {"column of records": ROWS, "column": columns, "list": {"t": columns["t"]}}[form]
    group = columns["sensor"] if form == "list" else "sensor"
    answer = client.post("/models:train", json={"x": x, "y": Y, "group": group, "prefix": "s-"})
    assert answer.status_code == 200
    a, b, bad, seven = answer.json["results"]
    assert (a["group"], a["model"], a["version"], a["w"]) == ("a", "s-a", 1, {"t": pytest.approx(1)})
    assert (b["w"], b["b"], b["n"]) == ({"t": pytest.approx(-2)}, pytest.approx(10), 2)
    assert bad["problem"]["status"] == 422
    assert seven["model"] == "s-7"
    assert [model["model"] for model in client.get("/models").json["models"]] == ["s-7", "s-a", "s-b"]

    predicted = client.post("/models:predict", json={"x": x, "group": group, "prefix": "s-"}).json["results"]
    assert predicted[0]["rows"] == [0, 2]
    assert predicted[0]["y"] == pytest.approx([1, 2])
    assert predicted[1]["y"] == pytest.approx([10, 8])
    assert "problem" in predicted[2]


def test_groups_can_be_appended_to_and_tried_out(client):
    body = {"x": [0, 1, 0, 1], "y": [0, 1, 0, 2], "group": ["a", "a", "b", "b"]}
    tried = client.post("/models:train", json=body | {"dry_run": True}).json["results"]
    assert [result["version"] for result in tried] == [None, None]
    client.post("/models:train", json=body)
    appended = client.post("/models:train", json={"x": [2, 2], "y": [2, 4], "group": ["a", "c"], "append": True}).json
    assert appended["results"][0]["n"] == 3
    assert appended["results"][1]["problem"]["type"].endswith("model-not-found")


def test_groups_that_are_sent_again_count_once(client):
    def append(headers, **change):
        body = {"x": [2, 2, 2], "y": [2, 4, 6], "group": ["a", "b", "c"], "append": True} | change
        return client.post("/models:train", json=body, headers=headers).json["results"]

    client.post("/models:train", json={"x": [0, 1, 0, 1], "y": [0, 1, 0, 2], "group": ["a", "a", "b", "b"]})
    key = {"Idempotency-Key": "k"}
    first = append(key)
    assert [result.get("version") for result in first] == [2, 2, None]
    train(client, "c", x=[0, 1], y=[0, 3])
    a, b, c = append(key)
    assert [a, b] == [result | {"replayed": True} for result in first[:2]]
    assert (c["version"], c["n"], "replayed" in c) == (2, 3, False)
    assert [result["n"] for result in append({"Idempotency-Key": "other"})] == [4, 4, 4]
    slugs = {result["problem"]["type"] for result in append(key, decay=0.5)}
    assert slugs == {"urn:descent:problem:idempotency-key-reused"}


def test_groups_whose_models_are_there_already_can_be_left_out(client):
    train(client, "a", **XY)
    body = {"x": [1, 2], "y": [1, 2], "group": ["a", "b"]}
    a, b = client.post("/models:train", json=body, headers={"If-None-Match": "*"}).json["results"]
    assert (a["problem"]["status"], b["version"]) == (412, 1)


@pytest.mark.parametrize("headers", [{"If-Match": "*"}, {"Idempotency-Key": ""}])
def test_headers_that_say_nothing_of_groups_are_refused(client, headers):
    body = {"x": [1, 2], "y": [1, 2], "group": ["a", "b"]}
    answer = client.post("/models:train", json=body, headers=headers)
    assert answer.status_code == 422
    assert next(iter(headers)) in answer.json["detail"]
    assert client.get("/models").json == {"models": []}


def test_faults_in_groups_point_at_the_rows_of_the_request(client):
    body = {"x": [0, 1, 2, 0, 1, 2], "y": [0, 1, 2, 0, 2, 4], "group": list("aaabbb")}
    a, b = client.post("/models:train", json=body | {"sample_weight": [1, 1, 1, 1, -1, 1]}).json["results"]
    assert a["version"] == 1
    assert b["problem"]["errors"] == [{"pointer": "/sample_weight/4", "detail": "is -1; a weight is at least 0"}]
    assert b["problem"]["detail"] == "/sample_weight/4: is -1; a weight is at least 0"


def test_a_prediction_in_a_group_that_overflows_points_at_the_row_of_the_request(client):
    for model in ("a", "b"):
        train(client, model, x=[0, 1e-150], y=[0, 1e10])
    body = {"x": [[0], [0], [0], [1e150]], "group": ["a", "b", "a", "b"]}
    a, b = client.post("/models:predict", json=body).json["results"]
    assert a["rows"] == [0, 2]
    assert b["problem"]["errors"][0]["pointer"] == "/x/3"


def test_a_group_that_breaks_does_not_take_the_others_along(client, monkeypatch, caplog):
    original = trainer.Trainer.train

    def break_for_b(self, model, request):
        return 1 / 0 if model == "b" else original(self, model, request)

    monkeypatch.setattr(trainer.Trainer, "train", break_for_b)
    results = client.post("/models:train", json={"x": [1, 2], "y": [1, 2], "group": ["a", "b"]}).json["results"]
    assert results[0]["version"] == 1
    assert results[1]["problem"]["status"] == 500
    assert "ZeroDivisionError" in caplog.text
    assert "ZeroDivision" not in json.dumps(results)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"group": "none"}, "/group"),
        ({"group": ["a"]}, "/group"),
        ({"group": ["a", None]}, "/group"),
        ({"group": ["a", 1.5]}, "/group"),
        ({"y": [1]}, "/y"),
    ],
)
def test_groups_that_cannot_be_told_apart_are_refused(client, change, pointer):
    answer = client.post("/models:train", json={"x": [1, 2], "y": [1, 2], "group": ["a", "b"]} | change)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == pointer
