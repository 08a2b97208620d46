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
from service.fastpath.interface import Response, RouteMatch
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


class PredictFastPath:
    """The fast path for predictions. Implements `service.fastpath.interface.FastPath`."""

    max_body = MAX_BODY_BYTES
    match = staticmethod(match_route)

    def __init__(self, lookup: Lookup, metrics: Metrics, recorder: Recorder) -> None:
        self._lookup = lookup
        self._metrics = metrics
        self._recorder = recorder
        self._unlogged: list[RequestLogRecord] = []
        self._lock = threading.Lock()

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
        responses: dict[int, Response] = {}
        self._recorder.in_progress.add(len(batch))
        try:
            for group in group_by_version(batch):
                try:
                    responses |= self._execute_group(group)
                except Exception:
                    log.exception("%d requests cannot be answered on the fast path", len(group))
        finally:
            self._recorder.in_progress.add(-len(batch))
        return [responses.get(index) for index in range(len(batch))]

    def flush_log(self) -> None:
        """Log the requests that were answered since the last call."""
        with self._lock:
            records, self._unlogged = self._unlogged, []
        if records:
            self._recorder.log(records)

    def _execute_group(self, group: dict[int, PendingPrediction]) -> dict[int, Response]:
        """Answer requests that have one version and the same labels; the keys are their positions in the batch.

        Leaves a prediction that overflows, and a body that is to be compressed, to the slow path.
        """
        first, *others = group.values()
        loaded = first.loaded
        x = np.concatenate([pending.x for pending in group.values()]) if others else first.x
        y = loaded.forward(x)
        any_outside, is_finite = loaded.ranges.count_outside(x), all_finite(y)
        predictions = Predictions(loaded, self._metrics)
        responses: dict[int, Response] = {}
        answered: list[tuple[PendingPrediction, str, int]] = []
        end = 0
        for index, pending in group.items():
            start, end = end, end + len(pending.x)
            own = y[start:end]
            value = own[0] if pending.is_single_row else own
            body = json.encode({"model": pending.route.model, "version": loaded.version.number, "y": value})
            is_compressed = pending.route.accepts_encoding and len(body) >= MIN_COMPRESSED_BYTES
            if is_compressed or not (is_finite or all_finite(own)):
                continue
            outside = loaded.ranges.count_outside(pending.x) if any_outside and others else any_outside
            predictions.add(len(own), outside)
            own_id = request_id(pending.request_id)
            responses[index] = _response(loaded, outside, own_id, body)
            answered.append((pending, own_id, len(body)))
        if answered:
            predictions.count(len(answered))
            self._count(answered)
        return responses

    def _count(self, answered: list[tuple[PendingPrediction, str, int]]) -> None:
        """Count requests, given with their ids and the sizes of their responses, and keep their log records."""
        now = time.perf_counter()
        seconds = [now - pending.started for pending, _, _ in answered]
        labels = answered[0][0].route.labels
        self._recorder.count(labels, seconds)
        with self._lock:
            for (pending, own_id, size), duration in zip(answered, seconds, strict=True):
                path, model = pending.route.path, pending.route.model
                record = line(labels, own_id, path, model, pending.client, pending.bytes_in, size, duration)
                self._unlogged.append(record)


def group_by_version(batch: Sequence[PendingPrediction]) -> Iterable[dict[int, PendingPrediction]]:
    """Return the requests by their positions, grouped by loaded version and labels."""
    groups: dict[tuple[int, object], dict[int, PendingPrediction]] = {}
    for index, pending in enumerate(batch):
        groups.setdefault((id(pending.loaded), pending.route.labels), {})[index] = pending
    return groups.values()


def _response(loaded: LoadedModel, outside: int, own_id: str, body: bytes) -> Response:
    fields = [
        ("Content-Type", json.MEDIA_TYPE),
        ("Content-Length", str(len(body))),
        ("Vary", VARY_TABLES),
        *headers(loaded, outside).items(),
        (REQUEST_ID, own_id),
    ]
    return Response(fields, body)
