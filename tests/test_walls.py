"""What a hostile client sends straight to the shipped server, and what it gets to see: nothing of what it sent, nothing
of what serves it, and the same protection as every page.
"""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import Server, served_from, serving
from tests.web.test_headers import ALWAYS

ANSWERS_WITHIN = 60  # seconds, on a machine that has much else to do
PATIENT_CLIENTS = 100

HOST = b"Host: {host}\r\n"
CLOSE = b"Connection: close\r\n\r\n"
GET = b"GET /help HTTP/1.1\r\n"
POST = b"POST /verify HTTP/1.1\r\n" + HOST
CHUNKED = b"Transfer-Encoding: chunked\r\n"
MARK = b"evil-7261"

# What is sent, with the server's own host for {host}; and the status that comes back.
REFUSED: dict[str, tuple[bytes, int]] = {
    "another host": (GET + b"Host: evil-7261.test\r\n" + CLOSE, 400),
    "another host behind the real one": (GET + b"Host: {host}@evil-7261.test\r\n" + CLOSE, 400),
    "the real host as a part of another": (GET + b"Host: 127.0.0.1.evil-7261.test\r\n" + CLOSE, 400),
    "no host": (GET + CLOSE, 400),
    "no host, long ago": (b"GET /help HTTP/1.0\r\n\r\n", 400),
    "two hosts": (GET + HOST + b"Host: evil-7261.test\r\n" + CLOSE, 400),
    "another host for what is not there": (b"GET //evil-7261.test/%2e%2e HTTP/1.1\r\nHost: x.test\r\n" + CLOSE, 400),
    "two lengths": (POST + b"Content-Length: 3\r\nContent-Length: 5\r\n" + CLOSE + b"a=1", 400),
    "a list of lengths": (POST + b"Content-Length: 3, 3\r\n" + CLOSE + b"a=1", 400),
    "a signed length": (POST + b"Content-Length: +3\r\n" + CLOSE + b"a=1", 400),
    "a negative length": (POST + b"Content-Length: -3\r\n" + CLOSE + b"a=1", 400),
    "a length and chunks": (POST + b"Content-Length: 6\r\n" + CHUNKED + CLOSE + b"0\r\n\r\nG", 400),
    "an unknown coding and a length": (
        POST + b"Transfer-Encoding: xchunked\r\nContent-Length: 3\r\n" + CLOSE + b"a=1",
        501,
    ),
    "two codings": (POST + CHUNKED + b"Transfer-Encoding: identity\r\n" + CLOSE + b"0\r\n\r\n", 400),
    "a space before the colon": (POST + b"Transfer-Encoding : chunked\r\nContent-Length: 0\r\n" + CLOSE, 400),
    "a tab of another kind": (POST + b"Transfer-Encoding:\x0bchunked\r\nContent-Length: 0\r\n" + CLOSE, 400),
    "a chunk without a size": (POST + CHUNKED + CLOSE + b"zz\r\na=1\r\n0\r\n\r\n", 400),
    "a folded header": (GET + HOST + b"X: a\r\n evil-7261: b\r\n" + CLOSE, 400),
    "a zero byte in a header": (GET + HOST + b"X: evil-7261\x00b\r\n" + CLOSE, 400),
    "a header without a name": (GET + HOST + b": evil-7261\r\n" + CLOSE, 400),
    "a small method": (b"get /help HTTP/1.1\r\n" + HOST + CLOSE, 400),
    "no request at all": (b"\x16\x03\x01evil-7261\r\n\r\n", 400),
    "a proxy's line": (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + GET + HOST + CLOSE, 400),
    "another version": (b"GET /help HTTP/2.0\r\n" + HOST + CLOSE, 505),
    "a long address": (b"GET /" + MARK * 1000 + b" HTTP/1.1\r\n" + HOST + CLOSE, 414),
    "a long header": (GET + HOST + b"Cookie: elearn=" + MARK * 1000 + b"\r\n" + CLOSE, 431),
    "many headers": (GET + HOST + b"".join(b"X-%d: evil-7261\r\n" % n for n in range(200)) + CLOSE, 431),
    "a head without an end": (GET + HOST + b"X: " + MARK * 8000, 431),
    "an expectation": (POST + b"Expect: evil-7261\r\nContent-Length: 0\r\n" + CLOSE, 417),
    "a body that is said to be long": (POST + b"Content-Length: 99999999999999999999\r\n" + CLOSE, 413),
    "TRACE": (b"TRACE /help HTTP/1.1\r\n" + HOST + b"X-Secret: evil-7261\r\n" + CLOSE, 405),
    "CONNECT": (b"CONNECT evil-7261.test:443 HTTP/1.1\r\n" + HOST + CLOSE, 404),
    "a path upwards": (b"GET /static/0/%2e%2e/%2e%2e/config.py HTTP/1.1\r\n" + HOST + CLOSE, 404),
    "a path upwards with slashes of its own": (b"GET /static/0/..%2f..%2fconfig.py HTTP/1.1\r\n" + HOST + CLOSE, 404),
    "a path upwards in overlong bytes": (b"GET /static/%c0%ae%c0%ae/config.py HTTP/1.1\r\n" + HOST + CLOSE, 404),
    "a path upwards with backslashes": (b"GET /static/%2e%2e%5cconfig.py HTTP/1.1\r\n" + HOST + CLOSE, 404),
    "a zero byte in a path": (b"GET /help%00.css HTTP/1.1\r\n" + HOST + CLOSE, 404),
    "a parameter of a path": (b"GET /help;a=b HTTP/1.1\r\n" + HOST + CLOSE, 404),
    "line ends in a path": (b"GET /help%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\n" + HOST + CLOSE, 404),
    "the folder of the sources": (b"GET /.git/config HTTP/1.1\r\n" + HOST + CLOSE, 404),
    "the settings": (b"GET /.env HTTP/1.1\r\n" + HOST + CLOSE, 404),
}

# What may be answered, but must not be believed.
IGNORED: dict[str, bytes] = {
    "a forwarded host": b"X-Forwarded-Host: evil-7261.test\r\nForwarded: host=evil-7261.test\r\n",
    "a forwarded scheme": b"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\nX-Forwarded-Protocol: ssl\r\n",
    "another root": b"SCRIPT_NAME: /evil-7261\r\nX-Forwarded-Prefix: /evil-7261\r\nX-Script-Name: /evil-7261\r\n",
    "another path": b"PATH_INFO: /account\r\nX-Original-URL: /account\r\nX-Rewrite-URL: /account\r\n",
    "another protocol": b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
    "bytes that are no text": b"User-Agent: \xff\xfe\r\nCookie: language=\xff; elearn=\xff\r\nReferer: http://[::1\r\n",
    "many cookies": b"Cookie: " + b"; ".join(b"evil%d=7261" % n for n in range(400)) + b"\r\n",
}


@pytest.fixture(scope="module")
def server(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("walls")
    shutil.copytree(sqlite_template, folder, dirs_exist_ok=True)
    with serving(served_from(folder, f"sqlite:///{folder / 'house.sqlite3'}")) as server:
        yield server


def sent(server: Server, data: bytes) -> tuple[int, dict[str, str], bytes]:
    """The status, headers and body that come back; the server closes the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=ANSWERS_WITHIN) as client:
        client.sendall(data.replace(b"{host}", b"127.0.0.1:%d" % server.port))
        pieces = []
        while piece := client.recv(65536):
            pieces.append(piece)
    head, _, body = b"".join(pieces).partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert len(headers) == len(lines), "a header twice"
    return int(first.split()[1]), headers, body


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_hostile_is_refused_with_every_protection_and_repeats_nothing(server: Server, name: str) -> None:
    data, expected = REFUSED[name]
    status, headers, body = sent(server, data)
    assert status == expected
    assert {header: headers.get(header) for header in ALWAYS} == ALWAYS
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Type"] in ("text/html; charset=utf-8", "text/plain; charset=utf-8")
    assert int(headers["Content-Length"]) == len(body) > 0
    assert "Server" not in headers
    assert "Set-Cookie" not in headers
    # An address leads back to itself by the language switch, as an address and nothing else.
    assert MARK not in re.sub(rb'href="/language/hi\?next=[^"]*"', b"", body)
    for program in (b"gunicorn", b"python", b"werkzeug", b"flask", b"traceback"):
        assert program not in body.lower() + repr(headers).lower().encode()


@pytest.mark.parametrize("name", IGNORED)
def test_what_anyone_can_write_into_a_header_is_not_believed(server: Server, name: str) -> None:
    plain = sent(server, GET + HOST + CLOSE)
    status, headers, body = sent(server, GET + HOST + IGNORED[name] + CLOSE)
    assert (status, body) == (200, plain[2])
    assert {**headers, "Date": ""} == {**plain[1], "Date": ""}


def test_no_redirect_or_cookie_depends_on_a_forwarded_host(server: Server) -> None:
    spoofed = b"X-Forwarded-Host: evil-7261.test\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 1.2.3.4\r\n"
    for path in (b"/account", b"/language/hi?next=/help", b"/C/0"):
        status, headers, body = sent(server, b"GET " + path + b" HTTP/1.1\r\n" + HOST + spoofed + CLOSE)
        assert status == 302
        assert headers["Location"].startswith("/")
        assert MARK not in body + repr(headers).encode()
        assert "Secure" not in headers.get("Set-Cookie", "")


def test_a_load_balancer_may_ask_how_it_is_by_address_and_learns_nothing_else(server: Server) -> None:
    for path in (b"/health/live", b"/health/ready"):
        status, headers, body = sent(server, b"GET " + path + b" HTTP/1.1\r\nHost: 10.1.2.3:8080\r\n" + CLOSE)
        assert (status, headers["Content-Type"]) == (200, "application/json")
        assert b"10.1.2.3" not in body
    assert sent(server, b"GET /health/other HTTP/1.1\r\nHost: 10.1.2.3:8080\r\n" + CLOSE)[0] == 400


def test_what_only_looks_like_the_end_of_a_request_takes_no_thread(server: Server) -> None:
    """The server has sixteen threads; a chunk that ends in an empty line is not the last one."""
    chunk = POST + CHUNKED + b"\r\nff\r\na=1\r\n\r\n"
    clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(PATIENT_CLIENTS)]
    try:
        for client in clients:
            client.sendall(chunk.replace(b"{host}", b"127.0.0.1:%d" % server.port))
        status, _, _ = sent(server, GET + HOST + CLOSE)
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
            client.sendall(b"GET /health/live HTTP/1.1\r\nHost: a\r\n" + CLOSE)
            assert client.recv(100).startswith(b"HTTP/1.1 200")
    finally:
        for client in clients:
            client.close()
    assert status == 200


def test_every_good_answer_comes_without_a_name_too(server: Server) -> None:
    for line in (b"GET /help", b"HEAD /help", b"OPTIONS /help", b"GET /robots.txt", b"GET /.well-known/jwks.json"):
        status, headers, _ = sent(server, line + b" HTTP/1.1\r\n" + HOST + CLOSE)
        assert status == 200
        assert "Server" not in headers
        assert {header: headers.get(header) for header in ALWAYS} == ALWAYS


def test_a_visitor_cannot_write_lines_into_the_log(server: Server) -> None:
    sent(server, b"GET /help%0aforged-line HTTP/1.1\r\n" + HOST + CLOSE)
    sent(server, GET + HOST + b"X\nforged-line: 1\r\n" + CLOSE)
    assert "forged-line" not in server.log
    assert "Traceback" not in server.log
