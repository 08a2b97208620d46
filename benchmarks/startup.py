"""Measure the time from a start to the first prediction, and the memory of each worker.

make bench-startup

Writes its part of docs/benchmarks.md.
"""

import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from common import ROOT, Row, machine, settle, table, write
from servers import LISTENING, inodes, sockets

STARTS = 5
WORKERS = (2, 4)
LONG_ROWS = 100_000
LONGEST_START = 2.0
MOST_MEMORY = 20e6
PATIENCE = 60


def post(port: int, path: str, body: dict[str, object]) -> dict[str, object]:
    """Return the JSON response of a POST to the service."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        found: dict[str, object] = json.load(answer)
    return found


@contextlib.contextmanager
def service(store: Path, workers: int) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a service and yield its process and port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"DESCENT_STORE": str(store), "DESCENT_PORT": str(port), "DESCENT_WORKERS": str(workers)}
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn"], cwd=ROOT, env={**os.environ, **settings}, stderr=subprocess.DEVNULL
    )
    try:
        yield process, port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def await_response(port: int, path: str, body: dict[str, object]) -> None:
    """Send requests until the service responds, for a limited time."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            post(port, path, body)
        except OSError as error:
            if time.monotonic() > deadline:
                sys.exit(f"The service did not respond within {PATIENCE} s: {error}")
            time.sleep(0.005)
        else:
            return


def start_to_first_response(store: Path) -> float:
    """Return the seconds from the command to the first prediction."""
    settle()
    started = time.perf_counter()
    with service(store, workers=2) as (_, port):
        await_response(port, "/predict", {"x": 1})
        return time.perf_counter() - started


def unique_memory(pid: int) -> int:
    """Return the bytes that would be free if the process ended (USS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def workers(process: "subprocess.Popen[bytes]") -> list[int]:
    """Return the process ids of a service's workers, including the worker for long requests."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(pid) for pid in children.split()]


class Memory(NamedTuple):
    """USS in bytes of the workers that share the listening socket, and of the worker for long requests."""

    short: list[int]
    long: list[int]


def memory_of_workers(store: Path, number: int) -> Memory:
    """Return the memory of workers that have trained and predicted, and of the other after a long request."""
    with service(store, number) as (process, port):
        await_response(port, "/predict", {"x": 1})
        for _ in range(20 * number):
            post(port, "/train", {"x": [1, 2, 3], "y": [1, 2, 4]})
            post(port, "/predict", {"x": 1})
        post(port, "/train", {"x": list(range(LONG_ROWS)), "y": list(range(LONG_ROWS))})
        listeners = sockets(port, LISTENING)
        found = Memory([], [])
        for pid in workers(process):
            (found.short if inodes(pid) & listeners else found.long).append(unique_memory(pid))
        return found


def start_row(store: Path) -> Row:
    """Return the row of the duration of starts."""
    starts = [start_to_first_response(store) for _ in range(STARTS)]
    value = statistics.median(starts)
    seconds_of_each = ", ".join(f"{seconds:.2f}" for seconds in starts)
    return Row(
        "start to the first response, two workers",
        f"{value:.2f} s ({seconds_of_each})",
        "≤ 2 s",
        value <= LONGEST_START,
    )


def memory_row(store: Path, number: int) -> Row:
    """Return the row of the memory of `number` workers."""
    memory = memory_of_workers(store, number)
    short, long = (", ".join(f"{size / 1e6:.1f}" for size in sorted(sizes)) for sizes in memory)
    what = f"memory (USS) of each of {number} workers; of the worker for long requests"
    return Row(what, f"{short} MB; {long} MB", "≤ 20 MB; none", max(memory.short) <= MOST_MEMORY)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "models"
        with service(store, workers=1) as (_, port):
            await_response(port, "/train", {"x": [1, 2, 3], "y": [1, 2, 4]})
        rows = [start_row(store), *(memory_row(store, number) for number in WORKERS)]
    text = f"{machine(('torch', 'gunicorn'))}. The median of {STARTS} starts.\n\n{table(rows)}"
    write("make bench-startup", text)
    print(text)


if __name__ == "__main__":
    main()
