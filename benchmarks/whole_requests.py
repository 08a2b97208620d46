"""Whole requests of many rows, side by side with the least that they could take; and answer times under load.

make bench-requests [REPETITIONS=7] [SECONDS=4] [ROUNDS=5]

A training on JSON is compared to simdjson, which parses the same body into arrays in this process; one on Arrow or npy
to a process that receives the same bytes over the loopback and lets them go, and a fit of the same rows in memory.
Ratios are medians of interleaved repetitions. Writes its part of docs/benchmarks.md.
"""

# ruff: noqa: E402
import os

# BLAS reads these when it is imported; the service's workers run with one thread per BLAS call too.
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
from answer_times import answer_times
from common import Row, machine, settle, table, write
from environments import NotRun
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


class Trained(NamedTuple):
    """A service with one worker, and a connection to it."""

    server: Server
    connection: http.client.HTTPConnection

    def train(self, body: bytes | Iterable[bytes], media_type: str, size: int | None = None) -> None:
        """Train on a body, of that size where it comes in pieces, and read the answer."""
        headers = {"Content-Type": media_type} | ({"Content-Length": str(size)} if size else {})
        self.connection.request("POST", "/train", body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != http.client.CREATED:
            raise NotRun(f"/train answered {answer.status}: {text[:200]!r}")

    @property
    def workers(self) -> set[int]:
        """The processes that answer: one, and the one for long requests."""
        return self.server.pids() - {self.server.process.pid}


@contextlib.contextmanager
def training() -> Iterator[Trained]:
    """The service with one worker, and the rest as it comes."""
    one = DESCENT._replace(settings=lambda place: DESCENT.settings(place) | {"DESCENT_WORKERS": "1"})
    with tempfile.TemporaryDirectory() as folder, one.serving(one.place(Path(folder))) as server:
        server.await_answer("/predict", b'{"x": [1]}')
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        with contextlib.closing(connection):
            yield Trained(server, connection)


def parse(body: bytes, parser: Any) -> list[np.ndarray]:
    """What simdjson makes of the body."""
    document = parser.parse(body)
    return [np.frombuffer(document[name].as_buffer(of_type="d")) for name in ("x", "y")]


def fit(data: Data) -> fitting.Fit:
    """The fit in memory, with all its statistics, on one thread."""
    gathered = gather([Batch(data.x, data.y)], data.x.shape[1])
    return fitting.fit(gathered, Columns.of(None, RowShape.LIST, data.x.shape[1]), fitting.Options(), 0, rows=None)


def drain(listener: socket.socket) -> None:
    """Receive what is announced, into memory that is there already, and say when it is there."""
    space = memoryview(bytearray(1 << 20))
    connection, _ = listener.accept()
    while announced := connection.recv(8):
        left = int.from_bytes(announced, "big")
        while left:
            left -= connection.recv_into(space[:left])
        connection.sendall(b"1")


@contextlib.contextmanager
def drained() -> Iterator[Callable[[bytes], None]]:
    """A function that sends a body over the loopback to a process that does nothing with it."""
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
    """Seconds that a call takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def interleaved(contenders: dict[str, Callable[[], object]]) -> Seconds:
    """Seconds of each contender, in turns, after one turn that does not count."""
    seconds: Seconds = {name: [] for name in contenders}
    for number in range(REPETITIONS + 1):
        settle()
        for name, function in contenders.items():
            taken = timed(function)
            if number:
                seconds[name].append(taken)
    return seconds


def row(what: str, seconds: Seconds, least: tuple[str, ...], bound: float | None) -> Row:
    """The request against the sum of the least."""
    sums = [sum(parts) for parts in zip(*(seconds[name] for name in least), strict=True)]
    value = statistics.median(whole / part for whole, part in zip(seconds["request"], sums, strict=True))
    milliseconds = ", ".join(f"{name} {statistics.median(each) * 1e3:,.0f} ms" for name, each in seconds.items())
    print(what, f"{value:.2f}×", milliseconds, flush=True)
    return Row(what, f"{value:.2f}× ({milliseconds})", bound and f"≤ {bound}×", bound is None or value <= bound)


def json_rows(service: Trained) -> Iterator[Row]:
    """Trainings on JSON."""
    for n, d in SHAPES:
        body, kept = as_json(make_data(n, d)), simdjson.Parser()
        seconds = interleaved(
            {
                "simdjson": lambda body=body: parse(body, simdjson.Parser()),
                "simdjson with a parser kept": lambda body=body, kept=kept: parse(body, kept),
                "request": lambda body=body: service.train(body, JSON),
            }
        )
        what = f"train on {n:,}×{d} in JSON, {len(body) / 1e6:.0f} MB"
        yield row(f"{what}: simdjson's parsing", seconds, ("simdjson",), 1.5)
        yield row(
            f"{what}: the same with a parser that keeps its memory", seconds, ("simdjson with a parser kept",), None
        )


def binary_rows(service: Trained) -> Iterator[Row]:
    """Trainings on Arrow and npy."""
    data = make_data(MANY_ROWS, 1)
    for name, media_type, written in (("Arrow", ARROW, as_arrow), ("npy", NPY, as_npy)):
        body = written(data)
        with drained() as send:
            seconds = interleaved(
                {
                    "receiving": lambda body=body, send=send: send(body),
                    "fit": lambda: fit(data),
                    "request": lambda body=body, kind=media_type: service.train(body, kind),
                }
            )
        what = f"train on {MANY_ROWS:,}×1 in {name}, {len(body) / 1e6:.0f} MB: receiving it and the fit in memory"
        yield row(what, seconds, ("receiving", "fit"), 1.3)


def memory_row(service: Trained) -> Row:
    """How much the workers grow while they train on more and more rows."""
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
    told = ", ".join(f"{n:,} rows {each:.0f} MB" for n, each in zip(GROWING, grown, strict=True))
    return Row("train on npy: growth of the workers' memory", told, "flat in n", grown[-1] <= grown[-2] + LEEWAY_MB)


def page(rows: list[Row]) -> str:
    """What stands between the markers."""
    return f"{machine(PACKAGES)}. Medians of {REPETITIONS} interleaved repetitions.\n\n{table(rows)}"


def main() -> int:
    need_wrk()
    with training() as service:
        rows = [*json_rows(service), *binary_rows(service), memory_row(service)]
    rows += answer_times(as_arrow(make_data(MANY_ROWS, 1)), ARROW)
    text = page(rows)
    write("make bench-requests", text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
