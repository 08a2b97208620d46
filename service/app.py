"""The composition root: the only place that builds the parts."""

import os
from pathlib import Path

from flask import Flask

from service.api.http import instrumentation, problems
from service.api.http.context import Services
from service.api.http.request_body import Bounds
from service.api.routes.mlflow import mlflow
from service.api.routes.models import VersionConverter, models
from service.api.routes.open_inference import inference_protocol
from service.api.routes.operations import documentation, operations
from service.api.routes.prediction import predicting
from service.api.routes.training import training
from service.artifact import torchscript
from service.fastpath import predict
from service.observability.metrics import Metrics
from service.observability.model_metrics import ModelMetricsCollector
from service.observability.request_log import Recorder
from service.serving.predictor import Predictor
from service.settings import Settings
from service.store import FolderStore, Store
from service.training.trainer import Trainer


def create_app(settings: Settings | None = None, store: Store | None = None) -> Flask:
    """The service as a WSGI app, set up from the environment unless `settings` are given, over the store that they name
    unless another is."""
    settings = settings or Settings.from_environment(os.environ)
    torchscript.prepare()
    store = store or FolderStore(Path(settings.store))
    metrics = Metrics(settings.metrics_max_models)
    predictor = Predictor(store, settings.model_cache_size, settings.store_refresh_seconds)
    app = Flask("descent", static_folder=None)
    app.extensions["descent.bounds"] = Bounds(
        settings.max_body_bytes, settings.max_stream_bytes, settings.max_decompression_ratio, settings.max_columns
    )
    app.extensions["descent"] = Services(
        store=store,
        trainer=Trainer(
            store,
            settings.max_columns,
            settings.max_autograd_epochs,
            settings.keep_versions,
            settings.fit_threads,
            settings.max_body_bytes,
        ),
        predictor=predictor,
        metrics=metrics,
        facts=ModelMetricsCollector(store, settings.metrics_max_models, settings.store_refresh_seconds),
    )
    app.url_map.merge_slashes = False
    app.url_map.converters["version"] = VersionConverter
    problems.register(app)
    recorder = Recorder(metrics, settings.log_min_duration_ms)
    instrumentation.register(app, recorder)
    for blueprint in (training, predicting, models, operations, inference_protocol, mlflow, documentation):
        app.register_blueprint(blueprint)
    quick_way = app.extensions[predict.EXTENSION] = predict.PredictFastPath(predictor, metrics, recorder)
    app.wsgi_app = quick_way.wrap(app.wsgi_app)  # type: ignore[method-assign, assignment]
    return app
