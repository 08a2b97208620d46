"""A server under measurement: start, stop, and the connections of each of its processes."""

import contextlib
import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import busy_elsewhere
from environments import NotRun, last_line

START_SECONDS = 120
STOP_SECONDS = 5
WORKERS = 2
ESTABLISHED, LISTENING = "01", "0A"
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}


def free_port() -> int:
    """Return a free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A command that serves on a port of the loopback, in a session of its own."""

    def __init__(self, command: list[str], port: int, folder: Path, settings: dict[str, str]) -> None:
        self.port = port
        self.log = folder / "server.log"
        temporary = folder / "tmp"
        temporary.mkdir(exist_ok=True)
        environment = {**os.environ, **ONE_THREAD, "TMPDIR": str(temporary), **settings}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def pids(self) -> set[int]:
        """Return every process of the session, and their children in other sessions."""
        return family(self.process.pid)

    def seconds(self) -> float:
        """Return the CPU time of the server, of this program and of its other children, such as the load."""
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime + sum(map(cpu_seconds, self.pids()))

    def post(self, path: str, body_sent: bytes) -> Any:
        """Return the JSON response to a POST; OSError unless its status is 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("POST", path, body_sent, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
        if answer.status != http.client.OK:
            raise OSError(f"{path} returned {answer.status}: {body[:200].decode(errors='replace')}")
        return json.loads(body)

    def await_response(self, path: str, body_sent: bytes) -> None:
        """Wait for the first 200, and then until the server's other processes are idle."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            if self.process.poll() is not None:
                raise NotRun(f"the server stopped: {last_line(self.log.read_text(errors='replace'))}")
            try:
                self.post(path, body_sent)
                break
            except (OSError, http.client.HTTPException) as error:
                if time.monotonic() > deadline:
                    raise NotRun(f"no response in {START_SECONDS} s: {error}") from None
                time.sleep(0.1)
        self.rest()

    def rest(self) -> None:
        """Wait, for a limited time, until the server uses little CPU time."""
        for _ in range(40):
            before = self.seconds()
            time.sleep(0.5)
            if self.seconds() - before < 0.05:
                return

    def disturbance(self) -> Any:
        """Return a function that returns the cores kept busy since now by unrelated processes."""
        return busy_elsewhere(self.seconds)

    def split(self) -> list[int]:
        """Return the number of connections of each process that accepts them, in descending order."""
        connections, listeners = sockets(self.port, ESTABLISHED), sockets(self.port, LISTENING)
        held = {pid: inodes(pid) for pid in self.pids()}
        listening = {pid for pid, found in held.items() if found & listeners}
        # A parent holds the listening socket for its children and accepts no connections.
        accepting = min(WORKERS, len(listening - {parent(pid) for pid in listening}))
        counts = [n for n in (len(found & connections) for found in held.values()) if n]
        return sorted(counts + [0] * (accepting - len(counts)), reverse=True)

    def stop(self) -> None:
        """Stop every process of the server."""
        pids = self.pids()
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        deadline = time.monotonic() + STOP_SECONDS
        while left := {pid for pid in pids | self.pids() if is_alive(pid)}:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        self.process.wait(STOP_SECONDS)


@contextlib.contextmanager
def serving(command: list[str], port: int, folder: Path, settings: dict[str, str]) -> Iterator[Server]:
    """Run a server meanwhile."""
    server = Server(command, port, folder, settings)
    try:
        yield server
    finally:
        server.stop()


def status(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on; none if the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of its children that ended."""
    return sum(map(int, status(pid)[11:15])) / os.sysconf("SC_CLK_TCK")


def is_alive(pid: int) -> bool:
    """Return whether a process runs and is not a zombie."""
    return status(pid)[:1] not in ([], ["Z"])


def parent(pid: int) -> int:
    """Return a process's parent, 0 if it has ended."""
    return int((status(pid) or ["", "0"])[1])


def family(leader: int) -> set[int]:
    """Return the processes of a session and all their descendants."""
    states = {int(path.name): status(int(path.name)) for path in Path("/proc").glob("[0-9]*")}
    found = {pid for pid, state in states.items() if state and int(state[3]) == leader}
    while more := {pid for pid, state in states.items() if state and int(state[1]) in found} - found:
        found |= more
    return found


def sockets(port: int, state: str) -> set[str]:
    """Return the inodes of the machine's sockets on a port in a state."""
    lines = [line for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    fields = (line.split() for line in lines)
    return {each[9] for each in fields if each[3] == state and each[1].endswith(f":{port:04X}")} - {"0"}


def inodes(pid: int) -> set[str]:
    """Return the inodes of the open sockets of a process."""
    found = set()
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                kind, _, inode = str(path.readlink()).partition(":[")
                if kind == "socket":
                    found.add(inode.rstrip("]"))
    return found
