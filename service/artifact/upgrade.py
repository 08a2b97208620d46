"""Reports as earlier versions of the service wrote them, upgraded to the current fields."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np

from service.core.optimum import LeastSquares
from service.core.statistics import Statistics

Report = dict[str, Any]


def upgraded(report: Report, statistics: Callable[[], Statistics]) -> Report:
    """Return `report` with the current fields; `statistics` are loaded only if a field has to be computed."""
    if "r2" not in report:
        report["r2"] = _r_squared(report, statistics())
    if isinstance(report["trained_at"], int | float):
        report["trained_at"] = iso_time(report["trained_at"])
    if report["options"]["epochs"] is None:
        report["options"]["epochs"] = "converged"
    for warning in report["warnings"]:
        if warning["type"] == "distant-limit":
            warning["type"] = "slow-convergence"
    return report


def iso_time(seconds: float) -> str:
    """Return Unix time in ISO 8601: UTC, to the millisecond, such as 2026-11-23T10:09:24.071Z."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def coefficients_of(report: Report) -> list[float]:
    """Return the slopes of a report in the order of its columns."""
    w = report["w"]
    return list(w.values()) if isinstance(w, dict) else np.atleast_1d(w).tolist()


def _r_squared(report: Report, statistics: Statistics) -> float | None:
    problem = LeastSquares.of(statistics, fit_intercept=report["options"]["fit_intercept"])
    r2 = problem.r_squared(report["loss"])
    return r2 if math.isfinite(r2) else None
