"""Trains: rows and options become a fit, the fit an artifact, the artifact a version in the store."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

import numpy as np

from service.artifact import torchscript
from service.artifact.columns import Columns, RowShape
from service.artifact.upgrade import iso_time
from service.core.blocks import Batch
from service.core.statistics import Statistics, WorkerPool, decay, gather, merge, reorder_columns
from service.errors import (
    BodyTooLarge,
    Conflict,
    CorruptArtifact,
    InvalidRequest,
    ModelNotFound,
    NotFound,
    PreconditionFailed,
    PublishContention,
    VersionNotFound,
)
from service.store import Head, Store, Version, check_name
from service.training.fit import Fit, Options, Start, fit
from service.training.idempotency import Keys, Token
from service.training.report import report

TRIES = 20
"""How often a training that lost its place to another machine's is tried again."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Conditions:
    """What the newest version must be for a training to go ahead: one with a tag among `match`; none at all."""

    match: frozenset[str] | None = None
    none_match: bool = False


@dataclass(frozen=True)
class Request:
    """What to train on, and how.

    batches: the rows, which are read once. given: the options that were given; the rest are defaults, or inherited.
    token: asked for once all rows are read, because only then is known what came. in_table: how the rows came, for the
    words of a fault.
    """

    batches: Iterable[Batch]
    columns: Columns
    given: dict[str, Any] = field(default_factory=dict)
    append: bool | int = False
    decay: float = 1.0
    token: Callable[[], Token] | None = None
    conditions: Conditions = Conditions()
    in_table: bool = False


@dataclass(frozen=True)
class Trained:
    """A training's report and, if it was published, its version and file; `replayed` if an earlier try did it."""

    report: dict[str, Any]
    version: Version | None = None
    serving: int | None = None
    artifact: bytes = b""
    replayed: bool = False


class Data(NamedTuple):
    """What was read: statistics, and the rows themselves where the autograd method is to walk them."""

    statistics: Statistics
    rows: Batch | None


class Trainer:
    """Publishes fits to `store`."""

    def __init__(
        self,
        store: Store,
        most_columns: int,
        most_autograd_epochs: int,
        kept_versions: int,
        threads: int = 1,
        most_autograd_bytes: int = 1 << 28,
        worker_pool: WorkerPool | None = None,
    ) -> None:
        self.worker_pool = worker_pool
        """Threads that read and factor the rows of long trainings; None for the caller's and a plain thread pool."""
        self._store = store
        self._most_columns = most_columns
        self._most_autograd_epochs = most_autograd_epochs
        self._kept_versions = kept_versions
        self._threads = threads
        self._most_autograd_bytes = most_autograd_bytes

    def train(self, model: str, request: Request) -> Trained:
        """Fit and publish the next version of `model`.

        An append is exact: its statistics are merged with those of the version it continues, whoever else appends.
        """
        data = self._read(model, request)
        token = request.token() if request.token else None
        fitted = self._fit(model, request, data, None) if request.append is False else None
        with self._store.publish_lock(model):
            for _ in range(TRIES):
                head = self._store.head(model)
                keys = self._keys(head)
                replayed = self._replay(model, keys, token)
                if replayed:
                    return replayed
                self._check_conditions(head.newest, request.conditions)
                fresh = fitted or self._fit(model, request, data, head.newest)
                try:
                    trained = self._publish(model, fresh, keys, token, head)
                except Conflict:
                    continue
                break
            else:
                raise PublishContention(f"Other machines keep publishing {model!r}; try again.", retry_after=1)
        self._retain(model)
        return trained

    def dry_run(self, model: str, request: Request) -> Trained:
        """Fit without publishing; a rate that diverges shows how instead of being refused."""
        data = self._read(model, request)
        newest = None if request.append is False else self._store.newest(model)
        return Trained(_report(self._fit(model, request, data, newest, show_divergence=True)))

    def delete(self, model: str, number: int) -> None:
        """Delete a version, but not the keys that only it may hold; raises NotFound and Conflict."""
        keys = self._keys_in(self._store.version(model, number))
        self._store.delete_version(model, number, keys.packed)

    def _read(self, model: str, request: Request) -> Data:
        """Read all rows; raises InvalidRequest, BodyTooLarge and what reading the batches raises."""
        check_name(model)
        d = len(request.columns.names)
        if d > self._most_columns:
            raise InvalidRequest.at("/x", f"has {d} columns; send at most {self._most_columns} (DESCENT_MAX_COLUMNS)")
        if request.append is False and request.decay != 1:
            raise InvalidRequest.at("/decay", "is for the rows that an append continues; send append too")
        batches, rows = request.batches, None
        if request.append is False and request.given.get("method") == "autograd":
            rows = _collected(batches, self._most_autograd_bytes)
            batches = [rows]
        statistics = gather(batches, d, self._threads, self.worker_pool)
        if statistics.n == 0:
            raise InvalidRequest.at("/sample_weight", "is zero for every row; give at least one a positive weight")
        return Data(statistics, rows)

    def _fit(
        self, model: str, request: Request, data: Data, newest: Version | None, *, show_divergence: bool = False
    ) -> Fit:
        """The fit of the rows; for an append, which may continue `newest`, of those that were there before as well."""
        bound = self._most_autograd_epochs
        if request.append is False:
            options = Options(**request.given)
            return fit(
                data.statistics, request.columns, options, bound, rows=data.rows, show_divergence=show_divergence
            )
        base = self._base(model, request.append, newest)
        columns = Columns(tuple(base.report["columns"]), RowShape(base.report["form"]))
        options = _inherited(base.options, request.given)
        names = request.columns.given_names
        order = columns.order(names, data.statistics.d, "/x", in_table=request.in_table)
        fresh = data.statistics if order is None else reorder_columns(data.statistics, order)
        statistics = merge(decay(base.statistics, request.decay), fresh)
        return fit(statistics, columns, options, bound, rows=None, show_divergence=show_divergence)

    def _base(self, model: str, append: bool | int, newest: Version | None) -> torchscript.Contents:  # noqa: FBT001
        if newest is None:
            raise ModelNotFound(f"There is no model {model!r} to append to; train it first.")
        version = newest if append is True else self._store.version(model, append)
        return torchscript.load_artifact(self._store.read(version)).contents

    def _keys(self, head: Head) -> Keys:
        """The keys that a model has seen: its newest version carries all, unless a later one was deleted."""
        return Keys(head.tombstone) if head.tombstone or head.newest is None else self._keys_in(head.newest)

    def _keys_in(self, version: Version) -> Keys:
        try:
            return Keys(torchscript.load_artifact(self._store.read(version)).keys)
        except CorruptArtifact:  # a training that replaces a damaged version is how it gets well
            return Keys()

    def _replay(self, model: str, keys: Keys, token: Token | None) -> Trained | None:
        number = keys.version_of(token) if token else None
        if number is None:
            return None
        try:
            version = self._store.version(model, number)
        except VersionNotFound:
            raise Conflict(f"Version {number}, which this Idempotency-Key published, has been deleted.") from None
        artifact, serving = self._store.read(version), self._store.serving(model).number
        return Trained(torchscript.load_artifact(artifact).report, version, serving, artifact, replayed=True)

    def _check_conditions(self, newest: Version | None, conditions: Conditions) -> None:
        if conditions.none_match and newest is not None:
            raise PreconditionFailed(f"Model {newest.model!r} is there already, and If-None-Match asks that it is not.")
        if conditions.match is None:
            return
        tag = None if newest is None else torchscript.load_artifact(self._store.read(newest)).tag
        if tag is None or not conditions.match & {tag, "*"}:
            raise PreconditionFailed("The model's newest version is not the one that If-Match names; look at it again.")

    def _publish(self, model: str, fitted: Fit, keys: Keys, token: Token | None, head: Head) -> Trained:
        pinned = self._store.pinned(model)  # before the publication, after which nothing may fail
        written = _report(fitted)
        contents = torchscript.Contents(
            report=written,
            options=_asked(fitted.asked),
            statistics=fitted.statistics,
            keys=keys.having(token, head.next_number).packed,
        )
        artifact = torchscript.dump(fitted.w, fitted.b, contents)
        version = self._store.publish(model, artifact, after=head)
        return Trained(written, version, pinned.number if pinned else version.number, artifact)

    def _retain(self, model: str) -> None:
        """Delete what is not to be kept. A failure is only logged: the version is published, and the next training
        tries again."""
        if not self._kept_versions:
            return
        try:
            self._store.retain(model, self._kept_versions)
        except NotFound:
            return  # somebody else was quicker
        except Exception:
            log.exception("old versions of model %s cannot be deleted", model)


def _report(fitted: Fit) -> dict[str, Any]:
    return report(fitted) | {"trained_at": iso_time(time.time())}


def _collected(batches: Iterable[Batch], most_bytes: int) -> Batch:
    """All rows at once, which the loop walks on again and again; raises BodyTooLarge."""
    collected, size = [], 0
    for batch in batches:
        size += batch.x.nbytes + batch.y.nbytes
        if size > most_bytes:
            detail = f"The autograd method holds all rows, of at most {most_bytes} bytes (DESCENT_MAX_BODY_BYTES)"
            raise BodyTooLarge(f'{detail}; send fewer, or "method": "spectral", which holds a batch at a time.')
        collected.append(batch)
    if len(collected) == 1:
        return collected[0]
    x, y, weights = zip(*collected, strict=True)
    weight = None if weights[0] is None else np.concatenate(weights)
    return Batch(np.concatenate(x), np.concatenate(y), weight)


def _asked(options: Options) -> dict[str, Any]:
    """The options as they were asked for, for a later append to inherit."""
    asked = {each.name: getattr(options, each.name) for each in fields(options)}
    if options.initial is not None:
        start = options.initial
        asked["initial"] = {"w": start.w.tolist(), "names": start.names, "b": start.b}
    return asked


def _inherited(asked: dict[str, Any], given: dict[str, Any]) -> Options:
    """The options of the version that is continued, with those that are given now in their place."""
    start = asked["initial"]
    if start is not None:
        names = None if start["names"] is None else tuple(start["names"])
        asked = asked | {"initial": Start(np.array(start["w"]), names, start["b"])}
    options = Options(**asked)
    if given.get("seed") is not None:
        options = replace(options, initial=None)
    if given.get("initial") is not None:
        options = replace(options, seed=None)
    return replace(options, **given)
