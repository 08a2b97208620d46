"""Helpers of all benchmarks: the machine, its load by others, and the parts of docs/benchmarks.md that they write."""

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
"""Cores that other processes may keep busy."""
PATIENCE = 20
"""Half seconds to wait for an idle machine before an attempt."""


class Row(NamedTuple):
    """A row of a table. Without a bound there is no target."""

    name: str
    measured: str
    bound: str | None = None
    is_reached: bool = False

    @property
    def verdict(self) -> str:
        """Return whether the target is reached, in words."""
        if self.bound is None:
            return ""
        return "yes" if self.is_reached else "**no**"


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| measurement | measured | target | reached |", "| --- | --- | ---: | --- |"]
    lines += [f"| {each.name} | {each.measured} | {each.bound or ''} | {each.verdict} |" for each in rows]
    return "\n".join(lines)


def machine(packages: tuple[str, ...]) -> str:
    """Return the date, the machine and the versions of some packages."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        model = next((line.split(": ")[1] for line in info.read_text().splitlines() if "model name" in line), model)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    today = dt.datetime.now(dt.UTC).date()
    return f"{today}, {os.cpu_count()} cores of {model}, Python {platform.python_version()}, {versions}"


def busy_elsewhere(own: Callable[[], float] = time.process_time) -> Callable[[], float]:
    """Return a function that returns the cores kept busy since now by processes that `own` does not count, on Linux."""

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
    """Wait until other processes are idle, for a limited time."""
    for _ in range(PATIENCE):
        elsewhere = busy_elsewhere()
        time.sleep(0.5)
        if elsewhere() <= QUIET:
            return


def write(command: str, text: str) -> None:
    """Replace the part of docs/benchmarks.md that `command` writes by `text`."""
    before, rest = PAGE.read_text("utf-8").split(begin := f"<!-- {command} writes from here -->")
    after = rest.split(END, 1)[1]
    PAGE.write_text(f"{before}{begin}\n\n{text}\n\n{END}{after}", "utf-8")
