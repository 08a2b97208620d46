"""Compare the speed of the working tree with that of another revision, both served on this machine.

make bench-compare BASE=<revision> [PAIRS=9]

Each pair starts both services afresh, because a service differs by a tenth from start to start. Every other pair
starts with the other revision. The ratio of a pair is the new speed divided by the old one. The median of all pairs
has to be at least 0.95, otherwise the command exits with 1.
"""

import argparse
import contextlib
import http.client
import os
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
from common import ROOT, machine, settle
from environments import NotRun
from servers import Server, free_port, serving
from startup import await_response
from training_data import ARROW, CSV, JSON, as_arrow, as_csv, as_json, make_data

LEAST = 0.95
CONNECTIONS = 16
WAVE_SECONDS = 0.02
"""Pause between two connections, because one worker accepts most of those that arrive together."""
TRAININGS = 3
NEW, OLD = "new", "old"


class Sizes(NamedTuple):
    """Sizes of the loads."""

    seconds: float
    json_rows: int
    csv_rows: int
    arrow_rows: int


class Load(NamedTuple):
    """Bodies of the requests that are measured."""

    one_row: bytes
    many_rows: bytes
    json: bytes
    csv: bytes
    arrow: bytes


class Speed(NamedTuple):
    """Requests a second, of predictions and of trainings."""

    one_row: float
    many_rows: float
    json: float
    csv: float
    arrow: float


class Connection:
    """A keep-alive connection that sends one request again and again."""

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request
        self._left = 0

    def send(self) -> None:
        """Send the request."""
        self.socket.sendall(self._request)

    def is_answered(self) -> bool:
        """Receive a part of the response and return whether it is complete."""
        received = self.socket.recv(1 << 18)
        if self._left:
            self._left -= len(received)
        else:
            head, _, body = received.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise NotRun(f"a prediction was answered {head[:60]!r}")
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            self._left = int(length) - len(body)
        if not received or self._left < 0:
            raise NotRun("a response ended early or had more bytes than its length")
        return self._left == 0


def request_rate(port: int, body: bytes, seconds: float) -> float:
    """Return the predictions a second over several connections, each of which waits for its response."""
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: {JSON}\r\nContent-Length: {len(body)}\r\n\r\n"
    with contextlib.ExitStack() as stack, select.epoll() as poll:
        connections = {}
        for _ in range(CONNECTIONS):
            connection = Connection(port, head.encode() + body)
            stack.enter_context(connection.socket)
            connections[connection.socket.fileno()] = connection
            poll.register(connection.socket, select.EPOLLIN)
            connection.send()
            time.sleep(WAVE_SECONDS)
        answered = 0
        started = time.perf_counter()
        while (taken := time.perf_counter() - started) < seconds:
            events = poll.poll(60)
            if not events:
                raise NotRun("no prediction was answered for 60 s")
            for number, _ in events:
                if connections[number].is_answered():
                    answered += 1
                    connections[number].send()
    return answered / taken


def training_rate(port: int, body: bytes, media_type: str) -> float:
    """Return the median trainings a second of some that follow each other, after one that is not counted."""
    rates = []
    for _ in range(TRAININGS + 1):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        with contextlib.closing(connection):
            started = time.perf_counter()
            connection.request("POST", "/train?model=large", body, {"Content-Type": media_type})
            response = connection.getresponse()
            text = response.read()
            rates.append(1 / (time.perf_counter() - started))
        if response.status != http.client.CREATED:
            raise NotRun(f"/train was answered {response.status}: {text[:200]!r}")
    return statistics.median(rates[1:])


@contextlib.contextmanager
def service(checkout: Path) -> Iterator[Server]:
    """Run the service of a checkout with two workers and a model to predict with."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = free_port()
        settings = {"DESCENT_STORE": str(folder / "models"), "DESCENT_PORT": str(port), "DESCENT_WORKERS": "2"}
        settings["PYTHONPATH"] = str(checkout)
        require_package_of(checkout, folder)
        command = [sys.executable, "-m", "gunicorn", "-c", str(checkout / "gunicorn.conf.py")]
        with serving(command, port, folder, settings) as server:
            await_response(port, "/train", {"x": [1, 2, 3], "y": [1, 2, 4]})
            server.rest()
            yield server


def require_package_of(checkout: Path, folder: Path) -> None:
    """Raise NotRun unless the interpreter imports the package of a checkout and not an installed one."""
    command = [sys.executable, "-c", "import service; print(service.__file__)"]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    found = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout
    if not Path(found.strip()).is_relative_to(checkout):
        raise NotRun(f"the interpreter imports {found.strip()} instead of the package in {checkout}")


def measure(checkout: Path, load: Load, seconds: float) -> Speed:
    """Return the speed of the service of a checkout."""
    with service(checkout) as server:
        request_rate(server.port, load.one_row, min(1, seconds))
        settle()
        one_row = request_rate(server.port, load.one_row, seconds)
        many_rows = request_rate(server.port, load.many_rows, seconds)
        bodies = ((load.json, JSON), (load.csv, CSV), (load.arrow, ARROW))
        return Speed(one_row, many_rows, *(training_rate(server.port, body, kind) for body, kind in bodies))


@contextlib.contextmanager
def checkout_of(revision: str) -> Iterator[Path]:
    """Check a revision out into a temporary folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve() / "base"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(folder), revision], check=True)
        try:
            yield folder
        finally:
            subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def make_load(sizes: Sizes) -> Load:
    """Return the bodies of all requests."""
    many = make_data(10_000, 1).x[:, 0].tolist()
    return Load(
        b'{"x": [5.0]}',
        orjson.dumps({"x": many}),
        as_json(make_data(sizes.json_rows, 10)),
        as_csv(make_data(sizes.csv_rows, 3)),
        as_arrow(make_data(sizes.arrow_rows, 1)),
    )


def report(pairs: list[dict[str, Speed]], sizes: Sizes) -> bool:
    """Print every pair and the median ratios, and return whether all are reached."""
    names = (
        ("one-row predictions", "/s"),
        ("10,000-row predictions", "/s"),
        (f"trainings on {sizes.json_rows:,} x 10 in JSON", "/s"),
        (f"trainings on {sizes.csv_rows:,} x 3 in CSV", "/s"),
        (f"trainings on {sizes.arrow_rows:,} x 1 in Arrow", "/s"),
    )
    all_reached = True
    for index, (name, unit) in enumerate(names):
        speeds = [(pair[NEW][index], pair[OLD][index]) for pair in pairs]
        ratio = statistics.median(new / old for new, old in speeds)
        print(f"\n{name}: new{unit}, old{unit}, new/old")
        for new, old in speeds:
            print(f"{new:12,.2f} {old:12,.2f} {new / old:8.3f}")
        print(f"median ratio {ratio:.3f}, at least {LEAST}: {'yes' if ratio >= LEAST else 'NO'}")
        all_reached &= ratio >= LEAST
    return all_reached


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("base", help="the revision to compare with")
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=4, help="duration of each load of predictions")
    parser.add_argument("--json-rows", type=int, default=1_000_000)
    parser.add_argument("--csv-rows", type=int, default=1_000_000)
    parser.add_argument("--arrow-rows", type=int, default=10_000_000)
    options = parser.parse_args()
    sizes = Sizes(options.seconds, options.json_rows, options.csv_rows, options.arrow_rows)
    load = make_load(sizes)
    pairs = []
    with checkout_of(options.base) as base:
        checkouts = {NEW: ROOT, OLD: base}
        for number in range(options.pairs):
            order = (NEW, OLD) if number % 2 == 0 else (OLD, NEW)
            pairs.append({side: measure(checkouts[side], load, sizes.seconds) for side in order})
            ratios = ", ".join(f"{new / old:.3f}" for new, old in zip(pairs[-1][NEW], pairs[-1][OLD], strict=True))
            print(f"pair {number + 1} of {options.pairs}, {order[0]} first: new/old {ratios}", flush=True)
    print(f"\n{machine(('numpy', 'torch', 'gunicorn'))}. Compared with {options.base}.")
    return int(not report(pairs, sizes))


if __name__ == "__main__":
    sys.exit(main())
