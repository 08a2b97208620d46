"""Versions as TorchScript files, sealed by a digest, and back."""

import hashlib
import io
import struct
import threading
import zipfile
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import orjson
import torch
from torch import Tensor, nn

from service.artifact.upgrade import coefficients_of, upgraded
from service.core.blocks import FloatArray
from service.core.statistics import Statistics
from service.errors import CorruptArtifact

FORMAT = 1
"""The number of this layout of extra files; later releases read older ones."""

ARCHIVE = "archive"
"""What torch calls the folder in an archive that it writes to memory."""
END_OF_ARCHIVE = 22
SEAL = 64

Module = torch.jit.ScriptModule

_one_at_a_time = threading.Lock()
_this_thread = threading.local()


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
    """What a version's file holds beside the module: the report as answered, the options as asked for, the sufficient
    statistics, and the idempotency keys that the model has seen."""

    report: dict[str, Any]
    options: dict[str, Any]
    statistics: Statistics
    keys: bytes = b""


def dump(w: FloatArray, b: float, contents: Contents) -> bytes:
    """The sealed file of a version: w (d,) and b as the module's buffers, `contents` as extra files."""
    extra_files = {
        "format": str(FORMAT).encode(),
        "report.json": _json(contents.report),
        "options.json": _json(contents.options),
        "statistics": _pack(contents.statistics),
        "keys": contents.keys,
    }
    buffer = io.BytesIO()
    with _one_at_a_time:
        module = _scripted()
        module.w = torch.from_numpy(w.copy())
        module.b = torch.tensor(b, dtype=torch.float64)
        torch.jit.save(module, buffer, _extra_files=extra_files)
    return _seal(buffer.getvalue())


@dataclass(frozen=True)
class VersionFile:
    """A version's file whose seal has been found whole, and the ZIP archive that it is."""

    data: bytes
    archive: zipfile.ZipFile

    @property
    def format(self) -> int:
        """The number of the layout that it was written in."""
        return int(self._extra_file("format"))

    @cached_property
    def report(self) -> dict[str, Any]:
        """The report, read without torch."""
        report: dict[str, Any] = orjson.loads(self._extra_file("report.json"))
        return upgraded(report, lambda: self.statistics)

    @property
    def keys(self) -> bytes:
        """The idempotency keys, read without torch."""
        return self._extra_file("keys")

    @property
    def tag(self) -> str:
        """What tells this file from every other."""
        return tag(self.data)

    @property
    def statistics(self) -> Statistics:
        """The sufficient statistics, read without torch."""
        return _unpack(self._extra_file("statistics"))

    @property
    def contents(self) -> Contents:
        """All extra files, read without torch."""
        return Contents(
            report=self.report,
            options=orjson.loads(self._extra_file("options.json")),
            statistics=self.statistics,
            keys=self.keys,
        )

    def module(self) -> Module:
        """The module; raises CorruptArtifact unless its buffers are the report's."""
        module: Module = torch.jit.load(io.BytesIO(self.data))
        if module.w.tolist() != coefficients_of(self.report) or module.b.item() != self.report["b"]:
            raise CorruptArtifact("The module's w and b are not those of its report.")
        return module

    def _extra_file(self, name: str) -> bytes:
        return self.archive.read(f"{ARCHIVE}/extra/{name}")


def load_artifact(data: bytes) -> VersionFile:
    """The file of a version; raises CorruptArtifact unless every byte is as it was written and this release reads its
    format."""
    if hashlib.sha256(data[:-SEAL]).hexdigest().encode() != data[-SEAL:]:
        raise CorruptArtifact("The version's file is not what was written: its seal does not match its bytes.")
    file = VersionFile(data, zipfile.ZipFile(io.BytesIO(data)))
    if file.format > FORMAT:
        raise CorruptArtifact(f"The version's file has format {file.format}; this release reads up to {FORMAT}.")
    return file


def tag(data: bytes) -> str:
    """What tells a version's file from every other: half of its seal."""
    return data[-SEAL : -SEAL // 2].decode("ascii")


def predict(module: Module, x: FloatArray) -> FloatArray:
    """ŷ (n,) of x (n, d) by the module."""
    if not hasattr(_this_thread, "runs_as_is"):
        _run_as_is()
    y: FloatArray = module.forward(torch.from_numpy(x)).numpy()  # calling the module looks for hooks
    return y


def _run_as_is() -> None:
    """Have this thread run modules without optimising them first, which costs the first two calls of each a millisecond
    and gains nothing for three operations."""
    torch.jit.optimized_execution(should_optimize=False).__enter__()  # type: ignore[attr-defined]
    _this_thread.runs_as_is = True


def coefficients(module: Module) -> tuple[FloatArray, float]:
    """w (d,) and b of a module."""
    return module.w.numpy(), float(module.b)


def prepare() -> None:
    """Let torch compute in the calling thread: requests and workers already use the cores."""
    torch.set_num_threads(1)


def _seal(archive: bytes) -> bytes:
    """`archive` with the digest of all its bytes as the ZIP archive's comment.

    The archive's own checksums leave out headers and padding, and torch does not check them.
    """
    end = len(archive) - END_OF_ARCHIVE
    if archive[end : end + 4] != b"PK\x05\x06":
        raise ValueError("torch's archive does not end in an end-of-archive record")
    body = archive[:-2] + struct.pack("<H", SEAL)
    return body + hashlib.sha256(body).hexdigest().encode()


@cache
def _scripted() -> Module:
    """The module, compiled once: that costs more than filling its buffers and saving it."""
    module: Module = torch.jit.script(LinearModel(1))
    return module


def _json(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def _pack(statistics: Statistics) -> bytes:
    """The number of columns in 8 bytes, then in float64: n, Σ log w, lowest, highest, origin, and the upper triangle
    of R by rows; all little-endian."""
    parts = (
        [statistics.n, statistics.log_weight],
        statistics.lowest,
        statistics.highest,
        statistics.origin,
        statistics.triangle[np.triu_indices(statistics.d + 2)],
    )
    return struct.pack("<Q", statistics.d) + np.concatenate(parts).astype("<f8").tobytes()


def _unpack(data: bytes) -> Statistics:
    (d,) = struct.unpack_from("<Q", data)
    numbers = np.frombuffer(data, "<f8", offset=8).astype(np.float64)
    (n, log_weight), lowest, highest, origin, upper = np.split(numbers, np.cumsum([2, d + 1, d + 1, d + 1]))
    triangle = np.zeros((d + 2, d + 2))
    triangle[np.triu_indices(d + 2)] = upper
    return Statistics(triangle, origin, float(n), lowest, highest, float(log_weight))
