"""CSV as other programs write it: line ends, delimiters, separators of numbers, blanks, byte order marks."""

import io
import json

import numpy as np
import pandas as pd
import pytest
import table_bodies

FRAME = pd.DataFrame({"area": [52.5, 60.0, 1234.5, 80.25], "rooms": [1.0, 2.0, 3.0, 2.0], "y": [1.0, 2.0, 40.5, 3.0]})
TSV = "text/tab-separated-values"


@pytest.fixture(scope="module")
def expected(client):
    return fit(client, FRAME.to_csv(index=False))


def fit(client, text, query="", media_type=table_bodies.CSV):
    answer = client.post(f"/models/dialects/train{query}", data=text, content_type=media_type)
    assert answer.status_code == 201, answer.text
    return answer.json["w"], answer.json["b"]


def refused(client, text, query="", media_type=table_bodies.CSV):
    answer = client.post(f"/train{query}", data=text, content_type=media_type)
    assert answer.status_code in (400, 422), answer.text
    return answer.json


@pytest.mark.parametrize("ends", [["\r"], ["\n"], ["\r\n"], ["\r", "\n", "\r\n", "\r\n", "\r"], ["\r\r\n"]])
@pytest.mark.parametrize("last", [True, False])
def test_lines_end_with_cr_lf_or_both(client, expected, ends, last):
    lines = FRAME.to_csv(index=False).splitlines()
    text = "".join(line + ends[number % len(ends)] for number, line in enumerate(lines))
    assert fit(client, text if last else text.rstrip("\r\n")) == expected


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_a_long_file_of_any_line_end_is_read_in_blocks(client, end):
    x = np.arange(200_000)
    frame = pd.DataFrame({"x": x, "note": 'a "b"' + end + "c", "y": 2 * x})
    answer = client.post(
        "/models/long/train?x=x", data=frame.to_csv(index=False, lineterminator=end), content_type="text/csv"
    )
    assert (answer.json["n"], answer.json["w"]["x"]) == (len(frame), pytest.approx(2))


@pytest.mark.parametrize(("delimiter", "query"), [(";", ";"), ("\t", "tab"), ("\t", "%09"), ("|", "|")])
def test_the_query_gives_the_delimiter(client, expected, delimiter, query):
    text = FRAME.to_csv(index=False, sep=delimiter)
    assert fit(client, text, f"?delimiter={query}") == expected
    word = "tab" if delimiter == "\t" else delimiter
    for header in (text, text.replace("area", '"area"', 1)):
        problem = refused(client, header)
        assert f"add delimiter={word} to the query" in problem["detail"]
        assert problem["errors"][0]["pointer"] == "/delimiter"


def test_tab_separated_values_are_read_and_written(client, expected):
    text = FRAME.to_csv(index=False, sep="\t")
    assert fit(client, text, media_type=TSV) == expected
    assert fit(client, FRAME.to_csv(index=False, sep=";"), "?delimiter=;", TSV) == expected
    x = FRAME[["area", "rooms"]].to_csv(index=False, sep="\t")
    call = {"data": x, "content_type": TSV}
    y = client.post("/models/dialects/predict", **call).json["y"]
    answer = client.post("/models/dialects/predict?interval=0.9", **call, headers={"Accept": TSV})
    assert answer.content_type.startswith(TSV)
    table = pd.read_csv(io.BytesIO(answer.data), sep="\t")
    assert list(table) == ["y", "lower", "upper"]
    assert table["y"].tolist() == y


@pytest.mark.parametrize(
    ("write", "query"),
    [
        (lambda value: f"{value}".replace(".", ","), "delimiter=;&decimal=,"),
        (lambda value: f"{value:,}", "delimiter=;&thousands=,"),
        (lambda value: f"{value:,}".replace(",", "'"), "delimiter=;&thousands='"),
        (lambda value: f"{value:,}".translate(str.maketrans(",.", ".,")), "delimiter=;&decimal=,&thousands=."),
        (lambda value: f"{value:,}".translate(str.maketrans(",.", "\u202f,")), "delimiter=;&decimal=,&thousands=%20"),
        (lambda value: f'"{value:,}"', "delimiter=,&thousands=,"),
    ],
)
def test_the_query_gives_the_separators_of_numbers(client, expected, write, query):
    delimiter = query[len("delimiter=")]
    rows = [FRAME.columns, *(map(write, row) for row in FRAME.to_numpy().tolist())]
    text = "\n".join(delimiter.join(row) for row in rows)
    assert fit(client, text, f"?{query}") == expected


def test_a_thousands_separator_separates_groups_of_digits_only(client):
    problem = refused(client, 'x,y\n1,2\n"1,5",3\n', "?thousands=,")
    assert problem["errors"] == [
        {"pointer": "/x/x/1", "detail": 'column "x", line 3: "1,5" is not a number; add decimal=, to the query'}
    ]
    assert '"1.5" is not a number' in refused(client, "x;y\n1.5;2\n", "?delimiter=;&decimal=,")["detail"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("delimiter=ab", "/delimiter"),
        ("delimiter=%C3%A9", "/delimiter"),
        ("delimiter=", "/delimiter"),
        ("thousands=5", "/thousands"),
        ("thousands=.", "/thousands"),
        ("decimal=;", "/decimal"),
    ],
)
def test_a_wrong_separator_is_refused(client, query, pointer):
    assert refused(client, "x,y\n1,2\n", f"?{query}")["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("media_type", [each for each in table_bodies.ALL if each != table_bodies.CSV])
@pytest.mark.parametrize("option", ["delimiter=;", "decimal=,", "thousands=,"])
def test_other_formats_refuse_the_options_of_csv(client, media_type, option):
    body = table_bodies.ALL[media_type](table_bodies.PLANE)
    problem = refused(client, body, f"?{option}", media_type)
    assert f"/{option.split('=')[0]}: applies to CSV" in problem["detail"]


def test_blanks_around_names_and_cells_are_no_part_of_them(client, expected):
    lines = FRAME.to_csv(index=False).splitlines()
    text = "\n".join(" , ".join(line.split(",")) + "\t" for line in lines)
    assert fit(client, text) == expected
    assert fit(client, text.replace("area , rooms ", 'area , "rooms"')) == expected


def test_missing_values_are_those_of_pandas(client):
    words = ["", " ", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "<NA>", "#N/A", " NA "]
    text = "x,y\n1,2\n2,3\n4,6\n" + "".join(f"{word},1\n" for word in words)
    assert pd.read_csv(io.StringIO(text), skipinitialspace=True, sep=r"\s*,\s*", engine="python")["x"].isna().sum() == (
        len(words)
    )
    answer = client.post("/models/gone/train?missing=drop", data=text, content_type="text/csv").json
    assert (answer["n"], answer["dropped"]) == (3, len(words))


@pytest.mark.parametrize("dtype", [bool, object])
def test_true_and_false_are_numbers(client, dtype):
    frame = pd.DataFrame({"x": np.array([True, False, True, False], dtype), "z": [1, 2, 4, 3], "y": [1, 2, 3, 5]})
    numbers = frame.assign(x=frame["x"].astype(int))
    call = {"content_type": "text/csv"}
    answers = [
        client.post("/models/flags/train", data=text, **call).json["w"]
        for text in (
            frame.to_csv(index=False),
            frame.to_csv(index=False).replace("True", "TRUE").replace("False", "false"),
        )
    ]
    expected = client.post("/models/flags/train", data=numbers.to_csv(index=False), **call).json["w"]
    assert answers == [expected, expected]


def test_a_byte_order_mark_is_no_part_of_json(client):
    mark = b"\xef\xbb\xbf"
    body = {"x": [1, 2, 3], "y": [1, 2, 4]}
    long = {"x": list(range(10_000)), "y": list(range(10_000))}
    for each in (body, long):
        answer = client.post(
            "/models/mark/train", data=mark + json.dumps(each).encode(), content_type="application/json"
        )
        assert answer.status_code == 201, answer.text
    lines = mark + table_bodies.as_ndjson(table_bodies.PLANE)
    answer = client.post("/models/mark/train", data=lines, content_type=table_bodies.NDJSON)
    assert list(answer.json["w"]) == ["a", "b"]
    record = mark + b'{"x": {"a": 1, "b": 2}}'
    answer = client.post("/models/mark/predict", data=record, content_type="application/json")
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("größe,y\n1,2\n".encode("latin-1"), "not UTF-8: byte 2 is invalid. Save the file with the encoding UTF-8"),
        ("x\ty\n1\t2\n".encode("utf-16"), "is UTF-16. Save the file with the encoding UTF-8"),
        ("x,y\n1,5€\n".encode("cp1252"), "save the file with the encoding UTF-8"),
    ],
)
def test_other_encodings_are_named(client, text, message):
    assert message in refused(client, text)["detail"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("filler", [0, 200_000])
def test_the_line_of_a_bad_cell_is_that_of_an_editor(client, end, filler):
    lines = ["", "x,note,y", "", *["1,a,2"] * filler, '2,"two', 'lines",3', "", "oops,a,2", "1,a,2"]
    problem = refused(client, end.join(lines), "?x=x")
    line = lines.index("oops,a,2") + 1
    assert problem["errors"][0]["pointer"] == f"/x/x/{filler + 1}"
    assert problem["errors"][0]["detail"].startswith(f'column "x", line {line}: "oops" is not a number; ')
    lines[-2] = "1,2"
    problem = refused(client, end.join(lines), "?x=x")
    assert problem["errors"][0]["detail"].startswith(f"line {line}: has 2 fields, but the header has 3; quote a field")
