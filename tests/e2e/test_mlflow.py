"""MLflow's scoring protocol, with its own client as the oracle."""

import io
import json
import warnings

import numpy as np
import pandas as pd
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

FRAME = pd.DataFrame({"area": [50.0, 80.0, 120.0], "rooms": [2, 3, 4]}, index=[7, 8, 9])


@pytest.fixture(scope="module")
def predicted(client):
    """The default model, of two named columns, and its answers over the service's own call."""
    rows = {"x": {"area": [40, 60, 90, 100], "rooms": [1, 3, 3, 4]}, "y": [1, 2, 3, 5]}
    assert client.post("/train", json=rows).status_code == 201
    return client.post("/predict", json={"x": FRAME.to_dict("list")}).json()["y"]


@pytest.fixture
def scoring(service):
    return ScoringServerClient("127.0.0.1", service.port)


def test_the_client_is_answered(scoring, predicted):
    scoring.ping()
    scoring.wait_server_ready(5)
    assert scoring.get_version()
    assert scoring.invoke(FRAME).get_predictions()[0].tolist() == predicted
    assert scoring.invoke(FRAME[["rooms", "area"]]).get_predictions()[0].tolist() == predicted
    assert scoring.invoke(FRAME.to_numpy()).get_predictions()[0].tolist() == predicted


def test_the_client_learns_what_is_wrong(scoring, predicted):
    with pytest.raises(Exception, match="column 'rooms' is missing"):
        scoring.invoke(FRAME[["area"]])
    with pytest.raises(Exception, match="not taken"):
        scoring.invoke(FRAME, params={"temperature": 1})


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["rooms", "area"], "data": FRAME[["rooms", "area"]].to_numpy().tolist()}},
        {"dataframe_split": {"data": FRAME.to_numpy().tolist()}},
        {"dataframe_records": FRAME.to_dict("records")},
        {"instances": FRAME.to_numpy().tolist()},
        {"instances": FRAME.to_dict("records"), "params": {}},
        {"inputs": FRAME.to_dict("list"), "params": None},
    ],
)
def test_every_form_of_json_is_taken(client, predicted, body):
    assert client.post("/invocations", json=body).json() == {"predictions": predicted}


def test_csv_and_parquet_are_taken(client, predicted):
    parquet = io.BytesIO()
    FRAME.to_parquet(parquet, index=False)
    bodies = {"text/csv": FRAME.to_csv(index=False), "application/vnd.apache.parquet": parquet.getvalue()}
    for media_type, body in bodies.items():
        answer = client.post("/invocations?model=default", content=body, headers={"Content-Type": media_type})
        assert answer.json() == {"predictions": predicted}


@pytest.mark.parametrize(
    ("body", "status", "code", "says"),
    [
        ("{", 400, "BAD_REQUEST", "not JSON"),
        ("[]", 400, "BAD_REQUEST", "no object"),
        ("{}", 400, "BAD_REQUEST", "exactly one"),
        ('{"instances": [1], "inputs": [1]}', 400, "BAD_REQUEST", "exactly one"),
        ('{"instances": [[1, 2]], "more": 1}', 400, "BAD_REQUEST", "/more"),
        ('{"dataframe_split": []}', 400, "BAD_REQUEST", "no object"),
        ('{"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}', 400, "BAD_REQUEST", "/dataframe_split/columns"),
        ('{"dataframe_records": {"area": [1]}}', 400, "BAD_REQUEST", "no list of records"),
        ('{"dataframe_records": [{"area": 1, "rooms": null}]}', 400, "BAD_REQUEST", "null"),
    ],
)
def test_what_is_wrong_is_told_in_mlflows_form(client, predicted, body, status, code, says):
    answer = client.post("/invocations", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert set(answer.json()) == {"error_code", "message"}
    assert says in answer.json()["message"]


def test_other_media_types_and_models_are_refused(client, predicted):
    assert client.post("/invocations", content="x").status_code == 415
    for call in (client.get("/ping?model=none"), client.post("/invocations?model=none", json={"instances": [1]})):
        assert (call.status_code, call.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert client.get("/health").status_code == 200
    again = client.get("/ping?model=default&model=default")
    assert (again.status_code, again.json()["error_code"]) == (400, "BAD_REQUEST")


def test_invocations_are_counted_as_predictions(client, predicted):
    def counted():
        lines = client.get("/metrics").text.splitlines()
        return sum(float(x.split()[-1]) for x in lines if x.startswith('descent_predictions_total{model="default"}'))

    before = counted()
    client.post("/invocations", json={"instances": np.ones((3, 2)).tolist()})
    assert counted() == before + 1
    assert json.loads(client.get("/models/default").text)["model"] == "default"
