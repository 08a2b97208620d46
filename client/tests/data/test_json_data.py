import json

import numpy as np
import pytest
from fake_service import FakeService, ok


@pytest.mark.parametrize("x", [3, [1, 2], {"a": 1}, {"a": np.array([1.5, 2.5])}, [np.float64(1), np.int64(2)]])
def test_numbers_lists_and_dicts_are_sent_as_json(x):
    service = FakeService(ok({"y": 6.0}))
    assert service.client().predict(x) == 6.0
    expected = json.loads(json.dumps(x, default=lambda value: value.tolist()))
    assert json.loads(service.last.content) == {"x": expected}
    assert service.last.headers["Accept"] == "application/json"
