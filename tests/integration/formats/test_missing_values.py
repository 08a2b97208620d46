"""Rows with missing values are refused or dropped, and rows keep their numbers."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import table_bodies

from service.formats.text import csv_cells

README = (Path(__file__).parents[3] / "README.md").read_text("utf-8")


@pytest.mark.parametrize("media_type", table_bodies.NAMED)
def test_rows_with_missing_values_are_named_or_dropped_and_counted(client, media_type):
    columns = {"a": [1.0, math.nan, 3.0, 4.0], "y": [1.0, 2.0, math.nan, 4.0]}
    refused = table_bodies.send(client, media_type, columns)
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.json["errors"]] == ["/x/a/1", "/y/2"]
    if media_type == table_bodies.JSON:
        body = json.loads(table_bodies.as_json(columns)) | {"missing": "drop"}
        fit = client.post("/models/gaps/train", json=body)
        predicted = client.post("/models/gaps/predict", json={"x": body["x"], "missing": "drop"})
    else:
        fit = table_bodies.send(client, media_type, columns, "/models/gaps/train", "?missing=drop")
        predicted = table_bodies.send(client, media_type, {"a": columns["a"]}, "/models/gaps/predict", "?missing=drop")
    assert (fit.json["n"], fit.json["dropped"]) == (2, 2)
    assert (len(predicted.json["y"]), predicted.json["dropped"]) == (3, 1)


@pytest.fixture(scope="module")
def steep(client):
    """A model whose predictions overflow for large numbers."""
    assert client.post("/models/steep/train", json={"x": [0, 1e-20], "y": [0, 1e150]}).status_code == 201


@pytest.fixture(scope="module", params=table_bodies.TABLES)
def long_table(request):
    """A table of several batches in each media type: two rows have no value and one has a large number."""
    columns = {"x": np.zeros(300_000), "y": np.zeros(300_000)}
    columns["x"][[3, 200_000]] = math.nan
    columns["x"][299_998] = 1e150
    arrow, parquet = {"rows_per_batch": 70_000}, {"row_group_size": 70_000}
    batches = {table_bodies.ARROW: arrow, table_bodies.ARROW_FILE: arrow, table_bodies.PARQUET: parquet}
    options = batches.get(request.param, {})

    def body(*names):
        return table_bodies.TABLES[request.param]({name: columns[name].tolist() for name in names}, **options)

    return request.param, body, 299_998


def test_a_row_keeps_its_number_if_rows_before_it_are_dropped(client, steep, long_table):
    media_type, body, row = long_table
    held = {"Accept-Encoding": "gzip"}  # the compressed output of equal numbers is buffered until the error
    for call, names in (("predict", "x"), ("evaluate", "xy")):
        path = f"/models/steep/{call}?missing=drop"
        answer = client.post(path, data=body(*names), content_type=media_type, headers=held)
        assert answer.status_code == 422
        assert answer.json["errors"][0]["pointer"] == f"/x/{row}"


@pytest.mark.parametrize("zeros", [0, 20_000])
@pytest.mark.parametrize(
    "rows", [[[None], [None], [1e150]], [None, None, 1e150], [{"x": None}, {"x": 0}, {"x": 1e150}]]
)
def test_a_row_in_json_keeps_its_number_if_rows_before_it_are_dropped(client, steep, rows, zeros):
    x = [rows[0]] * zeros + rows
    answer = client.post("/models/steep/predict", json={"x": x, "missing": "drop"})
    assert answer.json["errors"][0]["pointer"] == f"/x/{zeros + 2}"
    answer = client.post("/models/steep/evaluate", json={"x": x, "y": [0] * len(x), "missing": "drop"})
    assert answer.json["errors"][0]["pointer"] == f"/x/{zeros + 2}"


def test_a_row_of_a_group_keeps_its_number(client, steep):
    body = {"x": [0, 0, 0, 1e150], "group": ["other", "steep", "other", "steep"]}
    _, failed = client.post("/models:predict", json=body).json["results"]
    assert failed["problem"]["errors"][0]["pointer"] == "/x/3"


@pytest.mark.parametrize("media_type", table_bodies.NAMED)
def test_dropping_every_row_is_refused(client, media_type):
    columns = {"a": [math.nan, math.nan], "y": [1.0, 2.0]}
    if media_type == table_bodies.JSON:
        answer = client.post("/train", json=json.loads(table_bodies.as_json(columns)) | {"missing": "drop"})
    else:
        answer = table_bodies.send(client, media_type, columns, "/train", "?missing=drop")
    assert answer.status_code == 422
    assert "none is left" in answer.json["detail"]


def test_the_words_for_missing_values_are_documented():
    [listed] = re.findall(r"words that\s+pandas reads as missing: (.*?)\.\n", README, re.DOTALL)
    assert {"", *re.findall("`(.*?)`", listed)} == set(csv_cells.MISSING)
