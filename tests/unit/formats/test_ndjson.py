"""Records of JSON lines in blocks, and the positions of errors."""

import io

import numpy as np
import pytest

from service.errors import InvalidRequest, MalformedBody
from service.formats.table import Limits, UnreadableCell
from service.formats.text import lines, ndjson

LIMITS = Limits(max_buffered_bytes=1, max_decompression_ratio=1)


def read(text, positions=(0, 1)):
    table = ndjson.read(io.BytesIO(text), LIMITS)
    return tuple(table.names), np.vstack(list(table.batches(positions)))


@pytest.mark.parametrize("size", [1, 10, 1000])
def test_rows_are_read_from_blocks_of_any_size(monkeypatch, size):
    monkeypatch.setattr(lines, "BATCH_BYTES", size)
    names, values = read(b'{"x": 1, "y": 2}\n\n{"y": 4, "x": 3}\r\n {"x": 5}\n{"x": null, "y": 6}', (1, 0))
    assert names == ("x", "y")
    np.testing.assert_array_equal(values, [[2, 1], [4, 3], [np.nan, 5], [6, np.nan]])


@pytest.mark.parametrize("size", [10, 1000])
@pytest.mark.parametrize(
    ("line", "row", "column"), [(b"[1]", 1000, None), (b'{"x": [1]}', 1000, 0), (b'{"x": 1, "y": "two"}', 1000, 1)]
)
def test_an_error_has_its_row_and_column(monkeypatch, size, line, row, column):
    monkeypatch.setattr(lines, "BATCH_BYTES", size)
    with pytest.raises(UnreadableCell) as caught:
        read(b'{"x": 1, "y": 2}\n' * 1000 + line + b"\n")
    assert (caught.value.row, caught.value.column) == (row, column)


def test_a_line_that_is_not_json_is_refused_with_its_row():
    with pytest.raises(MalformedBody, match="Line 2 is not JSON"):
        read(b'{"x": 1, "y": 2}\n{"x": 1 "y": 2}\n')


@pytest.mark.parametrize(("text", "error"), [(b"", MalformedBody), (b"{}\n", InvalidRequest), (b"1\n", InvalidRequest)])
def test_a_body_without_column_names_is_refused(text, error):
    with pytest.raises(error):
        read(text)


def test_written_lines_are_read_back():
    columns = {"y": np.array([1.5, -2.0]), "lower": np.array([0.1, 1e100])}
    text = b"".join(ndjson.write(iter([columns])))
    names, values = read(text)
    assert names == ("y", "lower")
    np.testing.assert_array_equal(values.T, list(columns.values()))
