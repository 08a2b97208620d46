"""Latencies observed together give the same histogram as one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from service.observability.metrics import BUCKETS, LatencyHistogram, count_by_bucket

seconds = st.lists(st.one_of(st.sampled_from(BUCKETS), st.floats(0, 30)), min_size=1, max_size=40)


def samples(histogram):
    return {
        (sample.name, sample.labels.get("le")): sample.value
        for sample in next(iter(histogram.collect())).samples
        if not sample.name.endswith("_created")
    }


@given(seconds)
def test_together_and_one_by_one_give_the_same_histogram(times):
    alone = Histogram("alike", "…", registry=CollectorRegistry(), buckets=BUCKETS)
    together = LatencyHistogram("alike", "…", registry=CollectorRegistry(), buckets=BUCKETS)
    for each in times:
        alone.observe(each)
    together.observe_all(sum(times), count_by_bucket(times))
    assert samples(together) == pytest.approx(samples(alone))
