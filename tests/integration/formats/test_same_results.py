"""Every media type gives the same model for the same numbers, and the same problem for the same error."""

import csv
import io
import json
import math
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import table_bodies
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import ipc, parquet

from service.artifact import torchscript

EXAMPLES = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NUMBERS = st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-6)


def problem_of(answer):
    return {name: answer.json.get(name) for name in ("type", "status", "errors")}


@st.composite
def tables(draw):
    n, d = draw(st.integers(2, 9)), draw(st.integers(1, 3))
    columns = st.lists(NUMBERS, min_size=n, max_size=n)
    return {name: draw(columns) for name in [*"abc"[:d], "y"]}


@EXAMPLES
@given(tables())
def test_every_format_gives_the_same_model_to_the_bit(client, columns):
    models = []
    for media_type in table_bodies.ALL:
        answer = table_bodies.send(client, media_type, columns)
        assert answer.status_code == 201, answer.text
        contents = torchscript.load_artifact(client.get(answer.json["artifact"]["href"]).data).contents
        w = answer.json["w"]
        w = list(w.values()) if isinstance(w, dict) else w
        statistics = contents.statistics
        models.append((w, answer.json["b"], statistics.triangle.tobytes(), statistics.origin.tobytes(), statistics.n))
    assert all(model == models[0] for model in models)


@EXAMPLES
@given(tables(), st.data())
def test_every_format_gives_the_same_problem_for_the_same_fault(client, columns, data):
    name = data.draw(st.sampled_from(list(columns)))
    row = data.draw(st.integers(0, len(columns["y"]) - 1))
    columns[name][row] = data.draw(st.sampled_from([math.nan, 1e200, -1e151]))
    problems = [problem_of(table_bodies.send(client, media_type, columns)) for media_type in table_bodies.NAMED]
    assert problems[0]["status"] == 422
    assert problems[0]["errors"][0]["pointer"] == (f"/y/{row}" if name == "y" else f"/x/{name}/{row}")
    assert all(problem == problems[0] for problem in problems)
    unnamed = problem_of(table_bodies.send(client, table_bodies.NPY, columns))
    assert (unnamed["status"], unnamed["type"]) == (422, problems[0]["type"])


@pytest.mark.parametrize("media_type", table_bodies.TABLES)
@pytest.mark.parametrize("accept", table_bodies.ALL)
def test_predictions_in_any_format_for_a_body_in_any_other(client, media_type, accept):
    table_bodies.send(client, media_type, table_bodies.PLANE, "/models/plane/train")
    x = {name: table_bodies.PLANE[name] for name in ("a", "b")}
    expected = client.post("/models/plane/predict", data=table_bodies.as_json(x), content_type=table_bodies.JSON).json[
        "y"
    ]
    answer = table_bodies.send(client, media_type, x, "/models/plane/predict", Accept=accept)
    assert (answer.status_code, answer.content_type) == (200, accept), answer.text
    assert table_bodies.read(accept, answer.data) == {"y": expected}
    from_json = table_bodies.send(client, table_bodies.JSON, x, "/models/plane/predict", Accept=accept)
    assert table_bodies.read(accept, from_json.data) == {"y": expected}


def test_a_single_prediction_can_be_a_table(client):
    client.post("/models/line/train", json={"x": [1, 2], "y": [2, 4]})
    answer = client.post("/models/line/predict", json={"x": 3}, headers={"Accept": table_bodies.CSV})
    assert answer.text.splitlines()[0] == '"y"'


def test_autograd_trains_on_batches(client):
    fits = []
    for query in ("?method=autograd", ""):
        answer = table_bodies.send(
            client, table_bodies.ARROW, table_bodies.PLANE, "/models/loop/train", f"{query or '?'}&weight=b&x=a"
        )
        fits.append(answer.json)
    assert fits[0]["w"]["a"] == pytest.approx(fits[1]["w"]["a"], rel=1e-6)


def test_files_of_pandas_are_read_and_responses_are_read_by_pandas(client):
    frame = pd.DataFrame({"area": [50.0, 80, 120], "rooms": [2, 3, 4], "price": [1.0, 2, 3.5]})
    parquet = io.BytesIO()
    frame.to_parquet(parquet)
    fits = [
        client.post("/models/pandas/train?y=price", data=data, content_type=media_type).json
        for data, media_type in (
            (frame.to_csv(index=False), table_bodies.CSV),
            (parquet.getvalue(), table_bodies.PARQUET),
        )
    ]
    assert fits[0]["w"] == fits[1]["w"]
    assert set(fits[0]["w"]) == {"area", "rooms"}
    x = frame[["rooms", "area"]].to_csv(index=False)
    answers = [
        client.post("/models/pandas/predict", data=x, content_type=table_bodies.CSV, headers={"Accept": accept}).data
        for accept in (table_bodies.CSV, table_bodies.PARQUET)
    ]
    assert table_bodies.read(table_bodies.CSV, answers[0]) == table_bodies.read(table_bodies.PARQUET, answers[1])


def test_arrow_and_parquet_accept_any_numeric_type_and_compressed_buffers(client):
    columns = {
        "a": np.array([1, 2, 3, 4], np.int8),
        "b": np.array([1, 0, 2**60, 3], np.int64),
        "c": np.array([0.1, 0.2, 0.3, 7], np.float32),
        "y": np.arange(4.0),
    }
    expected = table_bodies.send(
        client, table_bodies.JSON, {name: [float(v) for v in values] for name, values in columns.items()}
    )
    for codec in ("lz4", "zstd", None):
        body = table_bodies.as_arrow(columns, compression=codec)
        answer = client.post("/train", data=body, content_type=table_bodies.ARROW)
        assert answer.json["w"] == expected.json["w"]
    answer = client.post("/train", data=table_bodies.as_parquet(columns), content_type=table_bodies.PARQUET)
    assert answer.json["w"] == expected.json["w"]


ODD = [["a", "b"], "2024-05-01", {"k": 1}, "n/a", "178,000"]
"""Values of a column that no model needs."""


def bodies(columns):
    """Yield x and y as (media type, body, whether the pointers are those of records) in each shape that has names."""
    odd = [ODD[row % len(ODD)] for row in range(len(columns["y"]))]
    texts = {"odd": list(map(str, odd))} | columns
    arrow = {name: None if name == "odd" else table_types(values) for name, values in texts.items()}
    table = pa.table({name: pa.array(values, arrow[name]) for name, values in texts.items()})
    for media_type, write in ((table_bodies.ARROW, write_stream), (table_bodies.PARQUET, write_parquet)):
        yield media_type, write(table), False
    frame = io.StringIO()
    csv.writer(frame).writerows([texts, *zip(*texts.values(), strict=True)])
    yield table_bodies.CSV, frame.getvalue().encode(), False
    plain = {"odd": odd} | {name: list(map(to_json, values)) for name, values in columns.items()}
    records = [dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)]
    records = [{name: value for name, value in record.items() if value is not None} for record in records]
    yield table_bodies.NDJSON, "".join(json.dumps(record) + "\n" for record in records).encode(), False
    yield table_bodies.JSON, json.dumps({"x": plain, "y": plain["y"]}).encode(), False
    yield table_bodies.JSON, json.dumps({"x": records, "y": plain["y"]}).encode(), True


def table_types(values):
    kinds = set(map(type, values)) - {type(None)}
    return pa.bool_() if kinds == {bool} else pa.decimal128(12, 2) if kinds == {Decimal} else pa.float64()


def to_json(value):
    return float(value) if isinstance(value, Decimal) else value


def write_stream(table):
    sink = io.BytesIO()
    with ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def write_parquet(table):
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


@st.composite
def odd_tables(draw):
    """Columns of numbers, booleans and decimals, some of whose values are missing."""
    n = draw(st.integers(3, 8))
    decimals = st.integers(-4000, 4000).map(lambda quarters: Decimal(quarters) / 4)  # exact in float64
    kinds = {"number": st.integers(-1000, 1000).map(float), "flag": st.booleans(), "price": decimals}
    columns = {name: draw(st.lists(values, min_size=n, max_size=n)) for name, values in kinds.items()}
    for name in draw(st.lists(st.sampled_from(list(kinds)), max_size=2)):
        columns[name][draw(st.integers(1, n - 1))] = None
    return columns | {"y": draw(st.lists(st.integers(-9, 9).map(float), min_size=n, max_size=n))}


@EXAMPLES
@given(odd_tables(), st.sampled_from(["error", "drop"]))
def test_every_format_gives_the_same_verdict_for_odd_columns_and_missing_keys(client, columns, missing):
    answers = []
    for media_type, body, of_records in bodies(columns):
        path = f"/train?x=number,flag,price&dry_run=true&missing={missing}"
        answer = client.post(path, data=body, content_type=media_type)
        faults = [fault["pointer"] for fault in answer.json.get("errors", [])]
        if of_records:
            faults = [re.sub(r"^/x/(\d+)/(\w+)$", r"/x/\2/\1", pointer) for pointer in faults]
        answers.append(
            (answer.status_code, faults, answer.json.get("w"), answer.json.get("n"), answer.json.get("type"))
        )
    assert set(map(repr, answers)) == {repr(answers[0])}
    if missing == "error":
        assert answers[0][0] == (422 if any(None in values for values in columns.values()) else 200)
