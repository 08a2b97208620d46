"""Intervals: computed from the file once per loaded version."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from service.artifact.columns import Columns, RowShape
from service.core.blocks import Batch
from service.errors import InvalidRequest, VersionNotFound
from service.serving import predictor as predictor_module
from service.serving.loaded_model import Once
from service.serving.predictor import Predictor
from service.store import Store
from service.training.request import Request
from service.training.trainer import Trainer

GENERATOR = np.random.default_rng(7)
X = GENERATOR.normal(size=(30, 3))
Y = X @ [1.0, 2.0, 3.0] + GENERATOR.normal(size=30)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture
def predictor(store):
    return Predictor(store, 2, 1000)


@pytest.fixture
def computed(monkeypatch):
    """The versions whose intervals have been computed."""
    versions, compute = [], predictor_module._intervals

    def note(store, version):
        versions.append(version.number)
        return compute(store, version)

    monkeypatch.setattr(predictor_module, "_intervals", note)
    return versions


def train(store, x=X, y=Y, **options):
    columns = Columns.of(None, RowShape.LIST, x.shape[1])
    return Trainer(store, 10, 100, 0).train("m", Request([Batch(x, y)], columns, options)).version.number


def test_intervals_of_a_version_are_computed_once(store, predictor, computed):
    train(store)
    loaded = predictor.model("m")
    assert computed == []
    widths = [loaded.half_width(level, of_mean=of_mean)(X) for level in (0.9, 0.95) for of_mean in (True, False)]
    assert predictor.model("m").half_width(0.9, of_mean=True)(X).tolist() == widths[0].tolist()
    assert computed == [1]


def test_intervals_of_the_next_version_are_its_own(store, predictor, computed):
    train(store)
    before = predictor.model("m").half_width(0.9, of_mean=True)(X)
    train(store, y=Y * 2)
    after = predictor.model("m").half_width(0.9, of_mean=True)(X)
    np.testing.assert_allclose(after, 2 * before, rtol=1e-12)
    assert computed == [1, 2]


def test_concurrent_requests_compute_intervals_once(store, predictor, computed):
    train(store)
    loaded, barrier = predictor.model("m"), Barrier(8)

    def request(_):
        barrier.wait()
        return loaded.half_width(0.9, of_mean=True)(X).tolist()

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(request, range(8)))
    assert all(result == results[0] for result in results)
    assert computed == [1]


def test_a_version_evicted_from_the_cache_takes_its_intervals_with_it(store, computed):
    train(store)
    predictor = Predictor(store, 1, 1000)
    predictor.model("m").half_width(0.9, of_mean=True)
    train(store)
    predictor.model("m", 2)
    predictor.model("m", 1).half_width(0.9, of_mean=True)
    assert computed == [1, 1]


@pytest.mark.parametrize(
    ("data", "options", "reason"),
    [
        ({}, {"learning_rate": 0.001, "epochs": 3}, "needs a fit that has converged"),
        ({}, {"l2": 1.0}, "cannot be computed: l2 is 1"),
        ({"x": X[:2], "y": Y[:2]}, {}, "cannot be computed: no degrees of freedom"),
        ({"x": X[:, [0, 0]]}, {}, "cannot be computed: the data does not determine every coefficient"),
    ],
)
def test_a_version_without_intervals_gives_the_same_error_each_time(store, predictor, computed, data, options, reason):
    train(store, **data, **options)
    loaded = predictor.model("m")
    for _ in range(3):
        with pytest.raises(InvalidRequest, match=reason) as caught:
            loaded.half_width(0.9, of_mean=True)
        assert [fault.pointer for fault in caught.value.faults] == ["/interval"]
    assert computed == [1]


def test_intervals_of_a_version_deleted_before_the_first_request_are_an_error(store, predictor):
    train(store)
    loaded = predictor.model("m")
    store.delete_model("m")
    with pytest.raises(VersionNotFound):
        loaded.half_width(0.9, of_mean=True)


def test_a_failed_computation_is_tried_again():
    results = iter([OSError(), 7])

    def compute():
        result = next(results)
        if isinstance(result, OSError):
            raise result
        return result

    once = Once(compute)
    with pytest.raises(OSError):
        once.get()
    assert [once.get(), once.get()] == [7, 7]
