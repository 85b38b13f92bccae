"""Who may enter a page: the sign-in behind every request, the CSRF token, and the mark that each view must carry."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, g, redirect, request, session, url_for
from flask_login import AnonymousUserMixin, LoginManager, UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from elearn.domain.roles import Entry, Viewer
from elearn.services import accounts, second_factor

login_manager = LoginManager()
# Flask-Login's own protection ends a sign-in whenever the address changes, as it does on every phone.
login_manager.session_protection = None  # type: ignore[assignment] # its types forget that None is allowed

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

View = TypeVar("View", bound=Callable[..., Any])


class SignedIn(UserMixin):
    """What Flask-Login keeps of a sign-in: its random token, and whom it brought."""

    def __init__(self, token: str, viewer: Viewer) -> None:
        self.token, self.viewer = token, viewer

    def get_id(self) -> str:
        return self.token


@login_manager.user_loader  # type: ignore[untyped-decorator]
def _load(token: str) -> SignedIn | None:
    viewer = accounts.viewer_of(token, now())
    return SignedIn(token, viewer) if viewer else None


def open_to(*entries: Entry) -> Callable[[View], View]:
    """Marks who may enter a view. A view without this mark stays closed, and a test names it."""

    def mark(view: View) -> View:
        view.open_to = entries  # type: ignore[attr-defined]
        return view

    return mark


def guard(app: Flask) -> None:
    """Puts the login manager, the door and the CSRF check before every view of the app."""
    login_manager.init_app(app)
    app.before_request(_check_door)
    app.before_request(_check_fields)
    app.before_request(_check_csrf)


def now() -> datetime:
    """The moment this request counts as; services take it as an argument."""
    return datetime.now(UTC)


def current_viewer() -> Viewer:
    """Whoever is signed in. Only for views that are not open to anyone."""
    return cast(SignedIn, current_user).viewer


def viewer_or_none() -> Viewer | None:
    who = cast(UserMixin, current_user)
    return cast(SignedIn, who).viewer if who.is_authenticated else None


def forget_who_asks() -> None:
    """For the rest of this request nobody is signed in, and nobody is looked up: not by Flask-Login either, which
    does so whenever a template is rendered."""
    g._login_user = AnonymousUserMixin()


def officer_if_known() -> int | None:
    """The number of whoever this request turned out to be from; nothing is looked up for it."""
    who = g.get("_login_user")
    return who.viewer.officer_id if isinstance(who, SignedIn) else None


def begin(token: str) -> Viewer | None:
    """Puts a fresh sign-in into the browser's cookie, with a CSRF token of its own; returns whom it brings, None where
    it has ended already: she may have been shut out since it was made, a moment ago."""
    viewer = accounts.viewer_of(token, now())
    if viewer is None:
        end()
        return None
    session.clear()
    session["csrf"] = secrets.token_urlsafe(24)
    login_user(SignedIn(token, viewer))
    return viewer


def begin_half(token: str) -> None:
    """Keeps that this browser has shown the password and not yet the code. Nobody is signed in by it."""
    end()
    session["half"] = token
    session["csrf"] = secrets.token_urlsafe(24)


def half() -> str:
    """What `begin_half` keeps, or ""."""
    return str(session.get("half", ""))


def owes_second_factor(viewer: Viewer) -> bool:
    """Whether her roles stay closed to her until she has set up a second factor."""
    asked = current_app.config["ELEARN"].second_factor == "required"
    return asked and bool(viewer.grants) and not second_factor.is_set_up(viewer.officer_id)


def end() -> None:
    logout_user()
    session.clear()


def csrf_token() -> str:
    """One token for one sign-in, so that a page which has not changed keeps its ETag."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(24)
    return str(session["csrf"])


def safe_next(target: str | None) -> str | None:
    """`target` if it is an address on this site, else None: //elsewhere, \\elsewhere and schemes are refused."""
    if not target or len(target) > 2000 or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    return None if any(ord(c) < 33 or c == "\\" for c in target) else target


def _check_door() -> Response | None:
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None:
        return None  # no such page: the 404 follows
    entries: tuple[Entry, ...] = getattr(view, "open_to", ())
    if not entries:
        abort(403)
    if "anyone" in entries:
        return None
    viewer = viewer_or_none()
    if viewer is None:
        return redirect(url_for("auth.sign_in_page", next=safe_next(where_they_were())))
    if not any(viewer.may_enter(entry) for entry in entries):
        accounts.note_refusal(viewer.officer_id, request.path, request.remote_addr or "", now())
        abort(403)
    if not {"officer", "anyone"} & set(entries) and owes_second_factor(viewer):
        return redirect(url_for("factor.second_factor_page", next=safe_next(where_they_were())))
    return None


def where_they_were() -> str:
    """The page to come back to after signing in: this one, or the one whose form was sent."""
    if request.method in ("GET", "HEAD"):
        return request.full_path.rstrip("?")
    try:
        page = urlsplit(request.referrer or "")
    except ValueError:  # no address at all, such as http://[
        return "/"
    return page.path if page.netloc == request.host else "/"


def _check_fields() -> None:
    """The same limits however a form is encoded and sent: Werkzeug keeps them for forms with files alone, and takes
    any other form whole, up to the largest file."""
    if request.method in SAFE or request.endpoint is None:
        return
    if request.mimetype == "application/x-www-form-urlencoded":
        request.max_content_length = request.max_form_memory_size
    most = request.max_form_parts
    if most and sum(len(values) for values in request.form.listvalues()) > most:
        abort(413)


def _check_csrf() -> None:
    if request.method in SAFE or request.endpoint is None:
        return
    sent = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
    # Bytes are compared: compare_digest raises on text that is not ASCII.
    if not hmac.compare_digest(sent.encode(), str(session.get("csrf", "")).encode()) or not sent:
        g.csrf_failed = True
        abort(400)
