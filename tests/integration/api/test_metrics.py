"""The metrics of the serving versions, and the counters of requests."""

import dataclasses
import re
from datetime import datetime

from calls import XY, train

from service.app import create_app
from service.observability.metrics import TABLE
from service.training.trainer import Trainer


def samples(client):
    """Return the value of every sample by its name and labels."""
    lines = [line for line in client.get("/metrics").text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_metrics_describe_the_serving_version(client):
    fit = train(client, **XY, learning_rate=0.01, epochs=3).json
    found = samples(client)
    assert found['descent_training_loss{model="m"}'] == fit["loss"]
    assert found['descent_training_rows{model="m"}'] == 4
    assert found['descent_model_version{model="m"}'] == 1
    assert found['descent_training_r2{model="m"}'] == fit["r2"]
    trained_at = datetime.fromisoformat(fit["trained_at"])
    assert found['descent_model_trained_timestamp_seconds{model="m"}'] == trained_at.timestamp()
    assert found["descent_store_up"] == 1


def test_metrics_count_requests_and_rows(client):
    train(client, **XY)
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


def test_every_metric_is_documented(client):
    train(client, **XY)
    client.post("/models/m/predict", json={"x": 1})
    families = set(re.findall(r"# TYPE (\w+)", client.get("/metrics").text))
    assert {family for family in families if not family.endswith("_created")} == {metric.name for metric in TABLE}


def test_models_over_the_limit_have_no_labels_and_are_counted(settings):
    client = create_app(dataclasses.replace(settings, metrics_max_models=2)).test_client()
    for name in ("a", "b", "c"):
        train(client, name, **XY)
    found = samples(client)
    assert [name for name in found if name.startswith("descent_training_loss")] == [
        'descent_training_loss{model="c"}',
        'descent_training_loss{model="b"}',
    ]
    assert found["descent_models_without_labels"] == 1


def test_each_group_of_a_training_is_counted_by_its_outcome(client, monkeypatch):
    original = Trainer.train

    def fail_for_d(self, model, request):
        return 1 / 0 if model == "d" else original(self, model, request)

    monkeypatch.setattr(Trainer, "train", fail_for_d)
    client.post("/models:train", json={"x": [1, 2, 3, 4], "y": [1, 2, 3, 4], "group": ["a", "bad name", "c", "d"]})
    client.post("/models:train", json={"x": [1], "y": []})
    found = samples(client)
    outcomes = {
        name: found[f'descent_trainings_total{{outcome="{name}"}}'] for name in ("published", "rejected", "failed")
    }
    assert outcomes == {"published": 2, "rejected": 2, "failed": 1}
    assert found["descent_training_duration_seconds_count"] == 1


def test_each_group_of_a_prediction_is_counted_once(client):
    for model in ("a", "c"):
        train(client, model, **XY)
    for _ in range(2):
        client.post("/models:predict", json={"x": [1, 2, 3, 4, 50], "group": ["a", "b", "c", "bad name", "c"]})
    found = samples(client)
    assert {name: value for name, value in found.items() if name.startswith("descent_predictions_total")} == {
        'descent_predictions_total{model="a"}': 2,
        'descent_predictions_total{model="c"}': 2,
    }
    assert found['descent_predicted_rows_total{model="a"}'] == 2
    assert found['descent_predicted_rows_total{model="c"}'] == 4
    assert found['descent_out_of_range_rows_total{model="c"}'] == 2
