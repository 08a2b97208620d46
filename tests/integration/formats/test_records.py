"""Records whose keys differ, in JSON and NDJSON."""

import json

import pandas as pd
import pytest
import table_bodies

MEDIA_TYPES = (table_bodies.JSON, table_bodies.NDJSON)
ROWS = [{"a": 1, "b": 2, "y": 3}, {"b": 1, "a": 3, "y": 5}, {"a": 4, "y": 4}, {"b": 7, "a": 2, "y": 9}]


def post(client, media_type, path, records, query=""):
    """Send records: in JSON, x has the columns besides y."""
    if media_type == table_bodies.NDJSON:
        body = "\n".join(map(json.dumps, records))
    else:
        x = [{name: value for name, value in record.items() if name != "y"} for record in records]
        body = json.dumps({"x": x} if "predict" in path else {"x": x, "y": [record["y"] for record in records]})
    return client.post(path + query, data=body, content_type=media_type)


def pointer(media_type, row, name):
    return f"/x/{row}/{name}" if media_type == table_bodies.JSON else f"/x/{name}/{row}"


@pytest.fixture(scope="module", autouse=True)
def model(client):
    assert post(client, table_bodies.NDJSON, "/models/ab/train", ROWS, "?missing=drop").status_code == 201


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize("x", ["", "&x=a,b"])
def test_an_absent_key_is_a_missing_value(client, media_type, x):
    for path in ("/train", "/models/ab/evaluate"):
        answer = post(client, media_type, path, ROWS, f"?missing=error{x}")
        assert [fault["pointer"] for fault in answer.json["errors"]] == [pointer(media_type, 2, "b")]
        assert "missing (null, NaN or empty)" in answer.json["detail"]
    answer = post(client, media_type, "/models/gaps/train", ROWS, f"?missing=drop{x}")
    assert (answer.json["n"], answer.json["dropped"], answer.json["columns"]) == (3, 1, ["a", "b"])
    answer = post(client, media_type, "/models/ab/predict", ROWS, f"?missing=drop{x}")
    assert (len(answer.json["y"]), answer.json["dropped"]) == (3, 1)


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize("n", [999, 1000, 30_000])
def test_a_key_first_seen_after_1000_records_is_an_error_unless_it_is_chosen(client, media_type, n):
    records = [{"a": i, "b": i * i, "y": i} for i in range(n)] + [
        {"a": 1, "late": 3, "y": 2},
        {"a": 2, "late": 4, "y": 3},
    ]
    answer = post(client, media_type, "/models/late/train", records, "?missing=drop&dry_run=true")
    if n < 1000:
        assert answer.status_code == 422
        assert "none is left to use" in answer.json["detail"]
    else:
        assert answer.json["errors"][0]["pointer"] == f"/x/{n}"
        line = "" if media_type == table_bodies.JSON else f"line {n + 1}: "
        detail = "has the column 'late', which the first 1,000 records do not have; name the columns with x="
        assert answer.json["errors"][0]["detail"] == line + detail
    chosen = post(client, media_type, "/models/late/train", records, "?missing=drop&x=a,late")
    assert (chosen.json["n"], chosen.json["dropped"], chosen.json["columns"]) == (2, n, ["a", "late"])
    predicted = post(client, media_type, "/models/late/predict", records, "?missing=drop&x=a,late")
    assert (len(predicted.json["y"]), predicted.json["dropped"]) == (2, n)
    ignored = post(client, media_type, "/models/first/train", records, "?x=a,b&missing=drop")
    assert (ignored.json["n"], ignored.json["dropped"]) == (n, 2)
    refused = post(client, media_type, "/train", records, "?x=a,never&missing=drop")
    assert refused.status_code == 422
    assert "'never'" in refused.json["detail"]
    assert "late" in post(client, media_type, "/train", records, "?x=a,late&missing=error").json["detail"]


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_a_column_of_the_model_that_no_row_has_is_named(client, media_type):
    for records in ([{"a": 1, "c": 2}], [{"a": 1}] * 3, [{"c": 1}]):
        answer = post(client, media_type, "/models/ab/predict", records)
        assert answer.status_code == 422
        assert {"pointer": "/x", "detail": "column 'b' is missing"} in answer.json["errors"]


EXTRAS = {"note": ["odd", None, True], "when": [[1], {}, "2024-05-01"], "a": [1, 2, 3], "b": [3, 1, 2], "y": [1, 2, 4]}
IGNORED = {"count": 3, "names": ["note", "when", "y"]}


def shapes():
    """Return a table with columns that are not numbers, in each shape of JSON and as NDJSON."""
    records = [dict(zip(EXTRAS, row, strict=True)) for row in zip(*EXTRAS.values(), strict=True)]
    yield table_bodies.JSON, json.dumps({"x": EXTRAS})
    yield table_bodies.JSON, json.dumps({"x": records})
    yield table_bodies.NDJSON, "\n".join(map(json.dumps, records))


@pytest.mark.parametrize(("media_type", "body"), list(shapes()))
def test_a_prediction_by_name_ignores_other_columns_unless_it_is_strict(client, media_type, body):
    expected = client.post("/models/ab/predict", json={"x": {"a": [1, 2, 3], "b": [3, 1, 2]}}).json["y"]
    answer = client.post("/models/ab/predict", data=body, content_type=media_type)
    assert (answer.json["y"], answer.json["ignored_columns"]) == (expected, IGNORED)
    assert answer.headers["Descent-Ignored-Columns"] == "3; note, when, y"
    answer = client.post("/models/ab/predict", data=body, content_type=media_type, headers={"Accept": "text/csv"})
    assert answer.headers["Descent-Ignored-Columns"] == "3; note, when, y"
    answer = client.post("/models/ab/predict?strict=true", data=body, content_type=media_type)
    assert [fault["pointer"] for fault in answer.json["errors"]] == ["/x/note", "/x/when", "/x/y"]
    if media_type == table_bodies.JSON:
        answer = client.post("/models/ab/predict", json=json.loads(body) | {"strict": True})
        assert answer.status_code == 422
        labelled = json.loads(body) | {"y": [1, 2, 4]}
        answer = client.post("/models/ab/evaluate", json=labelled)
        assert (answer.json["n"], answer.json["ignored_columns"]) == (3, IGNORED)
        assert client.post("/models/ab/evaluate?strict=true", json=labelled).status_code == 422


@pytest.mark.parametrize(("media_type", "body"), list(shapes()))
def test_x_in_the_query_chooses_the_columns_of_a_training(client, media_type, body):
    if media_type == table_bodies.JSON:
        body = json.dumps(json.loads(body) | {"y": EXTRAS["y"]})
    answer = client.post("/models/chosen/train?x=b,a", data=body, content_type=media_type)
    assert (answer.status_code, answer.json["columns"]) == (201, ["b", "a"]), answer.text
    refused = client.post("/train?x=b,z", data=body, content_type=media_type)
    assert "column 'z' is missing" in refused.json["detail"]
    assert client.post("/train", data=body, content_type=media_type).status_code == 422


def test_x_needs_names(client):
    answer = client.post("/train?x=a", json={"x": [[1], [2]], "y": [1, 2]})
    assert answer.json["errors"] == [
        {"pointer": "/x", "detail": "has no column names, so leave out x=, or send records or columns"}
    ]
    assert "/y: chooses columns of a table" in client.post("/train?y=a", json={"x": [1], "y": [2]}).json["detail"]


def test_a_model_without_names_refuses_a_wrong_width(client):
    client.post("/models/plain/train", json={"x": [[1, 2], [2, 1], [4, 4]], "y": [1, 2, 3]})
    answer = client.post("/models/plain/predict", json={"x": EXTRAS})
    assert (answer.status_code, "model has 2 columns" in answer.json["detail"]) == (422, True)


@pytest.mark.parametrize("key", ["dataframe_split", "dataframe_records", "instances", "inputs"])
def test_invocations_ignore_other_columns_and_name_missing_ones(client, key):
    frame = pd.DataFrame({"note": ["odd", "even"], "b": [3.0, 1.0], "a": [1.0, 2.0]})

    def call(frame):
        shapes = {
            "dataframe_split": frame.to_dict(orient="split"),
            "inputs": frame.to_dict(orient="list"),
        }
        body = {key: shapes.get(key, frame.to_dict(orient="records"))}
        return client.post("/invocations?model=ab", json=body)

    expected = client.post("/models/ab/predict", json={"x": {"a": [1, 2], "b": [3, 1]}}).json["y"]
    answer = call(frame)
    assert answer.json["predictions"] == expected
    assert answer.headers["Descent-Ignored-Columns"] == "1; note"
    assert "column 'b' is missing" in call(frame[["a", "note"]]).json["message"]
    if key in ("dataframe_records", "instances"):
        rows = client.post("/invocations?model=ab", json={key: [{"a": 1, "b": 2}, {"a": 1}]})
        assert f"/{key}/1/b" in rows.json["message"] or "/x/1/b" in rows.json["message"]


def test_groups_choose_and_ignore_columns(client):
    records = [{"s": "g", "a": i, "b": i * i, "note": "odd"} for i in range(4)]
    call = {"x": records, "y": [1, 3, 4, 9], "group": "s"}
    answer = client.post("/models:train?x=a,b", json=call)
    assert answer.json["results"][0]["w"].keys() == {"a", "b"}, answer.text
    answer = client.post("/models:predict", json={"x": records, "group": "s"})
    assert answer.json["results"][0]["ignored_columns"] == {"count": 1, "names": ["note"]}, answer.text
    answer = client.post("/models:predict?strict=true", json={"x": records, "group": "s"})
    assert "note" in answer.json["results"][0]["problem"]["detail"]
    records[2].pop("b")
    answer = client.post("/models:train?x=a,b&missing=drop", json=call | {"x": records})
    assert (answer.json["results"][0]["n"], answer.json["results"][0]["dropped"]) == (3, 1)
