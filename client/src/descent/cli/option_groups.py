"""Commands as typer makes them, except that options may come in groups, and that --help gives flags no type."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

Command = Callable[..., None]


@dataclass(frozen=True)
class Options:
    """Options that belong together. A command with a parameter of such a class has an option for each field."""


class Commands(TyperGroup):
    """All commands; its own flags show no type."""

    def get_params(self, ctx: Any) -> Any:
        return _with_plain_flags(super().get_params(ctx))


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> Any:
        return _with_plain_flags(super().get_params(ctx))


def command(app: typer.Typer, name: str | None = None) -> Callable[[Command], Command]:
    """Make a function a command of `app`, called `name` or as the function is."""

    def add(function: Command) -> Command:
        app.command(name, cls=_Command)(spread(function))
        return function

    return add


def spread(function: Command) -> Command:
    """`function`, which takes the fields of its Options one by one."""
    own = inspect.signature(function, eval_str=True).parameters
    groups = {name: each.annotation for name, each in own.items() if _is_group(each.annotation)}

    @functools.wraps(function)
    def spreading(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field: given.pop(field) for field in _fields(group)})
        function(**given)

    flat = {field: each for name, each in own.items() for field, each in _spread(name, each).items()}
    by_name = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in flat.values()]
    spreading.__signature__ = inspect.Signature(by_name)  # type: ignore[attr-defined]
    return spreading


def _spread(name: str, parameter: inspect.Parameter) -> Mapping[str, inspect.Parameter]:
    return _fields(parameter.annotation) if _is_group(parameter.annotation) else {name: parameter}


def _is_group(annotation: Any) -> bool:
    return inspect.isclass(annotation) and issubclass(annotation, Options)


def _fields(group: type[Options]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(group, eval_str=True).parameters


def _with_plain_flags(parameters: list[Any]) -> list[Any]:
    """`parameters`, whose flags are shown without a type, since they take no value."""
    for each in parameters:
        if isinstance(each, TyperOption) and each.is_flag:
            each.metavar = ""
    return parameters
