"""Training: one model, or one for each group of rows."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Blueprint, g, request

from service.api.http.context import services
from service.api.http.endpoint import Endpoint
from service.api.http.response import ViewResult
from service.api.routes.groups import RowNumbers, each_group
from service.api.routes.versions import fit_answer, path_of
from service.api.schemas import fit_responses, requests
from service.errors import InvalidRequest
from service.formats import dataset
from service.formats.arrays import Table
from service.training.idempotency import Token
from service.training.trainer import Conditions, Request, Trained

training = Blueprint("training", __name__)

NOT_OPTIONS = {"rows", "x", "y", "sample_weight", "append", "decay", "dry_run", "group", "prefix"}


def train(model: str, body: dict[str, Any]) -> ViewResult:
    """Fit a line by gradient descent and publish it as the next version of the model."""
    wanted = _request(body, body["rows"], _token(_key(), model), _conditions())
    dropped = body["rows"].missing_values.report
    if body["dry_run"]:
        return ViewResult(fit_answer(model, services().trainer.dry_run(model, wanted)) | dropped(), status=200)
    trained = services().trainer.train(model, wanted)
    answer = fit_answer(model, trained) | dropped()
    headers = {"ETag": f'"{answer["etag"]}"', "Location": path_of(model, answer["version"])}
    if trained.replayed:
        headers["Idempotency-Replayed"] = "true"
    return ViewResult(answer, lambda: headers)


TRAIN = Endpoint(
    fit_responses.FitAnswer(),
    body=requests.TrainRequest(),
    table=requests.TrainTable(),
    headers=requests.TrainHeaders(),
    status=201,
    problems=(404, 409, 412, 503),
    also={200: "The fit of a dry run, which published nothing."},
    counts="training",
    sends={
        "ETag": "The tag of the new version, for `If-Match`.",
        "Location": "The path of the new version.",
        "Idempotency-Replayed": "`true` if this repeats the answer of an earlier training with the same key.",
    },
)
training.post("/train", endpoint="train")(replace(TRAIN, query=requests.ModelQuery())(train))
training.post("/models/<model>/train", endpoint="train_model")(TRAIN(train))


@training.post("/models:train")
@Endpoint(
    fit_responses.GroupFitsAnswer(),
    body=requests.GroupTrainRequest(),
    headers=requests.GroupTrainHeaders(),
    counts="training",
)
def train_groups(body: dict[str, Any]) -> ViewResult:
    """Train a model for each group of rows. A group that fails has a problem for its result; the others are
    trained all the same. With a key, a result says whether an earlier request with the same key published it."""
    if "If-Match" in request.headers:
        raise InvalidRequest("If-Match: one version's tag cannot stand for those of many models; train each by itself.")
    y, weight = body["y"], body["sample_weight"]
    key, conditions = _key(), _conditions()

    def train_one(model: str, table: Table, numbers: RowNumbers) -> dict[str, Any]:
        own = dataset.labelled_table(table, y[numbers], None if weight is None else weight[numbers], "error")
        wanted = _request(body, own, _token(key, model), conditions)
        trainer = services().trainer
        trained = trainer.dry_run(model, wanted) if body["dry_run"] else trainer.train(model, wanted)
        return _summary(trained)

    return ViewResult({"results": each_group(body, train_one)})


def _request(
    body: dict[str, Any], data: dataset.LabelledRows, token: Callable[[], Token] | None, conditions: Conditions
) -> Request:
    return Request(
        batches=(batch for batch, _ in data.batches),
        columns=data.columns,
        given={name: value for name, value in body.items() if name not in NOT_OPTIONS},
        append=body["append"],
        decay=body["decay"],
        token=token,
        conditions=conditions,
        in_table=data.in_table,
    )


def _key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (1 <= len(key) <= requests.LONGEST_KEY and key.isprintable()):
        raise InvalidRequest(f"Idempotency-Key: give 1 to {requests.LONGEST_KEY} printable characters.")
    return key


def _token(key: str | None, model: str) -> Callable[[], Token] | None:
    """What makes the token once the body is read; None without a key."""
    if key is None:
        return None
    return lambda: Token.of(key, model.encode(), request.query_string, g.body.digest)


def _conditions() -> Conditions:
    match = None
    if "If-Match" in request.headers:
        # A weak tag is that of a compressed answer, and names the version as well as a strong one does.
        match = frozenset({"*"} if request.if_match.star_tag else request.if_match.as_set(include_weak=True))
    return Conditions(match, none_match=request.if_none_match.star_tag)


def _summary(trained: Trained) -> dict[str, Any]:
    report = trained.report
    names = ("w", "b", "n", "loss", "r2", "epochs", "converged", "warnings")
    summary = {
        "version": trained.version.number if trained.version else None,
        **{name: report[name] for name in names},
    }
    return summary | {"replayed": True} if trained.replayed else summary
