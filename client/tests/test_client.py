"""The client, against services that answer as they are told to."""

import io
import json
import time
from decimal import Decimal
from email.utils import formatdate

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from descent import Client, File, Problem, Unintelligible, Unreachable, Unsendable
from descent.data import ARROW, NPY, data_of
from descent.encoding import encode

FIT = {"model": "m", "version": 1, "serving": 1, "w": 2.0}


class Service:
    """Gives one answer after the other, the last again and again; and remembers the requests."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []

    def __call__(self, request):
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer

    def client(self, **options):
        return Client("http://service", transport=httpx.MockTransport(self), **options)

    @property
    def last(self):
        return self.requests[-1]


def ok(document):
    return lambda _: httpx.Response(200, json=document)


def problem(status, headers=None, **members):
    document = {"type": "urn:descent:problem:some", "title": "Some", "status": status, "detail": "Do else.", **members}
    media_type = {"Content-Type": "application/problem+json"}
    return lambda _: httpx.Response(status, content=json.dumps(document), headers=media_type | (headers or {}))


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """The seconds that the client would have slept."""
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


# --- retries


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectError("refused"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("closed"),
        httpx.ConnectTimeout("late"),
        problem(503),
        problem(429),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_what_may_pass_is_tried_again_after_waits_that_double(fault, waits):
    service = Service(fault, fault, fault, ok({"model": "m"}))
    assert service.client().model("m") == {"model": "m"}
    assert len(service.requests) == 4
    assert all(0.1 * 2**i <= wait <= 0.2 * 2**i for i, wait in enumerate(waits))


def test_retries_come_to_an_end():
    service = Service(httpx.ConnectError("refused"))
    with pytest.raises(Unreachable, match="http://service does not answer: refused"):
        service.client(retries=2).model("m")
    assert len(service.requests) == 3
    busy = Service(problem(429))
    with pytest.raises(Problem):
        busy.client(retries=0).model("m")
    assert len(busy.requests) == 1


@pytest.mark.parametrize("fault", [httpx.ReadTimeout("late"), httpx.UnsupportedProtocol("gopher"), problem(500)])
def test_what_a_retry_does_not_mend_is_told_at_once(fault, waits):
    service = Service(fault)
    with pytest.raises((Unreachable, Problem)):
        service.client().model("m")
    assert len(service.requests) == 1
    assert not waits


@pytest.mark.parametrize(
    ("asked", "waited"), [("7", 7), (formatdate(1030, usegmt=True), 30), (formatdate(970, usegmt=True), 0.15)]
)
def test_the_wait_that_the_service_asks_for_is_kept(asked, waited, waits, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    service = Service(problem(503, {"Retry-After": asked}), ok({}))
    service.client().model("m")
    assert waits == [pytest.approx(waited, abs=0.06)]


def test_nonsense_in_retry_after_is_no_wait(waits):
    service = Service(problem(503, {"Retry-After": "soon"}), ok({}))
    service.client().model("m")
    assert waits[0] < 1


def test_nobody_waits_for_longer_than_a_minute(waits):
    with pytest.raises(Problem) as raised:
        Service(problem(429, {"Retry-After": "61"})).client().model("m")
    assert raised.value.retry_after == 61
    assert not waits


def test_a_training_keeps_its_key_when_it_is_sent_again():
    service = Service(httpx.ReadError("reset"), problem(503), ok(FIT))
    service.client().train([1, 2], [2, 4], model="m")
    keys = {request.headers["Idempotency-Key"] for request in service.requests}
    assert len(service.requests) == 3
    assert len(keys) == 1
    service.client().train([1, 2], [2, 4], model="m")
    assert service.last.headers["Idempotency-Key"] not in keys
    service.client().train([1, 2], [2, 4], model="m", idempotency_key="mine")
    assert service.last.headers["Idempotency-Key"] == "mine"


def test_a_file_is_sent_anew_from_its_beginning(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(b"x,y\n" + b"1,2\n" * 200_000)
    told = []
    service = Service(problem(503), ok(FIT))
    file = File(path, "text/csv", "gzip", lambda sent, total: told.append((sent, total)))
    assert service.client().train_file(file, model="m", y="y", x=["a", "b, c"], epochs=5, dry_run=True) == FIT
    assert [request.content for request in service.requests] == [path.read_bytes()] * 2
    assert service.last.headers["Content-Length"] == str(path.stat().st_size)
    assert "Transfer-Encoding" not in service.last.headers
    assert (service.last.headers["Content-Type"], service.last.headers["Content-Encoding"]) == ("text/csv", "gzip")
    assert dict(service.last.url.params) == {"y": "y", "x": 'a,"b, c"', "epochs": "5", "dry_run": "true"}
    assert [sent for sent, _ in told].count(0) == 2
    assert told[-1] == (path.stat().st_size, path.stat().st_size)


# --- errors


def test_a_problem_carries_the_fields_of_its_document():
    faults = [{"pointer": "/x/1", "detail": "is null, not a number"}]
    service = Service(problem(422, errors=faults, largest_stable_learning_rate=0.02))
    with pytest.raises(Problem, match=r"Do else\.") as raised:
        service.client().predict([1, None])
    found = raised.value
    assert (found.type, found.title, found.status, found.detail) == (
        "urn:descent:problem:some",
        "Some",
        422,
        "Do else.",
    )
    assert found.errors == faults
    assert found.members == {"largest_stable_learning_rate": 0.02}
    assert found.document() == json.loads(service.answers[0](None).content)


@pytest.mark.parametrize("page", [b"<html>Bad Gateway</html>", b"[]", b"\xff"])
def test_a_proxys_page_becomes_a_problem(page):
    with pytest.raises(Problem) as raised:
        Service(httpx.Response(502, content=page)).client().model("m")
    assert (raised.value.status, raised.value.type, raised.value.title) == (502, "about:blank", "Bad Gateway")
    assert raised.value.errors == []


def test_what_is_no_service_of_ours_is_told():
    page = httpx.Response(200, html="<html>welcome</html>")
    with pytest.raises(Unintelligible, match="answers text/html, not application/json"):
        Service(page).client().model("m")
    with pytest.raises(Unintelligible, match="answers text/html, not text/plain"):
        Service(page).client().release()
    for content in (b"[1]", b"{", b"\xff"):
        answer = httpx.Response(200, content=content, headers={"Content-Type": "application/json"})
        with pytest.raises(Unintelligible, match="answers what is no JSON object"):
            Service(answer).client().model("m")


def test_an_address_that_is_none_is_told():
    with pytest.raises(Unsendable, match=r"is no URL: .*; give one such as http://127\.0\.0\.1:8000"):
        Client("http://service:port")


@pytest.mark.parametrize("url", ["somewhere", "127.0.0.1:8000", "localhost:8000", "ftp://service", "http://", ""])
def test_a_url_needs_its_scheme_and_its_host(url):
    with pytest.raises(Unsendable, match=r"such as http://127\.0\.0\.1:8000"):
        Client(url)


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_never_becomes_another_path(name):
    service = Service(ok({}))
    with pytest.raises(Unsendable, match="cannot name a model"):
        service.client().delete(name)
    assert not service.requests


def test_what_has_a_meaning_in_a_path_is_part_of_a_name():
    service = Service(ok({}))
    service.client().model("a?b#c%2F")
    assert service.last.url.raw_path == b"/models/a%3Fb%23c%252F"


# --- calls


@pytest.mark.parametrize(
    ("call", "method", "path"),
    [
        (lambda client: client.model("m"), "GET", "/models/m"),
        (lambda client: client.version("m", 3), "GET", "/models/m/versions/3"),
        (lambda client: client.history("m", 3), "GET", "/models/m/versions/3/history"),
        (lambda client: client.artifact("m", 3), "GET", "/models/m/versions/3/artifact"),
        (lambda client: client.pin("m", 3), "PUT", "/models/m/serving"),
        (lambda client: client.unpin("m"), "DELETE", "/models/m/serving"),
        (lambda client: client.delete("m"), "DELETE", "/models/m"),
        (lambda client: client.delete("m", 3), "DELETE", "/models/m/versions/3"),
        (lambda client: client.predict(1, model="m"), "POST", "/models/m/predict"),
        (lambda client: client.predict(1, model="m", version=3), "POST", "/models/m/versions/3/predict"),
        (lambda client: client.evaluate([1], [1], model="m"), "POST", "/models/m/evaluate"),
        (lambda client: client.evaluate([1], [1], model="m", version=3), "POST", "/models/m/versions/3/evaluate"),
    ],
)
def test_each_call_is_one_request(call, method, path):
    service = Service(ok({"y": 1.0}))
    call(service.client())
    assert [(request.method, request.url.path) for request in service.requests] == [(method, path)]


def test_a_version_is_the_serving_one_unless_it_is_named():
    service = Service(ok({"serving": 7}), ok({"epoch": [0], "loss": [1.0]}))
    assert service.client().history("m") == {"epoch": [0], "loss": [1.0]}
    assert service.last.url.path == "/models/m/versions/7/history"


def test_a_pin_names_its_version_and_an_empty_answer_is_fine():
    service = Service(ok({"version": 3}), httpx.Response(204))
    client = service.client()
    assert client.pin("m", 3) == {"version": 3}
    assert json.loads(service.last.content) == {"version": 3}
    assert client.unpin("m") == {}


def test_models_come_from_all_pages():
    pages = [{"models": [{"model": "a"}], "next_page_token": "a"}, {"models": [{"model": "b"}]}]
    service = Service(*map(ok, pages))
    assert [each["model"] for each in service.client().models("p")] == ["a", "b"]
    assert dict(service.requests[0].url.params) == {"prefix": "p", "limit": "1000"}
    assert service.last.url.params["page_token"] == "a"


def test_the_release_is_the_bare_text():
    assert Service(httpx.Response(200, text="1.2.3\n")).client().release() == "1.2.3"


def test_a_prediction_tells_all_that_was_asked():
    answer = {"model": "m", "version": 2, "y": [1.0], "lower": [0.0], "upper": [2.0], "contributions": {"x": [0.5]}}
    service = Service(ok(answer))
    found = service.client().prediction([[1]], interval=0.9, explain=True)
    assert (found.model, found.version, found.y, found.lower, found.upper) == ("m", 2, [1.0], [0.0], [2.0])
    assert found.contributions == {"x": [0.5]}
    assert json.loads(service.last.content) == {"x": [[1]], "interval": 0.9, "explain": True}


def test_the_answer_for_a_file_comes_in_pieces(tmp_path):
    (tmp_path / "x.csv").write_text("x\n1\n")
    file = File(tmp_path / "x.csv", "text/csv")
    service = Service(lambda _: httpx.Response(200, content=b"y\n2\n", headers={"Content-Type": "text/csv"}))
    assert b"".join(service.client().predict_file(file, accept="text/csv")) == b"y\n2\n"
    assert service.last.headers["Accept"] == "text/csv"
    with pytest.raises(Unintelligible, match="answers text/csv, not application/json"):
        list(service.client().predict_file(file))


def test_a_file_is_evaluated_as_it_is(tmp_path):
    (tmp_path / "rows.csv").write_text("a,price\n1,2\n")
    service = Service(ok({"mse": 0.5}))
    file = File(tmp_path / "rows.csv", "text/csv")
    assert service.client().evaluate_file(file, model="m", version=3, y="price", x=["a"], missing="drop") == {
        "mse": 0.5
    }
    assert service.last.url.path == "/models/m/versions/3/evaluate"
    assert service.last.content == b"a,price\n1,2\n"
    assert service.last.headers["Content-Type"] == "text/csv"
    assert dict(service.last.url.params) == {"y": "price", "x": "a", "missing": "drop"}
    service.client().evaluate_file(file, model="m")
    assert service.last.url.path == "/models/m/evaluate"


def test_an_answer_that_breaks_off_is_told(tmp_path):
    def broken(_):
        def pieces():
            yield b"y\n"
            raise httpx.ReadError("reset")

        return httpx.Response(200, content=pieces(), headers={"Content-Type": "text/csv"})

    (tmp_path / "x.csv").write_text("x\n1\n")
    with pytest.raises(Unreachable, match="broke off: reset"):
        list(Service(broken).client().predict_file(File(tmp_path / "x.csv", "text/csv"), accept="text/csv"))


# --- kinds of data

X = np.array([[1.0, 4.0], [2.0, 5.0], [3.0, 7.0]])
Y = np.array([1.0, 2.0, 4.0])
WEIGHT = np.array([1.0, 1.0, 2.0])
FRAME = pd.DataFrame(X, columns=["a", "b"], index=[7, 8, 9])
TABLE = pa.table({"a": X[:, 0], "b": X[:, 1]})


def no_binary(request):
    return problem(415)(request) if request.headers["Content-Type"] != "application/json" else ok(FIT)(request)


def sent_table(request):
    assert request.headers["Content-Type"] == ARROW
    return pa.ipc.open_stream(request.content).read_all()


def test_arrays_travel_as_npy_with_y_last():
    service = Service(ok(FIT))
    service.client().train(X, Y.astype(np.float32), model="m", learning_rate=0.5, initial={"w": [0, 1], "b": 0})
    assert service.last.headers["Content-Type"] == NPY
    assert np.array_equal(np.load(io.BytesIO(service.last.content)), np.column_stack([X, Y]))
    assert dict(service.last.url.params) == {"learning_rate": "0.5", "initial": '{"w": [0, 1], "b": 0}'}


def test_arrays_with_weights_travel_as_json_for_npy_names_no_columns():
    service = Service(ok(FIT))
    service.client().train(X[:, 0], Y, sample_weight=WEIGHT)
    expected = {"x": [[1], [2], [3]], "y": [1, 2, 4], "sample_weight": [1, 1, 2]}
    assert json.loads(service.last.content) == expected


def test_lengths_that_differ_are_left_for_the_service_to_refuse():
    service = Service(problem(422))
    with pytest.raises(Problem):
        service.client().train(X, Y[:2])
    assert json.loads(service.last.content)["y"] == [1, 2]


@pytest.mark.parametrize("x", [FRAME, TABLE, TABLE.to_batches()[0]], ids=["pandas", "arrow", "batch"])
def test_tables_travel_as_arrow_with_y_and_weights_beside_x(x):
    service = Service(ok(FIT))
    service.client().train(x, Y, sample_weight=WEIGHT, epochs=3)
    assert sent_table(service.last).to_pydict() == {"a": [1, 2, 3], "b": [4, 5, 7], "y": [1, 2, 4], "weight": [1, 1, 2]}
    assert dict(service.last.url.params) == {"y": "y", "weight": "weight", "epochs": "3"}


@pytest.mark.parametrize("x", [FRAME, TABLE], ids=["pandas", "arrow"])
def test_y_and_weights_may_be_columns_of_x(x):
    service = Service(ok(FIT))
    service.client().train(x, y="b", sample_weight="a")
    assert sent_table(service.last).column_names == ["a", "b"]
    assert dict(service.last.url.params) == {"y": "b", "weight": "a"}
    with pytest.raises(Unsendable, match="'c' is no column of x; its columns are a, b"):
        service.client().train(x, y="c")


def test_a_column_of_x_that_is_called_y_stays_one():
    service = Service(ok(FIT))
    service.client().train(FRAME.rename(columns={"a": "y"}), Y)
    assert sent_table(service.last).column_names == ["y", "b", "_y"]
    assert service.last.url.params["y"] == "_y"


def test_what_the_service_refuses_once_is_sent_as_json_from_then_on():
    service = Service(no_binary)
    client = service.client()
    client.train(FRAME, y="b", epochs=3)
    client.train(TABLE, Y, sample_weight=WEIGHT)
    client.train(X, Y)
    client.train(X, Y)
    kinds = [request.headers["Content-Type"] for request in service.requests]
    assert kinds == [ARROW, *["application/json"] * 2, NPY, *["application/json"] * 2]
    sent = [json.loads(request.content) for request in service.requests if request.content.startswith(b"{")]
    assert sent[0] == {"x": {"a": [1, 2, 3]}, "y": [4, 5, 7], "epochs": 3}
    assert sent[1] == {"x": {"a": [1, 2, 3], "b": [4, 5, 7]}, "y": [1, 2, 4], "sample_weight": [1, 1, 2]}
    assert sent[2] == sent[3] == {"x": X.tolist(), "y": [1, 2, 4]}


def test_other_refusals_of_a_binary_body_stand():
    service = Service(problem(422))
    with pytest.raises(Problem):
        service.client().train(X, Y)
    assert len(service.requests) == 1


def in_npy(_):
    content = io.BytesIO()
    np.save(content, Y)
    return httpx.Response(200, content=content.getvalue(), headers={"Content-Type": NPY})


def in_arrow(_):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, pa.schema([("y", pa.float64())])) as stream:
        for value in Y:  # in several batches
            stream.write_table(pa.table({"y": [value]}))
    return httpx.Response(200, content=sink.getvalue().to_pybytes(), headers={"Content-Type": ARROW})


in_json = ok({"model": "m", "version": 1, "y": Y.tolist()})


@pytest.mark.parametrize("answer", [in_npy, in_json], ids=["npy", "json"])
@pytest.mark.parametrize("x", [X, X[:, 0], X.astype(np.int32), X.T.copy().T])
def test_arrays_give_an_array(x, answer):
    service = Service(answer)
    found = service.client().predict(x)
    assert service.last.headers["Accept"].startswith(NPY)
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float64
    assert np.array_equal(found, Y)
    assert np.load(io.BytesIO(service.last.content)).ndim == 2


@pytest.mark.parametrize("answer", [in_arrow, in_json], ids=["arrow", "json"])
@pytest.mark.parametrize("x", [FRAME, FRAME["a"], FRAME["a"].rename(None)], ids=["frame", "series", "nameless"])
def test_frames_and_series_give_a_series_with_their_index(x, answer):
    service = Service(answer)
    pd.testing.assert_series_equal(service.client().predict(x), pd.Series(Y, index=FRAME.index, name="y"))
    assert sent_table(service.last).column_names[0] == ("x" if isinstance(x, pd.Series) and x.name is None else "a")


@pytest.mark.parametrize("answer", [in_arrow, in_json], ids=["arrow", "json"])
def test_tables_give_an_arrow_array(answer):
    found = Service(answer).client().predict(TABLE)
    assert isinstance(found, pa.Array)
    assert found.equals(pa.array(Y))


def test_bounds_come_in_the_kind_of_x():
    service = Service(ok({"y": [1.0, 2.0, 4.0], "lower": [0.0, 1.0, 3.0], "upper": [2.0, 3.0, 5.0]}))
    found = service.client().prediction(FRAME, interval=0.5)
    assert service.last.headers["Accept"] == "application/json"
    assert service.last.url.params["interval"] == "0.5"
    assert list(found.upper.index) == [7, 8, 9]


@pytest.mark.parametrize("x", [3, [1, 2], {"a": 1}, {"a": np.array([1.5, 2.5])}, [np.float64(1), np.int64(2)]])
def test_what_json_has_travels_as_json(x):
    service = Service(ok({"y": 6.0}))
    assert service.client().predict(x) == 6.0
    expected = json.loads(json.dumps(x, default=lambda value: value.tolist()))
    assert json.loads(service.last.content) == {"x": expected}
    assert service.last.headers["Accept"] == "application/json"


@pytest.mark.parametrize("x", [[[1.0], [np.nan]], np.array([[1.0], [np.nan]]), [[np.float32(1)], [None]]])
def test_what_is_missing_travels_as_null(x):
    service = Service(ok(FIT))
    service.client().train(x, [float("nan"), 2], sample_weight=np.array([1.0, np.nan]), missing="drop")
    sent = {"x": [[1], [None]], "y": [None, 2], "sample_weight": [1, None], "missing": "drop"}
    assert json.loads(service.last.content) == sent


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda client: client.train([[1, 2], [3, -np.inf]], [1, 2]), "^/x/1/1 is -inf, which JSON cannot hold"),
        (lambda client: client.train(X, Y, sample_weight=[1, 2, np.inf]), "^/sample_weight/2 is inf"),
        (lambda client: client.train([1, 2], [1, 2], l2=np.nan), "^/l2 is nan, which JSON cannot hold"),
        (lambda client: client.train(X, Y, l2=np.inf), "^/l2 is inf"),
    ],
)
def test_numbers_that_no_json_has_are_told_with_their_place(call, told):
    service = Service(ok(FIT))
    with pytest.raises(Unsendable, match=told):
        call(service.client())
    assert not service.requests


@pytest.mark.parametrize(
    ("x", "told"),
    [
        ({1, 2}, "^/x is of the type set, which JSON does not have; give numbers"),
        ([1, Decimal("1.5")], "^/x/1 is of the type Decimal"),
        ({("a", 1): [1]}, r"^/x has the name \('a', 1\); give names that are texts"),
    ],
)
def test_what_no_json_has_is_told(x, told):
    service = Service(ok({}))
    with pytest.raises(Unsendable, match=told):
        service.client().predict(x)
    assert not service.requests


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda client: client.predict(np.array(["a"])), "^x is an array of <U1; give one of real numbers"),
        (lambda client: client.predict(np.zeros((2, 2, 2))), "^x has 3 dimensions; give rows"),
        (lambda client: client.train(X, ["a", "b", "c"]), "^y is an array of <U1; give one of real numbers"),
        (lambda client: client.train(X, [1, [2], 3]), "^y is no array of numbers"),
        (lambda client: client.train(FRAME, [1, 2]), "^y has 2 values, but x has 3 rows; give one for each"),
        (lambda client: client.train(TABLE, Y, sample_weight=[1]), "^sample_weight has 1 values, but x has 3 rows"),
        (lambda client: client.train(FRAME, y=5), "^y is no list of numbers: 'int' object is not iterable"),
        (lambda client: client.evaluate(TABLE, [1, "a", 2]), "^y is no list of numbers"),
        (lambda client: client.predict(pd.DataFrame({"a": [1, "b"]})), "^x cannot be made into columns of numbers"),
        (lambda client: client.predict(pd.DataFrame([[1, 2]], columns=["1", 1])), "^x has more than one column '1'"),
        (lambda client: client.predict(pa.table([[1], [2]], names=["a", "a"])), "^x has more than one column 'a'"),
    ],
)
def test_rows_that_cannot_be_sent_are_told(call, told):
    service = Service(ok({}))
    with pytest.raises(Unsendable, match=told):
        call(service.client())
    assert not service.requests


def test_predictions_for_a_frame_leave_out_the_rows_that_were_dropped():
    frame = pd.DataFrame({"a": [1, np.nan, 3, 4], "b": pd.array([1, 2, None, 4], dtype="Int64")}, index=list("pqrs"))
    service = Service(ok({"y": [1.0, 4.0], "lower": [0.0, 3.0], "upper": [2.0, 5.0], "dropped": 2}))
    found = service.client().prediction(frame, missing="drop", interval=0.9)
    pd.testing.assert_series_equal(found.y, pd.Series([1.0, 4.0], index=["p", "s"], name="y"))
    assert list(found.upper.index) == ["p", "s"]
    with pytest.raises(Unintelligible, match="answers 3 values for 2 rows"):
        Service(ok({"y": [1, 2, 3]})).client().prediction(frame, missing="drop")


def test_a_client_closes_its_connections():
    with Service(ok({})).client() as client:
        pass
    with pytest.raises(RuntimeError):
        client.model("m")


def test_a_number_that_is_too_long_for_json_is_told():
    with pytest.raises(Unsendable, match="cannot be written as JSON"):
        encode({"x": [1, 10**5000]})


def test_a_list_within_itself_is_told():
    x = [1.0]
    x.append(x)
    with pytest.raises(Unsendable, match="cannot be written as JSON"):
        encode({"x": x})


def test_numbers_of_numpy_that_stay_theirs_are_floats():
    assert json.loads(encode({"x": np.longdouble(3), "y": np.ones(2, np.longdouble)})) == {"x": 3, "y": [1, 1]}


def test_names_that_are_no_texts_are_json_s_with_missing_values_too():
    assert json.loads(encode({"x": {None: [1.0, float("nan")], 2: [3.0]}})) == {"x": {"null": [1, None], "2": [3]}}


@pytest.mark.parametrize(
    "x",
    [np.array([[True]]), np.array([[1 + 5j]]), np.array([["1"]]), np.array(["2026-01-01"], dtype="datetime64[D]")],
)
def test_arrays_that_are_not_of_real_numbers_are_refused(x):
    with pytest.raises(Unsendable, match="is an array of"):
        data_of(x).binary()


def test_masked_numbers_are_missing_values():
    masked = np.ma.array([[1, 999]], mask=[[False, True]])
    sent = np.load(io.BytesIO(data_of(masked).binary().content))
    assert np.array_equal(sent, [[1, np.nan]], equal_nan=True)


def test_long_tables_are_sent_in_batches_that_the_service_takes():
    table = pa.table({"a": np.zeros(5_000_000), "b": np.ones(5_000_000)})
    stream = pa.ipc.open_stream(data_of(table).binary().content)
    sizes = [batch.nbytes for batch in stream]
    assert sum(sizes) == table.nbytes
    assert max(sizes) <= 16 << 20


@pytest.mark.parametrize("key", ["", "k\u00e9y", "a\nb"])
def test_a_key_that_no_header_holds_is_told(key):
    with pytest.raises(Unsendable, match="cannot be an idempotency key"):
        Service(ok({})).client().train([1, 2], [1, 2], idempotency_key=key)


def test_a_model_in_a_folder_is_told():
    with pytest.raises(Unsendable, match="cannot name a model"):
        Service(ok({})).client().predict(1, model="a/b")
