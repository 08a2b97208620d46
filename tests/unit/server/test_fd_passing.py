"""Which requests are long, and the doors that connections are handed over through."""

import contextlib
import gc
import os
import resource
import socket
import threading

import pytest

from service.server.worker import fd_passing
from service.server.worker.connection import MOST_BYTES
from service.server.worker.fd_passing import LongWorkerRegistry, is_long

pytestmark = pytest.mark.skipif(not fd_passing.IS_POSSIBLE, reason="sockets of this kind and priorities are Linux's")


def head(*fields):
    return "".join(f"{line}\r\n" for line in ("POST /train HTTP/1.1", "Host: a", *fields, "")).encode()


@pytest.mark.parametrize(
    "fields",
    [
        ["Content-Length: 1000000"],
        ["content-length:160000000", "Content-Type: application/json"],
        ["CONTENT-LENGTH: \t1234567", "Expect: 100-continue"],
        ["Transfer-Encoding: chunked"],
        ["Content-Type: text/csv", "transfer-encoding: chunked"],
    ],
)
def test_long_requests(fields):
    assert is_long(head(*fields))
    assert is_long(head(*fields) + b"the beginning of a body")


@pytest.mark.parametrize(
    "received",
    [
        b"",
        head("Content-Length: 999999"),
        head("X-Content-Length: 1000000"),
        head("Content-Length: 9", "X-About: Content-Length: 1000000"),
        head("Content-Length: 30") + b"\r\nContent-Length: 1000000\r\n",
        head("Transfer-Encoding: chunked", "Content-Type: application/json"),
        head("Content-Length: 1000000")[:-2],
        head("Content-Length: 1000000", "X-Long: " + "a" * 5000),
    ],
)
def test_other_requests(received):
    assert not is_long(received)


@pytest.fixture
def doors(tmp_path):
    return LongWorkerRegistry(tmp_path)


@pytest.fixture
def door(doors):
    made = doors.make(3)
    made.listener.settimeout(0)
    made.open()
    yield made
    made.listener.close()


@pytest.fixture
def pair():
    """Both ends of a connection over TCP."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), 10)
        connected, _ = listener.accept()
    with client, connected:
        yield client, connected


@contextlib.contextmanager
def no_more_files(but=0):
    """This process may open no more files, or only so many."""
    gc.collect()  # or files that nobody uses could be closed later
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = [os.open(os.devnull, os.O_RDONLY) for _ in range(but + 1)]
    for each in free:
        os.close(each)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[-1], hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def taken(door):
    """What was read of the next connection."""
    handed = door.take()
    handed.connected.close()
    return handed.received


@pytest.mark.parametrize("size", [0, 1, MOST_BYTES])
def test_a_connection_comes_through_with_what_was_read(doors, door, pair, size):
    client, connected = pair
    received = os.urandom(size)
    assert doors.hand_over(connected, received)
    server = connected.getsockname()
    connected.close()
    handed = door.take()
    with handed.connected as other:
        assert handed.received == received
        assert (handed.client, handed.server) == (client.getsockname(), server)
        other.sendall(b"answer")
        assert client.recv(10) == b"answer"
    assert door.take() is None


def test_more_than_fits_is_not_cut_off(doors, door, pair):
    assert not doors.hand_over(pair[1], bytes(MOST_BYTES + 1))
    assert door.take() is None


def test_without_a_file_to_open_nothing_is_handed_over(doors, door, pair, tmp_path):
    with no_more_files():
        assert not doors.hand_over(pair[1], b"to look for a door")
        assert not fd_passing._send(tmp_path / "3.door", pair[1], b"to knock")
    assert door.take() is None
    assert doors.hand_over(pair[1], b"again")
    assert taken(door) == b"again"


@pytest.mark.parametrize("files", [0, 1])
def test_what_no_file_can_be_opened_for_is_taken_later(doors, door, pair, files):
    assert doors.hand_over(pair[1], b"x")
    with no_more_files(but=files), pytest.raises(OSError, match="Too many open files"):
        door.take()
    assert taken(door) == b"x"


def test_nothing_goes_through_a_shut_door_but_what_knocked_before(doors, door, pair):
    assert doors.hand_over(pair[1], b"before")
    door.shut()
    assert not doors.hand_over(pair[1], b"after")
    assert taken(door) == b"before"
    assert door.take() is None
    door.open()
    assert doors.hand_over(pair[1], b"again")
    assert taken(door) == b"again"


def test_the_door_of_somebody_who_is_gone_is_no_door(doors, door, pair):
    door.listener.close()
    assert not doors.hand_over(pair[1], b"")
    again = doors.make(3)
    again.open()
    assert doors.hand_over(pair[1], b"")
    again.listener.close()


def test_a_door_that_somebody_took_away_is_not_found(doors, door, pair, tmp_path):
    (tmp_path / "3.door").unlink()
    door.shut()
    door.open()
    assert not doors.hand_over(pair[1], b"")


def test_one_of_several_doors_is_enough(doors, door, pair):
    gone = doors.make(2)
    gone.open()
    gone.listener.close()
    assert doors.hand_over(pair[1], b"x")
    assert taken(door) == b"x"


def test_a_client_that_is_gone_is_not_taken(doors, door, pair):
    client, connected = pair
    connected.sendall(b"unread")
    assert doors.hand_over(connected, b"x")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    assert door.take() is None


def test_somebody_who_knocks_and_leaves_is_not_waited_for(door, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as knocking:
        knocking.connect(str(tmp_path / "3.door"))
    assert door.take() is None


def test_whoever_knocks_behind_somebody_who_left_is_taken(doors, door, pair, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as knocking:
        knocking.connect(str(tmp_path / "3.door"))
    assert doors.hand_over(pair[1], b"x")
    assert taken(door) == b"x"


def test_somebody_who_knocks_and_says_nothing_is_not_waited_for_long(door, tmp_path, monkeypatch):
    monkeypatch.setattr(fd_passing, "TAKE_SECONDS", 0.05)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as knocking:
        knocking.connect(str(tmp_path / "3.door"))
        assert door.take() is None


def test_folders_with_long_names(tmp_path, pair):
    folder = tmp_path / ("long" * 50)
    folder.mkdir()
    doors = LongWorkerRegistry(folder)
    door = doors.make(0)
    door.open()
    assert doors.hand_over(pair[1], b"x")
    assert taken(door) == b"x"
    door.listener.close()


def test_full_doors_do_not_hold_anybody_up(doors, door, pair):
    handed = []
    thread = threading.Thread(target=lambda: handed.extend(doors.hand_over(pair[1], b"x") for _ in range(2000)))
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    assert not all(handed)
