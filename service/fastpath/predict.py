"""Predictions of rows in a small JSON body, from versions in memory, without Flask's router, request and response."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from service.api.http.response import MIN_COMPRESSED_BYTES, VARY_TABLES
from service.core.blocks import FloatArray
from service.core.bounds import all_finite
from service.errors import DescentError
from service.fastpath.decode import decode
from service.fastpath.interface import RequestHead, Response, RouteMatch
from service.fastpath.match import MAX_BODY_BYTES, PredictRoute, match_route
from service.formats import arrays, json
from service.observability.metrics import Metrics
from service.observability.request_log import REQUEST_ID, Recorder, RequestLogRecord, line, request_id
from service.serving.loaded_model import LoadedModel
from service.serving.predictions import Predictions, headers

Lookup = Callable[[str, int | None], LoadedModel | None]
"""Returns a model's version from memory; None if the store has to be read."""

log = logging.getLogger("descent.fastpath")


class PendingPrediction(NamedTuple):
    """A request whose rows are ready for prediction by a loaded version."""

    route: PredictRoute
    request_id: str
    client: str | None
    bytes_in: int
    loaded: LoadedModel
    x: FloatArray
    is_single_row: bool
    started: float


class PredictionResult(NamedTuple):
    """The response body of a request, and how many of its rows are outside the range of the training data."""

    pending: PendingPrediction
    outside: int
    body: bytes
    request_id: str

    def response(self) -> Response:
        """Return the response with its headers."""
        return Response(
            [
                ("Content-Type", json.MEDIA_TYPE),
                ("Content-Length", str(len(self.body))),
                ("Vary", VARY_TABLES),
                *headers(self.pending.loaded, self.outside).items(),
                (REQUEST_ID, self.request_id),
            ],
            self.body,
        )


class PredictFastPath:
    """The fast path for predictions. Implements `service.fastpath.interface.FastPath`."""

    max_body = MAX_BODY_BYTES

    def __init__(self, lookup: Lookup, metrics: Metrics, recorder: Recorder) -> None:
        self._lookup = lookup
        self._metrics = metrics
        self._recorder = recorder
        self._unlogged: list[RequestLogRecord] = []
        self._lock = threading.Lock()

    def match(self, head: RequestHead) -> RouteMatch | None:
        """Return the route of a request."""
        return match_route(head)

    def prepare(self, match: RouteMatch, client: str | None, body: bytes, started: float) -> PendingPrediction | None:
        """Parse the rows and look up the version; None for refused rows, options, and versions that are not loaded."""
        route: PredictRoute = match.route
        value = decode(body)
        if type(value) is not dict or value.keys() != {"x"}:
            return None
        try:
            table = arrays.table(value["x"], "/x")
            loaded = self._lookup(route.model, route.version)  # last, so that refused rows cause no read of the store
            if loaded is None:
                return None
            x = loaded.columns.arrange(table.values, table.names, "/x")
        except DescentError:
            return None
        return PendingPrediction(route, match.request_id, client, len(body), loaded, x, table.is_single_row, started)

    def execute(self, batch: Sequence[PendingPrediction]) -> list[Response | None]:
        """Predict and count the requests, those of one version at once. A row has the same bits alone and in a batch.

        An exception leaves the requests of its group to the slow path, uncounted.
        """
        responses: list[Response | None] = [None] * len(batch)
        self._recorder.in_progress.add(len(batch))
        try:
            for indices in group_by_version(batch):
                try:
                    group = self._execute_group([batch[index] for index in indices])
                except Exception:
                    log.exception("%d requests cannot be answered on the fast path", len(indices))
                    continue
                for index, response in zip(indices, group, strict=True):
                    responses[index] = response
        finally:
            self._recorder.in_progress.add(-len(batch))
        return responses

    def flush_log(self) -> None:
        """Log the requests that were answered since the last call."""
        with self._lock:
            records, self._unlogged = self._unlogged, []
        if records:
            self._recorder.log(records)

    def _execute_group(self, group: list[PendingPrediction]) -> list[Response | None]:
        """Answer requests that have one version and the same labels."""
        predictions = Predictions(group[0].loaded, self._metrics)
        results = _predict(group, predictions)
        responses = [result and result.response() for result in results]
        answered = [result for result in results if result]
        if answered:
            predictions.count(len(answered))
            self._count(answered)
        return responses

    def _count(self, results: list[PredictionResult]) -> None:
        """Count the requests, and keep their log records."""
        now = time.perf_counter()
        seconds = [now - result.pending.started for result in results]
        labels = results[0].pending.route.labels
        self._recorder.count(labels, seconds)
        records = [
            line(
                labels,
                result.request_id,
                result.pending.route.path,
                result.pending.route.model,
                result.pending.client,
                result.pending.bytes_in,
                len(result.body),
                duration,
            )
            for result, duration in zip(results, seconds, strict=True)
        ]
        with self._lock:
            self._unlogged += records


def group_by_version(batch: Sequence[PendingPrediction]) -> Iterable[list[int]]:
    """Return the indices of the requests, grouped by loaded version and labels."""
    groups: dict[tuple[int, object], list[int]] = {}
    for index, pending in enumerate(batch):
        groups.setdefault((id(pending.loaded), pending.route.labels), []).append(index)
    return groups.values()


def _predict(group: list[PendingPrediction], predictions: Predictions) -> list[PredictionResult | None]:
    """Return the result of each request; None for a prediction that overflows and a body that is to be compressed."""
    loaded = group[0].loaded
    x = group[0].x if len(group) == 1 else np.concatenate([pending.x for pending in group])
    y = loaded.forward(x)
    any_outside, is_finite = loaded.count_outside(x), all_finite(y)
    results: list[PredictionResult | None] = []
    end = 0
    for pending in group:
        start, end = end, end + len(pending.x)
        own = y[start:end]
        body = _encode(pending, own)
        is_compressed = pending.route.accepts_encoding and len(body) >= MIN_COMPRESSED_BYTES
        if is_compressed or not (is_finite or all_finite(own)):
            results.append(None)
            continue
        outside = loaded.count_outside(pending.x) if any_outside and len(group) > 1 else any_outside
        predictions.add(len(own), outside)
        results.append(PredictionResult(pending, outside, body, request_id(pending.request_id)))
    return results


def _encode(pending: PendingPrediction, y: FloatArray) -> bytes:
    version = pending.loaded.version.number
    return json.encode({"model": pending.route.model, "version": version, "y": y[0] if pending.is_single_row else y})
