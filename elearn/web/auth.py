"""The door: signing in and out, one's own account, a forgotten password, and the first one."""

from __future__ import annotations

from typing import NamedTuple, cast

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from config import Config
from elearn.i18n import _, n_
from elearn.services import accounts, mail
from elearn.services.passwords import LONGEST, SHORTEST
from elearn.web import access
from elearn.web.access import SignedIn, current_viewer, now, open_to, safe_next, viewer_or_none

bp = Blueprint("auth", __name__)

LONGEST_EMAIL = 254

# The order matters: Edge and Opera also call themselves Chrome, Chrome calls itself Safari, Android calls itself Linux.
BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


class Problem(NamedTuple):
    """What is wrong with one field of a form, in a sentence."""

    field: str
    sentence: str


@bp.get("/sign-in")
@open_to("anyone")
def sign_in_page() -> Response | str:
    if viewer_or_none():
        return redirect(safe_next(request.args.get("next")) or url_for("public.home"))
    return _sign_in_page(next=request.args.get("next"))


@bp.post("/sign-in")
@open_to("anyone")
def sign_in() -> Response | str:
    email = request.form.get("email", "")
    try:
        token = accounts.sign_in(email, request.form.get("password", ""), _address(), _device(), now())
    except accounts.WrongPair:
        sentence = _("This e-mail and password do not belong together. Check both and try again.")
        return _sign_in_page(email=email, problem=Problem("email", sentence), next=request.form.get("next"))
    except accounts.TooManyTries as wait:
        page = _sign_in_page(email=email, problem=Problem("email", _when(wait)), next=request.form.get("next"))
        return _later(page, wait)
    end_the_one_before()
    access.begin(token)
    return redirect(safe_next(request.form.get("next")) or url_for("public.home"))


@bp.post("/sign-out")
@open_to("anyone")
def sign_out() -> Response:
    end_the_one_before()
    access.end()
    response = redirect(url_for("public.home"))
    # On a shared computer the next one must not find her pages by the Back button.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@bp.get("/account")
@open_to("officer")
def account_page() -> str:
    return _account_page()


@bp.post("/account/password")
@open_to("officer")
def change_password() -> Response | str:
    """Replaces the officer's own password; she shows the one she has."""
    viewer, form = current_viewer(), request.form
    try:
        accounts.change_password(
            viewer.officer_id,
            viewer.sign_in_id,
            form.get("current-password", ""),
            form.get("new-password", ""),
            _address(),
            now(),
        )
    except accounts.WrongPair:
        return _account_page(problem=Problem("current-password", _("This is not your present password.")))
    except accounts.WeakPassword as why:
        return _account_page(problem=Problem("new-password", weakness(why.reason)))
    except accounts.TooManyTries as wait:
        return _later(_account_page(problem=Problem("current-password", _when(wait))), wait)
    return redirect(url_for(".account_page", done="password"), 303)


@bp.post("/account/sign-ins/end")
@open_to("officer")
def end_sign_ins() -> Response:
    """Ends one other sign-in of the officer, or all others."""
    viewer = current_viewer()
    which = request.form.get("sign-in", "")
    if which.isascii() and which.isdigit() and len(which) < 19:
        accounts.end_sign_in(viewer.officer_id, int(which), now())
    elif which == "others":
        accounts.end_all_sign_ins(viewer.officer_id, now(), keep=viewer.sign_in_id)
    return redirect(url_for(".account_page", done="ended"), 303)


@bp.get("/forgotten")
@open_to("anyone")
def forgotten_page() -> str:
    return render_template("auth/forgotten.html", by_mail=bool(_config().mail_url), asked=False, problem=None)


@bp.post("/forgotten")
@open_to("anyone")
def forgotten() -> Response | str:
    """The same answer whether there is such an account or not; the letter goes out after the answer."""
    by_mail = bool(_config().mail_url)
    if not by_mail:
        return forgotten_page()
    try:
        link = accounts.link_for_forgotten(request.form.get("email", ""), _address(), now())
    except accounts.TooManyTries as wait:
        problem = Problem("email", _when(wait))
        return _later(render_template("auth/forgotten.html", by_mail=True, asked=False, problem=problem), wait)
    response = make_response(render_template("auth/forgotten.html", by_mail=True, asked=True, problem=None))
    if link:
        email, token = link
        config, letter = _config(), _letter(email, token)
        # Sent once the answer is out, so that its time tells nobody whether a letter was sent.
        response.call_on_close(lambda: mail.send(config.mail_url, config.mail_from, letter))
    return response


@bp.get("/first-password/<token>")
@open_to("anyone")
def first_password_page(token: str) -> Response | str:
    return _first_password_page(token)


@bp.post("/first-password/<token>")
@open_to("anyone")
def first_password(token: str) -> Response | str:
    """Sets a password by a one-time link, which is used up by it; then the officer signs in with it."""
    try:
        accounts.set_password_by_link(token, request.form.get("new-password", ""), now(), _address())
    except accounts.LinkNotGood:
        return _first_password_page(token)
    except accounts.WeakPassword as why:
        return _first_password_page(token, Problem("new-password", weakness(why.reason)))
    access.end()
    return redirect(url_for(".sign_in_page", done="password"), 303)


def weakness(reason: str) -> str:
    """Why a password was not taken, and what would be, in the reader's language."""
    return {
        "too-short": _(
            "Use at least {shortest} characters. Three words that do not belong together are good.", shortest=SHORTEST
        ),
        "too-long": _("Use at most {longest} characters.", longest=LONGEST),
        "common": _("This is among the first that people guess. Three words that do not belong together are good."),
        "own": _("Do not use your own name, e-mail or employee number as the password."),
    }[reason]


def _sign_in_page(**shown: object) -> str:
    values = {"email": "", "problem": None, "done": request.args.get("done", ""), **shown}
    values["email"] = str(values["email"])[:LONGEST_EMAIL]
    values["next"] = safe_next(cast(str | None, shown.get("next")))
    values["provider"] = provider.label if (provider := _config().oidc) else ""
    return render_template("auth/sign_in.html", **values)


def _account_page(problem: Problem | None = None) -> str:
    viewer = current_viewer()
    account = accounts.account_of(viewer.officer_id, now())
    return render_template(
        "auth/account.html",
        account=account,
        here_id=viewer.sign_in_id,
        problem=problem,
        done=request.args.get("done", ""),
        shortest=SHORTEST,
        device_words=device_words,
    )


def device_words(agent: str) -> str:
    """A browser's own long description, in the few words that an officer knows it by."""
    browser = next((name for sign, name in BROWSERS.items() if sign in agent), _("A browser"))
    system = next((name for sign, name in SYSTEMS.items() if sign in agent), "")
    return _("{browser} on {system}", browser=browser, system=system) if system else browser


def _first_password_page(token: str, problem: Problem | None = None) -> Response | str:
    email = accounts.email_of_link(token, now())
    if email is None:
        return make_response(render_template("auth/link_not_good.html"), 404)
    return render_template("auth/first_password.html", email=email, problem=problem, shortest=SHORTEST)


def _letter(email: str, token: str) -> mail.Letter:
    config = _config()
    address = f"{config.base_url}{url_for('.first_password_page', token=token)}"
    body = "\n\n".join(
        (
            _(
                "Somebody asked for a new password for this e-mail address at {organisation}.",
                organisation=config.organisation,
            ),
            _(
                "If it was you, open this address within {hours} hours and choose one:",
                hours=accounts.FORGOTTEN_LINK_HOURS,
            ),
            address,
            _("If it was not you, do nothing: your password stays as it is."),
        )
    )
    return mail.Letter(email, _("A new password for your course"), body)


def _when(wait: accounts.TooManyTries) -> str:
    minutes = -(-wait.retry_after // 60)
    if wait.retry_after <= 60:
        return n_(
            "Too many tries. Please try again in {count} second.",
            "Too many tries. Please try again in {count} seconds.",
            wait.retry_after,
        )
    return n_(
        "Too many tries. Please try again in {count} minute.",
        "Too many tries. Please try again in {count} minutes.",
        minutes,
    )


def _later(page: str, wait: accounts.TooManyTries) -> Response:
    response = make_response(page, 429)
    response.headers["Retry-After"] = str(wait.retry_after)
    return response


def end_the_one_before() -> None:
    """Ends the sign-in this browser came with, if any."""
    if viewer_or_none():
        accounts.sign_out(cast(SignedIn, current_user).token, now())


def _address() -> str:
    return request.remote_addr or ""


def _device() -> str:
    return request.user_agent.string


def _config() -> Config:
    config: Config = current_app.config["ELEARN"]
    return config
