"""Predicting and evaluating."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import httpx

from descent.connection import file_body, model_path
from descent.data import Data, to_data, to_row
from descent.errors import ClientError, Problem, Unreachable
from descent.models import Models
from descent.options import IntervalKind, Json, Missing, set_options
from descent.request_body import JSON, File
from descent.responses import check_media_type, decode_object, media_type_of


@dataclass(frozen=True)
class Prediction:
    """Predictions with what was requested beside them.

    Attributes:
        y: predicted values, of the same kind as x.
        lower: lower bounds of the intervals, of the same kind as x; None without `interval`.
        upper: upper bounds of the intervals, of the same kind as x; None without `interval`.
        contributions: w·(x − mean) of each column; None without `explain`.
        mean_prediction: prediction at the mean of the training data; None without `explain`.
        model: name of the model.
        version: number of the version.
        dropped: rows that were left out; None without missing="drop".
    """

    y: Any
    lower: Any = None
    upper: Any = None
    contributions: Any = None
    mean_prediction: float | None = None
    model: str | None = None
    version: int | None = None
    dropped: int | None = None


class Predicting(Models):
    """Methods that predict, and that compare predictions with observations."""

    def predict(
        self,
        x: Any,
        *,
        model: str = "default",
        version: int | None = None,
        missing: Missing | None = None,
    ) -> Any:
        """Return the predicted values for x, of the same kind as x.

        Args:
            x: rows of features; one row, such as frame.iloc[0], or one number for a model with one column, gives one
                value.
            model: name of the model.
            version: number of the version; by default the serving one.
            missing: "error" (default) refuses rows with missing values, "drop" leaves them out.
        """
        return self.prediction(x, model=model, version=version, missing=missing).y

    def prediction(
        self,
        x: Any,
        *,
        model: str = "default",
        version: int | None = None,
        missing: Missing | None = None,
        interval: float | None = None,
        interval_kind: IntervalKind | None = None,
        explain: bool | None = None,
    ) -> Prediction:
        """Return the predicted values for x, with intervals and contributions if they are requested.

        Args:
            x: rows of features; one row, such as frame.iloc[0], or one number for a model with one column, gives one
                value.
            model: name of the model.
            version: number of the version; by default the serving one.
            missing: "error" (default) refuses rows with missing values, "drop" leaves them out.
            interval: probability of the interval from `lower` to `upper`, such as 0.95; None (default) adds none.
            interval_kind: the interval is of a new y ("prediction", default) or of the mean of y ("confidence").
            explain: add the contribution of each column and the mean prediction.
        """
        options = set_options(missing=missing, interval=interval, interval_kind=interval_kind, explain=explain)
        path, row = f"{model_path(model, version)}/predict", to_row(x)
        if row is None:
            return self._predict(path, to_data(x), options)
        try:
            return self._predict(path, row, options)
        except Problem as problem:
            is_refused = problem.status == httpx.codes.UNPROCESSABLE_ENTITY
            if not is_refused or set(self.version(model, version)["columns"]) <= set(x.index):
                raise
            try:
                return self._predict(path, to_data(x), options)
            except ClientError as error:
                raise (error if isinstance(x.name, str) else problem) from None

    def _predict(self, path: str, data: Data, options: Json) -> Prediction:
        accept = JSON if options or not data.media_type else f"{data.media_type}, {JSON};q=0.5"
        response = self._post_data(path, data, options, {"Accept": accept})
        if data.media_type and media_type_of(response) == data.media_type:
            version = response.headers.get("Descent-Version")
            model = response.headers.get("Descent-Model")
            return Prediction(data.from_binary(response.content), model=model, version=version and int(version))
        answer = decode_object(response)
        values = {name: data.from_json(answer[name]) for name in ("y", "lower", "upper") if name in answer}
        others = ("contributions", "mean_prediction", "model", "version", "dropped")
        return Prediction(**values, **{name: answer.get(name) for name in others})

    def predict_file(
        self,
        file: File | str | PathLike[str],
        *,
        model: str = "default",
        version: int | None = None,
        accept: str = JSON,
        x: Sequence[str] | None = None,
        missing: Missing | None = None,
        interval: float | None = None,
        interval_kind: IntervalKind | None = None,
        explain: bool | None = None,
    ) -> Iterator[bytes]:
        """Yield the response to a file, which is read while it is sent, piece by piece.

        A JSON file holds a whole request, {"x": ...}, with its options inside; give none beside it.

        Args:
            file: path of a .csv, .parquet, .arrow, .ndjson, .npy or .json file, or a File.
            model: name of the model.
            version: number of the version; by default the serving one.
            accept: media type of the response, such as "text/csv".
            x: columns to predict from; by default all.
            missing: "error" (default) refuses rows with missing values, "drop" leaves them out.
            interval: probability of the interval from `lower` to `upper`, such as 0.95; None (default) adds none.
            interval_kind: the interval is of a new y ("prediction", default) or of the mean of y ("confidence").
            explain: add the contribution of each column; in JSON, also the mean prediction.
        """
        options = set_options(x=x, missing=missing, interval=interval, interval_kind=interval_kind, explain=explain)
        path = f"{model_path(model, version)}/predict"
        response = self._sender.stream("POST", path, file_body(file, options), {"Accept": accept})
        try:
            check_media_type(response, accept)
            yield from response.iter_bytes()
        except httpx.TransportError as error:
            raise Unreachable(f"{response.url} broke off its response: {error}.") from error
        finally:
            response.close()

    def evaluate(
        self,
        x: Any,
        y: Any,
        *,
        model: str = "default",
        version: int | None = None,
        sample_weight: Any = None,
        missing: Missing | None = None,
    ) -> Json:
        """Compare predictions for x with the observed y. Return n, mse, rmse, mae, r2 and bias (the mean of ŷ − y).

        Args:
            x: rows of features.
            y: observed value of each row. For a frame or table, also the name of its column.
            model: name of the model.
            version: number of the version; by default the serving one.
            sample_weight: weight of each row, at least 0. For a frame or table, also the name of its column.
            missing: "error" (default) refuses rows with missing values, "drop" leaves them out.
        """
        path = f"{model_path(model, version)}/evaluate"
        data = to_data(x, y, sample_weight)
        return decode_object(self._post_data(path, data, set_options(missing=missing), {}))

    def evaluate_file(
        self,
        file: File | str | PathLike[str],
        *,
        model: str = "default",
        version: int | None = None,
        y: str | None = None,
        x: Sequence[str] | None = None,
        weight: str | None = None,
        missing: Missing | None = None,
    ) -> Json:
        """Compare predictions for a file, which is read while it is sent, with its y. Return the same as `evaluate`.

        A JSON file holds a whole request, {"x": ..., "y": ...}, with its options inside; give none beside it.

        Args:
            file: path of a .csv, .parquet, .arrow, .ndjson, .npy or .json file, or a File.
            model: name of the model.
            version: number of the version; by default the serving one.
            y: column of observed values; by default "y". In .npy files it is the last column.
            x: columns to predict from; by default all others.
            weight: column of weights; by default all rows have the same weight.
            missing: "error" (default) refuses rows with missing values, "drop" leaves them out.
        """
        body = file_body(file, set_options(y=y, x=x, weight=weight, missing=missing))
        return decode_object(self._sender.send("POST", f"{model_path(model, version)}/evaluate", body))
