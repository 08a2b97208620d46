"""Predictions of one request, whichever protocol it came in."""

from collections.abc import Iterable

from service.core.statistics import FloatArray
from service.formats.arrays import Pointer, Table
from service.metrics import Metrics
from service.predictor import LoadedModel


class Predictions:
    """What a version predicts for the rows of a request: made a batch at a time, and counted once all are made."""

    def __init__(self, loaded: LoadedModel, metrics: Metrics) -> None:
        self.loaded = loaded
        self._metrics = metrics
        self.rows = self.outside = 0

    def of(self, x: FloatArray, pointer: Pointer) -> FloatArray:
        """ŷ (n,) of x (n, d), the columns in the model's order; raises InvalidRequest at the `pointer` of a row."""
        y = self.loaded.predict(x, pointer)
        self.add(len(y), self.loaded.count_outside(x))
        return y

    def add(self, rows: int, outside: int) -> None:
        """Take so many rows that were predicted, some of them `outside` the range of the training data, among what is
        to be counted."""
        self.rows += rows
        self.outside += outside

    def of_table(self, table: Table) -> tuple[FloatArray, FloatArray]:
        """x (n, d) of a table, its columns in the model's order, and ŷ (n,); raises InvalidRequest."""
        x = self.loaded.columns.arrange(table.values, table.names, "/x")
        return x, self.of(x, table.pointer)

    def count(self) -> None:
        """Count one answered request, its rows, and those outside the range of the version's training data."""
        count(self._metrics, [self])

    @property
    def headers(self) -> dict[str, str]:
        """Which version answers, and how many of its rows so far were outside the range of its training data."""
        version = self.loaded.version
        headers = {"Descent-Model": version.model, "Descent-Version": str(version.number)}
        return headers | ({"Descent-Extrapolated": str(self.outside)} if self.outside else {})


def count(metrics: Metrics, answered: Iterable[Predictions]) -> None:
    """Count the predictions of several answered requests; of one version, they cost what those of one do."""
    by_model: dict[str, list[Predictions]] = {}
    for each in answered:
        by_model.setdefault(each.loaded.version.model, []).append(each)
    for model, predictions in by_model.items():
        label = metrics.model_label(model)
        metrics.counter("descent_predictions_total", label).inc(len(predictions))
        metrics.counter("descent_predicted_rows_total", label).inc(sum(each.rows for each in predictions))
        outside = sum(each.outside for each in predictions)
        if outside:
            metrics.counter("descent_extrapolated_inputs_total", label).inc(outside)
