"""The first line of a body, and empty lines before it."""

import io
import sys

import pytest

from service.formats.table import BATCH_BYTES
from service.formats.text.lines import Lines


def calls_of(work):
    """Return the number of built-in functions that `work` calls, and its result."""
    calls, before = [], sys.getprofile()
    sys.setprofile(lambda _frame, event, called: calls.append(called) if event == "c_call" else None)
    try:
        result = work()
    finally:
        sys.setprofile(before)
    return len(calls), result


@pytest.mark.parametrize("blank", [b"\n", b" \n", b"\r\n", b"\t\f\v \n\n"])
def test_empty_lines_before_the_header_are_skipped_in_one_step(blank):
    lines = Lines(io.BytesIO(blank * (3 * BATCH_BYTES // len(blank)) + b" x,y\r\n1,2\n"))
    calls, header = calls_of(lines.read_header)
    assert header == b" x,y\r"
    assert calls < 100
    assert list(lines.blocks()) == [b"1,2\n"]


@pytest.mark.parametrize(
    ("text", "header", "rest"),
    [
        (b"", b"", []),
        (b"\n \n\n", b"", []),
        (b"\n  ", b"", []),
        (b"x", b"x", []),
        (b"\n x", b" x", []),
        (b"x\n", b"x", []),
        (b"\n\nx\n\n1\n", b"x", [b"\n1\n"]),
        (b" " * (BATCH_BYTES + 5) + b"x\n1\n", b" " * (BATCH_BYTES + 5) + b"x", [b"1\n"]),
        (b"\n" * (BATCH_BYTES - 1) + b" " + b"\nx\n1", b"x", [b"1"]),
        (b"\n" * (BATCH_BYTES - 1) + b"x" + b"y\n1\n", b"xy", [b"1\n"]),
    ],
)
def test_the_header_is_the_first_line_that_is_not_empty(text, header, rest):
    lines = Lines(io.BytesIO(text))
    assert lines.read_header() == header
    assert list(lines.blocks()) == rest
