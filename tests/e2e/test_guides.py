"""The examples in the guides to the command line and the client print the output beside them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import DESCENT, environment
from running import Service

ROOT = Path(__file__).parents[2]
COMMAND_LINE = (ROOT / "docs/command-line.md").read_text("utf-8")
CLIENT = (ROOT / "docs/client.md").read_text("utf-8")
ALL_COMMANDS = re.findall(r"```sh\n(.*?)```", COMMAND_LINE, re.DOTALL)
[CHANGE_FOLDER] = [command for command in ALL_COMMANDS if "cd docs/examples" in command]
COMMANDS = re.findall(r"```sh\n([^`]*)```\n\n```text\n([^`]*)```", COMMAND_LINE)
PROGRAMS = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", CLIENT, re.DOTALL)
CLIENT_CALL = 'Client("http://127.0.0.1:8000")'


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    running = Service(tmp_path_factory.mktemp("guides") / "models", DESCENT_WORKERS="1").start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    return shutil.copytree(ROOT / "docs/examples", tmp_path_factory.mktemp("guides") / "examples")


def comparable(text):
    """Return the words of each line, without times; numbers with eight digits, since others vary by processor."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME", text)
    text = re.sub(r"\d+\.\d{6,}", lambda found: f"{float(found[0]):.8g}", text)
    return [line.split() for line in text.splitlines()]


def test_every_command_but_serve_and_cd_has_its_output_beside_it():
    ran = [command for command, _ in COMMANDS]
    others = [command.split()[0:2] for command in ALL_COMMANDS if command not in ran]
    assert others == [["descent", "serve"], CHANGE_FOLDER.split()[0:2]]


def test_the_examples_are_where_the_guide_says():
    script = f'set -e\n{CHANGE_FOLDER}pwd; echo "$PATH"'
    found = subprocess.run(
        ["sh", "-c", script], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    folder, path = found.stdout.splitlines()
    assert (Path(folder), Path(path.split(":")[0])) == (ROOT / "docs/examples", ROOT / ".venv/bin")


@pytest.mark.parametrize("index", range(len(COMMANDS)))
def test_a_command_prints_the_output_of_the_guide(index, service, examples):
    script, expected = COMMANDS[index]
    shell = f'set -e; descent() {{ "{DESCENT[0]}" -m descent "$@"; }}\n{script}'
    found = subprocess.run(
        ["sh", "-c", shell],
        cwd=examples,
        env=environment(DESCENT_URL=service.url),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    assert comparable(found.stdout) == comparable(expected)


def test_the_programs_of_the_client_print_the_output_of_the_guide(new_service, tmp_path):
    service = new_service(DESCENT_WORKERS="1")
    assert CLIENT_CALL in PROGRAMS[0][0]
    program = "".join(program for program, _ in PROGRAMS).replace(CLIENT_CALL, f'Client("{service.url}")')
    command = [sys.executable, "-W", "error", "-c", program]
    found = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False, timeout=120
    )
    assert found.stderr == ""
    assert comparable(found.stdout) == comparable("".join(printed for _, printed in PROGRAMS))
