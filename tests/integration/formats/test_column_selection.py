"""Columns are selected and matched by name, in every media type."""

import json

import pytest
import table_bodies


@pytest.mark.parametrize("media_type", table_bodies.NAMED)
def test_columns_match_by_name_in_any_order(client, media_type):
    table_bodies.send(client, table_bodies.CSV, table_bodies.PLANE, "/models/order/train")
    x = {name: table_bodies.PLANE[name] for name in ("a", "b")}
    reordered = {name: table_bodies.PLANE[name] for name in ("b", "a")}
    answers = [
        table_bodies.send(client, media_type, each, "/models/order/predict").json["y"] for each in (x, reordered)
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("media_type", table_bodies.NAMED)
@pytest.mark.parametrize(
    ("names", "message"), [(["a"], "'b' is missing"), (["a", "b", "y"], "'y' is not one"), (["a", "c"], "'c'")]
)
def test_missing_and_unknown_columns_are_named(client, media_type, names, message):
    table_bodies.send(client, table_bodies.CSV, table_bodies.PLANE, "/models/named/train")
    columns = {name: table_bodies.PLANE.get(name, [1.0] * 5) for name in names}
    if media_type == table_bodies.JSON:
        body = json.dumps({"x": columns}).encode()
        answer = client.post("/models/named/predict", data=body, content_type=table_bodies.JSON)
    else:
        answer = table_bodies.send(client, media_type, columns, "/models/named/predict")
    assert answer.status_code == 422
    assert message in answer.json["detail"]
    assert answer.json["errors"][0]["pointer"] == "/x"


@pytest.mark.parametrize("media_type", table_bodies.TABLES)
def test_a_wrong_number_of_columns_is_refused_with_their_names(client, media_type):
    client.post("/models/two/train", json={"x": [[1, 2], [2, 1], [3, 5]], "y": [1, 2, 4]})
    three = {"area": [1.0], "rooms": [2.0], "price": [3.0]}
    names, choose = " ('area', 'rooms', 'price')", "; choose them with x="
    if media_type == table_bodies.NPY:
        names = choose = ""
    answer = table_bodies.send(client, media_type, three, "/models/two/predict")
    assert answer.json["detail"] == f"/x: has 3 columns{names}, but the model takes 2{choose}"
    for call in ("/models/two/train?append=true", "/models/two/evaluate"):
        answer = table_bodies.send(client, media_type, three | {"y": [1.0]}, call)
        assert answer.json["detail"] == f"/x: has 3 columns{names}, but the model takes 2{choose}"
    answer = table_bodies.send(client, media_type, three, "/invocations?model=two")
    assert answer.json["message"] == f"/columns: has 3 columns{names}, but the model takes 2"
    answer = table_bodies.send(client, media_type, {"area": [1.0]}, "/models/two/predict")
    named = " ('area')" if names else ""
    assert answer.json["detail"] == f"/x: has 1 column{named}, but the model takes 2"


@pytest.mark.parametrize("media_type", [each for each in table_bodies.TABLES if each != table_bodies.NPY])
def test_the_query_chooses_columns_and_options(client, media_type):
    columns = {"a b": [1.0, 2.0, 4.0], "unused": [0.0, 0.0, 1.0], "price": [1.0, 2.0, 3.0], "n": [1.0, 2.0, 0.0]}
    query = "?model=chosen&y=price&x=a%20b&weight=n&epochs=7&initial=" + '{"w": {"a b": 1}, "b": 2}'
    answer = table_bodies.send(client, media_type, columns, "/train", query)
    assert answer.status_code == 201, answer.text
    body = {"x": {"a b": [1, 2, 4]}, "y": [1, 2, 3], "sample_weight": [1, 2, 0], "epochs": 7}
    expected = client.post("/train", json=body | {"initial": {"w": {"a b": 1}, "b": 2}}).json
    assert {name: answer.json[name] for name in ("w", "b", "n", "options")} == {
        name: expected[name] for name in ("w", "b", "n", "options")
    }


@pytest.mark.parametrize(
    ("query", "pointer", "message"),
    [
        ("y=z", "/y", "'a', 'b', 'y'"),
        ("x=a,c", "/x", "'c' is missing"),
        ("x=a%0Db", "/x", "separated by commas"),
        ("weight=w", "/weight", "'w' is missing"),
        ("y=a&x=a", None, "twice"),
        ("x=a,a", None, "twice"),
        ("epochs=-1", "/epochs", "whole number"),
        ("epochs=many", "/epochs", "whole number"),
        ("learning_rate=fast", "/learning_rate", "auto"),
        ("standardize=yes", "/standardize", "true or false"),
        ("initial={", "/initial", "object"),
        ("missing=ignore", "/missing", "error, drop"),
        ("epoch=3", "/epoch", "'epochs'"),
    ],
)
def test_a_wrong_query_parameter_is_refused_by_name(client, query, pointer, message):
    answer = table_bodies.send(client, table_bodies.CSV, table_bodies.PLANE, "/train", f"?{query}")
    assert answer.status_code == 422
    assert message in answer.json["detail"]
    assert [fault["pointer"] for fault in answer.json.get("errors", [])] == ([pointer] if pointer else [])


@pytest.mark.parametrize(
    ("media_type", "columns"), [(table_bodies.ARROW, {"x": ["a"], "y": [1.0]}), (table_bodies.PARQUET, None)]
)
def test_columns_that_are_not_numeric_are_refused_by_name(client, media_type, columns):
    columns = columns or {"x": [True], "y": [1.0]}
    answer = client.post("/train", data=table_bodies.ALL[media_type](columns), content_type=media_type)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/x/x"
