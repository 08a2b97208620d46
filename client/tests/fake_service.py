"""A service in this process that returns the responses a test gives it, and records the requests."""

import json

import httpx

from descent import Client

FIT = {"model": "m", "version": 1, "serving": 1, "w": 2.0}


class FakeService:
    """Returns its responses one after the other, and the last one again and again."""

    def __init__(self, *responses):
        self.responses = list(responses)
        self.requests = []

    def __call__(self, request):
        request.read()
        self.requests.append(request)
        response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        if isinstance(response, Exception):
            raise response
        return response(request) if callable(response) else response

    def client(self, **options):
        """A client of this service."""
        return Client("http://service", transport=httpx.MockTransport(self), **options)

    @property
    def last(self):
        """The latest request."""
        return self.requests[-1]


def ok(document):
    """A response with a JSON document."""
    return lambda _: httpx.Response(200, json=document)


def problem(status, headers=None, **members):
    """A response with a problem document."""
    document = {"type": "urn:descent:problem:some", "title": "Some", "status": status, "detail": "Fix it.", **members}
    media_type = {"Content-Type": "application/problem+json"}
    return lambda _: httpx.Response(status, content=json.dumps(document), headers=media_type | (headers or {}))


def respond_once(listener):
    """Accept one connection and respond with an empty JSON object."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
