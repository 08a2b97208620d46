"""Tables and streams go with all that trainings and predictions can do: appends, keys, intervals, contributions."""

import gzip
import json
import math

import numpy as np
import pytest
import table_bodies

X = {"a": [1.0, 2.0, 3.0, 4.0, 5.5, 7.0], "b": [1.0, 0.0, 2.0, 1.0, 0.5, 3.0]}
Y = [1.0, 2.0, 4.0, 4.5, 5.0, 9.0]
PLANE = {**X, "y": Y}


def part(rows):
    return {name: column[rows] for name, column in PLANE.items()}


def post(client, path, media_type, columns, **headers):
    return client.post(path, data=table_bodies.ALL[media_type](columns), content_type=media_type, headers=headers)


def counted(client, name, model):
    lines = client.get("/metrics").text.splitlines()
    found = [float(line.split()[-1]) for line in lines if line.startswith(f'{name}{{model="{model}"}}')]
    return found[0] if found else 0


@pytest.mark.parametrize("media_type", table_bodies.TABLES)
def test_an_append_of_any_table_is_a_training_on_all_rows(client, media_type):
    whole = post(client, "/models/whole/train", media_type, PLANE).json
    assert post(client, "/models/a/train", media_type, part(slice(0, 4))).status_code == 201
    appended = post(client, "/models/a/train?append=true", media_type, part(slice(4, 6))).json
    assert (appended["version"], appended["n"]) == (2, 6)
    w, expected = (
        np.array(list(each["w"].values() if isinstance(each["w"], dict) else each["w"])) for each in (appended, whole)
    )
    np.testing.assert_allclose(w, expected, rtol=1e-12)


def test_an_append_may_have_its_columns_in_another_order(client):
    whole = post(client, "/models/whole/train", table_bodies.CSV, PLANE).json
    post(client, "/models/a/train", table_bodies.CSV, part(slice(0, 4)))
    rest = part(slice(4, 6))
    turned = {name: rest[name] for name in ("y", "b", "a")}
    appended = post(client, "/models/a/train?append=true&decay=1", table_bodies.ARROW, turned).json
    assert appended["w"] == pytest.approx(whole["w"], rel=1e-12)
    assert appended["optimum"]["r2"] == pytest.approx(whole["optimum"]["r2"], rel=1e-12)
    assert appended["optimum"]["aic"] == pytest.approx(whole["optimum"]["aic"], rel=1e-9)
    wrong = post(client, "/models/a/train?append=true", table_bodies.CSV, {"a": [1.0], "c": [2.0], "y": [3.0]})
    assert (wrong.status_code, wrong.json["errors"][0]["pointer"]) == (422, "/x")


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_key_trains_once_whatever_the_body_is(client, encoding):
    def train(columns):
        body = table_bodies.as_csv(columns)
        body = gzip.compress(body, mtime=0) if encoding == "gzip" else body
        headers = {"Idempotency-Key": "one", "Content-Encoding": encoding}
        return client.post("/models/a/train", data=body, content_type=table_bodies.CSV, headers=headers)

    first, again, other = train(PLANE), train(PLANE), train(part(slice(0, 4)))
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert (again.json["version"], again.headers["Idempotency-Replayed"]) == (1, "true")
    assert other.json["type"] == "urn:descent:problem:idempotency-key-reused"


def test_a_table_is_tried_out(client):
    answer = post(client, "/models/a/train?dry_run=true&missing=drop", table_bodies.CSV, PLANE)
    assert (answer.status_code, answer.json["version"], answer.json["dropped"]) == (200, None, 0)
    assert client.get("/models/a").status_code == 404


@pytest.mark.parametrize("media_type", table_bodies.TABLES)
def test_intervals_and_contributions_of_a_table_are_those_of_json(client, media_type):
    post(client, "/models/a/train", media_type, PLANE)
    named = media_type != table_bodies.NPY
    x = X if named else np.column_stack(list(X.values())).tolist()
    expected = client.post("/models/a/predict", json={"x": x, "interval": 0.9, "explain": True}).json
    assert post(client, "/models/a/predict?interval=0.9&explain=true", media_type, X).json == expected
    contributions = expected["contributions"]
    if not named:
        contributions = dict(zip(("x0", "x1"), map(list, zip(*contributions, strict=True)), strict=True))
    as_table = post(client, "/models/a/predict?interval=0.9&explain=true", media_type, X, Accept=table_bodies.NDJSON)
    assert table_bodies.read(table_bodies.NDJSON, as_table.data) == {
        **{name: expected[name] for name in ("y", "lower", "upper")},
        **{f"contributions.{name}": values for name, values in contributions.items()},
    }
    from_json = client.post(
        "/models/a/predict", json={"x": x, "interval": 0.9, "explain": True}, headers={"Accept": table_bodies.NDJSON}
    )
    assert from_json.data == as_table.data


ROWS = [list(row) for row in zip(*X.values(), strict=True)]
NAMED = {"x0": X["a"], "x1": X["b"]}
RECORDS = [dict(zip(NAMED, row, strict=True)) for row in ROWS]
FLAT, THIN, LONE = X["a"], [[a] for a in X["a"]], {"x": X["a"]}


def form(values):
    return {name: len(column) for name, column in values.items()} if isinstance(values, dict) else np.shape(values)


@pytest.mark.parametrize(
    ("trained_on", "others", "table"),
    [
        (ROWS, [NAMED, RECORDS], NAMED),
        (NAMED, [ROWS, RECORDS], NAMED),
        (FLAT, [THIN, LONE], LONE),
        (THIN, [FLAT, LONE], LONE),
        (LONE, [FLAT, THIN], LONE),
    ],
    ids=["rows", "columns", "flat", "thin", "lone"],
)
def test_contributions_have_the_form_of_the_model_whatever_the_rows_come_as(client, trained_on, others, table):
    client.post("/models/a/train", json={"x": trained_on, "y": Y})
    asked = [{"x": x, "explain": True} for x in (trained_on, *others)]
    answers = [client.post("/models/a/predict", json=body) for body in asked]
    answers += [post(client, "/models/a/predict?explain=true", media_type, table) for media_type in table_bodies.TABLES]
    contributions = [answer.json["contributions"] for answer in answers]
    assert all(each == contributions[0] for each in contributions)
    assert form(contributions[0]) == form(trained_on)


@pytest.mark.parametrize("kept", [[4, 5], []], ids=["some", "none"])
@pytest.mark.parametrize("accept", [table_bodies.JSON, table_bodies.CSV, table_bodies.NDJSON])
def test_batches_of_which_every_row_is_dropped_leave_no_trace(client, accept, kept):
    post(client, "/models/a/train", table_bodies.CSV, PLANE)
    x = {name: [value if i in kept else math.nan for i, value in enumerate(values)] for name, values in X.items()}
    query = "/models/a/predict?missing=drop&explain=true"
    expected = post(client, query, table_bodies.CSV, x, Accept=accept)  # in one batch
    answer = post(client, query, table_bodies.ARROW, x, Accept=accept)  # in two
    assert answer.status_code == 200
    assert answer.data == expected.data
    if accept == table_bodies.JSON:
        assert len(json.loads(answer.data)["y"]) == len(kept)


def test_an_interval_that_cannot_be_given_is_refused_before_the_table_is_read(client):
    post(client, "/models/a/train?epochs=1", table_bodies.CSV, PLANE)
    answer = post(client, "/models/a/predict?interval=0.9", table_bodies.CSV, X)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/interval")


@pytest.mark.parametrize("media_type", table_bodies.ALL)
def test_every_media_type_evaluates_alike(client, media_type):
    post(client, "/models/a/train", table_bodies.CSV, PLANE)
    y = [value + 0.5 for value in Y]
    expected = client.post("/models/a/evaluate", json={"x": X, "y": y}).json
    answer = post(client, "/models/a/evaluate", media_type, {**X, "y": y}).json
    assert answer.pop("model") == expected.pop("model")
    assert answer == pytest.approx(expected, rel=1e-12)
    assert expected["bias"] == pytest.approx(
        np.mean(client.post("/models/a/predict", json={"x": X}).json["y"]) - np.mean(y)
    )


def test_an_evaluation_in_batches_is_that_of_the_whole(client):
    generator = np.random.default_rng(1)
    x = generator.normal(size=300_000)
    y = 1.7e9 + 3 * x + generator.normal(size=len(x))
    weight = np.where(np.arange(len(x)) < 250_000, 0, generator.uniform(1, 2, len(x)))
    client.post("/models/a/train", json={"x": x[:100].tolist(), "y": y[:100].tolist()})
    body = table_bodies.as_arrow({"x": x, "y": y, "w": weight}, rows_per_batch=70_000)
    found = client.post("/models/a/evaluate?weight=w", data=body, content_type=table_bodies.ARROW).json
    fit = client.get("/models/a/versions/1").json
    error = fit["w"] * x + fit["b"] - y
    mse = np.average(error**2, weights=weight)
    deviation = y - np.average(y, weights=weight)
    assert found["n"] == 50_000
    assert found["mse"] == pytest.approx(mse, rel=1e-6)
    assert found["mae"] == pytest.approx(np.average(np.abs(error), weights=weight), rel=1e-6)
    assert found["r2"] == pytest.approx(1 - mse / np.average(deviation**2, weights=weight), rel=1e-6)


def test_rows_outside_the_training_data_are_counted_of_tables_too(client):
    post(client, "/models/a/train", table_bodies.CSV, PLANE)
    outside = {"a": [1.0, 99.0, -99.0], "b": [1.0, 1.0, 1.0]}
    short = post(client, "/models/a/predict", table_bodies.CSV, outside, Accept=table_bodies.ARROW)
    assert (short.headers["Descent-Model"], short.headers["Descent-Version"]) == ("a", "1")
    assert short.headers["Descent-Extrapolated"] == "2"
    rows = 100_000
    long = post(client, "/models/a/predict", table_bodies.NPY, {"a": np.full(rows, 99.0), "b": np.ones(rows)})
    assert len(long.json["y"]) == rows
    assert "Descent-Extrapolated" not in long.headers
    assert counted(client, "descent_out_of_range_rows_total", "a") == rows + 2
    assert counted(client, "descent_predicted_rows_total", "a") == rows + 3


def test_other_protocols_count_rows_outside_the_training_data(client):
    client.post("/models/default/train", json={"x": [1, 2, 3], "y": [2, 4, 6]})
    tensor = {"name": "INPUT__0", "datatype": "FP64", "shape": [2, 1], "data": [2, 50]}
    inferred = client.post("/v2/models/default/infer", json={"inputs": [tensor]})
    scored = client.post("/invocations", json={"instances": [50.0]})
    assert inferred.headers["Descent-Extrapolated"] == scored.headers["Descent-Extrapolated"] == "1"
    assert counted(client, "descent_out_of_range_rows_total", "default") == 2


def test_what_is_not_read_here_is_told_before_the_query_is_looked_at(client):
    for path in ("/train?nonsense=1&nonsense=2", "/models/a/predict?epochs=1", "/models:train?x=1"):
        answer = client.post(path, data=b"x", content_type="application/x-unheard-of")
        assert answer.status_code == 415
    encoded = client.post(
        "/train?nonsense=1", data=b"x", content_type=table_bodies.CSV, headers={"Content-Encoding": "br"}
    )
    assert encoded.status_code == 415
    assert client.post("/models:train", data=b"x,y\n", content_type=table_bodies.CSV).status_code == 415


def test_a_long_json_list_is_read_for_all_calls(client):
    x = np.arange(5000.0).tolist()
    assert client.post("/train", json={"x": x, "y": x}).json["n"] == 5000
    assert len(client.post("/predict", json={"x": x}).json["y"]) == 5000
    columns = {"sensor": [1] * 2500 + [2] * 2500, "t": x}
    answer = client.post("/models:train", json={"x": columns, "y": x, "group": "sensor"})
    assert [each["model"] for each in answer.json["results"]] == ["1", "2"], json.dumps(answer.json)[:200]
