"""A messy export becomes a model by following the errors that the guide shows."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/guides/messy-data.md").read_text("utf-8")
STEPS = re.findall(r"```sh\n((?:sed|curl).*?)```\n.*?```(text|json)\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture(scope="module")
def answers(service, tmp_path_factory):
    examples = shutil.copytree(ROOT / "docs/examples", tmp_path_factory.mktemp("messy") / "examples")

    def run(script):
        script = script.replace("localhost:8000", f"127.0.0.1:{service.port}")
        found = subprocess.run(["sh", "-ec", script], cwd=examples, capture_output=True, text=True, check=True)
        return json.loads(found.stdout)

    return [run(script) for script, _, _ in STEPS]


def test_every_request_of_the_guide_has_its_answer_below_it():
    assert len(STEPS) == GUIDE.count("curl -s")
    assert [kind for _, kind, _ in STEPS][-3:] == ["text", "json", "json"]
    head = (ROOT / "docs/examples/house-sales.csv").read_text("utf-8").splitlines()[:4]
    assert "\n".join(head) in GUIDE


@pytest.mark.parametrize("index", range(len(STEPS)))
def test_a_request_gets_the_answer_of_the_guide(answers, index):
    _, kind, expected = STEPS[index]
    if kind == "text":
        assert answers[index]["detail"].split() == expected.split()
        return
    members = {name: answers[index][name] for name in json.loads(expected)}
    assert members == {name: approximately(value) for name, value in json.loads(expected).items()}


def approximately(value):
    is_number = isinstance(value, float) or (isinstance(value, list) and isinstance(value[0], float))
    is_coefficients = isinstance(value, dict) and all(isinstance(each, float) for each in value.values())
    return pytest.approx(value, rel=1e-9) if is_number or is_coefficients else value
