"""Requests for several models against the real server."""

import json
import socket

from running import samples, wait_until

GROUPS = 50_000


def test_work_stops_when_the_client_disconnects(new_service):
    service = new_service(DESCENT_WORKERS="1")
    rows = "".join(f"g{i},1,2\ng{i},2,4\n" for i in range(GROUPS))
    body = f"group,x,y\n{rows}".encode()
    head = f"POST /models:train HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(head.encode() + body)
        wait_until(lambda: service.get("/models?limit=1").json()["models"], what=lambda: "a group is trained")

    def logged():
        lines = [json.loads(line) for line in service.log.read_text().splitlines() if line.startswith("{")]
        return [line["status"] for line in lines if line.get("path") == "/models:train"]

    wait_until(logged, what=lambda: "the request is logged")
    assert logged() == [499]
    trained = sum(1 for folder in service.store.iterdir() if folder.name.startswith("g"))
    assert 0 < trained < GROUPS
    assert samples(service)['descent_trainings_total{outcome="published"}'] == trained
