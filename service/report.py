"""A fit as its users read it: the answer of `/train`, kept in the artifact."""

import math
from typing import Any

from service.columns import Columns
from service.core.inference import Inference
from service.core.statistics import FloatArray
from service.fitting import Fit, History, rounded_down


def report(fit: Fit) -> dict[str, Any]:
    """The report of `fit`; numbers that are undefined are null."""
    bound = fit.descent.largest_stable_rate
    penalised = fit.options.l2 > 0
    return {
        "w": fit.columns.mirror(fit.w.tolist()),
        "b": fit.b,
        "columns": list(fit.columns.names),
        "form": fit.columns.form,
        "n": _whole(fit.statistics.n),
        "loss": fit.loss,
        **({"objective": fit.objective} if penalised else {}),
        "initial_loss": float(fit.history.loss[0]),
        "epochs": fit.epochs,
        "converged": fit.converged,
        "options": _effective_options(fit),
        "largest_stable_learning_rate": None if bound is None else rounded_down(bound, 12),
        "optimum": _optimum(fit),
        "history": _history(fit.history, penalised=penalised),
        "warnings": [_notice(notice.type, notice.detail, notice.columns) for notice in fit.warnings],
    }


def _effective_options(fit: Fit) -> dict[str, Any]:
    """Every option with the value it had: sent again, they give the same fit."""
    options = fit.options
    seeded = options.seed is not None
    return {
        "method": options.method,
        "learning_rate": options.learning_rate,
        "epochs": options.epochs,
        "seed": options.seed,
        "initial": None if seeded else {"w": fit.columns.mirror(fit.start.w.tolist()), "b": fit.start.b},
        "standardize": options.standardize,
        "fit_intercept": options.fit_intercept,
        "l2": options.l2,
    }


def _optimum(fit: Fit) -> dict[str, Any]:
    inference = fit.inference
    return {
        "w": fit.columns.mirror(fit.descent.limit_w.tolist()),
        "b": fit.descent.limit_b,
        "loss": fit.descent.optimum.loss,
        "rss": inference.rss,
        "degrees_of_freedom": _whole(inference.degrees_of_freedom),
        "r2": inference.r2,
        "std_errors": _std_errors(inference, fit.columns),
        "undefined": inference.reason,
    }


def _std_errors(inference: Inference, columns: Columns) -> dict[str, Any] | None:
    if inference.std_errors_w is None or inference.std_error_b is None:
        return None
    return {"w": columns.mirror(_numbers(inference.std_errors_w)), "b": _number(inference.std_error_b)}


def _history(history: History, *, penalised: bool) -> dict[str, Any]:
    curves = {"epoch": history.epoch.tolist(), "loss": history.loss.tolist()}
    return {**curves, "objective": history.objective.tolist()} if penalised else curves


def _notice(kind: str, detail: str, columns: list[str]) -> dict[str, Any]:
    return {"type": kind, "detail": detail, **({"columns": columns} if columns else {})}


def _numbers(values: FloatArray) -> list[Any]:
    return [_number(value) for value in values.tolist()]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _whole(value: float) -> float:
    return int(value) if value == int(value) else value
