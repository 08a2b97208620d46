"""Versions as TorchScript files, sealed by a digest, and back."""

import hashlib
import io
import struct
import threading
import zipfile
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import orjson
import torch
from torch import Tensor, nn

from service.core.statistics import FloatArray, Statistics
from service.errors import DamagedVersion

FORMAT = 1
"""The number of this layout of extra files; later releases read older ones."""

END_OF_ARCHIVE = 22
SEAL = 64

Module = torch.jit.ScriptModule

_one_at_a_time = threading.Lock()


class LinearModel(nn.Module):
    """ŷ = x·w + b for x (n, d) in float64: (n,)."""

    w: Tensor
    b: Tensor

    def __init__(self, d: int) -> None:
        super().__init__()
        self.register_buffer("w", torch.zeros(d, dtype=torch.float64))
        self.register_buffer("b", torch.zeros((), dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        # A product and a sum give each row the same bits alone and in any batch; matmul does not.
        return (x.contiguous() * self.w).sum(1) + self.b


@dataclass(frozen=True)
class Contents:
    """What a version's file holds beside the module: the report as answered, the options as asked for, and the
    sufficient statistics."""

    report: dict[str, Any]
    options: dict[str, Any]
    statistics: Statistics


def dump(w: FloatArray, b: float, contents: Contents) -> bytes:
    """The sealed file of a version: w (d,) and b as the module's buffers, `contents` as extra files."""
    extra_files = {
        "format": str(FORMAT).encode(),
        "report.json": _json(contents.report),
        "options.json": _json(contents.options),
        "statistics.npz": _pack(contents.statistics),
    }
    buffer = io.BytesIO()
    with _one_at_a_time:
        module = _scripted()
        module.w = torch.from_numpy(w.copy())
        module.b = torch.tensor(b, dtype=torch.float64)
        torch.jit.save(module, buffer, _extra_files=extra_files)
    return _seal(buffer.getvalue())


def load(data: bytes) -> Module:
    """The module of a version's file; raises DamagedVersion unless every byte is as it was written and the buffers are
    the report's."""
    check_seal(data)
    module: Module = torch.jit.load(io.BytesIO(data))
    report = read_report(data)
    reported = report["w"].values() if isinstance(report["w"], dict) else np.atleast_1d(report["w"])
    if module.w.tolist() != list(reported) or module.b.item() != report["b"]:
        raise DamagedVersion("The module's w and b are not those of its report.")
    return module


def predict(module: Module, x: FloatArray) -> FloatArray:
    """ŷ (n,) of x (n, d) by the module."""
    with torch.inference_mode():
        y: FloatArray = module(torch.from_numpy(x)).numpy()
    return y


def use_one_thread() -> None:
    """Let torch compute in the calling thread: requests and workers already use the cores."""
    torch.set_num_threads(1)


def warm_up() -> None:
    """Compile, save, load and run a module, so that no request is the first to wait for it."""
    use_one_thread()
    nothing = Statistics(np.zeros((3, 3)), np.zeros(2), 0, np.zeros(2), np.zeros(2))
    module = load(dump(np.zeros(1), 0.0, Contents({"w": 0.0, "b": 0.0}, {}, nothing)))
    for rows in (1, 1, 2, 2):  # TorchScript profiles a module's first runs and optimises it for the next
        predict(module, np.zeros((rows, 1)))


def read_report(data: bytes) -> dict[str, Any]:
    """The report in a version's file, read without torch; raises DamagedVersion."""
    report: dict[str, Any] = orjson.loads(_extra_file(data, "report.json"))
    return report


def read_contents(data: bytes) -> Contents:
    """All extra files of a version's file, read without torch; raises DamagedVersion."""
    return Contents(
        report=read_report(data),
        options=orjson.loads(_extra_file(data, "options.json")),
        statistics=_unpack(_extra_file(data, "statistics.npz")),
    )


def check_seal(data: bytes) -> None:
    """Raise DamagedVersion unless the digest at the end of `data` is that of all bytes before it."""
    if hashlib.sha256(data[:-SEAL]).hexdigest().encode() != data[-SEAL:]:
        raise DamagedVersion("The version's file is not what was written: its seal does not match its bytes.")


def _seal(archive: bytes) -> bytes:
    """`archive` with the digest of all its bytes as the ZIP archive's comment.

    The archive's own checksums leave out headers and padding, and torch does not check them.
    """
    end = len(archive) - END_OF_ARCHIVE
    if archive[end : end + 4] != b"PK\x05\x06":
        raise ValueError("torch's archive does not end in an end-of-archive record")
    body = archive[:-2] + struct.pack("<H", SEAL)
    return body + hashlib.sha256(body).hexdigest().encode()


def _extra_file(data: bytes, name: str) -> bytes:
    check_seal(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        folder = archive.namelist()[0].split("/")[0]
        written_as = int(archive.read(f"{folder}/extra/format"))
        if written_as > FORMAT:
            raise DamagedVersion(f"The version's file has format {written_as}; this release reads up to {FORMAT}.")
        return archive.read(f"{folder}/extra/{name}")


@cache
def _scripted() -> Module:
    """The module, compiled once: that costs more than filling its buffers and saving it."""
    module: Module = torch.jit.script(LinearModel(1))
    return module


def _json(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def _pack(statistics: Statistics) -> bytes:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        triangle=statistics.triangle[np.triu_indices(statistics.d + 2)],
        origin=statistics.origin,
        n=statistics.n,
        lowest=statistics.lowest,
        highest=statistics.highest,
    )
    return buffer.getvalue()


def _unpack(data: bytes) -> Statistics:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        d = len(arrays["lowest"]) - 1
        triangle = np.zeros((d + 2, d + 2))
        triangle[np.triu_indices(d + 2)] = arrays["triangle"]
        return Statistics(triangle, arrays["origin"], float(arrays["n"]), arrays["lowest"], arrays["highest"])
