"""Requests of the corpus over a socket, sent as a client sends them or byte for byte."""

import contextlib
import http.client
import json
import socket
from urllib.parse import urlsplit

import bad_request_cases as corpus

TIMEOUT = 20
JSON = {"Content-Type": "application/json"}


def connect(service):
    """Return a connection to the service that its first request opens."""
    address = urlsplit(service.url)
    return http.client.HTTPConnection(address.hostname, address.port, timeout=TIMEOUT)


def exchange(connection, case):
    """Send the case's request and return the response."""
    method, target = corpus.request_line(case)
    # The service may refuse the request and close before it has read all of it. The response can still be read.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.request(method, target, corpus.body(case), case.get("headers", {}))
    return complete(connection.getresponse())


def exchange_bytes(connection, data, *, half_close=False):
    """Send `data` to the connection's service on a new connection and return the response.

    `half_close` closes the sending side, so that the service does not wait for the rest of an incomplete request.
    """
    with socket.create_connection((connection.host, connection.port), TIMEOUT) as peer:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            peer.sendall(data)
        if half_close:
            peer.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(peer)
        response.begin()
        return complete(response)


def complete(response):
    """Read the response to its end."""
    return corpus.Response(response.status, response.headers, response.read())


def train_models(connection):
    """Train the models that the cases send requests to."""
    for name, rows in corpus.MODELS.items():
        case = {"request": f"POST /models/{name}/train", "headers": JSON, "body": json.dumps(rows)}
        response = exchange(connection, case)
        assert response.status == 201, response
