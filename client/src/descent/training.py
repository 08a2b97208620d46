"""Training models."""

import uuid
from collections.abc import Sequence
from os import PathLike
from typing import Any

from descent.connection import DEFAULT_MODEL, Connection, action_path, file_body
from descent.data import to_data
from descent.errors import InvalidArgument
from descent.options import Decimal, Epochs, Initial, Json, LearningRate, Method, Missing, Standardize, set_options
from descent.request_body import File
from descent.responses import decode_object


class Training(Connection):
    """Methods that train."""

    def train(
        self,
        x: Any,
        y: Any,
        *,
        model: str = DEFAULT_MODEL,
        group: Any = None,
        prefix: str | None = None,
        sample_weight: Any = None,
        missing: Missing | None = None,
        method: Method | None = None,
        learning_rate: LearningRate | None = None,
        epochs: Epochs | None = None,
        initial: Initial | None = None,
        seed: int | None = None,
        standardize: Standardize | None = None,
        fit_intercept: bool | None = None,
        l2: float | None = None,
        append: bool | int | None = None,
        decay: float | None = None,
        dry_run: bool | None = None,
        idempotency_key: str | None = None,
    ) -> Json:
        """Train a model and publish the fit as its next version. Return the report of the fit.

        Options that are not given are not sent: the service uses its defaults, and an append inherits their values.

        Args:
            x: rows of features, one column per feature.
            y: observed value of each row. For a frame or table, also the name of its column.
            model: name of the model.
            group: label of each row, a text or a whole number; trains a model for each label. For a frame or table,
                also the name of its column. Return "results" then, a list with the result of each group.
            prefix: name of a group's model before the label; by default empty.
            sample_weight: weight of each row, at least 0. For a frame or table, also the name of its column.
            missing: "error" (default) refuses rows with missing values, "drop" leaves them out.
            method: "spectral" (default) computes the path of the descent in closed form, "autograd" runs it with torch.
            learning_rate: step size, a positive number, or "auto" (default), half the largest stable one.
            epochs: number of steps; None (default) runs to convergence.
            initial: start of the descent, such as {"w": 0.5, "b": 1}; None (default) starts at zeros.
            seed: seed of a random start, as torch.manual_seed draws it; None (default) starts from `initial`.
            standardize: descend on centred and scaled columns; None (default) does if `learning_rate` is "auto".
            fit_intercept: fit the intercept b (default), or keep it at 0.
            l2: penalty on the squared coefficients, at least 0 (default); the intercept is not penalised.
            append: True adds the rows to those of the newest version, a number to those of that version.
            decay: in an append, factor on the weights of all earlier rows, above 0 and at most 1 (default).
            dry_run: fit without publishing a version.
            idempotency_key: key under which a repeated request trains once; by default a random one per call.
        """
        options = set_options(
            prefix=prefix, missing=missing, method=method, learning_rate=learning_rate, epochs=epochs, initial=initial,
            seed=seed, standardize=standardize, fit_intercept=fit_intercept, l2=l2, append=append, decay=decay,
            dry_run=dry_run,
        )  # fmt: skip
        path = action_path("train", model, None, group, prefix)
        data = to_data(x, y, sample_weight, group)
        return decode_object(self._post_data(path, data, options, _key_header(idempotency_key)))

    def train_file(
        self,
        file: File | str | PathLike[str],
        *,
        model: str = DEFAULT_MODEL,
        group: str | None = None,
        prefix: str | None = None,
        y: str | None = None,
        x: Sequence[str] | None = None,
        weight: str | None = None,
        delimiter: str | None = None,
        decimal: Decimal | None = None,
        thousands: str | None = None,
        missing: Missing | None = None,
        method: Method | None = None,
        learning_rate: LearningRate | None = None,
        epochs: Epochs | None = None,
        initial: Initial | None = None,
        seed: int | None = None,
        standardize: Standardize | None = None,
        fit_intercept: bool | None = None,
        l2: float | None = None,
        append: bool | int | None = None,
        decay: float | None = None,
        dry_run: bool | None = None,
        idempotency_key: str | None = None,
    ) -> Json:
        """Train a model on a file, which is read while it is sent. Return the report of the fit.

        A JSON file holds a request, {"x": ..., "y": ...}, and may have options inside. It takes no x, y and weight.

        Args:
            file: path of a .csv, .tsv, .parquet, .arrow, .feather, .ndjson, .npy or .json file, or a File.
            model: name of the model.
            group: column of labels; trains a model for each label. Return "results" then, a list with the result of
                each group.
            prefix: name of a group's model before the label; by default empty.
            y: column of observed values; by default "y". In .npy files it is the last column.
            x: columns to train on; by default all others.
            weight: column of weights; by default all rows have the same weight.
            delimiter: delimiter of a CSV file, such as ";" or "tab"; by default a comma, in .tsv files a tab.
            decimal: decimal separator of a CSV file: "." (default) or ",".
            thousands: thousands separator of a CSV file, which is removed from numbers; by default none.
            missing: "error" (default) refuses rows with missing values, "drop" leaves them out.
            method: "spectral" (default) computes the path of the descent in closed form, "autograd" runs it with torch.
            learning_rate: step size, a positive number, or "auto" (default), half the largest stable one.
            epochs: number of steps; None (default) runs to convergence.
            initial: start of the descent, such as {"w": 0.5, "b": 1}; None (default) starts at zeros.
            seed: seed of a random start, as torch.manual_seed draws it; None (default) starts from `initial`.
            standardize: descend on centred and scaled columns; None (default) does if `learning_rate` is "auto".
            fit_intercept: fit the intercept b (default), or keep it at 0.
            l2: penalty on the squared coefficients, at least 0 (default); the intercept is not penalised.
            append: True adds the rows to those of the newest version, a number to those of that version.
            decay: in an append, factor on the weights of all earlier rows, above 0 and at most 1 (default).
            dry_run: fit without publishing a version.
            idempotency_key: key under which a repeated request trains once; by default a random one per call.
        """
        options = set_options(
            delimiter=delimiter, decimal=decimal, thousands=thousands,
            group=group, prefix=prefix, y=y, x=x, weight=weight, missing=missing, method=method,
            learning_rate=learning_rate, epochs=epochs, initial=initial, seed=seed, standardize=standardize,
            fit_intercept=fit_intercept, l2=l2, append=append, decay=decay, dry_run=dry_run,
        )  # fmt: skip
        path = action_path("train", model, None, group, prefix)
        body = file_body(file, options)
        return decode_object(self._sender.send("POST", path, body, _key_header(idempotency_key)))


def _key_header(key: str | None) -> dict[str, str]:
    if key is None:
        return {"Idempotency-Key": uuid.uuid4().hex}
    if not (key.isascii() and key.isprintable() and key):
        raise InvalidArgument(f"idempotency_key is {key!r}. Use printable ASCII characters.")
    return {"Idempotency-Key": key}
