"""Operations: metrics, liveness, readiness, version and API documentation."""

from flask import Blueprint, Response, current_app, redirect, request
from flask_swagger_ui import get_swaggerui_blueprint
from prometheus_client.exposition import choose_encoder
from werkzeug.wrappers import Response as BaseResponse

from service import __version__
from service.api.http.context import services
from service.api.http.endpoint import Endpoint
from service.api.openapi import document
from service.formats import json

operations = Blueprint("operations", __name__)
documentation = get_swaggerui_blueprint(
    "/docs", "/openapi.json", config={"app_name": "Descent", "oauth2RedirectUrl": "/docs/oauth2-redirect.html"}
)


@operations.get("/")
def root() -> BaseResponse:
    """Redirect to the API documentation."""
    return redirect("/docs/")


@operations.get("/metrics")
@Endpoint(None, query_schema=None, media_type="text/plain")
def metrics() -> Response:
    """Show the metrics for Prometheus. The `Accept` header chooses between the text format and OpenMetrics."""
    try:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    except TypeError:  # from prometheus_client, which compares versions of different types
        encode, content_type = choose_encoder("")
    text = encode(services().metrics.scrape(services().model_metrics))
    return Response(text, content_type=content_type, headers={"Vary": "Accept"})


@operations.get("/livez")
@Endpoint(None, query_schema=None, media_type="text/plain")
def livez() -> Response:
    """Check that the process is alive."""
    return Response("ok\n", mimetype="text/plain")


@operations.get("/readyz")
@Endpoint(None, query_schema=None, media_type="text/plain", error_statuses=(503,))
def readyz() -> Response:
    """Check that models can be read and trained."""
    services().store.check_ready()
    return Response("ok\n", mimetype="text/plain")


@operations.get("/version")
@Endpoint(None, query_schema=None, media_type="text/plain")
def version() -> Response:
    """Show the version of the software."""
    return Response(f"{__version__}\n", mimetype="text/plain")


@operations.get("/openapi.json")
@Endpoint(None, query_schema=None)
def openapi() -> Response:
    """Show this document. It describes all calls, in OpenAPI 3.1."""
    return Response(json.encode(document(current_app)), content_type=json.MEDIA_TYPE)
