"""Every request has a number, is timed, and is told to the log in one line that says nothing of what anybody read."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import NamedTuple

from flask import Flask, current_app, g, request
from flask.wrappers import Response

from elearn.logs import REQUEST, tell
from elearn.web import access

log = logging.getLogger(__name__)

LOOKS_LIKE_A_NUMBER = re.compile(r"[A-Za-z0-9_-]{8,64}")
"""What a proxy's X-Request-ID must look like to be taken over."""

ASKED_BY_MACHINES = frozenset({"public.live", "public.ready", "metrics.metrics_page"})
"""Asked every few seconds; told to the log only where the answer is not a good one."""


class Answered(NamedTuple):
    """What is known of a request once it is answered. `route` is the view's name, never the address: addresses carry
    tokens, serials and words searched for."""

    route: str
    method: str
    status: int
    seconds: float


Watcher = Callable[[Answered], None]


def init(app: Flask) -> None:
    """Stands before everything else, so that what others refuse is timed and told too."""
    app.extensions["elearn.watchers"] = []
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_forget)
    app.log_exception = _log_exception  # type: ignore[method-assign] # Flask's own line holds the address


def add_watcher(app: Flask, watcher: Watcher) -> None:
    """Has `watcher` told of every answered request."""
    app.extensions["elearn.watchers"].append(watcher)


def _begin() -> None:
    g.began = monotonic()
    REQUEST.set(_number())


def _number() -> str:
    """The proxy's number for this request where proxies are trusted, so that both logs can be read together."""
    if current_app.config["ELEARN"].trusted_proxies:
        sent = request.headers.get("X-Request-ID", "")
        if LOOKS_LIKE_A_NUMBER.fullmatch(sent):
            return sent
    return secrets.token_hex(8)


def _end(response: Response) -> Response:
    answered = Answered(request.endpoint or "none", request.method, response.status_code, monotonic() - g.began)
    for watcher in current_app.extensions["elearn.watchers"]:
        watcher(answered)
    if answered.route not in ASKED_BY_MACHINES or answered.status >= 400:
        tell(
            "request",
            method=answered.method,
            route=answered.route,
            status=answered.status,
            ms=round(answered.seconds * 1000, 1),
            officer=access.officer_if_known(),
        )
    return response


def _forget(_error: BaseException | None) -> None:
    REQUEST.set("")


def _log_exception(
    exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None],
) -> None:
    log.error("a view failed: %s %s", request.method, request.endpoint, exc_info=exc_info)
