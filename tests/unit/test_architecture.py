"""Imports go one way, the libraries that shape the design are imported in one package each, and modules are short."""

import ast
from pathlib import Path

import pytest

from scripts import count_code

ROOT = Path(__file__).parents[2]
LAYERS = [
    {"service.__main__", "service.wsgi"},
    {"service.server"},
    {"service.app"},
    {"service.fastpath"},
    {"service.api.routes"},
    {"service.api.openapi"},
    {"service.api.http"},
    {"service.api.schemas"},
    {"service.serving"},
    {"service.training", "service.formats", "service.observability"},
    {"service.store", "service.artifact"},
    {"service.core", "service.settings", "service.errors"},
]
"""Each package imports only from its own layer and from the layers below it."""

MODULES = sorted(path for path in (ROOT / "service").rglob("*.py"))
MAX_FILES_AT_THE_TOP = 7
MAX_MODULE_LINES = 250
MAX_FUNCTION_LINES = 40


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(module):
    for number, packages in enumerate(LAYERS):
        if any(module == package or module.startswith(f"{package}.") for package in packages):
            return number
    return None


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers_of(*libraries):
    """The modules that import one of some libraries."""
    return {name_of(path) for path in MODULES if {name.split(".")[0] for name in imports_of(path)} & set(libraries)}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_package_imports_only_from_its_layer_and_below(path):
    if name_of(path) in ("service", "service.api"):
        assert not list(imports_of(path))
        return
    here = layer_of(name_of(path))
    assert here is not None, "add the package to LAYERS"
    for imported in imports_of(path):
        there = layer_of(imported)
        assert there is None or there >= here, f"{name_of(path)} imports {imported}, which is in a layer above"


def test_core_imports_numpy_and_scipy_only():
    allowed = {"numpy", "scipy", "service", "collections", "concurrent", "dataclasses", "functools"}
    allowed |= {"itertools", "math", "typing"}
    for path in (ROOT / "service/core").glob("*.py"):
        assert {imported.split(".")[0] for imported in imports_of(path)} <= allowed


def test_torch_is_imported_for_artifacts_and_autograd_only():
    assert importers_of("torch") == {"service.artifact.torchscript", "service.training.autograd"}


def test_web_libraries_are_imported_above_the_formats_only():
    importers = importers_of("flask", "werkzeug", "marshmallow")
    assert all(name.startswith(("service.api", "service.app", "service.fastpath")) for name in importers)


def test_gunicorn_is_imported_in_the_server_only():
    assert all(name.startswith("service.server.") for name in importers_of("gunicorn"))


def test_the_service_imports_nothing_of_the_client():
    assert importers_of("descent") == set()


def test_the_top_of_the_service_has_few_files():
    assert len(count_code.files_at_the_top(ROOT / "service")) <= MAX_FILES_AT_THE_TOP


def test_modules_and_functions_are_short():
    assert count_code.module_lengths(ROOT / "service")[0].lines <= MAX_MODULE_LINES
    assert count_code.function_lengths(ROOT / "service")[0].lines <= MAX_FUNCTION_LINES
