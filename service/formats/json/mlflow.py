"""What MLflow's scoring clients send in JSON: rows under one of four names."""

from typing import Any

from service.errors import InvalidRequest
from service.formats import arrays
from service.formats.arrays import Table

KEYS = ("dataframe_split", "dataframe_records", "instances", "inputs")


def table(message: Any) -> Table:
    """The rows of a message; raises InvalidRequest."""
    if not isinstance(message, dict):
        raise InvalidRequest.at("", f"is not an object; send one with one of {', '.join(KEYS)}")
    given = [key for key in KEYS if key in message]
    if len(given) != 1:
        raise InvalidRequest.at("", f"has {len(given)} of {', '.join(KEYS)}; send exactly one")
    if message.get("params"):
        raise InvalidRequest.at("/params", "are not taken by this model; leave them out")
    unknown = [key for key in message if key not in (*KEYS, "params", "signature_name")]
    if unknown:
        raise InvalidRequest.at(f"/{arrays.escape(unknown[0])}", f"is not a field here; send one of {', '.join(KEYS)}")
    [key] = given
    if key == "dataframe_split":
        return _of_split(message[key], f"/{key}")
    if key == "dataframe_records" and not isinstance(message[key], list):
        raise InvalidRequest.at(f"/{key}", "is not a list of records")
    return arrays.table(message[key], f"/{key}")._replace(at=f"/{key}")


def _of_split(split: Any, at: str) -> Table:
    """A DataFrame as pandas writes it with orient="split"; the index says nothing of x."""
    if not isinstance(split, dict) or not isinstance(split.get("data"), list):
        raise InvalidRequest.at(at, 'is not an object such as {"columns": ["a"], "data": [[1], [2]]}')
    rows = arrays.table(split["data"], f"{at}/data")._replace(at=f"{at}/data")
    if "columns" not in split:
        return rows
    columns = split["columns"]
    if (
        not isinstance(columns, list)
        or len(columns) != rows.values.shape[1]
        or len(set(map(str, columns))) < len(columns)
    ):
        raise InvalidRequest.at(f"{at}/columns", f"do not name the {rows.values.shape[1]} columns of data, each once")
    return rows._replace(names=tuple(map(str, columns)))
