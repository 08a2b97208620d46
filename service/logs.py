"""Logs: a line for each record or request, JSON where a program reads them and plain where a person does. Never any of
the data."""

import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from functools import lru_cache
from select import PIPE_BUF
from typing import Any, ClassVar, TextIO

import orjson

REQUESTS = "requests"
"""The attribute of a record that holds what the line of each request tells."""


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """The lines of a record."""
        common = {
            "time": _iso(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
        }
        if record.exc_info:
            common["exception"] = self.formatException(record.exc_info)
        requests = getattr(record, REQUESTS, None)
        if requests is None:
            return _json(common)
        return _lines(_json(common), _json(requests))


class PlainFormatter(logging.Formatter):
    """Lines for a person."""

    def format(self, record: logging.LogRecord) -> str:
        """The lines of a record."""
        common = f"{_iso(record)} {record.levelname.lower():7} {record.getMessage()}"
        if record.exc_info:
            return f"{common}\n{self.formatException(record.exc_info)}"
        requests = getattr(record, REQUESTS, None)
        return common if requests is None else "\n".join([f"{common} {_plain(facts)}" for facts in requests])


def configuration(level: str) -> dict[str, Any]:
    """The configuration of logging for gunicorn's `logconfig_dict`: everything to standard error, in one format."""
    formatter = PlainFormatter if sys.stderr.isatty() else JsonFormatter
    passed_on = {"level": level.upper(), "propagate": True, "handlers": []}
    silent = {"level": "CRITICAL", "propagate": False, "handlers": []}  # requests have a line of our own
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"{formatter.__module__}.{formatter.__qualname__}"}},
        "handlers": {
            "stderr": {
                "()": f"{LineHandler.__module__}.{LineHandler.__qualname__}",
                "formatter": "line",
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"level": level.upper(), "handlers": ["stderr"]},
        "loggers": {"gunicorn.error": passed_on, "gunicorn.access": silent},
    }


class RequestsRecord(logging.LogRecord):
    """The record of requests that were answered together: of no place in the code and no thread that anybody asks for,
    so none is looked for."""

    NOWHERE: ClassVar = vars(logging.LogRecord("", logging.INFO, "", 0, "request", None, None))

    def __init__(self, logger: str, level: int, requests: Sequence[dict[str, Any]]) -> None:
        now = time.time()
        own = {"name": logger, "levelno": level, "levelname": logging.getLevelName(level), "process": os.getpid()}
        self.__dict__ = {**self.NOWHERE, **own, "created": now, "msecs": now % 1 * 1000, REQUESTS: requests}


class LineHandler(logging.StreamHandler[TextIO]):
    """A handler of a stream that is flushed at the end of each line by itself, as standard error is."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record's lines: at once if no pipe can mix them with those of other processes."""
        try:
            lines = self.format(record)
            for piece in [lines] if len(lines) < PIPE_BUF else lines.split("\n"):
                self.stream.write(f"{piece}\n")
        except Exception:  # noqa: BLE001 - as in logging: a log that cannot be written stops no request
            self.handleError(record)


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # half a surrogate pair, as in the name of a file that is not UTF-8
        return json.dumps(value, separators=(",", ":"))


def _lines(common: str, requests: str) -> str:
    """A line for each of the list `requests`, which begins with what is `common`; all are JSON texts, and the requests'
    have the same names.

    They are cut where one ends and the next begins with its first name. No text within them looks like that: its quotes
    are escaped, and no name follows the quote at its end.
    """
    beginning = f"{common[:-1]},"
    first = requests[2 : requests.index(":") + 1]
    return beginning + requests[2:-1].replace(f"}},{{{first}", f"}}\n{beginning}{first}")


def _plain(facts: dict[str, Any]) -> str:
    return " ".join([f"{name}={value}" for name, value in facts.items()])


def _iso(record: logging.LogRecord) -> str:
    return f"{_second(int(record.created))}.{int(record.msecs):03}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
