"""Measure the growth of a worker's memory during trainings and predictions from a long streamed body.

make bench-streaming
"""

import argparse
import http.client
import io
import random
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from startup import await_response, service, unique_memory, workers

LIMIT_MB = 150
COLUMNS = ("a", "b", "c", "y")
BLOCK_ROWS = 10_000


def csv(size: int, columns: tuple[str, ...]) -> Iterator[bytes]:
    """Yield about `size` bytes of CSV."""
    yield ",".join(columns).encode() + b"\n"
    draw = random.Random(20)
    block = "".join(",".join(repr(draw.gauss(0, 1)) for _ in columns) + "\n" for _ in range(BLOCK_ROWS)).encode()
    for _ in range(size // len(block)):
        yield block


def arrow(size: int, columns: tuple[str, ...]) -> Iterator[bytes]:
    """Yield about `size` bytes of an Arrow stream."""
    generator = np.random.default_rng(20)
    batch = pa.record_batch({name: generator.normal(size=BLOCK_ROWS) for name in columns})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        yield sink.getvalue()
        for _ in range(size // batch.nbytes):
            sink.seek(0)
            sink.truncate()
            writer.write_batch(batch)
            yield sink.getvalue()
    yield b"\xff\xff\xff\xff\0\0\0\0"


def npy(size: int, columns: tuple[str, ...]) -> Iterator[bytes]:
    """Yield about `size` bytes of a .npy file."""
    block = np.random.default_rng(20).normal(size=(BLOCK_ROWS, len(columns)))
    blocks, header = size // block.nbytes, io.BytesIO()
    shape = (blocks * BLOCK_ROWS, len(columns))
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": shape})
    yield header.getvalue()
    for _ in range(blocks):
        yield block.tobytes()


FORMATS = {"text/csv": csv, "application/vnd.apache.arrow.stream": arrow, "application/x-npy": npy}


class Peak:
    """Watch processes for the largest sum of their memory (USS)."""

    def __init__(self, pids: Collection[int]) -> None:
        self._pids = pids
        self.bytes = self.before = self._now()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self.bytes = max(self.bytes, self._now())

    @property
    def grown(self) -> int:
        """Return the growth since the beginning, in bytes."""
        return self.bytes - self.before

    def _now(self) -> int:
        return sum(map(unique_memory, self._pids))

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def send(port: int, path: str, body: Iterator[bytes], media_type: str) -> tuple[int, int]:
    """Return the status of the response and the number of bytes sent."""
    sent = 0

    def counted() -> Iterator[bytes]:
        nonlocal sent
        for piece in body:
            sent += len(piece)
            yield piece

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    headers = {"Content-Type": media_type, "Accept": media_type}
    connection.request("POST", path, counted(), headers, encode_chunked=True)
    answer = connection.getresponse()
    while answer.read(1 << 20):
        pass
    connection.close()
    return answer.status, sent


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--megabytes", type=int, default=2000)
    size = arguments.parse_args().megabytes * 1_000_000
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder, service(Path(folder) / "models", workers=1) as (process, port):
        await_response(port, "/train", {"x": {"a": [1, 2], "b": [1, 3], "c": [0, 1]}, "y": [1, 2]})
        pids = workers(process)
        for media_type, write in FORMATS.items():
            for path, columns in (("/train", COLUMNS), ("/predict", COLUMNS[:-1])):
                started = time.perf_counter()
                with Peak(pids) as peak:
                    status, sent = send(port, path, write(size, columns), media_type)
                seconds, grown = time.perf_counter() - started, peak.grown / 1e6
                worst = max(worst, grown)
                print(
                    f"{path:9}{media_type:36} {sent / 1e9:.2f} GB in {seconds:6.1f} s, status {status}: "
                    f"the workers' memory grew by at most {grown:.0f} MB",
                    flush=True,
                )
    print(f"at most {worst:.0f} MB, limit {LIMIT_MB} MB: {'met' if worst < LIMIT_MB else 'NOT MET'}")
    return int(worst >= LIMIT_MB)


if __name__ == "__main__":
    sys.exit(main())
