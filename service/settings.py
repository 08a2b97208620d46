"""The settings: one table, read once from the environment. A wrong value stops the start and names its variable."""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PREFIX = "DESCENT_"
RENAMED = {
    "graceful_seconds": "graceful_timeout_seconds",
    "client_seconds": "client_timeout_seconds",
    "max_inflation": "max_decompression_ratio",
    "autograd_epochs": "max_autograd_epochs",
    "cached_models": "model_cache_size",
    "metrics_models": "metrics_max_models",
    "refresh_seconds": "store_refresh_seconds",
    "log_slower_than_ms": "log_min_duration_ms",
}
"""Former names of settings. A variable with one stops the start, so that its value is not ignored."""


class InvalidSetting(ValueError):
    """A setting with an invalid value or a former name; the message names its variable, `name` is the setting."""

    def __init__(self, message: str, name: str, text: str, remedy: str = "") -> None:
        super().__init__(message)
        self.name, self.text, self.remedy = name, text, remedy


def _at_least(least: int) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        value = int(text)
        return value if value >= least else None

    read.__doc__ = f"an integer of at least {least}"
    return read


def _port(text: str) -> int | None:
    """a port number, 0 to 65535"""
    value = int(text)
    return value if 0 <= value <= 65_535 else None


def _text(text: str) -> str | None:
    """a non-empty string"""
    return text or None


def _level(text: str) -> str | None:
    """debug, info, warning or error"""
    return text if text in ("debug", "info", "warning", "error") else None


def _cores() -> int:
    """Return the number of cores available to this process by its affinity and its container's quota."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(allowed, int(quota) // int(period)))
    except (OSError, ValueError):  # no such file, or "max"
        return allowed


def _setting(default: Any, read: Callable[[str], Any], about: str) -> Any:
    return dataclasses.field(default=default, metadata={"read": read, "about": about})


@dataclasses.dataclass(frozen=True)
class Settings:
    """Every setting with its default; its variable is DESCENT_ and the name of the field in capitals."""

    store: str = _setting("models", _text, "Folder of the models.")
    host: str = _setting("127.0.0.1", _text, "Address to listen on.")
    port: int = _setting(8000, _port, "Port to listen on; 0 chooses a free one.")
    workers: int = _setting(_cores(), _at_least(1), "Worker processes. On Linux one more serves long requests.")
    threads: int = _setting(4, _at_least(1), "Threads per worker.")
    fit_threads: int = _setting(
        _cores(), _at_least(1), "Threads for a training on many rows of more than three columns."
    )
    graceful_timeout_seconds: int = _setting(30, _at_least(1), "Graceful shutdown timeout.")
    client_timeout_seconds: int = _setting(
        10, _at_least(1), "Timeout for a client that stops sending its request or reading its response."
    )
    max_body_bytes: int = _setting(256 * 1024**2, _at_least(1), "Largest body that is read into memory.")
    max_stream_bytes: int = _setting(64 * 1024**3, _at_least(1), "Largest body that is read as a stream.")
    max_decompression_ratio: int = _setting(
        100, _at_least(1), "Largest ratio of decompressed to compressed size of a body; 16 MiB are always allowed."
    )
    max_columns: int = _setting(1000, _at_least(1), "Largest number of columns of a model.")
    max_groups: int = _setting(100_000, _at_least(1), "Largest number of groups in a request to `/models:*`.")
    keep_versions: int = _setting(0, _at_least(0), "Newest versions to keep of each model; 0 keeps all.")
    max_autograd_epochs: int = _setting(10_000, _at_least(1), "Largest number of epochs of the autograd method.")
    model_cache_size: int = _setting(1024, _at_least(1), "Versions that each worker keeps loaded.")
    metrics_max_models: int = _setting(
        1000, _at_least(0), "Largest number of models with labels of their own in the metrics."
    )
    store_refresh_seconds: int = _setting(
        1, _at_least(0), "Interval at which metrics and changes by other machines are read from the store."
    )
    log_level: str = _setting("info", _level, "Lowest level to log: debug, info, warning or error.")
    log_min_duration_ms: int = _setting(0, _at_least(0), "Shortest request to log; failed ones are always logged.")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Return the settings in `environment`; raises InvalidSetting."""
        for old, new in RENAMED.items():
            if variable(old) in environment:
                message = f"{variable(old)} is now {variable(new)}"
                raise InvalidSetting(message, old, environment[variable(old)])
        values = {
            field.name: _read(field, environment[variable(field.name)])
            for field in dataclasses.fields(cls)
            if variable(field.name) in environment
        }
        return cls(**values)

    @classmethod
    def unknown(cls, environment: Mapping[str, str]) -> list[str]:
        """Return the variables with the prefix of settings that are none."""
        known = {variable(field.name) for field in dataclasses.fields(cls)}
        return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def variable(name: str) -> str:
    """Return the environment variable of the setting `name`."""
    return PREFIX + name.upper()


def _read(field: "dataclasses.Field[Any]", text: str) -> Any:
    """Return the value of a text. The reader of a setting returns None for an invalid one, or raises ValueError."""
    read = field.metadata["read"]
    with contextlib.suppress(ValueError):
        if (value := read(text)) is not None:
            return value
    remedy = f"give {read.__doc__}"
    raise InvalidSetting(f"{variable(field.name)}={text!r}: {remedy}", field.name, text, remedy)
