"""Files of every format with the command line."""

import gzip
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from commands import descent

FRAME = pd.DataFrame({"area": [50.0, 70, 80, 100], "rooms": [2.0, 3, 3, 4], "price": [150.0, 210, 240, 310]})
NEW = FRAME[["area", "rooms"]]


def write_stream(frame, path):
    table = pa.Table.from_pandas(frame, preserve_index=False)
    with pa.ipc.new_stream(path, table.schema) as stream:
        stream.write_table(table)


WRITERS = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "csv.gz": lambda frame, path: path.write_bytes(gzip.compress(frame.to_csv(index=False).encode())),
    "parquet": lambda frame, path: frame.to_parquet(path, index=False),
    "arrow": lambda frame, path: frame.to_feather(path),
    "feather": lambda frame, path: frame.to_feather(path, compression="zstd"),
    "arrows": write_stream,
    "ndjson": lambda frame, path: frame.to_json(path, orient="records", lines=True),
    "npy": lambda frame, path: np.save(path, frame.to_numpy()),
}


def written(frame, folder, name, suffix):
    path = folder / f"{name}.{suffix}"
    WRITERS[suffix](frame, path)
    return path.name


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_file_trains_a_model_and_is_predicted(service, tmp_path, suffix):
    model = f"files-{suffix.replace('.', '-')}"
    y = () if suffix == "npy" else ("--y", "price")
    name = written(FRAME, tmp_path, "houses", suffix)
    trained = descent("train", name, *y, "--model", model, "--json", "--url", service.url, folder=tmp_path)
    assert trained.returncode == 0, trained.stderr
    w = json.loads(trained.stdout)["w"]
    assert list(w.values() if isinstance(w, dict) else w) == pytest.approx([3, 5])
    name = written(NEW, tmp_path, "new", suffix)
    found = descent("predict", name, "--model", model, "--json", "--url", service.url, folder=tmp_path)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["y"] == pytest.approx([147.5, 212.5, 242.5, 307.5])


@pytest.mark.parametrize(
    ("out", "read"),
    [
        ("y.csv", lambda path: pd.read_csv(path)["y"]),
        ("y.parquet", lambda path: pd.read_parquet(path)["y"]),
        ("y.arrow", lambda path: pa.ipc.open_file(path).read_all()["y"].to_numpy()),
        ("y.arrows", lambda path: pa.ipc.open_stream(path.read_bytes()).read_all()["y"].to_numpy()),
        ("y.feather", lambda path: pd.read_feather(path)["y"]),
        ("y.npy", np.load),
    ],
)
def test_predictions_are_written_in_the_format_of_the_suffix(service, tmp_path, out, read):
    train = written(FRAME, tmp_path, "houses", "csv")
    descent("train", train, "--y", "price", "--model", "files-out", "--url", service.url, folder=tmp_path)
    new = written(NEW, tmp_path, "new", "csv")
    found = descent("predict", new, "--model", "files-out", "--out", out, "--url", service.url, folder=tmp_path)
    assert found.returncode == 0, found.stderr
    assert list(read(tmp_path / out)) == pytest.approx([147.5, 212.5, 242.5, 307.5])


def test_options_and_columns_are_sent_with_a_file(service, tmp_path):
    name = written(FRAME.assign(w=[1, 1, 2, 1]), tmp_path, "houses", "csv")
    how = ("--x", "area", "--weight", "w", "--epochs", "7", "--learning-rate", "auto", "--l2", "0.1")
    command = ("train", name, "--y", "price", *how, "--model", "files-options", "--json", "--url", service.url)
    found = descent(*command, folder=tmp_path)
    assert found.returncode == 0, found.stderr
    fit = json.loads(found.stdout)
    assert (fit["columns"], fit["epochs"], fit["options"]["l2"]) == (["area"], 7, 0.1)
