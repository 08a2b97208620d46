"""Models, versions, artifacts, history, operations and metrics through the app."""

import dataclasses
import hashlib
import re
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from service import __version__
from service.app import create_app
from service.observability.metrics import TABLE


def train(client, model="m", **body):
    answer = client.post(f"/models/{model}/train", json={"x": [1, 2, 3], "y": [2, 4, 7], **body})
    assert answer.status_code == 201, answer.text
    return answer


def test_a_training_answers_where_its_version_is(client):
    answer = train(client)
    assert answer.headers["Location"] == "/models/m/versions/1"
    assert client.get(answer.headers["Location"]).json == {k: v for k, v in answer.json.items() if k != "serving"}
    assert (answer.json["model"], answer.json["version"], answer.json["serving"]) == ("m", 1, 1)
    assert train(client).json["version"] == 2


def test_the_artifact_is_what_the_answer_describes(client, settings):
    described = train(client).json["artifact"]
    sent = client.get(described["href"])
    assert hashlib.sha256(sent.data).hexdigest() == described["sha256"]
    assert len(sent.data) == described["bytes"]
    assert sent.data == (Path(settings.store) / "m/1/model.pt").read_bytes()


def test_the_history_is_that_of_the_answer(client):
    fit = train(client, learning_rate=0.01, epochs=5).json
    history = client.get("/models/m/versions/1/history").json
    assert history == {"model": "m", "version": 1, **fit["history"]}


def test_train_and_predict_without_a_model_are_for_the_one_in_the_query(client):
    client.post("/train", json={"x": [1, 2], "y": [1, 2]})
    client.post("/train?model=other", json={"x": [1, 2], "y": [2, 4]})
    assert client.post("/predict", json={"x": 3}).json["model"] == "default"
    assert client.post("/predict?model=other", json={"x": 3}).json == {"model": "other", "version": 1, "y": 6.0}


def test_the_newest_version_serves_and_older_ones_stay(client):
    train(client, y=[2, 4, 6])
    train(client, y=[3, 6, 9])
    assert client.post("/models/m/predict", json={"x": 1}).json["y"] == pytest.approx(3)
    assert client.post("/models/m/versions/1/predict", json={"x": 1}).json["y"] == pytest.approx(2)
    shown = client.get("/models/m").json
    assert (shown["serving"], shown["versions"]) == (2, [1, 2])


def test_a_pin_in_the_configuration_is_followed(client, settings):
    train(client, y=[2, 4, 6])
    path = Path(settings.store) / "m/config.pbtxt"
    path.write_text(path.read_text().replace("latest { num_versions: 1 }", "specific { versions: [ 1 ] }"))
    assert train(client, y=[3, 6, 9]).json["serving"] == 1
    assert client.post("/models/m/predict", json={"x": 1}).json["version"] == 1


def test_models_are_listed_by_prefix_and_page(client):
    for name in ("b1", "a", "b2", "b3"):
        train(client, name)
    page = client.get("/models?prefix=b&limit=2").json
    assert [model["model"] for model in page["models"]] == ["b1", "b2"]
    rest = client.get(f"/models?prefix=b&limit=2&page_token={page['next_page_token']}").json
    assert [model["model"] for model in rest["models"]] == ["b3"]
    assert "next_page_token" not in rest


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("/models/none", "model-not-found"),
        ("/models/m/versions/9", "version-not-found"),
        ("/models/m/versions/9/artifact", "version-not-found"),
        ("/models/m/versions/x", "not-found"),
        ("/models/m/nothing", "not-found"),
        ("/nothing", "not-found"),
    ],
)
def test_what_is_not_there_is_a_404_problem(client, path, slug):
    train(client)
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert answer.json["type"] == f"urn:descent:problem:{slug}"


def test_a_method_that_is_not_allowed_says_which_are(client):
    answer = client.get("/train")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert answer.content_type == "application/problem+json"


def test_an_unexpected_error_tells_the_log_and_not_the_client(client, monkeypatch, caplog):
    monkeypatch.setattr("service.training.trainer.Trainer.train", lambda *_: 1 / 0)
    answer = client.post("/train", json={"x": [1], "y": [1]})
    assert answer.status_code == 500
    assert "ZeroDivision" not in answer.text
    assert "ZeroDivisionError" in caplog.text


def test_a_damaged_version_is_a_503_and_gives_no_number(client, settings):
    train(client)
    path = Path(settings.store) / "m/1/model.pt"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    for answer in (client.post("/models/m/predict", json={"x": 1}), client.get("/models/m/versions/1/artifact")):
        assert answer.status_code == 503
        assert answer.json["type"] == "urn:descent:problem:corrupt-artifact"
    assert client.get("/metrics").status_code == 200


def test_operations_answer_plainly(client):
    assert client.get("/livez").text == "ok\n"
    assert client.get("/readyz").text == "ok\n"
    assert client.get("/version").text == f"{__version__}\n"


def test_readiness_tells_of_a_lost_store(client, settings):
    shutil.rmtree(settings.store)
    assert client.get("/readyz").status_code == 503
    assert client.get("/livez").status_code == 200


def samples(client):
    lines = [line for line in client.get("/metrics").text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_metrics_tell_the_facts_of_the_serving_version(client):
    fit = train(client, learning_rate=0.01, epochs=3).json
    found = samples(client)
    assert found['descent_training_loss{model="m"}'] == fit["loss"]
    assert found['descent_training_rows{model="m"}'] == 3
    assert found['descent_model_version{model="m"}'] == 1
    assert found['descent_training_r2{model="m"}'] == fit["r2"]
    trained_at = datetime.fromisoformat(fit["trained_at"])
    assert found['descent_model_trained_timestamp_seconds{model="m"}'] == trained_at.timestamp()
    assert found["descent_store_up"] == 1


def test_metrics_count_the_events(client):
    train(client)
    client.post("/train", json={"x": [1], "y": []})
    client.post("/models/m/predict", json={"x": [1, 2, 3]})
    client.post("/models/none/predict", json={"x": [1, 2, 3]})
    found = samples(client)
    assert found['descent_trainings_total{outcome="published"}'] == 1
    assert found['descent_trainings_total{outcome="rejected"}'] == 1
    assert found["descent_training_duration_seconds_count"] == 1
    assert found['descent_predictions_total{model="m"}'] == 1
    assert found['descent_predicted_rows_total{model="m"}'] == 3
    assert found["descent_predict_duration_seconds_count"] == 1
    route = 'route="/models/<model>/predict"'
    assert found[f'descent_http_request_duration_seconds_count{{method="POST",{route},status="404"}}'] == 1
    assert found["descent_http_requests_in_progress"] == 1
    assert not any("none" in name for name in found if name.startswith("descent_predict"))


def test_every_metric_exposed_stands_in_the_table(client):
    train(client)
    client.post("/models/m/predict", json={"x": 1})
    families = set(re.findall(r"# TYPE (\w+)", client.get("/metrics").text))
    assert {family for family in families if not family.endswith("_created")} == {metric.name for metric in TABLE}


def test_models_past_the_bound_get_no_labels_and_are_counted(settings):
    client = create_app(dataclasses.replace(settings, metrics_max_models=2)).test_client()
    for name in ("a", "b", "c"):
        train(client, name)
    found = samples(client)
    assert [name for name in found if name.startswith("descent_training_loss")] == [
        'descent_training_loss{model="c"}',
        'descent_training_loss{model="b"}',
    ]
    assert found["descent_models_without_labels"] == 1


def test_a_condition_of_changes_says_nothing_of_looks(client):
    client.post("/models/m/train", json={"x": [1, 2], "y": [1, 2]})
    for path in ("/models/m", "/models/m/versions/1", "/models/m/versions/1/artifact"):
        assert client.get(path, headers={"If-Match": '"other"'}).status_code == 200
