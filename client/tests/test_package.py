"""Imports of the package, and the documentation of its parameters."""

import ast
import inspect
import re
import subprocess
import sys
from importlib.metadata import entry_points, requires, version
from pathlib import Path

import pytest

import descent
from descent import Client
from descent.cli import main

MODULES = sorted(Path(descent.__file__).parent.rglob("*.py"))
METHODS = [
    getattr(Client, name)
    for name in dir(Client)
    if not name.startswith("_") and inspect.isfunction(getattr(Client, name))
]


def imports(nodes):
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_service_is_imported_only_within_functions_of_the_command_line(path):
    tree = ast.parse(path.read_text("utf-8"))
    of_service = [name for name in imports(ast.walk(tree)) if name.split(".")[0] == "service"]
    assert not [name for name in imports(tree.body) if name.split(".")[0] == "service"]
    assert not of_service or path.name in {"session.py", "server_process.py"}


def test_importing_the_client_imports_no_array_library_and_no_service():
    code = f"""if True:
        import sys
        sys.path.insert(0, {str(Path(descent.__file__).parents[1])!r})
        import descent
        print(sorted({{"numpy", "pandas", "pyarrow", "torch", "service", "descent.cli"}} & set(sys.modules)))
    """
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_every_parameter_is_named_typed_and_documented(method):
    parameters = dict(inspect.signature(method).parameters)
    del parameters["self"]
    documented = re.findall(r"^    (\w+): \S", inspect.getdoc(method), re.MULTILINE)
    assert documented == list(parameters)
    for parameter in parameters.values():
        assert parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        assert parameter.annotation is not parameter.empty


def test_a_signature_shows_which_options_are_not_sent():
    assert "epochs: Union[int, Literal['converged'], NoneType] = None" in str(inspect.signature(Client.train))


def test_httpx_is_the_only_dependency():
    assert [each for each in requires("descent-client") if "extra" not in each] == ["httpx<1,>=0.27"]
    assert [each for each in requires("descent-client") if "extra" in each] == ['click<9,>=8.2; extra == "cli"']
    assert version("descent-client") == descent.__version__


def test_the_installed_command_runs_the_command_line():
    [command] = entry_points(group="console_scripts", name="descent")
    assert command.load() is main
