"""Write the tables of options, settings and metrics in the README from the code: scripts/tables."""

import dataclasses
import json
import re
from collections.abc import Iterable
from pathlib import Path

import marshmallow

from service.api.schemas.options import WORDS, ContinueOptions, FitOptions, MatchOptions, PredictOptions, RowOptions
from service.api.schemas.requests import LabelledRequest
from service.observability import metrics
from service.settings import Settings, variable
from service.training.options import Options

README = Path(__file__).parents[1] / "README.md"
OPTIONS = [(FitOptions, LabelledRequest), (ContinueOptions,), (PredictOptions, MatchOptions, RowOptions)]
"""The schemas of each table of options."""


def option_table(*schemas: type[marshmallow.Schema]) -> str:
    """Return the optional fields of `schemas`."""
    fields = [item for schema in schemas for item in schema().fields.items() if not item[1].required]
    return _table(
        ("option", "default", "meaning"),
        ((f"`{name}`", f"`{json.dumps(default(name, field))}`", about(field)) for name, field in fields),
    )


def default(name: str, field: marshmallow.fields.Field) -> object:
    """Return the value of a field that is not given, None if there is none."""
    if name in FitOptions().fields:
        return WORDS.get(name, getattr(Options, name))
    return None if field.load_default is marshmallow.missing else field.load_default


def about(field: marshmallow.fields.Field) -> str:
    """Return the description of a field."""
    return str(field.metadata["description"])


def setting_table() -> str:
    """Return the settings."""
    defaults = {"workers": "cores", "fit_threads": "cores"}
    return _table(
        ("variable", "default", "meaning"),
        (
            (f"`{variable(field.name)}`", f"`{defaults.get(field.name, field.default)}`", field.metadata["about"])
            for field in dataclasses.fields(Settings)
        ),
    )


def metric_table() -> str:
    """Return the metrics."""
    kinds = {"store": "gauge", "latest": "gauge"}
    return _table(
        ("metric", "kind", "labels", "meaning"),
        (
            (f"`{metric.name}`", kinds.get(metric.kind, metric.kind), ", ".join(metric.labels), metric.about)
            for metric in metrics.TABLE
        ),
    )


def _table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    heading = list(heading)
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Replace the tables of the README."""
    option_tables = [option_table(*schemas) for schemas in OPTIONS]
    text = README.read_text("utf-8")
    for table in (metric_table(), setting_table(), *option_tables):
        heading, rule, first, *_ = map(re.escape, table.splitlines())
        # Tables of options have the same heading, so the first option identifies each.
        first = first.split(r"\ \|\ ")[0] if table in option_tables else r"\|"
        text, count = re.subn(
            rf"^{heading}\n{rule}\n(?={first})(\|.*\n)+", lambda _, table=table: table, text, flags=re.MULTILINE
        )
        assert count == 1, f"the README has {count} tables that start with {first}"  # noqa: S101 - a tool's own check
    README.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
