"""Every media type gives the same model from the same numbers, and the same problem for the same fault."""

import gzip
import io
import json
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import table_bodies
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.app import create_app
from service.artifact import torchscript
from service.settings import Settings

EXAMPLES = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NUMBERS = st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-6)
PLANE = {"a": [1.0, 2.0, 3.0, 4.0, 5.5], "b": [1.0, 0.0, 2.0, 1.0, 0.5], "y": [1.0, 2.0, 4.0, 4.0, 5.0]}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    store = tmp_path_factory.mktemp("media") / "models"
    return create_app(Settings(store=str(store), log_min_duration_ms=10_000, max_autograd_epochs=500)).test_client()


def send(client, media_type, columns, call="/train", query="", **headers):
    return client.post(
        call + query, data=table_bodies.ALL[media_type](columns), content_type=media_type, headers=headers
    )


def problem_of(answer):
    return {name: answer.json.get(name) for name in ("type", "status", "errors")}


@st.composite
def tables(draw):
    n, d = draw(st.integers(2, 9)), draw(st.integers(1, 3))
    columns = st.lists(NUMBERS, min_size=n, max_size=n)
    return {name: draw(columns) for name in [*"abc"[:d], "y"]}


@EXAMPLES
@given(tables())
def test_every_format_gives_the_same_model_to_the_bit(client, columns):
    found = []
    for media_type in table_bodies.ALL:
        answer = send(client, media_type, columns)
        assert answer.status_code == 201, answer.text
        contents = torchscript.load_artifact(client.get(answer.json["artifact"]["href"]).data).contents
        w = answer.json["w"]
        w = list(w.values()) if isinstance(w, dict) else w
        statistics = contents.statistics
        found.append((w, answer.json["b"], statistics.triangle.tobytes(), statistics.origin.tobytes(), statistics.n))
    assert all(each == found[0] for each in found)


@EXAMPLES
@given(tables(), st.data())
def test_every_format_gives_the_same_problem_for_the_same_fault(client, columns, data):
    name = data.draw(st.sampled_from(list(columns)))
    row = data.draw(st.integers(0, len(columns["y"]) - 1))
    columns[name][row] = data.draw(st.sampled_from([math.nan, 1e200, -1e151]))
    problems = [problem_of(send(client, media_type, columns)) for media_type in table_bodies.NAMED]
    assert problems[0]["status"] == 422
    assert problems[0]["errors"][0]["pointer"] == (f"/y/{row}" if name == "y" else f"/x/{name}/{row}")
    assert all(problem == problems[0] for problem in problems)
    unnamed = problem_of(send(client, table_bodies.NPY, columns))
    assert (unnamed["status"], unnamed["type"]) == (422, problems[0]["type"])


@pytest.mark.parametrize("media_type", table_bodies.TABLES)
@pytest.mark.parametrize("accept", table_bodies.ALL)
def test_predictions_come_in_any_format_from_any_other(client, media_type, accept):
    send(client, media_type, PLANE, "/models/plane/train")
    x = {name: PLANE[name] for name in ("a", "b")}
    expected = client.post("/models/plane/predict", data=table_bodies.as_json(x), content_type=table_bodies.JSON).json[
        "y"
    ]
    answer = send(client, media_type, x, "/models/plane/predict", Accept=accept)
    assert (answer.status_code, answer.content_type) == (200, accept), answer.text
    assert table_bodies.read(accept, answer.data) == {"y": expected}
    from_json = send(client, table_bodies.JSON, x, "/models/plane/predict", Accept=accept)
    assert table_bodies.read(accept, from_json.data) == {"y": expected}


def test_a_scalar_can_be_answered_as_a_table(client):
    client.post("/models/line/train", json={"x": [1, 2], "y": [2, 4]})
    answer = client.post("/models/line/predict", json={"x": 3}, headers={"Accept": table_bodies.CSV})
    assert answer.text.splitlines()[0] == '"y"'


@pytest.mark.parametrize("media_type", table_bodies.NAMED)
def test_columns_match_by_name_in_any_order(client, media_type):
    send(client, table_bodies.CSV, PLANE, "/models/order/train")
    x = {name: PLANE[name] for name in ("a", "b")}
    turned = {name: PLANE[name] for name in ("b", "a")}
    answers = [send(client, media_type, each, "/models/order/predict").json["y"] for each in (x, turned)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("media_type", table_bodies.NAMED)
@pytest.mark.parametrize(
    ("names", "says"), [(["a"], "'b' is missing"), (["a", "b", "y"], "'y' is not one"), (["a", "c"], "'c'")]
)
def test_missing_and_unknown_columns_are_named(client, media_type, names, says):
    send(client, table_bodies.CSV, PLANE, "/models/named/train")
    columns = {name: PLANE.get(name, [1.0] * 5) for name in names}
    if media_type == table_bodies.JSON:
        body = json.dumps({"x": columns}).encode()
        answer = client.post("/models/named/predict", data=body, content_type=table_bodies.JSON)
    else:
        answer = send(client, media_type, columns, "/models/named/predict")
    assert answer.status_code == 422
    assert says in answer.json["detail"]
    assert answer.json["errors"][0]["pointer"] == "/x"


@pytest.mark.parametrize("media_type", table_bodies.TABLES)
def test_a_wrong_number_of_columns_in_a_table_is_told_with_their_names(client, media_type):
    client.post("/models/two/train", json={"x": [[1, 2], [2, 1], [3, 5]], "y": [1, 2, 4]})
    three = {"area": [1.0], "rooms": [2.0], "price": [3.0]}
    names, choose = " ('area', 'rooms', 'price')", "; choose them with x="
    if media_type == table_bodies.NPY:
        names = choose = ""
    answer = send(client, media_type, three, "/models/two/predict")
    assert answer.json["detail"] == f"/x: has 3 columns{names}, but the model takes 2{choose}"
    for call in ("/models/two/train?append=true", "/models/two/evaluate"):
        answer = send(client, media_type, three | {"y": [1.0]}, call)
        assert answer.json["detail"] == f"/x: has 3 columns{names}, but the model takes 2{choose}"
    answer = send(client, media_type, three, "/invocations?model=two")
    assert answer.json["message"] == f"/columns: has 3 columns{names}, but the model takes 2"
    answer = send(client, media_type, {"area": [1.0]}, "/models/two/predict")
    named = " ('area')" if names else ""
    assert answer.json["detail"] == f"/x: has 1 column{named}, but the model takes 2"


@pytest.mark.parametrize("media_type", [each for each in table_bodies.TABLES if each != table_bodies.NPY])
def test_the_query_chooses_columns_and_options(client, media_type):
    columns = {"a b": [1.0, 2.0, 4.0], "unused": [0.0, 0.0, 1.0], "price": [1.0, 2.0, 3.0], "n": [1.0, 2.0, 0.0]}
    query = "?model=chosen&y=price&x=a%20b&weight=n&epochs=7&initial=" + '{"w": {"a b": 1}, "b": 2}'
    answer = send(client, media_type, columns, "/train", query)
    assert answer.status_code == 201, answer.text
    body = {"x": {"a b": [1, 2, 4]}, "y": [1, 2, 3], "sample_weight": [1, 2, 0], "epochs": 7}
    expected = client.post("/train", json=body | {"initial": {"w": {"a b": 1}, "b": 2}}).json
    assert {name: answer.json[name] for name in ("w", "b", "n", "options")} == {
        name: expected[name] for name in ("w", "b", "n", "options")
    }


@pytest.mark.parametrize(
    ("query", "pointer", "says"),
    [
        ("y=z", "/y", "'a', 'b', 'y'"),
        ("x=a,c", "/x", "'c' is missing"),
        ("x=a%0Db", "/x", "commas between"),
        ("weight=w", "/weight", "'w' is missing"),
        ("y=a&x=a", None, "twice"),
        ("x=a,a", None, "twice"),
        ("epochs=-1", "/epochs", "whole number"),
        ("epochs=many", "/epochs", "whole number"),
        ("learning_rate=fast", "/learning_rate", "auto"),
        ("standardize=yes", "/standardize", "true or false"),
        ("initial={", "/initial", "object"),
        ("missing=ignore", "/missing", "error, drop"),
        ("epoch=3", "/epoch", "'epochs'"),
    ],
)
def test_a_wrong_query_is_named(client, query, pointer, says):
    answer = send(client, table_bodies.CSV, PLANE, "/train", f"?{query}")
    assert answer.status_code == 422
    assert says in answer.json["detail"]
    assert [fault["pointer"] for fault in answer.json.get("errors", [])] == ([pointer] if pointer else [])


@pytest.mark.parametrize("media_type", table_bodies.NAMED)
def test_rows_that_miss_values_are_named_or_dropped_and_counted(client, media_type):
    columns = {"a": [1.0, math.nan, 3.0, 4.0], "y": [1.0, 2.0, math.nan, 4.0]}
    refused = send(client, media_type, columns)
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.json["errors"]] == ["/x/a/1", "/y/2"]
    if media_type == table_bodies.JSON:
        body = json.loads(table_bodies.as_json(columns)) | {"missing": "drop"}
        fit = client.post("/models/gaps/train", json=body)
        predicted = client.post("/models/gaps/predict", json={"x": body["x"], "missing": "drop"})
    else:
        fit = send(client, media_type, columns, "/models/gaps/train", "?missing=drop")
        predicted = send(client, media_type, {"a": columns["a"]}, "/models/gaps/predict", "?missing=drop")
    assert (fit.json["n"], fit.json["dropped"]) == (2, 2)
    assert (len(predicted.json["y"]), predicted.json["dropped"]) == (3, 1)


@pytest.fixture(scope="module")
def steep(client):
    """A model that few numbers have a prediction of."""
    assert client.post("/models/steep/train", json={"x": [0, 1e-20], "y": [0, 1e150]}).status_code == 201


@pytest.fixture(scope="module", params=table_bodies.TABLES)
def long_table(request):
    """A table of several batches in each media type, two of its rows without a value, and the row with a large one."""
    columns = {"x": np.zeros(300_000), "y": np.zeros(300_000)}
    columns["x"][[3, 200_000]] = math.nan
    columns["x"][299_998] = 1e150
    options = {"rows_per_batch": 70_000} if request.param == table_bodies.ARROW else {}

    def body(*names):
        return table_bodies.TABLES[request.param]({name: columns[name].tolist() for name in names}, **options)

    return request.param, body, 299_998


def test_a_row_is_named_by_its_number_whatever_was_dropped_before(client, steep, long_table):
    media_type, body, row = long_table
    held = {"Accept-Encoding": "gzip"}  # what it makes of so many equal numbers is held until the fault
    for call, names in (("predict", "x"), ("evaluate", "xy")):
        path = f"/models/steep/{call}?missing=drop"
        answer = client.post(path, data=body(*names), content_type=media_type, headers=held)
        assert answer.status_code == 422
        assert answer.json["errors"][0]["pointer"] == f"/x/{row}"


@pytest.mark.parametrize("zeros", [0, 20_000])
@pytest.mark.parametrize(
    "rows", [[[None], [None], [1e150]], [None, None, 1e150], [{"x": None}, {"x": 0}, {"x": 1e150}]]
)
def test_a_row_in_json_is_named_by_its_number_whatever_was_dropped_before(client, steep, rows, zeros):
    x = [rows[0]] * zeros + rows
    answer = client.post("/models/steep/predict", json={"x": x, "missing": "drop"})
    assert answer.json["errors"][0]["pointer"] == f"/x/{zeros + 2}"
    answer = client.post("/models/steep/evaluate", json={"x": x, "y": [0] * len(x), "missing": "drop"})
    assert answer.json["errors"][0]["pointer"] == f"/x/{zeros + 2}"


def test_a_groups_row_is_named_by_its_number(client, steep):
    body = {"x": [0, 0, 0, 1e150], "group": ["other", "steep", "other", "steep"]}
    _, failed = client.post("/models:predict", json=body).json["results"]
    assert failed["problem"]["errors"][0]["pointer"] == "/x/3"


@pytest.mark.parametrize("media_type", table_bodies.NAMED)
def test_when_no_row_is_left_that_is_said(client, media_type):
    columns = {"a": [math.nan, math.nan], "y": [1.0, 2.0]}
    if media_type == table_bodies.JSON:
        answer = client.post("/train", json=json.loads(table_bodies.as_json(columns)) | {"missing": "drop"})
    else:
        answer = send(client, media_type, columns, "/train", "?missing=drop")
    assert answer.status_code == 422
    assert "none is left" in answer.json["detail"]


@pytest.mark.parametrize("media_type", table_bodies.ALL)
@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_bodies_and_answers_may_be_compressed(client, media_type, encoding):
    compress, expand = {
        "gzip": (gzip.compress, gzip.decompress),
        "zstd": (zstandard.compress, lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)),
    }[encoding]
    columns = {"x": np.arange(500.0).tolist(), "y": np.arange(500.0).tolist()}
    headers = {"Content-Encoding": encoding, "Accept-Encoding": encoding}
    body = compress(table_bodies.ALL[media_type](columns))
    fit = client.post("/models/small/train", data=body, content_type=media_type, headers=headers)
    assert fit.status_code == 201
    x = compress(table_bodies.ALL[media_type]({"x": columns["x"]}))
    answer = client.post("/models/small/predict", data=x, content_type=media_type, headers=headers)
    assert answer.headers["Content-Encoding"] == encoding
    assert len(json.loads(expand(answer.data))["y"]) == 500


def test_members_of_a_gzip_body_are_read_one_after_the_other(client):
    body = gzip.compress(b"x,y\n1,2\n") + gzip.compress(b"2,3\n3,5\n")
    answer = client.post("/train", data=body, content_type=table_bodies.CSV, headers={"Content-Encoding": "gzip"})
    assert answer.json["n"] == 3


def test_autograd_trains_on_batches_too(client):
    fits = []
    for query in ("?method=autograd", ""):
        answer = send(client, table_bodies.ARROW, PLANE, "/models/loop/train", f"{query or '?'}&weight=b&x=a")
        fits.append(answer.json)
    assert fits[0]["w"]["a"] == pytest.approx(fits[1]["w"]["a"], rel=1e-6)


def test_pandas_writes_what_is_read_and_reads_what_is_written(client):
    frame = pd.DataFrame({"area": [50.0, 80, 120], "rooms": [2, 3, 4], "price": [1.0, 2, 3.5]})
    parquet = io.BytesIO()
    frame.to_parquet(parquet)
    fits = [
        client.post("/models/pandas/train?y=price", data=data, content_type=media_type).json
        for data, media_type in (
            (frame.to_csv(index=False), table_bodies.CSV),
            (parquet.getvalue(), table_bodies.PARQUET),
        )
    ]
    assert fits[0]["w"] == fits[1]["w"]
    assert set(fits[0]["w"]) == {"area", "rooms"}
    x = frame[["rooms", "area"]].to_csv(index=False)
    answers = [
        client.post("/models/pandas/predict", data=x, content_type=table_bodies.CSV, headers={"Accept": accept}).data
        for accept in (table_bodies.CSV, table_bodies.PARQUET)
    ]
    assert table_bodies.read(table_bodies.CSV, answers[0]) == table_bodies.read(table_bodies.PARQUET, answers[1])


def test_arrow_takes_compressed_buffers_and_numbers_of_any_type(client):
    columns = {
        "a": np.array([1, 2, 3, 4], np.int8),
        "b": np.array([1, 0, 2**60, 3], np.int64),
        "c": np.array([0.1, 0.2, 0.3, 7], np.float32),
        "y": np.arange(4.0),
    }
    expected = send(client, table_bodies.JSON, {name: [float(v) for v in values] for name, values in columns.items()})
    for codec in ("lz4", "zstd", None):
        body = table_bodies.as_arrow(columns, compression=codec)
        answer = client.post("/train", data=body, content_type=table_bodies.ARROW)
        assert answer.json["w"] == expected.json["w"]
    answer = client.post("/train", data=table_bodies.as_parquet(columns), content_type=table_bodies.PARQUET)
    assert answer.json["w"] == expected.json["w"]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["<f8", ">f8", "<f4", "<i4"])
def test_npy_takes_either_order_and_numbers_of_any_type(client, order, kind):
    sink = io.BytesIO()
    np.save(sink, np.array([[1, 2, 3], [4, 5, 7], [7, 9, 8], [1, 0, 0]], dtype=kind, order=order))
    answer = client.post("/train", data=sink.getvalue(), content_type=table_bodies.NPY)
    expected = client.post("/train", json={"x": [[1, 2], [4, 5], [7, 9], [1, 0]], "y": [3, 7, 8, 0]})
    assert (answer.json["w"], answer.json["b"]) == (expected.json["w"], expected.json["b"])


def test_npy_of_one_dimension_is_one_column(client):
    client.post("/models/flat/train", json={"x": [1, 2], "y": [2, 4]})
    sink = io.BytesIO()
    np.save(sink, np.array([1.0, 3.0]))
    answer = client.post("/models/flat/predict", data=sink.getvalue(), content_type=table_bodies.NPY)
    assert answer.json["y"] == client.post("/models/flat/predict", json={"x": [1, 3]}).json["y"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "empty"),
        (b"x,y\n", 422, "no rows"),
        (b"\xff\xfe,y\n1,2\n", 400, "UTF-8"),
        (b'"x,y\n1,2\n', 400, "header"),
        (b"x,y\n1,2\n3\n", 422, "/x/1: has 1 field, but the header has 2"),
        (b"x,y\n1,2\n3,4,5\n", 422, "/x/1: has 3 fields"),
        (b"x,y\n1,2\n3,four\n", 422, "/y/1: is 'four', not a number"),
        (b"x,y\n1,2\n,4\n", 422, "/x/x/1"),
        (b"x,x,y\n1,2,3\n", 422, "has 2 columns 'x'"),
        (b"y\n1\n", 422, "only y"),
        (b"x,y\n1,2\ninf,4\n", 422, "is not a finite float64"),
        (b"x," + b"0" * 6_000_000, 400, "longer than"),
        (b"x,y\r1,2\r2,3\r", 400, "header cannot be read"),
    ],
)
def test_faults_of_csv(client, body, status, says):
    answer = client.post("/train", data=body, content_type=table_bodies.CSV)
    assert (answer.status_code, says in answer.json["detail"]) == (status, True), answer.json


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "empty"),
        (b"[1]\n", 422, "/x/0: is not an object"),
        (b"{}\n", 422, "no columns"),
        (b'{"x": 1, "y": 2}\n{"x": 1, "y": 2, "z": 3}\n', 422, "/x/1: has the column 'z'"),
        (b'{"x": 1, "y": 2}\n{"x": 1 "y": 2}\n', 400, "Row 1"),
        (b'{"x": 1, "y": 2}\n{"x": 1, "y": 2}, {"x": 2\n"y": 5}\n', 400, "Row 1"),
        (b'{"x":1,"y":1}\n{"x":2,"y":[{}\n{}]}\n{"x":2,"y":1},{"x":9,"y":1}\n', 400, "Row 1"),
        (b'{"x": 1, "y": 2}\n[]\n', 422, "/x/1: is not an object"),
        (b'{"x": 1, "y": 2}\n{"x": true, "y": 2}\n', 422, "/x/x/1: is a boolean"),
        (b'{"x": 1, "y": 2}\n{"x": NaN, "y": 2}\n', 400, "Row 1"),
        (b'{"x": 1, "y": 2}\n{"y": 2}\n', 422, "/x/x/1"),
    ],
)
def test_faults_of_ndjson(client, body, status, says):
    answer = client.post("/train", data=body, content_type=table_bodies.NDJSON)
    assert (answer.status_code, says in answer.json["detail"]) == (status, True), answer.json


@pytest.mark.parametrize("media_type", [table_bodies.ARROW, table_bodies.PARQUET, table_bodies.NPY])
def test_a_body_cut_anywhere_is_a_clear_refusal(client, media_type):
    body = table_bodies.ALL[media_type](PLANE)
    for end in range(0, len(body) - (12 if media_type == table_bodies.ARROW else 1), max(1, len(body) // 60)):
        answer = client.post("/train", data=body[:end], content_type=media_type)
        assert answer.status_code in (400, 422), (end, answer.text)
        assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("media_type", [table_bodies.ARROW, table_bodies.PARQUET, table_bodies.NPY])
def test_any_flipped_byte_gives_a_model_or_a_clear_refusal(client, media_type):
    body = table_bodies.ALL[media_type](PLANE)
    draw = np.random.default_rng(5)
    for at in draw.integers(0, len(body), 150):
        damaged = bytearray(body)
        damaged[at] ^= 1 << int(draw.integers(8))
        answer = client.post("/train", data=bytes(damaged), content_type=media_type)
        assert answer.status_code in (201, 400, 413, 422), (at, answer.text)


@pytest.mark.parametrize(
    ("media_type", "columns"), [(table_bodies.ARROW, {"x": ["a"], "y": [1.0]}), (table_bodies.PARQUET, None)]
)
def test_columns_of_text_are_named(client, media_type, columns):
    columns = columns or {"x": [True], "y": [1.0]}
    answer = client.post("/train", data=table_bodies.ALL[media_type](columns), content_type=media_type)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/x/x"


def test_arrow_rows_without_columns_are_refused(client):
    rows = pa.RecordBatch.from_struct_array(pa.array([{}] * 5, type=pa.struct([])))
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_batch(rows)
    send(client, table_bodies.ARROW, PLANE, "/models/plane/train")
    answers = [
        client.post(f"/models/plane/{call}", data=sink.getvalue(), content_type=table_bodies.ARROW)
        for call in ("predict", "predict?x=", "train", "evaluate")
    ]
    assert [answer.status_code for answer in answers] == [422] * 4
    assert answers[0].json["errors"] == [{"pointer": "/x", "detail": "has no columns; give at least one"}]


def test_npy_of_objects_is_not_unpickled(client):
    sink = io.BytesIO()
    np.save(sink, np.array([object]), allow_pickle=True)
    answer = client.post("/train", data=sink.getvalue(), content_type=table_bodies.NPY)
    assert answer.status_code == 422


def test_a_newline_between_quotes_is_no_row_however_long_the_text(client):
    rows, note = 100_000, "\n7,999,b" * 5
    text = "x,y,note\n" + "".join(f'{i},{2 * i},"{note}"\n' for i in range(rows))
    assert len(text) > 1 << 20
    fit = client.post("/models/quoted/train?x=x&y=y", data=text, content_type="text/csv").json
    assert (fit["n"], fit["w"]["x"]) == (rows, pytest.approx(2))
