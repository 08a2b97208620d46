"""Predictions of one request or several together, whichever protocol they came in."""

from service.core.blocks import FloatArray
from service.formats.arrays import Pointer, Table
from service.observability.metrics import Metrics
from service.serving.predictor import LoadedModel

SENT = {
    "Descent-Model": "The model that answers.",
    "Descent-Version": "The number of the version that answers.",
    "Descent-Extrapolated": "How many rows are outside the range of the training data; absent if none is.",
}
"""The headers of an answer, and what they mean."""


class Predictions:
    """What a version predicts for the rows of requests: made a batch at a time, and counted once all are made."""

    def __init__(self, loaded: LoadedModel, metrics: Metrics) -> None:
        self.loaded = loaded
        self._metrics = metrics
        self.rows = self.outside = 0
        self._are_counted = False

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

    def count(self, requests: int = 1) -> None:
        """Count the answered requests that the rows were of, the rows, and those outside the range of the version's
        training data."""
        metrics = self._metrics
        label = metrics.model_label(self.loaded.version.model)
        metrics.counter("descent_predictions_total", label).add(requests)
        metrics.counter("descent_predicted_rows_total", label).add(self.rows)
        if self.outside:
            metrics.counter("descent_out_of_range_rows_total", label).add(self.outside)
        self._are_counted = True

    def headers(self) -> dict[str, str]:
        """Which version answers, and, once they are counted, how many rows were outside the range of its training
        data."""
        return headers(self.loaded, self.outside if self._are_counted else 0)


def headers(loaded: LoadedModel, outside: int) -> dict[str, str]:
    """Which version answers, and how many of the rows were `outside` the range of its training data."""
    named = {"Descent-Model": loaded.version.model, "Descent-Version": str(loaded.version.number)}
    if outside:
        named["Descent-Extrapolated"] = str(outside)
    return named
