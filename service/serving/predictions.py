"""Predictions for the rows of one or several requests, in any protocol."""

from service.core.blocks import FloatArray
from service.formats.arrays import Pointer, Table
from service.observability.metrics import Metrics
from service.serving.loaded_model import LoadedModel

RESPONSE_HEADERS = {
    "Descent-Model": "The model that computed the predictions.",
    "Descent-Version": "The version that computed the predictions.",
    "Descent-Extrapolated": "The number of rows outside the range of the training data; absent if there are none.",
}
"""The headers of a response with predictions, and their descriptions."""


class Predictions:
    """Predicts rows in batches with one version, and counts them in the metrics after the last batch."""

    def __init__(self, loaded: LoadedModel, metrics: Metrics) -> None:
        self.loaded = loaded
        self._metrics = metrics
        self.rows = self.outside = 0
        self._are_counted = False

    def predict(self, x: FloatArray, pointer: Pointer) -> FloatArray:
        """Return ŷ (n,) for x (n, d), with columns in the model's order.

        Raises InvalidRequest at the `pointer` of a row whose prediction overflows.
        """
        y = self.loaded.predict(x, pointer)
        self.add(len(y), self.loaded.ranges.count_outside(x))
        return y

    def predict_table(self, table: Table) -> tuple[FloatArray, FloatArray]:
        """Return x (n, d) of a table, with columns in the model's order, and ŷ (n,); raises InvalidRequest."""
        x = self.loaded.columns.arrange(table.values, table.names, "/x")
        return x, self.predict(x, table.pointer)

    def add(self, rows: int, outside: int) -> None:
        """Add predicted rows, of which `outside` are outside the range of the training data."""
        self.rows += rows
        self.outside += outside

    def count(self, requests: int = 1) -> None:
        """Count the requests and their rows in the metrics."""
        metrics = self._metrics
        label = metrics.model_label(self.loaded.version.model)
        metrics.counter("descent_predictions_total", label).add(requests)
        metrics.counter("descent_predicted_rows_total", label).add(self.rows)
        if self.outside:
            metrics.counter("descent_out_of_range_rows_total", label).add(self.outside)
        self._are_counted = True

    def headers(self) -> dict[str, str]:
        """Return the response headers; Descent-Extrapolated only if all rows are counted."""
        return headers(self.loaded, self.outside if self._are_counted else 0)


def headers(loaded: LoadedModel, outside: int) -> dict[str, str]:
    """Return the headers of a response by `loaded` with `outside` rows outside the range of its training data."""
    version = {"Descent-Model": loaded.version.model, "Descent-Version": str(loaded.version.number)}
    if outside:
        version["Descent-Extrapolated"] = str(outside)
    return version
