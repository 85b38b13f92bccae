"""How a request is gathered: when it is whole, and what is thrown away; see also tests/faults/test_clients.py."""

from __future__ import annotations

import inspect
import logging
import os
from hashlib import sha256

import pytest
from gunicorn import util
from gunicorn.config import Config
from gunicorn.workers.gthread import TConn, ThreadWorker

from elearn.web.gathering import LONGEST_HEAD, Gathering, GatheringWorker

LARGEST = 100
POST = b"POST /sign-in HTTP/1.1\r\nHost: a.test\r\nContent-Length: %d\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"


def gathered(*pieces: bytes) -> Gathering:
    gathering = Gathering(LARGEST)
    for piece in pieces:
        gathering.add(piece)
    return gathering


@pytest.mark.parametrize("request_bytes", [GET, POST % 0, POST % 11 + b"email=Meera"])
def test_a_request_is_whole_with_its_last_byte_and_not_before(request_bytes: bytes) -> None:
    gathering = Gathering(LARGEST)
    for number in range(len(request_bytes)):
        assert not gathering.is_whole
        gathering.add(request_bytes[number : number + 1])
    assert gathering.is_whole
    assert gathering.is_alone
    assert gathering.request() == request_bytes


def test_empty_lines_before_a_request_are_ignored() -> None:
    assert gathered(b"\r\n", b"\r\n" + GET).request() == GET


def test_the_length_is_found_however_it_is_written() -> None:
    assert gathered(b"POST / HTTP/1.1\r\nCONTENT-LENGTH:\t3 \r\n\r\n", b"ab").is_whole is False
    assert gathered(b"POST / HTTP/1.1\r\nX-Content-Length: 3\r\n\r\n").is_whole


def test_what_comes_behind_a_request_is_no_part_of_it() -> None:
    gathering = gathered(POST % 3 + b"a=1" + GET)
    assert gathering.is_whole
    assert not gathering.is_alone
    assert gathering.request() == POST % 3 + b"a=1"


def test_a_body_that_will_be_refused_is_waited_for_but_not_kept() -> None:
    gathering = gathered(POST % (LARGEST + 1), b"x" * LARGEST)
    assert not gathering.is_whole
    assert len(gathering.received) == len(POST % (LARGEST + 1))
    gathering.add(b"x")
    assert gathering.is_whole
    assert not gathering.is_alone
    assert gathering.request() == POST % (LARGEST + 1)


def test_a_body_in_chunks_is_whole_with_its_end_and_is_not_kept_for_ever() -> None:
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert not gathered(head).is_whole
    assert not gathered(head, b"3\r\na=1\r\n").is_whole
    assert gathered(head, b"3\r\na=1\r\n", b"0\r\n\r\n").is_whole
    assert gathered(head, b"x" * (LARGEST + LONGEST_HEAD + 1)).is_whole


def test_an_empty_line_inside_a_chunk_is_not_the_end() -> None:
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert not gathered(head, b"10\r\na=1\r\n\r\n").is_whole
    assert not gathered(head, b"7\r\na=1\r\n\r\n\r\n").is_whole
    assert gathered(head, b"7\r\na=1\r\n\r\n\r\n0\r\n\r\n").is_whole
    assert gathered(head, b"0\r\nX-Trailer: 1\r\n\r\n").is_whole
    assert not gathered(head, b"0\r\nX-Trailer: 1\r\n").is_whole
    assert gathered(head, b"no size\r\n").is_whole  # for the parser to refuse


def test_of_a_request_with_two_ends_nothing_more_is_waited_for() -> None:
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 600\r\n\r\n"
    assert gathered(head).is_whole
    assert not gathered(head).is_alone


def test_a_client_that_asks_first_is_known() -> None:
    head = b"POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    assert gathered(head).asks_first
    assert not gathered(GET).asks_first


def test_a_head_without_an_end_is_not_waited_for() -> None:
    assert not gathered(b"GET / HTTP/1.1\r\nX: " + b"x" * 100).head_is_too_long
    assert gathered(b"GET / HTTP/1.1\r\nX: " + b"x" * LONGEST_HEAD).head_is_too_long


# What gathering.py takes over from gunicorn, which promises none of it

TAKEN_OVER = {
    ThreadWorker.run: ("self",),
    ThreadWorker.accept: ("self", "listener"),
    ThreadWorker.set_accept_enabled: ("self", "enabled"),
    ThreadWorker.on_client_socket_readable: ("self", "conn", "client"),
    ThreadWorker.enqueue_req: ("self", "conn"),
    ThreadWorker.finish_request: ("self", "conn", "fs"),
    ThreadWorker.handle: ("self", "conn"),
    ThreadWorker.handle_request: ("self", "req", "conn"),
    ThreadWorker._keepalive_after: ("self", "conn", "keepalive"),
    ThreadWorker.murder_pending: ("self",),
    TConn.__init__: ("self", "cfg", "sock", "client", "server"),
    TConn.init: ("self",),
    TConn.close: ("self", "graceful"),
    util.close: ("sock",),
}
ATTRIBUTES = {
    "poller",
    "pending_conns",
    "keepalived_conns",
    "nr_conns",
    "worker_connections",
    "sockets",
    "alive",
    "cfg",
}
READ_AND_UNDERSTOOD = "eca502740119977a9f23c811e19be764b0c9fd30e7ce9e486e97438ea58b126f"
WHAT_TO_DO = (
    "gunicorn's threaded worker is no longer the one that elearn/web/gathering.py was written for: {}. Read "
    "gunicorn/workers/gthread.py again, see whether GatheringWorker still does what it says, run tests/faults "
    "and tests/commands/test_serving.py, and then write down here what is true now."
)


def test_gunicorn_is_still_the_one_this_was_written_for() -> None:
    for function, parameters in TAKEN_OVER.items():
        found = tuple(inspect.signature(function).parameters)
        assert found == parameters, WHAT_TO_DO.format(f"{function.__qualname__} takes {found}, not {parameters}")
    worker = ThreadWorker(1, os.getpid(), [], None, 30, Config(), logging.getLogger())  # type: ignore[no-untyped-call]
    worker.tmp.close()
    missing = {name for name in ATTRIBUTES if not hasattr(worker, name)}
    assert not missing, WHAT_TO_DO.format(f"it has no {', '.join(sorted(missing))}")
    digest = sha256((inspect.getsource(ThreadWorker) + inspect.getsource(TConn)).encode()).hexdigest()
    assert digest == READ_AND_UNDERSTOOD, WHAT_TO_DO.format(f"its text has changed to {digest}")


def test_every_method_of_the_worker_replaces_or_serves_one_of_gunicorns() -> None:
    """One that gunicorn no longer calls would be dead without a word."""
    ours = {"linger"} | {name for name in vars(GatheringWorker) if name.startswith("_") and name[1].isalpha()}
    replaced = {name for name, value in vars(GatheringWorker).items() if inspect.isfunction(value)} - ours
    gone = {name for name in replaced if not hasattr(ThreadWorker, name)}
    assert not gone, WHAT_TO_DO.format(f"it has no {', '.join(sorted(gone))}")
    assert hasattr(ThreadWorker, "_keepalive_after")
