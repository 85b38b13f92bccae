"""What a visitor is told when something cannot be answered: a page in the house's style, or JSON, never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

from flask import Flask, g, make_response, render_template, request
from flask.wrappers import Response
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from werkzeug.exceptions import HTTPException

from elearn.i18n import _
from elearn.services import learning, library, people, quizzes, rights
from elearn.web.access import forget_who_asks, viewer_or_none

RETRY_SECONDS = 5
AWAY = (OperationalError, InterfaceError, NoConnectionLeft)
"""What a database says that cannot be reached, is busy for too long, or takes nothing more."""

log = logging.getLogger(__name__)


class Told(NamedTuple):
    """What is said about a failure: a code for programs, a heading and a sentence for people."""

    code: str
    heading: str
    sentence: str


def init(app: Flask) -> None:
    """Registers a page for every failure that can reach the door."""
    app.register_error_handler(HTTPException, _told)
    for missing in (library.NotServed, quizzes.NotYours, people.NoSuchOfficer):
        app.register_error_handler(missing, lambda _error: answer(404, _not_found()))
    # What _check_door looked at may have ended since.
    app.register_error_handler(rights.NotAdministrator, lambda _error: answer(403, _forbidden()))
    app.register_error_handler(learning.TooManyTries, lambda _error: answer(429, _too_many_tries()))
    for away in AWAY:
        app.register_error_handler(away, _not_now)


def wants_json() -> bool:
    """Whether a program asks: one that names JSON before HTML."""
    accepted = request.accept_mimetypes
    return accepted.best_match(["text/html", "application/json"]) == "application/json"


def answer(status: int, told: Told, headers: dict[str, str] | None = None) -> Response:
    """The failure as a page, or as JSON for a program."""
    if wants_json():
        response = make_response({"error": told.code, "message": told.sentence}, status)
    else:
        _see_who_asks(status)
        kept = _what_was_sent() if status == 503 else ()
        page = render_template("errors/error.html", told=told, status=status, kept=kept, action=request.full_path)
        response = make_response(page, status)
    response.headers.update(headers or {})
    return response


def _told(error: HTTPException) -> Response:
    status = error.code or 500
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return answer(status, _SENTENCES.get(status, _other)(), headers)


def _not_now(error: Exception) -> Response:
    # The first line only: further ones may tell of values, which are somebody's.
    log.error("not answered just now: %s", str(getattr(error, "orig", error)).partition("\n")[0])
    return answer(503, _unavailable(), {"Retry-After": str(RETRY_SECONDS)})


def _see_who_asks(status: int) -> None:
    """Who is signed in stands in the database, and that may be what failed: then the page is a stranger's. A page that
    is not there stays so, whether the database is or not."""
    try:
        if status < 500:
            viewer_or_none()
            return
    except AWAY:
        pass
    forget_who_asks()


def _what_was_sent() -> tuple[tuple[str, str], ...]:
    """The fields of a form that could not be taken now, to be sent again from the error page; never a password.

    The CSRF token goes back as it came and is checked again: a forged form stays a forged form.
    """
    if request.method != "POST" or request.files:
        return ()
    fields = tuple(request.form.items(multi=True))
    return () if any("password" in name for name, _value in fields) else fields


def _bad_request() -> Told:
    if g.get("csrf_failed"):
        sentence = _("This page was open too long. Go back, reload the page, and send again.")
        return Told("csrf", _("Please send that again"), sentence)
    if g.get("wrong_host"):
        sentence = _("This site does not go by the name in your address bar. Ask your training office for its address.")
        return Told("wrong-host", _("This is not the address of this site"), sentence)
    return Told(
        "bad-request", _("This could not be read"), _("The address or the form is not complete. Go back and try again.")
    )


def _forbidden() -> Told:
    sentence = _("Your account does not open this page. If you need it for your work, ask your training office.")
    return Told("forbidden", _("This page is not open to you"), sentence)


def _not_found() -> Told:
    sentence = _(
        "There is no such page, or it is not open to your account. Check the address, or begin again at the start page."
    )
    return Told("not-found", _("Page not found"), sentence)


def _not_allowed() -> Told:
    sentence = _("This address only takes what is sent to it by a form. Go back to the page you came from.")
    return Told("not-allowed", _("This page cannot be opened by itself"), sentence)


def _too_large() -> Told:
    sentence = _("What was sent is larger than this site accepts. Choose a smaller file and send it again.")
    return Told("too-large", _("That is too large"), sentence)


def _too_many() -> Told:
    sentence = _("There were many tries in a short time. Wait a few minutes, then try again.")
    return Told("too-many", _("Please wait a little"), sentence)


def _too_many_tries() -> Told:
    sentence = _(
        "You have tried this more often than can be kept. What you reached counts. Please go on with the next step."
    )
    return Told("too-many-tries", _("That was enough practice here"), sentence)


def _server_error() -> Told:
    sentence = _(
        "The fault is ours and has been noted. What was saved before is safe. Please try again in a few minutes."
    )
    return Told("server-error", _("Something went wrong"), sentence)


def _unavailable() -> Told:
    sentence = _("The system is busy for a moment. Nothing that was saved is lost. Please try again in a few seconds.")
    return Told("unavailable", _("Not available just now"), sentence)


def _other() -> Told:
    return Told("error", _("This did not work"), _("Go back and try again, or begin again at the start page."))


_SENTENCES: dict[int, Callable[[], Told]] = {
    400: _bad_request,
    403: _forbidden,
    404: _not_found,
    405: _not_allowed,
    413: _too_large,
    429: _too_many,
    500: _server_error,
    503: _unavailable,
}
