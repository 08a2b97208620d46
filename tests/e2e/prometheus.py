"""The metrics in a real Prometheus: a scrape, the rules of the alerts, and the queries of the dashboard.

Not run by `make test`, because it needs Prometheus.
"""

import json
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
from running import ROOT, free_port, wait_until

MONITORING = ROOT / "monitoring"
DASHBOARD = json.loads((MONITORING / "grafana/dashboards/descent.json").read_text())
VARIABLES = {"$__rate_interval": "1m", "$model": ".*"}


def need(name):
    path = shutil.which(name)
    assert path, f"{name} is not installed. On Debian and Ubuntu: apt-get install prometheus"
    return path


@pytest.fixture(scope="module")
def loss(client):
    fit = client.post("/models/scraped/train", json={"x": [1, 2, 3, 4], "y": [2, 4, 7, 8]}).json()
    assert client.post("/models/scraped/predict", json={"x": [5]}).is_success
    return fit["loss"]


@pytest.fixture(scope="module")
def prometheus(service, loss, tmp_path_factory):
    """Return a function that queries a Prometheus, which scrapes the service each second."""
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    job = {"job_name": "descent", "static_configs": [{"targets": [f"127.0.0.1:{service.port}"]}]}
    configuration = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": [job]}
    (folder / "prometheus.yml").write_text(json.dumps(configuration))
    command = [need("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"--web.listen-address=127.0.0.1:{port}"], cwd=folder, stdout=log, stderr=log
        )

    def query(text):
        try:
            response = httpx.get(f"http://127.0.0.1:{port}/api/v1/query", params={"query": text})
        except httpx.TransportError:
            return []
        return response.json()["data"]["result"] if response.is_success else []

    try:
        wait_until(lambda: query('up{job="descent"} == 1'), what=(folder / "log").read_text)
        yield query
    finally:
        process.terminate()
        process.wait(30)


def test_the_format_of_the_metrics_has_no_fault(client, loss):
    checked = subprocess.run(
        [need("promtool"), "check", "metrics"],
        input=client.get("/metrics").content,
        capture_output=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, b"")


@pytest.mark.parametrize("arguments", [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]])
def test_the_alerts_are_valid_and_fire_as_tested(arguments):
    subprocess.run([need("promtool"), *arguments], cwd=MONITORING, check=True)


def test_the_loss_that_a_training_returns_is_scraped(prometheus, loss):
    wait_until(lambda: prometheus('descent_training_loss{model="scraped"}'), what=lambda: "the loss is scraped")
    [sample] = prometheus('descent_training_loss{model="scraped"}')
    assert float(sample["value"][1]) == loss


def expressions():
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            text = target["expr"]
            for name, value in VARIABLES.items():
                text = text.replace(name, value)
            yield text


@pytest.mark.parametrize("expression", list(expressions()))
def test_the_queries_of_the_dashboard_are_valid(prometheus, expression, tmp_path: Path):
    rules = {"groups": [{"name": "queries", "rules": [{"record": "query", "expr": expression}]}]}
    (tmp_path / "rules.yml").write_text(json.dumps(rules))
    subprocess.run([need("promtool"), "check", "rules", "rules.yml"], cwd=tmp_path, check=True)
