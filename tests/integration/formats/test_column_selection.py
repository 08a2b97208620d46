"""Columns are selected and matched by name, in every media type."""

import json

import pandas as pd
import pyarrow as pa
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
    ("names", "message"), [(["a"], "'b' is missing"), (["a", "c"], "'b' is missing"), (["c"], "'a' is missing")]
)
def test_missing_columns_are_named(client, media_type, names, message):
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


@pytest.mark.parametrize("media_type", [each for each in table_bodies.NAMED if each != table_bodies.JSON])
def test_a_prediction_ignores_and_lists_columns_that_the_model_does_not_have(client, media_type):
    table_bodies.send(client, table_bodies.CSV, table_bodies.PLANE, "/models/extra/train")
    x = {name: table_bodies.PLANE[name] for name in ("a", "b")}
    expected = table_bodies.send(client, media_type, x, "/models/extra/predict").json
    assert "ignored_columns" not in expected
    columns = {"id": [1.0] * 5, "naïve, 2": [1.0] * 5, **table_bodies.PLANE}
    answer = table_bodies.send(client, media_type, columns, "/models/extra/predict")
    assert answer.json["y"] == expected["y"]
    assert answer.json["ignored_columns"] == {"count": 3, "names": ["id", "naïve, 2", "y"]}
    header = "3; id, na%C3%AFve%2C%202, y"
    assert answer.headers["Descent-Ignored-Columns"] == header
    answer = table_bodies.send(client, media_type, columns, "/models/extra/predict", Accept=table_bodies.CSV)
    assert answer.headers["Descent-Ignored-Columns"] == header
    answer = table_bodies.send(client, media_type, columns, "/invocations?model=extra")
    assert (answer.json, answer.headers["Descent-Ignored-Columns"]) == ({"predictions": expected["y"]}, header)
    answer = table_bodies.send(client, media_type, columns, "/models/extra/evaluate")
    assert answer.json["ignored_columns"] == {"count": 2, "names": ["id", "naïve, 2"]}
    assert answer.headers["Descent-Ignored-Columns"] == "2; id, na%C3%AFve%2C%202"


def test_many_and_long_names_of_ignored_columns_are_cut(client):
    table_bodies.send(client, table_bodies.CSV, table_bodies.PLANE, "/models/many/train")
    columns = {f"c{i}": [1.0] * 5 for i in range(30)} | table_bodies.PLANE
    answer = table_bodies.send(client, table_bodies.CSV, columns, "/models/many/evaluate")
    assert answer.json["ignored_columns"] == {"count": 30, "names": [f"c{i}" for i in range(20)]}
    assert answer.headers["Descent-Ignored-Columns"].endswith(", c19")
    columns = {"é" * 1000: [1.0] * 5, **table_bodies.PLANE}
    answer = table_bodies.send(client, table_bodies.CSV, columns, "/models/many/evaluate")
    assert answer.headers["Descent-Ignored-Columns"] == "1"


INDEXES = {
    "unnamed": (pd.RangeIndex(5), None),
    "named": (pd.RangeIndex(3, 8, name="row"), None),
    "labels": (pd.Index(list("vwxyz"), name="sensor"), ["sensor"]),
    "numbers": (pd.Index([7, 3, 9, 1, 2]), ["__index_level_0__"]),
    "times": (pd.date_range("2026-01-01", periods=5, name="at"), ["at"]),
    "levels": (pd.MultiIndex.from_product([["a"], [2, 0, 1, 4, 3]], names=["k", None]), ["k", "__index_level_1__"]),
    "a level that is a range": (pd.MultiIndex.from_product([["a"], range(5)], names=["k", None]), ["k"]),
}


@pytest.mark.parametrize("media_type", table_bodies.COLUMNAR)
@pytest.mark.parametrize(("index", "ignored"), INDEXES.values(), ids=INDEXES)
def test_the_index_of_pandas_is_not_a_feature(client, media_type, index, ignored):
    table = pa.Table.from_pandas(pd.DataFrame(table_bodies.PLANE, index=index))
    columns = {name: table[name] for name in table.column_names}
    body = table_bodies.ALL[media_type](columns, metadata=table.schema.metadata)
    headers = {"Content-Type": media_type}
    fit = client.post("/models/indexed/train", data=body, headers=headers)
    assert fit.json["columns"] == ["a", "b"]
    assert fit.json.get("ignored_columns") == (ignored and {"count": len(ignored), "names": ignored})
    assert fit.headers.get("Descent-Ignored-Columns") == (ignored and f"{len(ignored)}; {', '.join(ignored)}")
    for query in ("?append=true", "?dry_run=true"):
        answer = client.post(f"/models/indexed/train{query}", data=body, headers=headers)
        assert answer.json["columns"] == ["a", "b"]
        assert answer.json.get("ignored_columns") == fit.json.get("ignored_columns")
    answer = client.post("/models/indexed/evaluate", data=body, headers=headers)
    assert answer.json["mse"] == pytest.approx(fit.json["loss"])
    client.post("/models/unnamed/train", json={"x": [[1, 2, 5], [2, 1, 0], [3, 5, 1]], "y": [1, 2, 4]})
    assert client.post("/models/unnamed/predict", data=body, headers=headers).status_code == 200


@pytest.mark.parametrize("media_type", table_bodies.COLUMNAR)
def test_an_index_that_is_chosen_is_used(client, media_type):
    table = pa.Table.from_pandas(pd.DataFrame(table_bodies.PLANE, index=pd.Index([7, 3, 9, 1, 2], name="time")))
    columns = {name: table[name] for name in table.column_names}
    body = table_bodies.ALL[media_type](columns, metadata=table.schema.metadata)
    for query, names in {"x=a,time": ["a", "time"], "y=time": ["a", "b", "y"], "weight=time": ["a", "b"]}.items():
        answer = client.post(f"/models/chosen/train?{query}", data=body, content_type=media_type)
        assert answer.json["columns"] == names
        assert "ignored_columns" not in answer.json
    client.post("/models/chosen/train?x=a,time", data=body, content_type=media_type)
    answer = client.post("/models/chosen/predict", data=body, content_type=media_type)
    assert answer.json["ignored_columns"] == {"count": 2, "names": ["b", "y"]}


@pytest.mark.parametrize("media_type", table_bodies.NAMED)
def test_a_column_without_a_name_is_refused_with_its_position(client, media_type):
    columns = {"": [1.0, 2.0, 3.0], "volts": [2.0, 1.0, 5.0], "y": [1.0, 2.0, 4.0]}
    answer = table_bodies.send(client, media_type, columns)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/x"
    assert "column 1 has no name" in answer.json["detail"]
    if media_type != table_bodies.JSON:
        assert "choose columns with x=" in answer.json["detail"]
        assert table_bodies.send(client, media_type, columns, query="?x=volts").json["columns"] == ["volts"]


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
        ("x=a,a", "/x", "twice"),
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


@pytest.mark.parametrize("media_type", [name for name in table_bodies.TABLES if name != table_bodies.NPY])
def test_a_column_chosen_twice_is_an_error_in_a_prediction(client, media_type):
    client.post("/models/two/train", json={"x": [[1, 2], [3, 5], [5, 6]], "y": [1, 2, 3]})
    body = table_bodies.TABLES[media_type]({"a": [1.0, 2.0]})
    response = client.post("/models/two/predict?x=a,a", data=body, content_type=media_type)
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/x")
