"""The README's commands answer as they are printed there."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PRINTED = re.findall(r"```sh\n(curl .*?)```\n+```json\n(.*?)```", README, re.DOTALL)
VOLATILE = {"trained_at", "sha256", "bytes", "version", "serving", "href", "etag"}


def comparable(value):
    """`value` without what differs from run to run, its numbers to ten digits: the last differ between processors."""
    if isinstance(value, dict):
        return {name: comparable(each) for name, each in value.items() if name not in VOLATILE}
    if isinstance(value, list):
        return [comparable(each) for each in value]
    return float(f"{value:.10g}") if isinstance(value, float) else value


def run(command, service):
    there = command.replace("localhost:8000", f"127.0.0.1:{service.port}")
    return subprocess.run(shlex.split(there), cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_readme_trains_predicts_and_is_refused_in_that_order():
    commands = [command for command, _ in PRINTED]
    assert ["/train" in command for command in commands[:2]] == [True, False]
    assert "/predict" in commands[1]


@pytest.fixture(scope="module")
def answers(service):
    return [json.loads(run(command, service)) for command, _ in PRINTED]


@pytest.mark.parametrize("index", range(len(PRINTED)))
def test_a_command_answers_as_printed(answers, index):
    assert comparable(answers[index]) == comparable(json.loads(PRINTED[index][1]))


TABLES = [line for line in README.splitlines() if line.startswith("curl") and "--data-binary" in line]
*TRAININGS, PREDICTION = TABLES


@pytest.fixture(scope="module")
def lines(service):
    fits = [json.loads(run(command, service)) for command in TRAININGS]
    return [[*(fit["w"].values() if isinstance(fit["w"], dict) else fit["w"]), fit["b"]] for fit in fits]


def test_every_media_type_of_the_readme_gives_the_same_line(lines):
    assert len(lines) == 5
    assert all(line == lines[0] for line in lines)


def test_the_readme_predicts_for_a_table_by_what_it_trained(lines, service):
    answer = run(PREDICTION, service).splitlines()
    assert answer[0] == '"y"'
    assert len(answer) == 7
    assert all(150 < float(y) < 500 for y in answer[1:])


def test_the_readmes_shell_and_python_run(service, tmp_path):
    [shell] = re.findall(r"```sh\n(\.venv/bin/descent .*?)```", README, re.DOTALL)
    [python] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    out = tmp_path / "prices.parquet"
    for command in shell.replace("prices.parquet", str(out)).splitlines():
        words = [sys.executable, "-m", "service", *shlex.split(command)[1:], "--url", service.url]
        subprocess.run(words, cwd=ROOT, capture_output=True, check=True)
    assert out.read_bytes()[:4] == b"PAR1"
    moved = python.replace("http://127.0.0.1:8000", service.url)
    subprocess.run([sys.executable, "-c", moved], cwd=ROOT, capture_output=True, check=True)
