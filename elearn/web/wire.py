"""What the server says by itself, around the application: no name, nothing of what it was sent, and the same protection
as every page.

gunicorn names itself on every answer, repeats a request that it cannot read inside a page of its own, and believes a
proxy on this machine whatever the settings say. Here it does none of the three.
"""

# mypy: disable-error-code="no-untyped-call"
# (gunicorn carries no types.)

from __future__ import annotations

import contextlib
import socket
from typing import Any

from gunicorn.http import errors, wsgi
from gunicorn.workers.gthread import ThreadWorker

# What cannot be read as a request, by the most telling class of gunicorn's failures; everything else of theirs is 400.
STATUSES: dict[type[Exception], int] = {
    errors.LimitRequestLine: 414,
    errors.LimitRequestHeaders: 431,
    errors.ExpectationFailed: 417,
    errors.UnsupportedTransferCoding: 501,
    errors.InvalidHTTPVersion: 505,
    errors.InvalidResponseHeader: 500,
    errors.InvalidResponseHeaderName: 500,
    errors.ConfigurationProblem: 500,
}
REASONS = {
    400: "Bad Request",
    414: "URI Too Long",
    417: "Expectation Failed",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    505: "HTTP Version Not Supported",
}
SENTENCES = {
    414: "The address is longer than this site accepts.",
    431: "The head of the request is longer than this site accepts. Deleting this site's cookies may help.",
    500: "Something went wrong. Please try again in a few minutes.",
}
OTHERWISE = "This could not be read as a request."

# The worker belongs to one process and one application, so the parser is told once.
OWN_SETTINGS: dict[str, Any] = {
    # Which forwarded headers count is decided in one place: by ELEARN_TRUSTED_PROXIES, in create_app.
    "forwarded_allow_ips": "",
    "secure_scheme_headers": {},
    "forwarder_headers": "",
}


class Unnamed(wsgi.Response):
    """gunicorn's answer without the name of the program, for which gunicorn has no setting."""

    def default_headers(self) -> list[str]:
        return [line for line in super().default_headers() if not line.startswith("Server:")]


class QuietWorker(ThreadWorker):
    """gunicorn's threaded worker, which tells a stranger nothing about itself."""

    def init_process(self) -> None:
        wsgi.Response = Unnamed  # type: ignore[misc] # the one place that gunicorn looks it up
        for name, value in OWN_SETTINGS.items():
            self.cfg.set(name, value)
        super().init_process()

    @property
    def protection(self) -> dict[str, str]:
        """The headers that the application puts on each of its answers."""
        return dict(self.wsgi.extensions["elearn.headers"])

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answers a request that never reached the application. Only what kind of failure it was is logged: the rest
        was written by whoever sent it."""
        status = status_of(exc)
        if status == 500:
            self.log.exception("a request could not be answered")
        else:
            self.log.warning("refused what %s sent: %s", addr[0] if addr else "a socket", type(exc).__name__)
        with contextlib.suppress(OSError):  # whoever does not take it has gone
            client.sendall(refusal(status, self.protection))


def status_of(failure: Exception) -> int:
    """The status that says what was wrong with a request; 500 where the fault is ours."""
    for kind in type(failure).__mro__:
        if kind in STATUSES:
            return STATUSES[kind]
    return 400 if isinstance(failure, errors.ParseException) else 500


def refusal(status: int, protection: dict[str, str]) -> bytes:
    """A whole answer that holds nothing of the request."""
    body = SENTENCES.get(status, OTHERWISE) + "\n"
    headers = {
        **protection,
        "Cache-Control": "no-store",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines = (f"HTTP/1.1 {status} {REASONS[status]}", *(f"{name}: {value}" for name, value in headers.items()))
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("ascii")
