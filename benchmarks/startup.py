"""How long a start takes to its first answered prediction, and what a further worker costs in memory.

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
    """The JSON answer of a POST to the service."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        found: dict[str, object] = json.load(answer)
    return found


@contextlib.contextmanager
def service(store: Path, workers: int) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A running service and its port."""
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


def until_answered(port: int, path: str, body: dict[str, object]) -> None:
    """Ask until the service answers, a bounded time."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            post(port, path, body)
        except OSError as error:
            if time.monotonic() > deadline:
                sys.exit(f"The service does not answer: {error}")
            time.sleep(0.005)
        else:
            return


def start_to_first_answer(store: Path) -> float:
    """Seconds from the command to the first prediction answered."""
    settle()
    started = time.perf_counter()
    with service(store, workers=2) as (_, port):
        until_answered(port, "/predict", {"x": 1})
        return time.perf_counter() - started


def unique_memory(pid: int) -> int:
    """Bytes that would be free if the process ended (USS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def workers(process: "subprocess.Popen[bytes]") -> list[int]:
    """The process ids of a service's workers, the one for long requests included."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(pid) for pid in children.split()]


class Memory(NamedTuple):
    """USS of the workers, in bytes: of those that share the listening socket, and of the one for long requests."""

    ordinary: list[int]
    long: list[int]


def memory_of_workers(store: Path, number: int) -> Memory:
    """That of workers that have trained and predicted, and of the other after a long request."""
    with service(store, number) as (process, port):
        until_answered(port, "/predict", {"x": 1})
        for _ in range(20 * number):
            post(port, "/train", {"x": [1, 2, 3], "y": [1, 2, 4]})
            post(port, "/predict", {"x": 1})
        post(port, "/train", {"x": list(range(LONG_ROWS)), "y": list(range(LONG_ROWS))})
        listeners = sockets(port, LISTENING)
        found = Memory([], [])
        for pid in workers(process):
            (found.ordinary if inodes(pid) & listeners else found.long).append(unique_memory(pid))
        return found


def start_row(store: Path) -> Row:
    """How long starts take."""
    starts = [start_to_first_answer(store) for _ in range(STARTS)]
    value = statistics.median(starts)
    told = ", ".join(f"{seconds:.2f}" for seconds in starts)
    return Row("start to the first answer, two workers", f"{value:.2f} s ({told})", "≤ 2 s", value <= LONGEST_START)


def memory_row(store: Path, number: int) -> Row:
    """What each of so many workers costs."""
    memory = memory_of_workers(store, number)
    ordinary, long = (", ".join(f"{size / 1e6:.1f}" for size in sorted(sizes)) for sizes in memory)
    what = f"memory of its own (USS) of each of {number} workers; of the one for long requests"
    return Row(what, f"{ordinary} MB; {long} MB", "≤ 20 MB; none", max(memory.ordinary) <= MOST_MEMORY)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "models"
        with service(store, workers=1) as (_, port):
            until_answered(port, "/train", {"x": [1, 2, 3], "y": [1, 2, 4]})
        rows = [start_row(store), *(memory_row(store, number) for number in WORKERS)]
    text = f"{machine(('torch', 'gunicorn'))}. The median of {STARTS} starts.\n\n{table(rows)}"
    write("make bench-startup", text)
    print(text)


if __name__ == "__main__":
    main()
