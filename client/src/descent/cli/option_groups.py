"""Options that appear under a heading of their own in --help, and options that many commands share."""

from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


class GroupedOption(click.Option):
    """An option that --help shows under the heading `group`."""

    def __init__(self, *args: Any, group: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group


class GroupedCommand(click.Command):
    """A command whose --help has a section for each group of options, after the section "Options"."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx)):
                heading = parameter.group if isinstance(parameter, GroupedOption) else "Options"
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)


def grouped_option(group: str) -> Callable[..., Decorator]:
    """Return `click.option` for options under the heading `group`."""

    def option(*declarations: str, **attributes: Any) -> Decorator:
        return click.option(*declarations, cls=GroupedOption, group=group, **attributes)

    return option


def option_group(*options: Decorator) -> Decorator:
    """Return a decorator that adds `options` to a command, in this order."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate
