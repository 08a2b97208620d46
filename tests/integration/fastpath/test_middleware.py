"""The middleware reads a body once, and leaves broken bodies to the app."""

from fast_path_requests import environ_of


def test_an_incomplete_body_is_reported_by_the_slow_path(app):
    response = call(app, environ_of("/predict", '{"x": 5}', headers={"Content-Length": "100"}))
    assert response[0] == "400 BAD REQUEST"
    assert b"ended after 8 of the 100 bytes" in response[1]


def test_a_broken_body_is_read_once_and_reported_by_the_slow_path(app):
    waits = []

    class Broken:
        def read(self, size):
            waits.append(size)
            raise BlockingIOError

    environ = environ_of("/predict", '{"x": 5}') | {"wsgi.input": Broken()}
    assert call(app, environ)[0] == "400 BAD REQUEST"
    assert len(waits) == 1


def call(app, environ):
    """Return the status and the body of an app's response."""
    statuses = []
    body = b"".join(app(environ, lambda status, headers, error=None: statuses.append(status)))
    return statuses[0], body
