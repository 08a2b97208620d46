"""y and weights as a frame, an array or a table of one column, beside x of every kind."""

import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fake_service import FIT, FakeService, ok

from descent import InvalidArgument
from descent.request_body import JSON, NPY

FRAME = pd.DataFrame({"a": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 7.0]})
XS = {
    "frame": FRAME[["a"]], "series": FRAME["a"], "array": FRAME[["a"]].to_numpy(), "list": [1, 2, 3],
    "table": pa.table({"a": FRAME["a"]}),
}  # fmt: skip
COLUMNS = {
    "frame": FRAME[["y"]], "array": FRAME[["y"]].to_numpy(), "table": pa.table({"y": FRAME["y"]}),
    "batch": pa.record_batch({"y": FRAME["y"]}), "series": FRAME["y"],
}  # fmt: skip


def sent(request):
    """Return y and the weights of a request."""
    if request.headers["Content-Type"] == JSON:
        document = json.loads(request.content)
        return document["y"], document.get("sample_weight")
    if request.headers["Content-Type"] == NPY:
        return np.load(io.BytesIO(request.content))[:, -1].tolist(), None
    table, query = pa.ipc.open_stream(request.content).read_all(), request.url.params
    return table[query["y"]].to_pylist(), table[query["weight"]].to_pylist() if "weight" in query else None


@pytest.mark.parametrize("y", COLUMNS.values(), ids=COLUMNS)
@pytest.mark.parametrize("x", XS.values(), ids=XS)
def test_y_and_weights_of_one_column_are_vectors(x, y):
    service = FakeService(ok(FIT))
    service.client().train(x, y)
    assert sent(service.last) == ([2, 4, 7], None)
    service.client().evaluate(x, y, sample_weight=y)
    assert sent(service.last) == ([2, 4, 7], [2, 4, 7])


@pytest.mark.parametrize("y", [FRAME, FRAME.to_numpy(), pa.Table.from_pandas(FRAME)], ids=["frame", "array", "table"])
@pytest.mark.parametrize("x", XS.values(), ids=XS)
def test_y_of_two_columns_is_refused(x, y):
    service = FakeService(ok(FIT))
    with pytest.raises(InvalidArgument, match=r"^y has 2 columns\. Give one column"):
        service.client().train(x, y)
    with pytest.raises(InvalidArgument, match=r"^sample_weight has 2 columns"):
        service.client().train(x, [1, 2, 3], sample_weight=y)
    assert not service.requests
