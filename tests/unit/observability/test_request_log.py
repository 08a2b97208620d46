"""Metrics and log lines of requests."""

import pytest

from service.observability.metrics import Metrics
from service.observability.request_log import Recorder, RequestLabels


@pytest.fixture
def metrics():
    return Metrics(max_models=10)


def test_invented_methods_share_a_label_and_a_cache_entry(metrics):
    recorder = Recorder(metrics, 0)
    for number in range(50):
        recorder.count(RequestLabels("none", f"MADE{number}", 404, None), [0.1])
    assert metrics.histogram.cache_info().currsize == recorder._histograms.cache_info().currsize == 1
    histogram = metrics.histogram("descent_http_request_duration_seconds", "none", "other", "404")
    assert histogram._sum.get() == pytest.approx(5)
