"""Types of the options of training and predicting, and their encoding in a query."""

import csv
import io
from collections.abc import Mapping
from typing import Any, Literal

from descent.json_encoding import encode_option

Json = dict[str, Any]
Method = Literal["spectral", "autograd"]
LearningRate = float | Literal["auto"]
Epochs = int | Literal["converged"]
Initial = Mapping[str, Any] | Literal["zeros"]
Standardize = bool | Literal["auto"]
Decimal = Literal[".", ","]
Missing = Literal["error", "drop"]
IntervalKind = Literal["prediction", "confidence"]


def set_options(**options: Any) -> Json:
    """Return the options that are given: the service has defaults, and an append inherits the other options."""
    return {name: value for name, value in options.items() if value is not None}


def encode_query(options: Mapping[str, Any]) -> dict[str, str]:
    """Return options as query parameters: text as it is, lists of names as a line of CSV, anything else as JSON."""
    return {name: _encode_parameter(name, value) for name, value in options.items()}


def _encode_parameter(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(value)
        return line.getvalue()
    return encode_option(name, value)
