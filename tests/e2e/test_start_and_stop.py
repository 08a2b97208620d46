"""A start with invalid settings fails with a clear message, and a stop cleans up."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_a_stop_removes_the_metrics_files(new_service):
    service = new_service()
    assert service.files_of_metrics()
    service.stop()
    assert not list(service.temporary.iterdir())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("DESCENT_PORT", "http", "give a port number, 0 to 65535"),
        ("DESCENT_STORE", "/dev/null", "The store cannot be used: File exists."),
    ],
)
def test_an_invalid_setting_stops_the_start_with_a_message_that_names_it(name, value, message):
    code = [sys.executable, "-m", "gunicorn"]
    environment = {"DESCENT_PORT": "0", name: value}
    started = subprocess.run(code, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert started.returncode != 0
    assert started.stderr.splitlines()[-1] == f"descent: {name}={value!r}: {message}"
    assert "Traceback" not in started.stderr
