"""The docker-compose stack: the loss that /train returns arrives in Prometheus, and the containers are confined.

Not run by `make test`, because it needs a Docker engine. It starts a project of its own on free ports and removes it.
"""

import json
import os
import re
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
TUTORIAL = json.loads((ROOT / "docs/examples/tutorial.json").read_text())
DASHBOARD = json.loads((ROOT / "monitoring/grafana/dashboards/descent.json").read_text())
VARIABLES = {"$__rate_interval": "1m", "$model": ".*"}
ENVIRONMENT = dict(os.environ)


def compose(*arguments):
    command = ["docker", "compose", "--project-name", "descent-e2e", *arguments]
    return subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, check=True, stdout=subprocess.PIPE, text=True)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def in_time(look, seconds=60):
    """Return the result of `look` once it is true, and fail after a time limit."""
    end = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.5)
    assert found
    return found


@pytest.fixture(scope="module", autouse=True)
def stack():
    ENVIRONMENT.update({name: free_port() for name in ("DESCENT_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT")})
    try:
        compose("up", "--build", "--wait", "service", "prometheus")
        yield
    finally:
        compose("down", "--volumes")


@pytest.fixture(scope="module")
def service():
    with httpx.Client(base_url=f"http://127.0.0.1:{ENVIRONMENT['DESCENT_PORT']}") as client:
        yield client


@pytest.fixture(scope="module")
def query():
    """Return a function that evaluates an expression in Prometheus."""
    with httpx.Client(base_url=f"http://127.0.0.1:{ENVIRONMENT['PROMETHEUS_PORT']}") as client:

        def ask(expression):
            answer = client.get("/api/v1/query", params={"query": expression}).json()
            assert answer["status"] == "success", (expression, answer)
            return answer["data"]["result"]

        yield ask


def loss_of(model, query):
    return [float(found["value"][1]) for found in query(f'descent_training_loss{{model="{model}"}}')]


@pytest.mark.parametrize("method", ["spectral", "autograd"])
def test_prometheus_has_the_loss_that_train_returned(service, query, method):
    options = {"method": method, "learning_rate": 0.01, "epochs": 10, "seed": 20}
    answer = service.post(f"/models/{method}/train", json=TUTORIAL | options)
    assert answer.status_code == 201
    loss = answer.json()["loss"]
    assert loss == pytest.approx(0.2033724, abs=1e-6)
    assert in_time(lambda: loss_of(method, query)) == [loss]
    print(f"{method}: /train returned {loss!r}, and Prometheus has {loss_of(method, query)}")


def test_models_and_their_metrics_survive_a_new_container(service, query):
    loss = service.post("/train", json=TUTORIAL).json()["loss"]
    compose("up", "--force-recreate", "--no-deps", "--wait", "service")
    started = time.time()
    assert service.post("/predict", json={"x": 3}).json()["version"] == 1
    assert in_time(lambda: query(f"descent_store_up and timestamp(descent_store_up) > {started}"))
    assert loss_of("default", query) == [loss]


def test_every_query_of_the_dashboard_finds_data(service, query):
    service.post("/train", json={"x": []})  # an error for the panel of errors
    service.post("/train", json=TUTORIAL)
    for _ in range(20):  # over several scrapes, because rates compare them
        service.post("/predict", json={"x": [1, 2, 3]})
        service.post("/train", json=TUTORIAL)
        service.post("/train", json={"x": []})
        time.sleep(0.5)
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"]
            for name, value in VARIABLES.items():
                expression = expression.replace(name, value)
            assert "$" not in expression
            in_time(lambda expression=expression: query(expression), 15)


def test_the_alert_rules_pass_their_tests_and_are_silent(query):
    compose("exec", "prometheus", "promtool", "test", "rules", "/etc/prometheus/alerts_test.yml")
    assert query("count(ALERTS) or vector(0)")[0]["value"][1] == "0"


def test_the_service_is_confined():
    def run(code):
        return compose("exec", "service", "python", "-c", code).stdout.strip()

    assert run("import os; print(os.getuid(), os.getgid())") == "10001 10001"
    status = run("print(open('/proc/1/status').read())")
    assert re.search(r"CapBnd:\s*0+$", status, re.MULTILINE)
    assert re.search(r"NoNewPrivs:\s*1$", status, re.MULTILINE)
    for folder in ("/", "/srv/descent", "/usr/local"):
        assert "Read-only" in run(f"import errno, os\ntry: os.mkdir('{folder}/x')\nexcept OSError as e: print(e)")


@pytest.mark.parametrize("place", [(), ("--store", "/models")], ids=["service", "folder"])
def test_the_command_line_runs_in_the_container(service, place):
    service.post("/models/listed/train", json=TUTORIAL)
    listed = json.loads(compose("exec", "service", "descent", "models", "--json", *place).stdout)
    assert "listed" in [each["model"] for each in listed]


def test_everything_is_published_on_the_loopback_only():
    services = json.loads(compose("config", "--format", "json").stdout)["services"]
    assert {port["host_ip"] for each in services.values() for port in each["ports"]} == {"127.0.0.1"}


def test_a_stop_is_clean():
    compose("stop", "service")
    assert json.loads(compose("ps", "--all", "--format", "json", "service").stdout)["ExitCode"] == 0
