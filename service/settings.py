"""The settings: one table, read once from the environment, failing fast with the name of what is wrong."""

import dataclasses
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PREFIX = "DESCENT_"


class InvalidSetting(ValueError):
    """A setting whose text cannot be used; the message names its variable, `name` the setting itself."""

    def __init__(self, name: str, text: str, remedy: str) -> None:
        super().__init__(f"{variable(name)}={text!r}: {remedy}")
        self.name, self.text, self.remedy = name, text, remedy


def _at_least(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = int(text)
        if value < least:
            raise ValueError
        return value

    read.__doc__ = f"a whole number, at least {least}"
    return read


def _port(text: str) -> int:
    """a port number, 0 to 65535"""
    value = _at_least(0)(text)
    if value > 65_535:
        raise ValueError
    return value


def _text(text: str) -> str:
    """a text that is not empty"""
    if not text:
        raise ValueError
    return text


def _level(text: str) -> str:
    """debug, info, warning or error"""
    if text not in ("debug", "info", "warning", "error"):
        raise ValueError
    return text


def _cores() -> int:
    """The cores that this process may use, by its affinity and its container's quota."""
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
    """Every setting with its default; the variable's name is DESCENT_ and the field's name in capitals."""

    store: str = _setting("models", _text, "The folder that holds the models.")
    host: str = _setting("127.0.0.1", _text, "The address to listen on.")
    port: int = _setting(8000, _port, "The port to listen on; 0 takes a free one.")
    workers: int = _setting(
        _cores(), _at_least(1), "Worker processes; by default one per core. On Linux one more takes long requests."
    )
    threads: int = _setting(4, _at_least(1), "Threads per worker.")
    fit_threads: int = _setting(
        _cores(), _at_least(1), "Threads that fit many rows of more than three columns; by default one per core."
    )
    graceful_timeout_seconds: int = _setting(30, _at_least(1), "How long a stop waits for requests under way.")
    client_timeout_seconds: int = _setting(
        10, _at_least(1), "How long a client may pause while it sends or takes a message."
    )
    max_body_bytes: int = _setting(256 * 1024**2, _at_least(1), "The largest body that is held as a whole.")
    max_stream_bytes: int = _setting(64 * 1024**3, _at_least(1), "The largest body that is read as it comes.")
    max_decompression_ratio: int = _setting(
        100, _at_least(1), "The largest ratio of a body's inflated size to its own; 16 MiB are always allowed."
    )
    max_columns: int = _setting(1000, _at_least(1), "The most columns that a model may have.")
    keep_versions: int = _setting(0, _at_least(0), "The newest versions that are kept of each model; 0 keeps all.")
    max_autograd_epochs: int = _setting(10_000, _at_least(1), "The most epochs that the autograd method walks.")
    model_cache_size: int = _setting(1024, _at_least(1), "Loaded versions that a worker keeps in memory.")
    metrics_max_models: int = _setting(
        1000, _at_least(0), "The most models that get labels of their own in the metrics."
    )
    store_refresh_seconds: int = _setting(
        1, _at_least(0), "How soon changes by other machines on the same store, and facts in the metrics, are seen."
    )
    log_level: str = _setting("info", _level, "The lowest level that is logged: debug, info, warning or error.")
    log_min_duration_ms: int = _setting(0, _at_least(0), "Requests that take less are logged only if they fail.")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """The settings in `environment`; raises InvalidSetting."""
        given = {
            field.name: _read(field, environment[variable(field.name)])
            for field in dataclasses.fields(cls)
            if variable(field.name) in environment
        }
        return cls(**given)

    @classmethod
    def unknown(cls, environment: Mapping[str, str]) -> list[str]:
        """Variables that look like settings and are none."""
        known = {variable(field.name) for field in dataclasses.fields(cls)}
        return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def variable(name: str) -> str:
    """The environment variable of the setting `name`."""
    return PREFIX + name.upper()


def table() -> str:
    """The settings as a Markdown table."""
    rows = ["| variable | default | what it sets |", "| --- | --- | --- |"]
    for field in dataclasses.fields(Settings):
        default = "cores" if field.name in ("workers", "fit_threads") else field.default
        rows.append(f"| `{variable(field.name)}` | `{default}` | {field.metadata['about']} |")
    return "\n".join(rows) + "\n"


def _read(field: "dataclasses.Field[Any]", text: str) -> Any:
    read = field.metadata["read"]
    try:
        return read(text)
    except ValueError:
        raise InvalidSetting(field.name, text, f"give {read.__doc__}") from None
