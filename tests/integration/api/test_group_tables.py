"""Training and prediction by group from every table format with column names."""

import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import table_bodies
from pyarrow import ipc, parquet

from service.app import create_app

SENSOR = ["b", "a", "7", "a", "b", "a", "7", "b", "é/x", "b"]
FRAME = pd.DataFrame({
    "t": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 2.5], "sensor": SENSOR,
    "note": ["x", "NA", "", "y", "1", "2", "3", "4", "5", "6"],
    "u": [1.0, 0.0, 2.0, 2.0, 7.0, 1.0, 0.0, 3.0, 1.0, 1.5],
    "y": [3.0, 2.0, 9.0, 7.5, 4.0, 8.0, 1.0, 2.0, 5.0, 6.0], "w": [1.0, 2.0, 1.0, 0.5, 1.0, 1.0, 1.0, 3.0, 1.0, 1.0],
})  # fmt: skip


def as_arrow(frame):
    sink = io.BytesIO()
    table = pa.Table.from_pandas(frame)
    with ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table, 3)
    return sink.getvalue()


def as_parquet(frame):
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pandas(frame), sink, row_group_size=4)
    return sink.getvalue()


WRITERS = {
    table_bodies.CSV: lambda frame: frame.to_csv(index=False).encode(),
    table_bodies.NDJSON: lambda frame: frame.to_json(orient="records", lines=True).encode(),
    table_bodies.ARROW: as_arrow,
    table_bodies.PARQUET: as_parquet,
}
FORMATS = pytest.mark.parametrize("media_type", WRITERS)


def send(client, path, frame, media_type=table_bodies.CSV, status=200, headers=None, **query):
    data = WRITERS[media_type](frame)
    response = client.post(path, data=data, content_type=media_type, query_string=query, headers=headers)
    assert response.status_code == status, response.text
    return response


def train(client, frame=FRAME, media_type=table_bodies.CSV, **query):
    return send(client, "/models:train", frame, media_type, group="sensor", prefix="s-", x="t,u", **query)


def predict(client, frame=FRAME, media_type=table_bodies.CSV, headers=None, **query):
    return send(client, "/models:predict", frame, media_type, headers=headers, group="sensor", prefix="s-", **query)


@FORMATS
def test_each_group_is_fitted_by_weighted_least_squares(client, media_type):
    response = train(client, media_type=media_type, weight="w")
    results = {result["group"]: result for result in response.json["results"]}
    assert list(results) == ["b", "a", "7", "é/x"]
    for label in ("a", "b"):
        rows = FRAME[FRAME.sensor == label]
        root = np.sqrt(rows.w.to_numpy())
        design = np.column_stack([np.ones(len(rows)), rows.t, rows.u]) * root[:, None]
        b, t, u = np.linalg.lstsq(design, rows.y * root, rcond=None)[0]
        assert results[label]["w"] == {"t": pytest.approx(t), "u": pytest.approx(u)}
        assert results[label]["b"] == pytest.approx(b)
        assert (results[label]["model"], results[label]["version"]) == (f"s-{label}", 1)
    assert results["é/x"]["problem"]["status"] == 422
    assert response.headers["Descent-Failed-Groups"] == "1; %C3%A9%2Fx"
    assert [each["model"] for each in client.get("/models").json["models"]] == ["s-7", "s-a", "s-b"]


@FORMATS
def test_all_formats_and_json_give_the_same_results(client, media_type):
    trained = train(client, media_type=media_type).json["results"]
    columns = {name: FRAME[name].tolist() for name in ("t", "u", "sensor")}
    body = {"x": columns, "y": FRAME.y.tolist(), "group": "sensor", "prefix": "j-"}
    in_json = client.post("/models:train", json=body).json["results"]
    assert [(each["group"], each.get("w"), each.get("b")) for each in trained] == [
        (each["group"], each.get("w"), each.get("b")) for each in in_json
    ]
    predicted = predict(client, media_type=media_type, interval="0.9", explain="true").json["results"]
    body = {"x": columns, "group": "sensor", "prefix": "s-", "interval": 0.9, "explain": True}
    expected = client.post("/models:predict", json=body).json["results"]
    for found, other in zip(predicted, expected, strict=True):
        found.pop("ignored_columns", None)
        assert found == other


@FORMATS
def test_every_result_is_that_of_the_model_alone(client, media_type):
    send(client, "/models:train", FRAME, media_type, group="sensor", prefix="s-", x="t")
    options = {"interval": "0.9", "interval_kind": "confidence", "explain": "true"}
    for result in predict(client, media_type=media_type, **options).json["results"]:
        rows = FRAME[FRAME.sensor == result["group"]]
        assert result["rows"] == rows.index.tolist()
        if result["group"] == "é/x":
            assert result["problem"]["status"] == 422  # not a model name
            continue
        alone = client.post(
            f"/models/{result['model']}/predict", data=WRITERS[media_type](rows), content_type=media_type,
            query_string=options,
        )  # fmt: skip
        if result["group"] == "7":  # two rows leave no degree of freedom for an interval
            assert result["problem"]["detail"] == alone.json["detail"]
            continue
        members = ("y", "lower", "upper", "contributions", "mean_prediction", "version", "model")
        assert {name: result[name] for name in members} == {name: alone.json[name] for name in members}


@pytest.mark.parametrize("accept", [table_bodies.CSV, table_bodies.NDJSON, table_bodies.ARROW, table_bodies.PARQUET])
@FORMATS
def test_a_table_has_the_order_of_the_rows_and_nulls_for_groups_that_failed(client, media_type, accept):
    train(client, media_type=media_type)
    response = predict(client, media_type=media_type, headers={"Accept": accept}, explain="true")
    assert response.content_type.split(";")[0] == accept
    found = pd.DataFrame(table_bodies.read(accept, response.data)).astype(float)
    results = predict(client).json["results"]
    expected = np.full(len(FRAME), np.nan)
    for result in results:
        if "problem" not in result:
            expected[result["rows"]] = result["y"]
    assert list(found.columns) == ["y", "contributions.t", "contributions.u"]
    np.testing.assert_array_equal(found.y, expected)
    assert found.y.isna().tolist() == found["contributions.u"].isna().tolist() == [each == "é/x" for each in SENSOR]
    assert response.headers["Descent-Failed-Groups"] == "1; %C3%A9%2Fx"
    assert "nan" not in response.text.lower() if accept in (table_bodies.CSV, table_bodies.NDJSON) else True


def test_a_table_of_numbers_has_nan_for_groups_that_failed(client):
    train(client)
    response = predict(client, headers={"Accept": table_bodies.NPY})
    found = np.load(io.BytesIO(response.data))
    assert np.isnan(found).tolist() == [each == "é/x" for each in SENSOR]


def test_at_most_twenty_failed_groups_are_named(client):
    frame = pd.DataFrame({"sensor": [f"none-{i}" for i in range(25)], "t": 1.0})
    response = predict(client, frame, headers={"Accept": "text/csv"})
    count, names = response.headers["Descent-Failed-Groups"].split("; ")
    assert (count, names.split(", ")) == ("25", [f"none-{i}" for i in range(20)])
    assert len(pd.read_csv(io.BytesIO(response.data))) == 25


@FORMATS
def test_rows_with_missing_values_are_dropped_within_their_group(client, media_type):
    frame = FRAME.assign(t=FRAME.t.where(FRAME.index != 1))
    refused = train(client, frame, media_type).json["results"]
    assert [each["group"] for each in refused if "problem" in each] == ["a", "é/x"]
    assert refused[1]["problem"]["errors"] == [{"pointer": "/x/t/1", "detail": "is missing (null, NaN or empty)"}]
    results = {each["group"]: each for each in train(client, frame, media_type, missing="drop").json["results"]}
    assert (results["a"]["n"], results["a"]["dropped"], results["b"]["dropped"]) == (2, 1, 0)
    predicted = {each["group"]: each for each in predict(client, frame, media_type, missing="drop").json["results"]}
    assert (predicted["a"]["rows"], predicted["a"]["dropped"]) == ([3, 5], 1)
    response = predict(client, frame, media_type, missing="drop", headers={"Accept": "text/csv"})
    assert len(pd.read_csv(io.BytesIO(response.data))) == 9


@FORMATS
def test_a_missing_label_is_an_error_unless_its_row_is_dropped(client, media_type):
    frame = FRAME.assign(sensor=FRAME.sensor.where(FRAME.index != 3))
    refused = send(client, "/models:train", frame, media_type, 422, group="sensor", prefix="s-", x="t,u").json
    assert refused["errors"][0]["pointer"] == "/group/3"
    dropped = train(client, frame, media_type, missing="drop").json
    assert dropped["dropped"] == 1
    assert [each["n"] for each in dropped["results"] if "n" in each] == [4, 2, 2]


@pytest.mark.parametrize("kind", ["category", "int", "int with missing"])
@pytest.mark.parametrize("media_type", [table_bodies.ARROW, table_bodies.PARQUET])
def test_labels_may_be_categories_and_whole_numbers(client, media_type, kind):
    numbers = pd.Series([2, 1, 2, 1], dtype="int64")
    labels = {"category": numbers.astype("str").astype("category"), "int": numbers, "int with missing": numbers * 1.0}
    frame = pd.DataFrame({"t": [1.0, 1.0, 2.0, 2.0], "id": labels[kind], "y": [1.0, 2.0, 3.0, 4.0]})
    response = send(client, "/models:train", frame, media_type, group="id", prefix="n-")
    assert [each["model"] for each in response.json["results"]] == ["n-2", "n-1"]


@FORMATS
def test_only_the_columns_of_the_models_are_read(client, media_type):
    train(client, media_type=media_type)
    send(client, "/models/s-b/train", FRAME[["t", "y"]], media_type, 201)
    response = predict(client, media_type=media_type)
    by_group = {each["group"]: each for each in response.json["results"]}
    assert by_group["a"]["ignored_columns"]["names"] == ["note", "y", "w"]
    assert by_group["b"]["ignored_columns"]["names"] == ["note", "u", "y", "w"]
    assert response.headers["Descent-Ignored-Columns"] == "3; note, y, w"
    chosen = predict(client, media_type=media_type, x="t,u").json["results"]
    assert chosen[1]["y"] == by_group["a"]["y"]


@FORMATS
def test_a_column_of_text_is_refused_if_it_is_trained_on(client, media_type):
    frame = FRAME[["t", "sensor", "note", "y"]]
    refused = send(client, "/models:train", frame, media_type, 422, group="sensor")
    assert "note" in refused.json["errors"][0]["pointer"]
    assert client.get("/models").json["models"] == []


def test_the_index_of_pandas_is_left_out(client):
    frame = FRAME[["t", "sensor", "y"]].set_index(pd.Index(range(3, 13), name="row") ** 2)
    response = send(client, "/models:train", frame, table_bodies.PARQUET, group="sensor", prefix="s-")
    assert response.json["results"][1]["w"].keys() == {"t"}
    assert response.json["results"][1]["ignored_columns"] == {"count": 1, "names": ["row"]}
    assert response.headers["Descent-Ignored-Columns"] == "1; row"


def test_options_of_training_apply_to_each_group(client):
    results = train(client, l2="0.5", fit_intercept="false", epochs="3", dry_run="true").json["results"]
    assert [each["version"] for each in results[:3]] == [None, None, None]
    assert [(each["epochs"], each["b"]) for each in results[:3]] == [(3, 0.0)] * 3
    assert client.get("/models").json["models"] == []


def test_a_repeated_key_trains_each_group_of_a_table_once(client):
    key = {"Idempotency-Key": "k"}
    query = {"group": "sensor", "prefix": "s-", "x": "t,u"}
    first = send(client, "/models:train", FRAME, headers=key, **query).json["results"]
    again = send(client, "/models:train", FRAME, headers=key, **query).json["results"]
    assert [(each["version"], each["replayed"]) for each in again[:3]] == [(1, True)] * 3
    assert [each["w"] for each in again[:3]] == [each["w"] for each in first[:3]]


@pytest.mark.parametrize(
    ("path", "query", "pointer"),
    [
        ("/models:train", {}, "/group"),
        ("/models:train", {"group": "town"}, "/group"),
        ("/models:predict", {"group": "town"}, "/group"),
        ("/models:train", {"group": "sensor", "y": "z"}, "/y"),
        ("/models:train", {"group": "sensor", "x": "t,sensor"}, "/x"),
        ("/models:predict", {"group": "sensor", "x": "t,z"}, "/x"),
        ("/models:predict", {"group": "sensor", "interval": "2"}, "/interval"),
        ("/models:predict", {"group": "sensor", "model": "m"}, "/model"),
    ],
)
@FORMATS
def test_invalid_options_are_refused_before_any_group(client, media_type, path, query, pointer):
    frame = FRAME.assign(u=FRAME.u + 0.5)
    refused = send(client, path, frame, media_type, 422, **query)
    assert [error["pointer"] for error in refused.json["errors"]] == [pointer]
    assert client.get("/models").json["models"] == []


@pytest.mark.parametrize("media_type", [table_bodies.NDJSON, table_bodies.ARROW, table_bodies.PARQUET])
def test_labels_that_are_not_whole_numbers_are_refused(client, media_type):
    refused = send(client, "/models:train", FRAME.assign(u=0.5), media_type, 422, group="u", x="t")
    assert refused.json["errors"][0]["pointer"] in ("/group", "/group/0")
    assert "is 0.5; a label is a text or a whole number" in refused.json["detail"]


def test_a_format_without_names_has_no_column_of_labels(client):
    data = table_bodies.as_npy({"a": [1.0], "b": [2.0]})
    refused = client.post("/models:train?group=a", data=data, content_type=table_bodies.NPY)
    assert refused.status_code == 422
    assert "no column names; send another" in refused.json["detail"]


@FORMATS
def test_groups_and_rows_are_bounded(settings, media_type):
    client = create_app(replace(settings, max_groups=3)).test_client()
    refused = send(client, "/models:train", FRAME, media_type, 422, group="sensor", x="t,u")
    assert "more than 3 labels (DESCENT_MAX_GROUPS)" in refused.json["detail"]
    frame = pd.DataFrame({"s": ["a"] * 8000, "y": 1.0} | {f"x{i}": 0.0 for i in range(9)})
    size = len(WRITERS[media_type](frame))
    client = create_app(replace(settings, max_body_bytes=max(size, 8 * 8000 * 5))).test_client()
    if size < 8 * 8000 * 11:
        assert (
            "DESCENT_MAX_BODY_BYTES" in send(client, "/models:train", frame, media_type, 413, group="s").json["detail"]
        )
    client = create_app(replace(settings, max_body_bytes=size - 1)).test_client()
    send(client, "/models:train", frame, media_type, 413, group="s")


def test_json_groups_are_bounded(settings):
    client = create_app(replace(settings, max_groups=2)).test_client()
    body = {"x": [1, 2, 3], "y": [1, 2, 3], "group": ["a", "b", "c"]}
    refused = client.post("/models:train", json=body)
    assert refused.json["errors"][0]["pointer"] == "/group"
    assert client.get("/models").json["models"] == []


def test_options_may_be_in_the_query_beside_json(client):
    body = {"x": {"sensor": ["a", "a", "b"], "t": [1, 2, None]}, "y": [1, 2, 3]}
    response = client.post("/models:train?group=sensor&prefix=q-&missing=drop", json=body)
    a, b = response.json["results"]
    assert (a["model"], a["n"], a["dropped"], b["problem"]["status"]) == ("q-a", 2, 0, 422)
    assert response.json["dropped"] == 0


def test_labels_beyond_the_integers_of_float64_stay_apart(client):
    labels = [2**60 + i % 2 for i in range(3000)]
    body = {"x": {"id": labels, "t": list(range(3000))}, "y": list(range(3000)), "group": "id"}
    results = client.post("/models:train", data=json.dumps(body), content_type="application/json").json["results"]
    assert [each["group"] for each in results] == [str(2**60), str(2**60 + 1)]


@FORMATS
def test_strict_refuses_columns_that_a_model_does_not_have(client, media_type):
    train(client, media_type=media_type)
    frame = FRAME[["t", "u", "sensor"]]
    assert "problem" not in predict(client, frame, media_type, strict="true").json["results"][0]
    refused = predict(client, frame.assign(extra="text"), media_type, strict="true")
    assert [each["problem"]["status"] for each in refused.json["results"]] == [422] * 4
    assert "extra" in refused.json["results"][0]["problem"]["detail"]
    assert refused.headers["Descent-Failed-Groups"].startswith("4; b, a, 7, ")


@pytest.mark.parametrize("records", [False, True])
def test_json_with_columns_of_text_is_predicted_by_group(client, records):
    train(client)
    frame = FRAME.drop(columns="w")
    x = frame.to_dict(orient="records" if records else "list")
    response = client.post("/models:predict", json={"x": x, "group": "sensor", "prefix": "s-"})
    expected = predict(client, frame).json["results"]
    assert response.json["results"] == expected
    assert response.headers["Descent-Ignored-Columns"] == "2; note, y"


def test_records_may_leave_out_keys(client):
    records = [{"s": "a", "t": 1}, {"s": "a", "t": 2, "u": 3}, {"t": 4, "u": 1}, {"s": "a", "t": 3, "u": 5}]
    y = [1, 2, 3, 4]
    body = {"x": records, "y": y, "group": "s", "missing": "drop"}
    in_json = client.post("/models:train", json=body).json
    assert (in_json["results"][0]["n"], in_json["results"][0]["dropped"], in_json["dropped"]) == (2, 1, 1)
    lines = "\n".join(json.dumps(record | {"y": value}) for record, value in zip(records, y, strict=True))
    query = {"group": "s", "missing": "drop"}
    sent = client.post("/models:train", data=lines, content_type=table_bodies.NDJSON, query_string=query).json
    assert sent == in_json | {"results": [in_json["results"][0] | {"version": 2}]}


def test_separators_of_csv_apply_to_groups(client):
    text = "sensor;t;y\na;1,5;2.000\na;2,5;3.000\n"
    query = {"group": "sensor", "delimiter": ";", "decimal": ",", "thousands": "."}
    response = client.post("/models:train", data=text, content_type=table_bodies.CSV, query_string=query)
    assert response.json["results"][0]["w"] == {"t": pytest.approx(1000)}


@pytest.mark.parametrize(("header", "query"), [("group,group,x,y", "group=group"), (",b,x,y", "group=")])
def test_a_label_column_without_a_name_of_its_own_is_an_error(client, header, query):
    body = f"{header}\na,p,1,1\na,q,2,2\n"
    response = client.post(f"/models:train?{query}", data=body, content_type="text/csv")
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/group")
