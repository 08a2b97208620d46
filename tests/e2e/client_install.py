"""The client in a fresh virtual environment, installed as a user does, against a running service.

Not one of `make test`'s files, because it downloads packages: `make test-client-install` runs it.
"""

import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from running import Service

ROOT = Path(__file__).parents[2]
MAX_BYTES = 15_000_000
IMPORTS = 9
IMPORT_TIME = """if True:
    import time
    wall, cpu = time.perf_counter(), time.process_time()
    import descent
    print(time.perf_counter() - wall, time.process_time() - cpu)
"""


class Environment:
    """A virtual environment."""

    def __init__(self, folder):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        self.folder = folder
        [self.site_packages] = folder.glob("lib/python*/site-packages")

    def run(self, command, *arguments, **options):
        """Run a command of the environment and return what it prints."""
        words = [self.folder / "bin" / command, *map(str, arguments)]
        return subprocess.run(words, capture_output=True, text=True, check=True, timeout=300, **options).stdout

    def size(self):
        """Return the bytes of all installed files, with their bytecode."""
        return sum(path.stat().st_size for path in self.site_packages.rglob("*") if path.is_file())

    def packages(self):
        """Return the names of the installed distributions."""
        return {each["name"].lower() for each in json.loads(self.run("pip", "list", "--format", "json"))}


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    return Environment(tmp_path_factory.mktemp("empty") / "venv")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    ignore = shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT / "client", folder / "client", ignore=ignore)
    environment = Environment(folder / "venv")
    environment.run("pip", "install", "--quiet", "./client[cli]", cwd=folder)
    return environment


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    running = Service(tmp_path_factory.mktemp("service") / "models", DESCENT_WORKERS="1").start()
    yield running
    running.stop()


def test_the_installation_is_small(empty, installed):
    added = installed.size() - empty.size()
    print(f"\npip install './client[cli]' adds {added / 1e6:.1f} MB: {', '.join(sorted(installed.packages()))}")
    assert added < MAX_BYTES


def test_the_installation_has_neither_torch_nor_the_service(installed):
    assert not installed.packages() & {"torch", "numpy", "descent-service"}
    found = "import importlib.util as u; print([n for n in ('torch', 'service', 'numpy') if u.find_spec(n)])"
    assert installed.run("python", "-c", found, cwd=installed.folder) == "[]\n"


def test_the_import_time_is_printed(installed):
    times = [list(map(float, installed.run("python", "-c", IMPORT_TIME).split())) for _ in range(IMPORTS)]
    wall, cpu = (statistics.median(each) * 1e3 for each in zip(*times, strict=True))
    print(f"\nimport descent: median of {IMPORTS} starts {wall:.0f} ms, of which {cpu:.0f} ms on the CPU")
    assert cpu > 0


def test_the_client_trains_and_predicts(installed, service):
    code = f"""if True:
        from descent import Client
        with Client({service.url!r}) as client:
            client.train([1, 2, 3], [2, 4, 6], model="double")
            print(round(client.predict(21, model="double"), 6))
    """
    assert installed.run("python", "-W", "error", "-c", code) == "42.0\n"


def test_the_command_trains_and_predicts(installed, service):
    examples = ROOT / "docs/examples"
    where = ("--model", "houses", "--json", "--url", service.url)
    trained = json.loads(installed.run("descent", "train", examples / "houses.csv", "--y", "price", *where))
    assert trained["w"] == pytest.approx({"area": 3, "rooms": 5})
    predicted = json.loads(installed.run("descent", "predict", examples / "new-houses.csv", *where))
    assert predicted["y"] == pytest.approx([177.5, 272.5])


def test_the_command_has_help(installed):
    shown = installed.run("descent", "--help")
    assert "Usage: descent" in shown
    assert "train" in shown


def test_commands_that_need_the_service_report_that_it_is_not_installed(installed, tmp_path):
    for arguments in (["serve"], ["models", "--store", tmp_path]):
        with pytest.raises(subprocess.CalledProcessError) as raised:
            installed.run("descent", *arguments)
        assert "needs the package descent-service" in raised.value.stderr
        assert raised.value.stderr.count("\n") == 1
