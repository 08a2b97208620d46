"""Compare whole requests with the least time that they could take, and measure latency under load.

make bench-requests [REPETITIONS=7] [SECONDS=4] [ROUNDS=5]

A training in JSON is compared with simdjson, which parses the same body into arrays in this process. A training in
Arrow or npy is compared with a process that receives the same bytes over the loopback, plus a fit of the same rows in
memory.
Ratios are medians of interleaved repetitions. Writes its part of docs/benchmarks.md.
"""

# ruff: noqa: E402
import os

# BLAS reads these variables when it is imported.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import contextlib
import http.client
import io
import multiprocessing
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import numpy as np
import simdjson
from common import Row, machine, settle, table, write
from environments import NotRun
from latency import latency_rows
from lineup import DESCENT
from load import need_wrk
from servers import Server
from streaming import Peak
from training_data import ARROW, JSON, NPY, Data, as_arrow, as_json, as_npy, make_data

from service.artifact.columns import Columns, RowShape
from service.core.blocks import Batch
from service.core.statistics import gather
from service.training import fit as fitting

REPETITIONS = int(os.environ.get("REPETITIONS", "7"))
PACKAGES = ("numpy", "pysimdjson", "orjson", "pyarrow", "gunicorn")
SHAPES = ((1_000_000, 1), (1_000_000, 10))
MANY_ROWS = 10_000_000
LEEWAY_MB = 8
GROWING = (1_000_000, 10_000_000, 30_000_000)

Seconds = dict[str, list[float]]


class TrainingService(NamedTuple):
    """A service with one worker, and a connection to it."""

    server: Server
    connection: http.client.HTTPConnection

    def train(self, body: bytes | Iterable[bytes], media_type: str, size: int | None = None) -> None:
        """Train on a body and read the response; `size` is the size of a body in pieces."""
        headers = {"Content-Type": media_type} | ({"Content-Length": str(size)} if size else {})
        self.connection.request("POST", "/train", body, headers)
        response = self.connection.getresponse()
        text = response.read()
        if response.status != http.client.CREATED:
            raise NotRun(f"/train returned {response.status}: {text[:200]!r}")

    @property
    def workers(self) -> set[int]:
        """Return the processes of the workers: one, and the one for long requests."""
        return self.server.pids() - {self.server.process.pid}


@contextlib.contextmanager
def training() -> Iterator[TrainingService]:
    """Run the service with one worker and otherwise default settings."""
    one = DESCENT._replace(settings=lambda place: DESCENT.settings(place) | {"DESCENT_WORKERS": "1"})
    with tempfile.TemporaryDirectory() as folder, one.serving(one.place(Path(folder))) as server:
        server.await_response("/predict", b'{"x": [1]}')
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        with contextlib.closing(connection):
            yield TrainingService(server, connection)


def parse(body: bytes, parser: Any) -> list[np.ndarray]:
    """Return the arrays that simdjson reads from a body."""
    document = parser.parse(body)
    return [np.frombuffer(document[name].as_buffer(of_type="d")) for name in ("x", "y")]


def fit(data: Data) -> fitting.Fit:
    """Return the fit in memory with all its statistics, on one thread."""
    gathered = gather([Batch(data.x, data.y)], data.x.shape[1])
    return fitting.fit(gathered, Columns.of(None, RowShape.LIST, data.x.shape[1]), fitting.Options(), 0, rows=None)


def drain(listener: socket.socket) -> None:
    """Receive bodies into existing memory, and acknowledge each."""
    space = memoryview(bytearray(1 << 20))
    connection, _ = listener.accept()
    while announced := connection.recv(8):
        left = int.from_bytes(announced, "big")
        while left:
            left -= connection.recv_into(space[:left])
        connection.sendall(b"1")


@contextlib.contextmanager
def drained() -> Iterator[Callable[[bytes], None]]:
    """Yield a function that sends a body over the loopback to a process that discards it."""
    listener = socket.create_server(("127.0.0.1", 0))
    process = multiprocessing.Process(target=drain, args=(listener,), daemon=True)
    process.start()
    with listener, socket.create_connection(listener.getsockname()) as connection:

        def send(body: bytes) -> None:
            connection.sendall(len(body).to_bytes(8, "big"))
            connection.sendall(body)
            connection.recv(1)

        yield send
    process.join(10)


def timed(function: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def interleaved(contenders: dict[str, Callable[[], object]]) -> Seconds:
    """Return the seconds of each contender, interleaved, after one repetition that is not counted."""
    seconds: Seconds = {name: [] for name in contenders}
    for number in range(REPETITIONS + 1):
        settle()
        for name, function in contenders.items():
            taken = timed(function)
            if number:
                seconds[name].append(taken)
    return seconds


def row(name: str, seconds: Seconds, least: tuple[str, ...], bound: float | None) -> Row:
    """Return the row of the request against the sum of the least times."""
    sums = [sum(parts) for parts in zip(*(seconds[part] for part in least), strict=True)]
    value = statistics.median(whole / least_time for whole, least_time in zip(seconds["request"], sums, strict=True))
    milliseconds = ", ".join(f"{part} {statistics.median(each) * 1e3:,.0f} ms" for part, each in seconds.items())
    print(name, f"{value:.2f}×", milliseconds, flush=True)
    return Row(name, f"{value:.2f}× ({milliseconds})", bound and f"≤ {bound}×", bound is None or value <= bound)


def json_rows(service: TrainingService) -> Iterator[Row]:
    """Yield the rows of trainings in JSON."""
    for n, d in SHAPES:
        body, parser = as_json(make_data(n, d)), simdjson.Parser()
        seconds = interleaved(
            {
                "simdjson": lambda body=body: parse(body, simdjson.Parser()),
                "simdjson reused": lambda body=body, parser=parser: parse(body, parser),
                "request": lambda body=body: service.train(body, JSON),
            }
        )
        name = f"train on {n:,}×{d} in JSON, {len(body) / 1e6:.0f} MB"
        yield row(f"{name}: time of simdjson's parser", seconds, ("simdjson",), 1.5)
        yield row(f"{name}: time of a simdjson parser that is reused", seconds, ("simdjson reused",), None)


def binary_rows(service: TrainingService) -> Iterator[Row]:
    """Yield the rows of trainings in Arrow and npy."""
    data = make_data(MANY_ROWS, 1)
    for kind, media_type, encode in (("Arrow", ARROW, as_arrow), ("npy", NPY, as_npy)):
        body = encode(data)
        with drained() as send:
            seconds = interleaved(
                {
                    "receiving": lambda body=body, send=send: send(body),
                    "fit": lambda: fit(data),
                    "request": lambda body=body, media_type=media_type: service.train(body, media_type),
                }
            )
        name = f"train on {MANY_ROWS:,}×1 in {kind}, {len(body) / 1e6:.0f} MB"
        yield row(f"{name}: time of receiving the body and fitting in memory", seconds, ("receiving", "fit"), 1.3)


def memory_row(service: TrainingService) -> Row:
    """Return the row of the growth of the workers' memory for more and more rows."""
    block = as_npy(make_data(GROWING[0], 1))[-16 * GROWING[0] :]
    peaks = []
    for n in GROWING:
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (n, 2)})
        pieces = [head.getvalue(), *[block] * (n // GROWING[0])]
        with Peak(service.workers) as peak:
            service.train(iter(pieces), NPY, sum(map(len, pieces)))
        peaks.append(peak)
    grown = [(peak.bytes - peaks[0].before) / 1e6 for peak in peaks]
    text = ", ".join(f"{n:,} rows {each:.0f} MB" for n, each in zip(GROWING, grown, strict=True))
    return Row(
        "train on npy: growth of the workers' memory (USS)", text, "flat in n", grown[-1] <= grown[-2] + LEEWAY_MB
    )


def page(rows: list[Row]) -> str:
    """Return the part of docs/benchmarks.md."""
    return f"{machine(PACKAGES)}. Medians of {REPETITIONS} interleaved repetitions.\n\n{table(rows)}"


def main() -> int:
    need_wrk()
    with training() as service:
        rows = [*json_rows(service), *binary_rows(service), memory_row(service)]
    rows += latency_rows(as_arrow(make_data(MANY_ROWS, 1)), ARROW)
    text = page(rows)
    write("make bench-requests", text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
