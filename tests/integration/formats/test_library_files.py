"""Files of pandas, polars, DuckDB and pyarrow train and predict, or are refused with the column and the cure."""

import decimal
import io

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import table_bodies
from pyarrow import parquet

ROWS = {"a": [1.0, 2.0, 3.0, 4.0, 5.5], "b": [1.0, 0.0, 2.0, 1.0, 0.5], "y": [1.0, 2.0, 4.0, 4.0, 5.0]}
FLAGS = [True, False, True, True, False]
TEXTS = ["red", "blue", "red", "green", "blue"]
AMOUNTS = [decimal.Decimal(text) for text in ("1.25", "0.50", "3.00", "2.75", "1.00")]
COLUMNS = {
    "flag": FLAGS,
    "amount": AMOUNTS,
    "number": [3.0, 1.0, 3.0, 3.0, 1.0],
    "nothing": [None] * 5,
    "text": TEXTS,
    "category": TEXTS,
}
EXPECTED = {
    "flag": [1, 0, 1, 1, 0],
    "amount": [1.25, 0.5, 3, 2.75, 1],
    "number": [3, 1, 3, 3, 1],
    "nothing": "Values are missing",
    "text": "has text; Descent needs numbers: encode text, for example with pandas' get_dummies",
    "category": "Descent needs numbers: encode text, for example with pandas' get_dummies",
}


def bytes_of(write):
    sink = io.BytesIO()
    write(sink)
    return sink.getvalue()


def pandas_frame(dtypes=None):
    frame = pd.DataFrame(ROWS | COLUMNS)
    return frame.astype({"number": "category", "category": "category"} if dtypes is None else dtypes)


def polars_frame():
    return pl.DataFrame(ROWS | COLUMNS).with_columns(
        pl.col("amount").cast(pl.Decimal(12, 2)), pl.col("category").cast(pl.Categorical)
    )


def arrow_table(encode):
    table = pa.table(ROWS | COLUMNS)
    for name in encode:
        position = table.column_names.index(name)
        table = table.set_column(position, name, table[name].dictionary_encode())
    return table


def duckdb_parquet(folder, options=""):
    table, path = arrow_table([]), folder / "rows.parquet"
    connection = duckdb.connect()
    connection.register("rows", table)
    kinds = "a, b, y, flag, amount::DECIMAL(12, 2) AS amount, number, nothing, text, category"
    connection.execute("CREATE TYPE colour AS ENUM ('red', 'green', 'blue')")
    connection.execute(f"COPY (SELECT {kinds}::colour AS category FROM rows) TO '{path}' (FORMAT parquet{options})")
    return path.read_bytes()


ARROW, FILE, PARQUET = table_bodies.ARROW, table_bodies.ARROW_FILE, table_bodies.PARQUET
WRITERS = {
    "pandas parquet": (PARQUET, lambda _: bytes_of(pandas_frame().to_parquet)),
    "pandas parquet without index": (
        PARQUET,
        lambda _: bytes_of(lambda sink: pandas_frame().to_parquet(sink, index=False)),
    ),
    "pandas parquet with index": (
        PARQUET,
        lambda _: bytes_of(lambda sink: pandas_frame().to_parquet(sink, index=True)),
    ),
    "pandas parquet of nullable types": (
        PARQUET,
        lambda _: bytes_of(pandas_frame({"flag": "boolean", "number": "Int64", "text": "string"}).to_parquet),
    ),
    "pandas feather": (FILE, lambda _: bytes_of(pandas_frame().to_feather)),
    "polars parquet": (PARQUET, lambda _: bytes_of(polars_frame().write_parquet)),
    "polars parquet by pyarrow": (
        PARQUET,
        lambda _: bytes_of(lambda sink: polars_frame().write_parquet(sink, use_pyarrow=True)),
    ),
    "polars file": (FILE, lambda _: bytes_of(polars_frame().write_ipc)),
    "polars file of oldest types": (
        FILE,
        lambda _: bytes_of(lambda sink: polars_frame().write_ipc(sink, compat_level=pl.CompatLevel.oldest())),
    ),
    "polars file with lz4": (FILE, lambda _: bytes_of(lambda sink: polars_frame().write_ipc(sink, compression="lz4"))),
    "polars stream": (ARROW, lambda _: bytes_of(polars_frame().write_ipc_stream)),
    "duckdb": (PARQUET, duckdb_parquet),
    "duckdb with zstd": (PARQUET, lambda folder: duckdb_parquet(folder, ", COMPRESSION zstd, PARQUET_VERSION v2")),
    "pyarrow parquet": (PARQUET, lambda _: bytes_of(lambda sink: parquet.write_table(arrow_table(["number"]), sink))),
    "pyarrow parquet of plain pages": (
        PARQUET,
        lambda _: bytes_of(lambda sink: parquet.write_table(arrow_table([]), sink, use_dictionary=False)),
    ),
    "pyarrow parquet without schema": (
        PARQUET,
        lambda _: bytes_of(lambda sink: parquet.write_table(arrow_table(["category"]), sink, store_schema=False)),
    ),
    "pyarrow stream": (ARROW, lambda _: _stream(pa.ipc.new_stream, arrow_table(["number", "category"]))),
    "pyarrow file": (FILE, lambda _: _stream(pa.ipc.new_file, arrow_table(["number", "category"]))),
    "DuckDB's table as a stream": (
        ARROW,
        lambda _: _stream(pa.ipc.new_stream, pa.table(duckdb.from_arrow(arrow_table([])).to_arrow_table())),
    ),
}


def _stream(new, table):
    def write(sink):
        with new(sink, table.schema) as writer:
            writer.write_table(table)

    return bytes_of(write)


@pytest.fixture(params=WRITERS)
def sent(request, client, tmp_path):
    """Post the file of a library: sent(path)."""
    media_type, write = WRITERS[request.param]
    body = write(tmp_path)
    return lambda path: client.post(path, data=body, content_type=media_type)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_each_type_is_a_feature_or_named_in_the_refusal(client, sent, name):
    answer = sent(f"/models/library/train?x=a,{name}")
    expected = EXPECTED[name]
    if isinstance(expected, str):
        assert answer.status_code == 422
        assert expected in answer.json["detail"]
        assert answer.json["errors"][0]["pointer"].startswith(f"/x/{name}")
        return
    fit = client.post("/models/same/train", json={"x": {"a": ROWS["a"], name: expected}, "y": ROWS["y"]}).json
    assert answer.json["w"] == fit["w"]
    predicted = sent("/models/library/predict")
    assert predicted.status_code == 200
    ignored = set(predicted.json["ignored_columns"]["names"]) - {"__index_level_0__"}
    assert ignored == {*ROWS, *COLUMNS} - {"a", name}


def test_the_other_columns_and_the_index_do_not_matter(client, sent):
    fit = client.post("/models/same/train", json={"x": {"a": ROWS["a"], "b": ROWS["b"]}, "y": ROWS["y"]}).json
    assert sent("/models/library/train?x=a,b").json["w"] == fit["w"]
    assert sent("/models/library/evaluate").json["mse"] == pytest.approx(fit["loss"])
