"""The README's commands run and print what the README shows."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PRINTED = re.findall(r"```sh\n(curl [^`]*)```\n+```json\n([^`]*)```", README)
VOLATILE = {"trained_at", "sha256", "bytes", "version", "serving", "href", "etag"}


def comparable(value):
    """Return `value` without the fields that vary between runs, and its numbers rounded to ten digits."""
    if isinstance(value, dict):
        return {name: comparable(each) for name, each in value.items() if name not in VOLATILE}
    if isinstance(value, list):
        return [comparable(each) for each in value]
    return float(f"{value:.10g}") if isinstance(value, float) else value


def run(command, service):
    command = command.replace("localhost:8000", f"127.0.0.1:{service.port}")
    return subprocess.run(shlex.split(command), cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_readme_trains_first_and_predicts_second():
    commands = [command for command, _ in PRINTED]
    assert ["/train" in command for command in commands[:2]] == [True, False]
    assert "/predict" in commands[1]


@pytest.fixture(scope="module")
def responses(service):
    return [json.loads(run(command, service)) for command, _ in PRINTED]


@pytest.mark.parametrize("index", range(len(PRINTED)))
def test_a_command_prints_what_the_readme_shows(responses, index):
    assert comparable(responses[index]) == comparable(json.loads(PRINTED[index][1]))


TABLES = [line for line in README.splitlines() if line.startswith("curl") and "--data-binary" in line]
*TRAININGS, PREDICTION = (line for line in TABLES if "/models:" not in line)
TRAIN_GROUPS, PREDICT_GROUPS = (line for line in TABLES if "/models:" in line)


@pytest.fixture(scope="module")
def coefficients(service):
    fits = [json.loads(run(command, service)) for command in TRAININGS]
    return [[*(fit["w"].values() if isinstance(fit["w"], dict) else fit["w"]), fit["b"]] for fit in fits]


def test_every_media_type_of_the_readme_gives_the_same_coefficients(coefficients):
    assert len(coefficients) == 5
    assert all(each == coefficients[0] for each in coefficients)


def test_the_readme_predicts_for_a_table(coefficients, service):
    header, *predictions = run(PREDICTION, service).splitlines()
    assert header == '"y"'
    assert len(predictions) == 6
    assert all(150 < float(y) < 500 for y in predictions)


def test_the_readme_trains_and_predicts_by_group_from_a_table(service):
    results = json.loads(run(TRAIN_GROUPS, service))["results"]
    assert [each["model"] for each in results] == ["sensor-inlet", "sensor-outlet", "sensor-spare"]
    header, *predictions = run(PREDICT_GROUPS, service).splitlines()
    assert (header, len(predictions)) == ('"y"', 7)


def test_the_shell_and_python_examples_run(service, tmp_path):
    [shell] = re.findall(r"```sh\n(\.venv/bin/descent .*?)```", README, re.DOTALL)
    [python] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    out = tmp_path / "prices.parquet"
    for command in shell.replace("prices.parquet", str(out)).splitlines():
        words = [sys.executable, "-m", "descent", *shlex.split(command)[1:], "--url", service.url]
        subprocess.run(words, cwd=ROOT, capture_output=True, check=True)
    assert out.read_bytes()[:4] == b"PAR1"
    program = python.replace("http://127.0.0.1:8000", service.url)
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True)
