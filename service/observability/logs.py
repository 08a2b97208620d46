"""Logs on standard error: JSON lines, or plain lines on a terminal. Values of x and y are never logged."""

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
"""The message of request records."""
RequestFields = Sequence[dict[str, Any]]
"""The fields of one or more requests, all with the same names."""

ESCAPES = {code: repr(chr(code))[1:-1] for code in (*range(0x20), *range(0x7F, 0xA0))}
"""Escapes of control characters: a path may contain any of them, and a terminal would obey them."""
ESCAPES_IN_LINES = {code: text for code, text in ESCAPES.items() if chr(code) not in "\n\t"}


class LogFormatter(logging.Formatter):
    """Formats each record as one JSON object, or as plain text; a record of several requests as one line each."""

    def __init__(self, *, plain: bool) -> None:
        super().__init__()
        self._plain = plain

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record without the last line end."""
        requests = getattr(record, "requests", None)
        if requests is not None:
            return self.format_requests(record.created, record.levelno, record.name, requests).decode()
        trace = self.formatException(record.exc_info) if record.exc_info else None
        if self._plain:
            line = _prefix(record.created, record.levelno, record.getMessage().translate(ESCAPES))
            return line if trace is None else f"{line}\n{trace.translate(ESCAPES_IN_LINES)}"
        fields = {
            "time": _iso(record.created).decode(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
        }
        return _json(fields if trace is None else fields | {"exception": trace}).decode()

    def format_requests(self, now: float, level: int, logger: str, requests: RequestFields) -> bytes:
        """Return one line per request. In JSON all are encoded in one call, then cut apart.

        The cut is at `},{` and the first name, which no string contains: its quotes are escaped.
        """
        if self._plain:
            prefix = _prefix(now, level, REQUEST)
            lines = [" ".join([f"{name}={value}" for name, value in fields.items()]) for fields in requests]
            return "\n".join([f"{prefix} {line.translate(ESCAPES)}" for line in lines]).encode(
                errors="backslashreplace"
            )
        start = b'{"time":"%b%b' % (_iso(now), _common(level, logger, os.getpid()))
        text = _json(requests)
        first_name = text[2 : text.index(b":") + 1]
        return start + text[2:-1].replace(b"},{" + first_name, b"}\n" + start + first_name)


class LogHandler(logging.StreamHandler[TextIO]):
    """Writes whole lines to a stream over bytes, such as standard error."""

    formatter: LogFormatter

    def emit(self, record: logging.LogRecord) -> None:
        """Write the lines of a record."""
        try:
            self._write(self.format(record).encode(errors="backslashreplace"))
        except Exception:  # noqa: BLE001 - as in logging: a failing log stops no request
            self.handleError(record)

    def emit_requests(self, level: int, logger: str, requests: RequestFields) -> None:
        """Write one line per request, without a LogRecord, which would take longer than the lines."""
        self.acquire()
        try:
            self._write(self.formatter.format_requests(time.time(), level, logger, requests))
        except Exception:  # noqa: BLE001 - as above
            self.handleError(logging.makeLogRecord({"name": logger, "levelno": level, "msg": REQUEST}))
        finally:
            self.release()

    def _write(self, lines: bytes) -> None:
        """Write lines in pieces of at most PIPE_BUF bytes, which a pipe does not mix with those of other processes."""
        lines += b"\n"
        while lines:
            end = len(lines)
            if end > PIPE_BUF:  # cut after the last line that fits, or else after the first
                end = lines.rfind(b"\n", 0, PIPE_BUF) + 1 or lines.index(b"\n") + 1
            self.stream.buffer.write(lines[:end])
            self.stream.buffer.flush()
            lines = lines[end:]


def configuration(level: str) -> dict[str, Any]:
    """Return the `logconfig_dict` for gunicorn: everything to standard error, in one format."""
    inherited = {"level": level.upper(), "propagate": True, "handlers": []}
    silent = {"level": "CRITICAL", "propagate": False, "handlers": []}  # replaced by the request log
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": f"{__name__}.LogFormatter", "plain": sys.stderr.isatty()}},
        "handlers": {"stderr": {"()": f"{__name__}.LogHandler", "formatter": "lines", "stream": "ext://sys.stderr"}},
        "root": {"level": level.upper(), "handlers": ["stderr"]},
        "loggers": {"gunicorn.error": inherited, "gunicorn.access": silent},
    }


def log_requests(logger: logging.Logger, level: int, requests: RequestFields) -> None:
    """Log one line per request; handlers other than a single `LogHandler` get a record with `requests`."""
    if not logger.isEnabledFor(level):
        return
    match logging.root.handlers:
        case [LogHandler() as handler]:
            handler.emit_requests(level, logger.name, requests)
        case _:
            logger.log(level, REQUEST, extra={"requests": requests})


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # half a surrogate pair, as in the name of a file that is not UTF-8
        return json.dumps(value, separators=(",", ":")).encode()


@lru_cache(maxsize=16)
def _common(level: int, logger: str, process: int) -> bytes:
    """Return the part after the time that all request lines of a level share."""
    fields = {"level": logging.getLevelName(level).lower(), "logger": logger, "message": REQUEST, "pid": process}
    return b'",%b,' % _json(fields)[1:-1]


def _prefix(now: float, level: int, message: str) -> str:
    return f"{_iso(now).decode()} {logging.getLevelName(level).lower():7} {message}"


def _iso(now: float) -> bytes:
    return b"%b.%03dZ" % (_second(int(now)), now % 1 * 1000)


@lru_cache(maxsize=4)
def _second(seconds: int) -> bytes:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode()
