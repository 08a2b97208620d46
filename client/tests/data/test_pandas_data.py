import sys

import numpy as np
import pandas as pd
import pytest
from fake_service import FakeService, ok

from descent import InvalidArgument, UnexpectedResponse
from descent.data import to_data

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
        (pd.DataFrame({"a": [1, "b"]}), "^x has a column that is not numeric"),
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
