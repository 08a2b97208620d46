"""One request and its answer, through lost connections and a busy service."""

import csv
import io
import itertools
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from descent.encoding import encode, encode_option
from descent.errors import Problem, Unintelligible, Unreachable

JSON = "application/json"
BUSY = (429, 503)
LOST = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout)
"""What a retry may mend. A time-out while reading is not among it: the service may still be at work on the request."""

FIRST_WAIT = 0.2
LONGEST_WAIT = 60.0
"""Seconds. A service that asks for a longer wait is taken at its word, and not asked again."""

CHUNK = 1 << 18

Answer = dict[str, Any]
Progress = Callable[[int, int], None]
"""Called with the bytes sent so far and those there are in all; a retry begins at 0 again."""


class File(NamedTuple):
    """A file to send as it is: its media type, the coding it is compressed with, and whom to tell how far it got."""

    path: Path
    media_type: str
    encoding: str | None = None
    progress: Progress | None = None


@dataclass(frozen=True)
class Body:
    """What one request sends; `content` begins anew at each attempt."""

    content: Callable[[], bytes | Iterator[bytes]] = bytes
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_bytes(cls, content: bytes, media_type: str, query: dict[str, str]) -> "Body":
        """`content`, whole."""
        return cls(lambda: content, {"Content-Type": media_type}, query)

    @classmethod
    def of_json(cls, document: Mapping[str, Any]) -> "Body":
        """`document`, with arrays as lists; raises Unsendable."""
        return cls.of_bytes(encode(document), JSON, {})

    @classmethod
    def of_file(cls, file: File, query: dict[str, str]) -> "Body":
        """The bytes of `file`, read as they are sent."""
        headers = {"Content-Type": file.media_type, "Content-Length": str(file.path.stat().st_size)}
        if file.encoding:
            headers["Content-Encoding"] = file.encoding
        return cls(lambda: _chunks(file), headers, query)


class Exchange:
    """Sends requests through `http`. Those that are lost, or meet a busy service, are sent again up to `retries` times,
    after waits that double, or last as long as the service asks."""

    def __init__(self, http: httpx.Client, retries: int) -> None:
        self.http = http
        self._retries = retries

    def send(
        self, method: str, path: str, body: Body | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """The whole answer, if it is a success; raises Problem and Unreachable."""
        return self.begin(method, path, body, headers, take=httpx.Response.read)

    def begin(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        take: Callable[[httpx.Response], object] = lambda _: None,
    ) -> httpx.Response:
        """The answer as soon as it begins to come, once `take` has had what it wants of it; to be closed after use."""
        body = body or Body()
        for attempt in itertools.count():
            wait = FIRST_WAIT * 2**attempt * random.uniform(0.5, 1)  # noqa: S311
            try:
                return self._attempt(method, path, body, body.headers | dict(headers or {}), take)
            except LOST as error:
                if attempt >= self._retries:
                    raise self._unreachable(error) from error
            except httpx.RequestError as error:
                raise self._unreachable(error) from error
            except Problem as problem:
                wait = max(wait, problem.retry_after or 0)
                if attempt >= self._retries or problem.status not in BUSY or wait > LONGEST_WAIT:
                    raise
            time.sleep(wait)
        raise AssertionError

    def _attempt(
        self,
        method: str,
        path: str,
        body: Body,
        headers: Mapping[str, str],
        take: Callable[[httpx.Response], object],
    ) -> httpx.Response:
        content, query = body.content(), body.query
        request = self.http.build_request(method, path, content=content, params=query, headers=headers)
        response = self.http.send(request, stream=True)
        if not response.is_success:
            response.read()
            raise Problem.of(response)
        take(response)
        return response

    def _unreachable(self, error: Exception) -> Unreachable:
        return Unreachable(f"{self.http.base_url} does not answer: {str(error) or type(error).__name__}")


def media_type_of(response: httpx.Response) -> str:
    """The media type of `response`, without parameters."""
    return str(response.headers.get("Content-Type", "")).split(";")[0].strip()


def check_media_type(response: httpx.Response, expected: str) -> None:
    """Raise Unintelligible if `response` is not what was asked for."""
    found = media_type_of(response)
    if found != expected:
        raise Unintelligible(f"{response.url} answers {found or 'no media type'}, not {expected}.")


def decode(response: httpx.Response) -> Answer:
    """The object that a JSON answer holds; {} for an answer without content; raises Unintelligible."""
    if not response.content:
        return {}
    check_media_type(response, JSON)
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Unintelligible(f"{response.url} answers what is no JSON object.")
    return answer


def query_of(options: Mapping[str, Any]) -> dict[str, str]:
    """Options as the fields of a query: texts as they are, lists of names as a line of CSV, all else as JSON has it."""
    return {name: _text(name, value) for name, value in options.items() if value is not None}


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(value)
        return line.getvalue()
    return encode_option(name, value)


def _chunks(file: File) -> Iterator[bytes]:
    total, sent = file.path.stat().st_size, 0
    with file.path.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            if file.progress:
                file.progress(sent, total)
            yield chunk
            sent += len(chunk)
    if file.progress:
        file.progress(sent, total)
