"""The routes. A view takes what its schemas have read and says what to answer."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, current_app, request
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from werkzeug.routing import BaseConverter

from service import __version__, torchscript
from service.api import schemas
from service.api.answers import Answer
from service.api.operation import operation
from service.errors import StoreUnavailable
from service.fitting import Options
from service.formats.rows import Unlabelled
from service.formats.source import Columns
from service.metrics import Metrics
from service.predictor import LoadedModel, Predictor
from service.store import Store, Version
from service.training import Trainer

routes = Blueprint("descent", __name__)

PLAIN = "text/plain; charset=utf-8"
OPTIONS = ("method", "learning_rate", "epochs", "seed", "initial", "standardize", "fit_intercept", "l2")


class VersionConverter(BaseConverter):
    """A version's number in a path."""

    regex = "0|[1-9][0-9]*"

    def to_python(self, value: str) -> int:
        """The number; one that no version can have stands for all of those."""
        return int(value[:20])


@dataclass(frozen=True)
class Parts:
    """What the views work with."""

    store: Store
    trainer: Trainer
    predictor: Predictor
    metrics: Metrics
    facts: Collector


def parts() -> Parts:
    """The parts of the running app."""
    found: Parts = current_app.extensions["descent"]
    return found


def train(model: str, body: dict[str, Any]) -> Answer:
    rows = body["rows"]
    options = Options(**{name: body[name] for name in OPTIONS})
    published = parts().trainer.train(model, rows.batches, rows.columns, options)
    answer = _fit_answer(published.version, published.report, published.artifact)
    return Answer(answer | rows.sieve.report(), {"Location": _path_of(published.version)})


def predict(model: str, body: dict[str, Any], version: int | None = None) -> Answer:
    loaded = parts().predictor.model(model, version)
    answer = {"model": model, "version": loaded.version.number}
    if "rows" in body:
        rows = body["rows"]
        return Answer(answer, batches=_predictions(loaded, rows), last=rows.sieve.report)
    table = body["x"]
    y = loaded.predict(loaded.columns.arrange(table.values, table.names, "/x"), table.pointer)
    count_predictions(model, len(y))
    return Answer(answer | {"y": y[0] if table.bare else y} | body["sieve"].report())


def _predictions(loaded: LoadedModel, rows: Unlabelled) -> Iterator[Columns]:
    """ŷ of each batch of `rows`, counted when all are there."""
    count = 0

    def pointer(row: int) -> str:
        return f"/x/{count + row}"

    for x in rows.batches:
        y = loaded.predict(loaded.columns.arrange(x, rows.names, "/x"), pointer)
        count += len(y)
        yield {"y": y}
    count_predictions(loaded.version.model, count)


def count_predictions(model: str, rows: int) -> None:
    """Count one answered request for a prediction of so many rows."""
    counters = parts().metrics.counters
    counters["descent_predictions_total"].labels(model).inc()
    counters["descent_predicted_rows_total"].labels(model).inc(rows)


TRAIN = operation(
    "Fit a line and publish it as a version",
    schemas.FitAnswer,
    body=schemas.TrainRequest,
    table=schemas.TrainTable,
    status=201,
    counts="training",
)
PREDICT = operation(
    "Predict ŷ for x",
    schemas.PredictAnswer,
    body=schemas.PredictRequest,
    table=schemas.PredictTable,
    columns=("y",),
    counts="prediction",
)

routes.post("/train", endpoint="train")(TRAIN(train, schemas.ModelQuery))
routes.post("/models/<model>/train", endpoint="train_model")(TRAIN(train))
routes.post("/predict", endpoint="predict")(PREDICT(predict, schemas.ModelQuery))
routes.post("/models/<model>/predict", endpoint="predict_model")(PREDICT(predict))
routes.post("/models/<model>/versions/<version:version>/predict", endpoint="predict_version")(PREDICT(predict))


@routes.get("/models")
@operation("List models", schemas.ModelsAnswer, query=schemas.ModelsQuery)
def list_models(prefix: str, limit: int, page_token: str) -> Answer:
    names = sorted(name for name in parts().store.models() if name.startswith(prefix) and name > page_token)
    more = {"next_page_token": names[limit - 1]} if len(names) > limit else {}
    return Answer({"models": [_model_answer(name) for name in names[:limit]], **more})


@routes.get("/models/<model>")
@operation("Show a model", schemas.ModelAnswer)
def show_model(model: str) -> Answer:
    return Answer(_model_answer(model))


@routes.get("/models/<model>/versions")
@operation("List the versions of a model", schemas.ModelAnswer)
def list_versions(model: str) -> Answer:
    return Answer(_model_answer(model))


@routes.get("/models/<model>/versions/<version:version>")
@operation("Show the report of a version", schemas.FitAnswer)
def show_version(model: str, version: int) -> Answer:
    found = parts().store.version(model, version)
    artifact = parts().store.read(found)
    return Answer(_fit_answer(found, torchscript.read_report(artifact), artifact))


@routes.get("/models/<model>/versions/<version:version>/history")
@operation("Show the loss curve of a version", schemas.HistoryAnswer)
def show_history(model: str, version: int) -> Answer:
    found = parts().store.version(model, version)
    report = torchscript.read_report(parts().store.read(found))
    return Answer({"model": model, "version": version, **report["history"]})


@routes.get("/models/<model>/versions/<version:version>/artifact")
def send_artifact(model: str, version: int) -> Response:
    """The TorchScript file of a version, if it is as it was written."""
    artifact = parts().store.read(parts().store.version(model, version))
    torchscript.check_seal(artifact)
    headers = {"Content-Disposition": f'attachment; filename="{model}-{version}.pt"'}
    return Response(artifact, content_type="application/octet-stream", headers=headers)


@routes.get("/metrics")
def metrics() -> Response:
    """The facts and events, in the format that the scraper accepts."""
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(parts().metrics.scrape(parts().facts)), content_type=content_type)


@routes.get("/livez")
def livez() -> Response:
    """Whether the process answers."""
    return Response("ok\n", content_type=PLAIN)


@routes.get("/readyz")
def readyz() -> Response:
    """Whether models can be read and trained."""
    if parts().store.is_ready():
        return Response("ok\n", content_type=PLAIN)
    raise StoreUnavailable("The store's folder cannot be read and written (DESCENT_STORE).")


@routes.get("/version")
def version() -> Response:
    """The release."""
    return Response(f"{__version__}\n", content_type=PLAIN)


def _fit_answer(version: Version, report: dict[str, Any], artifact: bytes) -> dict[str, Any]:
    return {
        "model": version.model,
        "version": version.number,
        "serving": parts().store.serving(version.model).number,
        **report,
        "artifact": {
            "href": f"{_path_of(version)}/artifact",
            "sha256": hashlib.sha256(artifact).hexdigest(),
            "bytes": len(artifact),
        },
    }


def _model_answer(model: str) -> dict[str, Any]:
    store = parts().store
    return {"model": model, "serving": store.serving(model).number, "versions": store.versions(model)}


def _path_of(version: Version) -> str:
    return f"/models/{version.model}/versions/{version.number}"
