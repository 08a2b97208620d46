"""The quick way of the commonest call, rows to predict in a JSON body: past Flask's router, request and response.

It answers what it surely answers as the ordinary way would, and gives back everything else: refusals, options, other
media types, models that are not in memory. Decoding, prediction, metrics and log lines are the ordinary way's own.
"""

import io
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import numpy as np
from flask import Flask
from gunicorn.http.errors import ParseException

from service.api.answers import SMALLEST_ENCODED
from service.api.predictions import Predictions
from service.api.record import REQUEST_ID, Answered, Recorder, request_id
from service.core.bounds import all_finite
from service.core.statistics import FloatArray
from service.errors import DescentError
from service.formats import arrays, bulk, json
from service.metrics import Metrics
from service.predictor import LoadedModel, Predictor
from service.store.contract import NAME

MOST_BYTES = 1 << 18
"""From here on what the ordinary way does besides is small against the rows themselves."""
DEFAULT_MODEL = "default"
CONTENT_TYPES = frozenset({"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"})
ACCEPTS = frozenset({"*/*", "application/json", "application/json, */*"})
SELDOM = frozenset({"HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_ENCODING"})

_LABEL = "[A-Za-z0-9-]{1,63}"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]{{1,5}})?")
_QUERY = re.compile(f"model=({NAME.pattern})")
_PATH = re.compile(f"/models/({NAME.pattern})(?:/versions/([1-9][0-9]{{0,17}}))?/predict")


EXTENSION = "descent.quick"


class Call(NamedTuple):
    """What is called: the pattern of the route, and the version; the serving one if it has no number."""

    route: str
    model: str
    version: int | None = None


class Reply(NamedTuple):
    """An answer of status 200."""

    headers: list[tuple[str, str]]
    body: bytes


def recognised(environ: Mapping[str, Any]) -> Call | None:
    """The call of a request with the headers of `environ`, if the quick way may answer it once its body is there."""
    length = environ.get("CONTENT_LENGTH", "")
    if (
        environ["REQUEST_METHOD"] == "POST"
        and environ.get("CONTENT_TYPE") in CONTENT_TYPES
        and environ.get("HTTP_ACCEPT", "*/*") in ACCEPTS
        and length.isdecimal()
        and len(length) < 7
        and 0 < int(length) < (bulk.LEAST_BYTES if "HTTP_ACCEPT_ENCODING" in environ else MOST_BYTES)
        and SELDOM.isdisjoint(environ)
        and _is_plain_host(environ.get("HTTP_HOST", "localhost"))
    ):
        return _called(environ["PATH_INFO"], environ.get("QUERY_STRING", ""))
    return None


def _called(path: str, query: str) -> Call | None:
    if path == "/predict":
        named = _QUERY.fullmatch(query)
        if named or not query:
            return Call(path, named[1] if named else DEFAULT_MODEL)
    elif not query and (found := _PATH.fullmatch(path)):
        model, number = found.groups()
        if number is None:
            return Call("/models/<model>/predict", model)
        return Call("/models/<model>/versions/<version:version>/predict", model, int(number))
    return None


class Asked(NamedTuple):
    """A call whose rows can be predicted with what is in memory."""

    call: Call
    environ: Mapping[str, Any]
    size: int
    loaded: LoadedModel
    x: FloatArray
    bare: bool
    started: float


class QuickWay:
    """Predicts with what `predictor` has in memory."""

    def __init__(self, predictor: Predictor, metrics: Metrics, recorder: Recorder) -> None:
        self._predictor = predictor
        self._metrics = metrics
        self._recorder = recorder

    def in_front_of(self, app: WSGIApplication) -> WSGIApplication:
        """`app`, asked only for what is given back."""

        def respond(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            started = time.perf_counter()
            call = recognised(environ)
            body = None if call is None else _body(environ)
            asked = None if call is None or body is None else self.read(call, environ, body, started)
            [reply] = [None] if asked is None else self.answer([asked])
            if reply is None:
                return app(environ, start_response)
            start_response("200 OK", reply.headers)
            return [reply.body]

        return respond

    def read(self, call: Call, environ: Mapping[str, Any], body: bytes, started: float) -> Asked | None:
        """What a recognised call asks, of which the first byte was read when `started`; None to give it back."""
        loaded = self._predictor.known(call.model, call.version)
        if loaded is None:
            return None
        try:
            value = json.decode_rows(body)
            if type(value) is not dict or value.keys() != {"x"}:
                return None
            table = arrays.table(value["x"], "/x")
            x = loaded.columns.arrange(table.values, table.names, "/x")
        except DescentError:
            return None
        self._recorder.in_progress.inc()
        return Asked(call, environ, len(body), loaded, x, table.bare, started)

    def answer(self, together: Sequence[Asked]) -> list[Reply | None]:
        """The answer to each of the calls, predicted together; None, of which nothing is told, to give it back.

        A row has the same bits alone and in any batch (see `service.torchscript`), and a batch costs what a row does.
        """
        try:
            predicted = _predicted(together)
            return [self._reply(asked, predicted[i]) for i, asked in enumerate(together)]
        finally:
            self._recorder.in_progress.dec(len(together))

    def _reply(self, asked: Asked, y: FloatArray) -> Reply | None:
        loaded, environ = asked.loaded, asked.environ
        value = {"model": asked.call.model, "version": loaded.version.number, "y": y[0] if asked.bare else y}
        data = json.encode(value)
        if not all_finite(y) or (len(data) >= SMALLEST_ENCODED and "HTTP_ACCEPT_ENCODING" in environ):
            return None
        predictions = Predictions(loaded, self._metrics)
        predictions.add(asked.x, y)
        predictions.count()
        named = request_id(environ.get("HTTP_X_REQUEST_ID", ""))
        self._recorder.record(
            Answered(
                request_id=named,
                method="POST",
                path=environ["PATH_INFO"],
                client=environ.get("REMOTE_ADDR"),
                bytes_in=asked.size,
                route=asked.call.route,
                counts="prediction",
                status=200,
                bytes_out=len(data),
                seconds=time.perf_counter() - asked.started,
            )
        )
        headers = [
            ("Content-Type", json.MEDIA_TYPE),
            ("Content-Length", str(len(data))),
            *predictions.headers.items(),
            (REQUEST_ID, named),
        ]
        return Reply(headers, data)


def _predicted(together: Sequence[Asked]) -> dict[int, FloatArray]:
    """ŷ of each of the calls, by its place among them; those of one version are predicted at once."""
    versions: dict[int, list[int]] = {}
    for i, asked in enumerate(together):
        versions.setdefault(id(asked.loaded), []).append(i)
    found: dict[int, FloatArray] = {}
    for places in versions.values():
        rows = [together[i].x for i in places]
        y = together[places[0]].loaded.forward(rows[0] if len(rows) == 1 else np.concatenate(rows))
        ends = np.cumsum([len(x) for x in rows])[:-1]
        found |= zip(places, np.split(y, ends) if len(rows) > 1 else [y], strict=True)
    return found


def of(app: Flask) -> QuickWay:
    """The quick way of an app."""
    found: QuickWay = app.extensions[EXTENSION]
    return found


def _body(environ: WSGIEnvironment) -> bytes | None:
    """The body, left to be read once more; None if not all of it comes, which the ordinary way will meet again."""
    length = int(environ["CONTENT_LENGTH"])
    try:
        body: bytes = environ["wsgi.input"].read(length)
    except (OSError, ParseException) as error:
        environ["wsgi.input"] = _Broken(error)
        return None
    environ["wsgi.input"] = io.BytesIO(body)
    return body if len(body) == length else None


class _Broken:
    """A stream that has failed; another try would wait for the client once more."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self, _size: int = -1) -> bytes:
        raise self._error


@lru_cache(maxsize=64)
def _is_plain_host(host: str) -> bool:
    """Whether a router cannot stumble over a host's name; that of an address can be anything that looks like one."""
    return _HOST.fullmatch(host) is not None and "xn--" not in host.lower()
