"""Options that are not given: null counts as absent, the query can hold options beside JSON, and words reset them."""

import pytest
from calls import XY, rejected, train

OPTIONS = "method learning_rate epochs initial seed standardize fit_intercept l2 append decay dry_run missing"
NULLS = dict.fromkeys([*OPTIONS.split(), "sample_weight"])
RIDGE = {"l2": 0.5, "fit_intercept": False, "learning_rate": 0.01, "epochs": 7, "standardize": True, "seed": 3}
NEW = {"x": [5, 6], "y": [11, 13]}


def without_times(report):
    return {name: value for name, value in report.items() if name not in ("trained_at", "etag", "artifact", "model")}


def test_null_in_every_option_of_a_training_is_as_if_not_given(client):
    assert without_times(train(client, "a", **XY, **NULLS).json) == without_times(train(client, "b", **XY).json)


def test_null_in_an_append_inherits_every_option(client):
    for name in ("nulls", "omitted"):
        train(client, name, **XY, **RIDGE)
    nulls = train(client, "nulls", **NEW, **(NULLS | {"append": True})).json
    omitted = train(client, "omitted", **NEW, append=True).json
    assert without_times(nulls) == without_times(omitted)
    assert {name: nulls["options"][name] for name in RIDGE} == RIDGE


@pytest.mark.parametrize(
    ("word", "other", "reset"),
    [
        ({"epochs": "converged"}, {"epochs": 7}, {"epochs": "converged"}),
        ({"initial": "zeros"}, {"seed": 3}, {"initial": {"w": 0, "b": 0}, "seed": None}),
        ({"initial": "zeros"}, {"initial": {"w": 4, "b": 1}}, {"initial": {"w": 0, "b": 0}}),
        ({"standardize": "auto"}, {"standardize": False, "learning_rate": "auto"}, {"standardize": True}),
        ({"learning_rate": "auto"}, {"learning_rate": 0.001}, {}),
        ({"l2": 0}, {"l2": 2}, {"l2": 0}),
        ({"fit_intercept": True}, {"fit_intercept": False}, {"fit_intercept": True}),
        ({"method": "spectral"}, {}, {"method": "spectral"}),
    ],
)
def test_a_value_or_a_word_resets_an_inherited_option(client, word, other, reset):
    train(client, **XY, **other)
    found = train(client, **NEW, append=True, **word).json
    assert reset.items() <= found["options"].items()
    expected = train(client, "whole", x=XY["x"] + NEW["x"], y=XY["y"] + NEW["y"], **word).json
    assert found["options"]["learning_rate"] == pytest.approx(expected["options"]["learning_rate"])
    assert found["w"] == pytest.approx(expected["w"])


def test_null_in_predictions_and_evaluations_is_as_if_not_given(client):
    train(client, **XY)
    nulls = {"interval": None, "interval_kind": None, "explain": None, "missing": None}
    predict, evaluate = "/models/m/predict", "/models/m/evaluate"
    assert client.post(predict, json={"x": [1], **nulls}).json == client.post(predict, json={"x": [1]}).json
    weighted = client.post(evaluate, json={**XY, "sample_weight": None, "missing": None})
    assert weighted.json == client.post(evaluate, json=XY).json


@pytest.mark.parametrize("name", ["x", "y"])
def test_null_in_a_required_field_is_an_error(client, name):
    status, _, problem = rejected(client, json=XY | {name: None})
    assert (status, problem["errors"]) == (422, [{"pointer": f"/{name}", "detail": "is null; give a value"}])


def test_options_in_the_query_beside_json_equal_those_in_the_body(client):
    in_query = client.post(
        "/models/a/train?l2=0.5&fit_intercept=false&epochs=converged&dry_run=false&missing=error", json=XY
    )
    in_body = train(client, "b", **XY, l2=0.5, fit_intercept=False, epochs="converged")
    assert without_times(in_query.json) == without_times(in_body.json)
    assert client.post("/models/a/train?dry_run=true", json=XY).json["version"] is None
    interval = client.post("/models/a/predict?interval=0.9&explain=true", json={"x": [1], "interval": None})
    assert interval.status_code == 422  # the ridge fit has no interval: the option was read
    explained = client.post("/models/a/predict?explain=true", json={"x": [1]}).json
    assert explained == client.post("/models/a/predict", json={"x": [1], "explain": True}).json
    assert client.post("/models/a/evaluate?missing=drop", json=XY).json["dropped"] == 0


@pytest.mark.parametrize(
    ("query", "body", "detail"),
    [
        ("epochs=3", {"epochs": 4}, "is 3 in the query, but 4 in the body; give it in one place"),
        ("append=1", {"append": True}, "is 1 in the query, but true in the body; give it in one place"),
        ("method=autograd", {"method": "spectral"}, 'is "autograd" in the query, but "spectral" in the body; '),
    ],
)
def test_an_option_with_two_values_is_an_error(client, query, body, detail):
    response = client.post(f"/models/m/train?{query}", json=XY | body)
    assert response.status_code == 422
    [fault] = response.json["errors"]
    assert fault["pointer"] == f"/{query.split('=')[0]}"
    assert fault["detail"].startswith(detail)
    assert client.get("/models/m").status_code == 404


def test_an_option_with_one_value_in_both_places_is_accepted(client):
    response = client.post(
        "/models/m/train?epochs=3&l2=0.5&append=false", json=XY | {"epochs": 3, "l2": 0.5, "append": None}
    )
    assert response.status_code == 201


def test_null_in_the_query_does_not_contradict_the_body(client):
    response = client.post("/models/m/train?l2=null", json=XY | {"l2": 0.5})
    assert response.json["options"]["l2"] == 0.5


def test_null_in_the_query_is_as_if_not_given(client):
    train(client, **XY, **RIDGE)
    query = "&".join(f"{name}=null" for name in RIDGE)
    table = {"data": "x,y\n5,11\n6,13\n", "content_type": "text/csv"}
    for rows in (table, {"json": NEW}):
        found = client.post(f"/models/m/train?append=1&{query}", **rows).json
        assert {name: found["options"][name] for name in RIDGE} == RIDGE
