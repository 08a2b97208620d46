"""The JSON bodies of MLflow's scoring protocol: rows under one of four keys."""

from typing import Any

from service.errors import InvalidRequest
from service.formats import arrays
from service.formats.arrays import NUMBERS_OR_NULL
from service.formats.json.rows import JsonRows, SplitRows

KEYS = ("dataframe_split", "dataframe_records", "instances", "inputs")
OTHER_KEYS = ("params", "signature_name")
KEY_LIST = ", ".join(KEYS)


def rows(message: Any) -> JsonRows:
    """Return the rows of a message; raise InvalidRequest."""
    if not isinstance(message, dict):
        raise InvalidRequest.at("", f"is not an object; send one with one of {KEY_LIST}")
    present = [key for key in KEYS if message.get(key) is not None]
    if len(present) != 1:
        raise InvalidRequest.at("", f"has {len(present)} of {KEY_LIST}; send exactly one")
    if message.get("params"):
        raise InvalidRequest.at("/params", "are not supported by this model; leave them out")
    unknown = next((key for key in message if key not in KEYS + OTHER_KEYS), None)
    if unknown is not None:
        raise InvalidRequest.at(f"/{arrays.escape(unknown)}", f"is an unknown field; send one of {KEY_LIST}")
    [key] = present
    if key == "dataframe_split":
        return _rows_of_split(message[key], f"/{key}")
    if key == "dataframe_records" and not isinstance(message[key], list):
        raise InvalidRequest.at(f"/{key}", 'is not a list of records, such as [{"a": 1}]')
    return JsonRows(message[key], f"/{key}", NUMBERS_OR_NULL)


def _rows_of_split(split: Any, at: str) -> JsonRows:
    """Return the rows of a DataFrame as pandas writes it with orient="split"; its index is ignored."""
    if not isinstance(split, dict) or not isinstance(split.get("data"), list):
        raise InvalidRequest.at(at, 'is not an object such as {"columns": ["a"], "data": [[1], [2]]}')
    data, columns = split["data"], split.get("columns")
    if columns is None:
        return JsonRows(data, f"{at}/data", NUMBERS_OR_NULL)
    if not data:
        raise InvalidRequest.at(f"{at}/data", "has no rows; give at least one")
    width = len(data[0]) if isinstance(data[0], list) else 0
    if not isinstance(columns, list) or len(columns) != width or len(set(map(str, columns))) < width:
        raise InvalidRequest.at(f"{at}/columns", f"must be {width} different names, one for each column of data")
    return SplitRows(tuple(map(str, columns)), data, f"{at}/data", NUMBERS_OR_NULL)
