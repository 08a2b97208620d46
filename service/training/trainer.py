"""Trains and publishes: rows and options become a fit, the fit an artifact, the artifact a version in the store."""

import logging
import time
from dataclasses import dataclass
from typing import Any

from service.artifact import torchscript
from service.artifact.columns import Columns, RowShape
from service.artifact.upgrade import iso_time
from service.core.statistics import MakeExecutor, decay, merge, reorder_columns
from service.errors import (
    Conflict,
    CorruptArtifact,
    ModelNotFound,
    NotFound,
    PreconditionFailed,
    PublishContention,
    VersionNotFound,
)
from service.store import Head, Store, Version, check_name
from service.training import training_data
from service.training.fit import Fit, fit
from service.training.fit_warnings import row_number
from service.training.idempotency import Keys, Token
from service.training.options import Options, inherited
from service.training.report import report
from service.training.request import Conditions, Request
from service.training.training_data import TrainingData

TRIES = 20
"""How often a training is repeated after a publisher on another machine took its number."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """A report and, if published, the version and its artifact; `replayed` if an earlier request published it."""

    report: dict[str, Any]
    version: Version | None = None
    serving: int | None = None
    artifact: bytes = b""
    replayed: bool = False


@dataclass(frozen=True)
class Trainer:
    """Publishes fits to `store`.

    make_executor: starts the threads that read and factor the rows of long trainings; by default the caller reads.
    """

    store: Store
    max_columns: int
    max_autograd_epochs: int
    keep_versions: int
    threads: int = 1
    max_autograd_bytes: int = 1 << 28
    make_executor: MakeExecutor | None = None

    def train(self, model: str, request: Request) -> Trained:
        """Fit and publish the next version of `model`.

        An append is exact, even beside others: its statistics are merged with those of the version it continues.
        """
        data = self._read(model, request)
        token = request.token() if request.token else None
        first_fit = self._fit(model, request, data, None) if request.append is False else None
        with self.store.publish_lock(model):
            for _ in range(TRIES):
                head = self.store.head(model)
                keys = self._keys(head)
                replayed = self._replay(model, keys, token)
                if replayed:
                    return replayed
                self._check_conditions(head.newest, request.conditions)
                fitted = first_fit or self._fit(model, request, data, head.newest)
                try:
                    trained = self._publish(model, fitted, keys, token, head)
                except Conflict:
                    continue
                break
            else:
                raise PublishContention(f"Other machines keep publishing {model!r}; try again.", retry_after=1)
        self._retain(model)
        return trained

    def dry_run(self, model: str, request: Request) -> Trained:
        """Fit without publishing; a diverging learning rate is shown instead of refused."""
        data = self._read(model, request)
        newest = None if request.append is False else self.store.newest(model)
        return Trained(_report(self._fit(model, request, data, newest, show_divergence=True)))

    def delete(self, model: str, number: int) -> None:
        """Delete a version but keep its idempotency keys; raises NotFound and Conflict."""
        keys = self._keys_in(self.store.version(model, number))
        self.store.delete_version(model, number, keys.packed)

    def _read(self, model: str, request: Request) -> TrainingData:
        check_name(model)
        limits = (self.max_columns, self.max_autograd_bytes)
        return training_data.read(request, *limits, self.threads, self.make_executor)

    def _fit(
        self, model: str, request: Request, data: TrainingData, newest: Version | None, *, show_divergence: bool = False
    ) -> Fit:
        """Fit the rows; for an append, which may continue `newest`, those of the continued version as well."""
        max_epochs = self.max_autograd_epochs
        if request.append is False:
            options = Options(**request.explicit_options)
            fitted = fit(
                data.statistics, request.columns, options, max_epochs, rows=data.rows, show_divergence=show_divergence
            )
            return _with_row_numbers(fitted, request.row_numbers())
        base = self._base(model, request.append, newest)
        columns = Columns(tuple(base.report["columns"]), RowShape(base.report["form"]))
        options = inherited(base.options, request.explicit_options)
        order = columns.order(request.columns.given_names, data.statistics.d, "/x", in_table=request.in_table)
        added = data.statistics if order is None else reorder_columns(data.statistics, order)
        statistics = merge(decay(base.statistics, request.decay), added)
        fitted = fit(statistics, columns, options, max_epochs, rows=None, show_divergence=show_divergence)
        return _with_row_numbers(fitted, [*_row_numbers(base.report), *request.row_numbers()])

    def _base(self, model: str, append: bool | int, newest: Version | None) -> torchscript.Contents:  # noqa: FBT001
        if newest is None:
            raise ModelNotFound(f"Model {model!r} does not exist, so nothing can be appended to it; train it first.")
        version = newest if append is True else self.store.version(model, append)
        return torchscript.load_artifact(self.store.read(version)).contents

    def _keys(self, head: Head) -> Keys:
        """Return the keys of a model: those of its newest version, or of a newer one that has been deleted."""
        return Keys(head.tombstone) if head.tombstone or head.newest is None else self._keys_in(head.newest)

    def _keys_in(self, version: Version) -> Keys:
        try:
            return Keys(torchscript.load_artifact(self.store.read(version)).keys)
        except CorruptArtifact:  # training again must be possible, because it replaces the damaged version
            return Keys()

    def _replay(self, model: str, keys: Keys, token: Token | None) -> Trained | None:
        number = keys.version_of(token) if token else None
        if number is None:
            return None
        try:
            version = self.store.version(model, number)
        except VersionNotFound:
            raise Conflict(f"Version {number}, which this Idempotency-Key published, has been deleted.") from None
        artifact, serving = self.store.read(version), self.store.serving(model).number
        return Trained(torchscript.load_artifact(artifact).report, version, serving, artifact, replayed=True)

    def _check_conditions(self, newest: Version | None, conditions: Conditions) -> None:
        if conditions.none_match and newest is not None:
            raise PreconditionFailed(f"Model {newest.model!r} exists, but If-None-Match requires that it does not.")
        if conditions.match is None:
            return
        tag = None if newest is None else torchscript.load_artifact(self.store.read(newest)).tag
        if tag is None or not conditions.match & {tag, "*"}:
            raise PreconditionFailed("If-Match does not name the model's newest version; get its current ETag.")

    def _publish(self, model: str, fitted: Fit, keys: Keys, token: Token | None, head: Head) -> Trained:
        pinned = self.store.pinned(model)  # before the publication, after which nothing may fail
        published = _report(fitted)
        contents = torchscript.Contents(
            report=published,
            options=fitted.requested.stored(),
            statistics=fitted.statistics,
            keys=keys.with_token(token, head.next_number).packed,
        )
        artifact = torchscript.dump(fitted.coefficients, contents)
        version = self.store.publish(model, artifact, after=head)
        return Trained(published, version, pinned.number if pinned else version.number, artifact)

    def _retain(self, model: str) -> None:
        """Delete old versions. A failure is only logged: this training is published, and the next one tries again."""
        if not self.keep_versions:
            return
        try:
            self.store.retain(model, self.keep_versions)
        except NotFound:
            return  # another process deleted the model or the version
        except Exception:
            log.exception("old versions of model %s cannot be deleted", model)


def _row_numbers(report: dict[str, Any]) -> list[str]:
    """Return the columns of a version that count the rows it was trained on."""
    found = (warning["columns"] for warning in report["warnings"] if warning["type"] == "row-number")
    return next(found, [])


def _with_row_numbers(fitted: Fit, names: list[str]) -> Fit:
    """Add a warning about the columns `names` to a fit, if there are any."""
    if names:
        fitted.warnings.insert(0, row_number(list(dict.fromkeys(names))))
    return fitted


def _report(fitted: Fit) -> dict[str, Any]:
    return report(fitted) | {"trained_at": iso_time(time.time())}
