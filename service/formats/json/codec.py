"""JSON bodies: orjson, and where it refuses, the standard library's parser to tell what is wrong."""

import json
import math
from typing import Any, NoReturn

import numpy as np
import orjson

from service.errors import MalformedBody
from service.formats.json import simd

MEDIA_TYPE = "application/json"
OPTIONS = orjson.OPT_SERIALIZE_NUMPY


def decode(body: bytes) -> Any:
    """The value of a JSON text in UTF-8; raises MalformedBody.

    Numbers that no float64 holds come back as infinities, for the schemas to refuse at their place.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _decode_slowly(body)


def decode_rows(body: bytes) -> Any:
    """As `decode`, but with lists of numbers as arrays where there are many."""
    found = simd.decode(body)
    return decode(body) if found is None else found


def encode(value: Any) -> bytes:
    """The JSON text of a value of dictionaries, lists, numpy arrays and scalars."""
    return orjson.dumps(value, default=_contiguous, option=OPTIONS)


def _decode_slowly(body: bytes) -> Any:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBody(f"The body is not UTF-8: byte {error.start} starts no character.") from None
    if not text.strip():
        raise MalformedBody('The body is empty; send JSON such as {"x": [1, 2], "y": [2, 4]}.')
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_int=_integer)
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedBody(f"The body is not JSON: {error.msg} at {where}.") from None
    except RecursionError:
        raise MalformedBody("The body is nested too deeply.") from None
    except UnicodeEncodeError:
        raise MalformedBody("The body is not JSON: it has half a surrogate pair, which is no character.") from None
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedBody(f"The body is not JSON: {name} is no JSON number.")


def _integer(text: str) -> float:
    return int(text) if len(text) <= 309 else math.copysign(math.inf, -1 if text.startswith("-") else 1)


def _contiguous(value: Any) -> Any:
    """orjson takes arrays in C order only."""
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
