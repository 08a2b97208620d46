"""A version's file: it keeps every bit, and damaged files are refused."""

import io
import zipfile

import numpy as np
import pytest
import torch

from service.artifact import torchscript
from service.core.blocks import Batch
from service.core.statistics import gather
from service.errors import CorruptArtifact

GENERATOR = np.random.default_rng(0)


def dumped(d=3, columns=None):
    x, w, b = GENERATOR.normal(size=(20, d)), GENERATOR.normal(size=d), float(GENERATOR.normal())
    statistics = gather([Batch(x, x @ w + b)], d)
    slopes = w.tolist() if columns is None else dict(zip(columns, w.tolist(), strict=True))
    report = {
        "w": slopes,
        "b": b,
        "r2": 1.0,
        "warnings": [],
        "options": {"epochs": 3},
        "trained_at": "2026-11-23T10:09:24.071Z",
    }
    contents = torchscript.Contents(report, {"epochs": None}, statistics)
    origin = x.mean(axis=0)
    coefficients = torchscript.Coefficients(w, b, origin, b + origin @ w)
    return torchscript.dump(coefficients, contents), coefficients, contents


@pytest.mark.parametrize("d", [1, 2, 7, 16, 33, 100])
def test_a_row_has_the_same_bits_alone_in_any_batch_and_in_either_memory_order(d):
    data, *_ = dumped(d)
    module = torchscript.load_artifact(data).module()
    x = GENERATOR.normal(size=(500, d)) * 10 ** GENERATOR.uniform(-5, 5, size=(500, d))
    whole = module(torch.from_numpy(x)).numpy()
    for size in (1, 2, 3, 5, 17, 64):
        parts = [module(torch.from_numpy(x[i : i + size])).numpy() for i in range(0, 500, size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_array_equal(module(torch.from_numpy(np.asfortranarray(x))).numpy(), whole)


def test_a_file_returns_what_was_dumped():
    data, coefficients, contents = dumped()
    module = torchscript.load_artifact(data).module()
    for name, value in coefficients._asdict().items():
        np.testing.assert_array_equal(getattr(module, name).numpy(), value)
        np.testing.assert_array_equal(getattr(torchscript.coefficients(module), name), value)
    found = torchscript.load_artifact(data).contents
    assert found.report == contents.report
    assert found.options == contents.options
    for name in ("triangle", "origin", "lowest", "highest", "n"):
        np.testing.assert_array_equal(getattr(found.statistics, name), getattr(contents.statistics, name))


def test_plain_torch_and_plain_zipfile_read_it():
    data, coefficients, _ = dumped()
    np.testing.assert_array_equal(torch.jit.load(io.BytesIO(data)).w.numpy(), coefficients.w)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None


@pytest.mark.parametrize(("d", "shape"), [(1, (3, 2)), (2, (3, 1)), (2, (3, 3)), (2, (2,)), (2, (1, 3, 2)), (1, (3,))])
def test_plain_torch_refuses_rows_of_another_width(d, shape):
    module = torch.jit.load(io.BytesIO(dumped(d)[0]))
    with pytest.raises(torch.jit.Error, match=rf"x has shape \[{', '.join(map(str, shape))}\]; give .* \[rows, {d}\]"):
        module(torch.zeros(shape, dtype=torch.float64))
    assert module(torch.zeros((3, d), dtype=torch.float64)).shape == (3,)


def test_a_byte_flipped_anywhere_is_refused():
    data, *_ = dumped()
    for index in range(len(data)):
        flipped = bytearray(data)
        flipped[index] ^= 1 << (index % 8)
        with pytest.raises(CorruptArtifact):
            torchscript.load_artifact(bytes(flipped))


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 1000])
def test_a_file_cut_short_is_refused(length):
    data, *_ = dumped()
    with pytest.raises(CorruptArtifact):
        torchscript.load_artifact(data[:length])


def test_a_module_that_differs_from_its_report_is_refused():
    data, coefficients, contents = dumped(2, columns=("a", "b"))
    torchscript.load_artifact(data).module()
    for change in ({"b": np.nextafter(coefficients.b, 10)}, {"c": coefficients.c + 1e-6}, {"origin": coefficients.w}):
        other = torchscript.dump(coefficients._replace(**change), contents)
        with pytest.raises(CorruptArtifact, match="report"):
            torchscript.load_artifact(other).module()


def test_a_later_format_is_refused_with_its_number(monkeypatch):
    current = torchscript.FORMAT
    monkeypatch.setattr(torchscript, "FORMAT", current + 1)
    data, *_ = dumped()
    monkeypatch.setattr(torchscript, "FORMAT", current)
    with pytest.raises(CorruptArtifact, match=f"format {current + 1}"):
        torchscript.load_artifact(data)
