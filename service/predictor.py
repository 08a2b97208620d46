"""Answers predictions from the stored TorchScript files, through a bounded cache of loaded ones."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from service import torchscript
from service.columns import Columns, Form
from service.core.statistics import FloatArray
from service.errors import InvalidRequest
from service.store import Store, Version


@dataclass(frozen=True)
class LoadedModel:
    """A version in memory."""

    version: Version
    columns: Columns
    module: torchscript.Module

    def predict(self, x: FloatArray) -> FloatArray:
        """ŷ (n,) of x (n, d), the columns in the model's order; raises InvalidRequest where it overflows."""
        y = torchscript.predict(self.module, x)
        if not np.isfinite(y).all():
            raise InvalidRequest.at(f"/x/{int(np.argmin(np.isfinite(y)))}", "has a prediction that no float64 holds")
        return y


class Predictor:
    """Loads versions from `store` and keeps the `capacity` last used; a version is checked whenever it is loaded."""

    def __init__(self, store: Store, capacity: int) -> None:
        self._store = store
        self._cached = lru_cache(maxsize=capacity)(self._load)

    def model(self, name: str, number: int | None = None) -> LoadedModel:
        """Version `number` of a model, or the serving one; raises ModelNotFound, VersionNotFound or DamagedVersion."""
        version = self._store.serving(name) if number is None else self._store.version(name, number)
        return self._cached(version)

    def _load(self, version: Version) -> LoadedModel:
        data = self._store.read(version)
        report = torchscript.read_report(data)
        columns = Columns(tuple(report["columns"]), Form(report["form"]))
        return LoadedModel(version, columns, torchscript.load(data))
