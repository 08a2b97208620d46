"""Operations: metrics, liveness, readiness, version and API documentation."""

from collections.abc import Callable

from flask import Blueprint, Response, current_app, redirect, request
from flask_swagger_ui import get_swaggerui_blueprint
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
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
    encode, content_type = _encoder(request.headers.get("Accept", ""))
    text = encode(services().metrics.scrape(services().facts))
    return Response(text, content_type=content_type, headers={"Vary": "Accept"})


def _encoder(accept: str) -> tuple[Callable[[Collector], bytes], str]:
    """Return the encoder for an `Accept` header and its media type; the text format if the version is not a number."""
    try:
        return choose_encoder(accept)
    except TypeError:  # from prometheus_client, which compares versions of different types
        return choose_encoder("")


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
