"""Measure appends and groups.

make bench-appends

An append must cost the same for a model of few rows and of many. Groups are measured in models a second.
"""

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from service.app import create_app
from service.artifact.columns import Columns, RowShape
from service.core.blocks import Batch
from service.settings import Settings
from service.store import Store
from service.training.request import Request
from service.training.trainer import Trainer

HISTORY = (10, 10_000_000)
APPENDS = 300
GROUPS, ROWS = 10_000, 20


def appends(folder: Path) -> None:
    """Print the medians and their ratio for one row appended to a model of few rows and to one of many, alternating."""
    trainer = Trainer(Store(folder), max_columns=10, max_autograd_epochs=1, keep_versions=0)
    columns, generator = Columns.of(None, RowShape.NUMBER, 1), np.random.default_rng(0)
    for n in HISTORY:
        x = generator.normal(size=(n, 1))
        trainer.train(f"n{n}", Request([Batch(x, 2 * x[:, 0] + generator.normal(size=n))], columns))
    seconds: dict[int, list[float]] = {n: [] for n in HISTORY}
    row = Request([Batch(np.ones((1, 1)), np.ones(1))], columns, append=True)
    for _ in range(APPENDS):
        for n in HISTORY:
            started = time.perf_counter()
            trainer.train(f"n{n}", row)
            seconds[n].append(time.perf_counter() - started)
    few, many = (statistics.median(seconds[n]) for n in HISTORY)
    print(f"append of one row to {HISTORY[0]} rows: {1e3 * few:.2f} ms, to {HISTORY[1]:,} rows: {1e3 * many:.2f} ms")
    print(f"ratio: {many / few:.3f} (target: at most 1.1)")


def groups(folder: Path) -> None:
    """Print the rate of training many small models in one request, and of predicting with them in one."""
    client = create_app(Settings(store=str(folder), log_min_duration_ms=10**6)).test_client()
    generator = np.random.default_rng(0)
    x = generator.normal(size=GROUPS * ROWS).tolist()
    labels = np.repeat(np.arange(GROUPS), ROWS).tolist()
    bodies = {"/models:train": {"x": x, "y": x, "group": labels}, "/models:predict": {"x": x, "group": labels}}
    for path, body in bodies.items():
        started = time.perf_counter()
        results = client.post(path, json=body).json["results"]
        seconds = time.perf_counter() - started
        failed = sum("problem" in result for result in results)
        print(
            f"{path}: {GROUPS:,} models of {ROWS} rows in {seconds:.1f} s: {GROUPS / seconds:,.0f}/s, {failed} failed"
        )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        appends(Path(folder) / "appends")
        groups(Path(folder) / "groups")


if __name__ == "__main__":
    main()
