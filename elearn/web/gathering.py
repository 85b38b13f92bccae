"""Gathers a request until all of it is there, and only then gives it a thread: a slow line must keep nobody else out.

gunicorn's threaded worker gives every connection a thread at once, which then waits for as long as the rest takes. So
sixteen half-sent requests shut out everybody. A proxy that buffers does the same as this; but the server that one
command starts has none in front of it.
"""

# mypy: disable-error-code="no-untyped-call"
# (gunicorn carries no types.)

from __future__ import annotations

import contextlib
import errno
import re
import socket
from collections import deque
from functools import partial
from selectors import EVENT_READ
from time import monotonic
from typing import Any

from gunicorn.util import close
from gunicorn.workers.gthread import TConn

from elearn.web.wire import QuietWorker, refusal

IDLE_SECONDS = 30.0
"""A request of which nothing more comes for so long is given up."""

SLOWEST_SECONDS = 60.0
"""What a thread waits at most to hand one block of an answer to a slow line."""

LINGER_SECONDS = 2.0
"""After the last answer on a connection, so long may what was still under way arrive (RFC 9112, section 9.6)."""

LONGEST_HEAD = 64 * 1024
MOST_TOGETHER = 256 * 1024 * 1024
"""Bytes of all unfinished requests together: more is an attack, and then the one that goes beyond it is dropped."""

PIECE = 64 * 1024

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.I)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.I)
_CHUNK_SIZE = re.compile(rb"([0-9a-f]{1,15})[ \t]*(?:;.*)?$", re.I)
_ASKS_FIRST = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.I)

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Gathering:
    """One request as its bytes come in. It decides only how long to wait; what they mean is for the parser to judge.

    A body that is longer than `largest` will be refused, so it is thrown away as it comes; but it is waited for, since
    a client that is still sending would not see the refusal.
    """

    def __init__(self, largest: int) -> None:
        self.largest = largest
        self.received = bytearray()
        self.body_at = -1  # where the body begins, once the head is there
        self.body_length = 0
        self.chunked = False
        self.chunk_at = 0  # where the next chunk of a chunked body begins
        self.is_ambiguous = False
        self.asks_first = False
        self.thrown_away = 0

    def add(self, data: bytes) -> None:
        self.received += data
        if self.body_at < 0:
            self._look_for_head()
        if self.body_at >= 0 and self.is_refused:
            self.thrown_away += len(self.received) - self.body_at
            del self.received[self.body_at :]

    @property
    def is_refused(self) -> bool:
        return self.body_length > self.largest

    @property
    def head_is_too_long(self) -> bool:
        return self.body_at < 0 and len(self.received) > LONGEST_HEAD

    @property
    def is_whole(self) -> bool:
        if self.body_at < 0:
            return False
        if self.is_ambiguous:
            return True
        here = len(self.received) - self.body_at
        if self.chunked:
            return self._has_last_chunk() or here > self.largest + LONGEST_HEAD
        return here + self.thrown_away >= self.body_length

    @property
    def is_alone(self) -> bool:
        """Whether nothing came behind it, and nothing of it was thrown away: then the connection can be used again."""
        if self.chunked or self.is_refused:
            return False
        return len(self.received) == self.body_at + self.body_length

    def request(self) -> bytes:
        """The bytes of this request alone."""
        end = len(self.received) if self.chunked else self.body_at + self.body_length
        return bytes(self.received[:end])

    def _has_last_chunk(self) -> bool:
        """Steps from chunk to chunk as far as they have come, and remembers where it stands. An end that only looks
        like one would give a thread to somebody who sends nothing more."""
        while (line_end := self.received.find(b"\r\n", self.chunk_at)) >= 0:
            size = _CHUNK_SIZE.match(self.received, self.chunk_at, line_end)
            if size is None:
                return True  # no chunk at all: the parser refuses it
            if int(size[1], 16) == 0:
                # Without trailers the line of the last chunk and an empty one; with them, their own empty line.
                return self.received.find(_HEAD_END, line_end) >= 0
            self.chunk_at = line_end + 2 + int(size[1], 16) + 2
        return False

    def _look_for_head(self) -> None:
        while self.received.startswith(b"\r\n"):  # RFC 9112, section 2.2: empty lines before a request are ignored
            del self.received[:2]
        end = self.received.find(_HEAD_END)
        if end < 0:
            return
        self.body_at = self.chunk_at = end + len(_HEAD_END)
        head = bytes(self.received[: self.body_at])
        length = _LENGTH.search(head)
        self.body_length = int(length[1]) if length else 0
        self.chunked = bool(_CHUNKED.search(head))
        # Two ends, of which a proxy may have read the other: the parser refuses it, so nothing more is waited for.
        self.is_ambiguous = self.chunked and length is not None
        self.asks_first = bool(_ASKS_FIRST.search(head))


class Connection(TConn):
    """gunicorn's connection, with the request that is being gathered on it."""

    worker: GatheringWorker
    gathering: Gathering
    timeout: float
    parser: Any

    def close(self, graceful: bool = False) -> None:
        # gunicorn waits here for the other side, on the one thread that all connections depend on.
        if graceful:
            self.worker.linger(self)
        else:
            close(self.sock)


class GatheringWorker(QuietWorker):
    """gunicorn's threaded worker, whose threads are given whole requests only."""

    wsgi: Any
    poller: Any
    sockets: list[socket.socket]
    pending_conns: deque[Connection]
    keepalived_conns: deque[Connection]

    def run(self) -> None:
        self.largest: int = self.wsgi.config["MAX_CONTENT_LENGTH"]
        self.held = 0
        self.lingering: deque[Connection] = deque()
        super().run()

    def accept(self, listener: socket.socket) -> None:
        self._accepted(listener)

    def _accepted(self, listener: socket.socket) -> bool:
        """Begins with one connection that waits at the door; False where none does."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED):
                return False
            raise
        self.nr_conns += 1
        conn = Connection(self.cfg, client, address, listener.getsockname())
        conn.worker = self
        self._begin(conn)
        return True

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            self._close_the_door()

    def _close_the_door(self) -> None:
        """A server that is to stop takes in whoever waits at the door already, and then shuts it.

        gunicorn keeps it open until the last answer is out: whoever came meanwhile was connected, but never answered.
        """
        for listener in self.sockets:
            while self.nr_conns < self.worker_connections and self._accepted(listener):
                pass
            listener.close()

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """The next request on a connection that was kept."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._begin(conn)

    def _begin(self, conn: Connection) -> None:
        conn.gathering = Gathering(self.largest)
        conn.sock.setblocking(False)
        self._wait(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self._more, conn))

    def _wait(self, conn: Connection) -> None:
        conn.timeout = monotonic() + IDLE_SECONDS
        self.pending_conns.append(conn)  # in the order of their ends, as murder_pending expects them

    def _more(self, conn: Connection, client: socket.socket) -> None:
        """More of a request has come."""
        try:
            data = client.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        gathering = conn.gathering
        before = len(gathering.received)
        gathering.add(data)
        self.held += len(gathering.received) - before
        self.pending_conns.remove(conn)
        if not data or self.held > MOST_TOGETHER:
            self._drop(conn)
        elif gathering.head_is_too_long:
            self._tell(conn, refusal(431, self.protection))
            self._drop(conn)
        elif gathering.is_whole:
            self._hand_over(conn)
        else:
            self._wait(conn)
            if gathering.asks_first and not gathering.is_refused:
                gathering.asks_first = False
                self._tell(conn, _CONTINUE)

    def _hand_over(self, conn: Connection) -> None:
        self.poller.unregister(conn.sock)
        self.held -= len(conn.gathering.received)
        conn.init()
        conn.parser.unreader.unread(conn.gathering.request())
        self.enqueue_req(conn)

    def _drop(self, conn: Connection) -> None:
        self.poller.unregister(conn.sock)
        self.held -= len(conn.gathering.received)
        self.nr_conns -= 1
        conn.close()

    def _tell(self, conn: Connection, line: bytes) -> None:
        with contextlib.suppress(OSError):  # whoever does not take one line is found out by the next recv
            conn.sock.send(line)

    def handle_request(self, req: Any, conn: Connection) -> Any:
        """Runs in a thread, which a reader who takes nothing must not keep for ever either."""
        conn.sock.settimeout(SLOWEST_SECONDS)
        return super().handle_request(req, conn)

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        return conn.gathering.is_alone and bool(super()._keepalive_after(conn, keepalive))

    # The end of a connection

    def linger(self, conn: Connection) -> None:
        """Says that nothing more will be sent, and closes once the other side has, or has had its time."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, EVENT_READ, partial(self._last, conn))
        except OSError:
            close(conn.sock)
            return
        conn.timeout = monotonic() + LINGER_SECONDS
        self.lingering.append(conn)

    def _last(self, conn: Connection, client: socket.socket) -> None:
        try:
            if client.recv(PIECE):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.lingering.remove(conn)
        self._part(conn)

    def _part(self, conn: Connection) -> None:
        self.poller.unregister(conn.sock)
        close(conn.sock)

    def murder_pending(self) -> None:
        """Called about once a second: gives up whoever has sent nothing for too long. A server that is to stop does
        not wait for browsers that only hold a connection in case they need one."""
        now = monotonic()
        last_end = now if self.alive else now + IDLE_SECONDS - LINGER_SECONDS
        while self.pending_conns and self.pending_conns[0].timeout <= last_end:
            self._drop(self.pending_conns.popleft())
        while self.lingering and self.lingering[0].timeout <= now:
            self._part(self.lingering.popleft())
