"""A load on a server, by wrk: keep-alive connections that post one body again and again."""

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
"""Microseconds between the waves in which connections are opened: of those that come together, one worker takes all."""
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
    """What is posted, where to, and by how many, each of which pauses for so many milliseconds on average."""

    path: str
    body: bytes
    connections: int = CONNECTIONS
    keep_alive: bool = True
    pause: float = 0


class Figures(NamedTuple):
    """What one run showed."""

    rate: float
    p50: float
    p99: float
    split: list[int]
    elsewhere: float


def need_wrk() -> None:
    """Stop here, with what to do, if there is no wrk."""
    if shutil.which("wrk") is None:
        sys.exit("This needs wrk: install it (on Debian and Ubuntu, apt-get install wrk), then try again.")


def load(server: Server, work: Work, seconds: int, folder: Path) -> Figures:
    """The figures of one run; NotRun if any answer was wrong or missing."""
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
    # In a session of its own, as the server is: Linux shares the cores between sessions first, so that this program,
    # which may be sending much to the server meanwhile, would do it at wrk's expense.
    target = f"http://127.0.0.1:{server.port}{work.path}"
    process = subprocess.Popen([*command, target], stdout=subprocess.PIPE, start_new_session=True)
    time.sleep(seconds / 2)
    split = server.split()
    output, _ = process.communicate()
    return figures(output.decode(), split, elsewhere())


def figures(output: str, split: list[int], elsewhere: float) -> Figures:
    """What wrk's script wrote, if all went well."""
    try:
        found: dict[str, Any] = json.loads(output[output.rindex("{") :])
    except ValueError:
        raise NotRun(f"wrk did not run: {output[-200:]}") from None
    if found["status"] or found["socket"]:
        raise NotRun(f"wrk saw {found['status']} errors by status and {found['socket']} of the socket")
    seconds = found["microseconds"] / 1e6
    return Figures(found["requests"] / seconds, found["p50"] / 1e3, found["p99"] / 1e3, split, elsewhere)


def median(runs: list[Figures], field: str) -> float:
    """The median of one of the figures over some runs."""
    return statistics.median(getattr(figures, field) for figures in runs)


def ratio(ours: list[Figures | None], theirs: list[Figures | None]) -> float:
    """The median over the rounds of our rate against theirs; NaN if they never met."""
    pairs = [(a.rate, b.rate) for a, b in zip(ours, theirs, strict=True) if a and b]
    return statistics.median(a / b for a, b in pairs) if pairs else math.nan
