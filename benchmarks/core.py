"""Compare fits in memory: Descent, scikit-learn, a loop with autograd and a sum of the data.

make bench-core

Everything runs interleaved in one process, and ratios are medians over the repetitions. Repetitions during which other
processes used the machine are repeated, up to a limit, and the least disturbed ones count. Writes its part of
docs/benchmarks.md and the plot.
"""

# ruff: noqa: E402
import os

# BLAS reads these variables when it is imported.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "2"

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import numpy as np
import torch
from accuracy import accuracy_table
from common import QUIET, busy_elsewhere, machine, settle, write
from sklearn.linear_model import LinearRegression, SGDRegressor
from threadpoolctl import threadpool_limits

from service.artifact.columns import Columns, RowShape
from service.core.blocks import Batch
from service.core.statistics import gather
from service.training import fit

SHAPES = ((1_000_000, 1), (1_000_000, 10), (100_000, 100))
REPETITIONS = 9
LONG_REPETITIONS = 3
MOST_ATTEMPTS = 4
"""Attempts at each repetition, until other processes use at most QUIET cores."""
SLOW = (("SGDRegressor", 30), ("1,000 autograd epochs", 250))
WALKED = 20
"""Epochs of the loop that are timed. Each costs the same, so a thousand cost fifty times as much."""
PLOT = ROOT / "docs/benchmarks-core.svg"
PACKAGES = ("numpy", "scipy", "scikit-learn", "statsmodels", "torch")

Contenders = dict[str, Callable[[], object]]
Seconds = dict[str, list[float]]


class Data(NamedTuple):
    """The data of one fit."""

    x: np.ndarray
    y: np.ndarray
    columns: Columns


def make_data(n: int, d: int) -> Data:
    """Return rows whose y is linear in x with noise."""
    generator = np.random.default_rng(n + d)
    x = generator.normal(size=(n, d))
    y = x @ generator.normal(size=d) + 1 + generator.normal(size=n)
    return Data(x, y, Columns.of(None, RowShape.LIST, d))


def descent(data: Data, threads: int, epochs: int | None = None) -> fit.Fit:
    """Return Descent's fit with all its statistics, without HTTP and publishing."""
    rows = Batch(data.x, data.y)
    gathered = gather([rows], data.x.shape[1], threads)
    return fit.fit(gathered, data.columns, fit.Options(epochs=epochs), WALKED, rows=rows)


def linear_regression(data: Data, threads: int) -> LinearRegression:
    """Return scikit-learn's least squares, which has no statistics, with a number of BLAS threads."""
    with threadpool_limits(threads):
        return LinearRegression().fit(data.x, data.y)


def walk(data: Data) -> None:
    """Run the tutorial's loop in float64."""
    x, y = torch.from_numpy(data.x), torch.from_numpy(data.y)
    w = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    b = torch.zeros((), dtype=torch.float64, requires_grad=True)
    for _ in range(WALKED):
        ((x @ w + b - y) ** 2).mean().backward()
        with torch.no_grad():
            w -= 0.1 * w.grad
            b -= 0.1 * b.grad
        w.grad.zero_()
        b.grad.zero_()


def timed(function: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def measure(data: Data) -> tuple[Seconds, float]:
    """Return the seconds of every contender, and the cores that others kept busy in the repetitions that count."""
    fast: Contenders = {
        "sum": lambda: (data.x.sum(), data.y.sum()),
        "descent": lambda: descent(data, 1),
        "LinearRegression": lambda: linear_regression(data, 1),
        "descent, 1 epoch": lambda: descent(data, 1, 1),
        "descent, 1,000,000 epochs": lambda: descent(data, 1, 1_000_000),
        "descent, 2 threads": lambda: descent(data, 2),
        "LinearRegression, 2 threads": lambda: linear_regression(data, 2),
    }
    slow: Contenders = {
        "descent": fast["descent"],
        "SGDRegressor": lambda: SGDRegressor().fit(data.x, data.y),
        "1,000 autograd epochs": lambda: walk(data),
    }
    with threadpool_limits(1):
        descent(data, 2)
        seconds, disturbance = interleaved(fast, REPETITIONS)
        slow_seconds, slow_disturbance = interleaved(slow, LONG_REPETITIONS)
    slow_seconds["1,000 autograd epochs"] = [each * 1000 / WALKED for each in slow_seconds["1,000 autograd epochs"]]
    slow_seconds["descent beside the slow"] = slow_seconds.pop("descent")
    return seconds | slow_seconds, max(disturbance, slow_disturbance)


def interleaved(contenders: Contenders, repetitions: int) -> tuple[Seconds, float]:
    """Return the seconds of each contender in the least disturbed repetitions, and the largest disturbance of those."""
    attempts: list[tuple[float, dict[str, float]]] = []
    while len(attempts) < repetitions * MOST_ATTEMPTS and sum(part <= QUIET for part, _ in attempts) < repetitions:
        settle()
        elsewhere = busy_elsewhere()
        order = contenders.items() if len(attempts) % 2 else reversed(contenders.items())
        taken = {name: timed(function) for name, function in order}
        attempts.append((elsewhere(), taken))
    kept = sorted(attempts, key=lambda attempt: attempt[0])[:repetitions]
    return {name: [taken[name] for _, taken in kept] for name in contenders}, kept[-1][0]


def ratio(seconds: Seconds, other: str, to: str) -> float:
    """Return the median over the repetitions of the time of `other` divided by that of `to`."""
    return statistics.median(a / b for a, b in zip(seconds[other], seconds[to], strict=False))


def agreement(data: Data) -> float:
    """Return the largest difference between Descent's coefficients and scikit-learn's."""
    return float(np.abs(descent(data, 2).w - LinearRegression().fit(data.x, data.y).coef_).max())


def tiny_fit() -> float:
    """Return the median seconds of a fit of 15 rows and one column."""
    data = make_data(15, 1)
    return statistics.median(timed(lambda: descent(data, 2)) for _ in range(1000))


def targets(found: dict[tuple[int, int], Seconds]) -> list[tuple[str, float, str, bool]]:
    """Return the targets: name, ratio, bound, and whether it is reached."""
    rows = []
    for (n, d), seconds in found.items():
        shape = f"{n:,}×{d}"
        least = [("LinearRegression", "descent", 4), ("LinearRegression, 2 threads", "descent, 2 threads", 7)]
        least += [(name, "descent beside the slow", bound) for name, bound in SLOW]
        for other, ours, bound in least:
            if n < 1_000_000 or (bound == 7 and d == 1):
                continue
            value = ratio(seconds, other, ours)
            rows.append((f"{shape}: {other}", value, f"≥ {bound}", value >= bound))
        value = ratio(seconds, "descent, 1,000,000 epochs", "descent, 1 epoch")
        rows.append((f"{shape}: 1,000,000 epochs against 1", value, "≤ 1.05", value <= 1.05))
    return rows


def times_table(found: dict[tuple[int, int], Seconds]) -> str:
    """Return the table of milliseconds of each contender on each shape."""
    names = [name for name in next(iter(found.values())) if name != "descent beside the slow"]
    lines = ["| milliseconds, median | " + " | ".join(f"{n:,}×{d}" for n, d in found) + " |"]
    lines.append("| --- |" + " ---: |" * len(found))
    for name in names:
        cells = (f"{statistics.median(seconds[name]) * 1e3:,.1f}" for seconds in found.values())
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(found: dict[tuple[int, int], Seconds]) -> None:
    """Draw the seconds of each contender, one panel for each shape."""
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "descent", "font.size": 8})
    from matplotlib import pyplot as plt  # noqa: PLC0415

    shown = ("sum", "descent, 2 threads", "descent", "LinearRegression", "SGDRegressor", "1,000 autograd epochs")
    figure, panels = plt.subplots(1, len(found), figsize=(9, 2.2), sharey=True, layout="constrained")
    for panel, ((n, d), seconds) in zip(panels, found.items(), strict=True):
        values = [statistics.median(seconds[name]) for name in shown]
        colours = ["#2563a8" if name.startswith("descent") else "#a0a0a0" for name in shown]
        panel.barh(shown, values, color=colours)
        panel.set(xscale="log", title=f"{n:,} × {d}", xlabel="seconds")
        panel.invert_yaxis()
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(PLOT, metadata={"Date": None})


def page(found: dict[tuple[int, int], Seconds], differences: list[float], elsewhere: float) -> str:
    """Return the part of docs/benchmarks.md."""
    rows = ["| ratio | measured | target | reached |", "| --- | ---: | ---: | --- |"]
    rows += [
        f"| {name} | {value:.3f}× |" if "epochs against" in name else f"| {name} | {value:.1f}× |"
        for name, value, _, _ in targets(found)
    ]
    for i, (_, _, bound, reached) in enumerate(targets(found), start=2):
        rows[i] += f" {bound} | {'yes' if reached else '**no**'} |"
    how = f"Medians of {REPETITIONS} interleaved repetitions ({LONG_REPETITIONS} of the slow ones)"
    tiny = f"A fit of 15 rows takes {tiny_fit() * 1e6:.0f} µs"
    parts = (
        f"{machine(PACKAGES)}. {how}; other processes kept at most {elsewhere:.1f} cores busy in any of them.",
        "\n".join(rows),
        f"![Seconds of each contender]({PLOT.name})",
        times_table(found),
        f"{tiny}. Coefficients differ from scikit-learn's by at most {max(differences):.0e}.",
        accuracy_table(),
    )
    return "\n\n".join(parts)


def main() -> None:
    torch.set_num_threads(1)
    found, differences, disturbances = {}, [], []
    for n, d in SHAPES:
        data = make_data(n, d)
        found[n, d], disturbance = measure(data)
        differences.append(agreement(data))
        disturbances.append(disturbance)
    text = page(found, differences, max(disturbances))
    draw(found)
    write("make bench-core", text)
    print(text)


if __name__ == "__main__":
    main()
