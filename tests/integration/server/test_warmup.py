"""The warm-up before the fork."""

import contextlib
import tempfile
from pathlib import Path

import pytest

from service.formats.json import codec
from service.server import warmup


def test_the_warm_up_leaves_neither_files_nor_log_lines(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with caplog.at_level("INFO"):
        warmup.warm_up()
    assert list(tmp_path.iterdir()) == []
    assert not [link for link in open_files() if "descent-warm-up" in link]
    assert "descent-warm-up" not in Path("/proc/self/maps").read_text()
    assert caplog.records == []


def open_files():
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            yield str(path.readlink())


def test_a_service_that_cannot_answer_does_not_start(monkeypatch):
    monkeypatch.setattr(codec, "decode", lambda body: None)
    with pytest.raises(RuntimeError, match="the warm-up request /train failed with 4"):
        warmup.warm_up()
