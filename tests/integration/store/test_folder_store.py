"""The folder store: versions become visible whole and once, and unfinished publications are swept."""

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from service.errors import InvalidRequest, ModelNotFound, StoreUnavailable, VersionNotFound
from service.store import Store, durable_files

ROOT = Path(__file__).parents[3]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def test_versions_count_from_one_and_read_back(store):
    versions = [store.publish("m", f"file {i}".encode()) for i in range(3)]
    assert [version.number for version in versions] == [1, 2, 3]
    assert [store.read(version) for version in versions] == [b"file 0", b"file 1", b"file 2"]
    assert store.versions("m") == [1, 2, 3]
    assert store.serving("m") == versions[-1]
    assert store.models() == ["m"]


def test_concurrent_publishers_get_a_version_each(store):
    with ThreadPoolExecutor(16) as pool:
        versions = list(pool.map(lambda i: store.publish("m", str(i).encode()), range(100)))
    assert sorted(version.number for version in versions) == list(range(1, 101))
    assert [store.read(version) for version in versions] == [str(i).encode() for i in range(100)]


def test_the_configuration_is_tritons(store, tmp_path):
    store.publish("m", b"x")
    config = text_format.Parse((tmp_path / "m/config.pbtxt").read_text(), ModelConfig())
    assert config.platform == "pytorch_libtorch"
    assert config.max_batch_size == 0
    assert [(each.name, list(each.dims)) for each in config.input] == [("INPUT__0", [-1, -1])]
    assert [(each.name, list(each.dims)) for each in config.output] == [("OUTPUT__0", [-1])]
    assert config.version_policy.latest.num_versions == 1


def test_missing_models_and_versions_have_errors_of_their_own(store):
    with pytest.raises(ModelNotFound):
        store.serving("m")
    version = store.publish("m", b"x")
    with pytest.raises(VersionNotFound, match="newest is 1"):
        store.version("m", 2)
    with pytest.raises(VersionNotFound):
        store.read(version._replace(number=7))


@pytest.mark.parametrize("name", ["", ".", "..", "../m", "a/b", ".hidden", "-m", "m\n", "é", "a" * 129, "tmp m"])
def test_a_name_that_could_leave_the_store_is_refused(store, name):
    with pytest.raises(InvalidRequest):
        store.publish(name, b"x")


def test_other_entries_of_a_folder_are_not_versions(store, tmp_path):
    store.publish("m", b"x")
    for name in ("7.tmp", "tmp-7", "0", "07", "notes"):
        (tmp_path / "m" / name).mkdir()
    (tmp_path / "README.md").write_text("a file beside the models")
    assert store.versions("m") == [1]
    assert store.models() == ["m"]


def test_a_version_is_synced_once_before_it_is_returned(store, tmp_path, monkeypatch):
    synced, fsync = [], os.fsync

    def note(descriptor):
        there = Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(tmp_path)
        synced.append(re.sub("tmp-[^/]*", "tmp", str(there)))
        fsync(descriptor)

    monkeypatch.setattr("os.fsync", note)
    store.publish("m", b"x")
    assert synced == [".", "m/tmp/config.pbtxt", "m/tmp/model.pt", "m/tmp", "m"]
    synced.clear()
    store.publish("m", b"y")
    assert synced == ["m/tmp/model.pt", "m/tmp", "m"]


def killed_while_publishing(root, method):
    """Run a process that publishes to `root` and is killed when it calls Path.`method`; return its exit status."""
    code = textwrap.dedent(f"""
        import os, pathlib, signal
        from service.store import Store, durable_files
        store = Store(pathlib.Path({str(root)!r}))
        pathlib.Path.{method} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        store.publish("m", b"x" * 1000)
    """)
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode


def test_a_kill_before_the_rename_leaves_nothing_that_is_served(store, tmp_path):
    assert killed_while_publishing(tmp_path, "rename") == -signal.SIGKILL
    assert list(tmp_path.glob("m/tmp-*"))
    with pytest.raises(ModelNotFound):
        store.serving("m")
    assert store.newest("m") is None
    assert store.sweep() == 1
    assert [path.name for path in tmp_path.glob("m/*")] == ["config.pbtxt"]
    assert store.publish("m", b"y").number == 1


def test_a_sweep_keeps_publications_in_progress(store, tmp_path):
    store.publish("m", b"x")
    code = textwrap.dedent(f"""
        import pathlib, sys
        from service.store import durable_files
        with durable_files.temporary_folder(pathlib.Path({str(tmp_path)!r}) / "m"):
            print("ready", flush=True)
            sys.stdin.read()
    """)
    publisher = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with publisher:
        assert publisher.stdout.readline() == "ready\n"
        assert store.sweep() == 0
        publisher.kill()
        publisher.wait()
        assert store.sweep() == 1


def test_a_sweep_between_making_and_locking_a_folder_costs_no_version(store, tmp_path, monkeypatch):
    store.publish("m", b"x")
    flock = fcntl.flock

    def sweep_first(descriptor, operation):
        if operation == fcntl.LOCK_EX:
            monkeypatch.setattr(durable_files.fcntl, "flock", flock)
            assert store.sweep() == 1
        return flock(descriptor, operation)

    monkeypatch.setattr(durable_files.fcntl, "flock", sweep_first)
    version = store.publish("m", b"y")
    assert store.read(version) == b"y"
    assert not list(tmp_path.glob("m/tmp-*"))


@pytest.mark.parametrize("call", ["fcntl.flock", "os.fchmod"])
def test_a_temporary_folder_that_cannot_be_locked_leaves_nothing(store, tmp_path, monkeypatch, call):
    store.publish("m", b"x")
    monkeypatch.setattr(call, lambda *_: (_ for _ in ()).throw(OSError(37, "No locks available")))
    with pytest.raises(StoreUnavailable):
        store.publish("m", b"y")
    opened = [str(each.resolve()) for each in Path("/proc/self/fd").iterdir()]
    assert not [path for path in opened if path.startswith(f"{tmp_path}/m/tmp-")]
    assert not list(tmp_path.glob("m/tmp-*"))


def test_a_sweep_skips_folders_that_it_cannot_open(store, tmp_path, caplog):
    store.publish("m", b"x")
    (tmp_path / "m/tmp-loop").symlink_to("tmp-loop")
    (tmp_path / "m/tmp-left").mkdir()
    assert store.sweep() == 1
    assert "cannot sweep" in caplog.text


def test_a_sweep_skips_a_model_that_is_deleted_meanwhile(store, tmp_path, monkeypatch):
    for model in ("a", "b"):
        store.publish(model, b"x")
        (tmp_path / model / "tmp-left").mkdir()
    scandir = os.scandir

    def without_a(folder):
        if str(folder).endswith("/a"):
            raise FileNotFoundError
        return scandir(folder)

    monkeypatch.setattr("os.scandir", without_a)
    assert store.sweep() == 1


def test_a_store_that_cannot_be_written_still_reads(store, tmp_path, monkeypatch):
    version = store.publish("m", b"x")
    monkeypatch.setattr("os.posix_fallocate", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    reader = Store(tmp_path)
    assert reader.read(reader.serving("m")) == b"x"
    assert reader.change_mark("m") != reader.change_mark("m")
    assert reader.publish("m", b"y").number == version.number + 1


def test_an_unusable_store_raises_store_unavailable(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable):
        Store(tmp_path / "file" / "models")


def test_a_model_that_is_deleted_during_a_listing_is_left_out(store, monkeypatch):
    for model in ("a", "b"):
        store.publish(model, b"x")
    scandir = os.scandir

    @contextlib.contextmanager
    def delete_then_list(folder):
        with scandir(folder) as entries:
            listed = list(entries)
        monkeypatch.setattr("os.scandir", scandir)
        store.delete_model("a")
        yield iter(listed)

    monkeypatch.setattr("os.scandir", delete_then_list)
    assert [model for model, _ in store.changed()] == ["b"]
