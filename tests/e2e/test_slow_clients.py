"""Clients that send slowly leave threads to other requests."""

import contextlib
import select
import socket

import httpx
import pytest


@pytest.mark.own_worker_class("receives requests without a thread")
@pytest.mark.parametrize(
    "head",
    [
        b"PUT /models/m/serving HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n",
        b"POST /train HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 300000\r\n\r\n",
        b"POST /train HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2000000\r\n\r\n",
        b"POST /train HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["unusual", "long", "very long", "chunked"],
)
def test_health_checks_are_answered_while_other_clients_send_slowly(new_service, head):
    service = new_service(DESCENT_WORKERS="2", DESCENT_CLIENT_TIMEOUT_SECONDS="60")
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(("127.0.0.1", service.port))) for _ in range(24)]
        for connection in slow:
            connection.sendall(head)
        for path in ("livez", "readyz", "metrics") * 4:
            assert service.get(f"/{path}", timeout=60).status_code == httpx.codes.OK
        assert select.select(slow, [], [], 0)[0] == [], "none of them has ended meanwhile"
