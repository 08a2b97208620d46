"""Messages of the Open Inference Protocol: JSON, or JSON followed by the tensors' bytes (the binary extension)."""

import math
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from service.core.blocks import FloatArray
from service.errors import InvalidRequest, MalformedBody, counted
from service.formats import arrays, json

INPUT, OUTPUT = "INPUT__0", "OUTPUT__0"
TYPES = {
    **{f"{sign}INT{8 * size}": f"<{sign.lower() or 'i'}{size}" for sign in ("", "U") for size in (1, 2, 4, 8)},
    **{f"FP{8 * size}": f"<f{size}" for size in (2, 4, 8)},
}


class InferenceRequest(NamedTuple):
    """An inference request: its id, its tensor x (n, d) or (n,), and whether the response tensor is binary."""

    id: str | None
    x: FloatArray
    binary: bool


def decode(body: bytes, json_length: int | None, columns: int) -> InferenceRequest:
    """Return the request of a body; raise MalformedBody or InvalidRequest.

    json_length: the number of bytes of JSON before the tensor's bytes. None: the whole body is JSON. 0: the whole body
    is an FP64 tensor with `columns` columns.
    """
    if json_length == 0:
        return InferenceRequest(None, _from_bytes(body, "FP64", [len(body) // (8 * columns), columns], ""), binary=True)
    if json_length is not None and not 0 < json_length <= len(body):
        raise MalformedBody(f"Inference-Header-Content-Length is {json_length}, but the body has {len(body)} bytes.")
    message = json.decode(body[:json_length])
    x = _tensor(_input_tensor(message), b"" if json_length is None else body[json_length:])
    if not isinstance(message.get("id", ""), str):
        raise InvalidRequest.at("/id", "is not text; send a string, or leave it out")
    return InferenceRequest(message.get("id"), x, _wants_binary(message))


def encode(inference: InferenceRequest, model: str, version: int, y: FloatArray) -> tuple[bytes, int | None]:
    """Return the response body, and the length of its JSON if the tensor's bytes follow it, else None."""
    data = y.astype("<f8").tobytes() if inference.binary else b""
    output: dict[str, Any] = {"name": OUTPUT, "datatype": "FP64", "shape": list(y.shape)}
    output |= {"parameters": {"binary_data_size": len(data)}} if inference.binary else {"data": y}
    own_id = {} if inference.id is None else {"id": inference.id}
    head = json.encode({"model_name": model, "model_version": str(version), **own_id, "outputs": [output]})
    return head + data, len(head) if inference.binary else None


def _input_tensor(message: Any) -> dict[str, Any]:
    if not isinstance(message, dict):
        raise InvalidRequest.at("", 'is not an object; send {"inputs": […]}')
    inputs = message.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise InvalidRequest.at("/inputs", f"must be a list of one tensor, {INPUT!r}")
    tensor: dict[str, Any] = inputs[0]
    if tensor.get("name") != INPUT:
        raise InvalidRequest.at("/inputs/0/name", f"is {tensor.get('name')!r}, but the model's input is {INPUT!r}")
    return tensor


def _tensor(tensor: dict[str, Any], rest: bytes) -> FloatArray:
    datatype, shape = tensor.get("datatype"), tensor.get("shape")
    if not isinstance(datatype, str) or datatype not in TYPES:
        raise InvalidRequest.at("/inputs/0/datatype", f"is {datatype!r}; send one of {', '.join(TYPES)}")
    if not isinstance(shape, list) or len(shape) not in (1, 2) or not all(map(_is_size, shape)):
        raise InvalidRequest.at("/inputs/0/shape", f"is {shape!r}; send [rows, columns]")
    size = _parameter(tensor, "binary_data_size")
    if size is None and not rest:
        return _from_numbers(tensor.get("data"), datatype, shape)
    if size != len(rest):
        detail = f"is {json.encode(size).decode()}, but {len(rest)} bytes follow the JSON; give their number"
        raise InvalidRequest.at("/inputs/0/parameters/binary_data_size", detail)
    return _from_bytes(rest, datatype, shape, "/inputs/0")


def _is_size(size: Any) -> bool:
    return type(size) is int and size > 0


def _parameter(owner: dict[str, Any], name: str, default: Any = None) -> Any:
    """Return a parameter of a message, an input or an output."""
    parameters = owner.get("parameters")
    return parameters.get(name, default) if isinstance(parameters, dict) else default


def _from_bytes(data: bytes, datatype: str, shape: list[int], at: str) -> FloatArray:
    kind = np.dtype(TYPES[datatype])
    if math.prod(shape) * kind.itemsize != len(data) or not data:
        raise InvalidRequest.at(at, f"has {len(data)} bytes, which do not fit the shape {shape} of {datatype}")
    return _check_finite(np.frombuffer(data, kind).astype(np.float64).reshape(shape))


def _from_numbers(data: Any, datatype: str, shape: list[int]) -> FloatArray:
    at = "/inputs/0/data"
    while isinstance(data, list) and data and type(data[0]) is list:
        if set(map(type, data)) != {list}:
            raise InvalidRequest.at(at, "has lists beside other values; send numbers, or lists of numbers")
        data = list(chain.from_iterable(data))
    flat = arrays.list_vector(data, at)
    if len(flat) != math.prod(shape):
        raise InvalidRequest.at(at, f"has {counted(len(flat), 'number')}, but the shape {shape} has {math.prod(shape)}")
    if not datatype.startswith("FP"):
        _check_integers(data, flat, datatype)
        return flat.reshape(shape)
    with np.errstate(over="ignore"):
        return _check_finite(flat.astype(TYPES[datatype]).astype(np.float64).reshape(shape))


def _check_integers(data: list[float], flat: FloatArray, datatype: str) -> None:
    """Raise InvalidRequest at the first number of `data`, `flat` as float64, that an integer datatype cannot hold."""
    bounds = np.iinfo(TYPES[datatype])
    if bounds.min <= min(data) and max(data) <= bounds.max and (flat == np.floor(flat)).all():
        return
    index = next(i for i, value in enumerate(data) if not bounds.min <= value <= bounds.max or value != value // 1)
    detail = f"is {data[index]}, which is not of type {datatype}; send whole numbers from {bounds.min} to {bounds.max}"
    raise InvalidRequest.at(f"/inputs/0/data/{index}", detail)


def _check_finite(x: FloatArray) -> FloatArray:
    arrays.check_magnitudes(x, lambda i: f"/inputs/0/data/{i}")
    return x


def _wants_binary(message: dict[str, Any]) -> bool:
    """Return whether the client requests the output as bytes; raise InvalidRequest for an unknown output."""
    outputs = message.get("outputs") or [{"name": OUTPUT}]
    for i, output in enumerate(outputs if isinstance(outputs, list) else [None]):
        name = output.get("name") if isinstance(output, dict) else None
        if name != OUTPUT:
            raise InvalidRequest.at(f"/outputs/{i}/name", f"is {name!r}, but the model's output is {OUTPUT!r}")
    return _parameter(outputs[0], "binary_data", _parameter(message, "binary_data_output")) is True
