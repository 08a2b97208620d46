"""The report of a fit: the response of `/train`, stored in the artifact."""

import math
from typing import Any

from service.artifact.columns import Columns
from service.core.inference import PerCoefficient
from service.training.fit import Fit, History, rounded_down

SCALARS = ("r2", "adjusted_r2", "residual_std_error", "f", "f_p_value", "aic", "bic", "condition_number")
PER_COEFFICIENT = ("std_errors", "t", "p_values", "lower", "upper")


def report(fit: Fit) -> dict[str, Any]:
    """Return the report of `fit`; undefined numbers are null."""
    bound = fit.descent.max_stable_rate
    penalised = fit.options.l2 > 0
    return {
        "w": fit.columns.in_row_shape(fit.w.tolist()),
        "b": fit.b,
        "columns": list(fit.columns.names),
        "form": fit.columns.row_shape,
        "n": _whole(fit.statistics.n),
        "loss": fit.loss,
        **({"objective": fit.objective} if penalised else {}),
        "r2": _number(fit.r2),
        "initial_loss": float(fit.history.loss[0]),
        "epochs": fit.epochs,
        "converged": fit.converged,
        "options": _effective_options(fit),
        "largest_stable_learning_rate": None if bound is None else rounded_down(bound, 12),
        "optimum": _optimum(fit),
        "history": _history(fit.history, penalised=penalised),
        "warnings": [
            {"type": each.type, "detail": each.detail, **({"columns": each.columns} if each.columns else {})}
            for each in fit.warnings
        ],
    }


def _effective_options(fit: Fit) -> dict[str, Any]:
    """Return every option with its resolved value: sent again, they give the same fit."""
    options = fit.options
    seeded = options.seed is not None
    return {
        "method": options.method,
        "learning_rate": options.learning_rate,
        "epochs": "converged" if options.epochs is None else options.epochs,
        "seed": options.seed,
        "initial": None if seeded else {"w": fit.columns.in_row_shape(fit.start.w.tolist()), "b": fit.start.b},
        "standardize": options.standardize,
        "fit_intercept": options.fit_intercept,
        "l2": options.l2,
    }


def _optimum(fit: Fit) -> dict[str, Any]:
    inference = fit.inference
    return {
        "w": fit.columns.in_row_shape(fit.descent.limit.w.tolist()),
        "b": float(fit.descent.limit.b),
        "loss": fit.descent.optimum.loss,
        **({"objective": fit.descent.optimum.objective} if fit.options.l2 else {}),
        "rss": inference.rss,
        "degrees_of_freedom": _whole(inference.degrees_of_freedom),
        **{name: _number(getattr(inference, name)) for name in SCALARS},
        **{name: _coefficients(getattr(inference, name), fit.columns) for name in PER_COEFFICIENT},
        "undefined": inference.undefined,
    }


def _coefficients(values: PerCoefficient | None, columns: Columns) -> dict[str, Any] | None:
    if values is None:
        return None
    return {"w": columns.in_row_shape(map(_number, values.w.tolist())), "b": _number(values.b)}


def _history(history: History, *, penalised: bool) -> dict[str, Any]:
    curves = {"epoch": history.epoch.tolist(), "loss": history.loss.tolist()}
    return {**curves, "objective": history.objective.tolist()} if penalised else curves


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _whole(value: float) -> float:
    return int(value) if value == int(value) else value
