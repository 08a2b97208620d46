"""What the benchmarks share: the machine, its quiet, and the parts of docs/benchmarks.md that they write."""

import datetime as dt
import importlib.metadata
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/benchmarks.md"
END = "<!-- to here -->"
QUIET = 0.1
"""IdleCpuEstimator that others may keep busy."""
PATIENCE = 20
"""Half seconds to wait for quiet before an attempt."""


class Row(NamedTuple):
    """A line of the table; without a bound, nothing is to be reached."""

    what: str
    measured: str
    bound: str | None = None
    is_reached: bool = False

    @property
    def verdict(self) -> str:
        """Whether the bound is reached."""
        if self.bound is None:
            return ""
        return "yes" if self.is_reached else "**no**"


def table(rows: list[Row]) -> str:
    """The rows as the page has them."""
    lines = ["| what | measured | to reach | reached |", "| --- | --- | ---: | --- |"]
    lines += [f"| {each.what} | {each.measured} | {each.bound or ''} | {each.verdict} |" for each in rows]
    return "\n".join(lines)


def machine(packages: tuple[str, ...]) -> str:
    """Where and with what it was measured."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        model = next((line.split(": ")[1] for line in info.read_text().splitlines() if "model name" in line), model)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    today = dt.datetime.now(dt.UTC).date()
    return f"{today}, {os.cpu_count()} cores of {model}, Python {platform.python_version()}, {versions}"


def busy_elsewhere(own: Callable[[], float] = time.process_time) -> Callable[[], float]:
    """A function that tells the cores kept busy since now by processes that `own` does not count, on Linux."""

    def used() -> float:
        first = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
        idle = int(first[3]) + int(first[4])
        return (sum(map(int, first[:8])) - idle) / os.sysconf("SC_CLK_TCK")

    def elsewhere() -> float:
        others = used() - since_used - (own() - since_own)
        return max(0.0, others / (time.perf_counter() - since))

    if not Path("/proc/stat").exists():
        return lambda: 0.0
    since, since_used, since_own = time.perf_counter(), used(), own()
    return elsewhere


def settle() -> None:
    """Wait for others to leave the machine alone, a bounded time."""
    for _ in range(PATIENCE):
        elsewhere = busy_elsewhere()
        time.sleep(0.5)
        if elsewhere() <= QUIET:
            return


def write(command: str, text: str) -> None:
    """Put `text` into the part of the page that `command` writes."""
    before, rest = PAGE.read_text("utf-8").split(begin := f"<!-- {command} writes from here -->")
    after = rest.split(END, 1)[1]
    PAGE.write_text(f"{before}{begin}\n\n{text}\n\n{END}{after}", "utf-8")
