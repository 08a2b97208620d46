"""The house: imports go one way, and torch has two rooms."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = [
    {"service.__main__", "service.cli", "service.wsgi"},
    {"service.server", "service.gunicorn_conf", "service.rehearsal", "service.worker", "service.accepting"}
    | {"service.handover", "service.lingering", "service.sending", "service.together", "service.unfinished"}
    | {"service.connection"},
    {"service.app"},
    {"service.fastpath"},
    {"service.api"},
    {"service.serving", "service.predictor"},
    {"service.training", "service.formats", "service.observability"}
    | {"service.report", "service.fitting", "service.idempotency", "service.autograd", "service.facts"}
    | {"service.metrics", "service.slots", "service.logs", "service.metrics_folder"},
    {"service.store", "service.artifact", "service.torchscript", "service.columns"},
    {"service.core", "service.settings", "service.errors", "service.priorities"},
    {"service.client"},
]
MODULES = sorted(path for path in (ROOT / "service").rglob("*.py"))


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def floor_of(module):
    for floor, rooms in enumerate(FLOORS):
        if any(module == room or module.startswith(f"{room}.") for room in rooms):
            return floor
    return None


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_down_only(path):
    here = floor_of(name_of(path))
    if name_of(path) == "service":
        assert not list(imports_of(path))
        return
    assert here is not None, "give the module a floor"
    for imported in imports_of(path):
        there = floor_of(imported)
        assert there is None or there >= here, f"{name_of(path)} imports {imported}, which stands above it"


def test_the_core_imports_numpy_and_scipy_only():
    allowed = {"numpy", "scipy", "service", "collections", "concurrent", "dataclasses", "functools"}
    allowed |= {"itertools", "math", "typing"}
    for path in (ROOT / "service/core").glob("*.py"):
        assert {imported.split(".")[0] for imported in imports_of(path)} <= allowed


def test_torch_is_imported_where_tensors_are_and_nowhere_else():
    rooms = {name_of(path) for path in MODULES if any(name.split(".")[0] == "torch" for name in imports_of(path))}
    assert rooms == {"service.artifact.torchscript", "service.autograd"}


def test_the_client_imports_nothing_else_of_the_service():
    for path in (ROOT / "service/client").glob("*.py"):
        ours = [imported for imported in imports_of(path) if imported.split(".")[0] == "service"]
        assert all(imported.startswith("service.client") for imported in ours)


def test_flask_stays_above_the_formats():
    web = {"flask", "werkzeug", "marshmallow"}
    rooms = {name_of(path) for path in MODULES if any(name.split(".")[0] in web for name in imports_of(path))}
    assert all(room == "service.app" or room.startswith("service.api") for room in rooms)
