"""Clients that send half of what they announced, read nothing, never hang up, or send far too much.

What may be lost: their own requests. Nobody else is shut out.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from time import perf_counter

import pytest

from tests.faults.house import MEGABYTE, House, held_by, report
from tests.faults.officers import Officer
from tests.given import COURSE

CLIENTS = 100
LETS_IN_WITHIN = 60
"""Seconds; generous, since the machine may have much else to do. On an idle one it is less than one."""

HALF_SENT = {
    "nothing": b"",
    "part of a head": b"POST /sign-in HTTP/1.1\r\nHost: a.test\r\nContent-Le",
    "part of a body": b"POST /sign-in HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000\r\n\r\nemail=",
    "part of a chunk": b"POST /sign-in HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nemai",
    "part of too much": b"POST /verify HTTP/1.1\r\nHost: a.test\r\nContent-Length: 60000000\r\n\r\nx",
    "a whole one, then part": b"GET /help HTTP/1.1\r\nHost: a.test\r\n\r\nGET /he",
}


@contextmanager
def clients(house: House, receives: int = 0) -> Iterator[list[socket.socket]]:
    """A hundred connections; each takes at most `receives` bytes before it is read, where that is said."""
    with ExitStack() as stack:
        made = []
        for _ in range(CLIENTS):
            client = stack.enter_context(socket.socket())
            if receives:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
            client.connect(("127.0.0.1", house.server.port))
            made.append(client)
        yield made


def named(house: House, request: bytes) -> bytes:
    """The request, to the name that the site goes by."""
    return request.replace(b"a.test", house.server.url.partition("//")[2].encode())


def lets_somebody_in(house: House) -> None:
    (meera,) = house.crowd(1)
    officer, begun = Officer(meera, house.server.browser()), perf_counter()
    officer.sign_in()
    assert perf_counter() - begun < LETS_IN_WITHIN


@pytest.mark.parametrize("sent", HALF_SENT)
def test_a_hundred_half_sent_requests_shut_nobody_out(house: House, sent: str) -> None:
    with clients(house) as connected:
        for client in connected:
            client.sendall(named(house, HALF_SENT[sent]))
        lets_somebody_in(house)


def test_a_hundred_that_read_nothing_shut_nobody_out(house: House) -> None:
    """They ask for the longest pages there are, and take none of it."""
    (meera,) = house.crowd(1)
    officer = Officer(meera, house.server.browser())
    officer.sign_in()
    cookie = "; ".join(f"{name}={value}" for name, value in officer.browser.cookies.items())
    pages = [f"/courses/{COURSE}/sources", f"/courses/{COURSE}/glossary", f"/courses/{COURSE}"]
    longest = max(pages, key=lambda page: len(officer.browser.get(page).body))
    asked = f"GET {longest} HTTP/1.1\r\nHost: a.test\r\nCookie: {cookie}\r\n\r\n".encode()
    with clients(house, receives=1024) as connected:
        for client in connected:
            client.sendall(named(house, asked))
        for client in connected:
            assert client.recv(12) == b"HTTP/1.1 200"  # a thread is at work on it, or was
        lets_somebody_in(house)


def test_clients_that_never_hang_up_shut_nobody_out(house: House) -> None:
    with clients(house) as connected:
        for client in connected:
            client.sendall(named(house, b"GET /help HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"))
        for client in connected:
            while client.recv(65536):
                pass  # the whole answer and its end; our own end stays open
        lets_somebody_in(house)


@pytest.mark.parametrize("path", ["/sign-in", "/verify", "/nowhere"])
def test_a_body_of_sixty_megabytes_is_refused_and_told_so(house: House, path: str) -> None:
    """It is told after it was sent, or a browser would not see it; and it is never kept."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert house.server.browser().get("/help").status == 200
    before = held_by(house.server).most_memory
    answer = house.server.browser().ask("POST", path, b"x" * 60_000_000, form)
    grown = held_by(house.server).most_memory - before
    assert answer.status == (404 if path == "/nowhere" else 413)
    assert house.server.browser().get("/help").status == 200
    assert grown < 20 * MEGABYTE
    report(f"60 MB to {path}: the server grew by {grown / MEGABYTE:.1f} MB")


def test_a_client_that_asks_before_it_sends_is_answered(house: House) -> None:
    with socket.create_connection(("127.0.0.1", house.server.port)) as client:
        head = b"POST /verify HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
        client.sendall(named(house, head))
        assert client.recv(100).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"a=1")
        said = b""
        while b"HTTP/1.1 400" not in said:  # no CSRF token; what matters is that it came to be judged
            piece = client.recv(65536)
            assert piece, said
            said += piece


def test_the_server_stops_though_a_browser_holds_a_connection(house: House) -> None:
    with socket.create_connection(("127.0.0.1", house.server.port)):
        assert house.server.browser().get("/help").status == 200
        begun = perf_counter()
        house.server.stop()
        stopped_in = perf_counter() - begun
    house.server.start()
    assert stopped_in < 25  # without a word from us gunicorn would wait thirty seconds for it
