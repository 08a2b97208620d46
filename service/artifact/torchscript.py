"""Version files: TorchScript with extra files and a checksum."""

import hashlib
import io
import struct
import threading
import zipfile
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple

import numpy as np
import orjson
import torch
from torch import Tensor, nn

from service.artifact.upgrade import coefficients_of, upgraded
from service.core.blocks import FloatArray
from service.core.statistics import Statistics
from service.errors import CorruptArtifact

FORMAT = 2
"""The number of this layout of extra files; later versions of the service read older ones."""

ARCHIVE = "archive"
"""The name that torch gives to the folder in an archive that it writes to memory."""
END_OF_ARCHIVE_BYTES = 22
CHECKSUM_CHARACTERS = 64
ROUNDING = 1e-9
"""The largest relative difference of c − w·origin from b, which both have rounding errors."""

Module = torch.jit.ScriptModule

_one_at_a_time = threading.Lock()
_this_thread = threading.local()


class LinearModel(nn.Module):
    """ŷ = x·w + b = (x − origin)·w + c for x (n, d) in float64: (n,).

    The second form keeps its digits far from zero, where w·x and b cancel.
    """

    w: Tensor
    b: Tensor
    origin: Tensor
    c: Tensor

    def __init__(self, d: int) -> None:
        super().__init__()
        for name, shape in (("w", (d,)), ("b", ()), ("origin", (d,)), ("c", ())):
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 2 or x.size(1) != self.w.size(0):
            raise ValueError(f"x has shape {x.size()}; give one of [rows, {self.w.size(0)}]")
        # A product and a sum return the same bits for a row alone and in any batch; matmul does not.
        return ((x.contiguous() - self.origin) * self.w).sum(1) + self.c


@dataclass(frozen=True)
class Contents:
    """The extra files of a version: its report, the requested options, the sufficient statistics, and the model's
    idempotency keys."""

    report: dict[str, Any]
    options: dict[str, Any]
    statistics: Statistics
    keys: bytes = b""


class Coefficients(NamedTuple):
    """The numbers of a module: ŷ = x·w + b = (x − origin)·w + c, with w and origin (d,)."""

    w: FloatArray
    b: float
    origin: FloatArray
    c: float


def dump(coefficients: Coefficients, contents: Contents) -> bytes:
    """Return the file of a version: `coefficients` as the module's buffers, `contents` as extra files."""
    extra_files = {
        "format": str(FORMAT).encode(),
        "report.json": orjson.dumps(contents.report, option=orjson.OPT_SERIALIZE_NUMPY),
        "options.json": orjson.dumps(contents.options),
        "statistics": _pack(contents.statistics),
        "keys": contents.keys,
    }
    buffer = io.BytesIO()
    with _one_at_a_time:
        module = _scripted()
        for name, value in coefficients._asdict().items():
            setattr(module, name, torch.tensor(value, dtype=torch.float64))
        torch.jit.save(module, buffer, _extra_files=extra_files)
    return _with_checksum(buffer.getvalue())


@dataclass(frozen=True)
class VersionFile:
    """A version's file whose checksum has been verified, and its ZIP archive."""

    data: bytes
    archive: zipfile.ZipFile

    @property
    def format(self) -> int:
        """Return the number of the file's layout."""
        return int(self._extra_file("format"))

    @cached_property
    def report(self) -> dict[str, Any]:
        """Return the report with the current fields, without loading torch's module."""
        report: dict[str, Any] = orjson.loads(self._extra_file("report.json"))
        return upgraded(report, lambda: self.statistics)

    @property
    def keys(self) -> bytes:
        """Return the idempotency keys."""
        return self._extra_file("keys")

    @property
    def tag(self) -> str:
        """Return the file's tag."""
        return tag(self.data)

    @property
    def statistics(self) -> Statistics:
        """Return the sufficient statistics."""
        return _unpack(self._extra_file("statistics"))

    @property
    def contents(self) -> Contents:
        """Return all extra files."""
        return Contents(
            report=self.report,
            options=orjson.loads(self._extra_file("options.json")),
            statistics=self.statistics,
            keys=self.keys,
        )

    def module(self) -> Module:
        """Return the module; raises CorruptArtifact unless its coefficients are the report's."""
        module: Module = torch.jit.load(io.BytesIO(self.data))
        w, b, origin, c = coefficients(module)
        size = abs(c) + np.abs(w) @ np.abs(origin)
        is_same_line = not abs(c - w @ origin - b) > ROUNDING * size  # a size that overflows is NaN
        if w.tolist() != coefficients_of(self.report) or b != self.report["b"] or not is_same_line:
            raise CorruptArtifact("The module's w and b differ from its report's. Train again or restore the file.")
        return module

    def _extra_file(self, name: str) -> bytes:
        return self.archive.read(f"{ARCHIVE}/extra/{name}")


def load_artifact(data: bytes) -> VersionFile:
    """Return the verified file of a version; raises CorruptArtifact for a wrong checksum or a later format."""
    if hashlib.sha256(data[:-CHECKSUM_CHARACTERS]).hexdigest().encode() != data[-CHECKSUM_CHARACTERS:]:
        raise CorruptArtifact("The version's file is damaged: its checksum is wrong. Train again or restore the file.")
    file = VersionFile(data, zipfile.ZipFile(io.BytesIO(data)))
    if file.format > FORMAT:
        raise CorruptArtifact(
            f"The version's file has format {file.format}, but this service reads up to {FORMAT}. Update the service."
        )
    return file


def tag(data: bytes) -> str:
    """Return a string that identifies a version's file: half of its checksum."""
    return data[-CHECKSUM_CHARACTERS : -CHECKSUM_CHARACTERS // 2].decode("ascii")


def predict(module: Module, x: FloatArray) -> FloatArray:
    """Return ŷ (n,) of x (n, d) by the module."""
    if not hasattr(_this_thread, "is_unoptimized"):
        _disable_optimization()
    y: FloatArray = module.forward(torch.from_numpy(x)).numpy()  # calling the module looks for hooks
    return y


def _disable_optimization() -> None:
    """Disable optimization in this thread: it costs the first two calls of a module 1 ms each and gains nothing."""
    torch.jit.optimized_execution(should_optimize=False).__enter__()  # type: ignore[attr-defined]
    _this_thread.is_unoptimized = True


def coefficients(module: Module) -> Coefficients:
    """Return the coefficients of a module. Modules of format 1 have no origin, so theirs is zero."""
    w, b = module.w.numpy(), float(module.b)
    if not hasattr(module, "origin"):
        return Coefficients(w, b, np.zeros_like(w), b)
    return Coefficients(w, b, module.origin.numpy(), float(module.c))


def prepare() -> None:
    """Limit torch to the calling thread, because requests and workers already use the cores."""
    torch.set_num_threads(1)


def _with_checksum(archive: bytes) -> bytes:
    """Return `archive` with the SHA-256 of all its bytes as the comment of the ZIP archive.

    The checksums in the archive do not cover headers and padding, and torch does not verify them.
    """
    end = len(archive) - END_OF_ARCHIVE_BYTES
    if archive[end : end + 4] != b"PK\x05\x06":
        raise ValueError("torch's archive does not end in an end-of-archive record")
    body = archive[:-2] + struct.pack("<H", CHECKSUM_CHARACTERS)
    return body + hashlib.sha256(body).hexdigest().encode()


@cache
def _scripted() -> Module:
    """Return the module, compiled once, because compiling takes longer than filling its buffers and saving it."""
    module: Module = torch.jit.script(LinearModel(1))
    return module


def _pack(statistics: Statistics) -> bytes:
    """Return the number of columns in 8 bytes, then in float64: n, Σ log w, lowest, highest, origin, and the upper
    triangle of R by rows; all little-endian."""
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
