"""Training and predicting with one model for each group of rows."""

import json

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fake_service import FakeService, ok

from descent import InvalidArgument
from descent.request_body import ARROW_STREAM, JSON

PROBLEM = {"type": "urn:descent:problem:model-not-found", "title": "None", "status": 404, "detail": "Train it first."}
RESULTS = [
    {"group": "a", "model": "s-a", "version": 1, "rows": [0, 3], "y": [1.0, 4.0], "lower": [0.0, 3.0]},
    {"group": "b", "model": "s-b", "rows": [1], "problem": PROBLEM},
    {"group": "7", "model": "s-7", "version": 2, "rows": [2], "y": [9.0], "lower": [8.0]},
]
LABELS = ["a", "b", 7, "a"]
FRAME = pd.DataFrame({"t": [1.0, 2.0, 3.0, 4.0], "sensor": ["a", "b", "7", "a"]}, index=list("pqrs"))


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("t,sensor,y\n1,a,2\n")
    return path


def test_a_training_by_group_sends_the_labels(csv):
    service = FakeService(ok({"results": []}))
    client = service.client()
    assert client.train([1, 2, 3, 4], [2, 3, 4, 5], group=LABELS, prefix="s-", l2=0.5) == {"results": []}
    assert service.last.url.path == "/models:train"
    expected = {"x": [1, 2, 3, 4], "y": [2, 3, 4, 5], "group": LABELS, "prefix": "s-", "l2": 0.5}
    assert json.loads(service.last.content) == expected
    client.train(np.ones((4, 2)), np.ones(4), group=np.array([1, 2, 1, 2]))
    assert json.loads(service.last.content)["group"] == [1, 2, 1, 2]
    client.train_file(csv, y="y", group="sensor", prefix="s-", missing="drop")
    assert service.last.url.path == "/models:train"
    assert dict(service.last.url.params) == {"y": "y", "group": "sensor", "prefix": "s-", "missing": "drop"}
    assert service.last.headers["Idempotency-Key"]


@pytest.mark.parametrize(
    "group", ["sensor", FRAME["sensor"], FRAME[["sensor"]], FRAME["sensor"].to_numpy(), pa.array(FRAME["sensor"])]
)
@pytest.mark.parametrize("table", [FRAME, pa.Table.from_pandas(FRAME, preserve_index=False)], ids=["frame", "table"])
def test_labels_are_a_column_of_a_table(table, group):
    service = FakeService(ok({"results": []}))
    x = table if isinstance(group, str) else table[["t"]] if table is FRAME else table.select(["t"])
    service.client().train(x, [1.0, 2.0, 3.0, 4.0], group=group)
    assert service.last.headers["Content-Type"] == ARROW_STREAM
    sent = pa.ipc.open_stream(service.last.content).read_all()
    query = service.last.url.params
    assert sent[query["group"]].to_pylist() == ["a", "b", "7", "a"]
    assert sent[query["y"]].to_pylist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("x", "group"),
    [
        (FRAME, "sensor"),
        (FRAME["t"], FRAME["sensor"]),
        (pa.Table.from_pandas(FRAME), "sensor"),
        (FRAME[["t"]].to_numpy(), LABELS),
        ([1, 2, 3, 4], LABELS),
    ],
    ids=["frame", "series", "table", "array", "list"],
)
def test_predictions_by_group_have_the_kind_and_the_order_of_x(x, group):
    service = FakeService(ok({"results": RESULTS}))
    found = service.client().prediction(x, group=group, prefix="s-", interval=0.9, explain=True)
    assert service.last.url.path == "/models:predict"
    assert service.last.headers["Accept"] == JSON
    expected, lower = [1.0, None, 9.0, 4.0], [0.0, None, 8.0, 3.0]
    if isinstance(x, pd.DataFrame | pd.Series):
        pd.testing.assert_series_equal(found.y, pd.Series(expected, index=x.index, name="y", dtype="float64"))
        assert found.lower.tolist()[2:] == lower[2:]
    elif isinstance(x, pa.Table):
        assert (found.y.to_pylist(), found.lower.to_pylist()) == (expected, lower)
    elif isinstance(x, np.ndarray):
        np.testing.assert_array_equal(found.y, np.array(expected, dtype=float))
    else:
        assert (found.y, found.lower) == (expected, lower)
    assert (found.upper, found.model, found.version, found.dropped) == (None, None, None, None)
    assert found.groups == RESULTS
    assert {label: problem.detail for label, problem in found.failed_groups.items()} == {"b": "Train it first."}
    assert found.failed_groups["b"].status == 404


def test_dropped_rows_are_left_out():
    dropped = [RESULTS[0] | {"rows": [3], "y": [4.0], "dropped": 1}, RESULTS[1], RESULTS[2] | {"dropped": 0}]
    service = FakeService(ok({"results": dropped}))
    found = service.client().prediction(FRAME, group="sensor", missing="drop")
    assert found.dropped == 1
    assert list(found.y.index) == ["q", "r", "s"]
    assert found.y["s"] == 4
    assert service.client().predict(FRAME, group="sensor", missing="drop").equals(found.y)


def test_a_table_of_predictions_by_group_names_the_groups_that_failed(csv):
    headers = {"Content-Type": "text/csv", "Descent-Failed-Groups": "21; b, na%C3%AFve, 1%2C5"}
    service = FakeService(lambda _: httpx.Response(200, content=b"y\n2\n", headers=headers))
    pieces = service.client().predict_file(csv, group="sensor", prefix="s-", accept="text/csv", interval=0.9)
    assert not service.requests
    assert pieces.failed_groups is None
    assert b"".join(pieces) == b"y\n2\n"
    assert service.last.url.path == "/models:predict"
    assert dict(service.last.url.params) == {"group": "sensor", "prefix": "s-", "interval": "0.9"}
    assert pieces.failed_groups == {"count": 21, "names": ["b", "naïve", "1,5"]}


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda client, csv: client.train([1], [1], group=["a"], model="m"), "^With group, each model is named by"),
        (lambda client, csv: client.predict([1], group=["a"], version=2), "^With group"),
        (lambda client, csv: client.train_file(csv, prefix="s-"), "^prefix names the models of groups. Give group too"),
        (lambda client, csv: client.predict_file(csv, prefix="s-"), "^prefix"),
        (lambda client, csv: client.train(FRAME, y="t", group="town"), "^x has no column 'town'"),
        (lambda client, csv: client.train(FRAME[["t"]], y="t", group=["a"]), "^group has 1 values, but x has 4 rows"),
    ],
)
def test_arguments_that_contradict_a_group_are_refused(csv, call, reason):
    service = FakeService(ok({"results": []}))
    with pytest.raises(InvalidArgument, match=reason):
        call(service.client(), csv)
    assert not service.requests
