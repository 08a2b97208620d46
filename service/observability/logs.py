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
from typing import Any, TextIO

import orjson

REQUEST = "request"
"""The message of a record of requests."""
Requests = Sequence[dict[str, Any]]
"""What the line of each of some requests tells, all by the same names."""

CONTROLS = {code: repr(chr(code))[1:-1] for code in (*range(0x20), *range(0x7F, 0xA0))}
"""What stands for control characters before a person: a path can hold any of them, and a terminal obeys them."""
CONTROLS_IN_LINES = {code: text for code, text in CONTROLS.items() if chr(code) not in "\n\t"}


class LineFormatter(logging.Formatter):
    """The lines of records and of requests, as bytes: a text that is made of them, and then they of it, would take as
    long again. The last one's end is left to who writes them."""

    def of_record(self, record: logging.LogRecord) -> bytes:
        """The lines of any other record than one of requests."""
        raise NotImplementedError

    def of_requests(self, now: float, level: int, logger: str, requests: Requests) -> bytes:
        """A line for each of the requests."""
        raise NotImplementedError

    def lines(self, record: logging.LogRecord) -> bytes:
        """The lines of a record."""
        if isinstance(record, RequestsRecord):
            return self.of_requests(record.created, record.levelno, record.name, record.requests)
        return self.of_record(record)

    def format(self, record: logging.LogRecord) -> str:
        """The lines of a record, as a text."""
        return self.lines(record).decode()


class JsonFormatter(LineFormatter):
    """One JSON object per line."""

    def of_record(self, record: logging.LogRecord) -> bytes:
        """The line of a record."""
        told = {
            "time": _iso(record.created).decode(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return _json(told)

    def of_requests(self, now: float, level: int, logger: str, requests: Requests) -> bytes:
        """A line for each of the requests."""
        return _cut(b'{"time":"%b%b' % (_iso(now), _common(level, logger, os.getpid())), requests)


class PlainFormatter(LineFormatter):
    """Lines for a person."""

    def of_record(self, record: logging.LogRecord) -> bytes:
        """The lines of a record."""
        text = _beginning(record.created, record.levelno, record.getMessage().translate(CONTROLS))
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info).translate(CONTROLS_IN_LINES)}"
        return text.encode(errors="backslashreplace")

    def of_requests(self, now: float, level: int, logger: str, requests: Requests) -> bytes:  # noqa: ARG002 - see above
        """A line for each of the requests."""
        beginning = _beginning(now, level, REQUEST)
        return "\n".join([f"{beginning} {_plain(facts)}" for facts in requests]).encode(errors="backslashreplace")


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
    """The record of requests that were answered together, for handlers of others."""

    def __init__(self, logger: str, level: int, requests: Requests) -> None:
        super().__init__(logger, level, "", 0, REQUEST, None, None)
        self.requests = requests


class LineHandler(logging.StreamHandler[TextIO]):
    """A handler of a stream over bytes, such as standard error, for lines of a `LineFormatter`."""

    formatter: LineFormatter

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record's lines."""
        try:
            self.write(self.formatter.lines(record))
        except Exception:  # noqa: BLE001 - as in logging: a log that cannot be written stops no request
            self.handleError(record)

    def write(self, lines: bytes) -> None:
        """Write lines, as many at once as no pipe mixes with those of other processes."""
        out, lines = self.stream.buffer, lines + b"\n"
        start = 0
        while start < len(lines):
            end = len(lines) if len(lines) - start <= PIPE_BUF else _last_end(lines, start, start + PIPE_BUF)
            out.write(lines[start:end])
            out.flush()
            start = end


def tell(logger: logging.Logger, level: int, requests: Requests) -> None:
    """Log a line for each of some requests that were answered together. As the service configures logging, straight to
    its handler: logging's own way there takes longer than all that is told."""
    if not logger.isEnabledFor(level):
        return
    handlers = logging.root.handlers
    handler = handlers[0] if len(handlers) == 1 else None
    if not isinstance(handler, LineHandler):
        logger.handle(RequestsRecord(logger.name, level, requests))
        return
    try:
        lines = handler.formatter.of_requests(time.time(), level, logger.name, requests)
        handler.acquire()  # or two threads' lines could leave in one piece that a pipe tears
        try:
            handler.write(lines)
        finally:
            handler.release()
    except Exception:  # noqa: BLE001 - as above
        handler.handleError(RequestsRecord(logger.name, level, requests))


def _last_end(lines: bytes, start: int, most: int) -> int:
    """Where the last line ends that ends before `most`, or else the first one."""
    return lines.rfind(b"\n", start, most) + 1 or lines.index(b"\n", start) + 1


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # half a surrogate pair, as in the name of a file that is not UTF-8
        return json.dumps(value, separators=(",", ":")).encode()


@lru_cache(maxsize=16)
def _common(level: int, logger: str, process: int) -> bytes:
    """What the lines of all requests of a level have in common, after the time."""
    told = {"level": logging.getLevelName(level).lower(), "logger": logger, "message": REQUEST, "pid": process}
    return b'",%b,' % _json(told)[1:-1]


def _cut(beginning: bytes, requests: Requests) -> bytes:
    """A line for each of the requests, all of the same names, after the same beginning.

    They are written as one list, and cut where one ends and the next begins with its first name. No text within them
    looks like that: its quotes are escaped, and no name follows the quote at its end.
    """
    text = _json(requests)
    first = text[2 : text.index(b":") + 1]
    return beginning + text[2:-1].replace(b"},{" + first, b"}\n" + beginning + first)


def _plain(facts: dict[str, Any]) -> str:
    return " ".join([f"{name}={value}" for name, value in facts.items()]).translate(CONTROLS)


def _beginning(now: float, level: int, message: str) -> str:
    return f"{_iso(now).decode()} {logging.getLevelName(level).lower():7} {message}"


def _iso(now: float) -> bytes:
    return b"%b.%03dZ" % (_second(int(now)), now % 1 * 1000)


@lru_cache(maxsize=4)
def _second(seconds: int) -> bytes:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode()
