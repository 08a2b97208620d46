"""Commands that train, predict and evaluate."""

import json
from pathlib import Path
from typing import Any

import click

from descent.cli import display
from descent.cli.files import data_file, media_type_to_write, upload_progress, write
from descent.cli.groups import check_group, exit_if_any_failed, exit_if_failed
from descent.cli.option_groups import GroupedCommand
from descent.cli.options import (
    Target,
    column_options,
    csv_options,
    file_argument,
    given,
    group_options,
    model_option,
    out_option,
    prediction_options,
    strict_option,
    target_options,
    training_options,
    version_option,
)
from descent.cli.session import session
from descent.cli.terminal import show
from descent.request_body import JSON


@click.command(cls=GroupedCommand)
@file_argument
@model_option
@group_options
@column_options
@csv_options
@training_options
@target_options
def train(file: Path, model: str, target: Target, append_to: int | None, **options: Any) -> None:
    """Train a model on a file and publish its next version. With --group, train a model for each label.

    FILE is a .csv, .tsv, .parquet, .arrow, .feather, .ndjson, .npy or .json file. A .json file holds a request,
    {"x": ..., "y": ...}, which may have options inside.
    """
    if append_to:
        options["append"] = append_to
    options = given(options)
    rows, by_group = data_file(file, options), check_group(options, model)
    with session(target, creates_store=True) as client, upload_progress(rows) as sent:
        report = client.train_file(sent, model=model, **options)
    show(report, display.group_fits if by_group else display.fit, as_json=target.as_json)
    exit_if_failed(report, as_json=target.as_json)


@click.command(cls=GroupedCommand)
@file_argument
@model_option
@version_option
@out_option(help="File to write the predictions to, in the format of its suffix.")
@group_options
@prediction_options
@csv_options
@target_options
def predict(file: Path, model: str, version: int | None, out: Path | None, target: Target, **options: Any) -> None:
    """Predict y for the rows of a file. With --group, predict with the model of each label.

    FILE is a .csv, .tsv, .parquet, .arrow, .feather, .ndjson, .npy or .json file. A .json file holds a request,
    {"x": ...}, which may have options inside.
    """
    options = given(options)
    rows, accept = data_file(file, options), media_type_to_write(out) if out else JSON
    by_group = check_group(options, model, version)
    with session(target) as client, upload_progress(rows) as sent:
        pieces = client.predict_file(sent, model=model, version=version, accept=accept, **options)
        if out:
            write(out, pieces)
            exit_if_any_failed(pieces.failed_groups)
            return
        answer = json.loads(b"".join(pieces))
    show(answer, display.group_predictions if by_group else display.predictions, as_json=target.as_json)
    exit_if_failed(answer, as_json=target.as_json)


@click.command(cls=GroupedCommand)
@file_argument
@model_option
@version_option
@column_options
@csv_options
@strict_option
@target_options
def evaluate(file: Path, model: str, version: int | None, target: Target, **options: Any) -> None:
    """Compare predictions with the observed values in a file."""
    options = given(options)
    rows = data_file(file, options)
    with session(target) as client, upload_progress(rows) as sent:
        answer = client.evaluate_file(sent, model=model, version=version, **options)
    show(answer, display.evaluation, as_json=target.as_json)
