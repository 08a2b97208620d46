"""Arrays in numpy's format, read in batches."""

import io

import numpy as np
import pytest

from service.errors import BodyTooLarge, InvalidRequest, MalformedBody
from service.formats.binary import npy
from service.formats.table import Limits

LIMITS = Limits(max_buffered_bytes=1 << 20, max_decompression_ratio=1)


def saved(array, **options):
    sink = io.BytesIO()
    np.save(sink, array, **options)
    return sink.getvalue()


def read(data, positions):
    return np.vstack(list(npy.read(io.BytesIO(data), LIMITS).batches(positions)))


@pytest.mark.parametrize("order", ["C", "F"])
def test_columns_are_read_in_batches(monkeypatch, order):
    monkeypatch.setattr(npy, "BATCH_BYTES", 100)
    array = np.arange(60.0).reshape(20, 3)
    np.testing.assert_array_equal(read(saved(np.asarray(array, order=order)), [2, 0]), array[:, [2, 0]])


def test_version_2_of_the_format_is_read():
    sink = io.BytesIO()
    np.lib.format.write_array(sink, np.arange(4.0), version=(2, 0))
    np.testing.assert_array_equal(read(sink.getvalue(), [0]), np.arange(4.0)[:, None])


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"x,y\n1,2\n", MalformedBody, "not a .npy file"),
        (b"\x93NUMPY\x00\x00" + saved(np.arange(4.0))[8:], MalformedBody, "not a .npy file"),
        (saved(np.arange(4.0))[:-1], MalformedBody, "ends after 3 of the 4 rows"),
        (saved(np.array(["a"])), InvalidRequest, "dtype <U1"),
        (saved(np.array([1j])), InvalidRequest, "dtype complex128"),
        (saved(np.zeros((2, 2, 2))), InvalidRequest, r"shape \(2, 2, 2\)"),
        (saved(np.zeros((0, 2))), InvalidRequest, r"shape \(0, 2\)"),
        (saved(np.zeros((1 << 17, 2), order="F")), BodyTooLarge, "order='C'"),
    ],
)
def test_an_array_that_cannot_be_used_is_refused(data, error, message):
    with pytest.raises(error, match=message):
        read(data, [0])


@pytest.mark.parametrize("width", [1, 3])
def test_written_columns_are_read_by_numpy(width):
    batches = [{str(i): np.arange(4.0) + start + i for i in range(width)} for start in (0, 4)]
    array = np.load(io.BytesIO(b"".join(npy.write(iter(batches)))))
    expected = np.arange(8.0)[:, None] + np.arange(width)
    np.testing.assert_array_equal(array, expected[:, 0] if width == 1 else expected)
