"""CSV and NDJSON that cannot be read, and newlines in quotes."""

import pytest
import table_bodies


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "empty"),
        (b"x,y\n", 422, "no rows"),
        (b"\xff\xfe,y\n1,2\n", 400, "UTF-8"),
        (b'"x,y\n1,2\n', 400, "header"),
        (b"x,y\n1,2\n3\n", 422, "/x/1: line 3: has 1 field, but the header has 2"),
        (b"x,y\n1,2\n3,4,5\n", 422, "/x/1: line 3: has 3 fields"),
        (b"x,y\n1,2\n3,four\n", 422, '/y/1: column "y", line 3: "four" is not a number'),
        (b"x,y\n1,2\n,4\n", 422, "/x/x/1"),
        (b"x,x,y\n1,2,3\n", 422, "are both named 'x'"),
        (b"y\n1\n", 422, "only y"),
        (b"x,y\n1,2\ninf,4\n", 422, "is not a finite float64"),
        (b"x," + b"0" * 6_000_000, 400, "longer than"),
    ],
)
def test_a_malformed_csv_is_refused(client, body, status, message):
    answer = client.post("/train", data=body, content_type=table_bodies.CSV)
    assert (answer.status_code, message in answer.json["detail"]) == (status, True), answer.json


def test_newlines_in_quotes_of_a_long_text_do_not_end_rows(client):
    rows, note = 100_000, "\n7,999,b" * 5
    text = "x,y,note\n" + "".join(f'{i},{2 * i},"{note}"\n' for i in range(rows))
    assert len(text) > 1 << 20
    fit = client.post("/models/quoted/train?x=x&y=y", data=text, content_type="text/csv").json
    assert (fit["n"], fit["w"]["x"]) == (rows, pytest.approx(2))


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "empty"),
        (b"[1]\n", 422, "/x/0: line 1: is not an object"),
        (b"{}\n", 422, "no columns"),
        (b'{"x": 1, "y": 2}\n{"x": 1, "y": 2, "z": 3}\n', 422, "first at /x/z/0"),
        (b'{"x": 1, "y": 2}\n{"x": 1 "y": 2}\n', 400, "Line 2 is not JSON"),
        (b'{"x": 1, "y": 2}\n{"x": 1, "y": 2}, {"x": 2\n"y": 5}\n', 400, "Line 2 is not JSON"),
        (b'{"x":1,"y":1}\n{"x":2,"y":[{}\n{}]}\n{"x":2,"y":1},{"x":9,"y":1}\n', 400, "Line 2 is not JSON"),
        (b'{"x": 1, "y": 2}\n[]\n', 422, "/x/1: line 2: is not an object"),
        (b'{"x": 1, "y": 2}\n{"x": NaN, "y": 2}\n', 400, "Line 2 is not JSON"),
        (b'{"x": 1, "y": 2}\n{"y": 2}\n', 422, "/x/x/1"),
    ],
)
def test_malformed_lines_are_refused(client, body, status, message):
    answer = client.post("/train", data=body, content_type=table_bodies.NDJSON)
    assert (answer.status_code, message in answer.json["detail"]) == (status, True), answer.json
