import json

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fake_service import FIT, FakeService, ok, problem

from descent import InvalidArgument
from descent.data import to_data
from descent.request_body import ARROW_STREAM, JSON

Y = np.array([1.0, 2.0, 4.0])
WEIGHT = np.array([1.0, 1.0, 2.0])
TABLE = pa.table({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 7.0]})
FRAME = TABLE.to_pandas()


def in_arrow(_):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, pa.schema([("y", pa.float64())])) as stream:
        for value in Y:  # one batch for each row
            stream.write_table(pa.table({"y": [value]}))
    return httpx.Response(200, content=sink.getvalue().to_pybytes(), headers={"Content-Type": ARROW_STREAM})


in_json = ok({"model": "m", "version": 1, "y": Y.tolist()})


def accepts_json_only(request):
    return ok(FIT)(request) if request.headers["Content-Type"] == JSON else problem(415)(request)


def sent_table(request):
    assert request.headers["Content-Type"] == ARROW_STREAM
    return pa.ipc.open_stream(request.content).read_all()


@pytest.mark.parametrize("x", [FRAME, TABLE, TABLE.to_batches()[0]], ids=["pandas", "table", "batch"])
def test_tables_are_sent_as_arrow_with_y_and_weights_as_columns(x):
    service = FakeService(ok(FIT))
    service.client().train(x, Y, sample_weight=WEIGHT, epochs=3)
    assert sent_table(service.last).to_pydict() == {"a": [1, 2, 3], "b": [4, 5, 7], "y": [1, 2, 4], "weight": [1, 1, 2]}
    assert dict(service.last.url.params) == {"y": "y", "weight": "weight", "epochs": "3"}


@pytest.mark.parametrize("x", [FRAME, TABLE], ids=["pandas", "table"])
def test_y_and_weights_may_be_names_of_columns(x):
    service = FakeService(ok(FIT))
    service.client().train(x, y="b", sample_weight="a")
    assert sent_table(service.last).column_names == ["a", "b"]
    assert dict(service.last.url.params) == {"y": "b", "weight": "a"}
    with pytest.raises(InvalidArgument, match=r"^x has no column 'c'\. Its columns are a, b"):
        service.client().train(x, y="c")


def test_a_feature_with_the_name_y_stays_a_feature():
    service = FakeService(ok(FIT))
    service.client().train(TABLE.rename_columns(["y", "b"]), Y)
    assert sent_table(service.last).column_names == ["y", "b", "_y"]
    assert service.last.url.params["y"] == "_y"


def test_tables_are_sent_as_json_to_a_service_without_arrow():
    service = FakeService(accepts_json_only)
    service.client().train(TABLE, Y, sample_weight=WEIGHT)
    expected = {"x": {"a": [1, 2, 3], "b": [4, 5, 7]}, "y": [1, 2, 4], "sample_weight": [1, 1, 2]}
    assert json.loads(service.last.content) == expected


@pytest.mark.parametrize("response", [in_arrow, in_json], ids=["arrow", "json"])
def test_predictions_for_a_table_are_an_arrow_array(response):
    found = FakeService(response).client().predict(TABLE)
    assert isinstance(found, pa.Array)
    assert found.equals(pa.array(Y))


@pytest.mark.parametrize("response", [in_arrow, in_json], ids=["arrow", "json"])
@pytest.mark.parametrize("x", [FRAME, FRAME["a"], FRAME["a"].rename(None)], ids=["frame", "series", "nameless"])
def test_predictions_for_a_frame_are_a_series_with_its_index(x, response):
    x = x.set_axis([7, 8, 9])
    service = FakeService(response)
    pd.testing.assert_series_equal(service.client().predict(x), pd.Series(Y, index=x.index, name="y"))
    assert sent_table(service.last).column_names[0] == ("x" if isinstance(x, pd.Series) and x.name is None else "a")


def test_long_tables_are_sent_in_batches_that_the_service_accepts():
    table = pa.table({"a": np.zeros(5_000_000), "b": np.ones(5_000_000)})
    stream = pa.ipc.open_stream(to_data(table).to_binary().content)
    sizes = [batch.nbytes for batch in stream]
    assert sum(sizes) == table.nbytes
    assert max(sizes) <= 16 << 20


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda client: client.train(FRAME, [1, 2]), "^y has 2 values, but x has 3 rows. Give one value for each row"),
        (lambda client: client.train(TABLE, Y, sample_weight=[1]), "^sample_weight has 1 values, but x has 3 rows"),
        (lambda client: client.train(FRAME, y=5), "^y is not a list of numbers: 'int' object is not iterable"),
        (lambda client: client.evaluate(TABLE, [1, "a", 2]), "^y is not a list of numbers"),
        (lambda client: client.predict(pa.table([[1], [2]], names=["a", "a"])), "^x has more than one column 'a'"),
    ],
)
def test_tables_that_cannot_be_sent_are_refused(call, reason):
    service = FakeService(ok({}))
    with pytest.raises(InvalidArgument, match=reason):
        call(service.client())
    assert not service.requests
