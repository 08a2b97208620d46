"""Connections are passed to another worker over a socket, with the bytes that were read."""

import contextlib
import gc
import os
import resource
import socket
import threading

import pytest

from service.server.worker import fd_passing
from service.server.worker.fd_passing import MAX_MESSAGE_BYTES, LongWorkerRegistry


@pytest.fixture
def registry(tmp_path):
    return LongWorkerRegistry(tmp_path)


@pytest.fixture
def listener(registry):
    made = registry.create(3)
    made.listener.settimeout(0)
    made.publish()
    yield made
    made.listener.close()


@pytest.fixture
def pair():
    """Both ends of a connection over TCP."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), 10)
        sock, _ = listener.accept()
    with client, sock:
        yield client, sock


@contextlib.contextmanager
def no_more_files(but=0):
    """Limit this process to the files that are open, and `but` more."""
    gc.collect()  # or unused files could be closed later
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = [os.open(os.devnull, os.O_RDONLY) for _ in range(but + 1)]
    for each in free:
        os.close(each)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[-1], hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def accepted(listener):
    """Accept and close the next connection, and return the bytes that were read of it."""
    passed = listener.accept()
    passed.sock.close()
    return passed.received


@pytest.mark.parametrize("size", [0, 1, MAX_MESSAGE_BYTES])
def test_a_connection_is_passed_on_with_the_bytes_read(registry, listener, pair, size):
    client, sock = pair
    received = os.urandom(size)
    assert registry.pass_on(sock, received)
    server = sock.getsockname()
    sock.close()
    passed = listener.accept()
    with passed.sock as other:
        assert passed.received == received
        assert (passed.client, passed.server) == (client.getsockname(), server)
        other.sendall(b"answer")
        assert client.recv(10) == b"answer"
    assert listener.accept() is None


def test_too_many_bytes_are_not_cut_off(registry, listener, pair):
    assert not registry.pass_on(pair[1], bytes(MAX_MESSAGE_BYTES + 1))
    assert listener.accept() is None


def test_nothing_is_passed_on_while_no_file_can_be_opened(registry, listener, pair, tmp_path):
    with no_more_files():
        assert not registry.pass_on(pair[1], b"to list the folder")
        assert not fd_passing._send(tmp_path / "3.open", pair[1], b"to connect")
    assert listener.accept() is None
    assert registry.pass_on(pair[1], b"again")
    assert accepted(listener) == b"again"


@pytest.mark.parametrize("files", [0, 1])
def test_a_connection_is_accepted_later_if_no_file_can_be_opened_now(registry, listener, pair, files):
    assert registry.pass_on(pair[1], b"x")
    with no_more_files(but=files), pytest.raises(OSError, match="Too many open files"):
        listener.accept()
    assert accepted(listener) == b"x"


def test_a_withdrawn_socket_accepts_earlier_connections_only(registry, listener, pair):
    assert registry.pass_on(pair[1], b"before")
    listener.withdraw()
    assert not registry.pass_on(pair[1], b"after")
    assert accepted(listener) == b"before"
    assert listener.accept() is None
    listener.publish()
    assert registry.pass_on(pair[1], b"again")
    assert accepted(listener) == b"again"


def test_the_socket_of_a_worker_that_was_killed_is_passed_over(registry, listener, pair):
    listener.listener.close()
    assert not registry.pass_on(pair[1], b"")
    again = registry.create(3)
    again.publish()
    assert registry.pass_on(pair[1], b"")
    again.listener.close()


def test_a_socket_that_was_deleted_is_not_found(registry, listener, pair, tmp_path):
    (tmp_path / "3.open").unlink()
    listener.withdraw()
    listener.publish()
    assert not registry.pass_on(pair[1], b"")


def test_one_of_several_sockets_is_enough(registry, listener, pair):
    gone = registry.create(2)
    gone.publish()
    gone.listener.close()
    assert registry.pass_on(pair[1], b"x")
    assert accepted(listener) == b"x"


def test_a_client_that_left_is_not_accepted(registry, listener, pair):
    client, sock = pair
    sock.sendall(b"unread")
    assert registry.pass_on(sock, b"x")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    assert listener.accept() is None


def test_a_peer_that_left_is_not_waited_for(listener, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
        peer.connect(str(tmp_path / "3.open"))
    assert listener.accept() is None


def test_a_peer_behind_one_that_left_is_accepted(registry, listener, pair, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
        peer.connect(str(tmp_path / "3.open"))
    assert registry.pass_on(pair[1], b"x")
    assert accepted(listener) == b"x"


def test_a_peer_that_sends_nothing_is_waited_for_up_to_a_timeout(listener, tmp_path, monkeypatch):
    monkeypatch.setattr(fd_passing, "PEER_TIMEOUT", 0.05)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
        peer.connect(str(tmp_path / "3.open"))
        assert listener.accept() is None


def test_the_path_of_the_folder_may_be_long(tmp_path, pair):
    folder = tmp_path / ("long" * 50)
    folder.mkdir()
    registry = LongWorkerRegistry(folder)
    listener = registry.create(0)
    listener.publish()
    assert registry.pass_on(pair[1], b"x")
    assert accepted(listener) == b"x"
    listener.listener.close()


def test_a_full_backlog_does_not_block(registry, listener, pair):
    passed = []
    thread = threading.Thread(target=lambda: passed.extend(registry.pass_on(pair[1], b"x") for _ in range(2000)))
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    assert not all(passed)
