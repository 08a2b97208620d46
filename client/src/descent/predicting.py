"""Predicting and evaluating."""

from collections.abc import Sequence
from os import PathLike
from typing import Any

import httpx

from descent.connection import DEFAULT_MODEL, action_path, file_body, model_path
from descent.data import Data, to_data, to_row
from descent.errors import ClientError, Problem
from descent.models import Models
from descent.options import Decimal, IntervalKind, Json, Missing, set_options
from descent.prediction import Pieces, Prediction
from descent.request_body import JSON, File
from descent.responses import decode_object, media_type_of

GROUPS_PATH = "/models:predict"


class Predicting(Models):
    """Methods that predict, and that compare predictions with observations."""

    def predict(
        self,
        x: Any,
        *,
        model: str = DEFAULT_MODEL,
        version: int | None = None,
        group: Any = None,
        prefix: str | None = None,
        missing: Missing | None = None,
        strict: bool | None = None,
    ) -> Any:
        """Return the predicted values for x, of the same kind as x; with `group`, missing for groups that fail.

        Args:
            x: rows of features; one row, such as frame.iloc[0], or one number for a model with one column, gives one
                value.
            model: name of the model.
            version: number of the version; by default the serving one.
            group: label of each row, a text or a whole number; predicts with the model of each label. For a frame or
                table, also the name of its column.
            prefix: name of a group's model before the label; by default empty.
            missing: "error" (default) refuses rows with missing values, "drop" leaves them out.
            strict: refuse columns that the model does not have; by default they are ignored.
        """
        return self.prediction(
            x, model=model, version=version, group=group, prefix=prefix, missing=missing, strict=strict
        ).y

    def prediction(
        self,
        x: Any,
        *,
        model: str = DEFAULT_MODEL,
        version: int | None = None,
        group: Any = None,
        prefix: str | None = None,
        missing: Missing | None = None,
        strict: bool | None = None,
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
            group: label of each row, a text or a whole number; predicts with the model of each label. For a frame or
                table, also the name of its column.
            prefix: name of a group's model before the label; by default empty.
            missing: "error" (default) refuses rows with missing values, "drop" leaves them out.
            strict: refuse columns that the model does not have; by default they are ignored.
            interval: probability of the interval from `lower` to `upper`, such as 0.95; None (default) adds none.
            interval_kind: the interval is of a new y ("prediction", default) or of the mean of y ("confidence").
            explain: add the contribution of each column and the mean prediction.
        """
        options = set_options(
            prefix=prefix, missing=missing, strict=strict, interval=interval, interval_kind=interval_kind,
            explain=explain,
        )  # fmt: skip
        path, row = action_path("predict", model, version, group, prefix), to_row(x)
        if row is None or group is not None:
            return self._predict(path, to_data(x, group=group), options)
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
        is_plain = path != GROUPS_PATH and not options and data.media_type
        accept = f"{data.media_type}, {JSON};q=0.5" if is_plain else JSON
        response = self._post_data(path, data, options, {"Accept": accept})
        if data.media_type and media_type_of(response) == data.media_type:
            return Prediction.from_binary(data, response)
        answer = decode_object(response)
        if path == GROUPS_PATH:
            return Prediction.from_groups(data, answer["results"])
        return Prediction.from_json(data, answer, drops=options.get("missing") == "drop")

    def predict_file(
        self,
        file: File | str | PathLike[str],
        *,
        model: str = DEFAULT_MODEL,
        version: int | None = None,
        group: str | None = None,
        prefix: str | None = None,
        accept: str = JSON,
        x: Sequence[str] | None = None,
        delimiter: str | None = None,
        decimal: Decimal | None = None,
        thousands: str | None = None,
        missing: Missing | None = None,
        strict: bool | None = None,
        interval: float | None = None,
        interval_kind: IntervalKind | None = None,
        explain: bool | None = None,
    ) -> Pieces:
        """Yield the response to a file, which is read while it is sent, piece by piece.

        With `group`, a table has the predictions in the order of the rows, missing for groups that fail. The property
        `failed_groups` of the result names those groups.

        A JSON file holds a request, {"x": ...}, and may have options inside. It takes no x.

        Args:
            file: path of a .csv, .tsv, .parquet, .arrow, .feather, .ndjson, .npy or .json file, or a File.
            model: name of the model.
            version: number of the version; by default the serving one.
            group: column of labels; predicts with the model of each label.
            prefix: name of a group's model before the label; by default empty.
            accept: media type of the response, such as "text/csv".
            x: columns to predict from; by default all.
            delimiter: delimiter of a CSV file, such as ";" or "tab"; by default a comma, in .tsv files a tab.
            decimal: decimal separator of a CSV file: "." (default) or ",".
            thousands: thousands separator of a CSV file, which is removed from numbers; by default none.
            missing: "error" (default) refuses rows with missing values, "drop" leaves them out.
            strict: refuse columns that the model does not have; by default they are ignored.
            interval: probability of the interval from `lower` to `upper`, such as 0.95; None (default) adds none.
            interval_kind: the interval is of a new y ("prediction", default) or of the mean of y ("confidence").
            explain: add the contribution of each column; in JSON, also the mean prediction.
        """
        options = set_options(
            delimiter=delimiter, decimal=decimal, thousands=thousands,
            group=group, prefix=prefix, x=x, missing=missing, strict=strict, interval=interval,
            interval_kind=interval_kind, explain=explain,
        )  # fmt: skip
        path = action_path("predict", model, version, group, prefix)
        body = file_body(file, options)
        return Pieces(lambda: self._sender.stream("POST", path, body, {"Accept": accept}), accept)

    def evaluate(
        self,
        x: Any,
        y: Any,
        *,
        model: str = DEFAULT_MODEL,
        version: int | None = None,
        sample_weight: Any = None,
        missing: Missing | None = None,
        strict: bool | None = None,
    ) -> Json:
        """Compare predictions for x with the observed y. Return n, mse, rmse, mae, r2 and bias (the mean of ŷ − y).

        Args:
            x: rows of features.
            y: observed value of each row. For a frame or table, also the name of its column.
            model: name of the model.
            version: number of the version; by default the serving one.
            sample_weight: weight of each row, at least 0. For a frame or table, also the name of its column.
            missing: "error" (default) refuses rows with missing values, "drop" leaves them out.
            strict: refuse columns that the model does not have; by default they are ignored.
        """
        path = f"{model_path(model, version)}/evaluate"
        data = to_data(x, y, sample_weight)
        return decode_object(self._post_data(path, data, set_options(missing=missing, strict=strict), {}))

    def evaluate_file(
        self,
        file: File | str | PathLike[str],
        *,
        model: str = DEFAULT_MODEL,
        version: int | None = None,
        y: str | None = None,
        x: Sequence[str] | None = None,
        weight: str | None = None,
        delimiter: str | None = None,
        decimal: Decimal | None = None,
        thousands: str | None = None,
        missing: Missing | None = None,
        strict: bool | None = None,
    ) -> Json:
        """Compare predictions for a file, which is read while it is sent, with its y. Return the same as `evaluate`.

        A JSON file holds a request, {"x": ..., "y": ...}, and may have options inside. It takes no x, y and weight.

        Args:
            file: path of a .csv, .tsv, .parquet, .arrow, .feather, .ndjson, .npy or .json file, or a File.
            model: name of the model.
            version: number of the version; by default the serving one.
            y: column of observed values; by default "y". In .npy files it is the last column.
            x: columns to predict from; by default all others.
            weight: column of weights; by default all rows have the same weight.
            delimiter: delimiter of a CSV file, such as ";" or "tab"; by default a comma, in .tsv files a tab.
            decimal: decimal separator of a CSV file: "." (default) or ",".
            thousands: thousands separator of a CSV file, which is removed from numbers; by default none.
            missing: "error" (default) refuses rows with missing values, "drop" leaves them out.
            strict: refuse columns that the model does not have; by default they are ignored.
        """
        options = set_options(
            y=y, x=x, weight=weight, delimiter=delimiter, decimal=decimal, thousands=thousands, missing=missing,
            strict=strict,
        )  # fmt: skip
        body = file_body(file, options)
        return decode_object(self._sender.send("POST", f"{model_path(model, version)}/evaluate", body))
