"""Sending requests, with retries for lost connections and a busy service."""

import itertools
import random
import time
from collections.abc import Callable, Mapping

import httpx

from descent.errors import Problem, Unreachable
from descent.request_body import Body

BUSY_STATUSES = (429, 503)
LOST_CONNECTION = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout)
"""Errors that are retried. A read timeout is not: the service may still be processing the request."""

FIRST_WAIT = 0.2
MAX_WAIT = 60.0
"""Seconds. If the service asks for a longer wait, the request is not retried."""


class Sender:
    """Sends requests through `http`.

    A lost connection, a 429 and a 503 are retried up to `retries` times. Waits start at 0.2 s and double; a longer
    Retry-After is honoured up to a minute. A refused connection is not retried, because nothing listens there.
    """

    def __init__(self, http: httpx.Client, retries: int) -> None:
        self.http = http
        self._retries = retries

    def send(
        self, method: str, path: str, body: Body | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Return the response with its content. Raises Problem and Unreachable."""
        return self.stream(method, path, body, headers, receive=httpx.Response.read)

    def stream(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        receive: Callable[[httpx.Response], object] = lambda _: None,
    ) -> httpx.Response:
        """Return the response as soon as its head and what `receive` reads have arrived. The caller closes it.

        Raises Problem and Unreachable.
        """
        body = body or Body()
        for attempt in itertools.count(1):
            wait = FIRST_WAIT * 2 ** (attempt - 1) * random.uniform(0.5, 1)  # noqa: S311 - not for security
            try:
                return self._attempt(method, path, body, body.headers | dict(headers or {}), receive)
            except LOST_CONNECTION as error:
                if is_refused(error) or attempt > self._retries:
                    raise self._unreachable(error, attempt) from error
            except httpx.RequestError as error:
                raise self._unreachable(error, attempt) from error
            except Problem as problem:
                wait = max(wait, problem.retry_after or 0)
                if attempt > self._retries or problem.status not in BUSY_STATUSES or wait > MAX_WAIT:
                    raise
            time.sleep(wait)
        raise AssertionError

    def _attempt(
        self,
        method: str,
        path: str,
        body: Body,
        headers: Mapping[str, str],
        receive: Callable[[httpx.Response], object],
    ) -> httpx.Response:
        request = self.http.build_request(method, path, content=body.content(), params=body.query, headers=headers)
        response = self.http.send(request, stream=True)
        if not response.is_success:
            response.read()
            raise Problem.from_response(response)
        receive(response)
        return response

    def _unreachable(self, error: Exception, attempts: int) -> Unreachable:
        url = str(self.http.base_url).rstrip("/")
        if is_refused(error):
            return Unreachable(
                f"{url} refused the connection: no service listens there. Start one with `descent serve`, "
                "or give the URL of a running one."
            )
        times = "" if attempts == 1 else f" after {attempts} attempts"
        return Unreachable(f"{url} did not respond{times}: {str(error) or type(error).__name__}.")


def is_refused(error: BaseException | None) -> bool:
    """Return whether the operating system reported a refused connection."""
    while error is not None:
        if isinstance(error, ConnectionRefusedError):
            return True
        error = error.__cause__ or error.__context__
    return False
