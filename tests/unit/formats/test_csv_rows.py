"""The ends of CSV rows, for pieces of a body of any size."""

import csv
import io
import random

import pytest

from service.formats.text import lines as text_lines
from service.formats.text.csv_rows import CsvLines

CELLS = ["1", "-2.5", "", '"seex\n7,999,b"', '"a ""b"" c"', '""', '"\n"', '5" pipe', 'a""b', '"x"y', '"",']


def text_of(random_state, rows):
    return "".join(
        ",".join(random_state.choices(CELLS, k=3)) + random_state.choice(["\n", "\r\n"]) for _ in range(rows)
    )


def rows_of(text):
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1000])
@pytest.mark.parametrize("seed", range(10))
def test_each_block_holds_complete_rows(monkeypatch, size, seed):
    monkeypatch.setattr(text_lines, "BATCH_BYTES", size)
    text = "x,y,note\n" + text_of(random.Random(seed), 30)
    lines = CsvLines(io.BytesIO(text.encode()))
    header = lines.read_header().decode()
    blocks = [block.decode() for block in lines.blocks()]
    assert header + "\n" + "".join(blocks) == text
    assert [row for block in (header, *blocks) for row in rows_of(block)] == rows_of(text)


def test_a_header_can_contain_a_newline():
    lines = CsvLines(io.BytesIO(b'\n"a\nb",y\n1,2\n'))
    assert lines.read_header() == b'"a\nb",y'
    assert list(lines.blocks()) == [b"1,2\n"]


def test_an_unclosed_quote_extends_to_the_end():
    lines = CsvLines(io.BytesIO(b'x,y\n1,2\n"3,4\n5,6\n'))
    assert lines.read_header() == b"x,y"
    assert list(lines.blocks()) == [b"1,2\n", b'"3,4\n5,6\n']


def test_half_of_an_escaped_quote_does_not_close_a_field():
    rows = b'1,5" pipe\n2,"he said ""hi""\n900,and left"\n3,4\n'
    for size in range(1, len(rows)):
        end = CsvLines(io.BytesIO())._last_line_end(rows[:size])
        assert rows[:end].count(b"\n") in (0, 1, 3, 4), (size, rows[:end])


@pytest.mark.parametrize("text", [b'"a\nb",y\n1,2\n', b"\nx,y\n1,2\n", b"x,y\n1,2\n"])
def test_a_byte_order_mark_is_not_part_of_the_header(text):
    with_mark, without = CsvLines(io.BytesIO(b"\xef\xbb\xbf" + text)), CsvLines(io.BytesIO(text))
    assert (with_mark.read_header(), list(with_mark.blocks())) == (without.read_header(), list(without.blocks()))
