"""The composition root: the only place that builds objects."""

import os
from collections.abc import Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, Request
from werkzeug.routing import MapAdapter

from service.api.http import instrumentation, problems
from service.api.http.body_adapter import START_RESPONSE, WSGIBodyAdapter
from service.api.http.context import EXTENSION, Services
from service.api.routes.mlflow import mlflow
from service.api.routes.models import VersionConverter, models
from service.api.routes.open_inference import inference_protocol
from service.api.routes.operations import documentation, operations
from service.api.routes.prediction import predicting
from service.api.routes.training import training
from service.artifact import torchscript
from service.core.statistics import MakeExecutor
from service.fastpath.middleware import FastPathMiddleware
from service.fastpath.predict import PredictFastPath
from service.formats.table import Limits
from service.observability.metrics import Metrics
from service.observability.model_metrics import ModelMetricsCollector
from service.observability.request_log import Recorder
from service.serving.predictor import Predictor
from service.settings import Settings
from service.store import Store
from service.training.trainer import Trainer

BLUEPRINTS = (training, predicting, models, operations, inference_protocol, mlflow, documentation)


class App(Flask):
    """The WSGI app: Flask behind the fast path.

    fast_path: predictions from memory, for servers that call it in their event loop.
    """

    def __init__(self, services: Services, recorder: Recorder) -> None:
        super().__init__("descent", static_folder=None)
        self.extensions[EXTENSION] = services
        self.url_map.merge_slashes = False
        self.url_map.converters["version"] = VersionConverter
        problems.register(self)
        instrumentation.register(self, recorder)
        for blueprint in BLUEPRINTS:
            self.register_blueprint(blueprint)
        predictor, metrics = services.predictor, services.metrics
        self.fast_path = PredictFastPath(predictor.cached_or_elect_refresher, metrics, recorder)
        self._respond = FastPathMiddleware(super().wsgi_app, PredictFastPath(predictor.cached, metrics, recorder))

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Bind the routes to a request. werkzeug ignores repeated slashes at the start of a path, so one is escaped."""
        adapter = super().create_url_adapter(request)
        if adapter is not None and adapter.path_info.startswith("//"):
            adapter.path_info = "/%2F" + adapter.path_info[2:]
        return adapter

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Respond on the fast path where it can, and else with Flask."""
        environ[START_RESPONSE] = start_response
        return self._respond(environ, start_response)


def create_app(
    settings: Settings | None = None,
    *,
    store: Store | None = None,
    make_executor: MakeExecutor | None = None,
    body_adapter: WSGIBodyAdapter | None = None,
) -> App:
    """Return the service as a WSGI app.

    settings: by default those of the environment. store: by default the folder that the settings name.
    make_executor: starts the threads that read and factor the rows of long trainings; by default the caller reads.
    body_adapter: access to bodies and connections of the WSGI server; by default that of PEP 3333.
    """
    settings = settings or Settings.from_environment(os.environ)
    torchscript.prepare()
    store = store or Store(Path(settings.store))
    metrics = Metrics(settings.metrics_max_models)
    services = Services(
        store=store,
        trainer=Trainer(
            store,
            settings.max_columns,
            settings.max_autograd_epochs,
            settings.keep_versions,
            settings.fit_threads,
            settings.max_body_bytes,
            make_executor,
        ),
        predictor=Predictor(store, settings.model_cache_size, settings.store_refresh_seconds),
        metrics=metrics,
        model_metrics=ModelMetricsCollector(store, settings.metrics_max_models, settings.store_refresh_seconds),
        settings=settings,
        format_limits=Limits(settings.max_body_bytes, settings.max_decompression_ratio),
        body_adapter=body_adapter or WSGIBodyAdapter(),
    )
    return App(services, Recorder(metrics, settings.log_min_duration_ms))
