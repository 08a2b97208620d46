"""A load on a server by wrk: connections that send one request again and again."""

import json
import math
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from environments import NotRun
from servers import Server

CONNECTIONS = 16
WAVES = 8
PAUSE = 20_000
"""Microseconds between the waves of new connections, because one worker accepts all that arrive together."""
WARM_UP_SECONDS = 1
SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Connection"] = "%s"
local ffi = require("ffi")
ffi.cdef("int usleep(unsigned int)")

function init(args)
  ffi.C.usleep(%d)
end

local file = io.open("%s", "rb")
wrk.body = file:read("*a")
file:close()

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('{"requests": %%d, "microseconds": %%d, "p50": %%f, "p99": %%f, "status": %%d, "socket": %%d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
"""


PAUSES = """
function delay()
  return math.floor(0.5 - %f * math.log(1 - math.random()))
end
"""


class Work(NamedTuple):
    """A request body, its path and the connections that send it, with an average pause in milliseconds."""

    path: str
    body: bytes
    connections: int = CONNECTIONS
    keep_alive: bool = True
    pause: float = 0


class Figures(NamedTuple):
    """Measurements of a run: requests a second, latencies in ms, connections by process, cores used by others."""

    rate: float
    p50: float
    p99: float
    split: list[int]
    elsewhere: float


def need_wrk() -> None:
    """Exit with instructions if wrk is not installed."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed. On Debian and Ubuntu: apt-get install wrk")


def load(server: Server, work: Work, seconds: int, folder: Path) -> Figures:
    """Return the figures of one run; NotRun if any response was an error or missing."""
    (folder / "body").write_bytes(work.body)
    script = folder / "post.lua"
    text = SCRIPT % ("keep-alive" if work.keep_alive else "close", PAUSE, folder / "body")
    script.write_text(text + PAUSES % work.pause if work.pause else text, "utf-8")
    command = [
        "wrk",
        f"-t{min(WAVES, work.connections)}",
        f"-c{work.connections}",
        f"-d{seconds}",
        "--timeout",
        "60",
        "--script",
        str(script),
    ]
    elsewhere = server.disturbance()
    # Linux shares the cores between sessions first. In the session of this program, which may send large bodies
    # meanwhile, wrk would get less.
    target = f"http://127.0.0.1:{server.port}{work.path}"
    process = subprocess.Popen([*command, target], stdout=subprocess.PIPE, start_new_session=True)
    time.sleep(seconds / 2)
    split = server.split()
    output, _ = process.communicate()
    return figures(output.decode(), split, elsewhere())


def figures(output: str, split: list[int], elsewhere: float) -> Figures:
    """Return the figures in the output of wrk's script; NotRun if wrk reported errors."""
    try:
        found: dict[str, Any] = json.loads(output[output.rindex("{") :])
    except ValueError:
        raise NotRun(f"wrk did not run: {output[-200:]}") from None
    if found["status"] or found["socket"]:
        raise NotRun(f"wrk saw {found['status']} errors by status and {found['socket']} of the socket")
    seconds = found["microseconds"] / 1e6
    return Figures(found["requests"] / seconds, found["p50"] / 1e3, found["p99"] / 1e3, split, elsewhere)


def median(runs: list[Figures], field: str) -> float:
    """Return the median of one of the figures over some runs."""
    return statistics.median(getattr(figures, field) for figures in runs)


def ratio(ours: list[Figures | None], theirs: list[Figures | None]) -> float:
    """Return the median over the rounds of our rate divided by theirs; NaN without a common round."""
    pairs = [(a.rate, b.rate) for a, b in zip(ours, theirs, strict=True) if a and b]
    return statistics.median(a / b for a, b in pairs) if pairs else math.nan
