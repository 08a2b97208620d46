"""A column that counts the rows is pointed out, in every format with column names."""

import json

import numpy as np
import pytest
import table_bodies

N = 25
NOISE = np.random.default_rng(3).normal(size=N).tolist()


def warned(report):
    return [warning["columns"] for warning in report["warnings"] if warning["type"] == "row-number"]


def columns(first=0, n=N):
    return {"id": [float(first + row) for row in range(n)], "volts": NOISE[:n], "y": NOISE[:n][::-1]}


@pytest.mark.parametrize("media_type", table_bodies.NAMED)
@pytest.mark.parametrize("first", [0, 1])
def test_a_column_that_counts_from_0_or_1_is_named(client, media_type, first):
    report = table_bodies.send(client, media_type, columns(first), "/models/rows/train").json
    assert warned(report) == [["id"]]
    [detail] = [warning["detail"] for warning in report["warnings"] if warning["type"] == "row-number"]
    assert detail.startswith("Columns count the rows, like a saved row index: id. Leave them out")
    report = table_bodies.send(client, media_type, columns(first), "/models/rows/train", "?dry_run=true").json
    assert warned(report) == [["id"]]


@pytest.mark.parametrize("media_type", table_bodies.NAMED)
def test_other_columns_are_not_named(client, media_type):
    shuffled = columns()
    shuffled["id"][3], shuffled["id"][4] = 4.0, 3.0
    for each in (columns(n=19), columns(first=2), shuffled):
        report = table_bodies.send(client, media_type, each, "/models/rows/train").json
        assert warned(report) == []


def test_columns_without_names_are_not_named(client):
    report = table_bodies.send(client, table_bodies.NPY, columns(), "/models/rows/train").json
    assert warned(report) == []


def test_rows_that_are_dropped_are_counted(client):
    rows = columns() | {"volts": [None, None, *NOISE[2:]]}
    for media_type in table_bodies.NAMED:
        answer = table_bodies.send(client, media_type, rows, "/models/rows/train", "?missing=drop")
        assert (answer.json["dropped"], warned(answer.json)) == (2, [["id"]])


def test_records_and_groups_are_compared_too(client):
    rows = columns()
    x = [{"id": row, "volts": volts, "group": "ab"[row > 1]} for row, volts in enumerate(NOISE)]
    body = {"x": [{name: each[name] for name in ("id", "volts")} for each in x], "y": rows["y"]}
    assert warned(client.post("/models/rows/train", json=body).json) == [["id"]]
    results = client.post("/models:train", json={"x": x, "y": rows["y"], "group": "group"}).json["results"]
    assert [warned(result) for result in results] == [[], [["id"]]]


def test_an_append_keeps_the_warning(client):
    table_bodies.send(client, table_bodies.CSV, columns(), "/models/continued/train")
    report = table_bodies.send(client, table_bodies.CSV, columns(25, 3), "/models/continued/train", "?append=true").json
    assert warned(report) == [["id"]]


def test_large_tables_are_compared_in_all_batches(client):
    n = 200_000
    for last, expected in ((n - 1, [["id"]]), (5, [])):
        lines = [json.dumps({"id": row, "y": row % 7}) for row in (*range(n - 1), last)]
        report = client.post("/models/rows/train", data="\n".join(lines), content_type=table_bodies.NDJSON).json
        assert warned(report) == expected
