"""The client of a service."""

from collections.abc import Mapping

import httpx

from descent.connection import DEFAULT_URL, check_url
from descent.predicting import Predicting
from descent.responses import check_media_type
from descent.retries import Sender
from descent.training import Training

DIRECT_HOSTS = ("127.0.0.1", "localhost", "[::1]")
"""Hosts that are connected directly, even if the environment names a proxy: a proxy cannot reach them."""


class Client(Training, Predicting):
    """Client of a Descent service.

    Data are NumPy arrays, pandas frames and series, Arrow tables and record batches, or numbers, lists and dicts as
    JSON has them. Predictions are of the same kind. Arrays and tables are sent in a binary format if the service
    accepts it, otherwise as JSON. NaN and None are missing values.

    A lost connection, a 429 and a 503 are retried up to `retries` times. A refused connection is not retried.

    Every method raises Problem if the service refuses the request or fails, Unreachable if it does not respond,
    InvalidArgument if an argument cannot be sent, and UnexpectedResponse if another server responds.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        timeout: float = 300,
        retries: int = 5,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Create a client; connections are opened when they are needed.

        Args:
            url: URL of the service.
            timeout: seconds to wait for the service to send or accept data; at most 10 of them to connect.
            retries: how many times a request is sent again.
            headers: headers to send with every request, such as "Authorization" for a proxy.
            transport: httpx transport to use in place of the network.
        """
        timeouts = httpx.Timeout(timeout, connect=min(timeout, 10))
        http = httpx.Client(
            base_url=check_url(url),
            timeout=timeouts,
            headers=headers,
            transport=transport,
            mounts={f"all://{host}": None for host in DIRECT_HOSTS},
        )
        self._sender = Sender(http, retries)
        self._refused_media_types = set()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. The client cannot be used afterwards."""
        self._sender.http.close()

    def service_version(self) -> str:
        """Return the version of the service's software, such as "0.1.0"."""
        response = self._sender.send("GET", "/version")
        check_media_type(response, "text/plain")
        return response.text.strip()
