"""Decode and encode JSON with orjson; the standard library's parser explains what orjson refuses."""

import codecs
import contextlib
import json
from typing import Any, NoReturn

import numpy as np
import orjson

from service.errors import MalformedBody
from service.formats.json import simd

MEDIA_TYPE = "application/json"
MAX_INT_DIGITS = 308
"""A longer integer may be beyond float64, and int() takes quadratic time."""


def decode(body: bytes) -> Any:
    """Return the value of a JSON text in UTF-8, which may have a byte order mark; raise MalformedBody.

    Numbers beyond float64 are infinities, which the schemas refuse with a pointer.
    """
    body = body.removeprefix(codecs.BOM_UTF8)
    with contextlib.suppress(orjson.JSONDecodeError):
        return orjson.loads(body)
    try:
        text = body.decode("utf-8")
        if not text.strip():
            raise MalformedBody('The body is empty; send JSON such as {"x": [1, 2], "y": [2, 4]}.')
        value = json.loads(text, parse_constant=_refuse_constant, parse_int=_parse_integer)
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise MalformedBody(f"The body is not UTF-8: byte {error.start} is invalid. Send UTF-8.") from None
    except json.JSONDecodeError as error:
        position = f"line {error.lineno}, column {error.colno}"
        raise MalformedBody(f"The body is not JSON: {error.msg} at {position}.") from None
    except RecursionError:
        raise MalformedBody("The body is nested too deeply.") from None
    except UnicodeEncodeError:
        raise MalformedBody("The body is not JSON: a text has half of a surrogate pair.") from None
    return value


def decode_rows(body: bytes) -> Any:
    """Return what `decode` returns, with the lists of numbers in a large body as arrays."""
    document = simd.decode(body.removeprefix(codecs.BOM_UTF8))
    return decode(body) if document is None else document


def encode(value: Any) -> bytes:
    """Return the JSON text of a value of dictionaries, lists, numpy arrays and scalars."""
    # By default for arrays that orjson refuses for their memory order; any other value remains a TypeError.
    return orjson.dumps(value, default=np.ascontiguousarray, option=orjson.OPT_SERIALIZE_NUMPY)


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedBody(f"The body is not JSON: {name} is not a JSON number; send null for a missing value.")


def _parse_integer(text: str) -> float:
    return int(text) if len(text) <= MAX_INT_DIGITS else float(text)
