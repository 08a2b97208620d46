"""Training of one model, or of one model for each group of rows."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from flask import Blueprint, g, request

from service.api.http import ignored_columns
from service.api.http.context import services
from service.api.http.endpoint import Endpoint
from service.api.http.response import ViewResult
from service.api.routes import groups
from service.api.routes.versions import version_json, version_path
from service.api.schemas import fit_responses, group_requests, query, requests
from service.errors import InvalidRequest
from service.formats import dataset
from service.formats.labels import Numbers
from service.observability.request_log import training_outcome
from service.training.idempotency import Token
from service.training.request import Conditions, Request
from service.training.trainer import Trained

training = Blueprint("training", __name__)

LONGEST_KEY = 255
GROUP_HEADERS = {
    "Idempotency-Key": f"A key of 1 to {LONGEST_KEY} printable characters that makes the training safe to repeat. A "
    "repeated request returns the first response with the header `Idempotency-Replayed: true`, or with `replayed` in "
    "the result of a group.",
    "If-None-Match": "`*` trains only a model that does not exist yet; otherwise the status is 412.",
}
HEADERS = GROUP_HEADERS | {
    "If-Match": "Trains only if the newest version has this ETag; otherwise the status is 412. `*` matches any version."
}

NOT_OPTIONS = {"rows", "x", "y", "sample_weight", "append", "decay", "dry_run", "group", "prefix"}


def train(model: str, body: dict[str, Any]) -> ViewResult:
    """Fit linear or ridge regression by gradient descent, and publish it as the next version of the model."""
    rows: dataset.LabelledRows = body["rows"]()
    trained = _train(model, body, rows, _key())
    report = trained.report | rows.missing_values.report()
    if trained.version is None:
        value = {"model": model, "version": None, "serving": None, **report}
        return ViewResult(value, status=200, ignored=rows.ignored)
    value = version_json(model, trained.version.number, report, trained.artifact) | {"serving": trained.serving}
    headers = {"ETag": f'"{value["etag"]}"', "Location": version_path(model, value["version"])}
    if trained.replayed:
        headers["Idempotency-Replayed"] = "true"
    return ViewResult(value, lambda: headers, ignored=rows.ignored)


TRAIN = Endpoint(
    fit_responses.FitResponse(),
    request_schema=requests.TrainRequest(),
    table_schema=requests.TrainTableQuery(),
    request_headers=HEADERS,
    status=201,
    error_statuses=(409, 412),
    other_statuses={200: "The fit of a dry run, which published nothing."},
    response_headers={
        "ETag": "The tag of the new version, for `If-Match`.",
        "Location": "The path of the new version.",
        "Idempotency-Replayed": "`true` if this is the response of an earlier training with the same key.",
        **ignored_columns.RESPONSE_HEADERS,
    },
    counted_as="training",
)
training.post("/train", endpoint="train")(replace(TRAIN, query_schema=query.ModelQuery())(train))
training.post("/models/<model>/train", endpoint="train_model")(TRAIN(train))


@training.post("/models:train")
@Endpoint(
    fit_responses.GroupTrainResponse(),
    request_schema=group_requests.GroupTrainRequest(),
    table_schema=group_requests.GroupTrainTableQuery(),
    request_headers=GROUP_HEADERS,
    response_headers=groups.RESPONSE_HEADERS,
    counted_as="group-training",
)
def train_groups(body: dict[str, Any]) -> ViewResult:
    """Train a model for each group of rows. The result of a group that fails has a problem, and the other groups are
    trained. With an idempotency key, `replayed` marks the groups that an earlier request published."""
    if "If-Match" in request.headers:
        raise InvalidRequest("If-Match: is the tag of one version; train each model in a request of its own.")
    key, rows = _key(), groups.load_rows(body)
    ignored: list[Sequence[str]] = []

    def train_group(model: str, numbers: Numbers) -> dict[str, Any]:
        labelled = rows.labelled(numbers)
        trained = _train(model, body, labelled, key)
        ignored.append(labelled.ignored)
        version = trained.version.number if trained.version else None
        summary = {name: trained.report[name] for name in fit_responses.SUMMARY} | labelled.missing_values.report()
        replayed = {"replayed": True} if trained.replayed else {}
        return {"version": version, **summary, **replayed, **ignored_columns.member(labelled.ignored)}

    results = []
    for result in groups.group_results(rows, body["prefix"], train_group):
        status = result["problem"]["status"] if "problem" in result else 200
        services().metrics.counter("descent_trainings_total", training_outcome(status)).add(1)
        results.append({name: value for name, value in result.items() if name != "rows"})
    return groups.result_of(rows, results, ignored)


def _train(model: str, body: dict[str, Any], rows: dataset.LabelledRows, key: str | None) -> Trained:
    training_request = Request(
        batches=(batch for batch, _ in rows.batches),
        columns=rows.columns,
        explicit_options={name: value for name, value in body.items() if name not in NOT_OPTIONS},
        append=body["append"],
        decay=body["decay"],
        token=None if key is None else partial(_token, key, model),
        conditions=_conditions(),
        in_table=rows.in_table,
        row_numbers=rows.row_numbers.columns,
    )
    trainer = services().trainer
    return (trainer.dry_run if body["dry_run"] else trainer.train)(model, training_request)


def _key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (1 <= len(key) <= LONGEST_KEY and key.isprintable()):
        found = f"has {len(key)} characters, or some that are not printable"
        raise InvalidRequest(f"Idempotency-Key: {found}; give 1 to {LONGEST_KEY} printable characters.")
    return key


def _token(key: str, model: str) -> Token:
    """Return the identity of the request, once the body is read."""
    return Token.of(key, model.encode(), request.query_string, g.body.digest)


def _conditions() -> Conditions:
    match = None
    if "If-Match" in request.headers:
        # Compressed responses have weak tags, which identify the version as strong ones do.
        match = frozenset({"*"} if request.if_match.star_tag else request.if_match.as_set(include_weak=True))
    return Conditions(match, none_match=request.if_none_match.star_tag)
