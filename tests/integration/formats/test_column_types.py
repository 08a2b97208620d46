"""Columns of every type: numbers in other types, types that are not numbers, and columns that are not selected."""

import datetime as dt
import decimal
import json

import pyarrow as pa
import pytest
import table_bodies
from hypothesis import given, settings
from hypothesis import strategies as st

D = decimal.Decimal
X, Y = [1.0, 0.0, 1.0, 1.0, 0.0], [3.5, 1.25, 3.0, 2.75, 1.0]
DAY = dt.date(2026, 1, 1)


NUMBERS = {
    "boolean": pa.array([True, False, True, True, False]),
    "boolean extension": pa.array([1, 0, 1, 1, 0], pa.int8()).cast(pa.bool8()),
    "uint64": pa.array(X).cast(pa.uint64()),
    "half": pa.array(X).cast(pa.float16()),
    "decimal32": pa.array([D("1.0"), D(0), D(1), D(1), D(0)], pa.decimal32(5, 1)),
    "decimal64": pa.array([D("1.0"), D(0), D(1), D(1), D(0)], pa.decimal64(12, 1)),
    "decimal128": pa.array([D("1.0"), D(0), D(1), D(1), D(0)], pa.decimal128(30, 4)),
    "decimal256": pa.array([D("1.0"), D(0), D(1), D(1), D(0)], pa.decimal256(60, 4)),
    "dictionary of numbers": pa.array(X).dictionary_encode(),
    "dictionary of booleans": pa.array([True, False, True, True, False]).dictionary_encode(),
}
TEXT, CATEGORY = pa.array(list("abcab")), pa.array(list("abcab")).dictionary_encode()
OTHERS = {
    "text": (TEXT, "has text; Descent needs numbers: encode text, for example with pandas' get_dummies"),
    "large text": (TEXT.cast(pa.large_string()), "has text"),
    "text view": (TEXT.cast(pa.string_view()), "has text"),
    "categories": (CATEGORY, "has categories; Descent needs numbers"),
    "date": (pa.array([DAY] * 5), "has the type date32[day]; convert it to a number, such as days since a date"),
    "timestamp": (pa.array([DAY] * 5).cast(pa.timestamp("us", "UTC")), "convert it to a number"),
    "duration": (pa.array([dt.timedelta(1)] * 5), "convert it to a number"),
    "list": (pa.array([[1, 2]] * 5), "give each of their members a column of its own"),
    "struct": (pa.array([{"p": 1.0, "q": 2.0}] * 5), "nested values"),
    "bytes": (pa.array([b"1"] * 5), "has the type binary; convert it to numbers"),
}


def train(client, media_type, columns, query="", **headers):
    return table_bodies.send(client, media_type, columns, "/models/types/train", query, **headers)


@pytest.mark.parametrize("media_type", table_bodies.COLUMNAR)
@pytest.mark.parametrize("column", NUMBERS.values(), ids=NUMBERS)
def test_numbers_of_any_type_are_features_targets_and_weights(client, media_type, column):
    if media_type == table_bodies.PARQUET and column.type == pa.bool8():
        pytest.skip("pyarrow does not write it")
    expected = client.post("/models/types/train", json={"x": {"x": X}, "y": Y}).json
    answer = train(client, media_type, {"x": column, "y": Y})
    assert (answer.json["w"], answer.json["b"]) == (expected["w"], expected["b"])
    answer = train(client, media_type, {"x": Y, "y": column, "n": column}, "?weight=n&x=x")
    assert answer.json["n"] == 3
    predicted = table_bodies.send(client, media_type, {"x": column}, "/models/types/predict")
    assert predicted.status_code == 200


@pytest.mark.parametrize("media_type", table_bodies.COLUMNAR)
@pytest.mark.parametrize(("column", "message"), OTHERS.values(), ids=OTHERS)
def test_other_types_are_refused_in_x_y_and_weight_and_ignored_elsewhere(client, media_type, column, message):
    columns = {"odd": column, "x": X, "y": Y}
    for query, pointer in {"": "/x/odd", "?y=odd&x=x": "/y", "?weight=odd&x=x": "/sample_weight"}.items():
        answer = train(client, media_type, columns, query)
        assert answer.status_code == 422
        assert answer.json["errors"][0]["pointer"] == pointer
        assert 'column "odd" has ' in answer.json["detail"]
        assert message in answer.json["detail"]
    assert train(client, media_type, columns, "?x=x").json["columns"] == ["x"]
    for call in ("predict", "evaluate"):
        answer = table_bodies.send(client, media_type, columns, f"/models/types/{call}")
        assert answer.json["ignored_columns"]["names"][0] == "odd"


def test_booleans_are_zeros_and_ones_in_every_format(client):
    flags, expected = [True, False, True, True, False], None
    bodies = {
        table_bodies.JSON: json.dumps({"x": {"x": flags}, "y": Y}),
        table_bodies.NDJSON: "\n".join(json.dumps({"x": x, "y": y}) for x, y in zip(flags, Y, strict=True)),
        table_bodies.CSV: "x,y\n" + "".join(f"{x},{y}\n" for x, y in zip(flags, Y, strict=True)),
        **{name: write({"x": flags, "y": Y}) for name, write in table_bodies.COLUMNAR.items()},
    }
    for media_type, body in bodies.items():
        fit = client.post("/models/flags/train", data=body, content_type=media_type).json
        expected = expected or fit
        assert (fit["w"], fit["b"], fit["columns"]) == (expected["w"], expected["b"], ["x"])
    for x in ({"x": True}, [{"x": True}], {"x": [True, 1]}):
        answer = client.post("/models/flags/predict", json={"x": x})
        y = answer.json["y"]
        assert (y if isinstance(y, list) else [y])[0] == pytest.approx(expected["w"]["x"] + expected["b"])


ODD = {
    "text": (["a", "b", "a"], pa.array(["a", "b", "a"])),
    "boolean": ([True, False, True], pa.array([True, False, True])),
    "empty": ([None] * 3, pa.nulls(3)),
    "decimal": ([1.5, 2.25, 0.5], pa.array([D("1.5"), D("2.25"), D("0.5")])),
    "number": ([1.0, 2.0, 4.0], pa.array([1.0, 2.0, 4.0])),
}


@settings(max_examples=60, deadline=None)
@given(odd=st.sampled_from(sorted(ODD)), chosen=st.booleans(), role=st.sampled_from(["x", "y"]))
def test_formats_give_the_same_verdict_and_pointer(client, odd, chosen, role):
    values, column = ODD[odd]
    rows = {"a": [1.0, 2.0, 4.0], "odd": values, "y": [1.0, 3.0, 2.0]}
    query = f"?y={'odd' if role == 'y' else 'y'}&x=a" + (",odd" if chosen and role == "x" else "")
    cells = [["" if value is None else value for value in row] for row in zip(*rows.values(), strict=True)]
    bodies = {
        table_bodies.CSV: "a,odd,y\n" + "".join(",".join(map(str, row)) + "\n" for row in cells),
        table_bodies.NDJSON: "\n".join(
            json.dumps(dict(zip(rows, row, strict=True))) for row in zip(*rows.values(), strict=True)
        ),
        **{name: write(rows | {"odd": column}) for name, write in table_bodies.COLUMNAR.items()},
    }
    verdicts = set()
    for media_type, body in bodies.items():
        answer = client.post(f"/models/verdict/train{query}", data=body, content_type=media_type)
        pointer = answer.json["errors"][0]["pointer"] if answer.status_code == 422 else str(answer.json["w"])
        # A table with types names the column, and text formats its first cell.
        verdicts.add((answer.status_code, pointer.removesuffix("/0")))
    assert len(verdicts) == 1, verdicts
