"""Dashboards and alerts use only metrics that service/observability/metrics.py declares."""

import re
from pathlib import Path

import pytest

from service.observability.metrics import TABLE

MONITORING = Path(__file__).parents[2] / "monitoring"
PAGES = [MONITORING / "alerts.yml", *MONITORING.glob("grafana/dashboards/*.json")]
SUFFIXES = {"histogram": ("_bucket", "_count", "_sum")}
EXPOSED = {metric.name + suffix for metric in TABLE for suffix in SUFFIXES.get(metric.kind, ("",))}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_metric_in_use_is_declared(page):
    used = set(re.findall(r"\bdescent_\w+", page.read_text()))
    assert used
    assert used - EXPOSED == set()
