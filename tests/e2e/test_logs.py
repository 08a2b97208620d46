"""The log has one line of JSON for each request."""

import json
import re


def test_a_request_is_one_line_of_json_without_its_data(new_service):
    service = new_service(DESCENT_WORKERS="1")
    body = {"x": [123456.75, 2], "y": [1, 2]}
    given = service.post("/train", json=body, headers={"X-Request-ID": "abc-1"})
    taken = service.post("/train", json=body, headers={"X-Request-ID": "a b\tc"})
    assert given.headers["X-Request-ID"] == "abc-1"
    assert re.fullmatch("[0-9a-f]{16}", taken.headers["X-Request-ID"])
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    assert [line["path"] for line in lines if line["logger"] != "gunicorn.error"] == ["/readyz", "/train", "/train"]
    line = lines[-2]
    assert line["request_id"] == "abc-1"
    assert (line["method"], line["path"], line["model"], line["status"]) == ("POST", "/train", "default", 201)
    assert line["ms"] > 0
    assert "123456.75" not in service.log.read_text()


def test_fast_requests_are_not_logged_below_the_minimum_duration(new_service):
    service = new_service(DESCENT_WORKERS="1", DESCENT_LOG_MIN_DURATION_MS="10000")
    service.post("/train", json={"x": [1, 2], "y": [1, 2]})
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    assert {line["logger"] for line in lines} == {"gunicorn.error"}
