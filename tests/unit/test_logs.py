"""Lines of the log."""

import json
import logging

from service import logs


def test_a_line_is_json_with_its_facts():
    line = json.loads(logs.JsonFormatter().format(logs.RequestRecord("here", logging.INFO, {"status": 200})))
    assert {"level": "info", "logger": "here", "message": "request", "status": 200}.items() <= line.items()
    assert line["time"].endswith("Z")


def test_a_line_tells_of_names_that_are_no_unicode():
    line = logs.JsonFormatter().format(logs.RequestRecord("here", logging.INFO, {"path": "/models/\udcff"}))
    assert json.loads(line)["path"] == "/models/\udcff"


def test_a_person_reads_the_facts_after_the_message():
    line = logs.PlainFormatter().format(logs.RequestRecord("here", logging.ERROR, {"status": 500, "ms": 1.5}))
    assert line.endswith("error   request status=500 ms=1.5")
