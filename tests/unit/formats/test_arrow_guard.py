"""The lengths in an Arrow message's head."""

import struct

import numpy as np
import pyarrow as pa
import pytest

from service.formats.binary.arrow_guard import read_head


def message(compression=None):
    batch = pa.record_batch({"x": np.zeros(1000), "y": np.zeros(1000)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_batch(batch)
    messages = pa.ipc.MessageReader.open_stream(sink.getvalue())
    messages.read_next_message()  # the schema
    return messages.read_next_message()


def test_a_batch_has_its_rows_and_the_length_of_its_buffers():
    plain = message()
    head = read_head(plain.metadata.to_pybytes())
    assert (head.rows, head.body_length, head.compressed) == (1000, plain.body.size, ())
    assert head.uncompressed_length(memoryview(plain.body)) == 0


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_compressed_buffers_declare_their_uncompressed_length(codec):
    compressed = message(codec)
    head = read_head(compressed.metadata.to_pybytes())
    assert len(head.compressed) == 2
    assert head.uncompressed_length(memoryview(compressed.body)) == 2 * 8000


def test_a_schema_has_no_rows():
    schema = pa.ipc.read_message(pa.schema({"x": pa.float64()}).serialize())
    assert read_head(schema.metadata.to_pybytes()).rows == 0


@pytest.mark.parametrize("end", [0, 3, 10, 50])
def test_a_truncated_head_is_refused(end):
    with pytest.raises((struct.error, IndexError)):
        read_head(message("zstd").metadata.to_pybytes()[:end])
