"""MLflow's scoring protocol, in process. Its client is in tests/e2e."""

import io
import json

import numpy as np
import pandas as pd
import pytest

FRAME = pd.DataFrame({"area": [50.0, 80.0, 120.0], "rooms": [2, 3, 4]}, index=[7, 8, 9])


@pytest.fixture(scope="module")
def predicted(http):
    """Train the default model on two named columns, and return its predictions by the service's own call."""
    rows = {"x": {"area": [40, 60, 90, 100], "rooms": [1, 3, 3, 4]}, "y": [1, 2, 3, 5]}
    assert http.post("/train", json=rows).status_code == 201
    return http.post("/predict", json={"x": FRAME.to_dict("list")}).json()["y"]


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
def test_every_form_of_json_is_accepted(http, predicted, body):
    assert http.post("/invocations", json=body).json() == {"predictions": predicted}


def test_csv_and_parquet_are_accepted(http, predicted):
    parquet = io.BytesIO()
    FRAME.to_parquet(parquet, index=False)
    bodies = {"text/csv": FRAME.to_csv(index=False), "application/vnd.apache.parquet": parquet.getvalue()}
    for media_type, body in bodies.items():
        response = http.post("/invocations?model=default", content=body, headers={"Content-Type": media_type})
        assert response.json() == {"predictions": predicted}


@pytest.mark.parametrize(
    ("body", "status", "code", "expected"),
    [
        ("{", 400, "BAD_REQUEST", "not JSON"),
        ("[]", 400, "BAD_REQUEST", "not an object"),
        ("{}", 400, "BAD_REQUEST", "exactly one"),
        ('{"instances": [1], "inputs": [1]}', 400, "BAD_REQUEST", "exactly one"),
        ('{"instances": [[1, 2]], "more": 1}', 400, "BAD_REQUEST", "/more"),
        ('{"dataframe_split": []}', 400, "BAD_REQUEST", "not an object"),
        ('{"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}', 400, "BAD_REQUEST", "/dataframe_split/columns"),
        ('{"dataframe_records": {"area": [1]}}', 400, "BAD_REQUEST", "not a list of records"),
        ('{"dataframe_records": [{"area": 1, "rooms": null}]}', 400, "BAD_REQUEST", "null"),
    ],
)
def test_errors_have_the_format_of_mlflow(http, predicted, body, status, code, expected):
    response = http.post("/invocations", content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["error_code"]) == (status, code)
    assert set(response.json()) == {"error_code", "message"}
    assert expected in response.json()["message"]


def test_an_error_names_the_row_by_its_number_in_the_request(http):
    assert http.post("/models/steep/train", json={"x": [0, 1e-20], "y": [0, 1e150]}).status_code == 201
    table = b"x\n" + b"0\n" * 300_000 + b"1e150\n"
    response = http.post("/invocations?model=steep", content=table, headers={"Content-Type": "text/csv"})
    assert response.status_code == 400
    assert (
        response.json()["message"]
        == "/x/300000: has a prediction that overflows float64; send values of smaller magnitude"
    )


def test_other_media_types_and_models_are_rejected(http, predicted):
    assert http.post("/invocations", content="x").status_code == 415
    for call in (http.get("/ping?model=none"), http.post("/invocations?model=none", json={"instances": [1]})):
        assert (call.status_code, call.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert http.get("/health").status_code == 200
    again = http.get("/ping?model=default&model=default")
    assert (again.status_code, again.json()["error_code"]) == (400, "BAD_REQUEST")


def test_invocations_are_counted_as_predictions(http, predicted):
    def counted():
        lines = http.get("/metrics").text.splitlines()
        return sum(float(x.split()[-1]) for x in lines if x.startswith('descent_predictions_total{model="default"}'))

    before = counted()
    http.post("/invocations", json={"instances": np.ones((3, 2)).tolist()})
    assert counted() == before + 1
    assert json.loads(http.get("/models/default").text)["model"] == "default"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"instances": [[1.0], [1e150]]}, "/instances/1"),
        ({"dataframe_split": {"columns": ["x"], "data": [[1.0], [1e150]]}}, "/dataframe_split/data/1"),
    ],
)
def test_an_error_points_at_the_row_that_overflows(http, body, pointer):
    http.post("/models/steep/train", json={"x": [0, 1e-140, 2e-140], "y": [0, 1e100, 2e100]}).raise_for_status()
    response = http.post("/invocations?model=steep", json=body)
    assert (response.status_code, pointer in response.text) == (400, True), response.text
