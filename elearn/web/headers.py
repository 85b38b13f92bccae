"""What every answer carries: the headers that keep a browser safe, how long it may be kept, and its compression."""

from __future__ import annotations

import gzip
from hashlib import sha256
from typing import TypeVar

from flask import Flask, current_app, request
from flask.wrappers import Response
from werkzeug.wrappers import Response as AnyResponse

R = TypeVar("R", bound=AnyResponse)

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
# A picture opened by itself is a document: it may load nothing, and nothing in it may run.
PICTURE_CSP = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"

PERMISSIONS = (
    "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), "
    "geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), "
    "publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()"
)

ALWAYS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HSTS = "max-age=31536000; includeSubDomains"

ASK_AGAIN = "private, no-cache"
NOT_KEPT = "no-store"
WORTH_PACKING = 1024  # bytes


def init(app: Flask) -> None:
    always = dict(ALWAYS)
    if app.config["ELEARN"].https:
        always["Strict-Transport-Security"] = HSTS
    app.extensions["elearn.headers"] = tuple(always.items())
    app.after_request(finish)


def asked_again(response: R) -> R:
    """Lets the reader's own browser keep a page, if it asks each time whether it still holds: a lesson read again
    on a slow line then costs one short answer."""
    response.headers["Cache-Control"] = ASK_AGAIN
    return response


def finish(response: Response) -> Response:
    """The last hand on every answer, errors too."""
    headers = response.headers
    for name, value in current_app.extensions["elearn.headers"]:
        if name not in headers:
            headers.add(name, value)
    # Kept nowhere unless a view says otherwise: most pages tell something about somebody.
    if "Cache-Control" not in headers:
        headers.add("Cache-Control", NOT_KEPT)
    if response.mimetype == "text/html":
        headers["Vary"] = "Cookie, Accept-Language, Accept-Encoding"
        _answer_not_modified(response)
        _pack(response)
    return response


def _answer_not_modified(response: Response) -> None:
    """304 where the browser has this very page. The tag is weak: it names the page, packed or not."""
    if response.headers["Cache-Control"] != ASK_AGAIN or response.status_code != 200:
        return
    tag = sha256(response.get_data()).hexdigest()[:32]
    response.set_etag(tag, weak=True)
    if request.if_none_match.contains_weak(tag):
        response.status_code = 304
        response.set_data(b"")


def _pack(response: Response) -> None:
    """Compresses a page, unless part of it may have been chosen by a stranger.

    BREACH (Gluck, Harris, Prado 2013) reads a secret from the size of a compressed page that repeats both the secret
    and the attacker's own text. Our pages hold a CSRF token; only what comes from an address of ours without a query,
    and is neither an error nor an answer to a form, surely repeats nothing.
    """
    if (
        request.method != "GET"
        or request.query_string
        or response.status_code != 200
        or response.is_streamed
        or not request.accept_encodings["gzip"]
        or (response.content_length or 0) <= WORTH_PACKING
    ):
        return
    response.set_data(gzip.compress(response.get_data(), 5, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
