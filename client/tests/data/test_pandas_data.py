import json
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fake_service import FakeService, ok, problem

from descent import InvalidArgument, Problem, UnexpectedResponse
from descent.data import to_data
from descent.request_body import ARROW_STREAM

FRAME = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 7.0]}, index=[7, 8, 9])


def test_bounds_are_of_the_kind_of_x():
    service = FakeService(ok({"y": [1.0, 2.0, 4.0], "lower": [0.0, 1.0, 3.0], "upper": [2.0, 3.0, 5.0]}))
    found = service.client().prediction(FRAME, interval=0.5)
    assert service.last.headers["Accept"] == "application/json"
    assert service.last.url.params["interval"] == "0.5"
    assert list(found.upper.index) == [7, 8, 9]


def test_predictions_leave_out_the_rows_that_were_dropped():
    frame = pd.DataFrame({"a": [1, np.nan, 3, 4], "b": pd.array([1, 2, None, 4], dtype="Int64")}, index=list("pqrs"))
    service = FakeService(ok({"y": [1.0, 4.0], "lower": [0.0, 3.0], "upper": [2.0, 5.0], "dropped": 2}))
    found = service.client().prediction(frame, missing="drop", interval=0.9)
    pd.testing.assert_series_equal(found.y, pd.Series([1.0, 4.0], index=["p", "s"], name="y"))
    assert list(found.upper.index) == ["p", "s"]
    assert found.dropped == 2
    with pytest.raises(UnexpectedResponse, match="returned 3 predictions for 2 rows"):
        FakeService(ok({"y": [1, 2, 3]})).client().prediction(frame, missing="drop")


@pytest.mark.parametrize(
    ("x", "reason"),
    [
        (pd.DataFrame([[1, 2]], columns=["1", 1]), "^x has more than one column '1'. Rename one"),
    ],
)
def test_frames_that_cannot_be_sent_are_refused(x, reason):
    with pytest.raises(InvalidArgument, match=reason):
        to_data(x)


def test_a_frame_without_pyarrow_names_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "descent.data.pandas_data", raising=False)
    monkeypatch.delitem(sys.modules, "descent.data.arrow_data", raising=False)
    with pytest.raises(InvalidArgument, match=r"is sent as Arrow\. Install pyarrow"):
        to_data(FRAME)


ROW = pd.DataFrame({"a": [1.5, 2.0], "b": [True, False], "city": ["Rome", None]}, index=["p", "q"])


@pytest.mark.parametrize("row", [ROW.iloc[0], ROW.loc["p"], ROW.reset_index(drop=True).iloc[0], {"a": 1.5, "b": True}])
def test_a_series_with_texts_as_labels_is_one_row(row):
    service = FakeService(ok({"y": 6.0, "lower": 5.0, "upper": 7.0, "model": "m", "version": 3}))
    found = service.client().prediction(row if isinstance(row, pd.Series) else pd.Series(row), interval=0.9)
    assert (found.y, found.lower, found.upper, found.model, found.version) == (6, 5, 7, "m", 3)
    assert {name: value for name, value in json.loads(service.last.content)["x"].items() if name != "city"} == {
        "a": 1.5, "b": 1.0
    }  # fmt: skip


def test_values_of_a_row_that_are_not_numbers_are_sent_as_text_or_null():
    row = pd.Series(
        {"a": Decimal("1.5"), "b": pd.NA, "c": np.nan, "d": pd.Timestamp("2026-01-02"), "e": "0", "f": None}
    )
    service = FakeService(ok({"y": 1.0}))
    service.client().predict(row)
    assert json.loads(service.last.content)["x"] == {
        "a": 1.5, "b": None, "c": None, "d": "2026-01-02 00:00:00", "e": "0", "f": None
    }  # fmt: skip


MODEL, REPORT = ok({"serving": 3}), ok({"columns": ["a"]})


def test_a_series_that_is_no_row_of_the_model_is_a_column():
    column = pd.Series([1.0, 2.0, 4.0], index=["p", "q", "r"], name="a")
    service = FakeService(problem(422), MODEL, REPORT, ok({"y": [1.0, 2.0, 4.0]}))
    pd.testing.assert_series_equal(service.client().predict(column, model="m"), column.rename("y"))
    paths = [request.url.path for request in service.requests]
    assert paths == ["/models/m/predict", "/models/m", "/models/m/versions/3", "/models/m/predict"]
    assert service.last.headers["Content-Type"] == ARROW_STREAM


@pytest.mark.parametrize(
    ("series", "requests", "detail"),
    [
        (pd.Series([1.0], index=["p"], name="a"), 4, "column"),
        (pd.Series([1.0], index=["p"], name=0), 4, "row"),
        (pd.Series([1.0], index=["p"]), 4, "row"),
        (pd.Series(["text", 1], index=["p", "q"], name=0), 4, "row"),
        (pd.Series([np.nan], index=["a"], name="p"), 3, "row"),
    ],
)
def test_the_refusal_of_a_series_is_that_of_what_it_is(series, requests, detail):
    service = FakeService(problem(422, detail="row"), MODEL, REPORT, problem(422, detail="column"))
    with pytest.raises(Problem) as raised:
        service.client().predict(series)
    assert (raised.value.detail, len(service.requests)) == (detail, requests)


def test_a_model_that_does_not_exist_is_not_asked_for_its_columns():
    service = FakeService(problem(404))
    with pytest.raises(Problem):
        service.client().predict(pd.Series({"a": 1}))
    assert len(service.requests) == 1


def test_a_series_with_repeated_labels_is_a_column():
    service = FakeService(ok({"y": [1.0, 2.0]}))
    service.client().predict(pd.Series([1.0, 2.0], index=["p", "p"], name="a"))
    assert service.last.headers["Content-Type"] == ARROW_STREAM


def test_a_column_of_several_types_is_sent_as_text():
    frame = pd.DataFrame({"a": [1.5, 2.5, np.nan], "mixed": [1, "b", None]})
    table = pa.ipc.open_stream(to_data(frame).to_binary().content).read_all()
    assert table.to_pydict() == {"a": [1.5, 2.5, None], "mixed": ["1", "b", None]}
