"""The quick way of the commonest call, rows to predict in a JSON body: past Flask's router, request and response.

It answers what it surely answers as the ordinary way would, and gives back everything else: refusals, options, other
media types, models that are not in memory. Decoding, prediction, metrics and log lines are the ordinary way's own.
"""

import io
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import numpy as np

from service.api.http.body_adapter import BodyAdapter
from service.api.http.response import SMALLEST_ENCODED, VARY_OF_TABLES
from service.core.blocks import FloatArray
from service.core.bounds import all_finite
from service.errors import DescentError, MalformedBody
from service.formats import arrays, json
from service.formats.json import simd
from service.observability.metrics import Metrics
from service.observability.request_log import REQUEST_ID, Recorder, RequestLabels, RequestLogRecord, line, request_id
from service.serving.predictions import Predictions, headers
from service.serving.predictor import LoadedModel, Predictor
from service.store.base import NAME

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


Known = Callable[[str, int | None], LoadedModel | None]
"""What is known of a model's version without a look at the store."""


class RouteMatch(NamedTuple):
    """What is called: what it is counted as and by which path, the version, which is the serving one if it has no
    number, the id that the client gave the request, and whether the client takes compressed answers."""

    kind: RequestLabels
    path: str
    model: str
    version: int | None = None
    request_id: str = ""
    takes_compressed: bool = False


class Reply(NamedTuple):
    """An answer of status 200."""

    headers: list[tuple[str, str]]
    body: bytes


def match_route(environ: Mapping[str, Any]) -> RouteMatch | None:
    """The call of a request with the headers of `environ`, if the quick way may answer it once its body is there."""
    length = environ.get("CONTENT_LENGTH", "")
    if (
        environ["REQUEST_METHOD"] == "POST"
        and environ.get("CONTENT_TYPE") in CONTENT_TYPES
        and environ.get("HTTP_ACCEPT", "*/*") in ACCEPTS
        and length.isdecimal()
        and len(length) < 7
        and 0 < int(length) < (simd.MIN_BYTES if "HTTP_ACCEPT_ENCODING" in environ else MOST_BYTES)
        and SELDOM.isdisjoint(environ)
        and _is_plain_host(environ.get("HTTP_HOST", "localhost"))
    ):
        call = _called(environ["PATH_INFO"], environ.get("QUERY_STRING", ""))
        return call and call._replace(
            request_id=environ.get("HTTP_X_REQUEST_ID", ""), takes_compressed="HTTP_ACCEPT_ENCODING" in environ
        )
    return None


def _called(path: str, query: str) -> RouteMatch | None:
    if path == "/predict":
        named = _QUERY.fullmatch(query)
        if named or not query:
            return RouteMatch(_kind(path), path, named[1] if named else DEFAULT_MODEL)
    elif not query and (found := _PATH.fullmatch(path)):
        model, number = found.groups()
        if number is None:
            return RouteMatch(_kind("/models/<model>/predict"), path, model)
        return RouteMatch(_kind("/models/<model>/versions/<version:version>/predict"), path, model, int(number))
    return None


def _kind(route: str) -> RequestLabels:
    return RequestLabels(route, "POST", 200, "prediction")


class PendingPrediction(NamedTuple):
    """A call whose rows can be predicted with what is in memory."""

    call: RouteMatch
    client: str | None
    size: int
    loaded: LoadedModel
    x: FloatArray
    is_single_row: bool
    started: float


class Answer(NamedTuple):
    """What a call among those that were asked together is answered, and how many of its rows were outside the range of
    the training data."""

    place: int
    asked: PendingPrediction
    outside: int
    data: bytes
    request_id: str

    def reply(self) -> Reply:
        """It as it is sent."""
        return Reply(
            [
                ("Content-Type", json.MEDIA_TYPE),
                ("Content-Length", str(len(self.data))),
                ("Vary", VARY_OF_TABLES),
                *headers(self.asked.loaded, self.outside).items(),
                (REQUEST_ID, self.request_id),
            ],
            self.data,
        )


class Answers(NamedTuple):
    """What one version predicted for calls of one kind that were asked together, and the answers that can be given."""

    kind: RequestLabels
    predictions: Predictions
    answers: list[Answer]


class BatchResult(NamedTuple):
    """A reply to each call that was asked, None where it is given back; and the lines of the others, to be logged."""

    replies: list[Reply | None]
    lines: list[RequestLogRecord]


class PredictFastPath:
    """Predicts with what `predictor` has in memory."""

    def __init__(self, predictor: Predictor, metrics: Metrics, recorder: Recorder) -> None:
        self._predictor = predictor
        self._metrics = metrics
        self._recorder = recorder

    def wrap(self, app: WSGIApplication, adapter: BodyAdapter) -> WSGIApplication:
        """`app`, asked only for what is given back; `adapter` reads the bodies."""

        def respond(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            started = time.perf_counter()
            call = match_route(environ)
            body = None if call is None else _body(environ, adapter)
            asked = (
                call and body and self._read(call, environ.get("REMOTE_ADDR"), body, started, self._predictor.cached)
            )
            [reply], lines = self.answer([asked]) if asked else BatchResult([None], [])
            if reply is None:
                return app(environ, start_response)
            self.log(lines)
            start_response("200 OK", reply.headers)
            return [reply.body]

        return respond

    def read(self, call: RouteMatch, client: str | None, body: bytes, started: float) -> PendingPrediction | None:
        """What a recognised call of `client` asks, of which the first byte was read when `started`; None to give it
        back to whoever looks at the store if need be."""
        return self._read(call, client, body, started, self._predictor.cached_or_elect_refresher)

    def _read(
        self, call: RouteMatch, client: str | None, body: bytes, started: float, known: Known
    ) -> PendingPrediction | None:
        try:
            value = json.decode_rows(body)
            if type(value) is not dict or value.keys() != {"x"}:
                return None
            table = arrays.table(value["x"], "/x")
            loaded = known(call.model, call.version)  # last, since a body that is refused looks at no store
            if loaded is None:
                return None
            x = loaded.columns.arrange(table.values, table.names, "/x")
        except DescentError:
            return None
        return PendingPrediction(call, client, len(body), loaded, x, table.is_single_row, started)

    def answer(self, together: Sequence[PendingPrediction]) -> BatchResult:
        """The answer to each of the calls, predicted together and counted, but for those that are given back.

        A row has the same bits alone and in any batch, and a batch costs what a row does.
        """
        self._recorder.in_progress.add(len(together))
        try:
            found = [self._answers(together, places) for places in group_by_version(together)]
            lines = [line for answers in found if answers.answers for line in self._count(answers)]
            replies = {answer.place: answer.reply() for answers in found for answer in answers.answers}
            return BatchResult([replies.get(place) for place in range(len(together))], lines)
        finally:
            self._recorder.in_progress.add(-len(together))

    def log(self, lines: Sequence[RequestLogRecord]) -> None:
        """Write the lines of calls that were answered."""
        self._recorder.log(lines)

    def _count(self, found: Answers) -> list[RequestLogRecord]:
        """Count the answers; their lines."""
        kind, predictions, answers = found
        predictions.count(len(answers))
        now = time.perf_counter()
        seconds = [now - answer.asked.started for answer in answers]
        self._recorder.count(kind, seconds)
        return [
            line(kind, named, asked.call.path, asked.call.model, asked.client, asked.size, len(data), taken)
            for (_, asked, _, data, named), taken in zip(answers, seconds, strict=True)
        ]

    def _answers(self, together: Sequence[PendingPrediction], places: Sequence[int]) -> Answers:
        """The answers to the calls at some `places` of those asked, which are of one kind and predicted at once."""
        loaded = together[places[0]].loaded
        x = together[places[0]].x if len(places) == 1 else np.concatenate([together[place].x for place in places])
        y = loaded.forward(x)
        all_outside, all_usable = loaded.count_outside(x), all_finite(y)
        found = Answers(together[places[0]].call.kind, Predictions(loaded, self._metrics), [])
        end = 0
        for place in places:
            asked = together[place]
            start, end = end, end + len(asked.x)
            own = y[start:end]
            data = _encoded(asked, own)
            if (all_usable or all_finite(own)) and (len(data) < SMALLEST_ENCODED or not asked.call.takes_compressed):
                outside = loaded.count_outside(asked.x) if all_outside and len(places) > 1 else all_outside
                found.predictions.add(len(own), outside)
                found.answers.append(Answer(place, asked, outside, data, request_id(asked.call.request_id)))
        return found


def group_by_version(together: Sequence[PendingPrediction]) -> Iterable[list[int]]:
    """The places of the calls among those asked, in lists of those of one kind that one version predicts."""
    alike: dict[tuple[int, RequestLabels], list[int]] = {}
    for place, asked in enumerate(together):
        alike.setdefault((id(asked.loaded), asked.call.kind), []).append(place)
    return alike.values()


def _encoded(asked: PendingPrediction, y: FloatArray) -> bytes:
    version = asked.loaded.version.number
    return json.encode({"model": asked.call.model, "version": version, "y": y[0] if asked.is_single_row else y})


def _body(environ: WSGIEnvironment, adapter: BodyAdapter) -> bytes | None:
    """The body, left to be read once more; None if not all of it comes, which the ordinary way will meet again."""
    length = int(environ["CONTENT_LENGTH"])
    try:
        body = adapter.read(environ["wsgi.input"], length)
    except MalformedBody as error:
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
