"""Messages of the Open Inference Protocol: JSON, or JSON followed by the tensors' bytes (the binary extension)."""

import math
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from service.core.blocks import FloatArray
from service.errors import InvalidRequest, MalformedBody, counted
from service.formats import arrays, json
from service.formats.arrays import Pointer

INPUT, OUTPUT = "INPUT__0", "OUTPUT__0"
TYPES = {
    "BOOL": "?",
    **{f"{sign}INT{8 * size}": f"<{sign.lower() or 'i'}{size}" for sign in ("", "U") for size in (1, 2, 4, 8)},
    **{f"FP{8 * size}": f"<f{size}" for size in (2, 4, 8)},
}


class InferenceRequest(NamedTuple):
    """An inference request.

    id: its id, if any. x: (n, d). names: the column names, None for one tensor of rows. binary: whether the response
    tensor is binary. pointer: returns the JSON pointer of a row.
    """

    id: str | None
    x: FloatArray
    names: tuple[str, ...] | None
    binary: bool
    pointer: Pointer


def decode(body: bytes, json_length: int | None, columns: int) -> InferenceRequest:
    """Return the request of a body; raise MalformedBody or InvalidRequest.

    json_length: the number of bytes of JSON before the tensors' bytes. None: the whole body is JSON. 0: the whole body
    is an FP64 tensor with `columns` columns.
    """
    if json_length == 0:
        x = _from_bytes(body, "FP64", [len(body) // (8 * columns), columns], "/inputs/0", allow_empty=False)
        return InferenceRequest(None, x, None, binary=True, pointer=lambda row: f"/inputs/0/data/{row * columns}")
    if json_length is not None and not 0 < json_length <= len(body):
        raise MalformedBody(f"Inference-Header-Content-Length is {json_length}, but the body has {len(body)} bytes.")
    message = json.decode(body[:json_length])
    if not isinstance(message, dict):
        raise InvalidRequest.at("", 'is not an object; send {"inputs": […]}')
    inputs = message.get("inputs")
    if not isinstance(inputs, list) or not inputs or not all(isinstance(tensor, dict) for tensor in inputs):
        raise InvalidRequest.at(
            "/inputs", f"is not a list of tensors; send one named {INPUT!r}, or one for each column"
        )
    own_id = message.get("id")
    if not isinstance(own_id, str | None):
        raise InvalidRequest.at("/id", "is not text; send a string, or leave it out")
    tensors = _tensors(inputs, b"" if json_length is None else body[json_length:])
    binary = _wants_binary(message)
    if [tensor.get("name") for tensor in inputs] == [INPUT]:
        [x] = tensors
        x = x[:, None] if x.ndim == 1 else x
        return InferenceRequest(own_id, x, None, binary, lambda row: f"/inputs/0/data/{row * x.shape[1]}")
    x, names = _columns(inputs, tensors)
    return InferenceRequest(own_id, x, names, binary, lambda row: f"/inputs/0/data/{row}")


def encode(inference: InferenceRequest, model: str, version: int, y: FloatArray) -> tuple[bytes, int | None]:
    """Return the response body, and the length of its JSON if the tensor's bytes follow it, else None."""
    data = y.astype("<f8").tobytes() if inference.binary else b""
    output: dict[str, Any] = {"name": OUTPUT, "datatype": "FP64", "shape": list(y.shape)}
    output |= {"parameters": {"binary_data_size": len(data)}} if inference.binary else {"data": y}
    own_id = {} if inference.id is None else {"id": inference.id}
    head = json.encode({"model_name": model, "model_version": str(version), **own_id, "outputs": [output]})
    return head + data, len(head) if inference.binary else None


def _columns(inputs: list[dict[str, Any]], tensors: list[FloatArray]) -> tuple[FloatArray, tuple[str, ...]]:
    """Return x (n, d) and the names of tensors that are one column each."""
    names: dict[str, FloatArray] = {}
    for i, (tensor, values) in enumerate(zip(inputs, tensors, strict=True)):
        name, n = tensor.get("name"), len(tensors[0])
        if not isinstance(name, str) or name in names:
            detail = "has the name of an earlier input" if isinstance(name, str) else "is not text"
            detail += "; name each input after its column"
            raise InvalidRequest.at(f"/inputs/{i}/name", detail)
        if values.size != n or len(values) != n:
            detail = f"is {list(values.shape)}; send [{n}] or [{n}, 1] for a column, or one tensor named {INPUT!r}"
            raise InvalidRequest.at(f"/inputs/{i}/shape", detail)
        names[name] = values.ravel()
    return arrays.stack(list(names.values())), tuple(names)


def _tensors(inputs: list[dict[str, Any]], rest: bytes) -> list[FloatArray]:
    """Return the tensors, whose bytes follow one another in `rest` if they are not in the JSON."""
    tensors, start = [], 0
    for i, tensor in enumerate(inputs):
        at = f"/inputs/{i}"
        datatype, shape = tensor.get("datatype"), tensor.get("shape")
        if not isinstance(datatype, str) or datatype not in TYPES:
            raise InvalidRequest.at(f"{at}/datatype", f"is {datatype!r}; send one of {', '.join(TYPES)}")
        if not isinstance(shape, list) or len(shape) not in (1, 2) or not all(map(_is_size, shape)) or 0 in shape[1:]:
            raise InvalidRequest.at(f"{at}/shape", f"is {shape!r}; send [rows, columns]")
        size = _parameter(tensor, "binary_data_size")
        if size is None and ("data" in tensor or not rest):
            tensors.append(_from_numbers(tensor.get("data"), datatype, shape, at))
            continue
        left = len(rest) - start
        if not _is_size(size) or size > left:
            detail = f"is {json.encode(size).decode()}, but {left} bytes follow the JSON; give their number, or data"
            raise InvalidRequest.at(f"{at}/parameters/binary_data_size", detail)
        tensors.append(_from_bytes(rest[start : start + size], datatype, shape, at))
        start += size
    if start != len(rest):
        raise InvalidRequest.at(
            "/inputs", f"declare {start} bytes, but {len(rest)} follow the JSON; give binary_data_size"
        )
    return tensors


def _is_size(size: Any) -> bool:
    return type(size) is int and size >= 0


def _parameter(owner: dict[str, Any], name: str, default: Any = None) -> Any:
    """Return a parameter of a message, an input or an output."""
    parameters = owner.get("parameters")
    return parameters.get(name, default) if isinstance(parameters, dict) else default


def _from_bytes(data: bytes, datatype: str, shape: list[int], at: str, *, allow_empty: bool = True) -> FloatArray:
    kind = np.dtype(TYPES[datatype])
    if math.prod(shape) * kind.itemsize != len(data) or not (data or allow_empty):
        raise InvalidRequest.at(at, f"has {len(data)} bytes, which do not fit the shape {shape} of {datatype}")
    return _check_finite(np.frombuffer(data, kind).astype(np.float64).reshape(shape), at)


def _from_numbers(data: Any, datatype: str, shape: list[int], at: str) -> FloatArray:
    if isinstance(data, list) and any(type(row) is list for row in data):
        if (
            len(shape) < 2
            or len(data) != shape[0]
            or any(type(row) is not list or len(row) != shape[1] for row in data)
        ):
            raise InvalidRequest.at(
                f"{at}/data", f"is nested otherwise than the shape {shape}; send it flat, row by row"
            )
        data = list(chain.from_iterable(data))
    if data == [] and 0 in shape:
        return np.empty(shape)
    if datatype == "BOOL" and isinstance(data, list):
        data = [int(value) if type(value) is bool else value for value in data]
    flat = arrays.list_vector(data, f"{at}/data")
    if len(flat) != math.prod(shape):
        detail = f"has {counted(len(flat), 'number')}, but the shape {shape} has {math.prod(shape)}"
        raise InvalidRequest.at(f"{at}/data", detail)
    if not datatype.startswith("FP"):
        _check_integers(data, flat, datatype, at)
        return flat.reshape(shape)
    with np.errstate(over="ignore"):
        return _check_finite(flat.astype(TYPES[datatype]).astype(np.float64).reshape(shape), at)


def _check_integers(data: list[float], flat: FloatArray, datatype: str, at: str) -> None:
    """Raise InvalidRequest at the first number of `data`, `flat` as float64, that an integer datatype cannot hold."""
    lowest, highest = (0, 1) if datatype == "BOOL" else (np.iinfo(TYPES[datatype]).min, np.iinfo(TYPES[datatype]).max)
    if lowest <= min(data) and max(data) <= highest and (flat == np.floor(flat)).all():
        return
    index = next(i for i, value in enumerate(data) if not lowest <= value <= highest or value != value // 1)
    detail = f"is {data[index]}, which is not of type {datatype}; send whole numbers from {lowest} to {highest}"
    raise InvalidRequest.at(f"{at}/data/{index}", detail)


def _check_finite(x: FloatArray, at: str) -> FloatArray:
    arrays.check_magnitudes(x, lambda i: f"{at}/data/{i}")
    return x


def _wants_binary(message: dict[str, Any]) -> bool:
    """Return whether the client requests the output as bytes; raise InvalidRequest for an unknown output."""
    outputs = message.get("outputs") or [{"name": OUTPUT}]
    for i, output in enumerate(outputs if isinstance(outputs, list) else [None]):
        name = output.get("name") if isinstance(output, dict) else None
        if name != OUTPUT:
            raise InvalidRequest.at(f"/outputs/{i}/name", f"is {name!r}, but the model's output is {OUTPUT!r}")
    return _parameter(outputs[0], "binary_data", _parameter(message, "binary_data_output")) is True
