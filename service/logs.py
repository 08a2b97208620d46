"""Logs: one line a record, JSON where a program reads them and plain where a person does. Never any of the data."""

import json
import logging
import os
import sys
import time
from functools import lru_cache
from typing import Any, ClassVar, TextIO

import orjson

FACTS = "facts"
"""The attribute of a record that holds what a request's line tells."""


class JsonFormatter(logging.Formatter):
    """One JSON object per record."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _iso(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
            **getattr(record, FACTS, {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(line).decode()
        except TypeError:  # half a surrogate pair, as in the name of a file that is not UTF-8
            return json.dumps(line)


class PlainFormatter(logging.Formatter):
    """A line for a person."""

    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{name}={value}" for name, value in getattr(record, FACTS, {}).items())
        line = f"{_iso(record)} {record.levelname.lower():7} {record.getMessage()} {facts}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


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


class RequestRecord(logging.LogRecord):
    """The record of a request: of no place in the code and no thread that anybody asks for, so none is looked for."""

    NOWHERE: ClassVar = vars(logging.LogRecord("", logging.INFO, "", 0, "request", None, None))

    def __init__(self, logger: str, level: int, facts: dict[str, Any]) -> None:
        now = time.time()
        own = {"name": logger, "levelno": level, "levelname": logging.getLevelName(level), "process": os.getpid()}
        self.__dict__ = {**self.NOWHERE, **own, "created": now, "msecs": now % 1 * 1000, FACTS: facts}


class LineHandler(logging.StreamHandler[TextIO]):
    """A handler of a stream that is flushed at the end of each line by itself, as standard error is."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record's line."""
        try:
            self.stream.write(f"{self.format(record)}\n")
        except Exception:  # noqa: BLE001 - as in logging: a log that cannot be written stops no request
            self.handleError(record)


def _iso(record: logging.LogRecord) -> str:
    return f"{_second(int(record.created))}.{int(record.msecs):03}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
